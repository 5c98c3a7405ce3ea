"""A pane beside the list, or over it where there is no room: lines with entries that can be opened."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from typing import ClassVar, Final, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.worker import WorkerCancelled, WorkerFailed

from monitor.ui.actions import bindings
from monitor.ui.jumps import ShowCapture
from monitor.ui.lines import line
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar, Lines
from monitor.ui.widgets.rows import Cursor, ItemsView

DEBOUNCE_S: Final = 0.05  # that the cursor rests before what it stands on is read
EntryT = TypeVar("EntryT")


class PaneLeft(Message):
    """The user wants to go back from a pane."""


class PaneStepped(Message):
    """The user wants to see the next (+1) or previous (-1) entry of the list."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


class Pane(Vertical, Generic[EntryT]):
    """A heading over an ``ItemsView`` that shows one entry of a list."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("pane")

    def __init__(self, session: Session, *, id: str) -> None:
        super().__init__(id=id)
        self._session = session
        self._entry: EntryT | None = None
        self._resting: Timer | None = None

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

    def follow(self, entry: EntryT | None) -> None:
        """Show this entry of the list as soon as the cursor rests."""
        if entry != self._entry:
            self._entry = entry
            if self._resting is None:
                self._resting = self.set_timer(DEBOUNCE_S, self._rested)

    def _rested(self) -> None:
        self._resting = None
        if self.display:
            self.reload()
        else:  # there is no room yet: asked for again when there is
            self._entry = None

    @abstractmethod
    def reload(self) -> None:
        """Read the entry again, and show it."""

    @property
    def _is_there(self) -> bool:
        """Whether the pane has its parts, which go one by one: it may be taken off the screen while something is read
        for it."""
        return bool(self.query(Bar) and self.query(ItemsView))

    def is_wanted(self, entry: EntryT | None) -> bool:
        """Whether what was read for an entry is to be shown still."""
        return entry == self._entry and self._is_there

    def show_failure(self, error: Exception) -> None:
        """The store failed while it was read: say so in place of the lines."""
        if not self._is_there:
            return
        words = f"the store cannot be read ({type(error).__name__})"
        self.items.show(lambda width: [(line((words, "bad")), None)], cursor=0)

    @abstractmethod
    def restyle(self) -> None:
        """The mask or the form of times changed."""

    def tick(self, changed: object) -> None:
        """Bring what is shown up to date; ``changed`` tells whether the list has."""

    def jump(self) -> Message | None:
        """The wish to see what stands behind the entry under the cursor."""
        number = self.capture_number
        return None if number is None else ShowCapture(number)

    async def _read_up(self) -> None:
        """Wait for what is being read, or is about to be: keys that are typed ahead are meant for that."""
        if self._resting is not None:
            self._resting.stop()
            self._rested()
        while reading := [one for one in self.workers if one.node is self and not one.is_finished]:
            with suppress(WorkerFailed, WorkerCancelled):  # as where the list has changed, and it is read anew
                await reading[-1].wait()

    async def on_key(self, event: events.Key) -> None:
        """Keys are meant for what is being read, and go on to the app when it is there; but those of the list at once,
        and what opens an entry, which would open one that nobody has seen."""
        bound = self.screen.active_bindings.get(event.key)
        if bound is None or (bound.node is not self and bound.binding.action != "open"):
            await self._read_up()

    @on(Cursor.Opened)
    async def _opened(self) -> None:
        await self._read_up()
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
