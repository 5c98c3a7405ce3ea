"""Faults of the disk: full, limited, read-only, locked, slow (F3 to F5, F25)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from monitor.store.reader import Reader
from tests.e2e.programs import Listening, environment, listening
from tests.e2e.terminal import Terminal
from tests.services.sample import captures, store

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: a namespace of its own, or limits of others")


@functools.cache
def may_mount() -> bool:
    """Whether this user may mount in a namespace of its own."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0


def mounted(folder: Path, options: str) -> list[str]:
    """The beginning of a command that runs with a small filesystem of its own on ``folder``."""
    if not may_mount():
        pytest.skip("mounting is not permitted here")
    script = f'mount -t tmpfs -o {options} tmpfs "{folder}" && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


def within(pid: int, *command: str) -> str:
    """Run a command where a program's filesystem is; gives what it printed."""
    entering = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(pid)]
    home = environment(Path("/nonexistent"))
    done = subprocess.run([*entering, *command], env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bodies_within(pid: int, db: Path) -> list[bytes]:
    """The bodies in a database of a program's own filesystem, as another program reads them."""
    command = (sys.executable, "-m", "monitor", "captures", "--json", "--limit", "100000", "--db", str(db))
    return [json.loads(line)["request"]["body"].encode() for line in within(pid, *command).splitlines()]


def post(url: str, body: bytes) -> int:
    return httpx.post(f"{url}/generic", content=body, trust_env=False, timeout=30).status_code


def until(wanted: int, url: str, body: bytes) -> None:
    """Post until the answer is the wanted one."""
    end = time.monotonic() + 30
    while (status := post(url, body)) != wanted:
        assert time.monotonic() < end, status


def bodies(db: Path) -> list[bytes]:
    with closing(Reader(db)) as reader:
        assert reader.check() == "ok"
        return [capture.request.body for capture in reader.page(limit=100_000)]


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when something is so."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def health(url: str) -> int:
    return httpx.get(f"{url}/healthz", trust_env=False, timeout=30).status_code


@linux
def test_f3_a_full_disk_is_503_and_a_banner_and_goes_by_itself(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    before = [*mounted(place, "size=2m"), sys.executable, "-m", "monitor", "run", "--port", "0", "--db"]
    with Terminal([], environment(tmp_path), command=[*before, str(place / "h.db")]) as terminal:
        found = re.search(r"http://127\.0\.0\.1:\d+", terminal.wait(r"http://127\.0\.0\.1:\d+"))
        assert found is not None
        url = found[0]
        pid = terminal.process.pid
        kept = [b"%03d" % n * 1000 for n in range(20)]
        assert [post(url, body) for body in kept] == [200] * 20
        filler = Path(f"/proc/{pid}/root{place}/filler")
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        until(503, url, b"x" * 100_000)
        terminal.wait("STORE BUSY the disk is full")
        assert health(url) == 503
        stored = bodies_within(pid, place / "h.db")
        assert stored[:20] == kept
        assert set(stored[20:]) <= {b"x" * 100_000}
        terminal.press("k\r")  # and the screens go on reading
        terminal.wait("esc back")
        filler.unlink()
        wait_for(lambda: health(url) == 200)  # before anything comes in
        assert post(url, b"after") == 200
        assert health(url) == 200
        terminal.wait_gone("STORE BUSY")
        assert bodies_within(pid, place / "h.db") == [*stored, b"after"]
        terminal.press("qq")
        assert terminal.end() == 0


@linux
@pytest.mark.parametrize("kilobytes", [0, 64])
def test_f3_a_limit_on_file_sizes_is_503_and_goes_by_itself(tmp_path: Path, kilobytes: int) -> None:
    db = tmp_path / "h.db"
    with listening(db, environment(tmp_path)) as program:
        assert post(program.url, b"first") == 200
        size = db.with_name("h.db-wal").stat().st_size + kilobytes * 1024
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        until(503, program.url, b"x" * 50_000)
        assert health(program.url) == 503
        stored = bodies(db)
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert post(program.url, b"after") == 200
        assert health(program.url) == 200
        assert bodies(db) == [*stored, b"after"]


@linux
@pytest.mark.slow
def test_f3_a_disk_without_room_for_the_checkpoint_does_not_end_the_writer(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    db = place / "h.db"
    with listening(db, environment(tmp_path), before=mounted(place, "size=64m")) as program:
        pid = program.process.pid

        async def flood(number: int) -> Counter[int]:
            async with httpx.AsyncClient(base_url=program.url, trust_env=False, timeout=30) as http:
                sent = [http.post("/generic", content=b"x" * 3000) for _ in range(number)]
                return Counter([answer.status_code for answer in await asyncio.gather(*sent)])

        stored = 0
        while stored < 900:  # the log is due for its checkpoint at 1,000
            assert asyncio.run(flood(50)) == {200: 50}
            stored += 50
        disk = os.statvfs(f"/proc/{pid}/root{place}")
        filler = Path(f"/proc/{pid}/root{place}/filler")
        filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - 2 * 1024 * 1024))
        for _ in range(20):
            answers = asyncio.run(flood(50))
            assert set(answers) <= {200, 503}
            stored += answers[200]
        assert stored > 1000
        filler.unlink()
        until(200, program.url, b"after")
        assert health(program.url) == 200
        assert len(bodies_within(pid, db)) == stored + 1


@contextlib.contextmanager
def small_disk(place: Path, options: str) -> Iterator[int]:
    """A small filesystem on a folder; gives the pid of a program whose folder it is, and so can be that of others."""
    place.mkdir()
    command = [*mounted(place, options), "sh", "-c", "echo there; exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"there\n"
        try:
            yield program.pid
        finally:
            program.kill()


def fill(disk: Path) -> Path:
    """Take every byte that is left; gives the file that has them."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))
    assert os.statvfs(disk).f_bavail == 0
    return filler


def flooded(url: str, number: int) -> None:
    """Captures of 30 KB each."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        for n in range(number):
            body = b"%06d" % n + os.urandom(30_000)
            assert http.post(f"{url}/generic", content=body).status_code == 200


def size(file: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return file.stat().st_size if file.exists() else 0


def kept(disk: Path) -> int:
    """Bytes of the reserve."""
    return size(disk / "h.db.reserve")


# Looks after its space each second in place of every 20.
OFTEN = ("-c", "import sys; from monitor.services import retention; retention.ROOM_EVERY_S = 1; "
         "from monitor.cli.app import run; sys.exit(run(sys.argv[1:]))")  # fmt: skip
MIB = 1024 * 1024


@linux
@pytest.mark.slow
@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGKILL])
def test_f3_on_a_full_disk_captures_can_be_deleted(tmp_path: Path, ends: signal.Signals) -> None:
    place, environ = tmp_path / "disk", environment(tmp_path)
    db = place / "h.db"
    with small_disk(place, "size=256m") as pid:
        entering = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(pid)]
        disk = Path(f"/proc/{pid}/root{place}")
        reserve = disk / "h.db.reserve"
        with listening(db, environ, before=entering, python=OFTEN) as program:
            flooded(program.url, 1000)
            wait_for(lambda: kept(disk) > 28 * MIB)
            assert stat.S_IMODE(reserve.stat().st_mode) == 0o600
            fill(disk)
            until(503, program.url, b"x" * 900_000)
            program.process.send_signal(ends)
            program.process.wait(30)
        fill(disk)
        before = len(bodies_within(pid, db))
        pruned = within(pid, sys.executable, "-m", "monitor", "prune", "--keep", "700", "--yes", "--db", str(db))
        assert pruned == ""
        left = bodies_within(pid, db)
        assert (before >= 1000, len(left)) == (True, 700)
        assert not reserve.exists()
        assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize > 12 * MIB
        with listening(db, environ, before=entering, python=OFTEN) as program:
            assert post(program.url, b"after") == 200
            (disk / "filler").unlink()
            wait_for(lambda: kept(disk) > 18 * MIB)


@linux
def test_f3_what_is_kept_of_the_reserve_stays_when_the_disk_is_full_before_all_of_it_is(tmp_path: Path) -> None:
    db = tmp_path / "h.db"
    with db.open("wb") as file:
        file.truncate(40 * MIB)
    limited = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({18 * MIB}, {18 * MIB}))\n"
        "import sys; from pathlib import Path; from monitor.store.reserve import Reserve\n"
        "Reserve(Path(sys.argv[1])).keep()"
    )
    subprocess.run([sys.executable, "-c", limited, str(db)], check=True)
    assert size(tmp_path / "h.db.reserve") == 18 * MIB


@linux
@pytest.mark.slow
def test_f3_a_full_disk_has_room_again_when_old_captures_may_go(tmp_path: Path) -> None:
    place, environ = tmp_path / "disk", environment(tmp_path)
    config = tmp_path / "config.toml"
    config.write_text('[store]\nkeep = "30s"\n', "utf-8")
    config.chmod(0o600)
    db = place / "h.db"
    often = (OFTEN[0], OFTEN[1].replace("from monitor.cli", "retention.AGE_EVERY = 1; from monitor.cli"))
    with small_disk(place, "size=256m") as pid:
        entering = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(pid)]
        disk = Path(f"/proc/{pid}/root{place}")
        with listening(db, environ, "--config", str(config), before=entering, python=often) as program:
            flooded(program.url, 600)
            wait_for(lambda: 0 < size(disk / "h.db") + size(disk / "h.db-wal") - MIB <= kept(disk))
            fill(disk)
            until(503, program.url, b"x" * 900_000)
            end = time.monotonic() + 90
            while len(bodies_within(pid, db)) >= 600:  # the reserve, which goes first, has room for others, too
                assert time.monotonic() < end
                time.sleep(1)
            until(200, program.url, b"x" * 900_000)
            assert health(program.url) == 200


@linux
def test_f4_a_read_only_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    command = [*mounted(place, "size=1m,ro"), sys.executable, "-m", "monitor", "listen", "--port", "0", "--db"]
    done = subprocess.run(
        [*command, str(place / "h.db")], env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        f"hooktop: The database {place}/h.db cannot be written (Read-only file system); choose another place with "
        "--db.\n"
    )


@pytest.mark.slow
def test_f5_a_lock_is_waited_for_then_503_and_reads_go_on(tmp_path: Path) -> None:
    db = tmp_path / "h.db"
    with listening(db, environment(tmp_path)) as program:
        assert post(program.url, b"first") == 200
        with closing(sqlite3.connect(db, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            release = threading.Timer(2, other.execute, ("ROLLBACK",))
            release.start()
            assert post(program.url, b"waited") == 200  # shorter than the wait
            release.join()
            other.execute("BEGIN IMMEDIATE")
            assert post(program.url, b"too long") == 503
            assert health(program.url) == 503
            assert bodies(db) == [b"first", b"waited"]
            other.execute("ROLLBACK")
        assert post(program.url, b"after") == 200
        assert health(program.url) == 200
    assert bodies(db) == [b"first", b"waited", b"after"]


@contextlib.contextmanager
def with_slow_syncs(
    db: Path, environ: dict[str, str], milliseconds: int, python: Sequence[str] = ("-m", "monitor")
) -> Iterator[Listening]:
    """A receiver whose every sync of a file takes so long; its database is made before."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    with listening(db, environ) as program:
        program.process.terminate()
        program.process.wait(30)
    before = ["strace", "-f", "-o", os.devnull, "--seccomp-bpf", "-e", "trace=fdatasync,fsync",
              "-e", f"inject=fdatasync,fsync:delay_enter={milliseconds * 1000}"]  # fmt: skip
    with listening(db, environ, before=before, python=python) as program:
        strace = program.process.pid
        pid = int(Path(f"/proc/{strace}/task/{strace}/children").read_text().split()[0])
        try:
            yield program
        finally:
            os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.process.wait(60)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


# 20 may wait in place of 2,000: an address may have 64 connections.
SHORT = ("-c", "import sys; from monitor.store import writer; writer.MAX_WAITING = 20; "
         "from monitor.cli.app import run; sys.exit(run(sys.argv[1:]))")  # fmt: skip


@linux
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_f25_a_slow_disk_has_a_bounded_queue_and_the_rest_is_503(tmp_path: Path) -> None:
    db = tmp_path / "h.db"
    answers: Counter[int] = Counter()
    acknowledged: list[bytes] = []

    async def one(port: int, number: int) -> None:
        body = b"%06d" % number * 100
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"POST /generic HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()
        status = int(head.split()[1])
        answers[status] += 1
        if status == 200:
            acknowledged.append(body)
        else:
            assert b"retry-after: 5" in head.lower()

    async def burst(port: int) -> None:
        for _ in range(2):
            await asyncio.gather(*(one(port, number) for number in range(60)))

    with with_slow_syncs(db, environment(tmp_path), 2000, SHORT) as program:
        asyncio.run(burst(program.port))
        assert sum(answers.values()) == 120
        assert set(answers) == {200, 503}
        assert post(program.url, b"after") == 200
    assert sorted(bodies(db)) == sorted([*acknowledged, b"after"])


@linux
@pytest.mark.slow
def test_f25_half_a_second_a_commit_is_shared_by_those_who_wait(tmp_path: Path) -> None:
    async def burst(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            sent = (http.post("/generic", content=b"%d" % number) for number in range(50))
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    db = tmp_path / "h.db"
    with with_slow_syncs(db, environment(tmp_path), 500) as program:
        begun = time.monotonic()
        assert asyncio.run(burst(program.url)) == [200] * 50
        assert time.monotonic() - begun < 12  # one by one they would take 25 s
    assert sorted(bodies(db)) == sorted(b"%d" % number for number in range(50))


@linux
async def test_f4_a_database_that_nobody_can_change_is_read(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    await store(place / "h.db", captures(3))
    assert not (place / "h.db-wal").exists()
    if not may_mount():
        pytest.skip("mounting is not permitted here")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(place), sys.executable]

    def hooktop(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*before, "-m", "monitor", *words, "--db", str(place / "h.db")]
        return subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)

    assert len(hooktop("captures", "--json").stdout.splitlines()) == 3
    done = hooktop("listen", "--port", "0", "--for", "1")
    assert done.returncode == 2
    assert "cannot be written (Read-only file system)" in done.stderr
