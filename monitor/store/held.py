"""The log beside the database where it cannot be written back because something reads an old state of it.

SQLite keeps the log as long as a transaction that began before its end is open, in whatever program: it can be told,
not mended.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from monitor.store.connection import LOG_LIMIT, connect
from monitor.store.errors import StoreError, reason_of

LOOKS: Final = 5  # a query of our own is over by the next look
PAUSE_S: Final = 0.2


def log_size(path: Path) -> int:
    """Bytes of the log beside a database."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def held_log(path: Path) -> int:
    """Bytes of the log where it is past ``LOG_LIMIT`` and something keeps it from being written back, else 0.

    What can be written back is, and the log emptied. Call it off the event loop. Raises StoreError.
    """
    size = log_size(path)
    if size <= LOG_LIMIT:
        return 0
    try:
        with closing(connect(path, read_only=False)) as db:
            db.execute("PRAGMA busy_timeout = 0")  # captures are not to wait for this
            for _ in range(LOOKS):
                _, frames, written = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if frames == written:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    return 0
                time.sleep(PAUSE_S)
    except sqlite3.Error as error:
        raise StoreError(f"The log of {path} cannot be written back: {reason_of(error)}.") from error
    return size
