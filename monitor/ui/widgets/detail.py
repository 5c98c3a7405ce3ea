"""The detail pane: the capture under the cursor, in tabs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from monitor.model.capture import Capture
from monitor.ui.actions import bindings
from monitor.ui.documents.look import Reader
from monitor.ui.inspector import BODY, FORWARD, SUMMARY, TABS, DetailState, Inspector
from monitor.ui.lines import Document, Part, line
from monitor.ui.replaying import CompareAsked, ReplayAsked
from monitor.ui.safety import Plain
from monitor.ui.widgets.bars import TabBar
from monitor.ui.widgets.find_line import FindLine
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.pane import DEBOUNCE_S, PaneLeft, PaneStepped

HURRIED_S: Final = 0.3
NEWS_S: Final = 0.25  # between two looks whether the app has answered what is shown, or it was judged anew
ASIDE: Final = 16  # columns that a step sideways takes


class Detail(Vertical):
    """Shows one capture. ``tabs`` are those that this pane has."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("detail")

    def __init__(
        self,
        inspector: Inspector,
        state: DetailState,
        reader: Callable[[], Reader],
        *,
        tabs: tuple[str, ...] = TABS,
        id: str,
    ) -> None:
        super().__init__(id=id)
        self._inspector = inspector
        self._state = state
        self._reader = reader
        self._tabs = tabs
        self._resting: Timer | None = None
        self._number: int | None = None
        self._reading: Worker[None] | None = None
        self._found = ""
        self._seen: object = None  # the state of what is shown
        self._width = 0  # cells that the lines were made for
        self.capture: Capture | None = None

    def compose(self) -> ComposeResult:
        """A line of tabs, the lines, and a line to find with."""
        yield TabBar(self.choose)
        yield LinesView()
        with Horizontal(classes="find"):
            yield Plain("/", classes="mark")
            yield FindLine(placeholder="find in this tab", compact=True, select_on_focus=True)

    def on_mount(self) -> None:
        self._lines.set_wrapping(self._state.wrap)
        self._show_tabs()
        self.set_interval(NEWS_S, self._look_for_news)

    def on_resize(self) -> None:
        """Other room, other lines, where these are made for it."""
        if self.tab == SUMMARY and self._lines.scrollable_content_region.width != self._width:
            self.reload(keep=True)

    def on_show(self) -> None:
        """Seen now: what was asked for before there was room is read."""
        if self._number != (None if self.capture is None else self.capture.id):
            self.follow(self._number)

    @property
    def _lines(self) -> LinesView:
        return self.query_one(LinesView)

    @property
    def _is_there(self) -> bool:
        """Whether the pane has its parts, which go one by one: it may be taken off the screen while something is read
        for it."""
        return bool(self.query(TabBar) and self.query(LinesView))

    @property
    def _asking(self) -> Horizontal:
        return self.query_one(".find", Horizontal)

    @property
    def tab(self) -> str:
        """The tab shown: the one chosen, or this pane's first."""
        return self._state.tab if self._state.tab in self._tabs else self._tabs[0]

    @property
    def contexts(self) -> tuple[str, ...]:
        """The contexts of keys while this pane is in use."""
        return ("find",) if self.query_one(FindLine).has_focus else ("detail",)

    @property
    def several(self) -> bool:
        """Whether there are tabs to choose from."""
        return len(self._tabs) > 1

    @property
    def number(self) -> int | None:
        """The capture that is shown; while another one is on its way that, for which keys that are typed ahead are
        meant."""
        if self._resting is not None or (self._reading is not None and not self._reading.is_finished):
            return self._number
        return None if self.capture is None else self.capture.id

    @property
    def foldable(self) -> bool:
        """Whether there is something to fold."""
        return bool(self._lines.document.folds)

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_tabs(self, tabs: tuple[str, ...]) -> None:
        """Give the pane other tabs."""
        if tabs != self._tabs:
            self._tabs = tabs
            self._show_tabs()
            self.reload()

    def follow(self, number: int | None, *, hurried: bool = False) -> None:
        """Show a capture as soon as the cursor rests; ``hurried`` when it follows the newest, which nobody could read
        ten times a second."""
        self._number = number
        if self._resting is not None and not hurried:  # it may be one of the long ones
            self._resting.stop()
            self._resting = None
        if self._resting is None:
            wait = HURRIED_S if hurried and self.capture is not None else DEBOUNCE_S
            self._resting = self.set_timer(wait, self._rested)

    def _rested(self) -> None:
        self._resting = None
        if self.display:
            self._work(partial(self._load, self._number))

    async def _load(self, number: int | None, *, keep: bool = True) -> None:
        if number is None:
            self._show_none()
            return
        same, state = self.capture is not None and self.capture.id == number, self._newest(number)
        if not same or state != self._seen:
            try:
                capture = await asyncio.to_thread(self._inspector.capture, number)
            except Exception as error:  # the store may fail while we look: say so in the pane
                self._show_none((f"the store cannot be read ({type(error).__name__})", "bad"))
                return
            if capture is None:
                self._show_none(("this capture is no longer in the store", "faint"))
                return
            self.capture, self._seen = capture, state
        if self._is_there:
            await self._lay_out(keep=same and keep)

    def _show_none(self, *why: Part) -> None:
        self.capture = None
        self._show(Document([line(*why)] if why else ()))

    def _show(self, document: Document, *, keep: bool = False) -> None:
        """Show a document as the panes are to look now, and say what is found in it of that which is sought."""
        if not self._is_there:
            return
        lines = self._lines
        if lines.wrapping != self._state.wrap:
            lines.set_wrapping(self._state.wrap)
        lines.show(document, keep=keep)
        if lines.sought:
            self._found = _found(lines.found)
        self._show_tabs()

    async def _lay_out(self, *, keep: bool) -> None:
        capture, tab = self.capture, self.tab
        if capture is None:
            return
        self._width = self._lines.scrollable_content_region.width
        document = await asyncio.to_thread(
            self._inspector.document, capture, tab, self._reader(), raw=self._state.raw, width=self._width
        )
        if capture is self.capture and tab == self.tab:
            self._show(document, keep=keep)

    def _newest(self, number: int) -> object:
        try:
            return self._inspector.state(number, self.tab)
        except Exception:  # the document says that the store cannot be read
            return self._seen

    def _look_for_news(self) -> None:
        if self.capture is not None and self.display and self._newest(self.capture.id) != self._seen:
            self.reload(keep=True)

    def reload(self, *, keep: bool = False) -> None:
        """Make the document again: tab, mask or form changed."""
        self._work(partial(self._load, self._number, keep=keep))  # which may not have come yet

    def _work(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do this instead of what is being done. A function, not a coroutine: one that is replaced before it began
        would be a coroutine that nobody awaited."""
        self._reading = self.run_worker(work, group=f"load-{self.id}", exclusive=True)

    async def _read(self) -> None:
        """Wait for what is being read, or is about to be: keys that are typed ahead are meant for that."""
        if self._resting is not None:
            self._resting.stop()
            self._rested()
        if self._reading is not None:
            with suppress(WorkerFailed, WorkerCancelled):
                await self._reading.wait()

    def choose(self, tab: str) -> None:
        """Choose a tab, where there are several."""
        if self.several:
            self._state.tab = tab
        self._show_tabs()
        self.reload()

    def _show_tabs(self) -> None:
        note = f"#{self.capture.id}" if self.capture else ""
        if self.tab in (BODY, FORWARD):
            note = ("raw  " if self._state.raw else "") + note
        self.query_one(TabBar).show(self._tabs, self.tab, note, self._found)

    # --- keys ----------------------------------------------------------------------------------------------------

    def _step_tab(self, step: int) -> None:
        self.choose(self._tabs[(self._tabs.index(self.tab) + step) % len(self._tabs)])

    def action_next_tab(self) -> None:
        """The tab to the right."""
        self._step_tab(1)

    def action_previous_tab(self) -> None:
        """The tab to the left."""
        self._step_tab(-1)

    def action_raw(self) -> None:
        """The body as it came, or laid out."""
        self._state.raw = not self._state.raw
        if self.tab != FORWARD and BODY in self._tabs:
            self.choose(BODY)
        self._reload_all()

    def action_replay(self) -> None:
        """Send the capture again."""
        self.post_message(ReplayAsked())

    def action_compare(self) -> None:
        """Mark the capture, or compare it."""
        self.post_message(CompareAsked())

    def action_wrap(self) -> None:
        """Wrap long lines or not."""
        self._state.wrap = not self._state.wrap
        self._reload_all(keep=True)

    def _reload_all(self, *, keep: bool = False) -> None:
        """The body may be in the pane beside this one, which is to look the same."""
        for pane in self.screen.query(Detail):
            pane.reload(keep=keep)

    def action_aside_left(self) -> None:
        """Back to the beginning of long lines."""
        self._lines.move_aside(-ASIDE)

    def action_aside_right(self) -> None:
        """To the rest of long lines."""
        self._lines.move_aside(ASIDE)

    async def action_fold(self) -> None:
        """Fold or unfold."""
        await self._read()
        self._lines.fold()

    async def action_fold_all(self) -> None:
        """Fold or unfold everything."""
        await self._read()
        self._lines.fold_all()

    def action_newer(self) -> None:
        """The next capture."""
        self.post_message(PaneStepped(1))

    def action_older(self) -> None:
        """The previous capture."""
        self.post_message(PaneStepped(-1))

    def action_cursor_up(self) -> None:
        """A line up."""
        self._lines.move(-1)

    async def action_cursor_down(self) -> None:
        """A line down."""
        await self._read()
        self._lines.move(1)

    def action_to_top(self) -> None:
        """The first line."""
        self._lines.move_to_end(top=True)

    async def action_to_bottom(self) -> None:
        """The last line."""
        await self._read()
        self._lines.move_to_end(top=False)

    def action_half_up(self) -> None:
        """Half a page up."""
        self._lines.move_pages(-0.5)

    async def action_half_down(self) -> None:
        """Half a page down."""
        await self._read()
        self._lines.move_pages(0.5)

    def action_page_up(self) -> None:
        """A page up."""
        self._lines.move_pages(-1)

    async def action_page_down(self) -> None:  # type: ignore[override]  # Textual awaits either
        """A page down."""
        await self._read()
        self._lines.move_pages(1)

    @on(FindLine.GivenUp)
    def action_back(self) -> None:
        """Out of the find line, then out of the pane."""
        if self._asking.display or self._found:
            self._asking.display = False
            self._found = ""
            self._lines.find("")
            self._show_tabs()
            self._lines.focus()
        else:
            self.post_message(PaneLeft())

    # --- finding -------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ask what to find, beginning with what was found last."""
        self._asking.display = True
        box = self.query_one(FindLine)
        box.focus()
        self._find(box.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._find(event.value)

    def _find(self, text: str) -> None:
        found = self._lines.find(text)
        self._found = _found(found) if text else ""
        self._show_tabs()

    @on(Input.Submitted)
    def _sought(self, event: Input.Submitted) -> None:
        event.stop()
        self._asking.display = bool(event.value)  # what was found stays named
        self._lines.focus()

    async def _find_step(self, step: int) -> None:
        await self._read()
        which, number = self._lines.find_step(step)
        if number:
            self._found = f"{which} of {number}"
            self._show_tabs()

    async def action_find_next(self) -> None:
        """The next match."""
        await self._find_step(1)

    async def action_find_previous(self) -> None:
        """The previous match."""
        await self._find_step(-1)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in use stands out."""
        self.set_class(self.has_focus_within, "-active")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """No longer in use, unless the use went on to another part of the pane, which may have said so before."""
        self.set_class(self.has_focus_within, "-active")


def _found(number: int) -> str:
    return f"{number} found" if number else "not found"
