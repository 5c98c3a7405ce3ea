"""What is fuzzed: functions of any bytes that raise where hooktop does what it must not."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from monitor import jsonbody
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.reading import Direction, Status
from monitor.model.record import capture_record
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys, Provider
from monitor.providers.keys import SigningKey, verifying_key
from monitor.providers.registry import registry
from monitor.services.imports.files import captures, look_at
from monitor.services.imports.problem import ImportProblem
from monitor.text import MAX_MARKS, TAB_WIDTH, visible, visible_bytes
from monitor.ui.documents.body import body as body_document
from monitor.ui.documents.look import Reader

URL: Final = "https://hooks.example.com/in"
NOW: Final = 1_769_860_800.0
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
PROVIDERS: Final = tuple(registry())
SIGNING: Final = tuple(provider for provider in PROVIDERS if provider.signature_headers)


@cache
def known(choice: int) -> tuple[SigningKey, Keys]:
    """A key that ``SIGNING[choice]`` signs with here, the same each time where it is a secret, and what verifies it."""
    key = SIGNING[choice].local_key()
    key = b"fuzz" * 8 if isinstance(key, bytes) else key
    return key, Keys((verifying_key(key, "fuzz"),), (URL,), "https://hooks.example.com")


def signature(data: bytes) -> None:
    """No header is a right signature unless it was made with the key, and none makes a check or a reader raise.

    The first byte chooses a provider and a form: below 128 lines of ``name: value``, a blank line and a body; else one
    edit of a request that is signed rightly (which part, where, with what).
    """
    choice, rest = data[0] if data else 0, data[1:]
    provider = SIGNING[choice % len(SIGNING)]
    key, keys = known(choice % len(SIGNING))
    if choice < 128:
        head, _, body = rest.partition(b"\n\n")
        lines = [line.partition(b":") for line in head.split(b"\n")]
        headers = [(name.decode("latin-1"), value.decode("latin-1").strip()) for name, _, value in lines]
        original = None
    else:
        body = b'{"type":"message","id":"1","text":"hello"}'
        headers = provider.sign(body, key, url=URL, at=NOW)
        original = (list(headers), body)
        which, place, rest = rest[:1] or b"\0", rest[1:2] or b"\0", rest[2:]
        part, at = which[0] % (len(headers) + 1), place[0]
        if part == len(headers):
            body = body[:at] + rest + body[at + 1 :]
        else:
            name, value = headers[part]
            headers[part] = (name, value[:at] + rest.decode("latin-1") + value[at + 1 :])
    request = Request("POST", "/in", "", tuple(headers), body)
    parsed = jsonbody.parse(body)
    verdict = provider.verify(request, parsed, keys, NOW)
    assert isinstance(verdict.status, VerdictStatus)
    assert verdict.reason
    if verdict.status is VerdictStatus.VERIFIED:
        assert original is not None, "forged"
        assert _signed_alike(provider, headers, body, *original), f"verified after a change: {headers} {body!r}"
    list(provider.signed(request, parsed, keys))


def _signed_alike(
    provider: Provider, headers: list[tuple[str, str]], body: bytes, old: list[tuple[str, str]], signed: bytes
) -> bool:
    """Whether an edit changed nothing that is signed."""
    if provider.name == "oneroute":  # signs what JavaScript writes of the body
        again = jsonbody.parse(body)
        body = jsonbody.compact(again.value) if again.ok else body
    names = {"x-request-id", "messagebird-request-id"}  # goes along unsigned
    said = [(name, value.strip().lower() if provider.name == "oneroute" else value.strip())
            for name, value in headers if name not in names]  # fmt: skip
    if provider.name == "standard":  # a list of signatures: one right one is enough
        of = dict(old)["webhook-signature"]
        said = [(n, of if n == "webhook-signature" and of in v.split() else v) for n, v in said]
    return body == signed and said == [pair for pair in old if pair[0] not in names]


def reading(data: bytes) -> None:
    """Any body can be parsed, read by every reader, written as JSON and laid out for the screen."""
    parsed = jsonbody.parse(data)
    assert parsed.ok or (parsed.value is None and parsed.problems)
    if parsed.ok:
        json.loads(data.decode("utf-8-sig"))
    request = Request("POST", "/", "", (), data)
    for provider in PROVIDERS:
        provider.recognise(request, parsed)
        read = provider.read(request, parsed)
        assert read.status is None or isinstance(read.status, Status)
        assert read.direction is None or isinstance(read.direction, Direction)
        at = datetime.fromtimestamp(NOW, UTC)
        verdict = provider.verify(request, parsed, Keys(), NOW)
        capture = Capture(1, at, provider.name, Source.NETWORK, request, 200, verdict, Origin(), read)
        jsonbody.json_line(capture_record(capture)).decode("utf-8")
    for reader in (Reader(), Reader(masked=True)):
        for raw in (False, True):
            document = body_document(data, reader, raw=raw)
            assert all(first < last < len(document.lines) for first, last in document.folds.items())
            for line in document.lines:
                acts_not(line.text)


def text(data: bytes) -> None:
    """What is made visible cannot act, stays as it is when made visible again, and is only so wide."""
    for given in (data.decode("utf-8", "surrogateescape"), data.decode("utf-16-le", "surrogatepass")
                  if len(data) % 2 == 0 else data.decode("latin-1")):  # fmt: skip
        for lines in (False, True):
            shown = visible(given, lines=lines)
            acts_not(shown, lines=lines)
            assert visible(shown, lines=lines) == shown
            assert cell_len(shown) <= max(len("\\U00000000"), TAB_WIDTH) * len(given)
            assert visible(given, lines=lines, limit=5) == (
                shown if len(given) <= 5 else visible(given[:5] + "…", lines=lines)
            )
    acts_not(visible_bytes(data))
    acts_not(visible_bytes(data, lines=True, limit=7), lines=True)


def acts_not(shown: str, *, lines: bool = False) -> None:
    """Raise AssertionError where a visible text could act on a terminal."""
    run = 0
    for char in shown:
        category = unicodedata.category(char)
        assert category not in HIDDEN or (lines and char == "\n"), f"{char!r} in {shown!r}"
        run = run + 1 if category in ("Mn", "Me") else 0
        assert run <= MAX_MARKS, f"a tower of marks in {shown!r}"


def imports(data: bytes) -> None:
    """Any file is captures or one clear sentence, and captures can be written as JSON again."""
    with tempfile.NamedTemporaryFile(prefix="hooktop-fuzz-", dir=_memory()) as file:
        file.write(data)
        file.flush()
        said = "."
        try:
            found = look_at(Path(file.name))
            made = list(captures(found))
        except ImportProblem as problem:
            made, said = [], str(problem)
            acts_not(said)
        assert said.endswith(".")
        for capture in made:
            assert capture.source is Source.IMPORTED
            assert capture.verdict.status is VerdictStatus.UNCHECKED
            jsonbody.json_line(capture_record(capture)).decode("utf-8")


@cache
def _memory() -> str | None:
    """A folder in memory where there is one: files are written thousands of times."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "signature": signature,
    "reading": reading,
    "text": text,
    "imports": imports,
}
