"""Tables that are used through short connections: beside a running monitor as well as without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from monitor import paths
from monitor.store.connection import T, committed, connect, prepare
from monitor.store.errors import StoreError, reason_of
from monitor.store.lease import Lease
from monitor.store.schema import APPLICATION_ID, USER_VERSION


class Short:
    """One database, opened for each job; it is made or migrated when something is first written."""

    def __init__(self, path: Path, what: str) -> None:
        """``what`` is in the tables, as the subject of a sentence: ``The public keys``."""
        self._path = paths.expanded(path)
        self._what = what
        self.notice: str | None = None  # what the user should know of a database that had to be made ready

    def _read(self, job: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What ``job`` reads; ``otherwise`` when there is no database yet. Raises StoreError."""
        if not self._path.exists():
            return otherwise
        with self._told(), closing(connect(self._path, read_only=True)) as db:
            return job(db) if _ready(db) else otherwise

    def _write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``job`` in one transaction, which is on the disk when this returns. Raises StoreError."""
        self._make_ready()
        with self._told(), closing(connect(self._path, read_only=False)) as db:
            return committed(db, job)

    def _make_ready(self) -> None:
        """Create or migrate the database, with the lease, when that is still to be done. Raises StoreError."""
        if self._path.exists():
            # Where that fails ``prepare`` finds out what is wrong, and says it.
            with suppress(sqlite3.Error), closing(connect(self._path, read_only=True)) as db:
                if _ready(db):
                    return
        lease = Lease(self._path)
        lease.take()
        try:
            self.notice = prepare(self._path)
        finally:
            lease.give_up()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self._what} in {self._path} cannot be reached: {reason_of(error)}; run hooktop doctor."
            ) from error


def _ready(db: sqlite3.Connection) -> bool:
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    return bool(application == APPLICATION_ID and version == USER_VERSION)
