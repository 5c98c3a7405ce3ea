"""The stage bar: which way a message has come, in a few cells. Pure."""

from __future__ import annotations

from typing import Final

from monitor.model.message import Mark, Message, Stage
from monitor.model.reading import Direction, Status
from monitor.ui.format import short_took
from monitor.ui.lines import Part

SHORT: Final = 5  # cells of a bar without times
LONG: Final = 19
_SLOT: Final = 8
_ENDS: Final = (Status.DELIVERED, Status.READ, Status.FAILED)
ROLES: Final[dict[Status | None, str]] = {
    Status.RECEIVED: "info", Status.QUEUED: "quiet", Status.SENT: "plain", Status.DELIVERED: "good",
    Status.READ: "info", Status.FAILED: "bad", Status.OTHER: "quiet", None: "faint",
}  # fmt: skip


def glyph(stage: Stage) -> Part:
    """The sign of a stage: its state by colour, ``✖`` for failed, ``?`` where its signature was not proven."""
    role = ROLES[stage.status]
    if Mark.UNPROVEN in stage.marks:
        return "?", role
    return ("✖" if stage.status is Status.FAILED else "●"), role


def inbound(message: Message) -> bool:
    """Whether a message came from a customer."""
    return message.direction is Direction.INBOUND or (
        message.direction is None and any(stage.status is Status.RECEIVED for stage in message.stages)
    )


def steps(message: Message) -> list[Part]:
    """A sign for each step of the way: queued, sent, end; one for what was received.

    ``○`` is not yet, ``·`` passed without a word.
    """
    if inbound(message):
        return [glyph(message.stages[0]) if message.stages else ("?", "faint")]
    end = next((s for s in reversed(message.stages) if s.status is message.status and s.status in _ENDS), None)
    end = end or next((s for s in message.stages if s.status in _ENDS), None)
    queued = next((s for s in message.stages if s.status is Status.QUEUED), None)
    sent = next((s for s in message.stages if s.status is Status.SENT), None)
    found: list[Part] = []
    for index, stage in enumerate((queued, sent, end)):
        if stage is not None:
            found.append(glyph(stage))
        elif not message.backed and index == 0:
            found.append(("?", "faint"))
        else:
            later = (queued, sent, end)[index + 1 :]
            found.append(("·" if any(later) else "○", "faint"))
    return found


def bar(message: Message, width: int) -> list[Part]:
    """The stage bar in ``width`` cells: with the times between the stages where there is room."""
    signs = steps(message)
    if len(signs) == 1:
        return [signs[0], (" " * (width - 1), "plain")]
    if width < LONG:
        return [signs[0], ("─", "faint"), signs[1], ("─", "faint"), signs[2], (" " * (width - SHORT), "plain")]
    latency = message.latency
    first = short_took(latency.accept_to_sent_s, about=latency.about)
    second = short_took(latency.sent_to_final_s, about=latency.about)
    parts = [signs[0], *_gap(first), signs[1], *_gap(second), signs[2]]
    return [*parts, (" " * (width - LONG), "plain")]


def _gap(text: str) -> list[Part]:
    before = (_SLOT - len(text)) // 2
    return [("─" * before, "faint"), (text, "quiet"), ("─" * (_SLOT - before - len(text)), "faint")]
