"""The list of conversations, two rows each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual.geometry import Size

from monitor.services.conversations import ConversationView
from monitor.ui.columns import Look
from monitor.ui.conversation_rows import row_parts
from monitor.ui.lines import Part
from monitor.ui.widgets.rows import Rows


class ConversationList(Rows):
    """Conversations, that with the newest message at the top. The cursor stays on its conversation."""

    tall = 2

    def __init__(self, view: ConversationView, look: Callable[[], Look], now: Callable[[], datetime]) -> None:
        super().__init__(id="conversations")
        self.view = view
        self._look = look
        self._now = now
        self._version = -1
        self.selected: int | None = None  # the number of the conversation under the cursor

    def count(self) -> int:
        """How many are listed."""
        return len(self.view.rows)

    def taken_in(self) -> None:
        """The view may have changed: bring the list in line."""
        if self._version == self.view.version:
            return
        self._version = self.view.version
        above, seen = self.cursor * self.tall - self.scroll_offset.y, self.cursor_in_sight
        at = self.view.index_of(self.selected) if self.selected is not None else 0
        if at is not None:
            self.cursor = at
            self.view.want(at)  # others come above it: it must not leave at the end of what is read
        self.virtual_size = Size(self.virtual_size.width, self.count() * self.tall)
        if self.scroll_offset.y:
            self.scroll_to(y=max(self.cursor * self.tall - above, 0), animate=False, immediate=True)
        self.changed()
        if seen:
            self.bring_cursor()
        self._select()

    def move_to(self, index: int) -> None:
        """Put the cursor on a conversation."""
        super().move_to(index)
        self.view.want(self.cursor)
        self._select()

    def choose(self, number: int) -> None:
        """Put the cursor on a conversation, or only keep it selected where it is not listed."""
        at = self.view.index_of(number)
        if at is not None:
            self.move_to(at)
        self.selected = number
        self.post_message(self.Moved(self))

    def _select(self) -> None:
        at_cursor = self.view.rows[self.cursor].row.id if self.cursor < self.count() else None
        if at_cursor != self.selected:
            self.selected = at_cursor
            self.post_message(self.Moved(self))

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One row of a conversation."""
        return row_parts(self.view.rows[index], width, part, self._look(), self._now())
