"""The pane with one message: its lifecycle, and the captures behind it."""

from __future__ import annotations

import asyncio
from functools import partial

from textual.worker import WorkType

from monitor.services.messages import MessageView
from monitor.ui.documents.lifecycle import Lifecycle
from monitor.ui.format import day
from monitor.ui.lines import line
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Lines
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Cursor


class MessagePane(Pane[int]):
    """Shows one message; its entries are the stages and captures."""

    def __init__(self, session: Session, view: MessageView, *, id: str) -> None:
        super().__init__(session, id=id)
        self._view = view
        self.shown: Lifecycle | None = None
        self._shows: int | None = None  # the entry that was read last: while the next is on its way not the list's

    def heading(self, width: int) -> Lines:
        """What it is."""
        return [[("Message", "strong"), (f"  #{self._entry}" if self._entry else "", "faint")]]

    @property
    def number(self) -> int | None:
        """The number of the message shown."""
        return self._entry

    @property
    def capture_number(self) -> int | None:
        """The capture behind the entry under the cursor."""
        entries = self.shown.entries() if self.shown is not None and self._shows == self._entry else []
        return entries[self.items.cursor][1] if self.items.cursor < len(entries) else None

    def reload(self) -> None:
        """Read the message again, and show it if it changed."""
        # a function, not a coroutine: one that is superseded before it begins leaves nothing behind
        load: WorkType[None] = partial(self._load, self._entry)
        self.run_worker(load, group=f"load-{self.id}", exclusive=True)

    async def _load(self, number: int | None) -> None:
        try:
            shown = None if number is None else await asyncio.to_thread(self._read, number)
        except Exception as error:  # the store may fail while we look: say so in the pane
            self.shown = None
            self.show_failure(error)
            return
        if not self.is_wanted(number):
            return
        before, self.shown, self._shows = self.shown, shown, number
        if shown is None:
            words = "" if number is None else "this message was let go or is part of another"
            self.items.show(lambda width: [(line((words, "faint")), None)], cursor=0)
        elif before is None or before.message != shown.message or shown.stuck is not None:
            same = before is not None and before.message.key == shown.message.key
            if before is not None and same:
                self.items.stand_on(before.entries(), shown.entries())
            self._show(cursor=None if same else 0)
            if not same:
                self.items.post_message(Cursor.Moved(self.items))
        self.refresh_heading()

    def _read(self, number: int) -> Lifecycle | None:
        message = self._view.whole(number)
        if message is None:
            return None
        since = self._view.stuck_from.get(number)
        now = self._session.now()
        stuck = None if since is None or message.final else (now - since).total_seconds()
        return Lifecycle(message, self._view.rows(message.captures), stuck, day(now))

    def _show(self, *, cursor: int | None) -> None:
        shown, session = self.shown, self._session
        if shown is not None:
            self.items.show(lambda width: shown.lines(session.reader(), width), cursor=cursor)

    def tick(self, changed: object) -> None:
        """Read the message again where the list has changed."""
        if changed:
            self.reload()

    def restyle(self) -> None:
        """Mask or form changed."""
        self._show(cursor=None)
