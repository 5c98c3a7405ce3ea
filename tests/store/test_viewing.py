"""A stranger's database, copied to be looked at."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from monitor.store.connection import lies_still
from monitor.store.errors import StoreError
from monitor.store.reader import Reader
from monitor.store.salvage import Salvage
from monitor.store.schema import USER_VERSION
from monitor.store.store import Store
from monitor.store.viewing import copy_to_view
from tests.factory import make_capture


async def stored(path: Path) -> None:
    """A database with two captures."""
    store = Store.open(path)
    store.start()
    await store.add(make_capture())
    await store.add(make_capture())
    await store.caught_up()
    await store.stop()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A good one."""
    path = tmp_path / "theirs" / "a.db"
    path.parent.mkdir()
    asyncio.run(stored(path))
    return path


def every(path: Path) -> list[str | None]:
    """The events of the captures in a database."""
    with closing(Reader(path)) as reader:
        return [capture.reading.event if capture.reading else None for capture in reader.page()]


def test_a_copy_shows_the_same_and_the_file_stays_as_it_is(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes(), database.stat().st_mtime_ns
    copy_to_view(database, tmp_path / "copy.db")
    assert every(tmp_path / "copy.db") == ["message.finalized"] * 2
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*plain*"))


def test_a_database_in_a_folder_of_somebody_else_is_read_without_a_log_beside_it(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Modes do not bind root; what SQLite would begin there, and fails to where they do, is seen all the same.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != database.parent)
    seen: set[str] = set()

    def look(*_: object) -> None:
        seen.update(os.listdir(database.parent))

    before = set(os.listdir(database.parent))
    copy_to_view(database, tmp_path / "copy.db", look)
    assert every(tmp_path / "copy.db") == ["message.finalized"] * 2
    with closing(Salvage(database)) as salvage:
        assert salvage.said() == 2
        look()
    assert seen == before
    database.with_name("a.db-wal").touch()  # as while its owner writes
    assert not lies_still(database)


def test_a_database_that_is_written_meanwhile_can_be_copied(database: Path, tmp_path: Path) -> None:
    async def beside() -> None:
        store = Store.open(database)
        store.start()
        await store.add(make_capture())
        await asyncio.to_thread(copy_to_view, database, tmp_path / "copy.db")
        await store.stop()

    asyncio.run(beside())
    assert len(every(tmp_path / "copy.db")) == 3


def test_a_link_is_followed_for_reading_only(database: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(database)
    copy_to_view(link, tmp_path / "copy.db")
    assert len(every(tmp_path / "copy.db")) == 2
    assert link.is_symlink()


HOSTILE = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON captures BEGIN DELETE FROM readings; END",
    "view": "CREATE VIEW v AS SELECT * FROM captures",
    "view-in-place-of-a-table": "ALTER TABLE tallies RENAME TO old; CREATE VIEW tallies AS SELECT * FROM old",
    "computed": "ALTER TABLE captures ADD COLUMN evil TEXT AS (body || 'x')",
    "virtual": "CREATE VIRTUAL TABLE evil USING fts5(a)",
    "our-trigger-changed": (
        "DROP TRIGGER IF EXISTS attempts_go; "
        "CREATE TRIGGER attempts_go AFTER DELETE ON captures BEGIN DELETE FROM captures; END"
    ),
    "other-program": "PRAGMA application_id = 1",
    "newer": f"PRAGMA user_version = {USER_VERSION + 1}",
}


@pytest.mark.parametrize("sql", HOSTILE.values(), ids=HOSTILE)
def test_what_sqlite_would_run_is_refused(database: Path, tmp_path: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.executescript(sql)
    with pytest.raises(StoreError, match=r"hooktop"):
        copy_to_view(database, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def _zeroed(data: bytearray) -> None:
    for page in range(2, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 4096] = bytes(4096)


def _cut(data: bytearray) -> None:
    del data[len(data) // 3 :]


def _garbage(data: bytearray) -> None:
    data[16:] = os.urandom(len(data) - 16)


@pytest.mark.parametrize("damage", [_zeroed, _cut, _garbage])
def test_a_damaged_file_is_refused_and_left_alone(
    database: Path, tmp_path: Path, damage: Callable[[bytearray], None]
) -> None:
    data = bytearray(database.read_bytes())
    damage(data)
    database.write_bytes(data)
    for side in database.parent.glob("a.db-*"):
        side.unlink()
    with pytest.raises(StoreError):
        copy_to_view(database, tmp_path / "copy.db")
    assert database.read_bytes() == bytes(data)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0")
    with pytest.raises(StoreError):
        copy_to_view(tmp_path / "a.db", tmp_path / "copy.db")


def test_a_database_of_which_nothing_can_be_counted_is_not_one_without_captures(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        roots = "SELECT rootpage FROM sqlite_master WHERE name IN ('captures', 'readings', 'tallies')"
        pages = [page for (page,) in db.execute(roots)]
    with database.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
    with closing(Salvage(database)) as salvage, pytest.raises(StoreError, match="Nothing can be read of"):
        list(salvage.rows())
