"""What can still be read of a database that may be damaged: its captures, read around the pages that cannot be.

SQLite ends a query at the first bad page. So a range of ids that cannot be read is asked for in halves, down to the
single capture: what shares a page with nothing bad is found, and no table is believed to be whole.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from monitor.store.connection import connect_for_a_look
from monitor.store.errors import StoreError, reason_of
from monitor.store.rows import digest_of
from monitor.store.schema import CAPTURE_COLUMNS
from monitor.text import visible

STEP: Final = 64  # ids asked for at once: a body may be large, and a damaged id hides those behind it
MAX_FAILED: Final = 4_000_000  # queries; beyond them the rest is given up
_TABLES: Final = ("captures", "readings", "tallies")
_DAMAGE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")
_BETWEEN: Final = "WHERE id BETWEEN ? AND ? ORDER BY id"
_CAPTURES: Final = f"SELECT {', '.join(CAPTURE_COLUMNS)} FROM captures {_BETWEEN}"  # noqa: S608 - constant names
_READINGS: Final = f"SELECT id, size, digest, verdict, reason, age_s FROM readings {_BETWEEN}"  # noqa: S608 - as above


class Salvaged(NamedTuple):
    """A row of captures, and what the file says of its signature. Nothing but the ids is checked."""

    id: int
    received_at: Any
    method: Any
    path: Any
    query: Any
    peer: Any
    answer: Any
    headers: Any
    body: Any
    verdict: Any
    reason: Any
    age_s: Any


class Salvage:
    """A database file that is only read. Close it."""

    def __init__(self, path: Path) -> None:
        """Raises StoreError where it is no database of hooktop, or where nothing can be read of it."""
        self._name = visible(path.name, limit=100)
        self._failed = 0
        try:
            self._db = connect_for_a_look(path)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        try:
            self._db.execute("PRAGMA writable_schema = ON")  # so that a file which was cut off is read, too
            if self._definitions(self._db) != _ours():
                raise StoreError(f"The file {self._name} is a database without captures of hooktop; name another.")
        except sqlite3.Error as error:
            self._db.close()
            raise self._unreadable(error) from error
        except StoreError:
            self._db.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def said(self) -> int | None:
        """How many captures it says that it holds; None where that cannot be read."""
        return self._number("SELECT sum(captures) FROM tallies")

    def rows(self) -> Iterator[tuple[list[Salvaged], list[int]]]:
        """The captures that can be read, a few at a time in ascending order, and the ids of those known to be lost.

        Lost are captures of which only the reading is left, and those whose body is not the one that was read: SQLite
        notices neither a last page of it that holds zeros nor one beyond the end of the file. Raises StoreError for
        what is no damage, and where nothing can be read.
        """
        highest = ("SELECT max(id) FROM captures", "SELECT max(id) FROM readings", "SELECT sum(captures) FROM tallies")
        last = max(self._number(sql) or 0 for sql in highest)
        if not last and self._failed:  # what is lost cannot even be counted, which is not the same as none
            raise StoreError(f"Nothing can be read of the database {self._name}: the database is damaged.")
        low = 1
        while low <= last and self._failed <= MAX_FAILED:
            high = min(low + STEP - 1, last)
            found, known = self._between(_CAPTURES, low, high), self._between(_READINGS, low, high)
            kept: list[Salvaged] = []
            for number, (received_at, _, method, path, query, peer, _, answer, headers, body) in sorted(found.items()):
                reading = known.pop(number, None)
                size, digest, *claim = reading or (None,) * 5
                if isinstance(body, bytes) and (
                    body.endswith(b"\0") if reading is None else (len(body), digest_of(body)) != (size, digest)
                ):
                    known[number] = ()
                    continue
                row = (number, received_at, method, path, query, peer, answer, headers, body, *claim)
                kept.append(Salvaged(*row))
            yield kept, sorted(known)
            low = high + 1 if found or known else self._next(high, last)

    def _between(self, sql: str, low: int, high: int) -> dict[int, Any]:
        """The rows with these ids that can be read, without their ids, by id."""
        found: dict[int, Any] = {}
        left = [(low, high)]
        while left:
            first, last = left.pop()
            try:
                rows = self._db.execute(sql, (first, last)).fetchall()
            except sqlite3.Error as error:
                self._check(error)
                if first < last:
                    middle = (first + last) // 2
                    left += [(middle + 1, last), (first, middle)]
                continue
            # Where an id is damaged the order is, too, and SQLite gives rows that were not asked for.
            found.update((row[0], row[1:]) for row in rows if first <= row[0] <= last)
        return found

    def _next(self, high: int, last: int) -> int:
        """The first id beyond ``high`` that is there; beyond ``last`` where there is none."""
        failed = self._failed
        tables = ("captures", "readings")
        numbers = [self._number(f"SELECT min(id) FROM {table} WHERE id > {high}") for table in tables]  # noqa: S608 - constant names
        beyond = [number for number in numbers if number is not None and number > high]
        return min(beyond, default=last + 1) if self._failed == failed else high + 1

    def _number(self, sql: str) -> int | None:
        try:
            found = self._db.execute(sql).fetchone()[0]
        except sqlite3.Error as error:
            self._check(error)
            return None
        return found if isinstance(found, int) else None

    def _check(self, error: sqlite3.Error) -> None:
        """Go on where the file is damaged. Raises StoreError for anything else."""
        if not getattr(error, "sqlite_errorname", "").startswith(_DAMAGE):
            raise self._unreadable(error) from error
        self._failed += 1

    def _unreadable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"Nothing can be read of the database {self._name}: {reason_of(error)}.")

    @staticmethod
    def _definitions(db: sqlite3.Connection) -> set[Any]:
        """What the tables that are read are: never what would run something, such as a view."""
        marks = ", ".join("?" * len(_TABLES))
        sql = f"SELECT type, name, sql FROM sqlite_master WHERE name IN ({marks})"  # noqa: S608 - only ?
        return set(db.execute(sql, _TABLES).fetchall())


def _ours() -> set[Any]:
    """The same of a new database."""
    from sqlite_utils import Database

    from monitor.store.migrations import migrations

    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.apply(Database(db))
        return Salvage._definitions(db)
