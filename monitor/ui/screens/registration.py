"""One registration as a screen of its own, where there is no room below the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from monitor.model.drift import DriftRow
from monitor.services.webhooks import Webhooks
from monitor.ui.actions import Action, bindings
from monitor.ui.lines import Part
from monitor.ui.screens.frame import PaneScreen
from monitor.ui.session import Session
from monitor.ui.webhook_rows import Entry, mending
from monitor.ui.widgets.webhook_pane import WebhookPane

if TYPE_CHECKING:
    from monitor.ui.screens.webhooks import WebhooksScreen

_MENDING: Final = ("mend", "public_url", "look")  # the actions that a row can name


class RegistrationScreen(PaneScreen):
    """Shows what the list's cursor stands on, which changes while providers are asked; its mend works here, too."""

    HELPED: ClassVar[frozenset[str]] = PaneScreen.HELPED | {"webhooks"}
    BINDINGS: ClassVar[list[BindingType]] = bindings("webhooks", _MENDING)

    def __init__(self, session: Session, webhooks: Webhooks, below: WebhooksScreen) -> None:
        super().__init__(session, below.rows, below.catch_up)
        self._webhooks = webhooks
        self._below = below

    def make_pane(self) -> WebhookPane:
        """The registration."""
        return WebhookPane(self.session, self._webhooks, id="whole")

    def contexts(self) -> Sequence[str]:
        """Those of the pane, and the view's."""
        return ("pane", "rows", "webhooks")

    def applies(self, action: Action) -> bool:
        """As for every pane; of the view's keys those that mend what is shown, where that is wrong."""
        may = not (action.changes and self._webhooks.registrations.read_only)
        if action.context == "webhooks" and not (may and action.id in _MENDING):
            return False
        if action.id == "copy":
            return self.capture_number is not None or bool(self.addresses())
        return super().applies(action) and (action.id != "mend" or self._below.mends)

    def keys(self) -> list[Action]:
        """As for every pane; what mends it is named as its row names it."""
        entry = self._below.rows.selected
        return named_mend(super().keys(), entry.row if entry is not None else None, self.session.actions)

    def modes(self) -> Sequence[Part]:
        """What points elsewhere is said over the list, which is that of this view."""
        return ()

    def addresses(self) -> list[tuple[str, str]]:
        """The addresses that can be copied, each with what it is."""
        return [] if self.capture_number is not None else addresses_of(self._below.rows.selected, self.session)

    def action_mend(self) -> None:
        """The one change that mends it."""
        self._below.action_mend()

    def action_public_url(self) -> None:
        """Another public address."""
        self._below.action_public_url()

    def action_look(self) -> None:
        """Ask all providers again."""
        self._below.action_look()

    def tick(self) -> None:
        """The list below goes on, and the pane with it."""
        super().tick()
        self.follow()


def named_mend(shown: Sequence[Action], row: DriftRow | None, table: Sequence[Action]) -> list[Action]:
    """Actions of the footer, in which that which mends has the key and the word that the row has for it."""
    found = mending(row) if row is not None else None
    if found is None:
        return [action for action in shown if action.id != "mend"]
    name, word = found
    named = replace(next(action for action in table if action.id == name), label=word)
    return [named if action.id == "mend" else action for action in shown]


def addresses_of(entry: Entry | None, session: Session) -> list[tuple[str, str]]:
    """The addresses of a registration that can be copied, each with what it is."""
    if entry is None:
        return []
    row = entry.row
    hook = row.url if row is not None else session.hook_url(entry.panel.provider)
    found = [("our address", hook)] if hook is not None else []
    if row is not None and row.found is not None:
        found += [("the registered address", row.found.url)] if row.found.url != hook else []
        found.append(("the provider's id", row.found.id))
    return found
