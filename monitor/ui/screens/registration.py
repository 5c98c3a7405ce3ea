"""One registration as a screen of its own, where there is no room below the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from monitor.model.capture import Capture
from monitor.services.webhooks import Webhooks
from monitor.ui.jumps import ShowCapture
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.session import Session
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Cursor, ItemsView
from monitor.ui.widgets.webhook_list import WebhookList
from monitor.ui.widgets.webhook_pane import WebhookPane


class RegistrationScreen(MonitorScreen):
    """Shows what the list's cursor stands on; J and K move that cursor."""

    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "rows", "pane"})

    def __init__(self, session: Session, webhooks: Webhooks, listed: WebhookList, catch_up: Callable[[], None]) -> None:
        """``catch_up`` keeps the list below up to date."""
        super().__init__(session)
        self._webhooks = webhooks
        self._listed = listed
        self._catch_up = catch_up

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        yield WebhookPane(self.session, self._webhooks, id="whole")

    def on_mount(self) -> None:
        self.query_one(ItemsView).focus()
        self.pane.follow(self._listed.selected)

    @property
    def pane(self) -> WebhookPane:
        """The pane."""
        return self.query_one(WebhookPane)

    @property
    def capture_number(self) -> int | None:
        """The capture under the cursor."""
        return self.pane.capture_number

    @property
    def capture(self) -> Capture | None:
        """That capture."""
        number = self.capture_number
        return None if number is None else self.session.inspector.capture(number)

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return ("pane", "rows")

    def tick(self) -> None:
        """The list below goes on."""
        self._catch_up()
        self.pane.follow(self._listed.selected)
        super().tick()

    def restyle(self) -> None:
        """Make the lines again."""
        self.pane.restyle()
        super().restyle()

    @on(Pane.Left)
    def _left(self) -> None:
        self.dismiss()

    @on(Pane.Stepped)
    def _stepped(self, event: Pane.Stepped) -> None:
        self._listed.move_to(self._listed.cursor + event.step)

    @on(Cursor.Opened)
    def _opened(self) -> None:
        number = self.pane.capture_number
        if number is not None:
            self.post_message(ShowCapture(number))
