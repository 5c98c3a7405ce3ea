"""A pane beside the list, or over it where there is no room: lines with entries that can be opened."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from monitor.ui.actions import bindings
from monitor.ui.jumps import ShowCapture
from monitor.ui.widgets.bars import Bar, Lines
from monitor.ui.widgets.rows import Cursor, ItemsView


class PaneLeft(Message):
    """The user wants to go back from a pane."""


class PaneStepped(Message):
    """The user wants to see the next (+1) or previous (-1) entry of the list."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


class Pane(Vertical):
    """A heading over an ``ItemsView``."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("pane")

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
    def capture_number(self) -> int | None:
        """The capture behind the entry under the cursor."""
        return None

    @abstractmethod
    def follow(self, entry: Any) -> None:
        """Show this entry of the list as soon as the cursor rests."""

    @abstractmethod
    def restyle(self) -> None:
        """The mask or the form of times changed."""

    def tick(self, changed: object) -> None:
        """Bring what is shown up to date; ``changed`` tells whether the list has."""

    def jump(self) -> Message | None:
        """The wish to see what stands behind the entry under the cursor."""
        number = self.capture_number
        return None if number is None else ShowCapture(number)

    @on(Cursor.Opened)
    def _opened(self) -> None:
        jump = self.jump()
        if jump is not None:
            self.post_message(jump)

    @property
    def items(self) -> ItemsView:
        """The lines."""
        return self.query_one(ItemsView)

    def action_next_entry(self) -> None:
        """The next entry of the list."""
        self.post_message(PaneStepped(1))

    def action_previous_entry(self) -> None:
        """The previous entry of the list."""
        self.post_message(PaneStepped(-1))

    def action_back(self) -> None:
        """Back to the list."""
        self.post_message(PaneLeft())

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in use stands out."""
        self.add_class("-active")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """No longer in use."""
        self.remove_class("-active")

    def refresh_heading(self) -> None:
        """Make the heading again."""
        self.query_one(Bar).update()
