"""The public keys that were fetched, and which of them are trusted.

Short connections of their own: it works beside a running monitor and without one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from monitor.store.connection import connect, prepare
from monitor.store.errors import StoreError, reason_of
from monitor.store.lease import Lease
from monitor.store.schema import APPLICATION_ID, USER_VERSION
from monitor.times import microseconds, moment

T = TypeVar("T")
_COLUMNS: Final = "provider, fingerprint, text, origin, fetched_at, trusted"


class Fetch(StrEnum):
    """What a fetched key is in the light of those known before."""

    NEW = "new"  # the provider's first: trusted on first use
    UNCHANGED = "unchanged"  # known and trusted
    CHANGED = "changed"  # another than those trusted: not used until somebody trusts it


@dataclass(frozen=True, slots=True)
class PublicKeyRow:
    """A fetched public key: ``fingerprint`` is ``sha256:`` and 64 hex digits, ``text`` PEM, ``origin`` its address,
    ``fetched_at`` when it was last seen there."""

    provider: str
    fingerprint: str
    text: str
    origin: str
    fetched_at: datetime
    trusted: bool


class PublicKeys:
    """The table ``public_keys`` of one database."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()
        self.notice: str | None = None  # what the user should know of a database that had to be made ready

    def rows(self, provider: str | None = None) -> list[PublicKeyRow]:
        """The keys of a provider or of all, the latest first; none when there is no database yet. Raises StoreError."""
        if not self._path.exists():
            return []
        where, parameters = ("", ()) if provider is None else (" WHERE provider = ?", (provider,))
        sql = f"SELECT {_COLUMNS} FROM public_keys{where} ORDER BY fetched_at DESC, id DESC"  # noqa: S608 - constants
        with self._told(), closing(connect(self._path, read_only=True)) as db:
            if not _ready(db):
                return []
            return [
                PublicKeyRow(name, fingerprint, text, origin, moment(at), bool(trusted))
                for name, fingerprint, text, origin, at, trusted in db.execute(sql, parameters)
            ]

    def add(self, provider: str, fingerprint: str, text: str, origin: str, fetched_at: datetime) -> Fetch:
        """Keep a fetched key: a provider's first is trusted, another one is not until ``trust``. Raises StoreError."""

        def put(db: sqlite3.Connection) -> Fetch:
            known = dict(db.execute("SELECT fingerprint, trusted FROM public_keys WHERE provider = ?", (provider,)))
            db.execute(
                f"INSERT INTO public_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (provider, fingerprint) "  # noqa: S608 - constants
                "DO UPDATE SET origin = excluded.origin, fetched_at = excluded.fetched_at",
                (provider, fingerprint, text, origin, microseconds(fetched_at), not known),
            )
            if not known:
                return Fetch.NEW
            return Fetch.UNCHANGED if known.get(fingerprint) else Fetch.CHANGED

        return self._write(put)

    def trust(self, provider: str, fingerprint: str) -> bool:
        """Use this key from now on, beside those that were trusted before; whether it is there. Raises StoreError."""
        sql = "UPDATE public_keys SET trusted = 1 WHERE provider = ? AND fingerprint = ?"
        return self._write(lambda db: db.execute(sql, (provider, fingerprint)).rowcount > 0)

    def _write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        self._make_ready()
        with self._told(), closing(connect(self._path, read_only=False)) as db:
            # IMMEDIATE waits its turn beside a monitor that commits; see the writer.
            db.execute("BEGIN IMMEDIATE")
            try:
                result = job(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

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
                f"The public keys in {self._path} cannot be reached: {reason_of(error)}; run hooktop doctor."
            ) from error


def _ready(db: sqlite3.Connection) -> bool:
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    return bool(application == APPLICATION_ID and version == USER_VERSION)
