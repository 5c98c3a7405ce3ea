"""Whether a database holds what hooktop could have written: SQLite takes any value in any column."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from monitor.model.annotations import WrongType, look_through
from monitor.model.attempt import Attempt
from monitor.model.capture import Source
from monitor.model.conversation import Conversation
from monitor.model.event import Event
from monitor.model.message import Message
from monitor.store.attempts import ATTEMPT, attempt_of
from monitor.store.message_reader import CONVERSATION, conversation_of
from monitor.store.message_rows import SELECT_MESSAGE, message_of
from monitor.store.projection import READINGS, event_of
from monitor.store.rows import DAMAGED, headers_of, unpack
from monitor.store.schema import READING_COLUMNS
from monitor.times import moment

STEP: Final = 1_000  # rows between two words of progress
MAX_ID: Final = 2**48  # of a capture: a thousand a second for 8,000 years
_STORED: Final = {"INTEGER": ("integer",), "REAL": ("integer", "real"), "TEXT": ("text",), "BLOB": ("blob",)}
# The search index's own tables are SQLite's.
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'search_*'"
_MARKS: Final = READING_COLUMNS.index("marks")


def _request(row: Sequence[Any]) -> tuple[object, ...]:
    return moment(row[1]), Source(row[2]), headers_of(row[3])


def _reading(row: Sequence[Any]) -> tuple[Event, tuple[str, ...]]:
    return event_of(row), tuple(unpack(row[_MARKS]))


# How the rows of a table are read, and as what.
_READ: Final[tuple[tuple[str, str, Callable[[Sequence[Any]], object], object], ...]] = (
    ("captures", "SELECT id, received_at, source, headers FROM captures", _request, tuple),
    ("readings", READINGS, _reading, tuple[Event, tuple[str, ...]]),
    ("messages", SELECT_MESSAGE, message_of, Message),
    ("conversations", CONVERSATION, lambda row: conversation_of(row).conversation(), Conversation),
    ("attempts", ATTEMPT, attempt_of, Attempt),
)


def wrong_value(
    db: sqlite3.Connection, ours: sqlite3.Connection, progress: Callable[[int, int], None] = lambda done, total: None
) -> str | None:
    """Where a value is of another kind than its column, or cannot be read: the table; None where none is.

    ``ours`` is a new database of the same format. Reads everything but the bodies; ``progress`` gets rows (done,
    total). Raises sqlite3.Error.
    """
    for table, wrong in _wrongs(ours):
        if db.execute(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1").fetchone() is not None:  # noqa: S608 - our own names
            return table
    counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table, *_ in _READ]  # noqa: S608 - our own names
    done, total = 0, sum(counts)
    for table, sql, read, kind in _READ:
        for row in db.execute(sql):
            done += 1
            if done % STEP == 0:
                progress(done, total)
            try:
                look_through(read(row), kind, "")
            except (WrongType, *DAMAGED):
                return table
    return None


def _wrongs(ours: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Each of our tables, with what is wrong in it as an SQL expression."""
    for (table,) in ours.execute(_TABLES).fetchall():
        found = []
        for _, name, kind, filled, _, key in ours.execute("SELECT * FROM pragma_table_info(?)", (table,)):
            kinds = [*_STORED.get(kind, ()), *(() if filled or key else ("null",))]
            if kind in _STORED:
                found.append(f"typeof({name}) NOT IN ({', '.join(map(repr, kinds))})")
            if name == "id":
                found.append(f"{name} NOT BETWEEN 0 AND {MAX_ID}")
            if kind == "REAL":
                found.append(f"abs({name}) > 1e300")  # infinity, which no clock measures
        if found:
            yield table, " OR ".join(found)
