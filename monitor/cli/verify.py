"""``hooktop verify``: signatures, of stored captures or of a request that is given on the command line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import NOT_VERIFIED, USAGE, fail, tell
from monitor.cli.options import POSTED_TO
from monitor.cli.output import Paint, say
from monitor.cli.types import CAPTURE_ID, LINES
from monitor.paths import expanded

if TYPE_CHECKING:
    from monitor.model.capture import Capture, Request
    from monitor.providers.base import Provider
    from monitor.providers.keys import Key

PAGE: Final = 200


@click.command(cls=Command)
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=CAPTURE_ID)
@click.option("--all", "every", is_flag=True, help="Every stored capture.")
@POSTED_TO
@click.option("--provider", metavar="NAME", help="Check a request given here, as this provider signs.")
@click.option("--body", metavar="FILE", help="Its body, byte for byte; - is standard input.")
@click.option(
    "--header", "headers", multiple=True, type=LINES, metavar="'K: V'", help="A header of it; repeat for more."
)
@click.option("--url", metavar="URL", help="The address that it was posted to; some schemes sign it.")
@click.option("--key-file", type=click.Path(path_type=Path), metavar="PATH", help="A file with the key or secret.")
@click.option("--key-env", metavar="NAME", help="An environment variable with the key or secret.")
@click.pass_context
def command(
    ctx: click.Context,
    numbers: Sequence[int],
    every: bool,
    public_url: str | None,
    provider: str | None,
    body: str | None,
    headers: Sequence[str],
    url: str | None,
    key_file: Path | None,
    key_env: str | None,
) -> int:
    """Check signatures: those of stored captures again with the keys of today, or that of a request given here.

    A secret never stands on the command line: --key-file or --key-env name where it is, and without them it is asked
    for without echo. Nothing is stored. Exit code 0 when everything verified, 4 when something did not.

    \b
    Examples:
      hooktop verify cap_12
      hooktop verify --all
      hooktop verify --provider bird --body body.json --key-env BIRD_SIGNING_KEY
          --url https://hooks.example.com/bird --header 'messagebird-signature: ...'
          --header 'messagebird-request-timestamp: ...'
    """
    options = globals_of(ctx)
    paint = Paint(no_color=options.no_color)
    if provider is None:
        if body or headers or url or key_file or key_env:
            raise click.UsageError("Name the provider whose request this is with --provider.", ctx)
        if every == bool(numbers):
            raise click.UsageError("Name captures (cap_12), or --all, or a request with --provider and --body.", ctx)
        return _stored(options, numbers, public_url, paint)
    if numbers or every:
        raise click.UsageError("--provider is for a request given here; stored captures know theirs.", ctx)
    if ctx.get_parameter_source("public_url") is ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "--public-url is for stored captures; name the address of a request given here with --url.", ctx
        )
    if body is None:
        raise click.UsageError("Name the file with the body with --body, or --body - for standard input.", ctx)
    return _given(provider, body, headers, url, (key_file, key_env), paint)


def _stored(options: Globals, numbers: Sequence[int], public_url: str | None, paint: Paint) -> int:
    from monitor.cli.history import config_at, database
    from monitor.cli.lines import verdict_text
    from monitor.cli.whole import check_lines, verdict_lines
    from monitor.model.verdict import VerdictStatus
    from monitor.services.assemble import examiner_of
    from monitor.text import visible

    config = config_at(options, public_url)
    examiner = examiner_of(config, database(options, config))
    total = verified = 0
    for capture in _captures(options, numbers):
        verdict = examiner.again(capture).verdict
        total += 1
        verified += verdict.status is VerdictStatus.VERIFIED
        if numbers:
            say(paint(f"cap_{capture.id}  {visible(capture.provider)}", bold=True), *verdict_lines(verdict, paint))
            say(*check_lines(verdict.checks, paint))
        else:
            shown = verdict_text(verdict, paint, cells=16)
            say(f"cap_{capture.id}  {shown}  {visible(capture.provider)}  {visible(verdict.reason)}")
    tell(f"{verified:,} of {total:,} verified.")
    return 0 if verified == total else NOT_VERIFIED


def _captures(options: Globals, numbers: Sequence[int]) -> Iterator[Capture]:
    from monitor.cli.history import capture_of, needed, reading

    if numbers:
        yield from [capture_of(options, number) for number in numbers]
        return
    with reading(needed(options)) as reader:
        after = 0
        while page := reader.page(after=after, limit=PAGE):
            yield from page
            after = page[-1].id


def _given(
    name: str,
    body: str,
    headers: Sequence[str],
    url: str | None,
    key_from: tuple[Path | None, str | None],
    paint: Paint,
) -> int:
    from monitor import jsonbody
    from monitor.cli.whole import check_lines, verdict_lines
    from monitor.model.verdict import VerdictStatus
    from monitor.providers import asked
    from monitor.providers.base import Keys
    from monitor.providers.registry import registry

    provider = registry().get(name)
    if provider is None:
        fail(f"There is no provider {name!r}; choose one of {', '.join(registry().names())}.", USAGE)
    request = _request(body, headers, url)
    key = _key(provider, key_from, stdin_taken=body == "-")
    public = None
    if url is not None:
        parts = urlsplit(url)
        public = f"{parts.scheme}://{parts.netloc}"
    keys = Keys(keys=(key,), urls=(url,) if url else (), public_url=public)
    verdict = asked.verdict(provider, request, jsonbody.parse(request.body), keys, time.time())
    say(*verdict_lines(verdict, paint), *check_lines(verdict.checks, paint))
    return 0 if verdict.status is VerdictStatus.VERIFIED else NOT_VERIFIED


def _request(body: str, headers: Sequence[str], url: str | None) -> Request:
    from monitor.model.capture import Request

    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            fail("A header is written as 'Name: value'; put quotes around it.", USAGE)
        pairs.append((name.strip().lower(), value.strip().encode("utf-8", "surrogateescape").decode("latin-1")))
    try:
        parts = urlsplit(url or "http://127.0.0.1/")
    except ValueError:  # such as an IPv6 address that is not closed
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        fail("The address of --url is none; write it in full, as https://hooks.example.com/bird.", USAGE)
    if body == "-":
        from monitor.config import MAX_BODY

        data = sys.stdin.buffer.read(MAX_BODY)
    else:
        try:
            data = expanded(body).read_bytes()
        except OSError as error:
            fail(f"The body {body} cannot be read ({error.strerror}); name a file, or - for standard input.", USAGE)
    return Request("POST", parts.path or "/", parts.query, tuple(pairs), data)


def _key(provider: Provider, key_from: tuple[Path | None, str | None], *, stdin_taken: bool) -> Key:
    from monitor.providers import asked

    file, variable = key_from
    if file is not None and variable is not None:
        fail("--key-file and --key-env exclude each other; choose one.", USAGE)
    if file is not None:
        try:
            text = expanded(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            fail(f"The key file {file} cannot be read ({reason}); name a file with the key or secret in it.", USAGE)
        return asked.key(provider, text, str(file))
    if variable is not None:
        value = os.environ.pop(variable, None)
        if not value:
            fail(f"The environment variable {variable} is not set; put the key or secret into it.", USAGE)
        return asked.key(provider, value.strip(), f"${variable}")
    if stdin_taken or not sys.stdin.isatty():
        fail("No key: name it with --key-file or --key-env (it can be asked for at a terminal only).", USAGE)
    return asked.key(provider, click.prompt("Key or secret", hide_input=True, err=True).strip(), "the prompt")
