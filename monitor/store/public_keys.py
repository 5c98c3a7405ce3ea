"""The public keys that were fetched, and which of them are trusted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from monitor.store.short import Short
from monitor.times import microseconds, moment

_COLUMNS: Final = "provider, fingerprint, text, origin, fetched_at, trusted"


class Fetch(StrEnum):
    """What a fetched key is in the light of those known before."""

    NEW = "new"  # the provider's first: trusted on first use
    UNCHANGED = "unchanged"  # known and trusted
    CHANGED = "changed"  # another than those trusted: not used until somebody trusts it
    OTHER = "other"  # not the one that the configuration names: never used


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


class PublicKeys(Short):
    """The table ``public_keys`` of one database."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "The public keys")

    def rows(self, provider: str | None = None) -> list[PublicKeyRow]:
        """The keys of a provider or of all, the latest first; none when there is no database yet. Raises StoreError."""
        where, parameters = ("", ()) if provider is None else (" WHERE provider = ?", (provider,))
        sql = f"SELECT {_COLUMNS} FROM public_keys{where} ORDER BY fetched_at DESC, id DESC"  # noqa: S608 - constants

        def read(db: sqlite3.Connection) -> list[PublicKeyRow]:
            return [
                PublicKeyRow(name, fingerprint, text, origin, moment(at), bool(trusted))
                for name, fingerprint, text, origin, at, trusted in db.execute(sql, parameters)
            ]

        return self._read(read, [])

    def add(
        self,
        provider: str,
        fingerprint: str,
        text: str,
        origin: str,
        fetched_at: datetime,
        *,
        named: bool | None = None,
    ) -> Fetch:
        """Keep a fetched key: a provider's first is trusted, another one is not until ``trust``.

        ``named`` is whether the configuration names it, where it names any: then that alone decides. Raises StoreError.
        """

        def put(db: sqlite3.Connection) -> Fetch:
            known = dict(db.execute("SELECT fingerprint, trusted FROM public_keys WHERE provider = ?", (provider,)))
            first = not known
            db.execute(
                f"INSERT INTO public_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (provider, fingerprint) "  # noqa: S608 - constants
                "DO UPDATE SET origin = excluded.origin, fetched_at = excluded.fetched_at, "
                "trusted = max(trusted, excluded.trusted AND ?)",
                (provider, fingerprint, text, origin, microseconds(fetched_at), first if named is None else named,
                 named is True),
            )  # fmt: skip
            if named is False:
                return Fetch.OTHER
            if known.get(fingerprint):
                return Fetch.UNCHANGED
            return Fetch.NEW if first or named else Fetch.CHANGED

        return self._write(put)

    def trust(self, provider: str, fingerprint: str) -> bool:
        """Use this key from now on, beside those that were trusted before; whether it is there. Raises StoreError."""
        sql = "UPDATE public_keys SET trusted = 1 WHERE provider = ? AND fingerprint = ?"
        return self._write(lambda db: db.execute(sql, (provider, fingerprint)).rowcount > 0)
