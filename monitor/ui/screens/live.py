"""View 1: captures as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from monitor.model.capture import Capture
from monitor.model.filter import FilterError
from monitor.model.filter import parse as parse_filter
from monitor.providers.registry import registry
from monitor.services.simulate import Order
from monitor.ui import replaying
from monitor.ui.actions import Action, bindings
from monitor.ui.columns import heading
from monitor.ui.format import count
from monitor.ui.inspector import BODY, TABS
from monitor.ui.jumps import GoBack
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.ui.safety import toast
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.screens.detail import DetailScreen
from monitor.ui.screens.drill import DrillForm, DrillScreen
from monitor.ui.screens.send import SendScreen
from monitor.ui.screens.sending import SendingScreen
from monitor.ui.sending import begin
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.filter_bar import FilterBar

FILTER_AFTER_S: Final = 0.15  # of rest while a filter is typed
SPLIT: Final = 100  # columns from which list and detail stand side by side
TRIPLE: Final = 150


class LiveScreen(MonitorScreen):
    """The list of captures, with the detail of the one under the cursor beside it where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._typing: Timer | None = None

    def compose_main(self) -> ComposeResult:
        """The list, the panes, the filter bar."""
        session = self.session
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield Bar(self._heading, id="heading")
                yield CaptureList(session.view, session.look, session.now, session.marks)
                yield Empty()
            yield Detail(session.inspector, session.detail, session.reader, id="detail")
            yield Detail(session.inspector, session.detail, session.reader, tabs=(BODY,), id="body")
        yield FilterBar(self._values, session.preferences.filters)

    def on_mount(self) -> None:
        self.captures.focus()
        self._show_empty()
        self._arrange()

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def captures(self) -> CaptureList:
        """The list."""
        return self.query_one(CaptureList)

    def _panes(self) -> list[Detail]:
        return [self.query_one("#detail", Detail), self.query_one("#body", Detail)]

    @property
    def capture(self) -> Capture | None:
        """The capture under the cursor, read from the store."""
        number = self.captures.selected
        return None if number is None else self.session.inspector.capture(number)

    @property
    def capture_number(self) -> int | None:
        """Its id."""
        return self.captures.selected

    async def show(self, number: int) -> None:
        """Put the cursor on a capture, without the filter where it does not pass, and open it where that takes room."""
        view, captures = self.session.view, self.captures
        if view.index_of(number) is None and view.filter_text:
            await view.set_filter("")
            toast(self.app, "The filter was left: the capture does not pass it.")
        self.catch_up()
        index = view.index_of(number)
        if index is None:
            toast(self.app, f"Capture {number} is not in the list.", severity="warning")
            return
        captures.move_to(index)
        captures.focus()
        if self.size.width < SPLIT:
            self._open()

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        focused = self.focused
        if self.query_one(FilterBar).has_focus_within:
            return ("filter",)
        if focused is not None and any(isinstance(node, Detail) for node in focused.ancestors_with_self):
            return ("detail",)
        return ("list", "live")

    def applies(self, action: Action) -> bool:
        """As for every screen; and in an empty list there is nothing to act upon."""
        about_one = action.id in ("open", "copy", "replay", "compare", "mark")
        return super().applies(action) and (not about_one or self.captures.selected is not None)

    def note(self) -> str:
        """Where the cursor stands."""
        captures, view = self.captures, self.session.view
        if not len(view):
            return ""
        total = "▼ " if captures.following else ""
        total += f"{count(captures.cursor + 1)}/{count(len(view))}"
        if view.filter_text:
            total += f" of {count(self.session.monitor.feed.total)}"
        return total + (f"  {view.scanned:.0%}" if view.scanned is not None else "")

    # --- bringing up to date -------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Take in what was committed, then draw what changed."""
        self.catch_up()
        captures = self.captures
        if self.session.preferences.relative_times:
            captures.refresh()
        self._show_empty()
        self.query_one("#heading", Bar).update()
        super().tick()

    def catch_up(self) -> None:
        """Take in what was committed since the last call."""
        try:
            self.captures.grown(self.session.view.catch_up())
            self.session.read_trouble = None
        except Exception as error:  # whatever the store has, the receiver and the screens go on
            self.session.read_trouble = type(error).__name__

    def restyle(self) -> None:
        """Draw list and panes again."""
        self.captures.restyle()
        for pane in self._panes():
            pane.reload(keep=True)
        super().restyle()

    def _heading(self, width: int) -> list[list[Part]]:
        captures = self.captures
        if not len(self.session.view):
            return [[]]
        state: list[Part] = []
        if self.session.view.frozen:
            state = [(f" paused, {self.session.key('freeze')} goes on ", "chip")]
        elif captures.unseen:
            state = [(f" ▼ {count(captures.unseen)} new, {self.session.key('bottom')} ", "chip")]
        labels = heading(captures.scrollable_content_region.width or width)
        room = width - cells(state) - 1
        if len(labels) > room and labels[room - 1 : room + 1].strip():  # leave no half of a label
            labels = labels[: labels.rfind(" ", 0, room) + 1]
        return [[(labels[:room].ljust(room), "faint"), *state, (" ", "plain")]]

    def _show_empty(self) -> None:
        view = self.session.view
        empty = not len(view)
        self.set_class(empty, "-empty")
        if not empty:
            return
        widget = self.query_one(Empty)
        if view.filter_text:
            widget.no_match(view.scanned)
        else:
            widget.waiting(self.session)

    def on_resize(self) -> None:
        """Other room, other panes."""
        if self.is_mounted:
            self._arrange()

    def _arrange(self) -> None:
        """Two panes or three: in three the body has one of its own."""
        wide = self.size.width >= TRIPLE
        self._panes()[0].set_tabs(tuple(tab for tab in TABS if tab != BODY) if wide else TABS)
        self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self._follow_cursor()
        focused = self.focused
        if focused is None or not focused.display or not focused.region:
            self.captures.focus()
        self.tick()

    # --- list and panes ------------------------------------------------------------------------------------------

    @on(CaptureList.Moved)
    def _follow_cursor(self) -> None:
        if self.size.width < SPLIT:
            return
        for pane in self._panes():
            pane.follow(self.captures.selected, hurried=self.captures.following)

    @on(CaptureList.FollowChanged)
    def _follow_changed(self) -> None:
        self.query_one("#heading", Bar).update()

    @on(CaptureList.Opened)
    def _open(self) -> None:
        self.captures.stop_following()  # what is being read must not change under the eyes
        if self.size.width >= SPLIT:
            self.query_one("#detail LinesView").focus()
        else:
            self.app.push_screen(DetailScreen(self.session, self.captures, self.catch_up))

    @on(Detail.Left)
    def _left(self) -> None:
        self.captures.focus()

    @on(Detail.Stepped)
    def _stepped(self, event: Detail.Stepped) -> None:
        self.captures.move_to(self.captures.cursor + event.step)

    def action_follow(self) -> None:
        """Follow the newest or stop."""
        if self.session.view.frozen:
            self.action_freeze()
        self.captures.action_follow()

    def action_freeze(self) -> None:
        """Let the list stand still, or go on."""
        view = self.session.view
        self.captures.grown(view.freeze(not view.frozen))
        self.tick()

    def action_next_match(self) -> None:
        """The next capture of those that the filter leaves."""
        self.captures.action_down()

    def action_previous_match(self) -> None:
        """The previous one."""
        self.captures.action_up()

    def action_send(self) -> None:
        """Choose and send simulated events; while some are sent, see how far that is."""
        session, simulator = self.session, self.session.simulator
        if simulator is None or not session.can_send:
            toast(self.app, "Sending is off: this monitor only watches.", severity="warning")
            return
        if session.sending is not None and session.sending.running:
            self.app.push_screen(SendingScreen(session.sending))
            return

        def chosen(order: Order | None) -> None:
            if order is not None:
                begin(self.app, session, order)

        self.app.push_screen(SendScreen(simulator), chosen)

    def action_replay(self) -> None:
        """Choose how captures are to be sent again."""
        replaying.replay(self)

    def action_compare(self) -> None:
        """Mark the capture under the cursor, or compare it with the marked one."""
        replaying.compare(self)

    def action_mark(self) -> None:
        """Mark the capture under the cursor, or no longer, and go to the next."""
        replaying.mark(self)
        self.captures.action_down()

    def action_drill(self) -> None:
        """Choose what is answered for a while, or see it and end it."""
        drill = self.session.monitor.drill
        if self.session.monitor.settings.read_only:
            toast(self.app, "The answers are as ever: this monitor only watches.", severity="warning")
        elif drill.progress is not None:
            self.app.push_screen(DrillScreen(drill, masked=self.session.masked))
        else:
            self.app.push_screen(DrillForm(), lambda rule: drill.begin(rule) if rule is not None else None)

    def action_forward(self) -> None:
        """Pass captures on, or stop."""
        monitor = self.session.monitor
        if monitor.settings.read_only:
            toast(self.app, "Forwarding cannot be turned here: this monitor only watches.", severity="warning")
        elif monitor.forwards is None:
            toast(self.app, "There is no app to forward to; start hooktop with --forward http://localhost:3000.")
        else:
            monitor.forwards.turn(not monitor.forwards.on)
            self.tick()

    # --- the filter ----------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(FilterBar).begin(self.session.view.filter_text)

    def action_clear(self) -> None:
        """Back to where a jump came from; else show everything again."""
        if self.session.trail:
            self.post_message(GoBack())
            return
        if self.session.marks:
            self.session.marks.clear()
            self.restyle()
        elif self.session.view.filter_text:
            self._apply("")
        self.captures.focus()

    @on(FilterBar.Typed)
    def _filter_typed(self, event: FilterBar.Typed) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(FILTER_AFTER_S, lambda: self._apply(event.text))

    @on(FilterBar.Done)
    def _filter_done(self, event: FilterBar.Done) -> None:
        if self._typing is not None:
            self._typing.stop()
        if self._apply(event.text):
            self.query_one(FilterBar).display = False
            self.captures.focus()
            if event.text.strip():
                self.session.preferences.remember_filter(event.text.strip())

    def apply_filter(self, text: str) -> None:
        """Put a filter in force that is known to be right."""
        self._apply(text)

    def _apply(self, text: str) -> bool:
        bar = self.query_one(FilterBar)
        try:
            parse_filter(text)
        except FilterError as error:
            bar.wrong(error)
            return False
        bar.right()
        if text.strip() != self.session.view.filter_text.strip():
            self.run_worker(self._set_filter(text), group="filter")
        return True

    async def _set_filter(self, text: str) -> None:
        try:
            await self.session.view.set_filter(text)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the store failed under the scan: said on the status line, as for every read
            self.session.read_trouble = type(error).__name__
        self.tick()

    def _values(self, field: str) -> Iterable[str]:
        if field == "provider":
            return registry().names()
        if field != "event":
            return ()
        view = self.session.view
        return {row.event for row in view.rows(len(view) - 200, len(view)) if row is not None and row.event}
