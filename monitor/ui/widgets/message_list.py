"""The list of messages: a window on the view, drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual.geometry import Size

from monitor.services.messages import MessageView
from monitor.ui.columns import Look
from monitor.ui.lines import Part
from monitor.ui.message_columns import row_parts
from monitor.ui.widgets.rows import Rows


class MessageList(Rows):
    """Messages, the first of the order at the top. The cursor stays on its message, or at the top while it is there."""

    def __init__(self, view: MessageView, look: Callable[[], Look], now: Callable[[], datetime]) -> None:
        super().__init__(id="messages")
        self.view = view
        self._look = look
        self._now = now
        self._version = -1
        self._anchor: int | None = None  # the message that the cursor stays on, None at the top
        self._top = 0  # the newest message when the cursor left the top

    def count(self) -> int:
        """How many messages there are."""
        return len(self.view)

    @property
    def selected(self) -> int | None:
        """The number of the message under the cursor, None when the list is empty."""
        return self.view.number_at(self.cursor) if self.cursor < len(self.view) else None

    @property
    def unseen(self) -> int:
        """How many messages came since the cursor left the top."""
        return self.view.newer_than(self._top) if self._anchor is not None else 0

    def taken_in(self) -> None:
        """The view may have changed: bring the list in line."""
        if self._version == self.view.version:
            return
        self._version = self.view.version
        if self._anchor is None:
            self.cursor = 0
            self.scroll_to(y=0, animate=False, immediate=True)
        elif len(self.view):
            above = self.cursor - self.scroll_offset.y
            self.cursor = self.view.nearest(self._anchor, self.cursor)
            self.virtual_size = Size(self.virtual_size.width, len(self.view))
            self.scroll_to(y=self.cursor - above, animate=False, immediate=True)
        self.changed()
        self.post_message(self.Moved(self))

    def move_to(self, index: int) -> None:
        """Put the cursor on a message; at the top it stays at the top."""
        if not len(self.view):
            return
        super().move_to(index)
        if self.cursor:
            self.stay()
        else:
            self._anchor = None

    def stay(self) -> None:
        """Keep to the message under the cursor, also at the top."""
        if self._anchor is None and len(self.view):
            self._top = max(self.view.number_at(n) for n in range(min(60, len(self.view))))
        self._anchor = self.selected

    def on_mouse_scroll_down(self) -> None:
        """The wheel leaves the top."""
        if self.count() > self.page:
            self.stay()

    on_scroll_to = on_scroll_down = on_mouse_scroll_down  # so does the scroll bar

    def to_top(self) -> None:
        """Forget where the cursor was: another list begins."""
        self._anchor = None
        self._version = -1

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One message."""
        message = self.view.messages(index, index + 1)[0]
        if message is None:
            return [("this message was let go or is part of another", "faint")]
        now = self._now()
        since = self.view.stuck_from.get(self.view.number_at(index))
        stuck = None if since is None or message.final else (now - since).total_seconds()
        return row_parts(message, width, self._look(), now, stuck)
