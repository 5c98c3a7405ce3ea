"""Captures on their way into the tables, inside a transaction that is open."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from monitor.model.capture import Capture
from monitor.store import search
from monitor.store.rows import capture_row, insert_rows, reading_row
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS

STEP: Final = 64  # captures that are held at a time: a body may be large
_HIGHEST: Final = (
    "SELECT max(coalesce((SELECT max(id) FROM captures), 0), (SELECT upto FROM watermark), (SELECT upto FROM learnt))"
)
TALLY: Final = (
    "INSERT INTO tallies VALUES (?, ?, ?) "
    "ON CONFLICT (provider, verdict) DO UPDATE SET captures = captures + excluded.captures"
)


def highest(db: sqlite3.Connection) -> int:
    """The highest id that was ever given, as far as is known."""
    return max(int(db.execute(_HIGHEST).fetchone()[0]), search.upto(db) or 0)


def keep_highest(db: sqlite3.Connection, highest: int) -> None:
    """Have it known although what knew it was forgotten: to be called once all that there is was learnt from."""
    db.execute("UPDATE learnt SET upto = max(upto, ?)", (highest,))


def put(db: sqlite3.Connection, captures: Sequence[Capture], last: int | None = None) -> list[Capture]:
    """Insert captures; gives them back with their ids, which go on from the highest that was ever given: ``last``,
    looked up where that is None."""
    # No id is given twice, also where the newest were let go: what is made of captures would take it for known.
    first = (highest(db) if last is None else last) + 1
    stored = [replace(capture, id=first + n) for n, capture in enumerate(captures)]
    insert_rows(db, "captures", CAPTURE_COLUMNS, [capture_row(capture) for capture in stored])
    insert_rows(db, "readings", READING_COLUMNS, [reading_row(capture) for capture in stored])
    tally = Counter((capture.provider, capture.verdict.status.value) for capture in captures)
    db.executemany(TALLY, [(*key, count) for key, count in tally.items()])
    return stored


def put_all(db: sqlite3.Connection, captures: Iterable[Capture]) -> int:
    """Insert captures as they are made, few of them in memory at a time; gives how many."""
    found = iter(captures)
    number = 0
    while batch := list(islice(found, STEP)):
        number += len(put(db, batch))
    return number
