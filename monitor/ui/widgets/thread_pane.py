"""The pane with one conversation: what was said, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.timer import Timer
from textual.worker import WorkType

from monitor.model.conversation import Bubble, CentreLine
from monitor.services.conversations import ConversationView, Thread
from monitor.store.message_reader import ConversationRow
from monitor.ui.conversation_rows import parties
from monitor.ui.documents.thread import thread_lines
from monitor.ui.format import count, fit
from monitor.ui.lines import line
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Lines
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Placed

DEBOUNCE_S: Final = 0.05


class ThreadPane(Pane):
    """Shows one thread; its entries are the bubbles and the centre lines."""

    NARROW: ClassVar[bool] = True

    def __init__(self, session: Session, view: ConversationView, *, id: str) -> None:
        super().__init__(id=id)
        self._session = session
        self._view = view
        self._timer: Timer | None = None
        self._number: int | None = None
        self._row: ConversationRow | None = None
        self.thread: Thread | None = None

    def heading(self, width: int) -> Lines:
        """Who talks."""
        row = self._row
        if row is None:
            return [[]]
        counted = count(row.messages, "message")
        who = fit(parties(row, self._session.look()), max(width - len(counted) - 4, 8))
        return [[(who, "strong"), ("  " + counted, "quiet")]]

    @property
    def number(self) -> int | None:
        """The number of the conversation shown."""
        return self._number

    @property
    def item(self) -> Bubble | CentreLine | None:
        """What the cursor stands on."""
        items = self.thread.items if self.thread is not None else ()
        return items[self.items.cursor] if self.items.cursor < len(items) else None

    def follow(self, number: int | None) -> None:
        """Show a conversation as soon as the cursor rests."""
        if number != self._number:
            self._number = number
            if self._timer is None:
                self._timer = self.set_timer(DEBOUNCE_S, self._rested)

    def _rested(self) -> None:
        self._timer = None
        if self.display:
            load: WorkType[None] = self._load
            self.run_worker(load, group=f"load-{self.id}", exclusive=True)

    def tick(self) -> None:
        """Read the thread again where something was said."""
        if self.thread is not None and self.thread.number == self._number and self._view.has_changed(self.thread):
            self._rested()

    async def _load(self) -> None:
        number = self._number
        if number is None:
            self.thread = self._row = None
            self.items.show(lambda width: [])
            self.refresh_heading()
            return
        try:
            thread, row = await self._view.thread(number), await self._view.row(number)
        except Exception as error:  # the store may fail while we look: say so in the pane
            self.thread = None
            words = f"the store cannot be read ({type(error).__name__})"
            self.items.show(lambda width: [(line((words, "bad")), None)], cursor=0)
            return
        if number != self._number:
            return
        before, self.thread, self._row = self.thread, thread, row
        self._view.looked(number)
        self._show(before)
        self.refresh_heading()

    def _show(self, before: Thread | None) -> None:
        thread = self.thread
        if thread is None:
            return
        items = thread.items
        fresh = before is None or before.number != thread.number
        follows = fresh or (self.items.at_end and self.items.cursor >= len(before.items if before else ()) - 1)
        self.items.show(
            lambda width: self._lines(items, width), cursor=max(len(items) - 1, 0) if follows else None, end=follows
        )

    def _lines(self, items: Sequence[Bubble | CentreLine], width: int) -> list[Placed]:
        return thread_lines(items, self._session.reader(), width)

    def restyle(self) -> None:
        """Mask or form changed."""
        self.items.arranged()
        self.refresh_heading()
