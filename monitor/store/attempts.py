"""The table ``attempts``: what was passed on, and what was answered.

While a monitor runs its own writer keeps them (``Store.keep``), behind the captures and without an fsync: after a
crash the last ones may be missing, and nothing depends on them. A program beside it, or without one, keeps them with
``Attempts``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from monitor import paths
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.store.connection import committed, connect
from monitor.store.errors import StoreError, reason_of
from monitor.store.reader import Reader
from monitor.store.rows import headers_of, insert_rows, wire_headers
from monitor.times import microseconds, moment

COLUMNS: Final = (
    "capture", "kind", "url", "at", "took_s", "status", "failure", "detail", "headers", "body", "size", "changed",
)  # fmt: skip
ATTEMPT: Final = f"SELECT {', '.join(COLUMNS)}, id FROM attempts"  # noqa: S608 - constant names
FINE: Final = "failure IS NULL AND status BETWEEN 200 AND 299"  # ``Attempt.fine`` in SQL
_NOT_TAKEN: Final = (
    "SELECT capture FROM attempts GROUP BY capture "  # noqa: S608 - a constant
    f"HAVING max({FINE}) IS NOT 1 ORDER BY capture"
)


class AttemptReader(Reader):
    """A reader that knows of attempts, too. Every method raises StoreError when the database cannot be read."""

    def attempts(self, capture: int, limit: int = 100) -> list[Attempt]:
        """The newest attempts of a capture, oldest first."""
        found = self._all(f"{ATTEMPT} WHERE capture = ? ORDER BY id DESC LIMIT ?", (capture, limit))
        return [attempt_of(values) for values in reversed(found)]

    def first_answer(self, capture: int) -> Attempt | None:
        """The first attempt of a capture, as it came, that the app answered, else the first that came to nothing; what
        later answers are compared with."""
        found = self._all(
            f"{ATTEMPT} WHERE capture = ? AND changed = 0 ORDER BY failure IS NOT NULL, id LIMIT 1", (capture,)
        )
        return attempt_of(found[0]) if found else None

    def not_taken(self) -> list[int]:
        """The captures that were sent to the app and that no answer of it took (``Attempt.fine``), oldest first."""
        return [number for (number,) in self._all(_NOT_TAKEN)]

    def last_attempt(self, capture: int) -> int:
        """The id of the newest attempt of a capture, 0 when there is none: tells whether there are new ones."""
        return int(self._all("SELECT coalesce(max(id), 0) FROM attempts WHERE capture = ?", (capture,))[0][0])

    def answer(self, capture: int) -> int | None:
        """What a capture was answered with, None where it is gone; it may be known only after the commit."""
        found = self._all("SELECT answer FROM captures WHERE id = ?", (capture,))
        return found[0][0] if found else None


class Attempts:
    """Keeps attempts with a short connection of its own."""

    def __init__(self, path: Path) -> None:
        """``path`` is a database that was made ready (``Store.open``, or any reader of it)."""
        self._path = paths.expanded(path)

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Keep attempts. Waits until a monitor that runs has committed. Raises StoreError."""
        try:
            with closing(connect(self._path, read_only=False)) as db:
                committed(db, lambda db: insert(db, attempts))
        except sqlite3.Error as error:
            raise StoreError(
                f"The answers cannot be kept in {self._path}: {reason_of(error)}; run hooktop doctor."
            ) from error


def insert(db: sqlite3.Connection, attempts: Sequence[Attempt], answers: Mapping[int, int] | None = None) -> None:
    """Insert attempts inside the transaction that is open.

    ``answers`` are what captures were answered with, by id, where that was known only after their commit.
    """
    insert_rows(db, "attempts", COLUMNS, [_row(attempt) for attempt in attempts])
    gone = "DELETE FROM attempts WHERE capture = ? AND NOT EXISTS (SELECT 1 FROM captures WHERE id = capture)"
    db.executemany(gone, [(number,) for number in {attempt.capture for attempt in attempts}])  # let go meanwhile
    if answers:
        db.executemany("UPDATE captures SET answer = ? WHERE id = ?", [(status, n) for n, status in answers.items()])


def _row(a: Attempt) -> tuple[object, ...]:
    return (
        a.capture, a.kind.value, a.url, microseconds(a.at), a.took_s, a.status, a.failure and a.failure.value,
        a.detail, wire_headers(a.headers), a.body, a.size, a.changed,
    )  # fmt: skip


def attempt_of(row: Sequence[Any]) -> Attempt:
    """A row of ``ATTEMPT``."""
    capture, kind, url, at, took_s, status, failure, detail, headers, body, size, changed, number = row
    return Attempt(
        capture, AttemptKind(kind), url, moment(at), took_s, status, Failure(failure) if failure else None, detail,
        headers_of(headers), bytes(body), size, bool(changed), number,
    )  # fmt: skip
