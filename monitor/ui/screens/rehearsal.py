"""The way from the public address to this receiver, tried hop by hop."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.providers.keys import KeyProblem
from monitor.services.webhooks import Webhooks
from monitor.ui.documents.change import hop_lines
from monitor.ui.documents.look import BLANK
from monitor.ui.lines import Document, Line, foreign, line
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView

if TYPE_CHECKING:
    from monitor.tunnels.rehearsal import Hop


class RehearsalScreen(Overlay[None]):
    """Tries the way, and again with ``r``."""

    CSS_PATH = "webhooks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", show=False),
        Binding("r,w", "again", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, session: Session, webhooks: Webhooks, provider: str) -> None:
        """``provider`` is whose hook is tried."""
        super().__init__()
        self._session = session
        self._webhooks = webhooks
        self._provider = provider
        self._hops: list[Hop] = []

    def compose(self) -> ComposeResult:
        """One box with the hops."""
        with Vertical(classes="box", id="rehearsal") as box:
            box.border_title = heading("The way here")
            box.border_subtitle = heading("r tries again, esc closes")
            yield LinesView()

    def on_mount(self) -> None:
        self.action_again()

    def action_again(self) -> None:
        """Try it."""
        self.run_worker(self._try(), group="rehearsal", exclusive=True)

    def action_scroll(self, rows: int) -> None:
        """Move by lines."""
        self.query_one(LinesView).move(rows)

    async def _try(self) -> None:
        self._hops = []
        self._show()
        try:
            rehearsal = await self._webhooks.rehearse(self._provider, self._seen)
        except KeyProblem as problem:
            self._show(line(foreign(str(problem), "bad", limit=400)))
            return
        last = rehearsal.problem
        if last is None:
            self._show(line(("✔ ", "good"), ("A webhook would arrive.", "strong")))
        else:
            self._show(line(("✖ ", "bad"), (f"A webhook would not arrive: it stops at the {last.name}.", "strong")))

    def _seen(self, hop: Hop) -> None:
        self._hops.append(hop)
        self._show()

    def _show(self, *end: Line) -> None:
        url = self._session.monitor.reach.public_url or ""
        lines = [line(foreign(url, "info", limit=200), (" → ", "quiet"), (self._session.monitor.url, "quiet")), BLANK]
        lines += hop_lines(self._hops, running=not end)
        for view in self.query(LinesView):  # none once the box is closed: what is under way may end a moment later
            view.show(Document([*lines, BLANK, *end] if end else lines), keep=True)
