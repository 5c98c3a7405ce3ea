"""One registration as a screen of its own, where there is no room below the list."""

from __future__ import annotations

from collections.abc import Callable

from monitor.services.webhooks import Webhooks
from monitor.ui.screens.frame import PaneScreen
from monitor.ui.session import Session
from monitor.ui.widgets.webhook_list import WebhookList
from monitor.ui.widgets.webhook_pane import WebhookPane


class RegistrationScreen(PaneScreen):
    """Shows what the list's cursor stands on, which changes while providers are asked."""

    def __init__(
        self, session: Session, webhooks: Webhooks, listed: WebhookList, catch_up: Callable[[], object]
    ) -> None:
        super().__init__(session, listed, catch_up)
        self._webhooks = webhooks

    def make_pane(self) -> WebhookPane:
        """The registration."""
        return WebhookPane(self.session, self._webhooks, id="whole")

    def tick(self) -> None:
        """The list below goes on, and the pane with it."""
        super().tick()
        self.follow()
