"""What overlays share: a box in the middle that esc and q close."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType


class Overlay(ModalScreen[ScreenResultType]):
    """A box over the screen."""

    DEFAULT_CLASSES = "overlay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("q", "close", show=False),
        Binding("ctrl+q", "app.quit", show=False, priority=True),
    ]

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)


def heading(text: str) -> Content:
    """A box's title; never read as markup."""
    return Content(text)
