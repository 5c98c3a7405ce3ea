"""``hooktop export``: captures for other programs and other people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli import written
from monitor.cli.command import Command, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.filters import not_before, parse_capture_filter
from monitor.cli.options import FILTER, since_option
from monitor.cli.output import counted
from monitor.cli.types import Whole
from monitor.paths import expanded

if TYPE_CHECKING:
    from monitor.config import Config

FORMATS: Final = ("jsonl", "har", "curl", "csv", "bundle")


@click.command(cls=Command)
@FILTER
@click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="What to write.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A new file (default: stdout).")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--mask", is_flag=True, help="Replace numbers, names, texts and secrets, each always in the same way.")
@click.option("--limit", type=Whole(1), metavar="N", help="The newest N (default: all).")
@since_option("Not older than this (90s, 15m, 2h, 7d).")
@click.pass_context
def command(
    ctx: click.Context,
    words: Sequence[str],
    form: str,
    output: Path | None,
    force: bool,
    mask: bool,
    limit: int | None,
    since: float | None,
) -> None:
    """Write captures in a form that other programs take, oldest first. A running hooktop does not mind.

    jsonl is what every --json prints; har is for browsers and proxies; curl is a bash script that sends the same bytes
    again; csv is for spreadsheets; bundle is one file for 'hooktop open' and 'hooktop import'. Files are readable by
    you alone. Without --mask they hold what was captured: numbers, texts and what the headers said.

    \b
    Examples:
      hooktop export status:failed --since 2h -o failed.jsonl
      hooktop export --format bundle --mask -o for-the-support.hooktop
      hooktop export id:12 --format curl | bash -s http://127.0.0.1:3000
    """
    from monitor.cli.history import needed
    from monitor.services.assemble import load_config

    options = globals_of(ctx)
    wanted = not_before(parse_capture_filter(" ".join(words)), since)
    target = None if output is None or str(output) == "-" else expanded(output)
    if target is None and form == "bundle" and sys.stdout.isatty():
        fail("A bundle is nothing to look at on a terminal; name a file with -o.", USAGE)
    config = load_config(options.config)
    path = needed(options, config)
    if target is not None:
        written.check(target, path, force=force)

    from monitor.services.export.base import Format
    from monitor.services.export.exporting import Progress, export

    with Counter() as counter:

        def progress(now: Progress) -> None:
            counter.say(f"{counted(now.written, 'capture')}  {now.looked_at:.0%}")

        sys.stdout.flush()
        try:
            number = export(
                path,
                wanted,
                Format(form),
                sys.stdout.buffer if target is None else target,
                masked=mask,
                hidden=_hidden(config),
                limit=limit,
                force=force,
                terminal=target is None and sys.stdout.isatty(),
                progress=progress,
            )
        except FileExistsError as error:
            written.refuse(Path(error.filename))
        except OSError as error:
            if target is None:  # whoever reads stdout may have gone
                raise
            fail(f"The file {target} cannot be written ({error.strerror}); mend that, or name another with -o.")
        sys.stdout.buffer.flush()
    if target is not None:
        state = "masked" if mask else "as they came; --mask hides numbers, texts and secrets"
        tell(f"Wrote {counted(number, 'capture')} to {target}, {state}.")
    elif not number:
        tell("No capture passes the filter." if wanted.text.strip() else "There are no captures yet.")


def _hidden(config: Config) -> list[str]:
    """The secrets of this installation, which may stand in no masked file."""
    from monitor import paths
    from monitor.cli.logs import SHORTEST, secrets_of
    from monitor.secret import KeyringSecret
    from monitor.services.localkeys import LocalKeys

    known = [secret.reveal() for secret in secrets_of(config) if not isinstance(secret, KeyringSecret)]
    if config.receiver.tokens:
        known.append(LocalKeys(paths.data_dir()).path_token())
    return [secret for secret in known if len(secret) >= SHORTEST]
