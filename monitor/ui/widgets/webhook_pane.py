"""The pane with one registration, or one account, in full."""

from __future__ import annotations

import asyncio
from typing import Final

from textual.worker import WorkType

from monitor.model.capture import Capture
from monitor.model.registration import ChangeRecord
from monitor.services.webhooks import Webhooks
from monitor.text import visible
from monitor.ui.documents.registration import InFull
from monitor.ui.session import Session
from monitor.ui.webhook_rows import Entry
from monitor.ui.widgets.bars import Lines
from monitor.ui.widgets.pane import Pane

MOST: Final = 20  # captures that are listed


class WebhookPane(Pane[Entry]):
    """Shows what the list's cursor stands on; its entries are the captures that came in meanwhile."""

    def __init__(self, session: Session, webhooks: Webhooks, *, id: str) -> None:
        super().__init__(session, id=id)
        self._webhooks = webhooks
        self._numbers: list[int] = []

    def heading(self, width: int) -> Lines:
        """Whose it is."""
        entry = self._entry
        if entry is None:
            return [[]]
        return [[(visible(entry.panel.label, limit=40), "strong"), ("  ", "plain"),
                 (visible(entry.panel.account, limit=40), "quiet")]]  # fmt: skip

    @property
    def capture_number(self) -> int | None:
        """The capture under the cursor."""
        at = self.items.cursor
        return self._numbers[at] if at < len(self._numbers) else None

    def reload(self) -> None:
        """Read what belongs to it again."""
        load: WorkType[None] = self._load
        self.run_worker(load, group=f"load-{self.id}", exclusive=True)

    async def _load(self) -> None:
        entry = self._entry
        if entry is None:
            self._numbers = []
            self.items.show(lambda width: [])
            self.refresh_heading()
            return
        try:
            records, captures = await asyncio.to_thread(self._read, entry)
        except Exception as error:  # the store may fail while we look: say so in the pane
            self._numbers = []
            self.show_failure(error)
            return
        if not self.is_wanted(entry):
            return
        shown = InFull(entry, records, captures)
        self._numbers = shown.jumps()
        token, key = self._session.token, self._session.changing_key
        self.items.show(lambda width: shown.lines(token, key=key))
        self.refresh_heading()

    def _read(self, entry: Entry) -> tuple[list[ChangeRecord], dict[int, Capture | None]]:
        """What was done about it, and what came in meanwhile."""
        row = entry.row
        if row is None:
            return [], {}
        records = [
            record
            for record in self._webhooks.registrations.records(entry.panel.account)
            if record.subject == row.subject
            or (row.found is not None and row.found.id in (one.id for one in (record.before, record.after) if one))
        ]
        numbers = [number for record in reversed(records) for number in record.probes]
        return records, {number: self._session.inspector.capture(number) for number in numbers[:MOST]}

    def restyle(self) -> None:
        """Make the lines again."""
        self.items.arranged()
        self.refresh_heading()
