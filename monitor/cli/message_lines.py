"""A message or a conversation as one line of text, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from monitor.cli.lines import ARROWS, STATUS_COLORS
from monitor.cli.output import GAP, Paint, counted, cut, pad
from monitor.model.conversation import Conversation
from monitor.model.message import Mark, Message, Stage
from monitor.model.reading import Direction, MessageError, Status
from monitor.text import visible
from monitor.times import local_time

_TEXT_CELLS: Final = 60
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_QUIET: Final = frozenset({Mark.DUPLICATE, Mark.LATE, Mark.OUT_OF_ORDER})  # marks that are nobody's mistake


def span(seconds: float) -> str:
    """How long, short: ``40ms``, ``1.1s``, ``4m12s``, ``3h05m``."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f}ms" if seconds else "0s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    left = round(seconds)
    for (unit, length), (small, small_length) in pairwise(_UNITS):
        if left >= length:
            whole, rest = divmod(left, length)
            return f"{whole}{unit}{rest // small_length:02d}{small}"
    return f"{left}s"


def day_and_time(moment: datetime) -> str:
    """A time in the local zone: ``2026-01-31 12:00:00``."""
    return f"{local_time(moment):%Y-%m-%d %H:%M:%S}"


def party_of(message: Message) -> str:
    """The other side of a message with the arrow of its direction."""
    party = message.from_ if message.direction is Direction.INBOUND else message.to or message.from_
    return f"{ARROWS[message.direction]} {visible(party or '', limit=100)}"


def stages_text(stages: Sequence[Stage]) -> str:
    """The stages with the time between them by the provider's clock: ``queued +0.3s sent +1.1s delivered``."""
    words: list[str] = []
    before: datetime | None = None
    for stage in stages:
        if before is not None and stage.provider_at is not None:
            words.append(f"+{span(max((stage.provider_at - before).total_seconds(), 0))}")
        words.append(stage.status.value + (f"×{stage.count}" if stage.count > 1 else ""))
        before = stage.provider_at or before
    return " ".join(words)


def codes_of(error: MessageError | None) -> str:
    """The codes of an error, the provider's own first: ``40002/702``; visible text."""
    return visible("/".join(code for code in (error.code, error.carrier_code) if code), limit=80) if error else ""


def state_text(message: Message, stuck_s: float | None) -> str:
    """What became of a message: its status, a failure with its codes, or for how long it is stuck."""
    if stuck_s is not None:
        return f"STUCK {span(stuck_s)}"
    if message.status is Status.FAILED:
        return f"FAILED {codes_of(message.error)}".rstrip()
    return message.status.value if message.status else "unknown"


def state_color(message: Message, stuck_s: float | None) -> str | None:
    """The colour that goes with ``state_text``."""
    return "yellow" if stuck_s is not None else STATUS_COLORS.get(message.status) if message.status else None


def marks_text(message: Message, paint: Paint) -> str:
    """What was noticed of a message, and what people did with it."""
    loud = any(mark not in _QUIET for mark in message.marks)
    noticed = ", ".join(mark.value.replace("_", " ") for mark in message.marks)
    done = [visible(one.mark, limit=40) + (f"×{one.times}" if one.times > 1 else "") for one in message.interactions]
    return ", ".join(filter(None, [paint(noticed, "yellow" if loud else None) if noticed else "", *done]))


def message_line(message: Message, paint: Paint, *, stuck_s: float | None = None) -> str:
    """The line of a message: local time, provider, other side, stages, state, marks, text."""
    marks = marks_text(message, paint)
    columns = [
        day_and_time(message.happened_at),
        pad(visible(message.provider), 9),
        pad(cut(party_of(message), 24), 24),
        pad(cut(stages_text(message.stages), 44), 44),
        paint(pad(cut(state_text(message, stuck_s), 18), 18), state_color(message, stuck_s)),
        *([f"[{marks}]"] if marks else []),
        cut(f"“{visible(message.text, limit=200)}”", _TEXT_CELLS) if message.text else "",
    ]
    return GAP.join(columns).rstrip()


def conversation_line(conversation: Conversation, paint: Paint) -> str:
    """The line of a conversation: local time of the last, provider, parties, how many messages, the last one."""
    parties = " · ".join(visible(party, limit=60) for party in conversation.parties) or visible(conversation.key)
    failed = f", {conversation.failed:,} failed" if conversation.failed else ""
    unproven = f", {conversation.unproven:,} unproven" if conversation.unproven else ""
    last = conversation.last_text
    columns = [
        day_and_time(conversation.last_at) if conversation.last_at else " " * 19,
        pad(visible(conversation.provider), 9),
        pad(cut(parties, 40), 40),
        counted(conversation.messages, "message") + paint(failed, "red") + paint(unproven, "yellow"),
        cut(f"{ARROWS[conversation.last_direction]} “{visible(last, limit=200)}”", _TEXT_CELLS) if last else "",
    ]
    return GAP.join(columns).rstrip()
