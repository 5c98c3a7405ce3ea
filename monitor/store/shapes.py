"""What event types are like, learnt from their verified captures right behind the commits.

Only what a provider's signature proves teaches, so that a stranger can neither fill the tables nor hide what is new;
what is simulated here teaches apart from what providers send. A capture with something new gets its mark in the
readings, where filters and exports find it. Like messages this can be dropped and built again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from monitor import jsonbody
from monitor.model.capture import Source
from monitor.model.shape import Finding, Shape, What
from monitor.store.rows import pack, unpack

STEP: Final = 8  # captures a step, as for messages
MAX_BODY: Final = 64 * 1024  # bytes; a larger body teaches nothing
MAX_EVENT: Final = 200  # characters of an event type's name
MAX_TYPES: Final = 500
KEPT: Final = 64  # shapes in memory
MAX_MARKS: Final = 16  # that one capture gets
FIELD: Final = "new_field:"
VALUE: Final = "new_value:"
_NEXT: Final = (
    "SELECT r.id, r.provider, r.event, r.source, r.received_at, CASE WHEN r.verdict = 'verified' "  # noqa: S608 - constants
    f"AND r.source IN ('{Source.NETWORK}', '{Source.SIMULATED}') AND length(r.event) <= {MAX_EVENT} "
    f"AND r.size <= {MAX_BODY} THEN (SELECT body FROM captures WHERE id = r.id) END "
    "FROM readings r WHERE r.id > ? ORDER BY r.id LIMIT ?"
)
log = logging.getLogger(__name__)


class Shapes:
    """The shapes that were learnt last, by provider, event and whether they are of what was simulated here."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, bool], tuple[int, Shape]] = {}

    def forget(self) -> None:
        """Read all from the database again: it was changed."""
        self._kept.clear()

    def get(self, db: sqlite3.Connection, name: tuple[str, str, bool]) -> tuple[int, Shape] | None:
        """The number and the shape of an event type; None where there are too many to begin another."""
        kept = self._kept.pop(name, None) or _load(db, name)
        if kept is not None:
            self._kept[name] = kept
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return kept


def learnt(db: sqlite3.Connection) -> int:
    """The id of the last capture that was learnt from."""
    return int(db.execute("SELECT upto FROM learnt").fetchone()[0])


def advance(db: sqlite3.Connection, shapes: Shapes, step: int = STEP) -> int:
    """Learn from the next captures, inside the transaction that is open; gives how many were looked at."""
    rows = db.execute(_NEXT, (learnt(db), step)).fetchall()
    if not rows:
        return 0
    touched: dict[tuple[str, str, bool], tuple[int, Shape]] = {}  # held to the end: their counts are written there
    for capture, provider, event, source, at, body in rows:
        if body is None or not (parsed := jsonbody.parse(body)).ok:
            continue
        name = (provider, event, source == Source.SIMULATED)
        found = touched.get(name) or shapes.get(db, name)
        if found is None:
            continue
        number, shape = touched[name] = found
        findings = shape.learn(parsed.value)
        if findings:
            _keep(db, number, capture, at, findings)
            _mark(db, capture, findings)
    db.executemany(
        "UPDATE event_types SET captures = ? WHERE id = ?", [(shape.captures, n) for n, shape in touched.values()]
    )
    db.execute("UPDATE learnt SET upto = ?", (rows[-1][0],))
    return len(rows)


def clear(db: sqlite3.Connection) -> None:
    """Forget everything, also the marks; ``advance`` learns it again."""
    marked = db.execute("SELECT id, marks FROM readings WHERE id IN (SELECT capture FROM fields WHERE new = 1)")
    db.executemany(
        "UPDATE readings SET marks = ? WHERE id = ?",
        [(pack(unlearnt(unpack(marks))), number) for number, marks in marked.fetchall()],
    )
    db.execute("DELETE FROM fields")
    db.execute("DELETE FROM event_types")
    db.execute("UPDATE learnt SET upto = 0")


def unlearnt(marks: Iterable[str]) -> tuple[str, ...]:
    """The marks of a capture without those that were learnt here."""
    return tuple(mark for mark in marks if not mark.startswith((FIELD, VALUE)))


def forget(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Captures are let go: what was new in them is listed no more. What event types are like stays."""
    marks = ", ".join("?" * len(ids))
    db.execute(f"UPDATE fields SET new = 0 WHERE new = 1 AND capture IN ({marks})", list(ids))  # noqa: S608 - only ?


def _load(db: sqlite3.Connection, name: tuple[str, str, bool]) -> tuple[int, Shape] | None:
    found = db.execute(
        "SELECT id, captures FROM event_types WHERE provider = ? AND event = ? AND local = ?", name
    ).fetchone()
    if found is None:
        if db.execute("SELECT count(*) FROM event_types").fetchone()[0] >= MAX_TYPES:
            return None
        made = db.execute("INSERT INTO event_types (provider, event, local, captures) VALUES (?, ?, ?, 0)", name)
        return int(made.lastrowid or 0), Shape()
    number, captures = found
    shape = Shape(captures)
    words: dict[str, set[int]] = {}
    free: dict[str, bool] = {}
    since: dict[str, int] = {}
    for path, word, before, freed in db.execute(
        "SELECT path, word, before, free FROM fields WHERE event_type = ? ORDER BY path, word", (number,)
    ):
        if word:
            words.setdefault(path, set()).add(word)
        else:
            since[path], free[path] = before, bool(freed)
    for path, before in since.items():  # the outer ones first, since a path is sorted behind its beginning
        shape.add(path, before, None if free[path] else words.get(path, set()))
    return number, shape


def _keep(db: sqlite3.Connection, number: int, capture: int, at: int, findings: Sequence[Finding]) -> None:
    db.executemany(
        "INSERT INTO fields VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        [
            (number, one.path, one.word, capture, at, one.before, one.new)
            for one in findings
            if one.what is not What.FREE
        ],
    )
    freed = [(number, one.path) for one in findings if one.what is What.FREE]
    db.executemany("UPDATE fields SET free = 1 WHERE event_type = ? AND path = ? AND word = 0", freed)
    db.executemany("DELETE FROM fields WHERE event_type = ? AND path = ? AND word <> 0 AND new = 0", freed)


def _mark(db: sqlite3.Connection, capture: int, findings: Sequence[Finding]) -> None:
    said = [(FIELD if one.what is What.FIELD else VALUE) + one.path for one in findings if one.new]
    if said:
        marks = unpack(db.execute("SELECT marks FROM readings WHERE id = ?", (capture,)).fetchone()[0])
        packed = pack([*marks, *dict.fromkeys(said[:MAX_MARKS])])
        db.execute("UPDATE readings SET marks = ? WHERE id = ?", (packed, capture))
