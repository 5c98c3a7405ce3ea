"""``hooktop coverage``: which kinds of events have come, which have not, and what of them is new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.filters import not_before, parse_capture_filter
from monitor.cli.message_lines import day_and_time
from monitor.cli.options import FILTER, JSON_OBJECT, since_option
from monitor.cli.output import Paint, counted, say, say_json, table

if TYPE_CHECKING:
    from monitor.model.coverage import Coverage, Covered, News

SHOWN_NEWS: Final = 30
_NONE: Final = "–"
_STATES: Final = {"handled": "✔ handled", "seen": "● seen", "simulated": "◐ simulated", "missing": "○ not yet"}


@click.command(cls=Command)
@FILTER
@since_option("Of what is not older than this (90s, 15m, 2h, 7d).")
@JSON_OBJECT
@click.pass_context
def command(ctx: click.Context, words: Sequence[str], since: float | None, as_json: bool) -> None:
    """Show which of the providers' kinds of events have come, which were answered with 2xx by the app that captures are
    forwarded to, and which are missing; 'hooktop send' fills a gap with the scenario named beside it.

    Below it are the fields and values that were new for their event type: in none of at least 20 verified captures
    before. Their captures bear the mark new_field:PATH or new_value:PATH. A filter leaves the kinds of which a sample
    passes it.

    \b
    Examples:
      hooktop coverage
      hooktop coverage provider:bird --since 7d
      hooktop coverage --json | jq '.kinds[] | select(.state == "missing")'
    """
    from monitor.cli.history import begun
    from monitor.cli.message_history import reading_messages
    from monitor.services.coverage import coverage, coverage_record
    from monitor.store.coverage_reader import CoverageReader

    options = globals_of(ctx)
    wanted = not_before(parse_capture_filter(" ".join(words), arriving=True), since)
    path = begun(options)
    if path is None:
        return
    with reading_messages(path, CoverageReader) as reader:
        found = coverage(reader, wanted, datetime.now(UTC))
    if as_json:
        say_json(coverage_record(found))
    else:
        say(*coverage_lines(found, Paint(no_color=options.no_color)))


def coverage_lines(found: Coverage, paint: Paint) -> list[str]:
    """Coverage as text for people."""
    heads = ("PROVIDER", "EVENT", "STATUS", "", "SEEN", "SIMULATED", "HANDLED", "LAST", "SCENARIO")
    lines = (
        table(heads, map(_kind, found.kinds), paint=paint) if found.kinds else ["No kind of event passes the filter."]
    )
    came = len(found.documented) - len(found.gaps)
    others = len(found.undocumented)
    besides = f"; {others:,} that {'is' if others == 1 else 'are'} not documented came, too" if others else ""
    documented = counted(len(found.documented), "documented kind")
    lines += ["", f"{came:,} of {documented} came, {len(found.gaps):,} did not{besides}."]
    if found.news:
        lines += ["", paint("New for their event type", bold=True)]
        words = ("CAPTURE", "WHEN", "PROVIDER", "EVENT", "NEW", "BEFORE")
        lines += table(words, map(_news, found.news[:SHOWN_NEWS]), paint=paint)
        more = len(found.news) - SHOWN_NEWS
        lines += [f"… and {more:,} more; --json has them."] if more > 0 else []
    return lines


def _kind(one: Covered) -> tuple[str, ...]:
    return (
        one.kind.provider, one.kind.event, one.kind.word or _NONE,
        _STATES[one.state] if one.documented else f"◇ {one.state.value}",
        *(f"{number:,}" if number else _NONE for number in (one.seen, one.simulated, one.handled)),
        day_and_time(one.last_at) if one.last_at is not None else _NONE, one.scenario or "not documented",
    )  # fmt: skip


def _news(one: News) -> tuple[str, ...]:
    what = f"{one.path} = {one.value or '?'}" if one.is_value else one.path
    local = " (simulated)" if one.simulated else ""
    return (
        f"cap_{one.capture}", day_and_time(one.at), one.provider, one.event + local, what,
        counted(one.before, "capture"),
    )  # fmt: skip
