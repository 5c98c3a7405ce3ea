"""Figures for the filter in force: rates, mixes, how long messages took, why they failed. Live while it is open."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer

from monitor.model.filter import parse
from monitor.services.stats import Span, Stats, statistics
from monitor.store.stats_reader import StatsReader
from monitor.ui.documents.figures import figures
from monitor.ui.format import clock, count
from monitor.ui.lines import Document, Line, foreign, line
from monitor.ui.mask import mask_numbers
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView

EVERY_S: Final = 3.0
PATIENCE: Final = 10  # how many times as long as the last counting took until the next
_NEXT: Final = {Span.HOUR: Span.DAY, Span.DAY: Span.ALL, Span.ALL: Span.HOUR}


class StatsScreen(Overlay[None]):
    """The figures, counted anew again and again while nobody has frozen the screens."""

    CSS_PATH = "stats.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "close", show=False),
        Binding("w", "span", show=False),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("ctrl+d", "page(0.5)", show=False),
        Binding("ctrl+u", "page(-0.5)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("g,home", "end(True)", show=False),
        Binding("G,end", "end(False)", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._reader: StatsReader | None = None
        self._timer: Timer | None = None
        self._span: Span | None = None
        self.stats: Stats | None = None

    def compose(self) -> ComposeResult:
        """One box with the lines."""
        with Vertical(classes="box", id="stats") as box:
            box.border_title = heading(self._title())
            yield LinesView()

    def on_mount(self) -> None:
        self._say(line((f"Counting {count(self._session.monitor.feed.total, 'capture')} …", "quiet")))
        self._begin()

    def on_unmount(self) -> None:
        self._break_off()

    def on_resize(self) -> None:
        """Other room, other columns."""
        self.call_after_refresh(self._draw)

    @property
    def _view(self) -> LinesView:
        return self.query_one(LinesView)

    def _title(self) -> str:
        text = self._session.view.filter_text
        if not text:
            return "Figures of everything"
        return "Figures of " + foreign(mask_numbers(text) if self._session.masked else text, limit=60)[0]

    # --- counting ------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Count, off the event loop; what was being counted is broken off."""
        self._break_off()
        self.run_worker(self._count(), exclusive=True)

    def _break_off(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _count(self) -> None:
        session = self._session
        begun = time.monotonic()
        try:
            reader = self._reader = StatsReader(session.monitor.store.path)
            wanted = parse(session.view.filter_text)
            stats = await asyncio.to_thread(statistics, reader, wanted, session.now(), self._span)
        except Exception as error:  # a store that fails costs this box, not the screens
            words = f"The figures cannot be read ({type(error).__name__}); the status line says how the store is."
            self._say(line((words, "bad")))
        else:
            self.stats, self._span = stats, stats.history.span if stats.history else self._span
            self._draw()
        self._again(max(EVERY_S, (time.monotonic() - begun) * PATIENCE))

    def _again(self, seconds: float) -> None:
        self._timer = self.set_timer(seconds, self._next)

    def _next(self) -> None:
        if self._session.view.frozen:
            self._again(EVERY_S)
        else:
            self._begin()

    # --- showing -------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        stats = self.stats
        if stats is None:
            return
        self._say(*figures(stats, self._session.reader(), max(self._view.scrollable_content_region.width, 20)))
        box = self.query_one("#stats")
        box.border_subtitle = heading(f"{clock(stats.at)}  w hour, day, all  jk scroll  esc closes")

    def _say(self, *lines: Line) -> None:
        self._view.show(Document(lines), keep=True)

    def action_span(self) -> None:
        """Look further back, or at the last hour again."""
        self._span = _NEXT[self._span or Span.ALL]
        self._begin()

    def action_move(self, rows: int) -> None:
        """Scroll by lines."""
        self._view.move(rows)

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        self._view.move_pages(pages)

    def action_end(self, top: bool) -> None:
        """To the first or the last line."""
        self._view.move_to_end(top=top)
