"""A message and a conversation in full, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from monitor.cli.lines import ARROWS, line
from monitor.cli.message_lines import marks_text, span, state_color, state_text
from monitor.cli.output import GAP, Paint, counted, fields, pad, width
from monitor.model.capture import Capture
from monitor.model.conversation import Bubble, CentreLine, Conversation
from monitor.model.message import Interaction, Mark, Message, Stage
from monitor.model.reading import Media, MessageError
from monitor.providers.errors import explain
from monitor.text import visible
from monitor.times import local_time

MAX_TEXT: Final = 64 * 1024
_UNKNOWN: Final = "–"


def message_lines(message: Message, captures: Sequence[Capture], paint: Paint, stuck_s: float | None) -> list[str]:
    """The lines for a message; ``captures`` are those that are listed, of all that told of it."""
    state = paint(state_text(message, stuck_s), state_color(message, stuck_s))
    lines = [paint(f"{visible(message.key)}  {visible(message.provider)}  ", bold=True) + state, *_about(message)]
    lines += ["", paint(f"Lifecycle (by {visible(message.provider)}'s clock, then by ours)", bold=True)]
    lines += _lifecycle(message, paint) or ["  nobody that can be trusted said what became of it"]
    if message.interactions:
        lines += ["", paint("Interactions", bold=True), *map(_interaction, message.interactions)]
    if latency := _latency(message):
        lines += ["", paint("Latency", bold=True), *latency]
    if message.error is not None:
        lines += ["", paint("Error", bold=True), *error_lines(message.provider, message.error, paint)]
    return [*lines, "", paint(_captures_title(message), bold=True), *_captures(message, captures, paint)]


def error_lines(provider: str, error: MessageError, paint: Paint) -> list[str]:
    """An error in the provider's own words, then what is documented of its codes, each with where that stands."""
    temporary = None if error.temporary is None else "yes, by its own words" if error.temporary else "no, by its words"
    pairs = [
        ("code", error.code), ("carrier code", error.carrier_code), ("carrier", error.carrier),
        ("source", error.source), ("title", error.title), ("detail", error.detail), ("trace", error.trace_id),
        ("temporary", temporary),
    ]  # fmt: skip
    lines = fields([(name, visible(value, limit=2000)) for name, value in pairs if value], indent="  ")
    for hint in explain(provider, error):
        said = f"  hint  {visible(hint.code)}: {hint.meaning} ({hint.source}, {hint.url})"
        lines.append(paint(said, dim=True))
    return lines or ["  it failed, and nothing was said of why"]


def conversation_lines(conversation: Conversation, thread: Sequence[Bubble | CentreLine], paint: Paint) -> list[str]:
    """The lines for a conversation: who, how much, then the thread, oldest first."""
    c = conversation
    failed = f", {c.failed:,} failed" if c.failed else ""
    unproven = f", {c.unproven:,} unproven" if c.unproven else ""
    pairs = [
        ("parties", " · ".join(visible(party, limit=200) for party in c.parties)),
        ("channel", visible(c.channel or "")),
        ("messages", f"{c.messages:,}{failed}{unproven}"),
        ("its state", visible(c.provider_status or "")),
    ]
    lines = [
        paint(f"{visible(c.key)}  {visible(c.provider)}", bold=True),
        *fields([(name, value) for name, value in pairs if value], indent="  "),
        "",
        paint("Thread", bold=True),
    ]
    day = ""
    for item in thread:
        local = local_time(item.at)
        if (today := f"{local:%Y-%m-%d}") != day:
            day = today
            lines.append(f"  {paint(day, dim=True)}")
        lines.append(
            f"  {local:%H:%M:%S}  {_bubble(item.message, paint) if isinstance(item, Bubble) else _event(item)}"
        )
    return lines if thread else [*lines, "  nothing was said in it yet"]


def _about(m: Message) -> list[str]:
    route = f"{visible(m.from_ or _UNKNOWN, limit=200)} → {visible(m.to or _UNKNOWN, limit=200)}"
    pairs = [
        ("direction", " ".join(filter(None, [m.direction and m.direction.value, visible(m.channel or "")]))),
        ("parties", route if m.from_ or m.to else ""),
        ("text", visible(m.text or "", limit=MAX_TEXT)),
        *(("media", _media(item)) for item in m.media),
        ("conversation", visible(m.conversation or "")),
        ("other keys", visible(", ".join(m.aliases))),
        ("valid until", _moment(m.valid_until) if m.valid_until else ""),
    ]
    return fields([(name, value) for name, value in pairs if value], indent="  ")


def _media(item: Media) -> str:
    size = f"{item.size:,} bytes" if item.size is not None else ""
    return "  ".join(visible(part, limit=500) for part in (item.type, item.url, size) if part) or "of unknown type"


def _lifecycle(m: Message, paint: Paint) -> list[str]:
    rows = []
    before: datetime | None = None
    for stage in m.stages:
        gap = f"+{span(max((stage.provider_at - before).total_seconds(), 0))}" if before and stage.provider_at else ""
        rows.append((stage.status.value, _moment(stage.provider_at), gap, _moment(stage.received_at), _notes(stage)))
        before = stage.provider_at or before
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for stage, cells in zip(m.stages, rows, strict=True):
        loud = Mark.CONFLICT in stage.marks or Mark.REGRESSION in stage.marks
        lines.append(f"  {paint('●', 'yellow' if loud else None)} {GAP.join(map(pad, cells, widths)).rstrip()}")
        if stage.error is not None and stage.error != m.error:
            said = [stage.error.code, stage.error.carrier_code, stage.error.title]
            lines.append("      " + visible(" ".join(part for part in said if part), limit=300))
    if m.more_stages:
        lines.append(f"  … and {counted(m.more_stages, 'more stage')}")
    if marks := marks_text(m, paint):
        lines.append(f"  marks: {marks}")
    return lines


def _notes(stage: Stage) -> str:
    told = f"told in cap_{stage.capture}" if stage.inferred else f"cap_{stage.capture}"
    notes = [told + (f" and {stage.count - 1:,} more" if stage.count > 1 else "")]
    if stage.provider_status and stage.provider_status != stage.status.value:
        notes.append(f"“{visible(stage.provider_status, limit=80)}”")
    notes += [mark.value.replace("_", " ") for mark in stage.marks]
    return ", ".join(notes)


def _interaction(one: Interaction) -> str:
    times = f", {one.times:,} times" if one.times > 1 else ""
    return f"  {visible(one.mark, limit=80)}  {_moment(one.provider_at or one.received_at)}  cap_{one.capture}{times}"


def _latency(m: Message) -> list[str]:
    latency = m.latency
    named = [
        ("accepted to sent", latency.accept_to_sent_s), ("sent to final", latency.sent_to_final_s),
        ("total", latency.total_s), ("on its way to us", latency.transit_s),
    ]  # fmt: skip
    about = "about " if latency.about else ""
    return fields([(name, f"{about}{span(value)}") for name, value in named if value is not None], indent="  ")


def _captures_title(m: Message) -> str:
    unproven = f", {m.unproven_count:,} of them unproven: they move nothing" if m.unproven_count else ""
    return f"{counted(m.capture_count, 'capture')}{unproven}"


def _captures(m: Message, captures: Sequence[Capture], paint: Paint) -> list[str]:
    lines = [f"  {line(capture, paint, dated=True)}" for capture in captures]
    more = m.capture_count - len(captures)
    return [*lines, f"  … and {more:,} more, some of them repeats"] if more else lines


def _bubble(m: Message, paint: Paint) -> str:
    text = f"“{visible(m.text, limit=2000)}”" if m.text else ""
    media = " ".join(f"[{_media(item)}]" for item in m.media)
    state = "unproven" if not m.backed else state_text(m, None)
    sign = ARROWS[m.direction]
    color = "yellow" if not m.backed else state_color(m, None)
    return GAP.join(filter(None, [sign, text, media, paint(state, color), paint(visible(m.key), dim=True)]))


def _event(item: CentreLine) -> str:
    said = f" ({visible(item.provider_status, limit=80)})" if item.provider_status else ""
    return f"–  {visible(item.event, limit=120)}{said}  cap_{item.capture}"


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return _UNKNOWN
    local = local_time(moment)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}"
