"""Fetched public keys: the first is trusted, another one waits, beside a monitor and without one."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.errors import StoreError
from monitor.store.lease import Lease
from monitor.store.public_keys import Fetch, PublicKeyRow, PublicKeys
from monitor.store.store import Store

T0 = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(name: str) -> tuple[str, str, str]:
    """Fingerprint, text and origin of a key that nobody parses."""
    return f"sha256:{name * 64}"[: 7 + 64], f"PEM of {name}", "https://example.com/id_rsa.pub"


@pytest.fixture
def keys(tmp_path: Path) -> PublicKeys:
    return PublicKeys(tmp_path / "new" / "hooktop.db")


def test_without_a_database_there_are_none_and_none_is_made(keys: PublicKeys, tmp_path: Path) -> None:
    assert keys.rows() == []
    assert list(tmp_path.iterdir()) == []


def test_the_first_is_trusted_and_a_changed_one_is_not(keys: PublicKeys) -> None:
    assert keys.add("volt", *key("a"), T0) is Fetch.NEW
    assert keys.add("volt", *key("a"), T0 + HOUR) is Fetch.UNCHANGED
    assert keys.add("volt", *key("b"), T0 + 2 * HOUR) is Fetch.CHANGED
    assert keys.add("volt", *key("b"), T0 + 3 * HOUR) is Fetch.CHANGED  # seen again is not trusted
    assert keys.add("other", *key("b"), T0) is Fetch.NEW  # each provider for itself
    assert keys.rows("volt") == [
        PublicKeyRow("volt", *key("b"), T0 + 3 * HOUR, False),
        PublicKeyRow("volt", *key("a"), T0 + HOUR, True),
    ]
    assert [row.provider for row in keys.rows()] == ["volt", "volt", "other"]


def test_trusting_keeps_the_old_key_trusted(keys: PublicKeys) -> None:
    keys.add("volt", *key("a"), T0)
    keys.add("volt", *key("b"), T0 + HOUR)
    assert keys.trust("volt", key("b")[0])
    assert [row.trusted for row in keys.rows("volt")] == [True, True]
    assert keys.add("volt", *key("b"), T0 + 2 * HOUR) is Fetch.UNCHANGED
    assert keys.add("volt", *key("a"), T0 + 3 * HOUR) is Fetch.UNCHANGED
    assert not keys.trust("volt", key("c")[0])
    assert not keys.trust("other", key("a")[0])


def test_a_swapped_key_with_the_same_text_elsewhere_changes_nothing(keys: PublicKeys) -> None:
    fingerprint, text, origin = key("a")
    keys.add("volt", fingerprint, text, origin, T0)
    keys.add("volt", fingerprint, "another text", "https://elsewhere.example.com/", T0 + HOUR)
    assert [(row.text, row.origin) for row in keys.rows()] == [(text, "https://elsewhere.example.com/")]


async def test_beside_a_monitor_that_commits(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "hooktop.db")
    store.start()
    try:
        keys = PublicKeys(tmp_path / "hooktop.db")
        assert await asyncio.to_thread(keys.add, "volt", *key("a"), T0) is Fetch.NEW
        assert [row.trusted for row in keys.rows()] == [True]
    finally:
        await store.stop()
    assert len(keys.rows()) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_are_private(keys: PublicKeys, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keys.add("volt", *key("a"), T0)
    finally:
        os.umask(before)
    folder = tmp_path / "new"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_database_that_is_being_made_ready_by_another(keys: PublicKeys, tmp_path: Path) -> None:
    lease = Lease(tmp_path / "new" / "hooktop.db")
    lease.take()
    try:
        with pytest.raises(StoreError, match="Another hooktop"):
            keys.add("volt", *key("a"), T0)
    finally:
        lease.give_up()
    assert keys.add("volt", *key("a"), T0) is Fetch.NEW


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE public_keys (a)")
    keys = PublicKeys(path)
    assert keys.rows() == []
    with pytest.raises(StoreError, match="of another program"):
        keys.add("volt", *key("a"), T0)


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    Store.open(path)._lease.give_up()
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    keys = PublicKeys(path)
    with pytest.raises(StoreError, match=r"cannot be reached: the database is damaged; run hooktop doctor\.$"):
        keys.rows()
    assert keys.add("volt", *key("a"), T0) is Fetch.NEW
    assert keys.notice is not None
    assert "damaged" in keys.notice


def test_a_database_that_somebody_else_holds(keys: PublicKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.connection.BUSY_TIMEOUT_S", 0.05)
    keys.add("volt", *key("a"), T0)
    with closing(sqlite3.connect(tmp_path / "new" / "hooktop.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        assert len(keys.rows()) == 1
        with pytest.raises(StoreError, match="another program holds the database"):
            keys.add("volt", *key("b"), T0)
        db.execute("ROLLBACK")
    assert keys.add("volt", *key("b"), T0) is Fetch.CHANGED
