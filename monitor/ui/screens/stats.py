"""Figures for the filter in force: rates, mixes, how long messages took, why they failed. Live while it is open."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.model.filter import parse
from monitor.services.stats import Span, Stats, statistics
from monitor.store.stats_reader import StatsReader
from monitor.ui.documents.figures import figures
from monitor.ui.format import clock, count
from monitor.ui.lines import Document, Line, line
from monitor.ui.screens.counted import CountedScreen
from monitor.ui.screens.overlay import LinesOverlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView

_NEXT: Final = {Span.HOUR: Span.DAY, Span.DAY: Span.ALL, Span.ALL: Span.HOUR}


class StatsScreen(CountedScreen[None], LinesOverlay[None]):
    """The figures, counted anew again and again while nobody has frozen the screens."""

    EVERY_S = 3.0
    CSS_PATH = "stats.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "close", show=False),
        Binding("w", "span", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._span: Span | None = None
        self.stats: Stats | None = None

    def compose(self) -> ComposeResult:
        """One box with the lines."""
        with Vertical(classes="box", id="stats") as box:
            box.border_title = heading(f"Figures of {self.filter_words() or 'everything'}")
            yield LinesView()

    def on_mount(self) -> None:
        self._say(line((f"Counting {count(self._session.monitor.feed.total, 'capture')} …", "quiet")))
        self.begin()

    def on_resize(self) -> None:
        """Other room, other columns."""
        self.call_after_refresh(self._draw)

    async def count(self) -> None:
        """The figures for the filter in force."""
        session = self._session
        reader = self.reading(StatsReader(session.monitor.store.path))
        wanted = parse(session.view.filter_text)
        stats = await asyncio.to_thread(statistics, reader, wanted, session.now(), self._span)
        self.stats, self._span = stats, stats.history.span if stats.history else self._span
        self._draw()

    def failed(self, kind: str) -> None:
        """Say it in the box."""
        self._say(line((f"The figures cannot be read ({kind}); the status line says how the store is.", "bad")))

    # --- showing -------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        stats = self.stats
        if stats is None:
            return
        self._say(*figures(stats, self._session.reader(), max(self.lines.scrollable_content_region.width, 20)))
        box = self.query_one("#stats")
        empty = stats.history is None and not stats.messages
        box.set_class(empty, "-empty")
        keys = "" if empty else "w other span, jk scroll, "  # of nothing there is no other span
        box.border_subtitle = heading(f"{clock(stats.at)}  {keys}esc closes")

    def _say(self, *lines: Line) -> None:
        self.lines.show(Document(lines), keep=True)

    def action_span(self) -> None:
        """Look further back, or at the last hour again."""
        self._span = _NEXT[self._span or Span.ALL]
        self.begin()
