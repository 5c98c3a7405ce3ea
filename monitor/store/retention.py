"""Letting old captures go: which may, and taking them out with everything that was made of them.

A capture stays as long as its message is still spoken of, so that no lifecycle is cut in two. What was deleted is
overwritten (``secure_delete``), and its space goes back to the system a little at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from monitor.model.capture import Source
from monitor.model.verdict import VerdictStatus, standing
from monitor.store import search, shapes
from monitor.store.message_reader import MessageReader
from monitor.store.projection import KEY, tied
from monitor.store.rows import unpack
from monitor.store.unsaying import Said, unsay
from monitor.times import microseconds, moment

STEP: Final = 30  # captures deleted in one transaction: others wait meanwhile, and larger ones cost no less for each
SCAN: Final = 20_000  # ids looked at in one query
FREED_PAGES: Final = 500
_LAST_HEARD: Final = (
    f"(SELECT m.received_at FROM message_keys k JOIN messages m ON m.id = k.message WHERE k.key = {KEY})"  # noqa: S608 - constants
)


class RetentionReader(MessageReader):
    """A reading connection that knows what may go. Its queries read in steps: ask off the event loop."""

    def expired(
        self, before: datetime, low: int, *, unproven: bool = False, imported: bool = True
    ) -> tuple[list[int], int]:
        """Of the ``SCAN`` ids from ``low`` on, the captures that came before a time and whose message was not heard of
        since; and the id to go on from. ``unproven``: only those whose signature was not verified; without
        ``imported`` none that were imported. The newest stays until messages know of it: else nobody would know which
        ids were given.
        """
        at = microseconds(before)
        high = low + SCAN - 1
        only = " AND r.verdict <> 'verified'" if unproven else ""
        only += "" if imported else " AND r.source <> 'imported'"
        sql = (
            "SELECT r.id FROM readings r WHERE r.id BETWEEN ? AND ? AND r.received_at < ? "  # noqa: S608 - constants
            f"AND coalesce({_LAST_HEARD}, 0) < ?{only} "
            "AND r.id <= max((SELECT max(id) - 1 FROM readings), (SELECT upto FROM watermark)) ORDER BY r.id"
        )
        return [row[0] for row in self._all(sql, (low, high, at, at))], high + 1

    def expired_count(self, before: datetime) -> int:
        """How many captures ``expired`` gives in all."""
        low, last, number = 1, self.last_id(), 0
        while low <= last:
            ids, low = self.expired(before, low)
            number += len(ids)
        return number

    def time_of_newest(self, number: int) -> datetime | None:
        """When the oldest of the ``number`` newest captures came; None where there are not so many.

        The newest by our clock, which may have been set back, and what was imported has older times than its ids: no
        more than those ``number`` came at that time or later. Reads the history.
        """
        sql = "SELECT received_at FROM readings ORDER BY received_at DESC LIMIT 1 OFFSET ?"
        found = self._all(sql, (max(number - 1, 0),))
        return moment(found[0][0]) if found else None

    def size(self) -> int:
        """Bytes that the database takes, without what was freed in it."""
        pages, free, size = (
            self._all(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def forget(db: sqlite3.Connection, ids: Sequence[int]) -> dict[tuple[str, str], int]:
    """Delete captures inside the transaction that is open, with all that was made of them; gives how many of each
    (provider, verdict) there were."""
    marks = ", ".join("?" * len(ids))
    gone = db.execute(
        "SELECT r.id, r.received_at, r.provider, r.verdict, r.reason, r.source, r.digest, r.conversation, r.facts, "  # noqa: S608 - constants and ?
        f"{KEY} FROM readings r WHERE r.id IN ({marks}) ORDER BY r.id", list(ids)
    ).fetchall()  # fmt: skip
    tally: dict[tuple[str, str], int] = {}
    said: list[Said] = []
    ties: list[tuple[str, str]] = []
    for number, at, provider, verdict, reason, source, digest, conversation, facts, key in gone:
        tally[(provider, verdict)] = tally.get((provider, verdict), 0) + 1
        if source != Source.REPLAYED:  # which moved nothing
            counts = standing(VerdictStatus(verdict), reason)
            said.append(Said(number, at, key, conversation, digest, counts))
        if (tie := tied(provider, dict(unpack(facts)))) is not None:
            ties.append(tie)
    search.forget(db, ids)
    shapes.forget(db, ids)
    for table, column in (("captures", "id"), ("readings", "id"), ("attempts", "capture")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", list(ids))  # noqa: S608 - constants and ?
    unsay(db, ids, said, ties)
    db.executemany(
        "UPDATE tallies SET captures = max(captures - ?, 0) WHERE provider = ? AND verdict = ?",
        [(number, *name) for name, number in tally.items()],
    )
    return tally


def give_back(db: sqlite3.Connection) -> int:
    """Give freed pages back to the system, a few; gives how many are left."""
    for _ in range(FREED_PAGES):  # a step frees one page, and Python takes one step, whatever the number in brackets
        db.execute("PRAGMA incremental_vacuum(1)")
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])
