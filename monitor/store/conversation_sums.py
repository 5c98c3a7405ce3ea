"""What the messages of a conversation say in sum: how many they are, who takes part, what was said last.

The counts are kept by what each change adds to them, and the rest is read from the newest messages: a conversation of
many messages costs as little as one of a few.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from monitor.model.reading import Direction
from monitor.store.rows import pack

MAX_PARTIES: Final = 8  # of each side
_NEWEST_FEW: Final = 20
# A message counts as unproven where nothing that is said of it may move it.
_SHARE: Final = (
    "SELECT conversation_id, unproven_count < capture_count, unproven_count >= capture_count, "
    "unproven_count < capture_count AND status IS 'failed' FROM messages WHERE id = ? AND conversation_id IS NOT NULL"
)
_COUNTS: Final = "SELECT messages, unproven, failed FROM conversations WHERE id = ?"
_KEY: Final = "SELECT key FROM conversation_keys WHERE conversation = ? ORDER BY passing, key LIMIT 1"
_NEWEST: Final = (
    "SELECT happened_at, text, direction, status, channel, sender, recipient FROM messages INDEXED BY messages_proven "  # noqa: S608 - a number
    "WHERE conversation_id = ? AND unproven_count < capture_count "
    f"ORDER BY happened_at DESC, id DESC LIMIT {_NEWEST_FEW}"
)
_LAST_LINE: Final = (
    "SELECT max(coalesce(occurred_at, received_at)) FROM readings WHERE id IN "  # noqa: S608 - a number
    f"(SELECT capture FROM conversation_events WHERE conversation = ? ORDER BY capture DESC LIMIT {_NEWEST_FEW})"
)
_LAST_RECEIVED: Final = (
    "SELECT max(received_at) FROM (SELECT received_at FROM messages "  # noqa: S608 - a number
    f"WHERE conversation_id = ? ORDER BY happened_at DESC LIMIT {_NEWEST_FEW})"
)


class Sums:
    """The conversations that a step changes, and what it adds to their counts."""

    def __init__(self) -> None:
        self._added: dict[int, list[int]] = {}  # by conversation: proven, unproven and failed messages

    @property
    def conversations(self) -> Iterable[int]:
        """Their numbers."""
        return self._added

    def touch(self, number: int) -> None:
        """Something else of a conversation has changed."""
        self._added.setdefault(number, [0, 0, 0])

    def count(self, db: sqlite3.Connection, message: int, sign: int) -> None:
        """Count a message in where its row says that it is (1), or out (-1): before and after each change of it."""
        row = db.execute(_SHARE, (message,)).fetchone()
        if row is not None:
            self._add(row[0], [sign * share for share in row[1:]])

    def join(self, db: sqlite3.Connection, one: int, other: int) -> None:
        """The messages of one conversation went over to another; the row that it had is taken away."""
        self._add(one, self._added.pop(other, (0, 0, 0)))
        self._add(one, db.execute(_COUNTS, (other,)).fetchone() or (0, 0, 0))
        db.execute("DELETE FROM conversations WHERE id = ?", (other,))

    def write(self, db: sqlite3.Connection, touched: int) -> None:
        """Write the rows of all of them, ``touched`` is the watermark; where nothing is left of one, delete it."""
        for number, added in self._added.items():
            known = db.execute(_COUNTS, (number,)).fetchone() or (0, 0, 0)
            _write(db, number, [before + more for before, more in zip(known, added, strict=True)], touched)

    def _add(self, number: int, counts: Sequence[int]) -> None:
        before = self._added.get(number, (0, 0, 0))
        self._added[number] = [one + more for one, more in zip(before, counts, strict=True)]


def _write(db: sqlite3.Connection, number: int, counts: Sequence[int], touched: int) -> None:
    newest = db.execute(_NEWEST, (number,)).fetchall()
    # Where all messages may be forged, their own times say nothing.
    last_at, text, direction, status, channel = newest[0][:5] if newest else (_last(db, number), *[None] * 4)
    if last_at is None:  # joined to another, or let go
        db.execute("DELETE FROM conversations WHERE id = ?", (number,))
        return
    proven, unproven, failed = counts
    key = db.execute(_KEY, (number,)).fetchone()[0]
    db.execute(
        "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, key, key.partition(":")[0], pack(_parties(newest)), channel, proven, unproven, failed,
            text, direction, last_at, status, touched,
        ),
    )  # fmt: skip


def _last(db: sqlite3.Connection, number: int) -> int | None:
    """When something was last said of a conversation, or else the last of its unproven messages came."""
    found: list[int | None] = [db.execute(sql, (number,)).fetchone()[0] for sql in (_LAST_LINE, _LAST_RECEIVED)]
    return next((at for at in found if at is not None), None)


def _parties(newest: Iterable[Sequence[Any]]) -> list[str]:
    """Who takes part, as the provider writes it: the customers, then the business. A number is one party with its plus
    and without it."""
    customers: dict[str, str] = {}
    businesses: dict[str, str] = {}
    for _, _, direction, _, _, sender, recipient in newest:
        customer, business = (sender, recipient) if direction == Direction.INBOUND else (recipient, sender)
        if customer and len(customers) < MAX_PARTIES:
            customers.setdefault(customer.removeprefix("+"), customer)
        if business and len(businesses) < MAX_PARTIES:
            businesses.setdefault(business.removeprefix("+"), business)
    return [*customers.values(), *(name for number, name in businesses.items() if number not in customers)]
