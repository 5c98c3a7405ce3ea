"""The list of conversations that a screen shows, the thread of one, and what was not looked at yet.

Everything is read off the event loop. The list is as long as somebody has looked down it, page by page, and is read
anew when something changed, at most twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor import tasks
from monitor.model.conversation import Bubble, CentreLine
from monitor.model.filter import Filter, FilterError, parse
from monitor.services.patience import rest
from monitor.store.filter_sql import compile_message_filter
from monitor.store.message_reader import FIRST_PLACE, ConversationRow, MessageReader, Place
from monitor.times import utc_now

PAGE: Final = 100
MOST: Final = 2_000  # conversations that are listed
AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list; ``unread`` inbound messages came since somebody looked at it."""

    row: ConversationRow
    unread: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A stretch of what was said in a conversation, oldest first, as it stood at the watermark ``touched``.

    ``begins`` is the place of its first message, None where it is the end of the conversation, which goes on;
    ``earlier`` and ``later`` messages lie before and behind it.
    """

    number: int
    touched: int
    items: tuple[Bubble | CentreLine, ...]
    begins: Place | None
    earlier: int
    later: int


class ConversationView:
    """The conversations, that with the newest message first. All methods are called from one event loop."""

    def __init__(
        self,
        open_reader: Callable[[], MessageReader],
        *,
        now: Callable[[], datetime] = utc_now,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """``open_reader`` gives a new connection; the view closes those that it opened. Before ``now`` everything
        counts as looked at."""
        self._reader = open_reader()  # for threads: a long query keeps the connection to itself
        self._here = open_reader()  # for the event loop, which never waits for one
        self._now = now
        self._timer = timer
        self._begun = now()
        self._looked: dict[int, datetime] = {}
        self._filter: Filter = parse("")
        self._wanted = PAGE
        self._seen = -1
        self._next = 0.0
        self._reading: asyncio.Task[None] | None = None
        self.rows: list[Listed] = []
        self.wrong: FilterError | None = None  # why the filter in force cannot be asked of messages
        self.trouble: Exception | None = None  # why the list could not be read when it was last tried
        self.version = 0
        self.loaded = False

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._here.close()

    @property
    def filter_text(self) -> str:
        """The filter in force: conversations in which a message passes it are listed."""
        return self._filter.text

    def index_of(self, number: int) -> int | None:
        """The position of a conversation in the list, or None."""
        return next((index for index, listed in enumerate(self.rows) if listed.row.id == number), None)

    def looked(self, number: int) -> None:
        """Somebody looks at a conversation now."""
        self._looked[number] = self._now()
        at = self.index_of(number)
        if at is not None and self.rows[at].unread:
            self.rows[at] = Listed(self.rows[at].row, 0)
            self.version += 1

    def want(self, index: int) -> None:
        """Somebody looks at this position: have the next page ready when it is near the end."""
        if index >= self._wanted - PAGE // 2 and len(self.rows) >= self._wanted and self._wanted < MOST:
            self._wanted += PAGE
            self._seen = -1
            self._next = 0.0

    async def load_all(self) -> None:
        """List all that can be listed."""
        if len(self.rows) >= self._wanted and self._wanted < MOST:
            self._wanted = MOST
            await self.load()

    async def set_filter(self, text: str) -> None:
        """List only conversations with a message that passes. Raises FilterError for a text that is no filter.

        One that only captures can be asked is in ``wrong``, and nothing passes it.
        """
        wanted = parse(text)
        if wanted.text != self._filter.text:  # else whoever looked down the list keeps his place
            self._wanted = PAGE
        self._filter = wanted
        try:
            compile_message_filter(self._filter, self._now())
            self.wrong = None
        except FilterError as error:
            error.text = self._filter.text
            self.wrong = error
        await self.load()

    def catch_up(self) -> None:
        """See that the list is read again when something changed; ``version`` tells when it was."""
        if self._timer() < self._next or (self._reading is not None and not self._reading.done()):
            return
        if self._here.watermark() != self._seen or self._filter.asks_ages:
            self._reading = tasks.start(self._load_again(), "conversations")

    async def _load_again(self) -> None:
        with contextlib.suppress(Exception):  # it is in ``trouble``
            await self.load()

    async def load(self) -> None:
        """Read the list; where that fails, ``catch_up`` tries again."""
        self._seen = self._here.watermark()
        wanted = self._filter
        begun = time.perf_counter()
        try:
            rows = [] if self.wrong is not None else await asyncio.to_thread(self._read, wanted, self._wanted)
            self.trouble = None
        except Exception as error:
            self.trouble, self._seen = error, -1
            raise
        finally:
            self._next = self._timer() + rest(time.perf_counter() - begun, AGAIN_S)
        if wanted is not self._filter:
            return
        self.loaded = True
        if rows != self.rows:
            self.rows = rows
            self.version += 1

    def _read(self, wanted: Filter, limit: int) -> list[Listed]:
        if wanted.is_empty:
            rows = self._reader.conversations(limit, briefly=True)
        else:
            where = compile_message_filter(wanted, self._now())
            rows = self._reader.conversations_with(where, limit, briefly=True)
        return [Listed(row, self._unread(row)) for row in rows]

    def _unread(self, row: ConversationRow) -> int:
        return self._reader.unread(row.id, self._looked.get(row.id, self._begun))

    # --- one of them -----------------------------------------------------------------------------------------------

    def has_changed(self, thread: Thread) -> bool:
        """Whether something was said in the conversation since the thread was read."""
        return self._here.conversation_touched(thread.number) != thread.touched

    async def thread(self, number: int, begins: Place | None = None) -> Thread:
        """What was said in a conversation: 500 messages from a place on, or (None) the newest."""
        return await asyncio.to_thread(self._thread, number, begins)

    async def oldest(self, number: int) -> Thread:
        """The first messages of a conversation."""
        return await self.thread(number, FIRST_PLACE)

    async def moved(self, thread: Thread, messages: int) -> Thread:
        """The stretch that begins so many messages later, or earlier where that is negative."""
        return await asyncio.to_thread(self._moved, thread, messages)

    def _moved(self, thread: Thread, messages: int) -> Thread:
        begins = thread.begins or self._reader.stretch(thread.number, briefly=True).begins
        if begins is not None:
            begins = self._reader.further(thread.number, begins, messages)
        return self._thread(thread.number, begins)

    def _thread(self, number: int, begins: Place | None) -> Thread:
        touched = self._reader.conversation_touched(number)
        found = self._reader.stretch(number, begins, briefly=True)
        if begins is not None and not found.later:  # the end: from here on it follows what is said
            found = self._reader.stretch(number, briefly=True)
        begins = found.begins if found.later else None
        return Thread(number, touched, tuple(found.items), begins, found.earlier, found.later)

    async def row(self, number: int) -> ConversationRow | None:
        """A conversation, whether it is listed or not."""
        return await asyncio.to_thread(self._reader.conversation, number)
