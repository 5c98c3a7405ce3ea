"""The list that a screen shows: the captures that pass a filter, in the order of their arrival.

It holds ids (8 bytes each, nothing where none is missing in between) and reads the rows of the visible window from the
store, so a million captures scroll like a hundred. A filter over a long history is run from the newest backwards, in
steps, off the event loop: matches show as they are found.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Final, TypeAlias

from monitor import tasks
from monitor.model.filter import Filter, parse
from monitor.services.patience import AGES_EVERY_S, rest
from monitor.store.errors import StoreError
from monitor.store.filter_sql import compile_filter
from monitor.store.reader import Reader, Row
from monitor.times import utc_now

WINDOW: Final = 200
AT_ONCE: Final = 20_000  # ids that are read before anything is shown, where some are missing in between
CACHED_WINDOWS: Final = 16
FIRST_STEP: Final = 2_000  # ids looked at in the first step of a filter; later steps grow to keep their time
LAST_STEP: Final = 64_000
LAST_INDEXED_STEP: Final = 1_000_000
RARE: Final = 20  # fewer than one in so many found
STEP_S: Final = 0.02

Ids: TypeAlias = "range | array[int]"


class View:
    """A filtered, ordered view of the store. All methods are called from one event loop."""

    def __init__(self, open_reader: Callable[[], Reader], *, now: Callable[[], datetime] = utc_now) -> None:
        """``open_reader`` gives a new reading connection; the view closes those that it opened."""
        self._open_reader = open_reader
        self._reader = open_reader()
        self._now = now
        self._filter: Filter = parse("")
        self._seen = self._reader.last_id()
        newest = self._reader.newest_ids(AT_ONCE)
        self._is_whole = newest is None  # else the older ones are read once the event loop runs
        self._ids: Ids = _all_upto(self._reader, self._seen) if newest is None else _upto(newest, self._seen)
        self._held: Ids = range(0)  # matches that came while the view stood still
        self._windows: dict[int, list[Row | None]] = {}
        self._run = 0
        self._again_next = math.inf  # on the loop's clock
        self._attempt = self._reader.newest_attempt()
        self._heard = False  # whether the app has answered since the filter was asked
        self.version = 0  # changes whenever rows other than at the end have
        self.answers = 0  # changes whenever rows say something else of what the app answered
        self.scanned: float | None = None  # share of the history that a running filter has looked at
        self.trouble: Exception | None = None  # why a look into the history ended early: some may be missing
        self.frozen = False

    def close(self) -> None:
        """Stop a running filter and close the connection."""
        self._run += 1
        self._reader.close()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def pending(self) -> int:
        """How many matches wait behind a frozen view."""
        return len(self._held)

    @property
    def upto(self) -> int:
        """The id of the last capture that was taken in, whether it passed or not."""
        return self._held[0] - 1 if self._held else self._seen

    @property
    def filter_text(self) -> str:
        """The filter in force, empty for none."""
        return self._filter.text

    def id_at(self, index: int) -> int:
        """The id of the capture at a position. Raises IndexError."""
        return self._ids[index]

    def ids(self) -> Sequence[int]:
        """The ids of all captures in the view, as it is now."""
        return self._ids[:]

    def index_of(self, number: int) -> int | None:
        """The position of a capture, or None when it is not in the view."""
        index = bisect_left(self._ids, number)
        return index if index < len(self._ids) and self._ids[index] == number else None

    def nearest(self, number: int) -> int:
        """The position of the first capture that is not older than ``number``, or the last position."""
        return min(bisect_left(self._ids, number), max(len(self._ids) - 1, 0))

    def newer_than(self, number: int) -> int:
        """How many captures in the view came after this one."""
        return len(self._ids) - bisect_right(self._ids, number)

    def rows(self, start: int, stop: int) -> list[Row | None]:
        """The rows at these positions; None for one that is gone from the store."""
        start, stop = max(start, 0), min(stop, len(self._ids))
        found: list[Row | None] = []
        for window in range(start // WINDOW, (stop - 1) // WINDOW + 1 if stop > start else 0):
            rows = self._window(window)
            base = window * WINDOW
            found += rows[max(start - base, 0) : stop - base]
        return found

    def catch_up(self) -> int:
        """Take in what was committed since the last call; gives how many rows were added (0 while frozen)."""
        self._hear_answers()
        again = self._filter.asks_ages or (self._filter.asks_app and self._heard)
        if again and not self.frozen and asyncio.get_running_loop().time() >= self._again_next:
            self._again_next, self._heard = math.inf, False
            tasks.start(self._look_again(), "look again")
        if not self._is_whole:
            self._is_whole = True
            tasks.start(self._read_older(), "older captures")
        last = self._reader.newest(self._filter)
        if last <= self._seen:
            return 0
        fresh = self._matches(self._reader, self._seen + 1, last)
        self._seen = last
        if self.frozen:
            self._held = _joined(self._held, fresh)
            return 0
        return self._append(fresh)

    def _hear_answers(self) -> None:
        """Have the rows read again of what was passed on since the last call."""
        self._attempt, captures = self._reader.attempted(self._attempt)
        for number in captures:
            self._heard, index = True, self.index_of(number)
            if index is not None and self._windows.pop(index // WINDOW, None) is not None:
                self.answers += 1

    async def _read_older(self) -> None:
        try:
            await self.set_filter(self._filter.text)
        except StoreError:
            await asyncio.sleep(AGES_EVERY_S)
            self._is_whole = False  # another try may do better
            raise

    async def prune(self) -> None:
        """Captures were let go: leave them out."""
        seen = self._seen  # what is committed while this reads may not be among what it reads
        with closing(self._open_reader()) as reader:  # of its own: the screens would wait for the other
            there = await asyncio.to_thread(reader.all_ids)
        while True:  # aside: the screens would wait for a long list
            ids, version = self._ids[:], self.version
            kept = await asyncio.to_thread(_left, ids, there, seen)
            if version == self.version:
                break
        kept = _joined(kept, _left(self._ids[len(ids) :], there, seen))
        self._held = _left(self._held, there, seen)
        self._replace(kept)

    async def reread(self) -> None:
        """Readings were worked out anew: other rows, and others may pass the filter."""
        if self._filter.is_empty:
            self._windows.clear()
            self.version += 1
        else:
            await self.set_filter(self._filter.text)

    def freeze(self, frozen: bool) -> int:
        """Stand still, or go on; gives how many rows were added by going on."""
        self.frozen = frozen
        if frozen:
            return 0
        held, self._held = self._held, range(0)
        return self._append(held)

    async def set_filter(self, text: str) -> None:
        """Show only what passes the filter; returns when the whole history was looked at or another filter came.

        Matches appear from the newest on while it runs; ``scanned`` says how far it is. Raises FilterError, and then
        the filter in force stays.
        """
        wanted = parse(text)
        self._run += 1
        run = self._run
        loop = asyncio.get_running_loop()
        begun, self._again_next = loop.time(), math.inf
        self._is_whole = True  # it will be
        self._filter = wanted
        self._held = range(0)
        self.trouble = None
        self._seen = last = self._reader.newest(wanted)
        try:
            with closing(self._open_reader()) as reader:
                if wanted.is_empty:
                    await self._take_all(reader, run, last)
                else:
                    self._replace(array("q"))
                    await self._scan(reader, run, last)
        except Exception as error:
            if run == self._run:
                self.trouble = error
            raise
        finally:
            if run == self._run:
                self.scanned = None
                self._again_next = loop.time() + rest(loop.time() - begun)

    async def _look_again(self) -> None:
        """Let enter and leave what passes by now; what is shown stays until that is known."""
        loop = asyncio.get_running_loop()
        run, version, last, begun = self._run, self.version, self._seen, loop.time()
        found = array("q")
        try:
            with closing(self._open_reader()) as reader:
                for low in range(1, last + 1, LAST_STEP):
                    high = min(low + LAST_STEP - 1, last)
                    found.extend(await asyncio.to_thread(self._matches, reader, low, high))
                    if run != self._run:
                        return
        finally:
            if run == self._run:
                self._again_next = loop.time() + rest(loop.time() - begun)
        upto = bisect_right(self._ids, last)
        # What was let go meanwhile may be among what was found: the next time it is not.
        if version == self.version and not self.frozen and found != array("q", self._ids[:upto]):
            self._replace(_joined(found, self._ids[upto:]))

    async def _take_all(self, reader: Reader, run: int, last: int) -> None:
        """Every id; where some are missing in between, that takes a while."""
        version = -1
        while version != self.version and run == self._run:  # what was let go while it read may be among what it read
            version = self.version
            ids = await asyncio.to_thread(_all_upto, reader, last)
        if run == self._run:
            self._replace(_joined(ids, self._ids[bisect_right(self._ids, last) :]))  # with what came meanwhile

    async def _scan(self, reader: Reader, run: int, last: int) -> None:
        loop = asyncio.get_running_loop()
        step, high = FIRST_STEP, last
        indexed = compile_filter(self._filter, self._now()).search is not None
        while high > 0 and run == self._run:
            low = max(high - step + 1, 1)
            begun = loop.time()
            found = await asyncio.to_thread(self._matches, reader, low, high)
            if run != self._run:
                return
            took = loop.time() - begun
            # With the search index a step costs what it finds, not what it looks at.
            if took < STEP_S or (indexed and len(found) < step // RARE):
                step = min(step * 2, LAST_INDEXED_STEP if indexed else LAST_STEP)
            else:
                step = max(step // 2, FIRST_STEP // 10)
            if found:
                self._replace(_joined(array("q", found), self._ids))
            high = low - 1
            self.scanned = 1 - high / last

    def _matches(self, reader: Reader, low: int, high: int) -> list[int]:
        return reader.matching(compile_filter(self._filter, self._now()), low, high)

    def _append(self, ids: Sequence[int]) -> int:
        end = len(self._ids)
        self._ids = _joined(self._ids, ids)
        short = self._windows.get(end // WINDOW)  # the windows before it stand
        if short is not None and ids:
            short += self._read(self._ids[end : (end // WINDOW + 1) * WINDOW])
        return len(ids)

    def _replace(self, ids: Ids) -> None:
        self._ids = ids
        self._windows.clear()
        self.version += 1

    def _window(self, window: int) -> list[Row | None]:
        rows = self._windows.get(window)
        if rows is None:
            rows = self._read(self._ids[window * WINDOW : (window + 1) * WINDOW])
            if len(self._windows) >= CACHED_WINDOWS:
                del self._windows[next(iter(self._windows))]
            self._windows[window] = rows
        return rows

    def _read(self, ids: Sequence[int]) -> list[Row | None]:
        found = self._reader.rows(ids)
        return [found.get(number) for number in ids]


def _joined(ids: Ids, more: Sequence[int]) -> Ids:
    """Ids with later ones behind them; where they are an array, that one is made longer."""
    if isinstance(ids, range):
        if not more:
            return ids
        begin = ids.start if ids else more[0]
        if more[-1] - begin + 1 == len(ids) + len(more):  # none is missing in between
            return range(begin, more[-1] + 1)
        ids = array("q", ids)
    ids.extend(more)
    return ids


def _all_upto(reader: Reader, last: int) -> Ids:
    """Every id up to the last one that was seen: what is committed while it is read is ``catch_up``'s."""
    return _upto(reader.all_ids(), last)


def _upto(ids: Sequence[int], last: int) -> Ids:
    upto = ids[: bisect_right(ids, last)]
    return upto if isinstance(upto, range) else array("q", upto)


def _left(ids: Ids, there: Sequence[int], seen: int) -> Ids:
    """Those of some ids that are still there, or came later than those that were seen; all ascending."""
    later = ids[bisect_right(ids, seen) :]
    low, high = (there[0], min(there[-1], seen)) if there else (1, 0)  # the newest may have gone, too
    inside = ids[bisect_left(ids, low) : bisect_right(ids, high)]
    if inside and not isinstance(there, range):
        inside = array("q", _common(inside, there[bisect_left(there, inside[0]) :]))
    return _joined(inside, later)


def _common(ids: Iterable[int], others: Iterable[int]) -> Iterator[int]:
    """What is in both, each ascending."""
    further = iter(others)
    other = next(further, None)
    for number in ids:
        while other is not None and other < number:
            other = next(further, None)
        if other == number:
            yield number
