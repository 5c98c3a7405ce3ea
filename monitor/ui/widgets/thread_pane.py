"""The pane with one conversation: what was said, oldest first.

It holds a stretch of a long conversation. Where its first or last line comes into sight, the next stretch is read,
which overlaps it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from typing import Final

from textual.message import Message
from textual.worker import WorkType

from monitor.model.conversation import Bubble, CentreLine
from monitor.services.conversations import ConversationView, Thread
from monitor.store.errors import StoreError
from monitor.store.message_reader import MAX_THREAD, ConversationRow
from monitor.ui.conversation_rows import parties
from monitor.ui.documents.thread import thread_lines
from monitor.ui.format import count, fit
from monitor.ui.jumps import ShowMessage
from monitor.ui.lines import line
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Lines
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import ItemsView, Placed

STEP: Final = MAX_THREAD // 2  # messages that the next stretch begins earlier or later
LEFT_OUT: Final = 2  # lines that say how much is left out behind the last entry


class Wish(Enum):
    """Which stretch of a conversation is wanted."""

    SAME = auto()
    OLDEST = auto()
    EARLIER = auto()
    LATER = auto()
    NEWEST = auto()


class ThreadItems(ItemsView):
    """The entries of a thread; its first and last ones may not have been read yet."""

    def __init__(self, pane: ThreadPane, *, id: str) -> None:
        super().__init__(id=id, narrow=True)
        self._pane = pane

    def action_top(self) -> None:
        """To the first that was ever said."""
        if not self._pane.wish(Wish.OLDEST):
            super().action_top()

    def action_bottom(self) -> None:
        """To the newest."""
        if not self._pane.wish(Wish.NEWEST):
            super().action_bottom()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Past an end of what was read there is more."""
        super().watch_scroll_y(old_value, new_value)
        self._pane.scrolled()


class ThreadPane(Pane[int]):
    """Shows one thread; its entries are the bubbles and the centre lines."""

    def __init__(self, session: Session, view: ConversationView, *, id: str) -> None:
        super().__init__(session, id=id)
        self._view = view
        self._row: ConversationRow | None = None
        self._showing = False
        self._wished = False  # another stretch is being read
        self._changes = 0  # captures let go or judged anew, after which the thread was read
        self.thread: Thread | None = None

    def make_items(self, id: str) -> ItemsView:
        """Entries of which there may be more."""
        return ThreadItems(self, id=id)

    def heading(self, width: int) -> Lines:
        """Who talks."""
        row = self._row
        if row is None:
            return [[]]
        counted = count(row.messages, "message")
        if row.unproven:
            counted = f"{counted}, {count(row.unproven)} more" if row.messages else count(row.unproven, "message")
            counted += " not proven"
        who = fit(parties(row, self._session.look()), max(width - len(counted) - 4, 8))
        return [[(who, "strong"), ("  " + counted, "quiet")]]

    @property
    def number(self) -> int | None:
        """The number of the conversation shown."""
        return self._entry

    @property
    def item(self) -> Bubble | CentreLine | None:
        """What the cursor stands on."""
        items = self.thread.items if self.thread is not None and self.thread.number == self._entry else ()
        return items[self.items.cursor] if self.items.cursor < len(items) else None

    @property
    def capture_number(self) -> int | None:
        """The first capture of what the cursor stands on."""
        match self.item:
            case Bubble(message=message):
                return message.captures[0] if message.captures else None
            case CentreLine(capture=capture):
                return capture
        return None

    def jump(self) -> Message | None:
        """To the message of a bubble, or the capture of a centre line."""
        message = None
        if isinstance(self.item, Bubble):
            with contextlib.suppress(StoreError):
                message, _ = self._session.links(self.capture_number)
        return super().jump() if message is None else ShowMessage(message)

    def reload(self) -> None:
        """Read the same stretch again."""
        self._read(Wish.SAME)

    def _read(self, wish: Wish) -> None:
        # a function, not a coroutine: one that is superseded before it begins leaves nothing behind
        self._wished = wish is not Wish.SAME
        load: WorkType[None] = partial(self._load, wish)
        self.run_worker(load, group=f"load-{self.id}", exclusive=True)

    def tick(self, changed: object = None) -> None:
        """Read the thread again where something was said, or is no longer."""
        thread = self.thread
        if thread is None or thread.number != self._entry or self._wished:
            return
        with contextlib.suppress(StoreError):  # the status line says it
            if self._changes != self._session.changes or self._view.has_changed(thread):
                self._rested()

    # --- stretches of a long thread --------------------------------------------------------------------------------

    def wish(self, wish: Wish) -> bool:
        """Read another stretch of the thread; false where there is none in that direction."""
        thread = self.thread
        if thread is None or thread.number != self._entry:
            return False
        if not (thread.earlier if wish in (Wish.OLDEST, Wish.EARLIER) else thread.later):
            return False
        self._read(wish)
        return True

    def scrolled(self) -> None:
        """Other lines are in sight."""
        if self._showing:
            return
        items = self.items
        if items.scroll_offset.y == 0:
            self.wish(Wish.EARLIER)
        elif items.scroll_offset.y + items.page >= items.virtual_size.height - LEFT_OUT:
            self.wish(Wish.LATER)

    async def _thread(self, number: int, wish: Wish) -> Thread:
        view, before = self._view, self.thread
        if before is None or before.number != number or wish is Wish.NEWEST:
            return await view.thread(number)
        if wish is Wish.OLDEST:
            return await view.oldest(number)
        if wish is Wish.SAME:
            return await view.thread(number, before.begins)
        return await view.moved(before, STEP if wish is Wish.LATER else -STEP)

    async def _load(self, wish: Wish) -> None:
        number, self._changes = self._entry, self._session.changes
        if number is None:
            self.thread = self._row = None
            self.items.show(lambda width: [])
            self.refresh_heading()
            return
        try:
            thread, row = await self._thread(number, wish), await self._view.row(number)
            self._wished = False
        except Exception as error:  # the store may fail while we look: say so in the pane
            self._wished, self.thread = False, None
            self.show_failure(error)
            return
        if not self.is_wanted(number):
            return
        before, self.thread, self._row = self.thread, thread, row
        self._view.looked(number)
        if row is None:
            words = "this conversation was let go or is part of another"
            self.items.show(lambda width: [(line((words, "faint")), None)], cursor=0)
            self.refresh_heading()
            return
        self._showing = True
        self._show(thread, before if before is not None and before.number == number else None, wish)
        self._showing = False
        self.refresh_heading()

    def _show(self, thread: Thread, before: Thread | None, wish: Wish) -> None:
        items, old = thread.items, before.items if before else ()
        cursor: int | None = None  # where it is
        end = before is None or wish is Wish.NEWEST
        if wish is Wish.SAME and not thread.later:
            end = end or (self.items.at_end and self.items.cursor >= len(old) - 1)
        if wish is Wish.SAME:  # what was said before may be told of only now
            self.items.stand_on(list(map(_name, old)), list(map(_name, items)))
        elif wish is Wish.OLDEST:
            cursor = 0
        elif wish in (Wish.EARLIER, Wish.LATER) and old:  # that which stood at the end of what was read
            cursor = _index(items, old[0] if wish is Wish.EARLIER else old[-1])
        self.items.show(partial(self._lines, thread), cursor=max(len(items) - 1, 0) if end else cursor, end=end)

    def _lines(self, thread: Thread, width: int) -> list[Placed]:
        reader = self._session.reader()
        return thread_lines(thread.items, reader, width, earlier=thread.earlier, later=thread.later)

    def restyle(self) -> None:
        """Mask or form changed."""
        self.items.arranged()
        self.refresh_heading()


def _index(items: Sequence[Bubble | CentreLine], item: Bubble | CentreLine) -> int:
    """Where the same thing stands now, or 0."""
    known = _name(item)
    return next((at for at, one in enumerate(items) if _name(one) == known), 0)


def _name(item: Bubble | CentreLine) -> object:
    return item.message.key if isinstance(item, Bubble) else item.capture
