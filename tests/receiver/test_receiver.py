"""The receiver over real sockets: what is stored, what is refused, and with which answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from monitor import tasks
from monitor.model.capture import LEFT, Capture, Source
from monitor.model.record import capture_record
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.receiver import protocol, server
from monitor.receiver.binding import ReceiverError, bind
from monitor.services.monitor import Monitor, Settings
from tests.corpora import corpora
from tests.factory import running
from tests.parsers import both_parsers

pytestmark = both_parsers

CONNECTLY = Keys(keys=(secret_key(b"connectly-test-secret", "test"),))


def stored(monitor: Monitor) -> list[Capture]:
    with closing(monitor.reader()) as reader:
        return reader.page(limit=10_000)


def client(monitor: Monitor) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10)


async def post_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Post on an open connection, which is kept."""
    writer.write(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 200")
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    await reader.readexactly(int(length[1]))


LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def raw(monitor: Monitor, data: bytes, *, last: bytes = b"") -> bytes:
    """Send bytes, read until the server closes; where it would not, a ``last`` request has it do so."""
    reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
    answer = b""
    try:
        writer.write(data + last)
        await writer.drain()
        async with asyncio.timeout(20):
            while part := await reader.read(65536):
                answer += part
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return answer[: answer.rindex(b"HTTP/1.1 ")] if last else answer


@pytest.mark.parametrize(
    ("method", "path", "provider"),
    [
        ("POST", "/volt", "volt"),
        ("POST", "/bird", "bird"),
        ("POST", "/connectly/", "connectly"),
        ("POST", "/oneroute/anything", "oneroute"),
        ("POST", "/standard", "standard"),
        ("POST", "/generic", "generic"),
        ("POST", "/", "generic"),
        ("POST", "/somewhere/else", "generic"),
        ("PUT", "/volt", "generic"),
        ("PATCH", "/volt", "generic"),
        ("DELETE", "/volt", "generic"),
    ],
)
async def test_routes_store_and_answer_200(tmp_path: Path, method: str, path: str, provider: str) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        answer = await http.request(method, path + "?x=%20y&x=2", content=b'{"hello": 1}')
        assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
        [capture] = stored(monitor)
        assert capture.provider == provider
        assert (capture.request.method, capture.request.path, capture.request.query) == (method, path, "x=%20y&x=2")
        assert capture.request.body == b'{"hello": 1}'
        assert capture.answer == 200


async def test_recognised_by_header_on_any_path(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        await http.post("/hooks", content=b"{}", headers={"X-Connectly-Hmac-Sha256": "x"})
        await http.post("/", content=b'{"service":"channels","event":"sms.inbound","payload":{"id":"1"}}')
        assert [capture.provider for capture in stored(monitor)] == ["connectly", "bird"]


async def test_path_and_headers_are_kept_raw(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        answer = await raw(
            monitor,
            b"POST /volt/a%20b%00%ff//c?q=%7F&&z HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: caf\xe9\r\n"
            b"X-Esc: a\x1b[31m\r\nContent-Length: 3\r\n\r\n\x00\xff\n",
            last=LAST,
        )
        assert answer.startswith(b"HTTP/1.1 200")
        [capture] = stored(monitor)
        assert capture.request.path == "/volt/a%20b%00%ff//c"
        assert capture.request.query == "q=%7F&&z"
        assert capture.request.header_values("x-two") == ["1", "caf\xe9"]
        assert capture.request.header("x-esc") == "a\x1b[31m"
        assert capture.request.body == b"\x00\xff\n"
        assert capture.request.peer is not None
        assert capture.request.peer.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "hooktop"),
        ("/volt", 200, "hooktop"),
        ("/nothing", 404, ""),
        ("/volt/x", 404, ""),
        ("/healthz", 200, "ok"),
    ],
)
async def test_get_shows_nothing_of_what_came(tmp_path: Path, path: str, status: int, text: str) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        await http.post("/volt", content=b'{"secret":"in the body"}')
        answer = await http.get(path)
        assert answer.status_code == status
        assert text in answer.text
        assert "secret" not in answer.text
        assert len(stored(monitor)) == 1


async def test_other_methods_are_405(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        assert (await http.options("/volt")).status_code == 405
        assert (await http.head("/volt")).status_code == 200


@pytest.mark.parametrize("how", ["declared", "chunked", "declared and not sent"])
async def test_a_body_over_the_limit_is_413_at_once(tmp_path: Path, how: str) -> None:
    async with running(tmp_path / "h.db", Settings(max_body=1000)) as monitor:
        if how == "chunked":
            data = (
                b"POST /volt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"400\r\n"
                + b"x" * 1024
                + b"\r\n"
            )
        else:
            data = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"
            data += b"x" * (100_000 if how == "declared" else 0)
        answer = await raw(monitor, data)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()
        assert stored(monitor) == []
        assert monitor.feed.refused == {413: 1}
        async with client(monitor) as http:
            assert (await http.post("/volt", content=b"x" * 1000)).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n",
        b"POST /volt HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
        b"POST /volt HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /volt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
    ],
    ids=["no http", "length and chunked", "two hosts", "two lengths", "negative", "no host", "tls", "chunk"],
)
async def test_malformed_http_is_400_and_the_next_request_works(tmp_path: Path, data: bytes) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        answer = await raw(monitor, data)
        assert answer.startswith(b"HTTP/1.1 400")
        assert stored(monitor) == []
        assert (await http.post("/volt", content=b"{}")).status_code == 200
        assert monitor.feed.refused == {400: 1}


GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
BOTH = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


async def test_head_is_answered_as_get_without_its_body(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        for path in (b"/", b"/volt", b"/healthz", b"/nothing"):
            get = GET.replace(b"/", path, 1) + b"\r\n"
            head, end, _ = (await raw(monitor, get, last=LAST)).partition(b"\r\n\r\n")
            assert await raw(monitor, get.replace(b"GET", b"HEAD") * 2, last=LAST) == (head + end) * 2


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize(
    "head",
    [
        GET + CHUNKED,
        GET.replace(b"GET", b"HEAD") + CHUNKED,
        GET.replace(b"GET", b"OPTIONS") + CHUNKED,
        GET + BOTH,
        GET.replace(b"GET", b"POST") + BOTH,
    ],
    ids=["GET", "HEAD", "OPTIONS", "GET with a length, too", "POST with a length, too"],
)
async def test_a_malformed_body_is_counted_once_and_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, head: bytes, apart: bool
) -> None:
    async with running(tmp_path / "h.db") as monitor:
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        writer.write(head)
        if apart:
            await asyncio.sleep(0.1)
        writer.write(b"zz\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"}"), 5)).startswith(b"HTTP/1.1 400")
        with contextlib.suppress(ConnectionResetError):  # where this came when the head alone had closed it
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert monitor.feed.refused == {400: 1}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_body_that_is_malformed_past_the_limit_is_one_refusal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "h.db", Settings(max_body=1000)) as monitor:
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        writer.write(GET.replace(b"GET", b"POST") + CHUNKED)
        await asyncio.sleep(0.1)
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\nzz\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400")
        writer.close()
        assert monitor.feed.refused == {400: 1}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_get_is_answered_when_its_body_is_there_and_its_connection_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 0.3)
    monkeypatch.setattr(server, "SWEEP_S", 0.05)
    async with running(tmp_path / "h.db") as monitor:
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        writer.write(GET + b"Content-Length: 3\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"abc")
        assert (await asyncio.wait_for(reader.readuntil(b"webhooks here.\n"), 5)).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.6)
        await post_on(reader, writer)
        writer.close()
        assert monitor.feed.refused == {}


async def test_a_flood_of_headers_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        answer = await raw(monitor, b"POST /volt HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n")
        # What was not read when the connection closed may reset it before the answer is seen.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        assert stored(monitor) == []
        assert (await http.post("/volt", content=b"{}")).status_code == 200


async def test_pipelined_requests_are_all_stored_in_order(tmp_path: Path) -> None:
    one = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n%04d"
    async with running(tmp_path / "h.db") as monitor:
        answer = await raw(monitor, b"".join(one % n for n in range(200)), last=LAST)
        assert answer.count(b"HTTP/1.1 200") == 200
        assert [c.request.body for c in stored(monitor)] == [b"%04d" % n for n in range(200)]


async def test_a_sender_that_leaves_mid_body_stores_nothing(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        for _ in range(20):
            _, writer = await asyncio.open_connection(monitor.host, monitor.port)
            writer.write(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}")
            await writer.drain()
            writer.close()
        while monitor.feed.refused[499] < 20:
            await asyncio.sleep(0.01)
        assert stored(monitor) == []


async def test_a_sender_that_resets_after_the_body_is_stored(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        sock = socket.create_connection((monitor.host, monitor.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.sendall(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await asyncio.sleep(0)
        while not monitor.feed.stored:
            await asyncio.sleep(0.01)
        sock.close()
        assert len(stored(monitor)) == 1


async def test_it_is_kept_that_a_sender_was_gone_before_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        add = monitor.store.add
        gone = asyncio.Event()

        async def slowly(capture: Capture) -> Capture:
            kept = await add(capture)
            await asyncio.wait_for(gone.wait(), 5)
            return kept

        monkeypatch.setattr(monitor.store, "add", slowly)
        for abrupt in (True, False):
            gone.clear()
            sock = socket.create_connection((monitor.host, monitor.port))
            if abrupt:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            before = monitor.feed.stored
            sock.sendall(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            while monitor.feed.stored == before:
                await asyncio.sleep(0.01)
            sock.close()
            await asyncio.sleep(0.1)  # until the end of the connection has come
            gone.set()
        assert (await http.post("/volt", content=b"{}")).status_code == 200
        async with asyncio.timeout(5):
            while [capture.answer for capture in stored(monitor)] != [LEFT, LEFT, 200]:
                await asyncio.sleep(0.01)
        assert stored(monitor)[0].answered == "499 sender gone"


async def test_what_is_under_way_when_it_ends_gets_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_S", 0.2)
    async with running(tmp_path / "h.db") as monitor:
        add = monitor.store.add

        async def slowly(capture: Capture) -> Capture:
            await asyncio.sleep(60)
            return await add(capture)

        monkeypatch.setattr(monitor.store, "add", slowly)
        head = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{"
        waiting = [tasks.start(raw(monitor, data), "request") for data in (head, head + b"}")]
        await asyncio.sleep(0.2)
        await monitor.stop()
        for answer in await asyncio.gather(*waiting):
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"\r\nretry-after: 5\r\n" in answer
            assert answer.endswith(b'{"error":"cannot store now"}')
        assert monitor.feed.refused == {503: 2}


async def test_what_is_stored_after_its_503_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_S", 0.2)
    async with running(tmp_path / "h.db") as monitor:
        with closing(sqlite3.connect(tmp_path / "h.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # for longer than hooktop waits when it ends
            request = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            waiting = tasks.start(raw(monitor, request), "request")
            await asyncio.sleep(0.2)
            stopping = tasks.start(monitor.stop(), "stop")
            assert (await waiting).startswith(b"HTTP/1.1 503")
            other.execute("COMMIT")
        await stopping
        assert [capture.answer for capture in stored(monitor)] == [503]


async def test_slow_requests_get_408_and_silent_ones_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 0.2)
    monkeypatch.setattr(protocol, "IDLE_S", 0.2)
    async with running(tmp_path / "h.db") as monitor:
        head, body, silent = await asyncio.gather(
            raw(monitor, b"POST /volt HTTP/1.1\r\nHost"),
            raw(monitor, b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"),
            raw(monitor, b""),
        )
        assert head.startswith(b"HTTP/1.1 408")
        assert body.startswith(b"HTTP/1.1 408")
        assert silent == b""
        assert stored(monitor) == []
        async with client(monitor) as http:
            assert (await http.post("/volt", content=b"{}")).status_code == 200
        assert monitor.feed.refused == {408: 2}


@pytest.mark.slow
@pytest.mark.parametrize("begun", [b"", b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{"])
async def test_time_in_which_the_receiver_itself_stood_still_is_not_the_senders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 2.0)
    monkeypatch.setattr(protocol, "IDLE_S", 2.0)
    whole = b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    async with running(tmp_path / "h.db") as monitor:
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        writer.write(begun)
        await asyncio.sleep(0.1)
        time.sleep(3)  # noqa: ASYNC251 - what a machine does that is too busy
        await asyncio.sleep(0.1)  # the connections are looked at, which was due long ago
        writer.write(whole.removeprefix(begun))
        assert (await asyncio.wait_for(reader.read(12), 5)) == b"HTTP/1.1 200"
        writer.close()
        assert monitor.feed.refused[408] == 0


async def test_stuck_connections_make_room_for_real_senders(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        stuck = [await asyncio.open_connection(monitor.host, monitor.port) for _ in range(200)]
        for _, writer in stuck:
            writer.write(b"POST /volt HTTP/1.1\r\n")
        answers = await asyncio.gather(*(http.post("/volt", content=b"{}") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        for _, writer in stuck:
            writer.close()


async def test_the_one_that_was_idle_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "NEW_S", 0.05)
    monkeypatch.setattr(protocol, "PER_ADDRESS", 3)
    async with running(tmp_path / "h.db") as monitor:
        kept = [await asyncio.open_connection(monitor.host, monitor.port) for _ in range(3)]
        for reader, writer in [*kept, kept[0]]:  # the oldest is the one that was used last
            await post_on(reader, writer)
        await asyncio.sleep(0.1)
        newest = await asyncio.open_connection(monitor.host, monitor.port)
        assert await asyncio.wait_for(kept[1][0].read(), 5) == b""
        for reader, writer in (kept[0], kept[2], newest):
            await post_on(reader, writer)
        assert len(stored(monitor)) == 7
        for _, writer in [*kept, newest]:
            writer.close()


@pytest.mark.slow
async def test_a_connection_is_kept_for_the_next_request(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        reader, writer = await asyncio.open_connection(monitor.host, monitor.port)
        await post_on(reader, writer)
        await asyncio.sleep(20)  # more than the time for a first request, or for the whole of one
        await post_on(reader, writer)
        assert len(stored(monitor)) == 2
        writer.close()


async def test_503_with_retry_after_when_the_store_cannot_commit(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        await monitor.store.stop()
        answer = await http.post("/volt", content=b"{}")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert (await http.get("/healthz")).status_code == 503
        assert monitor.feed.refused == {503: 1}


async def test_enforce_answers_401_and_stores_all_the_same(tmp_path: Path) -> None:
    body = b'{"timestamp":"1639083206","message":{"text":"hi"}}'
    signed = dict(registry()["connectly"].sign(body, b"connectly-test-secret", url="", at=0))
    async with (
        running(tmp_path / "h.db", Settings(enforce=True), connectly=CONNECTLY) as monitor,
        client(monitor) as http,
    ):
        assert (await http.post("/connectly", content=body, headers=signed)).status_code == 200
        assert (await http.post("/connectly", content=body + b" ", headers=signed)).status_code == 401
        assert (await http.post("/connectly", content=body)).status_code == 401
        assert [(c.answer, c.verdict.status.value) for c in stored(monitor)] == [
            (200, "verified"),
            (401, "invalid"),
            (401, "missing"),
        ]


async def test_path_tokens(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db", Settings(token="t0ken-abc")) as monitor, client(monitor) as http:
        assert (await http.post("/volt/t0ken-abc", content=b"{}")).status_code == 200
        assert (await http.post("/t0ken-abc", content=b"{}")).status_code == 200
        for path in ("/volt", "/volt/t0ken-ab", "/", "/volt/t0ken-abc/x", "/volt/%74%30ken-abc"):
            assert (await http.post(path, content=b"{}")).status_code == 404
        assert [c.origin.token for c in stored(monitor)] == [True, True]
        assert monitor.feed.refused == {404: 5}


async def test_only_our_own_stamp_makes_a_capture_simulated(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        await http.post("/volt", content=b"{}", headers={"x-hooktop-local": "stamp"})
        await http.post("/volt", content=b"{}", headers={"x-hooktop-local": "guess"})
        assert [c.source for c in stored(monitor)] == [Source.SIMULATED, Source.NETWORK]


async def test_forwarded_headers_are_shown_never_trusted(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        await http.post("/volt", content=b"{}", headers={"X-Forwarded-For": "203.0.113.9"})
        [capture] = stored(monitor)
        assert capture.origin.peer == "127.0.0.1"
        assert capture.request.header("x-forwarded-for") == "203.0.113.9"


async def test_the_receiver_comes_back_when_its_server_dies(tmp_path: Path) -> None:
    async def die(counter: int) -> bool:
        raise RuntimeError("boom")

    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        receiver = monitor._receiver
        assert receiver is not None
        first = receiver._server
        assert first is not None
        first.on_tick = die  # type: ignore[method-assign]  # as a bug in it would be
        while receiver._server is first or not monitor.receiving:
            await asyncio.sleep(0.01)
        assert receiver.restarts == 1
        assert (await http.post("/volt", content=b"{}")).status_code == 200


async def test_a_receiver_that_ran_well_comes_back_as_quickly_as_the_first_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STEADY_S", 0.0)
    monkeypatch.setattr(server, "MAX_DELAY_S", 60.0)
    monkeypatch.setattr(server, "FIRST_DELAY_S", 0.02)

    async def die(counter: int) -> bool:
        raise RuntimeError("boom")

    async with running(tmp_path / "h.db") as monitor:
        receiver = monitor._receiver
        assert receiver is not None
        async with asyncio.timeout(10):  # doubled each time, twelve delays would be 80 s
            for number in range(1, 13):
                while receiver._server is None or not monitor.receiving:
                    await asyncio.sleep(0.005)
                receiver._server.on_tick = die  # type: ignore[method-assign]  # as a bug in it would be
                while receiver.restarts < number:
                    await asyncio.sleep(0.005)


async def test_an_ipv6_sender_is_kept_as_it_is_written_in_addresses(tmp_path: Path) -> None:
    try:
        bind("::1", 0).close()
    except ReceiverError as error:
        pytest.skip(str(error))
    async with running(tmp_path / "h.db", None, None, "::1") as monitor, client(monitor) as http:
        assert monitor.url == f"http://[::1]:{monitor.port}"
        assert (await http.post("/volt", content=b"{}")).status_code == 200
        [capture] = stored(monitor)
        assert capture.request.peer is not None
        assert re.fullmatch(r"\[::1\]:\d+", capture.request.peer)
        assert capture.origin.peer == "::1"


async def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        with pytest.raises(ReceiverError, match=rf"Port {monitor.port} on 127.0.0.1 is in use .*--port"):
            bind("127.0.0.1", monitor.port)


def test_a_port_is_taken_from_the_moment_it_is_bound() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ReceiverError, match=f"Port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


def test_a_host_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(ReceiverError, match="--host"):
        bind("no.such.host.invalid", 0)


async def test_json_test_suite_through_the_real_route(tmp_path: Path) -> None:
    files = sorted((corpora() / "json-test-suite").rglob("*.json"))
    assert len(files) == 340
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        for file in files:
            answer = await http.post("/generic", content=file.read_bytes())
            assert answer.status_code == 200, file.name
        assert [c.request.body for c in stored(monitor)] == [file.read_bytes() for file in files]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'"\\ud800"',
        b'{"value":NaN}',
        b"1" * 5000,
        b'{"a":"\\u0000"}',
    ],
    ids=["empty", "text", "deep", "bytes", "surrogate", "nan", "digits", "nul"],
)
@pytest.mark.parametrize("provider", ["volt", "bird", "connectly", "oneroute", "standard", "generic"])
async def test_odd_bodies_are_stored_byte_exact(tmp_path: Path, provider: str, body: bytes) -> None:
    async with running(tmp_path / "h.db") as monitor, client(monitor) as http:
        assert (await http.post(f"/{provider}", content=body)).status_code == 200
        [capture] = stored(monitor)
        assert capture.request.body == body
        json.dumps(capture_record(capture))
