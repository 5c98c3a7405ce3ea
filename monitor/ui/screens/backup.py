"""The overlay that copies the database into a file, while webhooks come in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from monitor.admin.base import Field
from monitor.store.backup import backup
from monitor.store.errors import StoreError
from monitor.ui.format import size
from monitor.ui.lines import Part
from monitor.ui.screens.export import new_file, unfinished, unwritten
from monitor.ui.screens.work import BrokenOff, WorkScreen
from monitor.ui.session import Session


class BackupScreen(WorkScreen):
    """Asks for a file and copies the database into it."""

    TITLE = "Backup"
    KEYS = "enter writes, esc closes"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._database = session.monitor.store.path
        self._stamp = f"{session.now().astimezone():%Y%m%d-%H%M%S}"

    def fields(self) -> list[Field]:
        """Where to."""
        return [Field("file", "File", "A new file, readable by you alone; 'hooktop open' shows it.", required=True,
                      default=f"hooktop-{self._stamp}.db")]  # fmt: skip

    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        """What is in the copy."""
        receives = self._session.monitor.settings.receives
        return [
            [("everything stored, as of now; receiving goes on" if receives else "everything in this file", "quiet")],
            [("not masked: share it with care", "warn")],
        ]

    async def work(self, values: Mapping[str, str]) -> str:
        """Copy."""
        target = new_file(values["file"])
        try:
            octets = await asyncio.to_thread(backup, self._database, target, self._progress)
        except (OSError, StoreError) as error:
            raise unwritten(error) from None
        except asyncio.CancelledError:
            self._session.breaks_off(unfinished("backup", target))
            raise
        return f"Copied the database ({size(octets)}) to\n{target}"

    def _progress(self, done: int, total: int) -> None:
        if self.broken_off.is_set():
            raise BrokenOff
        share = done / max(total, 1)
        self.tell([(f"{share:>4.0%}", "accent"), (" copied", "plain"), ("  esc breaks it off", "quiet")], [])
