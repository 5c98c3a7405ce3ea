"""What the store says when it cannot: every cause is a real one, made with SQLite or the system."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from monitor.store.backup import backup
from monitor.store.errors import StoreError, StoreUnavailableError, reason_of
from monitor.store.outage import MOVED
from monitor.store.store import Store
from tests.factory import START, make_capture, storing


@contextlib.contextmanager
def small_files(size: int) -> Iterator[None]:
    """A limit on the size of the files that this process writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA max_page_count = 2")
        db.execute("CREATE TABLE t AS SELECT zeroblob(100000)")


def busy(path: Path) -> None:
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path, timeout=0)) as two:
        one.execute("BEGIN IMMEDIATE")
        two.execute("BEGIN IMMEDIATE")


def no_room_in_files(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
        with small_files(4096 * 3):
            db.execute("INSERT INTO t VALUES (zeroblob(5000000))")


def read_only(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA query_only = ON")
        db.execute("CREATE TABLE t (x)")


def no_database(path: Path) -> None:
    path.write_bytes(b"a letter and not a database" * 100)
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT * FROM sqlite_master")


def wrong(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT * FROM elsewhere")


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (full, "the disk is full"),
        (busy, "another program holds the database"),
        (no_room_in_files, "the disk gave an error"),
        (read_only, "the database is read-only"),
        (no_database, "the database is damaged"),
        (wrong, "SQLite says: no such table: elsewhere"),
    ],
)
def test_the_reason_in_words(tmp_path: Path, fails: Callable[[Path], None], said: str) -> None:
    with pytest.raises(sqlite3.Error) as raised:
        fails(tmp_path / "f.db")
    assert reason_of(raised.value) == said


async def test_where_files_may_not_grow_it_says_so_and_goes_on_when_they_may(tmp_path: Path) -> None:
    told: list[str | None] = []
    health: list[bool] = []
    async with storing(tmp_path / "h.db") as store:
        store.watch(told.append)
        first = await store.add(make_capture())
        with small_files(64 * 1024), pytest.raises(StoreUnavailableError, match="disk"):
            await store.add(make_capture(body=os.urandom(300_000)))
        health.append(store.healthy)
        second = await store.add(make_capture())
        health.append(store.healthy)
        assert health == [False, True]
        assert (first.id, told[0], told[-1]) == (1, "the disk gave an error", None)
        with closing(store.reader()) as reader:
            assert [capture.id for capture in reader.page()] == [first.id, second.id]
            assert reader.check() == "ok"


def test_where_no_database_can_be_begun_it_says_what_to_do(tmp_path: Path) -> None:
    with small_files(8 * 1024), pytest.raises(StoreError, match=r"cannot be opened: the disk .+; mend that, or choose"):
        Store.open(tmp_path / "h.db")


async def test_once_stopped_it_takes_nothing_in_whatever_way(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    await store.stop()
    await store.stop()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.add(make_capture()),
        lambda: store.take_in([make_capture()]),
        lambda: store.take_in_part([make_capture()]),
        lambda: store.keep([]),
        lambda: store.reread(lambda capture: capture),
        lambda: store.prune(before=START + timedelta(days=1)),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="the writer is not running"):
            await call()
    assert store.waiting == 0
    assert not store.healthy


@pytest.mark.parametrize("other", [False, True])
async def test_nothing_is_said_to_be_stored_in_a_file_that_was_moved_away(tmp_path: Path, other: bool) -> None:
    path, away = tmp_path / "h.db", tmp_path / "away.db"
    async with storing(path) as store:
        await store.add(make_capture())
        path.rename(away)
        if other:
            path.write_bytes(b"")
        with pytest.raises(StoreUnavailableError, match=MOVED):
            await store.add(make_capture())
        with pytest.raises(StoreUnavailableError, match=MOVED):
            await store.take_in_part([make_capture()])
        assert store.trouble == MOVED
        away.replace(path)
        await store.add(make_capture())
        assert store.healthy
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM captures").fetchone() == (2,)


async def test_a_copy_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await store.add(make_capture(body=bytes(400_000)))
    (tmp_path / "letter.db").write_bytes(b"a letter and not a database" * 100)
    with pytest.raises(StoreError, match="is no database, and hooktop never used it here"):
        backup(tmp_path / "letter.db", tmp_path / "copy.db")
    (tmp_path / "letter.db.lock").touch()  # as beside what hooktop wrote
    with pytest.raises(StoreError, match="cannot be copied: the database is damaged"):
        backup(tmp_path / "letter.db", tmp_path / "copy.db")
    with pytest.raises(StoreError, match=r"cannot be written \(.+\); choose another place"):
        backup(tmp_path / "h.db", tmp_path / "letter.db" / "copy.db")
    async with storing(tmp_path / "large.db") as store:  # more than is held back before it is written
        for _ in range(30):
            await store.add(make_capture(body=bytes(400_000)))
    for name in ("h.db", "large.db"):
        with small_files(128 * 1024), pytest.raises(StoreError, match="cannot be copied: the disk"):
            backup(tmp_path / name, tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == []
    assert backup(tmp_path / "h.db", tmp_path / "copy.db") > 400_000
    with pytest.raises(FileExistsError):
        backup(tmp_path / "h.db", tmp_path / "copy.db")


async def test_two_copies_to_one_place_do_not_spoil_each_other_nor_what_is_beside(tmp_path: Path) -> None:
    path, target, beside = tmp_path / "h.db", tmp_path / "copy.db", tmp_path / "copy.db.part"
    async with storing(path) as store:
        for _ in range(30):
            await store.add(make_capture(body=bytes(400_000)))
    beside.write_text("of somebody else")
    others: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        if not others:
            others.append(0)
            other = Thread(target=lambda: others.append(backup(path, target, replace=True)), daemon=True)
            other.start()
            other.join(30)

    size = backup(path, target, meanwhile, replace=True)
    assert others == [0, size]
    with closing(sqlite3.connect(target)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM captures").fetchone() == (30,)
    assert beside.read_text() == "of somebody else"
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == ["copy.db", "copy.db.part"]
