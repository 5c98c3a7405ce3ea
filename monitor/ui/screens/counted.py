"""What overlays share that count over the history, again and again while they are open."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import ClassVar, Final, TypeVar

from textual.screen import ScreenResultType
from textual.timer import Timer

from monitor.store.reader import Reader
from monitor.ui.screens.overlay import Overlay
from monitor.ui.session import Session

PATIENCE: Final = 10  # how many times as long as the last counting took until the next
R = TypeVar("R", bound=Reader)


class CountedScreen(Overlay[ScreenResultType]):
    """Counts anew every ``EVERY_S`` seconds or more, off the event loop, unless somebody has frozen the screens."""

    EVERY_S: ClassVar[float]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reader: Reader | None = None
        self._timer: Timer | None = None

    @abstractmethod
    async def count(self) -> None:
        """Count once and show it; the store is read with what ``reading`` gave back. May raise anything."""

    @abstractmethod
    def failed(self, kind: str) -> None:
        """Say that nothing could be counted; ``kind`` is the name of the exception."""

    def on_unmount(self) -> None:
        self._break_off()

    def reading(self, reader: R) -> R:
        """The reader, which is closed when what is counted with it is broken off."""
        self._reader = reader
        return reader

    def begin(self) -> None:
        """Count now; what was being counted is broken off."""
        self._break_off()
        self.run_worker(self._count(), exclusive=True)

    def again(self, seconds: float) -> None:
        """Count in so many seconds, and not when it was to be before."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._next)

    def filter_words(self) -> str | None:
        """The filter in force as it may be shown; None without one."""
        return self._session.filter_words(self._session.view.filter_text)

    async def _count(self) -> None:
        begun = time.monotonic()
        try:
            await self.count()
        except Exception as error:  # a store that fails costs this box, not the screens
            self.failed(type(error).__name__)
        self.again(max(self.EVERY_S, (time.monotonic() - begun) * PATIENCE))

    def _next(self) -> None:
        if self._session.view.frozen:
            self.again(self.EVERY_S)
        else:
            self.begin()

    def _break_off(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
