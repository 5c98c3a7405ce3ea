"""Faults around the receiver: a dead server, few descriptors, little memory, half requests, a clock that jumps
(F11, F24, F30, F36, F37)."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.receiver.server import _Server
from monitor.services.examine import Examiner
from monitor.services.monitor import Monitor, Settings
from monitor.services.reach import Reach
from monitor.store.reader import Reader
from monitor.store.store import Store
from tests.e2e.programs import environment, listening
from tests.factory import FixedKeys, Mark
from tests.parsers import both_parsers, configured, fast
from tests.ui.screens import plain_captures, screens

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: limits set from outside")


def post(url: str, body: bytes = b"{}") -> int:
    return httpx.post(f"{url}/generic", content=body, trust_env=False, timeout=30).status_code


def bodies(db: Path) -> list[bytes]:
    with closing(Reader(db)) as reader:
        assert reader.check() == "ok"
        return [capture.request.body for capture in reader.page(limit=100_000)]


async def test_f11_a_clock_that_jumps_changes_no_order_and_no_rate(tmp_path: Path) -> None:
    times = iter([datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=days) for days in (0, 1, -1, 365, -365)])
    examiner = Examiner(registry(), FixedKeys(), lambda body, value: False)
    store, sock, reach = Store.open(tmp_path / "h.db"), bind("127.0.0.1", 0), Reach(None, None, Mark())
    monitor = Monitor(store, examiner, sock, Settings(fast=fast()), reach, now=lambda: next(times))
    await monitor.start()
    try:
        async with httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10) as http:
            for number in range(5):
                assert (await http.post("/generic", content=b"%d" % number)).status_code == 200
        assert sum(monitor.feed.per_second()) == 5
    finally:
        await monitor.stop()
    assert bodies(tmp_path / "h.db") == [b"0", b"1", b"2", b"3", b"4"]


async def test_f24_a_server_that_dies_is_said_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def die(server: object, counter: int) -> bool:
        raise RuntimeError("boom")

    async with screens(tmp_path, plain_captures(1)) as s:
        receiver = s.monitor._receiver
        assert receiver is not None
        with monkeypatch.context() as dying:  # each one that is started dies, until this ends
            dying.setattr(_Server, "on_tick", die)
            await s.until(lambda: "RECEIVER DOWN" in s.screen_text())
        await s.until(lambda: s.monitor.receiving and "RECEIVER DOWN" not in s.screen_text())
        assert receiver.restarts >= 1
        await s.until(lambda: f"receiver restarted ×{receiver.restarts}" in s.screen_text())
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            assert (await http.post(f"{s.monitor.url}/volt", content=b"{}")).status_code == 200


@both_parsers
@pytest.mark.slow
async def test_f30_1000_half_requests_store_nothing_and_say_nothing(tmp_path: Path) -> None:
    configured(tmp_path)
    db = tmp_path / "h.db"
    with listening(db, environment(tmp_path), python=("-c", QUIET)) as program:
        for _ in range(1000):
            reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
            writer.write(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{")
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            del reader
        assert post(program.url, b"whole") == 200
        program.process.terminate()
        assert program.process.wait(30) == 0
        summary = list(program.records())[-1]
    assert summary["stored"] == 1
    assert 900 <= summary["refused"]["499"] <= 1000  # one that was seen to end before its head was read is not counted
    assert bodies(db) == [b"whole"]
    said = (tmp_path / "errors").read_text()
    assert len(said.splitlines()) <= 3, said[:2000]


# Its errors go to a file beside it.
QUIET = (
    "import os, sys; os.dup2(os.open(os.path.expanduser('~/errors'), os.O_WRONLY | os.O_CREAT, 0o600), 2); "
    "from monitor.cli.app import run; sys.exit(run(sys.argv[1:]))"
)


@linux
@both_parsers
@pytest.mark.slow
async def test_f36_with_128_descriptors_accepting_goes_on_once_there_is_room(tmp_path: Path) -> None:
    configured(tmp_path)
    db = tmp_path / "h.db"
    few = ["prlimit", "--nofile=128:128"]
    with listening(db, environment(tmp_path), before=few) as program:
        assert post(program.url, b"first") == 200
        held = []
        for _ in range(200):
            held.append(await asyncio.open_connection("127.0.0.1", program.port))
            held[-1][1].write(b"POST /generic HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        for _, writer in held[:190]:
            writer.close()
        answers = Counter([await asyncio.to_thread(post, program.url, b"%d" % number) for number in range(50)])
        assert answers == {200: 50}
        for _, writer in held:
            writer.close()
        assert program.process.poll() is None
    assert bodies(db) == [b"first", *(b"%d" % number for number in range(50))]


@linux
@both_parsers
@pytest.mark.slow
async def test_f37_without_memory_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    configured(tmp_path)
    db = tmp_path / "h.db"
    acknowledged: set[bytes] = set()
    statuses: Counter[int | str] = Counter()
    with listening(db, environment(tmp_path)) as program:
        pid = program.process.pid
        in_use = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (in_use + 24 * 1024 * 1024, in_use + 24 * 1024 * 1024))

        async def sender(start: int) -> None:
            async with httpx.AsyncClient(base_url=program.url, trust_env=False, timeout=20) as http:
                for number in range(start, start + 20):
                    body = b"%06d" % number * 150_000
                    try:
                        answer = await http.post("/generic", content=body)
                    except httpx.HTTPError:
                        statuses["broken"] += 1
                        continue
                    statuses[answer.status_code] += 1
                    if answer.status_code == 200:
                        acknowledged.add(body)

        await asyncio.gather(*(sender(n * 100) for n in range(30)))
        assert statuses[200]
        assert len(statuses) > 1, "memory was not short"
    assert acknowledged <= set(bodies(db))
    with listening(db, environment(tmp_path)) as program:
        assert post(program.url, b"after") == 200


@pytest.mark.slow
def test_f38_the_copy_made_under_load_is_whole(tmp_path: Path) -> None:
    db, copy = tmp_path / "h.db", tmp_path / "copy.db"
    environ = environment(tmp_path)

    async def load(url: str) -> list[bytes]:
        sent: list[bytes] = []
        backup = [sys.executable, "-m", "monitor", "backup", str(copy), "--db", str(db)]
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:

            async def post_one() -> None:
                body = b"%06d" % len(sent) * 500
                sent.append(body)
                assert (await http.post("/generic", content=body)).status_code == 200

            for _ in range(200):
                await post_one()
            before = list(sent)
            process = await asyncio.create_subprocess_exec(*backup, env=environ, stderr=subprocess.DEVNULL)
            while process.returncode is None:
                await post_one()
            assert process.returncode == 0
            assert len(sent) > len(before)
        return before

    with listening(db, environ) as program:
        before = asyncio.run(load(program.url))
    copied = bodies(copy)
    assert copied[:200] == before
    assert copied == bodies(db)[: len(copied)]
