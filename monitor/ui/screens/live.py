"""View 1: captures as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from monitor.model.filter import parse as parse_filter
from monitor.store.errors import StoreError
from monitor.store.filter_sql import check_capture_filter
from monitor.ui import replaying
from monitor.ui.actions import Action, bindings
from monitor.ui.columns import heading
from monitor.ui.format import count
from monitor.ui.inspector import BODY, TABS
from monitor.ui.lines import Part
from monitor.ui.safety import toast
from monitor.ui.screens.detail import DetailScreen
from monitor.ui.screens.filtered import FilteredScreen
from monitor.ui.screens.frame import TRIPLE, over_list
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.rows import Cursor

if TYPE_CHECKING:
    from monitor.services.simulate import Order


class LiveScreen(FilteredScreen):
    """The list of captures, with the detail of the one under the cursor beside it where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

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
        yield self.filter_bar()

    def on_mount(self) -> None:
        self.captures.focus()
        self._show_empty()
        self.lay_out()

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> CaptureList:
        """The list."""
        return self.query_one(CaptureList)

    @property
    def captures(self) -> CaptureList:
        """The list."""
        return self.rows

    def _panes(self) -> list[Detail]:
        return [self.query_one("#detail", Detail), self.query_one("#body", Detail)]

    @property
    def capture_number(self) -> int | None:
        """The capture under the cursor."""
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
        if not self.split:
            self._open()

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        if self.typing:
            return ("filter",)
        used = next((pane for pane in self._panes() if pane.has_focus_within), None)
        return ("list", "live") if used is None else used.contexts

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
        if self.times_moved():
            captures.refresh()
        self._show_empty()
        self.query_one("#heading", Bar).update()
        super().tick()

    def catch_up(self) -> None:
        """Take in what was committed since the last call."""
        try:
            self.captures.grown(self.session.view.catch_up())
            self.session.read_trouble = self.session.view.trouble
        except Exception as error:  # whatever the store has, the receiver and the screens go on
            self.session.read_trouble = error

    def restyle(self) -> None:
        """Draw list and panes again."""
        self.captures.restyle()
        for pane in self._panes():
            pane.reload(keep=True)
        super().restyle()

    def _heading(self, width: int) -> list[list[Part]]:
        captures, state = self.captures, self.paused
        if not len(self.session.view):
            return [[]]
        if not state and captures.unseen:
            state = [(f" ▼ {count(captures.unseen)} new, {self.session.key('bottom')} ", "chip")]
        labels = heading(captures.scrollable_content_region.width or width, self.session.look().app)
        return over_list(labels, state, width)

    def _show_empty(self) -> None:
        view = self.session.view
        empty = not len(view)
        self.set_class(empty, "-empty")
        if not empty:
            return
        widget = self.query_one(Empty)
        if view.pending:
            widget.paused(self.session)
        elif view.filter_text:
            widget.no_match(view.scanned, self.unfilters)
        else:
            widget.waiting(self.session)

    def lay_out(self) -> None:
        """Two panes or three: in three the body has one of its own."""
        wide = self.size.width >= TRIPLE
        self._panes()[0].set_tabs(tuple(tab for tab in TABS if tab != BODY) if wide else TABS)
        super().lay_out()

    # --- list and panes ------------------------------------------------------------------------------------------

    @on(Cursor.Moved, "#captures")
    def follow_cursor(self) -> None:
        """Show the capture."""
        for pane in self._panes() if self.split else ():
            pane.follow(self.captures.selected, hurried=self.captures.following)

    @on(CaptureList.FollowChanged)
    def _follow_changed(self) -> None:
        self.query_one("#heading", Bar).update()

    @on(Cursor.Opened, "#captures")
    def _open(self) -> None:
        self.captures.stay()
        if self.split:
            self.query_one("#detail LinesView").focus()
        else:
            self.open_alone(DetailScreen(self.session, self.captures, self.catch_up))

    def leave_pane(self) -> None:
        """To the list, at once; a jump is taken back from there."""
        self.set_focus(self.captures)

    def action_follow(self) -> None:
        """Follow the newest or stop; a list that stands still goes on and follows it."""
        if self.session.view.frozen:
            self.action_freeze()
            self.captures.action_bottom()
        else:
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
        from monitor.ui.screens.send import SendScreen
        from monitor.ui.screens.sending import SendingScreen
        from monitor.ui.sending import begin

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

    def action_compare(self) -> None:
        """Mark the capture under the cursor, or compare it with the marked one."""
        replaying.compare(self)

    def action_mark(self) -> None:
        """Mark the capture under the cursor, or no longer, and go to the next."""
        replaying.mark(self)
        self.captures.action_down()

    def action_drill(self) -> None:
        """Choose what is answered for a while, or see it and end it."""
        from monitor.ui.screens.drill import DrillForm, DrillScreen

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
            toast(self.app, "Forwarding stays as it is: this monitor only watches.", severity="warning")
        elif monitor.forwards is None:
            toast(self.app, "There is no app to forward to; start hooktop with --forward http://localhost:3000.")
        else:
            monitor.forwards.turn(not monitor.forwards.on)
            self.tick()

    # --- the filter ----------------------------------------------------------------------------------------------

    @property
    def obeyed(self) -> str:
        """The list is the session's own view."""
        return self.session.view.filter_text

    async def obey(self, text: str) -> None:
        """It obeys already."""

    def is_reading(self) -> bool:
        """Whether none of the captures that pass a new filter is found yet."""
        return not self.rows.count() and self._reads("filter")

    def check(self, text: str) -> None:
        """Every filter is one for captures, but for marks that only messages bear."""
        check_capture_filter(parse_filter(text))

    def values(self, field: str) -> Iterable[str]:
        """Completions: providers, and the events of late."""
        if field != "event":
            return super().values(field)
        view = self.session.view
        with contextlib.suppress(StoreError):  # the status line says it
            return {row.event for row in view.rows(len(view) - 200, len(view)) if row is not None and row.event}
        return ()

    def action_clear(self) -> None:
        """Back to where a jump came from; else unmark all; else show everything again."""
        if self.session.marks and not self.session.trail:
            self.session.marks.clear()
            self.restyle()
            self.rows.focus()
        else:
            super().action_clear()
