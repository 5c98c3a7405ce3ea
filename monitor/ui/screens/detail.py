"""The detail of one capture as a screen of its own, where there is no room beside the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult

from monitor.model.capture import Capture
from monitor.ui.format import count
from monitor.ui.jumps import GoBack
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.session import Session
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.pane import PaneLeft, PaneStepped


class DetailScreen(MonitorScreen):
    """Shows the capture under the list's cursor; J and K move that cursor."""

    CSS_PATH = "detail.tcss"

    def __init__(self, session: Session, captures: CaptureList, catch_up: Callable[[], None]) -> None:
        """``catch_up`` keeps the list below up to date."""
        super().__init__(session)
        self._captures = captures
        self._catch_up = catch_up

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        session = self.session
        yield Detail(session.inspector, session.detail, session.reader, id="whole")

    def on_mount(self) -> None:
        self.query_one(LinesView).focus()
        self.pane.follow(self._captures.selected)

    @property
    def pane(self) -> Detail:
        """The pane."""
        return self.query_one(Detail)

    @property
    def capture(self) -> Capture | None:
        """The capture shown."""
        return self.pane.capture

    @property
    def capture_number(self) -> int | None:
        """Its id."""
        return self.capture.id if self.capture is not None else None

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return ("detail",)

    def tick(self) -> None:
        """The list below goes on growing."""
        self._catch_up()
        super().tick()

    def note(self) -> str:
        """Where the capture stands in the list."""
        return f"{count(self._captures.cursor + 1)}/{count(len(self.session.view))}"

    def restyle(self) -> None:
        """Make the document again."""
        self._captures.restyle()
        self.pane.reload(keep=True)
        super().restyle()

    @on(PaneLeft)
    def _left(self) -> None:
        if self.session.trail:
            self.post_message(GoBack())
        else:
            self.dismiss()

    @on(PaneStepped)
    def _stepped(self, event: PaneStepped) -> None:
        self._captures.move_to(self._captures.cursor + event.step)
        self.pane.follow(self._captures.selected)
