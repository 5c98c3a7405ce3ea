"""Taking the captures of a file into a database: all of them, or none; of a damaged database all that can be read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from monitor.courtesy import courteous
from monitor.model.capture import Capture
from monitor.providers.base import Keys
from monitor.providers.registry import registry
from monitor.services.examine import Examiner
from monitor.services.imports.database import Loss
from monitor.services.imports.files import Found, captures
from monitor.services.imports.problem import ImportProblem
from monitor.store.errors import StoreError
from monitor.store.intake import STEP
from monitor.store.store import Store

if TYPE_CHECKING:
    from monitor.services.monitor import Monitor

TOLD_EVERY: Final = 100  # captures


@dataclass(frozen=True, slots=True)
class Checked:
    """What is in a file: how many captures, and when the first and the last of them came."""

    captures: int
    first: datetime | None
    last: datetime | None
    loss: Loss = field(default_factory=Loss)


class _Keyless:
    """No keys at all: an imported signature is never checked."""

    def keys(self, provider: str) -> Keys:
        """None."""
        return Keys()

    def local_keys(self, provider: str) -> Keys:
        """None."""
        return Keys()


class Import:
    """One file of captures on its way into a store."""

    def __init__(
        self,
        found: Found,
        progress: Callable[[int], None] = lambda number: None,
        *,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """``found`` is as ``files.look_at`` gives it; ``progress`` is told now and then, from a thread, how many
        captures were read. ``busy`` tells whether webhooks come meanwhile, to which reading gives way."""
        self.found = found
        self.loss = Loss()  # of a database, once it was read
        self.taken = 0  # captures that ``run_beside`` gave to the store, which commits them whatever ends it
        self._progress = progress
        self._busy = busy
        self._stop = threading.Event()
        self._problem: BaseException | None = None

    async def run(self, store: Store) -> int:
        """Commit every capture of the file, labelled imported, in one transaction; gives how many.

        Readings are made by our readers. Returns when messages and conversations know of them. Where the file is wrong
        or this is cancelled nothing of it stays. Raises ImportProblem, OSError and StoreError.
        """
        self._check_other(store)
        try:
            number = await store.take_in(self._captures())
        except StoreError:
            if self._problem is not None:
                raise self._problem from None
            raise
        finally:
            self._stop.set()
        await store.caught_up()
        return number

    def check(self) -> Checked:
        """Read the whole file and keep nothing: what is in it. Raises ImportProblem and OSError."""
        number, first, last = 0, None, None
        for capture in self._captures():
            number += 1
            first = capture.received_at if first is None else min(first, capture.received_at)
            last = capture.received_at if last is None else max(last, capture.received_at)
        return Checked(number, first, last, self.loss)

    async def run_beside(self, monitor: Monitor) -> AsyncIterator[int]:
        """Commit every capture as ``run`` does, while a monitor receives: in small parts, which give way to what
        comes in; gives after each how many it is by then. ``check`` is to be called before, since what was committed
        stays when something goes wrong. Raises ImportProblem, OSError and StoreError."""
        self._check_other(monitor.store)
        found = self._captures()
        while batch := await asyncio.to_thread(lambda: list(islice(found, STEP))):
            self.taken += len(batch)
            try:
                await monitor.store.take_in_part(batch)
            except StoreError:
                self.taken -= len(batch)
                raise
            monitor.feed.take_in(batch)
            yield self.taken

    def _check_other(self, store: Store) -> None:
        if self.found.path.samefile(store.path):
            raise ImportProblem("The file is the database itself; its captures are there.")

    def _captures(self) -> Iterator[Capture]:
        """The captures with readings; the store's thread takes them."""
        self.loss = Loss()
        examiner = Examiner(registry(), _Keyless(), lambda body, value: False)
        try:
            for number, capture in enumerate(courteous(captures(self.found, self.loss), self._busy), 1):
                if self._stop.is_set():
                    raise ImportProblem("The import was broken off; nothing of it was kept.")
                if number % TOLD_EVERY == 0:
                    self._progress(number)
                yield examiner.again(capture)
        except (ImportProblem, OSError) as problem:
            self._problem = problem
            raise
