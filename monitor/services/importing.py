"""Taking the captures of a file into a database: all of them, or none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final

from monitor.model.capture import Capture
from monitor.providers.base import Keys
from monitor.providers.registry import registry
from monitor.services.examine import Examiner
from monitor.services.imports.files import Found, Kind, captures
from monitor.services.imports.problem import ImportProblem
from monitor.store.errors import StoreError
from monitor.store.store import Store
from monitor.text import visible

TOLD_EVERY: Final = 100  # captures


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

    def __init__(self, found: Found, progress: Callable[[int], None] = lambda number: None) -> None:
        """``found`` is as ``files.look_at`` gives it; ``progress`` is told now and then, from a thread, how many
        captures were read. Raises ImportProblem for a database, which has captures of its own."""
        if found.kind is Kind.DATABASE:
            name = visible(found.path.name, limit=100)
            raise ImportProblem(f"The file {name} is {found.kind}; 'hooktop open' shows it, --db uses it.")
        self.found = found
        self._progress = progress
        self._stop = threading.Event()
        self._problem: BaseException | None = None

    async def run(self, store: Store) -> int:
        """Commit every capture of the file, labelled imported, in one transaction; gives how many.

        Readings are made by our readers. Returns when messages and conversations know of them. Where the file is wrong
        or this is cancelled nothing of it stays. Raises ImportProblem, OSError and StoreError.
        """
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

    def _captures(self) -> Iterator[Capture]:
        """The captures with readings; the store's thread takes them."""
        examiner = Examiner(registry(), _Keyless(), lambda body, value: False)
        try:
            for number, capture in enumerate(captures(self.found), 1):
                if self._stop.is_set():
                    raise ImportProblem("The import was broken off; nothing of it was kept.")
                if number % TOLD_EVERY == 0:
                    self._progress(number)
                yield examiner.again(capture)
        except (ImportProblem, OSError) as problem:
            self._problem = problem
            raise
