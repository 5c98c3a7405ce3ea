"""What a list and the pane beside it share, whatever they show; and the pane as a screen of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.events import DescendantFocus
from textual.widgets import Input

from monitor.ui.actions import Action
from monitor.ui.jumps import GoBack
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.session import Session
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.conversation_list import ConversationList
from monitor.ui.widgets.message_list import MessageList
from monitor.ui.widgets.pane import Pane, PaneLeft, PaneStepped
from monitor.ui.widgets.rows import Cursor
from monitor.ui.widgets.webhook_list import WebhookList

SPLIT: Final = 100  # columns from which list and pane stand side by side
TRIPLE: Final = 150  # ... the body of a capture has a pane of its own, and registrations have theirs beside the list


class ListScreen(MonitorScreen):
    """A list, and panes that follow its cursor where there is room for them."""

    @property
    @abstractmethod
    def rows(self) -> Cursor:
        """The list."""

    @property
    def split(self) -> bool:
        """Whether there is room for a pane."""
        return self.size.width >= SPLIT

    @property
    def has_panes_beside(self) -> bool:
        """As split says."""
        return self.split

    @abstractmethod
    def follow_cursor(self) -> None:
        """Show in the panes what the cursor stands on, if they are seen."""

    def on_resize(self) -> None:
        """Other room, other panes."""
        if self.is_mounted:
            self.lay_out()

    def lay_out(self) -> None:
        """Use the room there is."""
        self.call_after_refresh(self._laid_out)

    def _laid_out(self) -> None:
        self.follow_cursor()
        focused = self.focused
        if focused is not None and not (focused.display and focused.region):
            self.rows.focus()
        self.tick()

    def hold_focus(self) -> None:
        """Give the focus to the list where a resize hid what had it; a terminal that is not in use gives it back."""
        if self.focused is None and self.app.app_focus:
            self.rows.focus()

    def open_alone(self, screen: AloneScreen) -> None:
        """Show what the cursor stands on as a screen of its own, or in the one that is there already."""
        top = self.app.screen
        if not isinstance(top, AloneScreen):
            self.app.push_screen(screen)
        elif top.is_mounted:  # else it is about to, since enter came twice
            top.follow()

    @property
    def in_pane(self) -> bool:
        """Whether a pane is in use."""
        return self.focused not in (None, self.rows)

    def leave_pane(self) -> None:
        """Back to where a jump came from; else to the list."""
        if self.session.trail:
            self.post_message(GoBack())
        else:
            self.set_focus(self.rows)  # at once: the next key may be on its way

    def action_clear(self) -> None:
        """Back to where a jump came from."""
        if self.session.trail:
            self.post_message(GoBack())
        self.rows.focus()

    @on(DescendantFocus)
    def _pane_used(self) -> None:
        if self.in_pane and not isinstance(self.focused, Input):
            self.rows.stay()  # what is read must not change under the eyes

    @on(PaneLeft)
    def _pane_left(self) -> None:
        self.leave_pane()

    @on(PaneStepped)
    def _pane_stepped(self, event: PaneStepped) -> None:
        self.rows.move_to(self.rows.cursor + event.step)
        self.rows.stay()
        self.follow_cursor()  # at once: the next key may be meant for what is stepped to


class AloneScreen(MonitorScreen):
    """Shows what the cursor of the list below stands on; J and K move that cursor."""

    def __init__(
        self,
        session: Session,
        listed: CaptureList | MessageList | ConversationList | WebhookList,
        catch_up: Callable[[], object],
    ) -> None:
        """``listed`` is the list, ``catch_up`` keeps it up to date."""
        super().__init__(session)
        self.listed = listed
        self.catch_up = catch_up

    @abstractmethod
    def follow(self) -> None:
        """Show what the cursor stands on."""

    @on(PaneLeft)
    def _left(self) -> None:
        if self.session.trail:
            self.post_message(GoBack())
        elif self.is_active:  # esc may come twice before this screen is gone: the second is not for the one below
            self.dismiss()

    @on(PaneStepped)
    def _stepped(self, event: PaneStepped) -> None:
        self.listed.move_to(self.listed.cursor + event.step)
        self.listed.stay()
        self.follow()


class PaneScreen(AloneScreen):
    """A pane with entries, as a screen of its own."""

    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "rows", "pane"})

    @cached_property
    def pane(self) -> Pane[Any]:
        """The pane; there from the beginning, since the screen may be asked of it before it is built."""
        return self.make_pane()

    @abstractmethod
    def make_pane(self) -> Pane[Any]:
        """A new pane."""

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        yield self.pane

    def on_mount(self) -> None:
        self.pane.items.focus()
        self.follow()

    def follow(self) -> None:
        """Show what the cursor stands on."""
        self.pane.follow(self.listed.selected)

    @property
    def capture_number(self) -> int | None:
        """The capture behind the entry under the cursor."""
        return self.pane.capture_number

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return ("pane", "rows")

    def applies(self, action: Action) -> bool:
        """As for every screen; and an entry can be opened where a capture stands behind it."""
        return super().applies(action) and (action.id != "open" or self.capture_number is not None)

    def tick(self) -> None:
        """List and pane go on."""
        self.pane.tick(self.catch_up())
        super().tick()

    def restyle(self) -> None:
        """Make the lines again."""
        self.listed.refresh()
        self.pane.restyle()
        super().restyle()


def over_list(labels: str, state: Sequence[Part], width: int, between: str = " ") -> list[list[Part]]:
    """The line over a list: the labels of its columns, cut so that no half of one is left, and a state at the right.

    ``between`` is what parts two labels.
    """
    room = width - cells(state) - 1
    if len(labels) > room and labels[room - 1 : room + 1].strip():
        labels = labels[: labels.rfind(between, 0, room) + 1]
    return [[(labels[:room].ljust(room), "faint"), *state, (" ", "plain")]]
