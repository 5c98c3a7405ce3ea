"""Keeping the history within its bounds: captures older than ``keep`` go, and the oldest where it grows too large."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from monitor import tasks
from monitor.store.errors import StoreError
from monitor.store.retention import RetentionReader
from monitor.store.store import Store
from monitor.times import earlier, utc_now

ROOM_EVERY_S: Final = 20.0  # a look at the size costs nothing, and a flood grows fast
AGE_EVERY: Final = 30  # looks at the size to one at the ages, which reads the history
ROOM: Final = 0.9  # of the size allowed is left filled, so that not every capture lets one go
log = logging.getLogger(__name__)


class Retention:
    """Looks at the history of a running store now and then, and lets go what is too old or too much."""

    def __init__(
        self,
        store: Store,
        keep: timedelta,
        max_size: int,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """``max_size`` in bytes."""
        self._store = store
        self._keep = keep
        self._max_size = max_size
        self._now = now
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first look is at once."""
        self._task = tasks.start(self._run(), "retention")

    async def stop(self) -> None:
        """End; what is being let go is let go in part."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def once(self) -> int:
        """Let go what is too old, then of what is left as much as is too much; gives how many captures that were.

        For room the oldest go that nobody could verify, since a stranger can send as many as he likes; then the oldest.
        Raises StoreError.
        """
        return await self.let_old_go() + await self.make_room()

    async def let_old_go(self) -> int:
        """Let go what is too old, but for what was imported: that was old when it came. Raises StoreError."""
        return await self._store.prune(earlier(self._now(), self._keep), imported=False)

    async def make_room(self) -> int:
        """Let go what is too much. Raises StoreError."""
        now, gone = self._now(), 0
        for unproven in (True, False):
            if surplus := await asyncio.to_thread(self._surplus):
                gone += await self._store.prune(now, limit=surplus, unproven=unproven)
        return gone

    def _surplus(self) -> int:
        """How many captures of the usual size are too many."""
        with closing(RetentionReader(self._store.path)) as reader:
            size = reader.size()
            if size <= self._max_size:
                return 0
            return int(sum(reader.tallies().values()) * (1 - ROOM * self._max_size / size))

    async def _run(self) -> None:
        looks = 0
        while True:
            try:
                gone = await (self.make_room() if looks % AGE_EVERY else self.once())
                looks += 1
                if gone:
                    log.info("%s captures were let go", f"{gone:,}")
            except StoreError as error:  # a full disk, a busy database: later it may work
                log.warning("nothing was let go: %s", error)
            await asyncio.sleep(ROOM_EVERY_S)
