"""Figures over the history, drawn: the rate over time, mixes as bars, how long messages took, why they failed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final, TypeAlias

from monitor.model.reading import Status
from monitor.model.verdict import SIGNS
from monitor.services.stats import History, Percentiles, Span, Stats, Timing
from monitor.store.stats_reader import Bucket, FailureGroup
from monitor.text import visible
from monitor.ui.documents.look import Reader
from monitor.ui.format import STATUS_ROLES, clock, count, day, day_clock, fit, pad, short_took
from monitor.ui.lines import Line, Part, line, wrap
from monitor.ui.painted import cells

Row: TypeAlias = list[Part]
Block: TypeAlias = list[Row]

WIDE: Final = 110  # cells from which there are two columns
WIDEST: Final = 165  # ... and three
HIGH: Final = 7  # rows of the plot
LOW: Final = 5
WIDEST_BAR: Final = 4
GAP: Final = 4  # cells between columns
REASONS: Final = 6
CARRIERS: Final = 6
_PANEL: Final = 34  # cells that the counts beside the plot need
_UPWARDS: Final = " ▁▂▃▄▅▆▇█"
_ASIDE: Final = " ▏▎▍▌▋▊▉█"
_LABEL: Final = 13  # cells of a bar's label
_STAGE: Final = 16  # cells of the label of a time
_TIME: Final = 8
_PARTS: Final = "█▒░"
_UNKNOWN: Final = "no status"
_STATUSES: Final = {status.value: (status.value, STATUS_ROLES[status]) for status in Status}
_SPANS: Final = {Span.HOUR: "the last hour", Span.DAY: "the last 24 hours", Span.ALL: "the whole history"}
_HALF_A_DAY: Final = timedelta(hours=12) - timedelta.resolution
_UNITS: Final = ((86_400 * 365, "year"), (86_400 * 7, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def figures(stats: Stats, reader: Reader, width: int) -> list[Line]:
    """The figures in lines of ``width`` cells: one column, or two or three where there is room for them."""
    if stats.history is None and not stats.messages:
        words = "No capture passes the filter." if stats.filter.strip() else "Nothing was captured yet."
        return [line((words, "strong"))]
    columns = 1 if width < WIDE else 2 if width < WIDEST else 3
    inside = (width - GAP * (columns - 1)) // columns
    mixes = [*_verdicts(stats, inside), [], *_statuses(stats, inside)]
    times, reasons = _times(stats, inside), _reasons(stats, reader, inside)
    if columns == 1:
        below = [*mixes, [], *times, [], *reasons]
    elif columns == 2:
        below = _beside(inside, [*mixes, [], *reasons], times)
    else:
        below = _beside(inside, mixes, times, reasons)
    nothing: Block = [[("No capture passes the filter; messages do.", "strong")]]
    top = nothing if stats.history is None else _top(stats, stats.history, width)
    return [line(*row) for row in (*top, [], *below)]


def _beside(width: int, *columns: Block) -> Block:
    """Columns of ``width`` cells beside each other."""
    joined: Block = []
    for rows in zip_longest(*columns, fillvalue=[]):
        row: Row = []
        for at, parts in enumerate(rows):
            row += parts
            if at + 1 < len(rows):
                row.append((" " * (width - cells(parts) + GAP), "plain"))
        joined.append(row)
    return joined


# --- the rate over time --------------------------------------------------------------------------------------------


def _top(stats: Stats, history: History, width: int) -> Block:
    wide = width >= WIDE
    room = width - GAP - _PANEL if wide else width
    history = coarser(history, room - _axis(history))
    drawn = plot(history, room, HIGH if wide else LOW)
    title: Row = [("Captures ", "accent"), (f"per {_step(history.step)}, {_SPANS[history.span]}", "quiet")]
    highest = max(map(_failed, history.buckets))
    if highest:
        title += [("  failed", "bad"), (f" at most {_percent(highest)}", "quiet")]
    counts = _counts(stats, history)
    if wide:
        taken = max(*map(cells, drawn), (width - GAP) // 2)
        panel: Block = [[(name.ljust(_LABEL), "quiet"), (text, "plain")] for name, text in counts]
        return [title, *_beside(taken, drawn, panel)]
    said = [f"{text} {name}" for name, text in counts[:4]]
    while cells(shown := [(" · ".join(said), "quiet")]) > width:
        said.pop()
    return [title, *drawn, shown]


def _counts(stats: Stats, history: History) -> list[tuple[str, str]]:
    rates = stats.rates
    found = [
        ("in all", count(rates.captures)),
        ("last minute", count(rates.minute)),
        ("last hour", count(rates.hour)),
        ("last day", count(rates.day)),
    ]
    if rates.per_second is not None:
        found.append(("mean", f"{rates.per_second:,.2f}/s"))
    top = max(history.buckets, key=lambda one: one.captures)
    if top.captures:
        found.append(("most", f"{count(top.captures)} at {_when(top.begins, history)}"))
    if rates.first_at is not None:
        found.append(("first", day_clock(rates.first_at)))
    return found


def coarser(history: History, most: int) -> History:
    """The same in at most so many stretches."""
    together = -(-len(history.buckets) // max(most, 1))
    if together == 1:
        return history
    parts = [history.buckets[at : at + together] for at in range(0, len(history.buckets), together)]
    sums = [Bucket(p[0].begins, sum(b.captures for b in p), sum(b.failed for b in p)) for p in parts]
    return History(history.span, history.step * together, tuple(sums))


def plot(history: History, room: int, height: int) -> Block:
    """The rate over time in at most ``room`` cells: bars, an axis with times, and the share that tells of a failure."""
    buckets = history.buckets
    top = max(one.captures for one in buckets)
    axis = _axis(history)
    bar = min(max((room - axis) // len(buckets), 1), WIDEST_BAR)
    rows: Block = []
    for row in range(height - 1, -1, -1):
        text = "".join(_up(one.captures, top, height, row) * bar for one in buckets)
        label = f"{count(top)} ┤" if row == height - 1 else "│"
        rows.append([(label.rjust(axis), "faint"), (text, "info")])
    wide = bar * len(buckets)
    rows.append([("0 └".rjust(axis) + "─" * wide, "faint")])
    highest = max(map(_failed, buckets))
    if highest:
        text = "".join(_up(_failed(one), highest, 1, 0) * bar for one in buckets)
        rows.append([("failed  ".rjust(axis), "quiet"), (text, "bad")])
    rows.append([(" " * axis + _ticks(history, wide), "faint")])
    return rows


def _axis(history: History) -> int:
    """The cells that the axis takes, with its labels."""
    return max(len(count(sum(one.captures for one in history.buckets))), len("failed")) + 2


def _failed(bucket: Bucket) -> float:
    return bucket.failed / bucket.captures if bucket.captures else 0.0


def _up(value: float, top: float, height: int, row: int) -> str:
    """The cell of a bar in a row, counted from 0 at the bottom. What there is little of can be seen, too."""
    eighths = max(round(value / top * height * 8), 1) if value and top else 0
    return _UPWARDS[min(max(eighths - row * 8, 0), 8)]


def _ticks(history: History, width: int) -> str:
    """The times under a plot: of its first, middle and last stretch, as many as there is room for."""
    buckets = history.buckets
    first, middle, last = (_when(buckets[at].begins, history) for at in (0, len(buckets) // 2, -1))
    if len(first) + len(last) + 2 > width:
        return first
    text = first.ljust(width - len(last)) + last
    at = len(buckets) // 2 * width // len(buckets)
    if len(first) + 2 <= at and at + len(middle) + 2 <= width - len(last):
        text = text[:at] + middle + text[at + len(middle) :]
    return text


def _when(at: datetime, history: History) -> str:
    """A time as exact as the plot is."""
    whole = history.step * len(history.buckets)
    if history.step >= timedelta(days=1) or whole > timedelta(days=60):
        return day(at + _HALF_A_DAY)  # stretches begin by UTC: west of Greenwich the evening before
    if whole > timedelta(days=1):
        return f"{day(at)[5:]} {clock(at)[:5]}"
    return clock(at) if history.step < timedelta(minutes=1) else clock(at)[:5]


def _step(step: timedelta) -> str:
    seconds = step.total_seconds()
    for length, name in _UNITS:
        if seconds >= length and not seconds % length:
            number = int(seconds // length)
            return name if number == 1 else f"{number} {name}s"
    return "second" if seconds == 1 else f"{seconds:.0f} seconds"


# --- mixes ---------------------------------------------------------------------------------------------------------


def _verdicts(stats: Stats, width: int) -> Block:
    found: Counter[str] = Counter()
    for one in stats.captures:
        found[one.verdict] += one.captures
    named = {verdict: (f"{glyph} {word}", role) for verdict, (glyph, word, role) in SIGNS.items()}
    return [[("Signatures", "accent")], *_bars(found, named, width)]


def _statuses(stats: Stats, width: int) -> Block:
    if stats.messages is None:
        return _unasked(stats, width)
    found: Counter[str] = Counter()
    for one in stats.messages:
        found[one.status or _UNKNOWN] += one.messages
    going = found[Status.QUEUED] + found[Status.SENT]
    said = f"  {count(found.total())}" + (f", {count(going)} under way" if going else "")
    named = {
        status: (f"{'✖' if status == Status.FAILED else '●'} {word}", role)
        for status, (word, role) in _STATUSES.items()
    } | {_UNKNOWN: (f"? {_UNKNOWN}", "faint")}
    return [[("Messages", "accent"), (said, "quiet")], *_bars(found, named, width)]


def _unasked(stats: Stats, width: int) -> Block:
    """Why there are no figures of messages."""
    why = visible(stats.wrong.message, limit=400) if stats.wrong is not None else ""
    text = f"{why} So there are no figures of messages; they come with a filter that asks for what messages have."
    return [[("Messages", "accent")], *([(text[start:end], "warn")] for start, end in wrap(text, width, 0))]


def _bars(found: Mapping[str, int], named: Mapping[str, Part], width: int) -> Block:
    """A bar for each name that there is, in the order of ``named``, with number and share."""
    whole = max(sum(found.values()), 1)
    numbers = max((len(count(number)) for number in found.values()), default=1)
    room = width - _LABEL - numbers - 8
    rows: Block = []
    for name, (label, role) in named.items():
        number = found.get(name, 0)
        if number:
            bar = across(number / whole, room)
            rows.append([
                (pad(label, _LABEL), role), (pad(bar, room), role),
                (count(number).rjust(numbers + 1), "plain"), (_percent(number / whole).rjust(7), "quiet"),
            ])  # fmt: skip
    return rows


def across(share: float, room: int) -> str:
    """A bar as long as a share of so many cells; what there is little of can be seen, too."""
    whole, part = divmod(max(round(share * room * 8), 1) if share > 0 else 0, 8)
    return ("█" * whole + _ASIDE[part].strip())[:room]


def _percent(share: float) -> str:
    """A share in at most five cells."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.9995 or not share else f"{share:.1%}"


# --- how long ------------------------------------------------------------------------------------------------------


def _times(stats: Stats, width: int) -> Block:
    if stats.messages is None:
        return []
    heads = "".join(f"{sign} {name}".rjust(_TIME) for sign, name in zip(_PARTS, ("p50", "p95", "p99"), strict=True))
    rows: Block = [[(pad("How long it took", _STAGE + 2), "accent"), (heads, "quiet")]]
    timings = stats.by_provider or ()
    if not timings:
        return [*rows, [("no message has taken its whole way yet", "quiet")]]
    carriers = sorted(stats.by_carrier or (), key=lambda one: -one.total.count)[:CARRIERS]
    drawn = [*(one for timing in timings for one in _stages(timing).values()), *(one.total for one in carriers)]
    longest = max(one.p99 or 0.0 for one in drawn)
    for timing in timings:
        most = max(one.count for one in _stages(timing).values())
        rows.append([(visible(timing.provider, limit=40), "strong"), (f"  {count(most, 'message')}", "quiet")])
        rows += [_time(f"  {name}", one, longest, width) for name, one in _stages(timing).items() if one.count]
    if carriers:
        rows += [[], [("By carrier", "accent"), ("  in all; named where one refused a message", "quiet")]]
        rows += [_time(visible(one.carrier or "", limit=60), one.total, longest, width) for one in carriers]
    return rows


def _stages(timing: Timing) -> dict[str, Percentiles]:
    return {"accepted to sent": timing.accept_to_sent, "sent to end": timing.sent_to_final, "in all": timing.total}


def _time(label: str, one: Percentiles, longest: float, width: int) -> Row:
    """A row of percentiles, and a bar in which each of them ends a part."""
    values = (one.p50, one.p95, one.p99)
    texts = "".join((short_took(value) or "–").rjust(_TIME) for value in values)
    room = width - _STAGE - 2 - len(texts) - 2
    ends = [0 if value is None or not longest else max(round(value / longest * room), 1) for value in values]
    bar: Row = [
        (sign * (end - start), role)
        for sign, role, start, end in zip(_PARTS, ("info", "info", "quiet"), (0, *ends), ends, strict=False)
        if end > start
    ]
    return [(pad(label, _STAGE + 2), "quiet"), (texts, "plain"), ("  ", "plain"), *(bar if room >= 4 else [])]


# --- why they failed -----------------------------------------------------------------------------------------------


def _reasons(stats: Stats, reader: Reader, width: int) -> Block:
    if stats.failures is None:
        return []
    title: Part = ("Why messages failed", "accent")
    if not stats.failures:
        return [[title], [("none has", "quiet")]]
    number = sum(one.messages for one in stats.messages or ())
    said = f"  {count(stats.failed)} of {count(number)}, {_percent(stats.failed / max(number, 1))}"
    rows: Block = [[title, (said, "quiet")]]
    for group in stats.failures[:REASONS]:
        rows += _reason(group, stats.share(group), reader, width)
    more = len(stats.failures) - REASONS
    return [*rows, [(f"… and {count(more, 'more reason')}", "faint")]] if more > 0 else rows


def _reason(group: FailureGroup, share: float, reader: Reader, width: int) -> Block:
    code = visible(group.carrier_code or group.code or "no code", limit=60)
    left: Row = [(count(group.messages).rjust(6), "strong"), (_percent(share).rjust(7) + "  ", "quiet")]
    words = reader.prose(group.title, "plain")[0] if group.title else ""
    room = max(width - cells(left), 1)
    code = fit(code, room if not words else min(room, max(room - len(words) - 2, room // 2)))
    who = " · ".join(visible(part, limit=80) for part in (group.provider, group.carrier) if part)
    if group.code and group.carrier_code:
        who += f" · code {visible(group.code, limit=40)}"
    title = fit(words, max(room - cells([(code, "bad")]) - 2, 0))
    return [
        [*left, (code, "bad"), ("  ", "plain"), (title, "plain")],
        [(" " * cells(left), "plain"), (fit(who, room), "quiet")],
    ]
