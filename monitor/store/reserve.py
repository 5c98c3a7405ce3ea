"""Space kept beside the database, given up where the disk is full so that captures can be let go.

Deleting takes room before it gives any: what is deleted is overwritten, all of that goes through the log, and before
the log can be emptied the database must hold what is in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from monitor import paths
from monitor.store.connection import LOG_LIMIT, committed
from monitor.store.errors import lacks_room
from monitor.store.held import log_size
from monitor.store.retention import forget, give_back

MIB: Final = 1024 * 1024
SMALLEST: Final = 16 * MIB  # a smaller database has next to nothing to let go


class Reserve:
    """``NAME.reserve`` beside a database: as large as that is, up to the size that the log may have."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.reserve")

    def keep(self) -> None:
        """Make it, or make it larger, where the disk has twice the room. Takes a moment: call it off the event loop."""
        with contextlib.suppress(OSError):
            whole = self._database.stat().st_size + log_size(self._database)
            wanted = min(whole, LOG_LIMIT) // MIB * MIB
            there = self._path.stat().st_size if self._path.exists() else 0
            if there >= wanted or wanted < SMALLEST or self._free() < 2 * wanted:
                return
            paths.private_file(self._path)
            with self._path.open("ab") as file:  # what was written when another filled the disk stays: it is needed now
                for _ in range(there, wanted, MIB):
                    file.write(os.urandom(MIB))  # so that no filesystem keeps it in less

    def give_up(self) -> None:
        """Give its space back."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def give_up_if_full(self) -> None:
        """Give its space back where the disk has next to none."""
        with contextlib.suppress(OSError):
            if self._free() < SMALLEST:
                self.give_up()

    def _free(self) -> int:
        return shutil.disk_usage(self._path.parent).free


def forget_some(db: sqlite3.Connection, ids: Sequence[int], reserve: Reserve) -> tuple[int, dict[tuple[str, str], int]]:
    """As ``retention.forget`` where the disk is full: gives the reserve up for it, and deletes as many of the first
    captures as there is room for. Gives how many, and how many of each (provider, verdict).

    What they took is given back to the system at once. Ends the transaction that is open and begins another, since the
    log cannot be written back inside one. Raises sqlite3.Error.
    """
    with _between_transactions(db, reserve):
        number = len(ids)
        while True:
            try:
                tally = committed(db, partial(forget, ids=ids[:number]))
                break
            except sqlite3.Error as error:
                if number == 1 or not lacks_room(error):
                    raise
                number //= 2
        with contextlib.suppress(sqlite3.Error):  # the next time it may work
            _give_back(db)
        return number, tally


def give_all_back(db: sqlite3.Connection, reserve: Reserve) -> None:
    """Give all freed pages back to the system where the disk is full; else as ``forget_some``. Raises sqlite3.Error."""
    with _between_transactions(db, reserve):
        _give_back(db)


@contextlib.contextmanager
def _between_transactions(db: sqlite3.Connection, reserve: Reserve) -> Iterator[None]:
    db.execute("ROLLBACK")
    reserve.give_up()
    try:
        _write_back(db)
        yield
    finally:
        db.execute("BEGIN IMMEDIATE")


def _give_back(db: sqlite3.Connection) -> None:
    _write_back(db)
    left = committed(db, give_back)
    _write_back(db)
    while left > (left := committed(db, give_back)):
        _write_back(db)


def _write_back(db: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):  # it may need more room than there is
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
