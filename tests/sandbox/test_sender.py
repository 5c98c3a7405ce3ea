"""The sender against real servers on loopback."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor import jsonbody
from monitor.model.capture import STAMP_HEADER, Request
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import SigningKey, verifying_key
from monitor.providers.registry import registry
from monitor.sandbox.deliveries import Delivery
from monitor.sandbox.problems import SimulationProblem
from monitor.sandbox.sender import Sender, Sent
from monitor.sandbox.single import one
from monitor.sandbox.traffic import Traffic
from tests.admin.server import http, served
from tests.certificates import certificate
from tests.sandbox.actors import NO_FAULTS

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@cache
def key_of(provider: str) -> SigningKey:
    return registry()[provider].local_key()


def stamp(body: bytes) -> str:
    return hmac.digest(b"this installation", body, "sha256").hex()


def answering(status: int = 200, head: str = "", body: bytes = b"{}") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{head}\r\n".encode() + body)
        await writer.drain()

    return answer


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@dataclass
class Server:
    """A bare HTTP server that keeps what it was sent."""

    answer: Answer
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    under_way: int = 0
    most_under_way: int = 0
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                method, target, _ = first.split(" ")
                headers = tuple((name.lower(), value) for name, _, value in (line.partition(": ") for line in lines))
                body = await reader.readexactly(int(dict(headers)["content-length"]))
                path, _, query = target.partition("?")
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                async with self.came:
                    self.requests.append(Request(method, path, query, headers, body))
                    self.came.notify_all()
                try:
                    await self.answer(writer)
                finally:
                    self.under_way -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def until(self, number: int) -> None:
        """Wait until this many requests have come."""
        async with self.came:
            await self.came.wait_for(lambda: len(self.requests) >= number)


@asynccontextmanager
async def serving(answer: Answer | None = None) -> AsyncIterator[Server]:
    server = Server(answer or answering())
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        await server.serve(reader, writer)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for _ in range(5):  # a connection that was just accepted is not known yet
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:  # what is still to be written would keep a connection open
            writer.transport.abort()
        await asyncio.sleep(0)
        await listening.wait_closed()


def events(number: int, provider: str = "connectly", **options: Any) -> list[Delivery]:
    chosen = registry()[provider]
    now = datetime.now(UTC)
    return list(one(chosen, chosen.scenarios[0].name, seed=1, start=now, count=number, **options))


async def refused_port() -> int:
    """A port on which nothing listens any more."""
    closed = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port: int = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    return port


@pytest.mark.parametrize("provider", [p.name for p in registry() if p.scenarios])
async def test_what_arrives_is_signed_for_its_provider_and_marked_local(provider: str) -> None:
    async with serving() as server, Sender(server.url, key_of, stamp=stamp) as sender:
        [delivery] = events(1, provider)
        sent = await sender.send(delivery)
    assert (sent.delivery, sent.status, sent.error) == (delivery, 200, None)
    assert sent.elapsed_s > 0
    [request] = server.requests
    assert (request.method, request.path, request.body) == ("POST", f"/{provider}", delivery.body)
    assert request.header(STAMP_HEADER) == stamp(delivery.body)
    assert request.header("content-type") == delivery.content_type
    keys = Keys((verifying_key(key_of(provider), "test"),), public_url=server.url)
    body = jsonbody.parse(request.body)
    found = registry()[provider].verify(request, body, keys, datetime.now(UTC).timestamp())
    assert found.status is VerdictStatus.VERIFIED, found.reason


async def test_bird_signs_the_public_url() -> None:
    async with (
        serving() as server,
        Sender(server.url, key_of, public_url=lambda: "https://hooks.example.com/") as sender,
    ):
        assert (await sender.send(events(1, "bird")[0])).status == 200
    [request] = server.requests
    assert request.header(STAMP_HEADER) is None
    keys = Keys((verifying_key(key_of("bird"), "test"),), urls=("https://hooks.example.com/bird",))
    now = datetime.now(UTC).timestamp()
    found = registry()["bird"].verify(request, jsonbody.parse(request.body), keys, now)
    assert found.status is VerdictStatus.VERIFIED


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [
        ("", "/{}".format, "/volt"),
        ("/", "/{}".format, "/volt"),
        ("/hooks/", "/{}/token".format, "/hooks/volt/token"),
        ("/exact/?a=1", lambda provider: "", "/exact/?a=1"),
    ],
)
async def test_where_it_is_posted(base: str, path: Callable[[str], str], target: str) -> None:
    async with serving() as server, Sender(server.url + base, key_of, path=path) as sender:
        await sender.send(events(1, "volt")[0])
    assert [request.target for request in server.requests] == [target]


@pytest.mark.parametrize("status", [200, 204, 401, 404, 500, 503])
async def test_the_status_is_kept(status: int) -> None:
    async with serving(answering(status, body=b"")) as server, Sender(server.url, key_of) as sender:
        assert (await sender.send(events(1)[0])).status == status


async def test_a_redirect_is_not_followed() -> None:
    async with (
        serving() as other,
        serving(answering(307, f"location: {other.url}/x\r\n")) as server,
        Sender(server.url, key_of) as sender,
    ):
        sent = await sender.send(events(1)[0])
    assert other.requests == []
    assert sent.status == 307
    assert sent.error is not None
    assert f"sends on to {other.url}/x, which is not followed" in sent.error


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/in/", "http://127.0.0.1:{port}/in/,"),
        ("https://me:hidden@app.example.com/in?key=hidden", "https://app.example.com/in,"),
        ("http://[x", "another place,"),
    ],
)
async def test_where_a_redirect_leads_is_said(location: str, shown: str) -> None:
    async with serving(answering(308, f"location: {location}\r\n")) as server, Sender(server.url, key_of) as sender:
        sent = await sender.send(events(1)[0])
    assert f"sends on to {shown.format(port=urlsplit(server.url).port)}" in (sent.error or "")
    assert "hidden" not in (sent.error or "")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as proxy, serving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with Sender(server.url, key_of) as sender:
            await sender.send(events(1)[0])
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


async def test_connections_are_used_again() -> None:
    async with serving() as server, Sender(server.url, key_of) as sender:
        assert await sender.play(events(10), pace=None, at_once=1) == 10
    assert (len(server.requests), server.connections) == (10, 1)


async def test_a_refused_connection_is_a_result() -> None:
    port = await refused_port()
    results: list[Sent] = []
    async with Sender(f"http://127.0.0.1:{port}", key_of) as sender:
        assert await sender.play(events(3), pace=None, on_sent=results.append) == 3
    assert [(sent.status, str(sent.error).partition(" (")[0]) for sent in results] == [
        (None, f"cannot connect to 127.0.0.1:{port}")
    ] * 3
    assert str(results[0].error).endswith("start the receiver there or name another address")


async def test_a_certificate_that_nobody_vouches_for_is_a_result(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path))
    async with served(http(b""), tls) as (url, requests), Sender(url, key_of) as sender:
        error = str((await sender.send(events(1)[0])).error)
    assert re.fullmatch(
        r"the certificate of \S+ is not valid \(self[- ]signed certificate\); mend it or name another address", error
    )
    assert requests == []


async def test_a_server_that_never_answers_is_a_result() -> None:
    async with serving(silent) as server, Sender(server.url, key_of, timeout_s=0.5) as sender:
        sent = await sender.send(events(1)[0])
    assert sent.status is None
    assert sent.error is not None
    assert "did not answer within 0.5 s" in sent.error


async def test_a_server_that_hangs_up_is_a_result() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(hang_up) as server, Sender(server.url, key_of) as sender:
        sent = await sender.send(events(1)[0])
    assert sent.status is None
    assert "did not take the request (RemoteProtocolError)" in str(sent.error)


async def test_a_status_counts_even_if_the_rest_of_the_answer_never_comes() -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 X\r\ncontent-length: 10\r\n\r\n{")
        await silent(writer)

    async with serving(half) as server, Sender(server.url, key_of, timeout_s=1) as sender:
        sent = await sender.send(events(1)[0])
    assert (sent.status, sent.error) == (202, None)


async def test_an_endless_answer_is_left() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serving(endless) as server, Sender(server.url, key_of) as sender:
        assert (await sender.send(events(1)[0])).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8787",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
        "http://x:99999",
        "http://[x",
        "http://me:secret@127.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1\\@x/",
    ],
)
def test_an_address_that_cannot_be_sent_to_is_said(url: str) -> None:
    for base, public in ((url, None), ("http://127.0.0.1:1", url or "nowhere")):
        with pytest.raises(SimulationProblem, match=r"cannot send to this address: .*; write it as in http") as problem:
            Sender(base, key_of, public_url=lambda public=public: public)  # type: ignore[misc]  # bound in the loop
        assert "secret" not in str(problem.value)


async def test_it_plays_mixed_traffic_in_order_and_no_more_than_the_count() -> None:
    endless = Traffic(1, registry(), 50.0, datetime.now(UTC), NO_FAULTS)
    results: list[Sent] = []
    async with serving() as server, Sender(server.url, key_of) as sender:
        assert await sender.play(endless, pace=None, count=40, at_once=1, on_sent=results.append) == 40
    expected = [delivery for delivery, _ in zip(endless, range(40), strict=False)]
    assert [sent.delivery for sent in results] == expected
    assert [request.body for request in server.requests] == [delivery.body for delivery in expected]


async def test_not_more_are_under_way_than_allowed() -> None:
    release = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answering()(writer)

    async with serving(held) as server, Sender(server.url, key_of) as sender:
        playing = asyncio.get_running_loop().create_task(sender.play(events(12), pace=None, at_once=4))
        await server.until(4)
        assert not playing.done()
        release.set()
        assert await playing == 12
    assert (len(server.requests), server.most_under_way) == (12, 4)


async def test_time_is_kept() -> None:
    results: list[float] = []
    clock = asyncio.get_running_loop().time
    async with serving() as server, Sender(server.url, key_of) as sender:
        began = clock()
        deliveries = events(3, rate=10.0)
        await sender.play(deliveries, pace=2.0, on_sent=lambda _: results.append(clock() - began))
    assert [delivery.at for delivery in deliveries] == pytest.approx([0.0, 0.1, 0.2])
    assert all(elapsed >= delivery.at / 2 for elapsed, delivery in zip(results, deliveries, strict=True))


async def test_stop_ends_a_wait_and_what_is_under_way_is_finished() -> None:
    stop, release = asyncio.Event(), asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answering()(writer)

    results: list[Sent] = []
    first, second = events(2, rate=1 / 3600)
    async with serving(held) as server, Sender(server.url, key_of) as sender:
        loop = asyncio.get_running_loop()
        playing = loop.create_task(sender.play([first, second], on_sent=results.append, stop=stop))
        await server.until(1)
        stop.set()
        release.set()
        assert await playing == 1
    assert [(sent.delivery, sent.status) for sent in results] == [(first, 200)]


async def test_a_stop_before_the_start_posts_nothing() -> None:
    stop = asyncio.Event()
    stop.set()
    async with serving() as server, Sender(server.url, key_of) as sender:
        assert await sender.play(events(3), stop=stop) == 0
        assert await sender.play(events(3), stop=stop, pace=None) == 0
    assert server.requests == []


@pytest.mark.parametrize("pace", [None, 1.0])
async def test_cancelling_leaves_no_task_behind(pace: float | None) -> None:
    async with serving(silent) as server, Sender(server.url, key_of) as sender:
        before = asyncio.all_tasks()
        playing = asyncio.get_running_loop().create_task(sender.play(events(30, rate=1e6), pace=pace, at_once=5))
        await server.until(5)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        left = {task for task in asyncio.all_tasks() - before if task.get_name().startswith("send ")}
        assert left == set()


async def test_what_the_caller_raises_comes_back_as_it_is_and_ends_the_play() -> None:
    numbers = count(1)

    def fail_at_third(sent: Sent) -> None:
        if next(numbers) == 3:
            raise RuntimeError("the screen is gone")

    async with serving() as server, Sender(server.url, key_of) as sender:
        with pytest.raises(RuntimeError, match="the screen is gone"):
            await sender.play(events(50), pace=None, on_sent=fail_at_third, at_once=1)
    assert len(server.requests) < 50


async def test_a_missing_key_comes_back_as_it_is() -> None:
    def no_key(provider: str) -> SigningKey:
        raise LookupError(provider)

    async with Sender("http://127.0.0.1:1", no_key) as sender:
        with pytest.raises(LookupError, match="connectly"):
            await sender.play(events(1), pace=None)


async def test_bad_signatures_and_values_arrive_as_asked() -> None:
    deliveries = events(2, provider="oneroute", bad_signature=True, overrides=["event=hello"])
    async with serving() as server, Sender(server.url, key_of) as sender:
        await sender.play(deliveries, pace=None)
    keys = Keys((verifying_key(key_of("oneroute"), "test"),))
    for request in server.requests:
        body = jsonbody.parse(request.body)
        assert json.loads(request.body)["event"] == "hello"
        assert registry()["oneroute"].verify(request, body, keys, 0.0).status is VerdictStatus.INVALID
