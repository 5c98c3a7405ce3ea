"""One message as a screen of its own, where there is no room beside the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from monitor.services.messages import MessageView
from monitor.ui.actions import Action, bindings
from monitor.ui.screens.frame import PaneScreen
from monitor.ui.session import Session
from monitor.ui.widgets.message_list import MessageList
from monitor.ui.widgets.message_pane import MessagePane


class MessageScreen(PaneScreen):
    """Shows the message under the list's cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("messages", ("replay",))
    HELPED: ClassVar[frozenset[str]] = PaneScreen.HELPED | {"messages"}

    def __init__(
        self, session: Session, view: MessageView, messages: MessageList, catch_up: Callable[[], object]
    ) -> None:
        super().__init__(session, messages, catch_up)
        self._view = view

    def make_pane(self) -> MessagePane:
        """The lifecycle."""
        return MessagePane(self.session, self._view, id="whole")

    def contexts(self) -> Sequence[str]:
        """Those of the pane; and of the view."""
        return (*super().contexts(), "messages")

    def applies(self, action: Action) -> bool:
        """As for every pane; of the view's own keys that which replays."""
        return super().applies(action) and (action.context != "messages" or action.id == "replay")

    def message_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_message(self) -> int | None:
        """That which is shown."""
        return self.query_one(MessagePane).number
