"""The list of accounts and their registrations."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from monitor.services.registrations import Panel
from monitor.ui.session import Session
from monitor.ui.webhook_rows import Entry, block_lines
from monitor.ui.widgets.rows import ItemsView, Placed


class WebhookList(ItemsView):
    """A block for each account; the cursor stands on registrations, and keeps to one while others come and go."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="webhooks")
        self._session = session
        self._panels: Sequence[Panel] = ()
        self.entries: Sequence[Entry] = ()

    @property
    def selected(self) -> Entry | None:
        """What the cursor stands on."""
        return self.entries[self.cursor] if self.cursor < len(self.entries) else None

    def take(self, panels: Sequence[Panel]) -> None:
        """Show these accounts, the cursor on what it stood on."""
        before = self.selected
        self._panels = panels
        self.show(self._lines)
        if before is not None:
            at = next((i for i, entry in enumerate(self.entries) if entry.key == before.key), None)
            if at is None:  # the row is gone or became another: stay with the account
                same = [i for i, entry in enumerate(self.entries) if entry.panel.account == before.panel.account]
                at = min(same, key=lambda i: abs(i - self.cursor), default=None)
            if at is not None and at != self.cursor:
                self.cursor = at
                self.refresh()
        self.post_message(self.Moved(self))  # what the cursor stands on may be another than it was

    def choose(self, key: str) -> bool:
        """Put the cursor on an entry; false when it is not there."""
        at = next((i for i, entry in enumerate(self.entries) if entry.key == key), None)
        if at is not None:
            self.move_to(at)
        return at is not None

    def _lines(self, width: int) -> list[Placed]:
        session = self._session
        now, key = session.now(), session.changing_key
        placed, self.entries = block_lines(self._panels, width, now, token=session.token, key=key)
        return placed

    def render_line(self, y: int) -> Strip:
        """One row, with the cursor's mark."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        if row < len(self._rows) and self.placed[self._rows[row][0]][1] == self.cursor and len(self.entries):
            base = self.ground
            base += self.picked(focused=self.has_focus)
            mark = Segment("▌", base if base.reverse else base + self.role("accent"))
            return Strip([mark, *strip.crop(1)]).adjust_cell_length(strip.cell_length, base)
        return strip
