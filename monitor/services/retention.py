"""Keeping the history within its bounds: captures older than ``keep`` go, and the oldest where it grows too large.

A log beside the database that grows past its own bound cannot be helped here: it is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor import tasks
from monitor.model.capture import Capture
from monitor.store.errors import StoreError, StoreUnavailableError
from monitor.store.retention import RetentionReader
from monitor.store.store import Store
from monitor.times import earlier, utc_now

ROOM_EVERY_S: Final = 20.0  # a look at the size costs nothing
AGE_EVERY: Final = 30  # looks at the size to one at the ages, which reads the history
ROOM: Final = 0.9  # of the size allowed is left filled, so that not every capture lets one go
LOOK_AFTER: Final = 0.05  # of the size allowed: so much stored brings the next look forward
FULL: Final = 1.2  # of the size allowed: more than that is not waited for, see ``is_full``
CATCH_UP_S: Final = 10.0  # for messages to know of what came, before what is old goes
EVER: Final = datetime.max.replace(tzinfo=UTC)  # our clock may have been set back, and a file may hold any time
ROW_BYTES: Final = 2048  # what a capture takes besides its body, about
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
        self._size = 0  # at the last look
        self._since = 0  # bytes stored since, about
        self._bound = math.inf  # the smallest size seen, or ``max_size``: what it was before is no flood
        self._due = asyncio.Event()

    def stored(self, batch: Sequence[Capture]) -> None:
        """Captures were just committed: a flood has the size looked at before its time."""
        self._since += sum([len(capture.request.body) for capture in batch]) + ROW_BYTES * len(batch)
        if self._since > LOOK_AFTER * self._max_size:
            self._due.set()

    def is_full(self) -> bool:
        """Whether more comes than goes, so that the history is a good part larger than it may be."""
        return self._size + self._since > FULL * self._bound

    def start(self) -> None:
        """Begin; the first look is at once."""
        self._task = tasks.start(self._run(), "retention")

    async def stop(self) -> None:
        """End; what is being let go is let go in part."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def once(self) -> int:
        """Let go what is too old, then of what is left as much as is too much; gives how many captures that were.

        For room the oldest go that nobody could verify, since a stranger can send as many as he likes; then the oldest.
        Raises StoreError.
        """
        return await self.let_old_go() + await self.make_room()

    async def let_old_go(self) -> int:
        """Let go what is too old, but for what was imported: that was old when it came. Raises StoreError."""
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self._store.caught_up()
        except TimeoutError:  # what is not folded yet may speak of a message that is old: another time
            return 0
        except StoreUnavailableError:  # it cannot be folded, which more room may mend
            pass
        return await self._store.prune(earlier(self._now(), self._keep), imported=False)

    async def make_room(self) -> int:
        """Let go what is too much. Raises StoreError."""
        gone = 0
        if surplus := await self._surplus():
            gone = await self._store.prune(EVER, limit=surplus, unproven=True)
            # Only where none of these is left: a flood that goes on must not push out what was verified.
            if gone < surplus and (surplus := await self._surplus()):
                gone += await self._store.prune(EVER, limit=surplus)
            await self._surplus()  # so that ``is_full`` knows of it
        return gone

    async def _surplus(self) -> int:
        """How many captures of the usual size are too many."""
        before = self._since
        self._size, captures = await asyncio.to_thread(self._look)
        self._since -= before
        self._bound = max(self._max_size, min(self._bound, self._size))
        return int(captures * (1 - ROOM * self._max_size / self._size)) if self._size > self._max_size else 0

    def _look(self) -> tuple[int, int]:
        """The size in bytes, and how many captures there are."""
        with closing(RetentionReader(self._store.path)) as reader:
            size = reader.size()
            return size, sum(reader.tallies().values()) if size > self._max_size else 0

    async def _run(self) -> None:
        looks, hurried = 0, False
        while True:
            try:
                self._due.clear()
                gone = await (self.make_room() if hurried or looks % AGE_EVERY else self.once())
                looks += not hurried
                if gone:
                    log.info("%s captures were let go", f"{gone:,}")
            except Exception as error:  # a full disk, a busy database: later it may work
                reason = str(error) if isinstance(error, StoreError) else type(error).__name__
                log.warning("nothing was let go: %s", reason)
                self._size = self._since = 0  # not known: nobody is turned away for it
            await asyncio.to_thread(self._store.reserve.keep)
            await self._look_at_log()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROOM_EVERY_S):  # wait_for of Python 3.11 may swallow what ends us
                    await self._due.wait()
            hurried = self._due.is_set()

    async def _look_at_log(self) -> None:
        before = self._store.held_log
        try:
            await self._store.look_at_log()
        except StoreError as error:
            log.warning("%s", error)
        if self._store.held_log and not before:
            log.warning(
                "the log of %s has %s bytes: a program that reads the database keeps it from being written back",
                self._store.path,
                f"{self._store.held_log:,}",
            )
