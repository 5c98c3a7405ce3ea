"""``hooktop show``: one capture in full."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.output import Paint, say, say_json, write
from monitor.cli.types import CAPTURE_ID
from monitor.text import visible_bytes

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.model.verdict import Verdict


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=CAPTURE_ID)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--raw", is_flag=True, help="Only the body, byte for byte as it came (at a terminal made visible).")
@click.pass_context
def command(ctx: click.Context, number: int, as_json: bool, raw: bool) -> None:
    """Show one capture in full: verdict with its checks, reading, headers, body.

    \b
    Examples:
      hooktop show cap_12
      hooktop show 12 --json | jq .reading
      hooktop show 12 --raw > body.json
    """
    if as_json and raw:
        raise click.UsageError("--json and --raw exclude each other; choose one.", ctx)
    from monitor.cli.history import capture_of

    options = globals_of(ctx)
    capture = capture_of(options, number)
    if raw and sys.stdout.isatty():
        # Bytes from a stranger must not act on the terminal; a pipe or a file gets them as they are.
        say(visible_bytes(capture.request.body, lines=True))
    elif raw:
        write(capture.request.body)
    elif as_json:
        from monitor.model.record import capture_record

        say_json(capture_record(capture))
    else:
        from monitor.cli.whole import whole

        say(*whole(capture, Paint(no_color=options.no_color), _today(options, capture)))


def _today(options: Globals, capture: Capture) -> Verdict:
    """The verdict with the keys of today; its checks are not stored, checking again gives them."""
    from monitor.cli.history import database
    from monitor.services.assemble import examiner_of, load_config

    config = load_config(options.config)
    return examiner_of(config, database(options, config)).again(capture).verdict
