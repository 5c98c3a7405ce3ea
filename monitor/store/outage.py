"""While captures cannot be stored: when to look whether that is over, so that it is told before the next one comes."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from monitor.store.errors import DISK_FULL, HELD

TRY_S: Final = 2.0  # between two looks
MOVED: Final = "the database was moved or deleted; start hooktop anew"
_SEEN_TO_END: Final = frozenset({HELD, DISK_FULL, MOVED})  # what else fails, only the next capture shows to be over


class Outage:
    """Why captures were refused last. For the writer's thread alone."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._size = 0
        self._try_at = 0.0

    def begin(self, reason: str, size: int) -> None:
        """Captures were refused, which needed ``size`` bytes on the disk."""
        self._reason, self._size = reason if reason in _SEEN_TO_END else None, size
        self._try_at = time.monotonic() + TRY_S

    def end(self) -> None:
        """They are stored again."""
        self._reason = None

    def due(self, now: float) -> float | None:
        """Seconds until the next look, 0 for now, None for none."""
        return None if self._reason is None else max(self._try_at - now, 0)

    def is_over(self, db: sqlite3.Connection, folder: Path) -> bool:
        """Look whether a commit would find the lock, and room, with the writing connection and its folder."""
        self._try_at = time.monotonic() + TRY_S
        [(patience,)] = db.execute("PRAGMA busy_timeout")
        db.execute("PRAGMA busy_timeout = 0")  # what comes meanwhile does not wait for this
        try:
            if self._reason == DISK_FULL:
                with tempfile.TemporaryFile(dir=folder) as room:
                    room.write(os.urandom(self._size))
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except (sqlite3.Error, OSError):
            return False
        finally:
            db.execute(f"PRAGMA busy_timeout = {patience}")
        return True
