"""That httptools makes no difference: h11 and httptools side by side on the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model.capture import Request
from monitor.receiver import protocol
from monitor.receiver.app import Arrival, Reply, Rules, build
from monitor.receiver.binding import bind
from monitor.receiver.server import Receiver
from tests.parsers import needs_speed

pytestmark = needs_speed

HEAD = b"POST /volt?a=1&b HTTP/1.1\r\nHost: x\r\n"
TWO = b"Content-Length: 2\r\n\r\n{}"
MAX_BODY = 1000


@dataclass
class Side:
    """A receiver with one of the parsers: where it listens, what it handed on, and what it refused."""

    port: int
    requests: list[Request] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    protocols: set[str] = field(default_factory=set)

    async def answers(self, *parts: bytes) -> tuple[list[bytes], bool, list[Request]]:
        """What these parts, sent one by one, are answered with: status lines, whether the connection was ended, and
        the requests that were handed on."""
        self.requests.clear()
        transport, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", self.port)
        for part in parts:
            if not client.closed:
                transport.write(part)
            await quiet(lambda: (len(client.answer), client.closed, len(self.requests)))
        transport.abort()
        lines = [line for line in client.answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        return lines, client.closed, [replace(request, peer=None) for request in self.requests]


class Client(asyncio.Protocol):
    """A sender that keeps what it hears."""

    def __init__(self) -> None:
        self.answer = b""
        self.closed = False

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has ended it."""
        self.closed = True


async def quiet(state: Callable[[], object]) -> None:
    """Return when nothing has changed for many turns of the loop, which both ends of the connections share."""
    seen, turns = state(), 0
    while turns < 30:
        await asyncio.sleep(0.001 if turns % 10 == 9 else 0)
        turns = turns + 1 if state() == seen else 0
        seen = state()


@asynccontextmanager
async def sides() -> AsyncIterator[tuple[Side, Side]]:
    """A receiver with h11 and one with httptools."""
    made: list[tuple[Side, Receiver]] = []
    for fast in (False, True):
        sock = bind("127.0.0.1", 0)
        side = Side(sock.getsockname()[1])

        async def accept(arrival: Arrival, side: Side = side) -> Reply:
            side.requests.append(arrival.request)
            await asyncio.sleep(0)
            return Reply(200)

        app = build(Rules(frozenset({"volt"}), MAX_BODY), accept, lambda: True, side.refused.append)
        made.append((side, Receiver(sock, app, side.refused.append, fast=fast)))
    for _, receiver in made:
        await receiver.start()
    try:
        yield made[0][0], made[1][0]
    finally:
        for _, receiver in made:
            await receiver.stop()


def chunked(body: bytes) -> bytes:
    """A request in chunks."""
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body


# What is sent, and how many of it are handed on.
SENT: dict[str, tuple[bytes, int]] = {
    "plain": (HEAD + TWO, 1),
    "no length": (HEAD + b"\r\n", 1),
    "blanks around a value": (HEAD + b"X: \t a \t b\t \r\nY:c\r\n" + TWO, 1),
    "an empty value": (HEAD + b"X:\r\nY: \r\n" + TWO, 1),
    "bytes over 127": (HEAD + b"X: caf\xe9 \x80\xff\xa0\x85\r\n" + TWO, 1),
    "a control in a value": (HEAD + b"X: a\x1b[31m\x01\r\n" + TWO, 1),
    "DEL in a value": (HEAD + b"X: a\x7f\r\n" + TWO, 1),
    "NUL in a value": (HEAD + b"X: a\x00b\r\n" + TWO, 0),
    "form feed in a value": (HEAD + b"X: a\x0cb\r\n" + TWO, 0),
    "vertical tab in a value": (HEAD + b"X: a\x0bb\r\n" + TWO, 0),
    "CR in a value": (HEAD + b"X: a\rb\r\n" + TWO, 0),
    "CR at the end": (HEAD + b"X: a\r\r\n" + TWO, 0),
    "bare LF": (HEAD.replace(b"\r\n", b"\n") + TWO, 1),
    "bare LF after the head": (HEAD + b"Content-Length: 2\r\n\n{}", 1),
    "a folded line": (HEAD + b"X: a\r\n b\r\n\tc\r\n" + TWO, 1),
    "a folded first line": (b"POST /volt HTTP/1.1\r\n Host: x\r\n" + TWO, 0),
    "a blank before the colon": (HEAD + b"X : a\r\n" + TWO, 0),
    "a blank in a name": (HEAD + b"X Y: a\r\n" + TWO, 0),
    "no name": (HEAD + b": a\r\n" + TWO, 0),
    "no colon": (HEAD + b"X\r\n" + TWO, 0),
    "a name with odd characters": (HEAD + b"X(1): a\r\n" + TWO, 0),
    "a name with bytes over 127": (HEAD + b"X\xe9: a\r\n" + TWO, 0),
    "no host": (b"POST /volt HTTP/1.1\r\n" + TWO, 0),
    "two hosts": (HEAD + b"Host: y\r\n" + TWO, 0),
    "the same host twice": (HEAD + b"HOST: x\r\n" + TWO, 0),
    "an empty host": (b"POST /volt HTTP/1.1\r\nHost:\r\n" + TWO, 1),
    "two lengths": (HEAD + b"Content-Length: 3\r\n" + TWO, 0),
    "the same length twice": (HEAD + b"Content-Length: 2\r\n" + TWO, 1),
    "a list of lengths": (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", 1),
    "a list of two lengths": (HEAD + b"Content-Length: 2, 3\r\n\r\n{}", 0),
    "a length with a sign": (HEAD + b"Content-Length: +2\r\n\r\n{}", 0),
    "a length below zero": (HEAD + b"Content-Length: -2\r\n\r\n{}", 0),
    "a length in hexadecimal": (HEAD + b"Content-Length: 0x2\r\n\r\n{}", 0),
    "a length with zeros before": (HEAD + b"Content-Length: 0002\r\n\r\n{}", 1),
    "a length with a blank inside": (HEAD + b"Content-Length: 1 2\r\n\r\n{}", 0),
    "a length past all bounds": (HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}", 0),
    "a length past 64 bits": (HEAD + b"Content-Length: 18446744073709551618\r\n\r\n{}", 0),
    "a length of superscripts": (HEAD + b"Content-Length: \xb2\r\n\r\n{}", 0),
    "a length over the limit": (HEAD + b"Content-Length: 1001\r\n\r\n{}", 0),
    "length and chunks": (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 0),
    "chunks and length": (HEAD + b"Transfer-Encoding: chunked\r\n" + TWO, 0),
    "chunks": (chunked(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), 1),
    "chunks, spelled otherwise": (HEAD + b"TRANSFER-ENCODING:CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1),
    "chunks with extensions": (chunked(b"2;a=b\r\n{}\r\n0;c\r\n\r\n"), 1),
    "chunks with a trailer": (chunked(b"2\r\n{}\r\n0\r\nX-Signature: forged\r\nHost: y\r\n\r\n"), 1),
    "a chunk with bare LF": (chunked(b"2\n{}\n0\n\n"), 0),
    "a chunk without its end": (chunked(b"2\r\n{}xx0\r\n\r\n"), 0),
    "a chunk of no number": (chunked(b"two\r\n{}\r\n0\r\n\r\n"), 0),
    "a chunk with a sign": (chunked(b"+2\r\n{}\r\n0\r\n\r\n"), 0),
    "a chunk in 0x": (chunked(b"0x2\r\n{}\r\n0\r\n\r\n"), 0),
    "a chunk below zero": (chunked(b"-2\r\n{}\r\n0\r\n\r\n"), 0),
    "a chunk past 64 bits": (chunked(b"1" + b"0" * 16 + b"2\r\n{}\r\n0\r\n\r\n"), 0),
    "chunks over the limit": (chunked(b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n"), 0),
    "an encoding nobody knows": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0),
    "identity": (HEAD + b"Transfer-Encoding: identity\r\n" + TWO, 0),
    "two encodings": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0),
    "an encoding with a tab": (HEAD + b"Transfer-Encoding:\tchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1),
    "an encoding with VT": (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 0),
    "HTTP/0.9": (b"POST /volt\r\n\r\n", 0),
    "HTTP/1.0": (HEAD.replace(b"1.1\r\n", b"1.0\r\n") + TWO, 1),
    "HTTP/1.0 without host": (b"POST /volt HTTP/1.0\r\n" + TWO, 1),
    "HTTP/1.2": (HEAD.replace(b"1.1\r\n", b"1.2\r\n") + TWO, 1),
    "HTTP/2.0": (HEAD.replace(b"1.1\r\n", b"2.0\r\n") + TWO, 1),
    "HTTP/11": (HEAD.replace(b"1.1\r\n", b"11\r\n") + TWO, 0),
    "http/1.1": (HEAD.replace(b"HTTP", b"http") + TWO, 0),
    "HTTP/1.1 and a blank": (HEAD.replace(b"1.1\r\n", b"1.1 \r\n") + TWO, 0),
    "two blanks": (HEAD.replace(b"POST ", b"POST  ") + TWO, 0),
    "tabs for blanks": (HEAD.replace(b"POST ", b"POST\t") + TWO, 0),
    "a line before": (b"\r\n" + HEAD + TWO, 0),
    "a blank before": (b" " + HEAD + TWO, 0),
    "a method of its own": (HEAD.replace(b"POST", b"NOTIFY") + TWO, 0),
    "a method in small letters": (HEAD.replace(b"POST", b"post") + TWO, 0),
    "GET": (HEAD.replace(b"POST", b"GET") + b"\r\n", 0),
    "HEAD": (HEAD.replace(b"POST", b"HEAD") + b"\r\n", 0),
    "CONNECT": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + TWO, 1),
    "PRI": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    "PUT, PATCH, DELETE": (b"".join(HEAD.replace(b"POST", m) + TWO for m in (b"PUT", b"PATCH", b"DELETE")), 3),
    "no address": (b"POST  HTTP/1.1\r\nHost: x\r\n" + TWO, 0),
    "an address of bytes over 127": (HEAD.replace(b"volt", b"v\xe9") + TWO, 0),
    "an address with a control": (HEAD.replace(b"volt", b"v\x01") + TWO, 0),
    "a websocket": (HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" + TWO, 1),
    "h2c": (HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n" + TWO, 1),
    "another upgrade": (HEAD + b"Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n" + HEAD + TWO, 2),
    "100-continue": (HEAD + b"Expect: 100-continue\r\n" + TWO, 1),
    "close": (HEAD + b"Connection: close\r\n" + TWO + HEAD + TWO, 1),
    "keep-alive": (HEAD + b"Connection: Keep-Alive\r\n" + TWO + HEAD + TWO, 2),
    "close and more": (HEAD + b"Connection: close, x\r\n" + TWO + HEAD + TWO, 1),
    "keep-alive and close": (HEAD + b"Connection: keep-alive\r\nConnection: close\r\n" + TWO + HEAD + TWO, 1),
    "proxy-connection": (HEAD + b"Proxy-Connection: close\r\n" + TWO + HEAD + TWO, 2),
    "many headers": (HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(1000)) + TWO, 1),
    "one after the other": ((HEAD + TWO) * 50, 50),
    "chunks between": (HEAD + TWO + chunked(b"2\r\n{}\r\n0\r\n\r\n") + HEAD + TWO, 3),
    "GET between": (HEAD + TWO + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + TWO, 2),
    "a bad one after a good one": (HEAD + TWO + HEAD + b"Host: y\r\n" + TWO + HEAD + TWO, 1),
    "a body that looks like a request": (HEAD + b"Content-Length: %d\r\n\r\n" % len(HEAD + TWO) + HEAD + TWO, 1),
    "half a head": (HEAD, 0),
    "half a body": (HEAD + b"Content-Length: 10\r\n\r\n{}", 0),
    "nothing": (b"", 0),
    "nonsense": (b"nonsense\r\n\r\n", 0),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0),
}


async def test_both_take_and_refuse_the_same() -> None:
    async with sides() as (strict, quick):
        for name, (data, number) in SENT.items():
            wanted = await strict.answers(data)
            assert len(wanted[-1]) == number, (name, wanted)
            assert await quick.answers(data) == wanted, name
        assert strict.refused == quick.refused


@pytest.mark.parametrize("name", ["plain", "chunks with a trailer", "chunks between", "two hosts", "a folded line"])
async def test_it_does_not_matter_where_a_request_is_cut(name: str) -> None:
    data, number = SENT[name]
    async with sides() as (strict, quick):
        wanted = await strict.answers(data)
        assert len(wanted[-1]) == number
        for at in range(1, len(data), 3):
            assert await quick.answers(data[:at], data[at:]) == wanted, at


ADDRESSES = (
    *(b"/", b"/volt", b"//a", b"/a?b?c", b"/a#b", b"/a%zz", b"/a;b", b"/a/../b", b"*", b"http://a/b?c", b"/?", b"/a?#"),
    *(b"/a\\b", b'/"', b"/a|b", b"/{}", b"?a", b"/a//", b"/@:=-"),
)
LINES = st.sampled_from(
    [
        *(b"POST %s HTTP/1.1" % address for address in ADDRESSES),
        *(b"Host: x", b"host:x", b"Content-Length: 2", b"content-length:2 ", b"Transfer-Encoding: chunked"),
        *(b"Connection: close", b"Connection: upgrade", b"Upgrade: x", b"Expect: 100-continue"),
        *(b" x", b"\tx", b"", b"X: 1", b"x: 1", b"X:", b"X : 1", b"{}", b"2", b"0", b"X: a  b"),
    ]
)
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b""])
HEADS = st.lists(st.tuples(LINES | st.binary(max_size=6), ENDS), max_size=8)


async def test_both_read_the_same_in_whatever_comes() -> None:
    async with sides() as (strict, quick):
        loop = asyncio.get_running_loop()

        @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(HEADS, st.booleans())
        def same(lines: list[tuple[bytes, bytes]], begun: bool) -> None:
            data = (HEAD if begun else b"") + b"".join(line + end for line, end in lines)

            async def both() -> None:
                assert await quick.answers(data) == await strict.answers(data)

            asyncio.run_coroutine_threadsafe(both(), loop).result(30)

        await asyncio.to_thread(same)


async def test_what_is_plain_is_httptools_and_the_rest_is_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over: list[bytes] = []
    take = protocol.GuardedProtocol.data_received

    def watched(self: protocol.GuardedProtocol, data: bytes) -> None:
        handed_over.append(data)
        take(self, data)

    async with sides() as (_, quick):
        monkeypatch.setattr(protocol.GuardedProtocol, "data_received", watched)
        for name in ("plain", "no length", "blanks around a value", "PUT, PATCH, DELETE", "one after the other"):
            assert len((await quick.answers(SENT[name][0]))[-1]) == SENT[name][1]
        assert handed_over == [SENT["blanks around a value"][0]]
        strange = SENT["chunks"][0]
        await quick.answers(HEAD + TWO + strange + HEAD + TWO)
        assert handed_over[1:] == [strange + HEAD + TWO]  # once there, always there


async def test_a_head_over_the_limit_is_never_seen_by_httptools() -> None:
    from monitor.receiver.fast import PLAIN

    lines = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(40))
    async with sides() as (_, quick):
        assert PLAIN.match(HEAD + lines + TWO) is not None
        assert PLAIN.match(HEAD + lines + TWO, 0, protocol.HEADER_BYTES) is None
        reader, writer = await asyncio.open_connection("127.0.0.1", quick.port)
        writer.write(HEAD + lines)
        await writer.drain()
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert quick.requests == []


async def test_a_request_that_is_handed_over_keeps_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sides() as (_, quick):
        monkeypatch.setattr(protocol, "REQUEST_S", 0.2)
        for parts in ([HEAD], [HEAD + TWO + HEAD], [HEAD + b"Content-Length: 10\r\n\r\n{"]):
            reader, writer = await asyncio.open_connection("127.0.0.1", quick.port)
            for part in parts:
                writer.write(part)
            answer = await asyncio.wait_for(reader.read(), 10)
            assert b"HTTP/1.1 408 " in answer
            writer.close()
        assert quick.refused.count(408) == 3


async def test_a_connection_that_is_handed_over_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "NEW_S", 0.05)
    monkeypatch.setattr(protocol, "PER_ADDRESS", 3)
    async with sides() as (_, quick):
        kept = [await asyncio.open_connection("127.0.0.1", quick.port) for _ in range(3)]
        for data in (HEAD + TWO, SENT["chunks"][0]):
            for reader, writer in reversed(kept):
                writer.write(data)
                assert (await asyncio.wait_for(reader.readuntil(b"}"), 10)).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.1)
        for _, writer in kept:
            writer.close()
        assert len(quick.requests) == 6
