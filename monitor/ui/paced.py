"""An app that draws no more than its terminal takes, so that a terminal that nobody reads costs no webhook."""

from __future__ import annotations

import time
from abc import abstractmethod
from threading import Thread
from typing import Final

from rich.console import RenderableType
from textual.screen import Screen

from monitor.ui.typed import TypedApp

TICK_S: Final = 0.1
REST: Final = 2.0  # times as long as a frame took is left to receiving before the next
LONGEST_REST_S: Final = 0.5
BEHIND_S: Final = 1.0  # between two frames of what lies behind a box: the box is laid over each anew, line by line
TICK_QUEUE: Final = 3  # frames that wait for the terminal, from which on a tick draws nothing
MAX_QUEUE: Final = 12  # ... from which on nothing at all is drawn; at 30 Textual would block
LENT: Final = 1_000  # stands for all that would wait


class PacedApp(TypedApp):
    """Makes a frame ten times a second, while the terminal keeps up; ``begin_frames`` once it is mounted."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = False  # a frame was left out because the terminal did not keep up
        self._begun = self._next_frame = 0.0

    @abstractmethod
    def frame(self) -> None:
        """Bring what is shown up to date."""

    def begin_frames(self) -> None:
        """Make frames from now on."""
        self.set_interval(TICK_S, self._tick)

    def _queued(self) -> int:
        """How many writes wait for the terminal (private to Textual's driver, so: 0 where it is not as known); more
        than can be while an editor has it."""
        writer = getattr(self._driver, "_writer_thread", None)
        if isinstance(writer, Thread) and not writer.is_alive():
            return LENT
        queue = getattr(writer, "_queue", None)
        waiting = getattr(queue, "qsize", None)
        return waiting() if callable(waiting) else 0

    def _tick(self) -> None:
        """A terminal that nobody reads must cost the receiver nothing: while frames wait, no more are made. Nor may
        drawing take the time that receiving needs: after a frame that took long the next one comes later."""
        begun = time.monotonic()
        if self._queued() > TICK_QUEUE or begun < self._next_frame:
            return
        if self.screen_stack and self.screen_stack[-1].is_modal and begun < self._begun + BEHIND_S:
            return
        self._begun = begun
        self.call_after_refresh(self._drawn, begun)
        if self._skipped:
            self._skipped = False
            self.screen.refresh()
        self.frame()

    def _drawn(self, begun: float) -> None:
        now = time.monotonic()
        self._next_frame = now + min(REST * (now - begun), LONGEST_REST_S)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write a frame, unless so many wait already that writing would block the loop."""
        if self._queued() > MAX_QUEUE:
            self._skipped = True
            return
        super()._display(screen, renderable)

    def bell(self) -> None:
        """Ring, unless nobody hears it and ringing would block the loop."""
        if self._queued() <= MAX_QUEUE:
            super().bell()
