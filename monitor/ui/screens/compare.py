"""Two captures beside each other: what differs, or all of both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.model.capture import Capture
from monitor.model.compare import Comparison, compare
from monitor.ui.documents.compare import capture_parts, comparison
from monitor.ui.lines import Document, line
from monitor.ui.screens.overlay import LinesOverlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView


class CompareScreen(LinesOverlay[None]):
    """The comparison of two stored captures."""

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "close", show=False),
        Binding("a", "everything", show=False),
    ]

    def __init__(self, session: Session, old: int, new: int) -> None:
        super().__init__()
        self._session = session
        self._numbers = (old, new)
        self._everything = False
        self._captures: tuple[Capture, Capture] | None = None
        self._found: Comparison | None = None

    def compose(self) -> ComposeResult:
        """One box with the lines."""
        with Vertical(classes="box", id="compare") as box:
            box.border_title = heading("Capture {} beside capture {}".format(*self._numbers))
            yield LinesView()

    def on_mount(self) -> None:
        self.lines.show(Document([line(("Comparing …", "quiet"))]))
        self._work(self._load)

    def _work(self, work: Callable[[], Awaitable[None]]) -> None:
        self.run_worker(work, exclusive=True)

    def on_resize(self) -> None:
        """Other room, other columns."""
        self.call_after_refresh(self._draw)

    async def _load(self) -> None:
        try:
            if self._captures is None:
                old, new = [
                    await asyncio.to_thread(self._session.inspector.capture, number) for number in self._numbers
                ]
                if old is None or new is None:
                    gone = self._numbers[0 if old is None else 1]
                    self.lines.show(Document([line((f"Capture {gone} is no longer in the store.", "warn"))]))
                    return
                self._captures = old, new
            found = await asyncio.to_thread(compare, *self._captures, everything=self._everything)
        except Exception as error:  # a store that fails, or foreign data, costs this box and not the screens
            self.lines.show(Document([line((f"They cannot be compared ({type(error).__name__}).", "bad"))]))
            return
        self._found = found
        self._draw()

    def _draw(self) -> None:
        if self._found is None or self._captures is None:
            return
        width = max(self.lines.scrollable_content_region.width, 20)
        parts = [capture_parts(capture) for capture in self._captures]
        self.lines.show(Document(comparison(self._found, self._session.reader(), width, *parts)), keep=True)
        shown = "only what differs" if self._everything else "all"
        box = self.query_one("#compare")
        box.border_subtitle = heading(f"a {shown}, jk scroll, esc closes")

    def action_everything(self) -> None:
        """Show what is the same, too, or no longer."""
        self._everything = not self._everything
        self._work(self._load)
