"""Making of the readings what a program that has ended had no time for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from monitor.store import projection, search, shapes
from monitor.store.connection import committed, connect
from monitor.store.errors import StoreError, reason_of
from monitor.store.lease import Lease

STEP: Final = 64  # readings in one transaction
LOG_PAGES: Final = 4096  # from which on the log is written back: nobody else does it, and it would outgrow the database


def catch_up(path: Path) -> None:
    """Bring messages, conversations and marks of a database that is ready for use up to date.

    Raises StoreError, also where another program writes it: that one does it.
    """
    lease = Lease(path)
    lease.take()
    try:
        with closing(connect(path, read_only=False)) as db:
            db.execute("PRAGMA synchronous = NORMAL")  # after a power loss they are behind again
            db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
            step = partial(advance, limit=STEP, events=projection.Events(), learnt=shapes.Shapes())
            while committed(db, step):
                pass
            db.execute("PRAGMA busy_timeout = 0")  # who reads meanwhile is not waited for
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreError(f"The messages in {path} cannot be brought up to date: {reason_of(error)}.") from error
    finally:
        lease.give_up()


def advance(db: sqlite3.Connection, limit: int, events: projection.Events, learnt: shapes.Shapes) -> int:
    """Bring messages, conversations, search and marks a step further, inside the transaction that is open: ``limit``
    readings folded at most. Gives how much was done, 0 when all is up to date."""
    return projection.advance(db, limit, events) + search.advance(db) + shapes.advance(db, learnt)
