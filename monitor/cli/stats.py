"""``hooktop stats``: figures over the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.filters import not_before, parse_any_filter
from monitor.cli.message_lines import day_and_time, span
from monitor.cli.options import FILTER, JSON_OBJECT, since_option
from monitor.cli.output import Paint, counted, fields, say, say_json, table

if TYPE_CHECKING:
    from monitor.services.stats import Percentiles, Stats, Timing

SHOWN_REASONS: Final = 20
SHOWN_CARRIERS: Final = 20
_UNKNOWN: Final = "–"


@click.command(cls=Command)
@FILTER
@since_option("Of what is not older than this (90s, 15m, 2h, 7d).")
@JSON_OBJECT
@click.pass_context
def command(ctx: click.Context, words: Sequence[str], since: float | None, as_json: bool) -> None:
    """Show figures: rates, verdicts, statuses, latency percentiles, and failures grouped by code and carrier.

    \b
    Examples:
      hooktop stats
      hooktop stats provider:volt --since 24h
      hooktop stats --json | jq '.failures[0]'
    """
    from monitor.cli.history import begun
    from monitor.cli.message_history import reading_messages
    from monitor.services.stats import statistics, stats_record
    from monitor.store.stats_reader import StatsReader

    options = globals_of(ctx)
    wanted = not_before(parse_any_filter(" ".join(words)), since)
    path = begun(options)
    if path is None:
        return
    with reading_messages(path, StatsReader) as reader:
        stats = statistics(reader, wanted, datetime.now(UTC))
    if as_json:
        say_json(stats_record(stats))
    else:
        say(*stats_lines(stats, Paint(no_color=options.no_color)))


def stats_lines(stats: Stats, paint: Paint) -> list[str]:
    """The figures as text for people."""
    rates = stats.rates
    number = sum(one.messages for one in stats.messages or ())
    if not rates.captures and not number:
        return ["No capture passes the filter." if stats.filter.strip() else "Nothing was captured yet."]
    lines = [paint(f"{counted(rates.captures, 'capture')}", bold=True), *_rates(stats)]
    lines += ["", *_mix("VERDICT", ((one.provider, one.verdict, one.captures) for one in stats.captures), paint)]
    if stats.messages is None:
        return [*lines, "", "The filter asks for what only captures have; there are no figures of messages."]
    lines += ["", paint(counted(number, "message"), bold=True)]
    mix = ((one.provider, one.status or "unknown", one.messages) for one in stats.messages)
    lines += _mix("STATUS", mix, paint)
    carriers = sorted(stats.by_carrier or (), key=lambda one: -one.total.count)  # named by whoever posts
    timings = [*(stats.by_provider or ()), *(stats.by_channel or ()), *carriers[:SHOWN_CARRIERS]]
    if timings:
        heads = ("LATENCY (p50 / p95 / p99)", "ACCEPTED TO SENT", "SENT TO FINAL", "TOTAL", "MESSAGES")
        lines += ["", *table(heads, map(_timing, timings), paint=paint)]
    if (more := len(carriers) - SHOWN_CARRIERS) > 0:
        lines.append(f"… and {counted(more, 'more carrier')}; --json has them.")
    return [*lines, *_failures(stats, paint)]


def _rates(stats: Stats) -> list[str]:
    rates = stats.rates
    pairs = [
        ("last minute, hour, day", f"{rates.minute:,}, {rates.hour:,}, {rates.day:,}"),
        ("mean", f"{rates.per_second:,.2f}/s" if rates.per_second is not None else _UNKNOWN),
    ]
    if rates.first_at is not None and rates.last_at is not None:
        pairs.append(("first, last", f"{day_and_time(rates.first_at)}, {day_and_time(rates.last_at)}"))
    return fields(pairs, indent="  ")


def _mix(head: str, rows: Iterable[tuple[str, str, int]], paint: Paint) -> list[str]:
    """A table with a line for each name and a column for each provider."""
    cells: Counter[tuple[str, str]] = Counter()
    for provider, name, number in rows:
        cells[provider, name] += number
    providers = sorted({provider for provider, _ in cells})
    names = Counter[str]()
    for (_, name), number in cells.items():
        names[name] += number
    total = max(names.total(), 1)
    body = [
        (name, f"{number:,}", f"{number / total:.1%}", *(f"{cells[provider, name]:,}" for provider in providers))
        for name, number in names.most_common()
    ]
    return table((head, "ALL", "SHARE", *(provider.upper() for provider in providers)), body, paint=paint)


def _timing(one: Timing) -> tuple[str, ...]:
    name = " ".join(part for part in (one.provider, one.channel, one.carrier) if part)
    number = max(one.accept_to_sent.count, one.sent_to_final.count, one.total.count)
    return (name, *map(_percentiles, (one.accept_to_sent, one.sent_to_final, one.total)), f"{number:,}")


def _percentiles(one: Percentiles) -> str:
    return " / ".join(_UNKNOWN if value is None else span(value) for value in (one.p50, one.p95, one.p99))


def _failures(stats: Stats, paint: Paint) -> list[str]:
    if not stats.failures:
        return []
    heads = ("COUNT", "SHARE", "CODE", "PROVIDER", "CARRIER", "TITLE", "FIRST", "LAST", "EXAMPLE")
    rows = [
        (
            f"{one.messages:,}", f"{stats.share(one):.1%}",
            "/".join(code for code in (one.code, one.carrier_code) if code) or _UNKNOWN, one.provider,
            one.carrier or _UNKNOWN, one.title or _UNKNOWN, day_and_time(one.first_at), day_and_time(one.last_at),
            one.example,
        )
        for one in stats.failures[:SHOWN_REASONS]
    ]  # fmt: skip
    lines = ["", paint(f"{stats.failed:,} failed", "red", bold=True), *table(heads, rows, paint=paint)]
    more = len(stats.failures) - SHOWN_REASONS
    return [*lines, f"… and {counted(more, 'more reason')}; --json has them."] if more > 0 else lines
