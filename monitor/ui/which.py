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
        numbers = session.captures_of(screen.copied_message())
        if list(numbers) not in ([], [capture]):
            found.append(Which("message", f"its message: {count(len(numbers), 'capture')}", numbers))
    return found
