"""Faults of the database file: damage, logs, formats, a long run (F8 to F10, F26)."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.model.capture import Capture, Source
from monitor.model.verdict import IMPORTED, VerdictStatus
from monitor.services.imports import database
from monitor.services.imports.database import Loss
from monitor.services.imports.problem import ImportProblem
from monitor.store import connection
from monitor.store.backup import backup
from monitor.store.reader import Reader
from monitor.store.schema import APPLICATION_ID, USER_VERSION
from monitor.store.store import Store
from tests.corpora import ROOT
from tests.e2e.programs import environment, listening, run
from tests.factory import START, make_capture, storing

# Makes a database ready, and kills itself at the so many-th statement that it gives to SQLite.
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from monitor.store import connection
real, left = connection.connect, int(sys.argv[2])

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def connect(path, *, read_only):
    db = real(path, read_only=read_only)
    db.set_trace_callback(count)
    return db

connection.connect = connect
connection.prepare(Path(sys.argv[1]))
"""


def prepared_until(path: Path, statement: int) -> int:
    """Make a database ready in a process that dies at a statement; gives its exit code."""
    command = [sys.executable, "-c", KILLED_AT, str(path), str(statement)]
    return subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode


async def filled(path: Path, *bodies: bytes) -> None:
    async with storing(path) as store:
        await asyncio.gather(*(store.add(make_capture(body=body)) for body in bodies))
        await store.caught_up()


def bodies(path: Path) -> list[bytes]:
    with closing(Reader(path)) as reader:
        assert reader.check() == "ok"
        return [capture.request.body for capture in reader.page(limit=100_000)]


def left_by_a_crash(folder: Path, *bodies: bytes) -> Path:
    """A database whose captures are in its log, as a killed program leaves it."""
    folder.mkdir()
    path = folder / "h.db"
    with listening(path, environment(folder)) as program:
        for body in bodies:
            assert httpx.post(f"{program.url}/generic", content=body, trust_env=False).status_code == 200
        program.process.kill()
        program.process.wait(10)
    assert (folder / "h.db-wal").stat().st_size > 0
    return path


async def test_f8_a_zeroed_page_is_found_at_the_start_and_the_file_kept(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    await filled(path, *(b"%d" % n * 500 for n in range(200)))
    whole = bytearray(path.read_bytes())
    whole[20 * 4096 : 21 * 4096] = bytes(4096)
    path.write_bytes(whole)
    await filled(path, b"after")
    assert bodies(path) == [b"after"]
    [aside] = [file for file in tmp_path.glob("h.db.damaged-*") if not file.name.endswith(("-wal", "-shm"))]
    assert aside.read_bytes() == bytes(whole)


@pytest.mark.slow
async def test_f8_what_can_be_read_of_a_damaged_database_comes_back_with_the_command_that_is_told(
    tmp_path: Path,
) -> None:
    path, environ = tmp_path / "h.db", environment(tmp_path)
    sent = [b'{"n": %d, "text": "%s"}' % (n, b"x" * (n * 37 % 9000)) for n in range(4000)]
    async with storing(path) as store:
        await store.take_in(make_capture(body=body) for body in sent)
    whole = bytearray(path.read_bytes())
    page = whole.index(b'{"n": 2000,') // 4096
    whole[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path.write_bytes(whole)
    after = Store.open(path)
    after._lease.give_up()
    assert after.notice is not None
    command = shlex.split(after.notice.partition(" comes back with: hooktop ")[2])
    done = run(command, environ)
    assert done.returncode == 0, done.stderr
    found = re.search(r"is damaged: ([\d,]+) of 4,000 captures can be read, (\d+) lost \((cap_.*)\)\.", done.stderr)
    assert found is not None, done.stderr
    back, lost = int(found[1].replace(",", "")), int(found[2])
    assert (back + lost, 1 <= lost < 40) == (4000, True)
    assert f"Imported {back:,} captures" in done.stderr
    with closing(Reader(path)) as reader:
        captures = reader.page(limit=100_000)
    numbers = [json.loads(capture.request.body)["n"] for capture in captures]
    assert [capture.request for capture in captures] == [make_capture(body=sent[n]).request for n in numbers]
    assert numbers == sorted(set(numbers))
    assert {capture.source for capture in captures} == {Source.IMPORTED}
    assert {capture.verdict.reason for capture in captures} == {f"{IMPORTED}verified: matched"}
    assert {capture.verdict.status for capture in captures} == {VerdictStatus.UNCHECKED}
    missing = sorted(set(range(4000)) - set(numbers))
    for number in missing[:2]:  # all that are lost are named, as long as they stand together
        assert f"cap_{number + 1}" in found[3]
    [aside] = tmp_path.glob("h.db.damaged-*[0-9]")
    assert aside.read_bytes() == bytes(whole)
    assert f"{aside.name} was damaged; 'hooktop import'" in run(["doctor", "--db", str(path)], environ).stdout


async def test_f8_a_byte_that_is_no_text_spoils_nothing_but_its_text(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    await filled(path, *(b'{"n": %d}' % n for n in range(3)))
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE readings SET reason = CAST(x'6dff' AS TEXT) WHERE id = 2")
        db.execute("UPDATE captures SET path = CAST(x'2fff' AS TEXT) WHERE id = 3")
        db.commit()
    assert bodies(path) == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
    loss = Loss()
    back = list(database.captures(path, loss))
    assert [capture.request.body for capture in back] == [b'{"n": 0}', b'{"n": 1}']
    assert back[1].verdict.reason == f"{IMPORTED}verified: m\ufffd"
    assert loss.ids == [(3, 3)]  # no request could have had such a path


@pytest.mark.parametrize("damaged", [0, 1, 63, 127])
async def test_f8_a_damaged_id_costs_what_stands_beside_it_and_reading_ends(tmp_path: Path, damaged: int) -> None:
    path = tmp_path / "h.db"
    async with storing(path) as store:
        await store.take_in(make_capture(body=b'{"n": %d}' % n) for n in range(1, 121))
    whole = path.read_bytes()
    rows = re.compile(rb"([\x3c-\x44])[\x0b-\x3f]\x00\x06")  # its id, then the form of a row: an id, then a time
    places = [found.start() for found in rows.finditer(whole)]
    assert len(places) >= 18  # of captures and of readings
    for place in places:
        path.write_bytes(whole[:place] + bytes([damaged]) + whole[place + 1 :])
        loss = Loss()
        numbers = [
            json.loads(capture.request.body)["n"] for capture in itertools.islice(database.captures(path, loss), 200)
        ]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + loss.number >= 120
        assert loss.number < 64


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [("zeroed", 1), ("cut off", 10)])
async def test_f8_whatever_page_is_lost_what_comes_back_is_what_was_sent(tmp_path: Path, kind: str, step: int) -> None:
    path, damaged = tmp_path / "h.db", tmp_path / "damaged.db"
    sent = [b'{"n": %d, "text": "%s"}' % (n, b"x" * (n * 37 % 9000)) for n in range(200)]
    await filled(path, *sent)
    whole = path.read_bytes()
    pages = len(whole) // 4096
    assert pages > 250
    refused = []
    for page in range(0, pages, step):
        lost = bytes(4096) + whole[(page + 1) * 4096 :] if kind == "zeroed" else b""
        damaged.write_bytes(whole[: page * 4096] + lost)
        loss, numbers = Loss(), []
        try:
            for capture in database.captures(damaged, loss):
                numbers.append(json.loads(capture.request.body)["n"])
                assert capture.request.body == sent[numbers[-1]]
        except ImportProblem:
            refused.append(page)
            continue
        assert numbers == sorted(set(numbers))
        assert loss.read == len(numbers)
        if kind == "zeroed":
            assert len(numbers) + loss.number == 200
    assert refused[0] == 0  # that, and the few with the definitions of the tables
    assert len(refused) < 8


@pytest.mark.slow
def test_f9_a_log_that_a_crash_left_is_recovered(tmp_path: Path) -> None:
    path = left_by_a_crash(tmp_path / "one", b"first", b"second")
    with listening(path, environment(tmp_path)) as program:
        assert httpx.post(f"{program.url}/generic", content=b"third", trust_env=False).status_code == 200
    assert bodies(path) == [b"first", b"second", b"third"]


async def test_f9_without_its_log_the_rest_is_whole_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "one" / "h.db"
    await filled(path, b"first")
    with listening(path, environment(tmp_path)) as program:
        assert httpx.post(f"{program.url}/generic", content=b"in the log", trust_env=False).status_code == 200
        program.process.kill()
        program.process.wait(10)
    (path.parent / "h.db-wal").unlink()
    (path.parent / "h.db-shm").unlink()
    await filled(path, b"second")
    assert bodies(path) == [b"first", b"second"]


async def with_log(folder: Path, before: int, after: int, *, size: int = 1500, since: datetime = START) -> Path:
    """A database with some captures in it, and some more in the log beside it, as a crash leaves the two."""

    def captures(number: int) -> list[Capture]:
        return [replace(make_capture(body=os.urandom(size)), received_at=since) for _ in range(number)]

    folder.mkdir()
    path, left = folder / "running.db", folder / "h.db"
    async with storing(path) as store:
        await asyncio.gather(*map(store.add, captures(before)))
        await store.caught_up()
    async with storing(path) as store:
        await asyncio.gather(*map(store.add, captures(after)))
        await store.caught_up()
        shutil.copy(path, left)
        shutil.copy(folder / "running.db-wal", folder / "h.db-wal")
    return left


@pytest.mark.slow
@pytest.mark.parametrize("other", [(0, 1), (3, 2), (150, 1), (150, 40), (400, 5)])
async def test_f9_the_log_of_another_database_is_put_aside(tmp_path: Path, other: tuple[int, int]) -> None:
    path, theirs = await with_log(tmp_path / "a", 200, 7), await with_log(tmp_path / "b", *other)
    copy = tmp_path / "own" / "h.db"
    copy.parent.mkdir()
    for name in ("h.db", "h.db-wal"):
        shutil.copy(path.with_name(name), copy.with_name(name))
    own = Store.open(copy)
    own._lease.give_up()
    assert (own.notice, len(bodies(copy))) == (None, 207)

    before, log = path.read_bytes(), theirs.with_name("h.db-wal").read_bytes()
    path.with_name("h.db-wal").write_bytes(log)
    store = Store.open(path)
    store._lease.give_up()
    assert path.read_bytes() == before
    [aside] = path.parent.glob("h.db.log-*")
    assert aside.read_bytes() == log
    said = "The log beside the database is another's, or of a later time, and was left out"
    assert store.notice == f"{said}; it is kept as {aside.name}."
    await filled(path, b"after")
    assert bodies(path)[:200] == bodies(copy)[:200]
    assert bodies(path)[200:] == [b"after"]


@pytest.mark.slow
@pytest.mark.parametrize(("older", "then"), [((3, 9), 2), ((50, 1), 1), ((50, 20), 1), ((1000, 3), 2)])
async def test_f9_the_log_of_a_later_time_is_put_aside(tmp_path: Path, older: tuple[int, int], then: int) -> None:
    path, back = tmp_path / "h.db", tmp_path / "backup.db"
    for count in older:
        await filled(path, *(os.urandom(300) for _ in range(count)))
        if not back.exists():
            backup(path, back)
    async with storing(path) as store:
        await asyncio.gather(*(store.add(make_capture(body=os.urandom(300))) for _ in range(then)))
        await store.caught_up()
        log = path.with_name("h.db-wal").read_bytes()
    shutil.copy(back, path)
    path.with_name("h.db-wal").write_bytes(log)
    store = Store.open(path)
    store._lease.give_up()
    assert "is another's, or of a later time" in (store.notice or "")
    assert [one.read_bytes() for one in tmp_path.glob("h.db.log-*")] == [log]
    assert len(bodies(path)) == older[0]


@pytest.mark.slow
@pytest.mark.parametrize("left", ["nothing", "zeros", "noise"])
async def test_f9_wherever_a_crash_cuts_its_own_log_short_it_is_no_other_s(tmp_path: Path, left: str) -> None:
    path = await with_log(tmp_path / "a", 20, 12, size=3000)
    whole, log = path.read_bytes(), path.with_name("h.db-wal").read_bytes()
    for cut in range(0, len(log), 997):
        gone = len(log) - cut
        rest = {"nothing": b"", "zeros": bytes(gone), "noise": os.urandom(gone)}[left]
        path.write_bytes(whole)
        path.with_name("h.db-wal").write_bytes(log[:cut] + rest)
        path.with_name("h.db-shm").unlink(missing_ok=True)
        store = Store.open(path)
        store._lease.give_up()
        assert store.notice is None
        assert len(bodies(path)) >= 20


@pytest.mark.parametrize("other", [(0, 1), (3, 2), (2, 9)])
async def test_f9_the_log_of_another_database_is_put_aside_though_its_pages_fit(
    tmp_path: Path, other: tuple[int, int]
) -> None:
    path = await with_log(tmp_path / "a", 3, 2, size=50)
    theirs = await with_log(tmp_path / "b", *other, size=50, since=START + timedelta(days=1))
    log = theirs.with_name("h.db-wal").read_bytes()
    path.with_name("h.db-wal").write_bytes(log)
    with closing(Reader(path)) as mixed:
        assert mixed.check() == "ok"  # nothing of SQLite's tells
    store = Store.open(path)
    store._lease.give_up()
    [aside] = path.parent.glob("h.db.log-*")
    assert aside.read_bytes() == log
    assert "is another's, or of a later time" in (store.notice or "")
    with closing(Reader(path)) as reader:
        assert [capture.received_at for capture in reader.page(limit=9)] == [START] * 3


async def test_f9_the_doctor_tells_the_log_of_another_database(tmp_path: Path) -> None:
    path = await with_log(tmp_path / "a", 3, 2, size=50)
    theirs = await with_log(tmp_path / "b", 3, 2, size=50, since=START + timedelta(days=1))
    environ = environment(tmp_path)
    assert "database log" not in run(["doctor", "--db", str(path)], environ).stdout
    shutil.copy(theirs.with_name("h.db-wal"), path.with_name("h.db-wal"))
    log = path.with_name("h.db-wal").read_bytes()
    doctor = run(["doctor", "--db", str(path)], environ)
    assert re.search(r"✖ mend  database log .*h\.db-wal is another's, or of a later time, and hides", doctor.stdout)
    assert path.with_name("h.db-wal").read_bytes() == log  # it only looks


async def test_f9_a_log_that_another_program_writes_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.db"
    await filled(path, b"first")

    def write() -> None:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("INSERT INTO public_keys VALUES (NULL, 'volt', ?, ?, '', 0, 0)", (os.urandom(8), "k" * 9000))
        other.commit()

    def pages(path: Path) -> int:  # as a replay that ends does, which keeps its answers
        found = seen(path)
        write()
        return found

    seen = connection._pages
    monkeypatch.setattr(connection, "_pages", pages)
    with closing(sqlite3.connect(path)) as other:
        write()
        store = Store.open(path)
        store._lease.give_up()
        assert store.notice is None
        assert other.execute("SELECT count(*) FROM public_keys").fetchone()[0] == 3
    assert not list(tmp_path.glob("h.db.log-*"))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM public_keys").fetchone()[0] == 3


def test_f9_the_log_of_another_program_s_database_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    Store.open(path)._lease.give_up()
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE theirs AS SELECT zeroblob(100000)")
        db.commit()
        shutil.copy(tmp_path / "other.db-wal", tmp_path / "h.db-wal")
    before = path.read_bytes()
    store = Store.open(path)
    store._lease.give_up()
    assert "is another's, or of a later time" in (store.notice or "")
    assert path.read_bytes() == before
    assert bodies(path) == []


@pytest.mark.slow
def test_f10_killed_at_any_moment_of_its_first_start_a_database_is_made_at_the_next(tmp_path: Path) -> None:
    statement = ended = 0
    while ended != 1:
        statement += 5
        path = tmp_path / f"{statement}.db"
        ended = prepared_until(path, statement) + 1  # 1 where there were fewer statements
        assert ended in (1, 1 - signal.SIGKILL)
        Store.open(path)._lease.give_up()
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == USER_VERSION
            assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert statement > 20 * 5 / 2


@pytest.mark.slow
async def test_f10_killed_at_any_moment_of_an_upgrade_nothing_is_lost(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    await filled(old, *(b"%d" % n for n in range(100)))
    with closing(sqlite3.connect(old)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        kept = ("captures", "readings", "tallies", "public_keys", "_sqlite_migrations")
        drop = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                if name not in kept and not name.startswith(("sqlite_", "search_"))]  # fmt: skip
        for name in drop:
            db.execute(f"DROP TABLE {name}")
        db.execute("DELETE FROM _sqlite_migrations WHERE name NOT LIKE 'm001%'")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    rounds = statement = ended = 0
    while ended != 1:
        rounds += 1
        statement += 3
        path = tmp_path / f"at-{statement}" / "h.db"
        path.parent.mkdir()
        shutil.copy(old, path)
        ended = prepared_until(path, statement) + 1
        assert ended in (1, 1 - signal.SIGKILL)
        await filled(path, b"after")
        assert bodies(path) == [*(b"%d" % n for n in range(100)), b"after"]
        copy = path.with_name("h.db.format-1.bak")
        assert copy.exists()
        assert bodies_of_format_1(copy) == 100
    assert rounds >= 20


def bodies_of_format_1(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        return int(db.execute("SELECT count(*) FROM captures").fetchone()[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "count"),
    [(500, 12_000), (1_000_000, 100)],
)
async def test_f26_the_log_stays_small_with_a_reader_open(tmp_path: Path, size: int, count: int) -> None:
    path = tmp_path / "h.db"
    most = 0
    async with storing(path) as store:
        await store.add(make_capture())
        with closing(store.reader()) as reader:
            assert reader.last_id() == 1
            for start in range(0, count, 100):
                await asyncio.gather(*(store.add(make_capture(body=b"x" * size)) for _ in range(100)))
                assert reader.last_id() == start + 101
                most = max(most, path.with_name("h.db-wal").stat().st_size)
    assert most < 64 * 1024 * 1024
