"""A pane beside the list, or over it where there is no room: lines with entries that can be opened."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from monitor.ui.actions import bindings
from monitor.ui.widgets.bars import Bar, Lines
from monitor.ui.widgets.rows import ItemsView


class Pane(Vertical):
    """A heading over an ``ItemsView``."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("pane")

    class Left(Message):
        """The user wants to go back."""

    class Stepped(Message):
        """The user wants to see the next (+1) or previous (-1) entry of the list."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def compose(self) -> ComposeResult:
        """Heading and lines."""
        yield Bar(self.heading, id=f"{self.id}-heading")
        yield self.make_items(f"{self.id}-items")

    def make_items(self, id: str) -> ItemsView:
        """The widget for the lines."""
        return ItemsView(id=id)

    def heading(self, width: int) -> Lines:
        """What stands over the lines."""
        return ()

    @property
    def items(self) -> ItemsView:
        """The lines."""
        return self.query_one(ItemsView)

    def action_next_entry(self) -> None:
        """The next entry of the list."""
        self.post_message(self.Stepped(1))

    def action_previous_entry(self) -> None:
        """The previous entry of the list."""
        self.post_message(self.Stepped(-1))

    def action_back(self) -> None:
        """Back to the list."""
        self.post_message(self.Left())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in use stands out."""
        self.add_class("-active")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """No longer in use."""
        self.remove_class("-active")

    def refresh_heading(self) -> None:
        """Make the heading again."""
        self.query_one(Bar).update()
