"""Which captures an action can mean: the marked ones, that under the cursor, those of its message."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from monitor.store.errors import StoreError
from monitor.ui.format import count

if TYPE_CHECKING:
    from monitor.ui.screens.base import MonitorScreen

MARKED: Final = "marked"


@dataclass(frozen=True, slots=True)
class Which:
    """Captures that can be meant: one word for them, what they are, and their ids."""

    name: str
    what: str
    numbers: Sequence[int]


def which(screen: MonitorScreen) -> list[Which]:
    """The choices on a screen, the likeliest first: what somebody marked is meant."""
    session, capture = screen.session, screen.capture_number
    found = []
    if session.marks:
        found.append(Which(MARKED, f"the marked: {count(len(session.marks), 'capture')}", list(session.marks)))
    if capture is not None:
        found.append(Which("capture", f"capture {capture}", [capture]))
    with contextlib.suppress(StoreError):  # which costs this choice, and what is chosen says more of it
        message = session.message(screen.copied_message())
        if message is not None and list(message.captures) != [capture]:
            numbers, every = message.captures, message.capture_count
            counted, rest = count(len(numbers), "capture"), ""
            if every > len(numbers):
                counted, rest = f"{count(len(numbers))} of {count(every, 'capture')}", "; the others say the same"
            found.append(Which("message", f"its message: {counted}{rest}", numbers))
    return found
