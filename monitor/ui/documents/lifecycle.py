"""A message in full: its way as a waterfall of stages, why it failed, and the captures behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.model.message import Interaction, Mark, Message, Stage
from monitor.model.reading import Status
from monitor.model.verdict import SIGNS
from monitor.providers.errors import explain
from monitor.store.reader import Row
from monitor.text import visible
from monitor.ui.columns import status_of as row_status
from monitor.ui.documents.look import BLANK, LABEL, Reader, labelled, mixed_note, title, under
from monitor.ui.documents.summary import error_lines, media_parts
from monitor.ui.format import clock, count, day, day_clock, fit, gap, long_span, pad, short_took
from monitor.ui.lines import Line, Part, foreign, line
from monitor.ui.message_columns import WORDS, status_of
from monitor.ui.painted import cells
from monitor.ui.stages import ROLES, glyph, inbound
from monitor.ui.widgets.rows import Placed

_NAME: Final = 11  # cells of a stage's name
_CLOCK: Final = 13
_GAP: Final = 9  # cells of the time at the end of a bar
_WIDEST: Final = 60  # cells of the longest bar


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What is shown of a message: ``rows`` of its captures by id, ``stuck`` for how many seconds it waits, ``today``
    for the day that need not be named."""

    message: Message
    rows: Mapping[int, Row]
    stuck: float | None = None
    today: str | None = None

    def entries(self) -> list[tuple[str, int]]:
        """What names each entry of ``lines``: what it is, and the capture behind it."""
        message = self.message
        return [
            *((stage.status.value, stage.capture) for stage in message.stages),
            *((one.mark, one.capture) for one in message.interactions),
            *(("capture", number) for number in message.captures),
        ]

    def lines(self, reader: Reader, width: int) -> list[Placed]:
        """All lines, in ``width`` cells, each with the number of its entry."""
        message = self.message
        own: list[Placed] = [(one, None) for one in _head(message, reader, self.stuck)]
        if message.stages or message.interactions or message.backed:
            own += [(BLANK, None), *_waterfall(message, self.stuck, width, self.today)]
        lines = [*_latencies(message, width)]
        if message.error is not None:
            lines += [BLANK, *error_lines(message.error, reader), *_hints(message)]
        own += [(one, None) for one in lines]
        own += [(BLANK, None), *_captures(message, self.rows)]
        return own + [(one, None) for one in (BLANK, *_names(message, reader))]


def _head(message: Message, reader: Reader, stuck: float | None) -> Iterator[Line]:
    words = [word for word in (message.direction, message.channel and visible(message.channel, limit=40)) if word]
    text, role = status_of(message, stuck)
    yield line((" ".join(words) or "message", "info"), ("   ", "plain"), (fit(text, 24), role))
    if message.from_ or message.to:
        yield line(reader.party(message.from_), ("  →  ", "quiet"), reader.party(message.to))
    if message.text is not None:
        yield line(("“", "quiet"), reader.text(message.text, "quote"), ("”", "quiet"), indent=1)
    for media in message.media:
        yield line(*media_parts(media, reader), indent=2)
    yield from mixed_note((message.text, message.from_, message.to), reader)
    if not message.backed:
        yield line(("? nothing here is proven: its signatures are wrong or absent, so it changes nothing", "warn"))
    for mark, text in (
        (Mark.CONFLICT, "≠ conflict: the provider contradicts itself about the end"),
        (Mark.CLOCK_SKEW, "≠ clock skew: these times cannot be true of one clock"),
    ):
        if mark in message.marks:
            yield line((text, WORDS[mark][1]), indent=2)


# --- the waterfall ---------------------------------------------------------------------------------------------------


def _waterfall(message: Message, stuck: float | None, width: int, today: str | None) -> Iterator[Placed]:
    told: tuple[Stage | Interaction, ...] = (*message.stages, *message.interactions)
    days = {day(at) for one in told for at in (one.provider_at, one.received_at) if at is not None}
    dated = len(days) > 1
    other = "" if dated or today is None else "".join(days - {today})  # a time alone reads as today's
    named: Part = (other.ljust(_NAME + 2), "quiet" if other else "plain")
    yield line(named, ("their clock".ljust(_CLOCK) + "ours", "faint")), None
    scale = _Scale(message.stages, width)
    before: Stage | None = None
    to_come = list(_to_come(message, stuck))
    goes_on = bool(message.more_stages or message.interactions or to_come)
    for index, stage in enumerate(message.stages):
        if before is not None:
            yield scale.bar(before, stage), None
        before = stage
        rail = "│" if goes_on or stage is not message.stages[-1] else ""
        yield from ((one, index) for one in _stage(stage, width, rail, dated=dated))
    if message.more_stages:
        yield line((f"│ and {count(message.more_stages, 'more stage')}", "quiet")), None
    at = len(message.stages)
    for index, one in enumerate(message.interactions):
        yield from ((row, at + index) for row in _interaction(one, width, dated=dated))
    yield from ((one, None) for one in to_come)


class _Scale:
    """Draws the time between two stages as a bar in proportion to the whole way."""

    def __init__(self, stages: Sequence[Stage], width: int) -> None:
        times = [stage.provider_at for stage in stages if stage.provider_at is not None]
        self._start = min(times, default=None)
        self._whole = (max(times) - min(times)).total_seconds() if times else 0.0
        self._room = max(min(width - 2 - _GAP, _WIDEST), 4)

    def bar(self, before: Stage, after: Stage) -> Line:
        """The line between two stages."""
        if before.provider_at is None or after.provider_at is None or self._start is None:
            return line(("│", "faint"), (" ".ljust(self._room + 1), "plain"), ("untold".rjust(_GAP), "faint"))
        span = after.provider_at - before.provider_at
        first = self._cell(before.provider_at)
        last = max(self._cell(after.provider_at), first + 1)
        role = ROLES[after.status] if span >= timedelta(0) else "warn"
        drawn = min(last, self._room) - min(first, self._room - 1)
        text = f"{' ' * min(first, self._room - 1)}{'━' * drawn}".ljust(self._room)
        return line(("│ ", "faint"), (text, role), (gap(span).rjust(_GAP), "plain" if span >= timedelta(0) else "warn"))

    def _cell(self, at: datetime) -> int:
        assert self._start is not None  # noqa: S101 - asked only where there are times
        if not self._whole:
            return 0
        return round((at - self._start).total_seconds() / self._whole * self._room)


def _stage(stage: Stage, width: int, rail: str, *, dated: bool) -> Iterator[Line]:
    """A stage; ``rail`` leads from it to what comes below."""
    sign, role = glyph(stage)
    name = "FAILED" if stage.status is Status.FAILED else stage.status.value
    said = stage.provider_status if stage.status is Status.OTHER else None
    parts: list[Part] = [(f"{sign} ", role), (pad(visible(said or name, limit=40), _NAME), role)]
    theirs = clock(stage.provider_at, digits=3) if stage.provider_at is not None else "–"
    parts += [(theirs.ljust(_CLOCK), "strong" if stage.provider_at is not None else "faint")]
    parts += [(clock(stage.received_at, digits=3).ljust(_CLOCK), "quiet")]
    if stage.provider_at is not None and width >= 52:
        parts.append((gap(stage.received_at - stage.provider_at), "faint"))
    yield line(*parts, indent=2)
    if dated:
        yield _dates(stage, rail)
    marks = _marks(stage)
    if marks:
        yield line((rail.ljust(_NAME + 2), "faint"), *marks, indent=_NAME + 2)


def _dates(one: Stage | Interaction, rail: str = "") -> Line:
    """The days on which it was, by both clocks."""
    theirs = day(one.provider_at) if one.provider_at is not None else ""
    return line((rail.ljust(_NAME + 2), "faint"), (theirs.ljust(_CLOCK), "faint"), (day(one.received_at), "faint"))


def _marks(stage: Stage) -> list[Part]:
    parts: list[Part] = []
    for mark, (word, role) in WORDS.items():
        if mark not in stage.marks:
            continue
        text = word
        if mark is Mark.DUPLICATE:
            text = f"duplicate ×{stage.count}"
            if stage.last_at is not None:
                same_day = day(stage.last_at) == day(stage.received_at)
                text += f", last {clock(stage.last_at) if same_day else day_clock(stage.last_at)}"
        elif mark is Mark.LATE and stage.provider_at is not None:
            text = f"late by {long_span(((stage.last_at or stage.received_at) - stage.provider_at).total_seconds())}"
        elif mark is Mark.UNPROVEN:
            text = "signature not proven"
        parts += [("  " if parts else "", "plain"), (text, role)]
    if stage.inferred:
        parts += [("  " if parts else "", "plain"), (f"inferred: its time stood in #{stage.capture}", "faint")]
    return parts


def _interaction(one: Interaction, width: int, *, dated: bool) -> Iterator[Line]:
    theirs = clock(one.provider_at, digits=3) if one.provider_at is not None else "–"
    parts: list[Part] = [
        ("◆ ", "info"), (pad(visible(one.mark, limit=40), _NAME), "info"), (theirs.ljust(_CLOCK), "strong"),
        (clock(one.received_at, digits=3).ljust(_CLOCK), "quiet"),
    ]  # fmt: skip
    if one.times > 1:
        parts.append((f"×{one.times}", "quiet"))
    elif one.provider_at is not None and width >= 52:
        parts.append((gap(one.received_at - one.provider_at), "faint"))
    yield line(*parts, indent=2)
    if dated:
        yield _dates(one)


def _to_come(message: Message, stuck: float | None) -> Iterator[Line]:
    if message.final or inbound(message) or not message.backed:
        return
    told = {stage.status for stage in message.stages}
    for status in (Status.QUEUED, Status.SENT, Status.DELIVERED):
        if status is Status.DELIVERED or (status is Status.SENT and status not in told):
            yield line(("○ ", "faint"), (status.value.ljust(_NAME), "faint"), ("not yet", "faint"))
    if stuck is not None:
        yield line(
            (" " * (_NAME + 2), "plain"),
            (f" STUCK {short_took(stuck)} ", "chip"),
            (" longer than others waited", "quiet"),
        )
    if message.valid_until is not None:
        until = day_clock(message.valid_until)
        yield line((" " * (_NAME + 2), "plain"), (f"the provider gives up at {until}", "quiet"))


def _latencies(message: Message, width: int) -> Iterator[Line]:
    latency = message.latency
    told = [
        (word, short_took(seconds, about=latency.about))
        for word, seconds in (
            ("to sent", latency.accept_to_sent_s), ("sent to end", latency.sent_to_final_s),
            ("in all", latency.total_s), ("to us", latency.transit_s),
        )
        if seconds is not None
    ]  # fmt: skip
    if not told:
        return
    rows: list[list[Part]] = [[]]
    for word, text in told:
        pair: list[Part] = [(f"{word} ", "quiet"), (text, "strong" if word == "in all" else "plain")]
        if rows[-1] and LABEL + cells(rows[-1]) + 3 + cells(pair) > width:
            rows.append([])
        rows[-1] += [("   " if rows[-1] else "", "plain"), *pair]
    yield BLANK
    yield labelled("took", *rows[0])
    yield from (under(*row) for row in rows[1:])


def _hints(message: Message) -> Iterator[Line]:
    if message.error is None:
        return
    for index, hint in enumerate(explain(message.provider, message.error)):
        said: tuple[Part, ...] = (foreign(hint.code, "accent", limit=40), ("  ", "plain"), (hint.meaning, "plain"))
        yield labelled("hint", *said) if not index else under(*said)
        yield under((hint.source, "faint"))
        yield under((hint.url, "faint"))


# --- what is behind it -----------------------------------------------------------------------------------------------


def _captures(message: Message, rows: Mapping[int, Row]) -> Iterator[Placed]:
    yield title(count(message.capture_count, "capture")), None
    at = len(message.stages) + len(message.interactions)
    for index, number in enumerate(message.captures):
        yield _capture(number, rows.get(number), unproven=number in message.unproven), at + index
    left = message.capture_count - len(message.captures)
    if left > 0:
        yield line((f"and {count(left)} more that say the same", "quiet")), None


def _capture(number: int, row: Row | None, *, unproven: bool) -> Line:
    head: Part = (f"#{number}".ljust(7) + " ", "accent")
    if row is None:
        return line(head, ("no longer in the store", "faint"))
    sign, word, role = SIGNS.get(row.verdict, ("·", visible(row.verdict, limit=20), "quiet"))
    text, status_role = row_status(row)
    parts: list[Part] = [
        head, (clock(row.received_at, digits=1) + "  ", "quiet"), (f"{sign} {word}".ljust(12), role),
        (text + "  ", status_role), foreign(row.event or "", "quiet", limit=80),
    ]  # fmt: skip
    if unproven:
        parts.append(("  changes nothing", "warn"))
    return line(*parts, indent=8)


def _names(message: Message, reader: Reader) -> Iterator[Line]:
    people = (message.from_, message.to)
    yield labelled("message", reader.name(message.key, *people))
    for alias in message.aliases:
        yield under(("also ", "quiet"), reader.name(alias, *people))
    if message.conversation:
        yield labelled("conversation", reader.prose(message.conversation))
