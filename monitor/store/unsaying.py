"""Messages and conversations without what captures said that are let go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.model.event import moves
from monitor.model.verdict import VerdictStatus, standing
from monitor.store.conversation_sums import Sums
from monitor.store.projection import KEY, Events, message_events, named, refold, trusts_unproven, watermark
from monitor.store.rows import unpack

# In how many captures around one that went a repeat of it is looked for: of what may move a message, and of what not.
NEAR: Final = (25_000, 2_000)
_REPEATS: Final = (
    "SELECT r.id, r.received_at, r.verdict, r.reason FROM readings r "  # noqa: S608 - constants
    "WHERE r.id BETWEEN ? AND ? AND r.digest = ? AND r.source <> 'replayed' "
    f"AND EXISTS (SELECT 1 FROM message_keys k WHERE k.key = {KEY} AND k.message = ?) ORDER BY r.received_at"
)
# What a key is the name of, where nothing is left of that.
_EMPTY: Final = (
    "SELECT conversation FROM conversation_keys WHERE key = ? "
    "AND NOT EXISTS (SELECT 1 FROM conversations WHERE id = conversation)"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a capture that is let go said of a message: ``key`` names that, ``conversation`` where it was said to be.
    ``at`` is when the capture came, in microseconds, ``verdict`` the one that counts."""

    capture: int
    at: int
    key: str
    conversation: str | None
    digest: int
    verdict: VerdictStatus


def unsay(
    db: sqlite3.Connection, captures: Sequence[int], said: Iterable[Said], ties: Sequence[tuple[str, str]]
) -> None:
    """Take captures out whose readings are deleted already: ``said`` is what they said of messages, ``ties`` are those
    that they made. A message of which others tell stays as those say, all else of it goes."""
    sums, forbid = Sums(), not trusts_unproven(db)
    touched = watermark(db)
    names: dict[int, set[str]] = {}
    for one in said:
        known = db.execute("SELECT message FROM message_keys WHERE key = ?", (one.key,)).fetchone()
        if known is not None and one.capture <= touched:
            names.setdefault(known[0], set()).add(one.key)
            _unsay_one(db, known[0], one, touched)
        for (number,) in db.execute(_EMPTY, (one.conversation,)):  # its message turned out to be in another
            sums.touch(number)
    for capture in captures:
        for (number,) in db.execute("SELECT conversation FROM conversation_events WHERE capture = ?", (capture,)):
            sums.touch(number)
    db.executemany("DELETE FROM conversation_events WHERE capture = ?", [(capture,) for capture in captures])
    db.executemany("DELETE FROM conversation_ties WHERE message = ? AND conversation = ?", ties)
    dead: list[tuple[int]] = []
    lost: list[tuple[str, int]] = []
    for number, own in names.items():
        for row in db.execute("SELECT message, aliases FROM messages WHERE id = ?", (number,)):
            own |= {row[0], *unpack(row[1])}
        if refold(db, number, touched, Events(0), sums, forbid=forbid):
            for event in message_events(db, number):
                own.difference_update(named(event, moving=moves(event.verdict, forbid_unproven=forbid)))
        else:
            sums.count(db, number, -1)
            dead.append((number,))
            db.executemany("DELETE FROM conversation_ties WHERE message = ?", [(name,) for name in own])
        lost += [(name, number) for name in own]
    for table, column in (("messages", "id"), ("message_events", "message")):
        db.executemany(f"DELETE FROM {table} WHERE {column} = ?", dead)  # noqa: S608 - constant names
    db.executemany("DELETE FROM message_keys WHERE key = ? AND message = ?", lost)
    sums.write(db, touched)
    for number in sums.conversations:
        db.execute(
            "DELETE FROM conversation_keys WHERE conversation = ? "
            "AND NOT EXISTS (SELECT 1 FROM conversations WHERE id = conversation)",
            (number,),
        )


def _unsay_one(db: sqlite3.Connection, number: int, one: Said, upto: int) -> None:
    """A capture of a message is gone; where it stood for its repeats, the next of them does."""
    same, row = "WHERE message = ? AND digest = ? AND verdict = ?", (number, one.digest, one.verdict.value)
    known = db.execute(f"SELECT captures, capture, last_at FROM message_events {same}", row).fetchone()  # noqa: S608 - a constant
    if known is None or known[0] == 1:
        db.execute(f"DELETE FROM message_events {same}", row)  # noqa: S608 - a constant
        return
    db.execute(f"UPDATE message_events SET captures = captures - 1 {same}", row)  # noqa: S608 - a constant
    if known[1] == one.capture and (first := _repeat(db, number, one, upto, "ASC")) is not None:
        db.execute(f"UPDATE message_events SET capture = ?, first_at = ? {same}", (*first, *row))  # noqa: S608 - a constant
    if known[2] == one.at and (last := _repeat(db, number, one, upto, "DESC")) is not None:
        db.execute(f"UPDATE message_events SET last_at = ? {same}", (last[1], *row))  # noqa: S608 - a constant


def _repeat(db: sqlite3.Connection, number: int, one: Said, upto: int, order: str) -> tuple[int, int] | None:
    """The repeat of a capture that went that came first (ASC) or last (DESC), of those near: its id and its time."""
    near = NEAR[not moves(one.verdict)]
    around = (one.capture - near, min(one.capture + near, upto), one.digest, number)
    for capture, at, verdict, reason in db.execute(f"{_REPEATS} {order}, r.id {order}", around):
        if standing(VerdictStatus(verdict), reason) is one.verdict:
            return capture, at
    return None
