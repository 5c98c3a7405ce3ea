"""One message as a screen of its own, where there is no room beside the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from monitor.model.capture import Capture
from monitor.services.messages import MessageView
from monitor.ui.jumps import GoBack, ShowCapture
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.session import Session
from monitor.ui.widgets.message_list import MessageList
from monitor.ui.widgets.message_pane import MessagePane
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Cursor, ItemsView


class MessageScreen(MonitorScreen):
    """Shows the message under the list's cursor; J and K move that cursor."""

    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "rows", "pane"})

    def __init__(
        self, session: Session, view: MessageView, messages: MessageList, catch_up: Callable[[], bool]
    ) -> None:
        """``catch_up`` keeps the list below up to date and tells whether something changed."""
        super().__init__(session)
        self._view = view
        self._messages = messages
        self._catch_up = catch_up

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        yield MessagePane(self.session, self._view, id="whole")

    def on_mount(self) -> None:
        self.query_one(ItemsView).focus()
        self.pane.follow(self._messages.selected)

    @property
    def pane(self) -> MessagePane:
        """The pane."""
        return self.query_one(MessagePane)

    @property
    def capture_number(self) -> int | None:
        """The capture behind the stage under the cursor."""
        return self.pane.capture_number

    @property
    def capture(self) -> Capture | None:
        """That capture."""
        number = self.pane.capture_number
        return None if number is None else self.session.inspector.capture(number)

    def message_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_message(self) -> int | None:
        """That which is shown."""
        return self.pane.number

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return ("pane", "rows")

    def tick(self) -> None:
        """The list below goes on."""
        if self._catch_up():
            self.pane.reload()
        super().tick()

    def restyle(self) -> None:
        """Make the lines again."""
        self._messages.refresh()
        self.pane.restyle()
        super().restyle()

    @on(Pane.Left)
    def _left(self) -> None:
        if self.session.trail:
            self.post_message(GoBack())
        else:
            self.dismiss()

    @on(Pane.Stepped)
    def _stepped(self, event: Pane.Stepped) -> None:
        self._messages.move_to(self._messages.cursor + event.step)
        self.pane.follow(self._messages.selected)

    @on(Cursor.Opened)
    def _opened(self) -> None:
        number = self.pane.capture_number
        if number is not None:
            self.post_message(ShowCapture(number))
