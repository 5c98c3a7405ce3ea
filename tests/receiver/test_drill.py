"""The answer drill over real sockets: stored first, answered as it was set, nobody else slowed."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from monitor.model.capture import LEFT, RESET, Capture
from monitor.model.filter import parse
from monitor.receiver import protocol
from monitor.services.drill import Rule, Why
from monitor.services.monitor import Monitor, Settings
from tests.factory import running
from tests.parsers import both_parsers

pytestmark = both_parsers

RAW = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def stored(monitor: Monitor) -> list[Capture]:
    """All captures."""
    with closing(monitor.reader()) as reader:
        return reader.page(limit=1000)


def client(monitor: Monitor) -> httpx.AsyncClient:
    """A sender."""
    return httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10)


@pytest.mark.parametrize("status", [200, 201, 204, 205, 301, 304, 400, 429, 500, 503, 599])
async def test_any_status_is_answered_and_the_connection_goes_on(tmp_path: Path, status: int) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        monitor.drill.begin(Rule(status, wanted=parse("provider:volt")))
        answers = [(await http.post(path, content=b"{}")).status_code for path in ("/volt", "/bird", "/volt")]
        assert answers == [status, 200, status]
        assert [capture.answer for capture in stored(monitor)] == answers
        monitor.drill.end()
        assert (await http.post("/volt", content=b"{}")).status_code == 200


async def test_a_reset_is_a_reset_and_recorded_as_one(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        monitor.drill.begin(Rule(RESET, times=2))
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        writer.write(RAW)
        with pytest.raises(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b"nothing is answered"
        writer.close()
        with pytest.raises(httpx.TransportError):
            await http.post("/volt", content=b"{}")
        assert (await http.post("/volt", content=b"{}")).status_code == 200
        captures = stored(monitor)
        assert [(capture.answer, capture.answered) for capture in captures] == [
            (0, "reset"),
            (0, "reset"),
            (200, "200"),
        ]
        assert monitor.drill.progress is None
        assert monitor.receiving


@pytest.mark.slow
async def test_a_delayed_answer_slows_nobody_and_no_deadline_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 0.1)
    monkeypatch.setattr(protocol, "IDLE_S", 0.1)
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        monitor.drill.begin(Rule(500, delay_s=2.5, wanted=parse("provider:volt")))
        begun = time.monotonic()
        delayed = [asyncio.ensure_future(http.post("/volt", content=b"{}")) for _ in range(20)]  # noqa: TID251 - a test
        async with asyncio.timeout(5):
            while len(stored(monitor)) < 20:
                await asyncio.sleep(0.01)
        for _ in range(50):
            assert (await http.post("/bird", content=b"{}")).status_code == 200
        assert not any(one.done() for one in delayed)  # 50 others were answered meanwhile
        answers = await asyncio.gather(*delayed)
        assert {answer.status_code for answer in answers} == {500}
        assert time.monotonic() - begun >= 2.4
        assert 408 not in monitor.feed.refused


async def test_a_sender_who_leaves_is_counted_and_frees_its_place(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        monitor.drill.begin(Rule(500, delay_s=60))
        sock = socket.create_connection((monitor.host, monitor.port))
        sock.sendall(RAW)
        async with asyncio.timeout(5):
            while monitor.drill.held < 1:
                await asyncio.sleep(0.01)
            sock.close()
            while monitor.drill.held:
                await asyncio.sleep(0.01)
        progress = monitor.drill.progress
        assert progress is not None
        assert (progress.answered, progress.gone) == (1, 1)
        async with asyncio.timeout(5):
            while [capture.answer for capture in stored(monitor)] != [LEFT]:
                await asyncio.sleep(0.01)


async def test_ending_the_monitor_lets_delayed_answers_go(tmp_path: Path) -> None:
    ends: list[Why] = []
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        monitor.drill.follow(lambda ended: ends.append(ended.why))
        monitor.drill.begin(Rule(503, delay_s=60))
        answer = asyncio.ensure_future(http.post("/volt", content=b"{}"))  # noqa: TID251 - a test
        async with asyncio.timeout(5):
            while monitor.drill.held < 1:
                await asyncio.sleep(0.01)
            await monitor.stop()
            assert (await answer).status_code == 503
        assert ends == [Why.STOPPED]


async def test_what_is_turned_away_is_not_for_the_drill(tmp_path: Path) -> None:
    from monitor.providers.base import Keys
    from monitor.providers.keys import secret_key

    keys = Keys(keys=(secret_key(b"connectly-test-secret", "test"),))
    async with running(tmp_path / "h.db", Settings(enforce=True), connectly=keys) as monitor, client(monitor) as http:
        monitor.drill.begin(Rule(200, times=1))
        assert (await http.post("/connectly", content=b"{}")).status_code == 401
        assert (await http.post("/generic", content=b"{}")).status_code == 200
        assert monitor.drill.progress is None


async def test_what_is_not_stored_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        monitor.drill.begin(Rule(500, times=1))
        with monkeypatch.context() as patched:
            patched.setattr("monitor.store.writer.MAX_WAITING", 0)
            assert (await http.post("/volt", content=b"{}")).status_code == 503
        assert (await http.post("/volt", content=b"{}")).status_code == 500
        assert (await http.post("/volt", content=b"{}")).status_code == 200
