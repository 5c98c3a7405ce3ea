"""Which kinds of events have come, which have not, and what of them is new; the gaps are filled by a key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.model.coverage import Coverage, Covered, News, State
from monitor.model.filter import parse
from monitor.services.coverage import coverage
from monitor.services.simulate import Order
from monitor.store.coverage_reader import CoverageReader
from monitor.text import visible
from monitor.ui import coverage_rows
from monitor.ui.coverage_rows import Entry
from monitor.ui.format import clock, count
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.counted import CountedScreen
from monitor.ui.screens.overlay import heading
from monitor.ui.sending import begin
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.rows import Cursor, Listed

SOON_S: Final = 0.5  # after a gap was to be filled
RATE: Final = 20.0  # events a second that fill a gap


class Kinds(Listed[Entry]):
    """The rows."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="kinds")
        self._session = session

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One row."""
        return coverage_rows.row(self.entries[index], width, self._session.now(), masked=self._session.masked)

    def take(self, entries: Sequence[Entry]) -> None:
        """Show these rows, the cursor on what it stood on."""
        here = coverage_rows.name_of(self.entry) if self.entry is not None else None
        above = self.cursor - self.scroll_offset.y
        self.entries = entries
        at = next((at for at, one in enumerate(entries) if coverage_rows.name_of(one) == here), self.cursor)
        self.cursor, moved = at, at != self.cursor
        self.changed()
        if moved:
            self.scroll_to(y=self.cursor - above, animate=False, immediate=True)


class CoverageScreen(CountedScreen[Covered | News]):
    """Gives the kind or the news to be shown, or None. Counted anew again and again while nobody has frozen the
    screens."""

    EVERY_S = 2.0
    CSS_PATH = "coverage.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("C", "close", show=False),
        Binding("s", "fill", show=False),
        Binding("a", "fill_all", show=False),
        Binding("n", "news", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.coverage: Coverage | None = None

    def compose(self) -> ComposeResult:
        """One box with the kinds."""
        words = self.filter_words()
        with Vertical(classes="box", id="coverage") as box:
            box.border_title = heading("Kinds of events that have come" if words is None else f"Kinds in {words}")
            yield Bar(lambda width: [coverage_rows.heading(width - 1)], id="coverage-heading")
            yield Kinds(self._session)
            yield Plain(f"Counting {count(self._session.monitor.feed.total, 'capture')} …", id="coverage-note")

    def on_mount(self) -> None:
        self.query_one(Kinds).focus()
        self.begin()

    async def count(self) -> None:
        """The kinds that pass the filter in force."""
        session = self._session
        reader = self.reading(CoverageReader(session.monitor.store.path))
        wanted, demo = parse(session.view.filter_text), session.monitor.settings.demo
        self._show(await asyncio.to_thread(coverage, reader, wanted, session.now(), demo=demo))

    def failed(self, kind: str) -> None:
        """Say it below the kinds."""
        self._say(f"The kinds cannot be counted ({kind}); the status line says how the store is.", "bad")

    # --- showing -------------------------------------------------------------------------------------------------

    def _show(self, found: Coverage) -> None:
        kinds = self.query_one(Kinds)
        first = self.coverage is None
        self.coverage = found
        kinds.take(coverage_rows.entries_of(found))
        if first and kinds.count() > 1:
            kinds.move_to(1)
        box = self.query_one("#coverage")
        keys = (
            "s simulates, a all gaps, n new fields, esc closes"
            if self._session.can_send
            else "n new fields, esc closes"
        )
        at = f"{clock(found.at)}  "
        box.border_subtitle = heading(at + keys if len(at + keys) + 4 <= box.outer_size.width else keys)
        self._moved()

    @on(Cursor.Moved)
    def _moved(self) -> None:
        found, entry = self.coverage, self.query_one(Kinds).entry
        if found is None or entry is None:
            return
        sending = self._session.sending
        if sending is not None and sending.running:
            self._say(
                f"Sending {sending.what}: {count(sending.outcome.posted)} of {count(sending.outcome.total)}", "plain"
            )
            return
        self._say(coverage_rows.said(entry, can_send=self._session.can_send) or self._sum(found), "quiet")

    def _sum(self, found: Coverage) -> str:
        if not found.kinds:
            return "No kind of event passes the filter."
        came = len(found.documented) - len(found.gaps)
        learning = f"; {count(found.learning, 'event type')} still to be learnt" if found.learning else ""
        others = coverage_rows.besides(len(found.undocumented))
        return f"{came} of {count(len(found.documented), 'documented kind')} came{others}{learning}."

    def _say(self, text: str, role: str) -> None:
        self.query_one("#coverage-note", Plain).show_parts(((visible(text, limit=300), role),))

    # --- acting --------------------------------------------------------------------------------------------------

    @on(Cursor.Opened)
    def _opened(self) -> None:
        entry = self.query_one(Kinds).entry
        if isinstance(entry, News) or (isinstance(entry, Covered) and entry.state is not State.MISSING):
            self.dismiss(entry)
        elif isinstance(entry, Covered):
            self.action_fill()

    def action_fill(self) -> None:
        """Simulate the kind under the cursor."""
        entry = self.query_one(Kinds).entry
        if isinstance(entry, Covered):
            self._fill([entry])

    def action_fill_all(self) -> None:
        """Simulate every documented kind that never came."""
        if self.coverage is not None:
            self._fill(self.coverage.gaps)

    def _fill(self, kinds: Sequence[Covered]) -> None:
        session = self._session
        orders = {
            (one.kind.provider, one.scenario): Order(one.kind.provider, one.scenario, rate=RATE)
            for one in kinds
            if one.scenario is not None
        }
        if not session.can_send:
            toast(self.app, "Sending is off: this monitor only watches.", severity="warning")
        elif session.sending is not None and session.sending.running:
            toast(self.app, "Something is being sent already; wait for its end.", severity="warning")
        elif orders:
            begin(self.app, session, *orders.values())
            self.again(SOON_S)
        else:
            toast(self.app, "There is no gap to fill." if not kinds else "No scenario makes this kind.")

    def action_news(self) -> None:
        """To the new fields."""
        kinds = self.query_one(Kinds)
        place = next((n for n, one in enumerate(kinds.entries) if isinstance(one, News)), len(kinds.entries) - 1)
        kinds.move_to(place)
