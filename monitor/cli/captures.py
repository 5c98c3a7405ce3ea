"""``hooktop captures``: the history."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.filters import not_before, parse_capture_filter
from monitor.cli.options import CSV, FILTER, JSON_LINES, limit_option, since_option
from monitor.cli.output import Paint, say, say_json
from monitor.cli.spreadsheet import check_formats, write_csv

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.store.reader import Reader

PAGE: Final = 200


@click.command(cls=Command)
@FILTER
@limit_option("The newest N.")
@since_option("Not older than this (90s, 15m, 2h, 7d).")
@click.option("--follow", is_flag=True, help="Go on with what a running hooktop stores; ctrl+c ends.")
@JSON_LINES
@CSV
@click.pass_context
def command(
    ctx: click.Context, words: Sequence[str], limit: int, since: float | None, follow: bool, as_json: bool, as_csv: bool
) -> None:
    """List what was captured: the newest, oldest of them first. A running hooktop does not mind.

    \b
    Examples:
      hooktop captures
      hooktop captures status:failed provider:volt --since 2h
      hooktop captures --json --limit 1000 verdict:invalid | jq .verdict.reason
      hooktop captures --follow 'text:"spam filter"'
    """
    check_formats(ctx, as_json, as_csv)
    from monitor.cli.history import begun, newest, reading, turns
    from monitor.cli.history import since as newer

    options = globals_of(ctx)
    wanted = not_before(parse_capture_filter(" ".join(words), arriving=follow), since)
    path = begun(options)
    if path is None:
        return
    show = _csv if as_csv else say_records if as_json else Lines(Paint(no_color=options.no_color))
    later = turns(path)
    with reading(path) as reader:
        last = reader.newest(wanted)
        if as_csv:
            write_csv([_columns()])
        ids = newest(reader, wanted, limit)
        last = max([last, *ids[-1:]])  # what came between the two looks is not shown twice
        _each(reader, ids, show)
        for _ in later if follow else ():
            ids, last = newer(reader, wanted, last)
            _each(reader, ids, show)


class Lines:
    """Shows captures as lines for people."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def __call__(self, captures: Sequence[Capture]) -> None:
        from monitor.cli.lines import line

        say(*(line(capture, self._paint, dated=True) for capture in captures))
        sys.stdout.flush()


def say_records(captures: Sequence[Capture]) -> None:
    """Shows captures as JSON lines."""
    from monitor.model.record import capture_record

    say_json(*map(capture_record, captures))


def _each(reader: Reader, ids: Sequence[int], show: Callable[[Sequence[Capture]], None]) -> None:
    for start in range(0, len(ids), PAGE):
        found = [reader.capture(number) for number in ids[start : start + PAGE]]
        show([capture for capture in found if capture is not None])


def _columns() -> Sequence[str]:
    from monitor.services.export.csv import COLUMNS

    return COLUMNS


def _csv(captures: Sequence[Capture]) -> None:
    from monitor.services.export.csv import row

    write_csv([row(capture) for capture in captures])
