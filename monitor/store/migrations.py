"""The steps that bring a database up to date: an append-only list, each step in a transaction of its own.

Loaded only when a database needs a step, since sqlite-utils costs more to import than all else here.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("hooktop")


@migrations()
def m001_captures_and_readings(db: Database) -> None:
    """What arrived, what it means, how many of each verdict, and the public keys that were fetched."""
    db.execute(
        """
        CREATE TABLE captures (
            id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, source TEXT NOT NULL,
            method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, peer TEXT, token INTEGER, answer INTEGER,
            headers BLOB NOT NULL, body BLOB NOT NULL
        )
        """
    )
    db.execute(
        """
        CREATE TABLE readings (
            id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
            provider TEXT NOT NULL,
            verdict TEXT NOT NULL, reason TEXT NOT NULL, scheme TEXT, key TEXT, near_miss TEXT, age_s REAL,
            event TEXT, event_id TEXT, message TEXT, aliases TEXT, conversation TEXT, direction TEXT, channel TEXT,
            status TEXT, provider_status TEXT, mark TEXT, sender TEXT, recipient TEXT, text TEXT, media TEXT,
            error INTEGER, error_code TEXT, carrier_code TEXT, carrier TEXT, error_source TEXT, error_title TEXT,
            error_detail TEXT, trace_id TEXT, temporary INTEGER,
            occurred_at INTEGER, accepted_at INTEGER, sent_at INTEGER, completed_at INTEGER, valid_until INTEGER,
            facts TEXT, problems TEXT, marks TEXT
        )
        """
    )
    db.execute(
        """
        CREATE TABLE tallies (
            provider TEXT NOT NULL, verdict TEXT NOT NULL, captures INTEGER NOT NULL,
            PRIMARY KEY (provider, verdict)
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE public_keys (
            id INTEGER PRIMARY KEY, provider TEXT NOT NULL, fingerprint TEXT NOT NULL, text TEXT NOT NULL,
            origin TEXT NOT NULL, fetched_at INTEGER NOT NULL, trusted INTEGER NOT NULL,
            UNIQUE (provider, fingerprint)
        )
        """
    )
