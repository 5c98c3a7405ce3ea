"""The list of messages that a screen shows: those that pass a filter, in one of four orders.

It holds numbers and reads only the messages in sight. The newest are looked for from the newest backwards, in steps,
off the event loop; after that each call of ``catch_up`` asks which messages changed and lets them enter or leave. The
other orders are short lists that are asked for anew, at most every second.
"""

from __future__ import annotations

import asyncio
import math
import time
from array import array
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final

from monitor import tasks
from monitor.model.filter import Filter, FilterError, parse
from monitor.model.message import Message
from monitor.services.monitor import Monitor
from monitor.services.patience import rest
from monitor.services.places import Places
from monitor.services.stuck import stuck_messages, usual_waits
from monitor.store.filter_sql import Where, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.reader import Row
from monitor.store.stats_reader import FailureGroup, StatsReader
from monitor.times import utc_now

BLOCK: Final = 100  # messages read at a time
CACHED: Final = 2_000
LISTED: Final = 2_000  # messages of an order other than the newest
AGAIN_S: Final = 1.0  # from one asking of such an order to the next, at least: see ``rest``
FIRST_STEP: Final = 2_000  # numbers looked at in the first step; later steps grow to keep their time
LAST_STEP: Final = 64_000
STEP_S: Final = 0.02
TOO_MANY: Final = 5_000  # captures behind which looking at everything anew is cheaper than at what changed
BEHIND: Final = 2_000  # captures that may wait to be folded without a word
STUCK_EVERY_S: Final = 2.0
USUAL_EVERY_S: Final = 30.0  # how often it is asked how long messages usually take
MAX_LIFTED: Final = 50
MAX_REASONS: Final = 100
_NONE_YET: Final = 2**63 - 1


def reader_of(monitor: Monitor) -> Callable[[], MessageReader]:
    """A function that opens a connection to a monitor's messages."""
    return lambda: MessageReader(monitor.store.path)


def failure_groups(monitor: Monitor, filter_text: str, now: datetime) -> Sequence[FailureGroup]:
    """Why the messages that pass a filter failed, the most frequent reasons first. Blocks: call it in a thread.

    Raises FilterError.
    """
    with closing(StatsReader(monitor.store.path)) as reader:
        return reader.failure_groups(compile_message_filter(parse(filter_text), now), MAX_REASONS)


class MessageView(Places):
    """A filtered, ordered view of the messages. All methods are called from one event loop."""

    def __init__(
        self,
        open_reader: Callable[[], MessageReader],
        *,
        now: Callable[[], datetime] = utc_now,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """``open_reader`` gives a new connection; the view closes those that it opened."""
        super().__init__()
        self._open_reader = open_reader
        self._reader = open_reader()
        self._now = now
        self._timer = timer
        self._filter: Filter = parse("")
        self._wrong: FilterError | None = None
        self._low = 0  # numbers below were not looked at yet
        self._changed_below: dict[int, bool] = {}
        self._gone: set[int] = set()
        self._seen = 0
        self._cache: dict[int, Message | None] = {}
        self._run = 0
        self._next = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_next = self._usual_next = 0.0
        self._ages_next = math.inf
        self.looked = False  # whether what is shown is all that passed when it was looked at
        self._usual: dict[str, float] = {}
        self.stuck_from: dict[int, datetime] = {}  # since when each stuck message waits
        self.scanned: float | None = None  # share of the messages that a running filter has looked at
        self.trouble: Exception | None = None  # why a look at all messages ended early: some may be missing
        self.behind: float | None = None  # share of the captures that is folded, while many are not

    def close(self) -> None:
        """Stop what runs and close the connection."""
        self._run += 1
        self._reader.close()

    @property
    def filter_text(self) -> str:
        """The filter in force, empty for none."""
        return self._filter.text

    @property
    def wrong(self) -> FilterError | None:
        """Why the filter in force cannot be asked of messages, None where it can."""
        return self._wrong

    # --- what is shown -------------------------------------------------------------------------------------------

    def messages(self, start: int, stop: int) -> list[Message | None]:
        """The messages at these positions, their stages without errors, with the beginnings of long texts; None for
        one that is gone."""
        numbers = [self.number_at(index) for index in range(max(start, 0), min(stop, len(self)))]
        if any(number not in self._cache for number in numbers):
            first, last = start // BLOCK * BLOCK, min((max(stop, 1) - 1) // BLOCK * BLOCK + BLOCK, len(self))
            self._fetch([self.number_at(index) for index in range(first, last)])
        return [self._cache.get(number) for number in numbers]

    def whole(self, number: int) -> Message | None:
        """A message with everything that was said of it. Blocks: call it in a thread."""
        return self._reader.message(number)

    def rows(self, captures: Sequence[int]) -> dict[int, Row]:
        """The captures with these ids, as rows. Blocks: call it in a thread."""
        return self._reader.rows(captures)

    # --- what changes --------------------------------------------------------------------------------------------

    async def set_filter(self, text: str) -> None:
        """Show only what passes the filter; returns when all were looked at or something else is to be shown.

        Raises FilterError for a text that is no filter. One that only captures can be asked is in ``wrong``, and
        nothing passes it.
        """
        wanted = parse(text)
        if wanted.text != self._filter.text:
            self.empty()
        self._filter = wanted
        try:
            self._where()
            self._wrong = None
        except FilterError as error:
            error.text = self._filter.text
            self._wrong = error
        await self.load()

    async def set_order(self, order: Order) -> None:
        """Show another order."""
        self.empty()
        self.order = order
        await self.load()

    def empty(self) -> None:
        """Show none until some were looked for."""
        self.looked = False
        super().empty()

    async def load(self) -> None:
        """Look at everything anew; returns when that is done, or something else is to be shown. What is shown stays
        until then: whoever reads it must not lose his place whenever something is let go."""
        self._run += 1
        run = self._run
        self._changed_below.clear()
        self._cache.clear()
        self._gone.clear()
        self._seen = self._reader.watermark()
        self._low = _NONE_YET if self.order is Order.NEWEST else 0
        self.trouble = None
        if self._wrong is not None:
            self.empty()
            self.scanned = None
            return
        begun, self._ages_next = time.perf_counter(), math.inf
        try:
            with closing(self._open_reader()) as reader:
                if self.order is Order.NEWEST:
                    await self._scan(reader, run)
                else:
                    await self._ask(reader, run)
        except Exception as error:
            if run == self._run:
                self.trouble = error
            raise
        finally:
            if run == self._run:
                self.scanned = None
                self._ages_next = self._timer() + rest(time.perf_counter() - begun)
                self._go_on()

    def catch_up(self) -> bool:
        """Take in what changed since the last call; gives whether the list or a message in it did."""
        last, mark = self._reader.last_id(), self._reader.watermark()
        self.behind = mark / last if last - mark > BEHIND else None
        changed = self._drop_gone()
        if self._timer() >= self._look_next and (self._looking is None or self._looking.done()):
            self._looking = tasks.start(self.look_for_stuck(), "stuck messages")
        if self._wrong is None and self._filter.asks_ages and self._timer() >= self._ages_next:
            self._in_background(self.load())
            return changed
        if self._wrong is not None or mark == self._seen:
            return changed
        if self.order is not Order.NEWEST:
            return self._ask_again(mark) or changed
        if not 0 <= mark - self._seen <= TOO_MANY:
            self._seen = mark
            self._in_background(self.load())
            return True
        touched = self._reader.touched_messages(self._seen, self._where())
        self._seen = mark
        return self._take(touched) or changed

    async def look_for_stuck(self) -> None:
        """Find out which messages wait for their end longer than others did, and show those above the newest."""
        self._look_next = self._timer() + STUCK_EVERY_S
        if self._wrong is not None:
            return
        begun = time.perf_counter()
        now, where, run = self._now(), self._where(), self._run
        found = await asyncio.to_thread(self._stuck, now, where)
        self._look_next = self._timer() + rest(time.perf_counter() - begun, STUCK_EVERY_S)
        if run == self._run:
            before = list(self.stuck_from)
            self.stuck_from = {number: now - timedelta(seconds=seconds) for number, seconds in found}
            if self.order is Order.STUCK and list(self.stuck_from) != before:
                self._seen = -1  # that list is another now, though nothing came
            self.lift([number for number, _ in found[:MAX_LIFTED]])

    def _stuck(self, now: datetime, where: Where) -> list[tuple[int, float]]:
        with closing(self._open_reader()) as reader:
            if self._timer() >= self._usual_next or not self._usual:
                self._usual = usual_waits(reader)
                self._usual_next = self._timer() + USUAL_EVERY_S
            return [(one.number, one.seconds) for one in stuck_messages(reader, now, self._usual, where)]

    # --- how -----------------------------------------------------------------------------------------------------

    def _where(self) -> Where:
        return compile_message_filter(self._filter, self._now())

    async def _scan(self, reader: MessageReader, run: int) -> None:
        step, high = FIRST_STEP, await asyncio.to_thread(reader.last_message)
        if run != self._run:
            return
        # Where nothing is shown there is no place to lose; but what asks for ages is asked again and again.
        again = self.looked and (len(self) > 0 or self._filter.asks_ages)
        anew, last = array("q"), high
        if not again:
            self.put(())  # not below what a look that was broken off has put there
            self._low = last + 1
            newer = sorted(number for number in self._changed_below if number > last)
            self._take([(number, self._changed_below.pop(number)) for number in newer])
        while high > 0 and run == self._run:
            low = max(high - step + 1, 1)
            begun = time.perf_counter()
            found = await asyncio.to_thread(reader.message_ids_between, self._where(), low, high)
            if run != self._run:
                return
            took = time.perf_counter() - begun
            step = min(step * 2, LAST_STEP) if took < STEP_S else max(step // 2, FIRST_STEP // 10)
            changed = {n: passes for n, passes in self._changed_below.items() if low <= n <= high}
            if changed:
                found = sorted({n for n in found if changed.get(n, True)} | {n for n, ok in changed.items() if ok})
            if again:
                anew = array("q", found) + anew
            else:
                if found:
                    self.put_below(found)
                self._low = low
                self.scanned = 1 - (low - 1) / last
            high = low - 1
        if run == self._run:
            if again:
                self.put(anew)
            self.looked = True

    def _go_on(self) -> None:
        """Take in from now on what changes, and what changed meanwhile; also where a look failed halfway."""
        changed = [(number, passes) for number, passes in self._changed_below.items() if number < self._low]
        self._low = 0
        self._changed_below.clear()
        self._take(changed)

    def _take(self, touched: Iterable[tuple[int, bool]]) -> bool:
        """Let messages that changed enter, leave or be read again."""
        changed = False
        for number, passes in touched:
            if number < self._low:  # the running scan will come to it
                self._changed_below[number] = passes
                continue
            changed = True
            self._cache.pop(number, None)
            self._gone.discard(number)
            if passes:
                self.enter(number)
            else:
                self.leave(number)
        self.version += changed
        return changed

    def _drop_gone(self) -> bool:
        """Take out what was found missing in the store: it was merged into another message."""
        if not self._gone:
            return False
        for number in self._gone:
            self._cache.pop(number, None)
            self.leave(number)
        self._gone.clear()
        self.version += 1
        return True

    def _fetch(self, numbers: list[int]) -> None:
        wanted = [number for number in numbers if number not in self._cache]
        found = self._reader.messages(wanted, briefly=True)
        while self._cache and len(self._cache) + len(wanted) > CACHED:
            del self._cache[next(iter(self._cache))]
        for number in wanted:
            self._cache[number] = found.get(number)
            if number not in found:
                self._gone.add(number)

    # --- orders other than the newest ------------------------------------------------------------------------------

    def _ask_again(self, mark: int) -> bool:
        if self._timer() < self._next or (self._asking is not None and not self._asking.done()):
            return False
        self._seen = mark
        self._in_background(self._refresh())
        return False

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self._asking = tasks.start(work, "messages")

    async def _refresh(self) -> None:
        with closing(self._open_reader()) as reader:
            await self._ask(reader, self._run)

    async def _ask(self, reader: MessageReader, run: int) -> None:
        begun = time.perf_counter()
        found = await asyncio.to_thread(reader.message_ids, self.order, self._where(), LISTED)
        took = time.perf_counter() - begun
        if run == self._run:
            self._next = self._timer() + rest(took, AGAIN_S)
            if self.order is Order.STUCK:  # those that wait too long before those that wait
                passing = set(found)
                stuck = [number for number in self.stuck_from if number in passing]
                found = [*stuck, *(number for number in found if number not in self.stuck_from)]
            self._cache.clear()
            self.put(found)
            self.looked = True
