"""Reading the store: windows of the list, whole captures, counts."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from monitor.model.capture import Capture
from monitor.model.filter import Filter
from monitor.model.reading import Direction
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import search, shapes
from monitor.store.connection import connect, is_foreign
from monitor.store.errors import StoreError, reason_of
from monitor.store.filter_sql import Where, last_attempt, register
from monitor.store.lease import refuse_other
from monitor.store.rows import SELECT_WHOLE, capture_of
from monitor.times import microseconds, moment


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a list shows of a capture; texts are foreign and not yet made visible.

    ``app`` is what became of its last attempt: the app's status, else the failure; None where it was not passed on.
    """

    id: int
    received_at: datetime
    provider: str
    source: str
    verdict: str
    event: str | None
    direction: str | None
    sender: str | None
    recipient: str | None
    status: str | None
    provider_status: str | None
    mark: str | None
    error_code: str | None
    carrier_code: str | None
    text: str | None
    size: int
    facts: str | None
    marks: str | None = None
    app: str | None = None


_ROW_COLUMNS: Final = (
    "id, received_at, provider, source, verdict, event, direction, sender, recipient, status, provider_status, mark, "
    "error_code, carrier_code, substr(text, 1, 200), size, facts, marks, "
    + last_attempt("coalesce(a.failure, CAST(a.status AS TEXT))", "readings.id")
)
NEWEST: Final = 2000  # readings that are looked at where the newest tell enough
MAX_SENDER: Final = 64  # bytes: what is longer is no number of a business
_SENDERS: Final = (
    "SELECT DISTINCT provider, sender, verdict, reason FROM readings WHERE direction = ? "
    "AND length(CAST(sender AS BLOB)) <= ? AND id > (SELECT coalesce(max(id), 0) FROM readings) - ?"
)


def _row(values: Sequence[Any]) -> Row:
    number, received_at, *rest = values
    return Row(number, moment(received_at), *rest)


class Reader:
    """A read-only connection of its own. Not slower with a million captures: every query here walks a key.

    Every method raises StoreError when the database cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Raises StoreError when the file cannot be opened, or is another program's."""
        if not path.is_dir():
            with contextlib.suppress(OSError):
                refuse_other(path)  # before it is opened: to open a pipe waits until somebody writes into it
        try:
            self._db = connect(path, read_only=True)
            register(self._db)
        except sqlite3.Error as error:
            if path.is_dir():
                raise StoreError(f"The database {path} is a folder; name a file with --db.") from error
            why = f"{reason_of(error)}; mend that, or name another with --db"
            raise StoreError(f"The database {path} cannot be opened: {why}.") from error
        with contextlib.suppress(sqlite3.Error):  # what reads from it says why it cannot
            if is_foreign(self._db):
                self._db.close()
                raise StoreError(f"{path} is a database of another program; name one of hooktop's.")
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection; a query under way in another thread is broken off first."""
        with contextlib.suppress(sqlite3.ProgrammingError):
            self._db.interrupt()
        with self._lock:  # closing under a running query would end the process, not the query
            self._db.close()

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._using() as db:
            return db.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time. Raises StoreError for what goes wrong with it."""
        try:
            with self._lock:
                yield self._db
        except sqlite3.Error as error:
            raise StoreError(f"The database cannot be read: {reason_of(error)}; name another with --db.") from error

    def last_id(self) -> int:
        """The id of the newest capture, 0 when there is none."""
        return int(self._all("SELECT coalesce(max(id), 0) FROM readings")[0][0])

    def last_before(self, at: datetime) -> int:
        """The id of the last capture that came before a moment, 0 when there is none."""
        found = self._all("SELECT id FROM readings WHERE received_at < ? ORDER BY id DESC LIMIT 1", (microseconds(at),))
        return int(found[0][0]) if found else 0

    def senders(self) -> list[tuple[str, str, Verdict]]:
        """Who sent outbound messages, of the newest readings: (provider, number, verdict)."""
        return [
            (provider, sender, Verdict(VerdictStatus(verdict), reason))
            for provider, sender, verdict, reason in self._all(_SENDERS, (Direction.OUTBOUND.value, MAX_SENDER, NEWEST))
        ]

    def parties(self, limit: int) -> list[str]:
        """Who sent or got something, of all readings: at most so many."""
        sql = "SELECT sender FROM readings UNION SELECT recipient FROM readings LIMIT ?"
        return [party for (party,) in self._all(sql, (limit,)) if party]

    def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """The rows with these ids (any number), by id; ids that are gone are missing."""
        found: dict[int, Row] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            for values in self._all(f"SELECT {_ROW_COLUMNS} FROM readings WHERE id IN ({marks})", part):  # noqa: S608 - only ?
                found[values[0]] = _row(values)
        return found

    def attempted(self, after: int) -> tuple[int, set[int]]:
        """The id of the newest attempt (``after`` where none is newer), and the captures of those behind ``after``."""
        found = self._all("SELECT id, capture FROM attempts WHERE id > ? ORDER BY id", (after,))
        return (found[-1][0] if found else after), {capture for _, capture in found}

    def newest_attempt(self) -> int:
        """The id of the newest attempt, 0 when there is none."""
        return int(self._all("SELECT coalesce(max(id), 0) FROM attempts")[0][0])

    def all_ids(self) -> Sequence[int]:
        """Every id in ascending order; at once when none is missing in between, else in an array of its own."""
        low, high, number = self._ends()
        if number == high - low + 1:
            return range(low, high + 1)
        with self._using() as db:
            asked = db.execute("SELECT id FROM readings WHERE id BETWEEN ? AND ? ORDER BY id", (low, high))
            return array("q", (row[0] for row in asked))  # one by one: a list of all rows takes a hundred bytes each

    def newest_ids(self, limit: int) -> Sequence[int] | None:
        """The newest ids in ascending order where ``all_ids`` takes a while to give them all, else None."""
        low, high, number = self._ends()
        if number == high - low + 1 or number <= limit:
            return None
        asked = self._all("SELECT id FROM readings WHERE id <= ? ORDER BY id DESC LIMIT ?", (high, limit))
        return array("q", (row[0] for row in reversed(asked)))

    def _ends(self) -> tuple[int, int, int]:
        """The first and the last id, and how many there are."""
        # SQLite walks to one end of a key at once, and through all of it when asked for both. All in one statement:
        # what is committed meanwhile would make up for those that are missing.
        sql = (
            "SELECT coalesce((SELECT min(id) FROM readings), 1), coalesce((SELECT max(id) FROM readings), 0), "
            "(SELECT coalesce(sum(captures), 0) FROM tallies)"
        )
        low, high, number = self._all(sql)[0]
        return low, high, number

    def matching(self, where: Where, low: int, high: int) -> list[int]:
        """The ids from ``low`` to ``high`` that pass a compiled filter, in ascending order."""
        source = "readings r JOIN captures c ON c.id = r.id" if where.needs_captures else "readings r"
        sql = f"SELECT r.id FROM {source} WHERE r.id BETWEEN ? AND ? AND ({where.sql}) ORDER BY r.id"  # noqa: S608 - compiled: constants and ?
        found: list[int] = []
        if where.search is not None:
            with self._using() as db:
                indexed = min(search.upto(db) or 0, high)
            if low <= indexed:
                named = f"SELECT r.id FROM {source} WHERE r.id IN ({search.NAMED}) AND ({where.sql}) ORDER BY r.id"  # noqa: S608 - as above
                asked = (where.search, low, indexed, low, indexed, *where.parameters)
                found = [row[0] for row in self._all(named, asked)]
                low = indexed + 1
        if low <= high:
            found += [row[0] for row in self._all(sql, (low, high, *where.parameters))]
        return found

    def capture(self, number: int) -> Capture | None:
        """One whole capture, or None."""
        found = self._all(f"{SELECT_WHOLE} WHERE c.id = ?", (number,))
        return capture_of(found[0]) if found else None

    def page(self, *, after: int = 0, limit: int = 200) -> list[Capture]:
        """The next whole captures with an id greater than ``after``, oldest first."""
        found = self._all(f"{SELECT_WHOLE} WHERE c.id > ? ORDER BY c.id LIMIT ?", (after, limit))
        return [capture_of(values) for values in found]

    def recent(self, limit: int) -> list[Capture]:
        """The newest captures, oldest of them first."""
        page = self._all(f"{SELECT_WHOLE} ORDER BY c.id DESC LIMIT ?", (limit,))
        return [capture_of(values) for values in reversed(page)]

    def tallies(self) -> dict[tuple[str, str], int]:
        """How many captures there are by (provider, verdict)."""
        return {(row[0], row[1]): row[2] for row in self._all("SELECT provider, verdict, captures FROM tallies")}

    def newest(self, wanted: Filter) -> int:
        """The id of the newest capture that a filter can be asked of: all marks are known of it, where they count."""
        return min(self.last_id(), self.learnt()) if wanted.asks_marks else self.last_id()

    def learnt(self) -> int:
        """The id of the last capture whose fields are known: its marks are complete."""
        with self._using() as db:
            return shapes.learnt(db)

    def watermark(self) -> int:
        """The id of the last capture that messages and conversations know of."""
        return int(self._all("SELECT upto FROM watermark")[0][0])

    def version(self) -> int:
        """A number that changes whenever another connection has committed."""
        return int(self._all("PRAGMA data_version")[0][0])

    def check(self) -> str:
        """``ok`` or the first finding of SQLite's quick check; reads the whole file."""
        return str(self._all("PRAGMA quick_check(1)")[0][0])
