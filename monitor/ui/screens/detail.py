"""The detail of one capture as a screen of its own, where there is no room beside the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from monitor.model.capture import Capture
from monitor.ui.format import count
from monitor.ui.screens.frame import AloneScreen
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.lines_view import LinesView


class DetailScreen(AloneScreen):
    """Shows the capture under the list's cursor."""

    CSS_PATH = "detail.tcss"
    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "detail", "find"})
    listed: CaptureList

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        session = self.session
        yield Detail(session.inspector, session.detail, session.reader, id="whole")

    def on_mount(self) -> None:
        self.query_one(LinesView).focus()
        self.follow()

    def follow(self) -> None:
        """Show the capture under the cursor."""
        self.pane.follow(self.listed.selected)

    @property
    def pane(self) -> Detail:
        """The pane."""
        return self.query_one(Detail)

    @property
    def capture(self) -> Capture | None:
        """The capture shown, or the one that is on its way."""
        shown = self.pane.capture
        return shown if shown is not None and shown.id == self.capture_number else super().capture

    @property
    def capture_number(self) -> int | None:
        """Its id."""
        return self.pane.number

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return self.pane.contexts

    def tick(self) -> None:
        """The list below goes on growing."""
        self.catch_up()
        super().tick()

    def note(self) -> str:
        """Where the capture stands in the list; nothing once all were let go."""
        if not len(self.session.view):
            return ""
        return f"{count(self.listed.cursor + 1)}/{count(len(self.session.view))}"

    def restyle(self) -> None:
        """Make the document again."""
        self.listed.restyle()
        self.pane.reload(keep=True)
        super().restyle()
