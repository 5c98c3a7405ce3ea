"""What can go wrong with the store, each as one sentence for the user."""

from __future__ import annotations

import sqlite3
from typing import Final

DISK_FULL: Final = "the disk is full"
HELD: Final = "another program holds the database"
DISK_ERROR: Final = "the disk gave an error"  # a limit on the size of files or on space is one to SQLite
NO_ROOM: Final = frozenset({DISK_FULL, DISK_ERROR})


class StoreError(Exception):
    """The store cannot be used; the text is a whole sentence: what, why, what to do."""


class StoreUnavailableError(StoreError):
    """A capture could not be committed now (disk full, locked, writer gone); later it may work."""


def reason_of(error: sqlite3.Error) -> str:
    """Why SQLite failed, in words for the status line."""
    code = getattr(error, "sqlite_errorname", None) or ""
    if code.startswith("SQLITE_FULL"):
        return DISK_FULL
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return HELD
    if code.startswith("SQLITE_IOERR"):
        return DISK_ERROR
    if code.startswith("SQLITE_READONLY"):
        return "the database is read-only"
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "the database is damaged"
    return f"SQLite says: {error}"


def lacks_room(error: sqlite3.Error) -> bool:
    """Whether it may be for want of space that SQLite failed."""
    return reason_of(error) in NO_ROOM
