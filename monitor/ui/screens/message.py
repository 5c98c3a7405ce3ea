"""One message as a screen of its own, where there is no room beside the list."""

from __future__ import annotations

from collections.abc import Callable

from monitor.services.messages import MessageView
from monitor.ui.screens.frame import PaneScreen
from monitor.ui.session import Session
from monitor.ui.widgets.message_list import MessageList
from monitor.ui.widgets.message_pane import MessagePane


class MessageScreen(PaneScreen):
    """Shows the message under the list's cursor."""

    def __init__(
        self, session: Session, view: MessageView, messages: MessageList, catch_up: Callable[[], object]
    ) -> None:
        super().__init__(session, messages, catch_up)
        self._view = view

    def make_pane(self) -> MessagePane:
        """The lifecycle."""
        return MessagePane(self.session, self._view, id="whole")

    def message_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_message(self) -> int | None:
        """That which is shown."""
        return self.query_one(MessagePane).number
