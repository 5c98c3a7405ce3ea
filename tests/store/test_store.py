"""The store: durable, ordered, private, and honest when it cannot."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor import tasks
from monitor.model.capture import Capture
from monitor.model.filter import parse
from monitor.model.reading import Direction, Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import outage, writer
from monitor.store.connection import committed, connect, prepare
from monitor.store.errors import StoreError, StoreUnavailableError
from monitor.store.filter_sql import compile_filter
from monitor.store.intake import put
from monitor.store.message_reader import MessageReader
from monitor.store.reader import Reader
from monitor.store.retention import forget
from monitor.store.schema import APPLICATION_ID, USER_VERSION
from monitor.store.store import Reread, Store
from tests.factory import START, make_capture, storing


async def test_a_capture_comes_back_whole_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    async with storing(path) as store:
        first = await store.add(make_capture())
        second = await store.add(make_capture())
        assert (first.id, second.id) == (1, 2)
    async with storing(path) as store:
        with closing(store.reader()) as reader:
            assert reader.capture(1) == first
            assert reader.capture(3) is None
            assert reader.tallies() == {("volt", "verified"): 2}
        assert (await store.add(make_capture())).id == 3


async def test_many_at_once_share_transactions_and_keep_their_order(tmp_path: Path) -> None:
    batches: list[Sequence[Capture]] = []
    async with storing(tmp_path / "h.db") as store:
        store.follow(batches.append)
        stored = await asyncio.gather(*(store.add(make_capture(body=b"%d" % n)) for n in range(1000)))
        assert [capture.id for capture in stored] == list(range(1, 1001))
        assert [capture.request.body for capture in stored] == [b"%d" % n for n in range(1000)]
    assert len(batches) < 100
    assert [capture for batch in batches for capture in batch] == list(stored)


async def test_readers_see_pages_rows_and_recent(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(*(store.add(make_capture(body=b"%d" % n)) for n in range(25)))
        with closing(store.reader()) as reader:
            assert reader.last_id() == 25
            assert list(reader.all_ids()) == list(range(1, 26))
            assert [c.id for c in reader.page(after=10, limit=5)] == [11, 12, 13, 14, 15]
            assert [c.id for c in reader.recent(3)] == [23, 24, 25]
            rows = reader.rows([1, 5, 99])
            assert sorted(rows) == [1, 5]
            assert rows[5].sender == "+15555550145"
            assert rows[5].verdict == "verified"


async def test_the_disk_is_synced_before_the_answer(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db"):
        with closing(connect(tmp_path / "h.db", read_only=False)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
            assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            assert db.execute("PRAGMA user_version").fetchone()[0] == USER_VERSION
            assert db.execute("PRAGMA trusted_schema").fetchone()[0] == 0


@pytest.mark.parametrize("umask", [0o000, 0o022])
async def test_files_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        async with storing(tmp_path / "new" / "h.db") as store:
            await store.add(make_capture())
            files = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    finally:
        os.umask(before)
    assert {"h.db", "h.db-wal", "h.db-shm", "h.db.lock"} <= files.keys()
    assert set(files.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


async def test_a_second_writer_is_told_who_holds_the_database(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db"):
        with pytest.raises(StoreError, match=rf"pid {os.getpid()}\) is writing .*--db"):
            Store.open(tmp_path / "h.db")
    async with storing(tmp_path / "h.db"):
        pass


async def test_locked_by_another_program_is_503_for_one_and_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.connection.BUSY_TIMEOUT_S", 0.05)
    states: list[str | None] = []
    async with storing(tmp_path / "h.db") as store:
        store.watch(states.append)
        with closing(sqlite3.connect(tmp_path / "h.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError, match="another program holds the database"):
                await store.add(make_capture())
            assert store.trouble == "another program holds the database"
            other.execute("ROLLBACK")
        assert (await store.add(make_capture())).id == 1
        assert store.healthy
    assert states == ["another program holds the database", None]


async def test_that_nothing_holds_the_database_any_more_is_seen_without_a_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.connection.BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(outage, "TRY_S", 0.02)
    async with storing(tmp_path / "h.db") as store:
        with closing(sqlite3.connect(tmp_path / "h.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError, match="another program holds the database"):
                await store.add(make_capture())
            await asyncio.sleep(0.1)
            assert store.trouble is not None
            other.execute("ROLLBACK")
        await works_again(store)
        assert await writer_pragma(store, "busy_timeout") == 50


async def test_that_the_database_was_put_back_is_seen_without_a_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "TRY_S", 0.02)
    async with storing(tmp_path / "h.db") as store:
        await store.add(make_capture())
        (tmp_path / "h.db").rename(tmp_path / "elsewhere.db")
        with pytest.raises(StoreUnavailableError, match="moved or deleted"):
            await store.add(make_capture())
        await asyncio.sleep(0.1)
        assert store.trouble is not None
        (tmp_path / "elsewhere.db").rename(tmp_path / "h.db")
        await works_again(store)


async def works_again(store: Store) -> None:
    async with asyncio.timeout(5):
        while not store.healthy:
            await asyncio.sleep(0.01)


async def test_a_row_that_another_program_wrote_meanwhile_costs_one_request(tmp_path: Path) -> None:
    async with storing(tmp_path / "hooktop.db") as store:
        first = await store.add(make_capture())
        with closing(connect(store.path, read_only=False)) as db:
            committed(db, partial(put, captures=[make_capture()]))
        with pytest.raises(StoreUnavailableError):
            await store.add(make_capture())
        assert (await store.add(make_capture())).id == first.id + 2


async def test_a_full_disk_is_said_and_recovers(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await store.add(make_capture())
        pages = await writer_pragma(store, "page_count")
        await writer_pragma(store, f"max_page_count = {pages}")
        with pytest.raises(StoreUnavailableError, match="the disk is full"):
            await store.add(make_capture(body=b"x" * 100_000))
        assert store.trouble == "the disk is full"
        await writer_pragma(store, "max_page_count = 1000000")
        assert (await store.add(make_capture(body=b"x" * 100_000))).id == 2
        assert store.trouble is None


async def writer_pragma(store: Store, pragma: str) -> int:
    assert store._writer is not None
    return int((await store._writer.run(lambda db: db.execute(f"PRAGMA {pragma}").fetchone()))[0])


async def test_too_many_waiting_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    async with storing(tmp_path / "h.db") as store:
        futures = [store.add(make_capture()) for _ in range(3)]
        with pytest.raises(StoreUnavailableError, match="3 captures are waiting"):
            while True:
                futures.append(store.add(make_capture()))
        await asyncio.gather(*futures)


async def test_a_reading_that_cannot_be_bound_does_not_cost_the_request(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        bad = make_capture(body=b"kept", reading=Reading(text="\ud800"))
        good = make_capture(body=b"good")
        stored = await asyncio.gather(store.add(good), store.add(bad), store.add(good))
        assert [c.id for c in stored] == [1, 2, 3]
        with closing(store.reader()) as reader:
            kept = reader.capture(2)
            assert kept is not None
            assert kept.request.body == b"kept"
            assert kept.reading is None
            assert kept.marks == ("unreadable",)


async def test_stop_commits_what_waits(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        futures = [store.add(make_capture()) for _ in range(50)]
    assert [future.result().id for future in futures] == list(range(1, 51))
    assert not (tmp_path / "h.db-wal").exists() or (tmp_path / "h.db-wal").stat().st_size == 0


@pytest.mark.parametrize("reason", [outage.MOVED, "SQLite says: unable to open database file"])
async def test_nobody_waits_for_a_writer_that_cannot_open_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    path, taken = tmp_path / "h.db", threading.Event()
    prepare(path)
    gone = path if reason == outage.MOVED else tmp_path / "no.db"

    def late(path: Path, **how: bool) -> sqlite3.Connection:
        assert taken.wait(5)
        gone.unlink(missing_ok=True)
        os.stat(path)
        return connect(gone, **how)

    monkeypatch.setattr(writer, "connect", late)
    states: list[str | None] = []
    one = writer.Writer(path, lambda batch: None, states.append)
    one.start()
    told: list[asyncio.Future[Any]] = [one.submit(make_capture()), one.run(lambda db: None), one.step(lambda db: None)]
    await asyncio.sleep(0)  # what comes in one turn is handed over at its end
    taken.set()
    answers = await asyncio.wait_for(asyncio.gather(*told, return_exceptions=True), 5)
    assert [(type(answer), str(answer)) for answer in answers] == [(StoreUnavailableError, reason)] * 3
    assert states == [reason]
    await one.stop()


async def test_after_stop_nothing_is_taken(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        pass
    with pytest.raises(StoreUnavailableError):
        store.add(make_capture())


async def test_long_work_in_steps_gives_way_to_captures(tmp_path: Path) -> None:
    prepare(tmp_path / "h.db")
    one = writer.Writer(tmp_path / "h.db", lambda batch: None, lambda reason: None)
    one.start()
    between: list[int] = []  # captures that were committed after each step, before the next

    async def work() -> None:
        for _ in range(5):
            await one.step(lambda db: time.sleep(0.05))
            between.append(0)

    try:
        await one.submit(make_capture())
        working = tasks.start(work(), "steps")
        while not working.done():
            await one.submit(make_capture())
            between[-1:] = [count + 1 for count in between[-1:]]
    finally:
        await one.stop()
    assert len(between) == 5
    assert min(between[:-1]) >= 3


async def test_reread_builds_readings_and_tallies_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.writer.PROJECT_STEP", 1)  # which takes many times as long as the looks between

    def examine(capture: Capture) -> Capture:
        return replace(capture, verdict=Verdict(VerdictStatus.INVALID, "now wrong"), marks=())

    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(*(store.add(make_capture()) for _ in range(1203)))
        seen: list[tuple[int, int]] = []
        made: list[float] = []
        done = await store.reread(examine, lambda done, total: seen.append((done, total)), made=made.append)
        assert done == Reread(1203, 1203, -1203)
        assert seen[-1] == (1203, 1203)
        assert made == sorted(made)
        assert made[0] == 0.0 < made[-1] < 1.0
        with closing(store.reader()) as reader:
            assert reader.tallies() == {("volt", "invalid"): 1203}
            found = reader.capture(1203)
            assert found is not None
            assert found.verdict.reason == "now wrong"
            assert found.request == make_capture().request


async def test_reread_beside_captures_that_come_and_go(tmp_path: Path) -> None:
    """The counts of who follows stay those of the store, and what is deleted meanwhile does not come back."""
    kinds: Counter[tuple[str, str]] = Counter()

    def added(batch: Sequence[Capture]) -> None:
        kinds.update((capture.provider, capture.verdict.status.value) for capture in batch)

    async with storing(tmp_path / "h.db") as store:
        store.follow(added)
        store.on_pruned(kinds.subtract)
        store.on_reread(kinds.subtract)
        old = [replace(make_capture(), received_at=START - timedelta(days=9), reading=None) for _ in range(150)]
        await asyncio.gather(*(store.add(capture) for capture in [*old, *(make_capture() for _ in range(450))]))
        await store.caught_up()
        loop, pruned = asyncio.get_running_loop(), asyncio.Event()

        async def come_and_go() -> None:
            for _ in range(100):
                await store.add(make_capture())
            assert await store.prune(START - timedelta(days=1)) == 150
            pruned.set()

        def examine(capture: Capture) -> Capture:
            if capture.id == 50:  # the page of which it is one has been read
                asyncio.run_coroutine_threadsafe(pruned.wait(), loop).result(20)
            wrong = capture.id <= 300
            return replace(capture, verdict=Verdict(VerdictStatus.INVALID, "now wrong")) if wrong else capture

        done, _ = await asyncio.gather(store.reread(examine, whole=False), come_and_go())
        assert done.changed == 150
        assert +kinds == {("volt", "invalid"): 150, ("volt", "verified"): 400}
        with closing(store.reader()) as reader:
            assert reader.tallies() == +kinds
            assert reader.capture(50) is None
        with closing(connect(tmp_path / "h.db", read_only=True)) as db:
            assert db.execute("SELECT count(*), min(id) FROM readings").fetchone() == (550, 151)


async def test_reread_that_changes_nothing_leaves_messages_alone_and_one_that_is_stopped_is_whole(
    tmp_path: Path,
) -> None:
    def wrong(capture: Capture) -> Capture:
        return replace(capture, verdict=Verdict(VerdictStatus.INVALID, "now wrong"))

    told: list[object] = []
    async with storing(tmp_path / "h.db") as store:
        store.on_reread(told.append)
        await asyncio.gather(*(store.add(make_capture()) for _ in range(350)))
        await store.caught_up()
        assert await store.reread(lambda capture: capture, whole=False) == Reread(350, 0)
        assert told == []
        seen: list[int] = []
        stopped = await store.reread(
            wrong, lambda upto, last: seen.append(upto), whole=False, stop=lambda: len(seen) == 2
        )
        assert stopped == Reread(200, 200, -200)
        assert told == [{("volt", "invalid"): -200, ("volt", "verified"): 200}]
        with closing(MessageReader(tmp_path / "h.db")) as messages:
            message = messages.message(1)
            assert message is not None
            assert (message.capture_count, message.unproven_count) == (350, 200)


async def test_what_was_let_go_does_not_count_to_what_is_reread(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        old = [replace(make_capture(), received_at=START - timedelta(days=9), reading=None) for _ in range(150)]
        await asyncio.gather(*(store.add(capture) for capture in [*old, *(make_capture() for _ in range(150))]))
        await store.caught_up()
        assert await store.prune(START - timedelta(days=1)) == 150
        seen: list[tuple[int, int]] = []
        await store.reread(lambda capture: capture, lambda done, total: seen.append((done, total)))
        assert seen == [(100, 150), (150, 150)]


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "h.db")) as db:
        db.execute(f"PRAGMA user_version = {USER_VERSION + 1}")
    with pytest.raises(StoreError, match="newer hooktop"):
        Store.open(tmp_path / "h.db")


async def test_a_database_of_another_program_is_refused_and_untouched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path / "other.db")
    assert (tmp_path / "other.db").read_bytes() == before


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, None])
async def test_a_damaged_database_is_moved_aside_never_overwritten(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "h.db"
    async with storing(path) as store:
        await asyncio.gather(*(store.add(make_capture()) for _ in range(200)))
    if damage is None:
        whole = path.read_bytes()
        damage = whole[: len(whole) // 2]
    path.write_bytes(damage)
    async with storing(path) as store:
        assert store.notice is not None
        assert "damaged" in store.notice
        assert (await store.add(make_capture())).id == 1
    aside = [p for p in tmp_path.iterdir() if ".damaged-" in p.name and not p.name.endswith(("-wal", "-shm"))]
    assert [p.read_bytes() for p in aside] == [damage]


@pytest.mark.parametrize("content", [b"some notes\n", b"# Notes\n" * 1000, bytes(8192)], ids=["short", "long", "zeros"])
def test_a_file_that_was_named_by_mistake_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is no database, and hooktop never used it here; name another file with --db"):
        Store.open(path)
    with pytest.raises(StoreError, match="is no database.* or look into it with 'hooktop open'"):
        Reader(path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("notes.txt", content)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_that_was_named_by_mistake_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)  # so that who reads it does not wait here
    try:
        os.write(pipe, b"SQLite format 3\0")
        for opened in (Store.open, Reader):
            with pytest.raises(StoreError, match="is no database, and hooktop never used it here"):
                opened(path)
    finally:
        os.close(pipe)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["folder", "link", "below a file"])
async def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "h.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        (tmp_path / "real.db").touch()
        path.symlink_to(tmp_path / "real.db")
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "h.db"
    with pytest.raises(StoreError, match="--db"):
        Store.open(path)


async def test_who_follows_the_commits_hears_of_them_although_another_fails(tmp_path: Path) -> None:
    heard: list[int] = []

    def failing(batch: Sequence[Capture]) -> None:
        raise RuntimeError("of a screen")

    async with storing(tmp_path / "h.db") as store:
        store.follow(failing)
        store.follow(lambda batch: heard.extend(capture.id for capture in batch))
        for _ in range(3):
            await store.add(make_capture())
        assert heard == [1, 2, 3]


async def test_ids_are_right_while_captures_come_and_some_are_missing(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for _ in range(9):
            await store.add(make_capture())
        assert store._writer is not None
        await store._writer.run(partial(forget, ids=[3, 4]))
        with closing(connect(store.path, read_only=False)) as other, closing(store.reader()) as reader:
            committing: list[str] = []

            def commit(statement: str) -> None:  # between any two statements of the reader two captures come
                if "tallies" in statement and not committing:
                    committing.append(statement)
                    committed(other, partial(put, captures=[make_capture(), make_capture()]))

            reader._db.set_trace_callback(commit)
            ids = list(reader.all_ids())
            reader._db.set_trace_callback(None)
            assert committing
            assert set(range(1, 10)) - set(ids) == {3, 4}


async def test_what_a_reread_leaves_when_it_ends_in_the_middle_is_of_one_piece(tmp_path: Path) -> None:
    path, number = tmp_path / "h.db", 0

    def examine(capture: Capture) -> Capture:
        nonlocal number
        number += 1
        if number > 700:
            raise SystemError("as if it had been killed")
        assert capture.reading is not None
        reading = replace(capture.reading, text=f"another {capture.id}", message=f"volt:new{capture.id}")
        return replace(capture, reading=reading, verdict=Verdict(VerdictStatus.UNSIGNED, "anew"))

    def reading(n: int) -> Reading:
        return Reading(message=f"volt:{n}", text=f"before {n}", direction=Direction.INBOUND, conversation="volt:a,b")

    async with storing(path) as store:
        await asyncio.gather(*(store.add(make_capture(body=b"%d" % n, reading=reading(n))) for n in range(1, 1001)))
        await store.caught_up()
        with pytest.raises(SystemError):
            await store.reread(examine)
    async with storing(path) as store:
        await store.caught_up()
        with closing(MessageReader(path)) as reader:
            last = reader.last_id()
            for text in ("another", "before"):
                where = compile_filter(parse(text), START)
                found = reader.matching(where, 1, last)
                assert found == reader.matching(replace(where, search=None), 1, last)
                assert found
            of_captures = reader.tallies()
            assert {key: n for key, n in of_captures.items() if n} == {
                ("volt", "unsigned"): 700,
                ("volt", "verified"): 300,
            }
            keys = {message.key for message in reader.messages(range(1, last + 1)).values()}
            assert keys == {f"volt:new{n}" for n in range(1, 701)} | {f"volt:{n}" for n in range(701, 1001)}
            assert await store.prune(START + timedelta(days=9)) == 1000
            assert reader.matching(compile_filter(parse("another"), START), 1, last) == []
        with closing(connect(path, read_only=True)) as db:
            assert db.execute("SELECT count(*) FROM search WHERE search MATCH '\"bef\"'").fetchone() == (0,)
            assert db.execute("SELECT count(*) FROM messages").fetchone() == (0,)
