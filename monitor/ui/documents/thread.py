"""A thread: inbound messages at the left, outbound ones at the right, each with what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from monitor.model.conversation import Bubble, CentreLine
from monitor.model.message import Mark, Message
from monitor.model.reading import Status
from monitor.text import visible
from monitor.ui.documents.look import BLANK, Reader
from monitor.ui.format import clock, count, day, fit, size
from monitor.ui.lines import Line, Part, foreign, line, wrap
from monitor.ui.mask import mask_text
from monitor.ui.painted import cells
from monitor.ui.stages import inbound
from monitor.ui.widgets.rows import Placed

_SHARE: Final = 0.72  # of the width that a bubble may take
_LIMIT: Final = 4_000  # characters of a text that are drawn
_STATES: Final[dict[Status | None, Part]] = {
    Status.QUEUED: ("· queued", "quiet"),
    Status.SENT: ("✓ sent", "quiet"),
    Status.DELIVERED: ("✓✓ delivered", "good"),
    Status.READ: ("✓✓ read", "info"),
}


def thread_lines(
    items: Sequence[Bubble | CentreLine], reader: Reader, width: int, *, earlier: int = 0, later: int = 0
) -> list[Placed]:
    """The lines of a thread, each with the number of the item it belongs to.

    ``earlier`` and ``later`` messages are not among the items.
    """
    placed: list[Placed] = [(_left_out(earlier, "earlier", width), None)] if earlier else []
    date = ""
    for number, item in enumerate(items):
        today = day(item.at)
        if today != date:
            placed += [(BLANK, None)] if placed else []
            date = today
            placed.append((_centred([(f"── {today} ──", "faint")], width), None))
        placed.append((BLANK, None))
        if isinstance(item, CentreLine):
            placed.append((_centred(_event(item, width), width), number))
        else:
            placed += [(one, number) for one in bubble(item.message, clock(item.at)[:5], reader, width)]
    if later:
        placed += [(BLANK, None), (_left_out(later, "later", width), None)]
    return placed


def _left_out(number: int, word: str, width: int) -> Line:
    return _centred([(fit(f"… {count(number)} {word}", width), "faint")], width)


def bubble(message: Message, time: str, reader: Reader, width: int) -> list[Line]:
    """A message as lines that are at most ``width`` cells wide."""
    room = max(int(width * _SHARE), 12)
    inside = room - 2
    rows = [_cut(part, inside) for part in _said(message, reader, inside)]
    state = _state(message)
    foot: list[Part] = [(time, "faint"), ("  " if state else "", "plain"), *state]
    widest = min(max([cells(foot), *(cells(row) for row in rows)]), inside)
    came = inbound(message)
    edge = ("▌ ", "info") if came else (" ▐", _edge(message))
    lines = []
    for at, row in enumerate([*rows, foot]):
        row = _cut(row, inside)
        blank: Part = (" " * (widest - cells(row)), "plain")
        if came:
            lines.append(line(edge, *row, blank, (" ", "plain")))
        else:
            text = [blank, *row] if at == len(rows) else [*row, blank]
            lines.append(line((" " * max(width - widest - 3, 0), "plain"), (" ", "plain"), *text, edge))
    return lines


def _said(message: Message, reader: Reader, room: int) -> list[list[Part]]:
    role = "plain" if message.backed else "quiet"
    rows: list[list[Part]] = []
    if message.text:
        text = mask_text(message.text) if reader.masked else visible(message.text, lines=True, limit=_LIMIT)
        for paragraph in text.split("\n"):
            rows += [[(paragraph[a:b].rstrip(), role)] for a, b in wrap(paragraph, room, 0)]
    for media in message.media:
        chip: list[Part] = [("▪ ", "accent"), foreign(media.type or "attachment", "accent", limit=60)]
        if media.size is not None:
            chip.append((f"  {size(media.size)}", "quiet"))
        rows.append(chip)
        if media.url:
            address = "address hidden" if reader.masked else visible(media.url, limit=400)
            rows += [[(address[a:b], "faint")] for a, b in wrap(address, room, 0)[:3]]
    if not rows:
        rows.append([("no text" if message.backed else "nothing readable", "faint")])
    return rows


def _state(message: Message) -> list[Part]:
    parts: list[Part] = []
    if not message.backed:
        return [("? not proven", "warn")]
    if message.status is Status.FAILED:
        error = message.error
        code = (error.carrier_code or error.code) if error else None
        parts = [(f"✗ {visible(code, limit=40)} failed" if code else "✗ failed", "bad")]
    elif not inbound(message):
        other = message.status.value if message.status else "no status"
        parts = [_STATES.get(message.status, (other, "quiet"))]
    if Mark.CONFLICT in message.marks:
        parts += [("  ", "plain"), ("≠ conflict", "bad")]
    seen = [one.mark for one in message.interactions if one.mark != "read"]
    if seen:
        parts += [("  ", "plain"), foreign(", ".join(seen[:3]), "info", limit=60)]
    return parts


def _edge(message: Message) -> str:
    if message.status is Status.FAILED:
        return "bad"
    return "good" if message.final else "quiet"


def _event(item: CentreLine, width: int) -> list[Part]:
    words = visible(item.event, limit=80) + (
        f" {visible(item.provider_status, limit=40)}" if item.provider_status else ""
    )
    parts: list[Part] = [(fit(f"· {words} ·", width - 8), "quiet"), (f"  {clock(item.at)[:5]}", "faint")]
    return parts if item.verified else [*parts, ("?", "faint")]


def _centred(parts: list[Part], width: int) -> Line:
    return line((" " * max((width - cells(parts)) // 2, 0), "plain"), *parts)


def _cut(parts: list[Part], room: int) -> list[Part]:
    kept: list[Part] = []
    for text, role in parts:
        if cell_len(text) > room:
            return [*kept, (fit(text, room), role)]
        kept.append((text, role))
        room -= cell_len(text)
    return kept
