"""Passing captures on to an app that may do anything, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.target import TargetProblem
from monitor.forwarding.wire import KEPT, MAX_READ
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import Capture, Request
from monitor.model.compare import answer_change
from monitor.secret import Secret
from tests.certificates import certificate
from tests.deadlines import LONG_S, long_deadlines
from tests.factory import make_capture, make_request
from tests.forwarding.app import OK, App, Behaviour, Call, app, closing, hang, reset
from tests.ports import free_port


def captured(body: bytes = b"{}", *, path: str = "/volt", **headers: str) -> Capture:
    return replace(make_capture(12), request=make_request(body, path=path, **headers))


async def passed(capture: Capture, running: App, path: str = "", timeout_s: float = 5) -> Attempt:
    async with Forwarder(timeout_s=timeout_s) as forwarder:
        return await forwarder.pass_on(capture, running.url + path)


async def answered(behaviour: Behaviour, timeout_s: float = 5, read_body: bool = True) -> Attempt:
    async with app(behaviour, read_body=read_body) as running:
        return await passed(captured(), running, timeout_s=timeout_s)


# --- what the app gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", bytes(range(256)) * 4, b"\r\n\r\n0\r\n\r\n", "«größer» 你好 😀".encode(), b"GET / HTTP/1.1\r\n\r\n",
        b"x" * (1024 * 1024),
    ],
    ids=["empty", "json", "every byte", "ends", "unicode", "a request", "1 MiB"],
)  # fmt: skip
async def test_bodies_and_signatures_arrive_byte_for_byte(body: bytes) -> None:
    capture = captured(body, x_volt_signature="YW+/=" * 60, x_odd="caf\xe9 \x1b[31m\t\x7f", content_length="1")
    async with app() as running:
        attempt = await passed(capture, running)
        (call,) = running.calls
    assert call.body == body
    assert call.line == "POST /volt HTTP/1.1"
    assert call.values("x-volt-signature") == ["YW+/=" * 60]
    assert call.values("x-odd") == ["caf\xe9 \x1b[31m\t\x7f"]
    assert call.values("content-length") == [str(len(body))]
    assert call.values("host") == [f"127.0.0.1:{running.port}"]
    assert call.values("x-hooktop-capture") == ["12"]
    assert (attempt.capture, attempt.kind, attempt.status, attempt.failure) == (12, AttemptKind.FORWARD, 200, None)
    assert attempt.url == f"{running.url}/volt"
    assert attempt.body == b'{"ok":true}'
    assert attempt.size == 11
    assert attempt.headers == (("Content-Type", "application/json"), ("Content-Length", "11"))
    assert attempt.took_s is not None
    assert 0 < attempt.took_s < 5
    assert not attempt.changed
    assert attempt.fine


async def test_the_path_is_the_target_s_where_it_has_one() -> None:
    capture = replace(captured(), request=replace(make_request(path="/bird/hk-1"), query="a=1"))
    async with app() as running:
        await passed(capture, running)
        await passed(capture, running, "/hooks?key=k")
        await passed(capture, running, "/")
        assert [call.line.split()[1] for call in running.calls] == ["/bird/hk-1?a=1", "/hooks?key=k", "/"]


async def test_another_request_in_its_place_is_a_change() -> None:
    async with app() as running, Forwarder(headers=[("X-Key", Secret("k-secret"))]) as forwarder:
        edited = make_request(b"edited", path="/volt")
        attempt = await forwarder.pass_on(
            captured(), running.url, kind=AttemptKind.REPLAY, request=edited, headers=[("X-Run", "1")]
        )
        same = await forwarder.pass_on(captured(), running.url, request=captured().request)
        first, second = running.calls
    assert (attempt.kind, attempt.changed, same.changed) == (AttemptKind.REPLAY, True, False)
    assert first.body == b"edited"
    assert (first.values("x-key"), first.values("x-run")) == (["k-secret"], ["1"])
    assert (second.values("x-key"), second.values("x-run")) == (["k-secret"], [])
    assert "k-secret" not in repr(attempt)


async def test_connections_are_used_again_only_where_that_is_safe() -> None:
    async with app() as running, Forwarder() as forwarder:
        for _ in range(3):
            assert (await forwarder.pass_on(captured(), running.url)).fine
        assert running.connections == 1
        await asyncio.gather(*(forwarder.pass_on(captured(), running.url) for _ in range(3)))
        assert running.connections == 3
        for odd in (
            OK.replace(b"\r\n\r\n", b"\r\nConnection: x, Close\r\n\r\n"),
            OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
            OK + OK,  # an answer to the next request, before it was sent
        ):
            running.behaviour = odd
            before = running.connections
            assert (await forwarder.pass_on(captured(), running.url)).fine
            running.behaviour = OK
            for _ in range(3):
                assert (await forwarder.pass_on(captured(), running.url)).body == b'{"ok":true}'
            assert running.connections <= before + 1


async def test_an_app_that_was_started_anew_is_found_again() -> None:
    port = free_port()
    async with Forwarder() as forwarder:
        url = f"http://localhost:{port}"
        assert (await forwarder.pass_on(captured(), url)).failure is Failure.REFUSED
        for host in ("127.0.0.1", "::1", "127.0.0.1"):  # some apps listen on one of the two only
            async with app(port=port, host=host) as running:
                assert (await forwarder.pass_on(captured(), url)).fine
                assert running.calls[0].values("host") == [f"localhost:{port}"]
        await asyncio.sleep(0)
        assert (await forwarder.pass_on(captured(), url)).failure is Failure.REFUSED


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", 201, b"ok"),
        (b"HTTP/1.1 204\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, 200, b'{"ok":true}'),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n"
            b"\r\n",
            200,
            b"abc0123456789",
        ),
        (b"HTTP/1.1 500 \x1b[2J\xff\nX: a\n\nold lines", 500, b"old lines"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", 200, b""),
    ],
)
async def test_answers_of_every_shape(answer: bytes, status: int, body: bytes) -> None:
    attempt = await answered(closing(answer))
    assert (attempt.status, attempt.failure, attempt.body, attempt.size) == (status, None, body, len(body))


async def test_headers_of_an_answer_stay_as_they_came() -> None:
    attempt = await answered(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b\r\nX-Odd:  \x1b[31mcaf\xe9\t\r\nX-Empty:\r\n"
        b"X-Long: one\r\n two\r\nContent-Length: 0\r\n\r\n"
    )
    assert attempt.headers == (
        ("Set-Cookie", "a=1"), ("set-cookie", "b"), ("X-Odd", "\x1b[31mcaf\xe9"), ("X-Empty", ""),
        ("X-Long", "one two"), ("Content-Length", "0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "before the end of an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "before the end of its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "before the end of its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "before the end of its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n", "chunk without a length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", "of another length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer encoding"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "no clear length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", "no clear length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc", "no clear length"),
        (b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header that is none"),
        (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "a header that is none"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 999 Odd\r\n\r\n", "not HTTP/1.1"),
        (b"\x15\x03\x01\x00\x02\x02\n", "https://"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "longer than 64 KiB"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000, "longer than 64 KiB"),
        (b"a" * 1_000_000, "longer than 64 KiB"),
    ],
)
async def test_what_is_no_whole_answer_says_why(answer: bytes, why: str) -> None:
    attempt = await answered(closing(answer))
    assert attempt.failure is Failure.BROKEN
    assert why in attempt.detail
    assert not attempt.fine


async def test_what_came_of_an_answer_that_breaks_off_is_kept() -> None:
    async def part(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 500 Oops\r\nX-Trace: 7\r\nContent-Length: 100\r\n\r\nhalf")
        await call.writer.drain()
        call.writer.close()

    attempt = await answered(part)
    assert (attempt.status, attempt.failure, attempt.body) == (500, Failure.BROKEN, b"half")
    assert attempt.header("x-trace") == "7"


async def test_a_reset_is_no_answer() -> None:
    attempt = await answered(reset)
    assert (attempt.status, attempt.failure) == (None, Failure.BROKEN)


@pytest.mark.parametrize("chunked", [False, True])
async def test_of_a_huge_answer_the_beginning_is_kept_and_not_all_is_read(chunked: bool) -> None:
    sent = 0

    async def flood(call: Call) -> None:
        nonlocal sent
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000000"
        call.writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        part = b"10000\r\n" + b"y" * 65536 + b"\r\n" if chunked else b"y" * 65536
        while not call.writer.is_closing():
            call.writer.write(part)
            sent += 65536
            await call.writer.drain()

    attempt = await answered(flood)
    assert attempt.fine
    assert attempt.body == b"y" * KEPT
    assert attempt.size == MAX_READ
    assert answer_change(attempt, await answered(flood)).words == "same"
    assert sent < MAX_READ + 2**24


async def test_a_longer_answer_is_counted_to_its_end() -> None:
    size = KEPT * 3 + 7
    attempt = await answered(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"z" * size)
    assert (len(attempt.body), attempt.size, attempt.failure) == (KEPT, size, None)


async def test_nothing_is_unpacked() -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    attempt = await answered(answer + packed)
    assert attempt.body == packed[:KEPT]
    assert attempt.size == len(packed)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_the_answer_and_is_not_followed(status: int) -> None:
    async with app() as other:
        answer = b"HTTP/1.1 %d Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n" % (status, other.url.encode())
        attempt = await answered(answer)
        assert other.connections == 0
    assert (attempt.status, attempt.failure) == (status, None)
    assert attempt.header("location") == f"{other.url}/x"


# --- apps in trouble -----------------------------------------------------------------------------------------------


async def test_the_time_is_for_the_whole_call(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = long_deadlines(monkeypatch)

    async def silent(call: Call) -> None:
        deadline().reschedule(0)
        await hang(call)

    async def drip(call: Call) -> None:
        begun = deadline()
        call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for number in itertools.count():
            call.writer.write(b".")
            await asyncio.sleep(0.02)
            if number == 10:  # the status has long been read
                begun.reschedule(0)

    for behaviour, status in ((silent, None), (drip, 200)):
        attempt = await answered(behaviour, timeout_s=LONG_S)
        assert (attempt.status, attempt.failure) == (status, Failure.TIMEOUT)
        assert f"{LONG_S:g} s" in attempt.detail


async def test_an_app_that_answers_before_it_has_read_the_body() -> None:
    early = closing(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    async with app(early, read_body=False) as running:
        attempt = await passed(captured(b"x" * 8 * 1024 * 1024), running)
    assert (attempt.status, attempt.body) == (413, b"big")


async def test_the_measured_time_is_the_app_s() -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(0.2)
        call.writer.write(OK)

    attempt = await answered(slow)
    assert attempt.took_s is not None
    assert 0.2 <= attempt.took_s < 3


async def test_what_cannot_be_sent_is_said_and_nothing_is_connected() -> None:
    async with app() as running, Forwarder() as forwarder:
        bad = replace(captured(), request=Request("POST", "/a b", "", (), b""))
        attempt = await forwarder.pass_on(bad, running.url)
        assert (attempt.failure, attempt.took_s) == (Failure.UNSENDABLE, None)
        assert running.connections == 0
        for url in ("http://169.254.169.254", "ftp://x", "http://127.1"):
            with pytest.raises(TargetProblem):
                await forwarder.pass_on(captured(), url)


# --- names and addresses -------------------------------------------------------------------------------------------


class Names:
    """A resolver whose answer a test changes."""

    def __init__(self, *found: str) -> None:
        self.found: Sequence[str] = found

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if not self.found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.found


async def test_a_name_that_is_pinned_keeps_its_address() -> None:
    async with app() as running:
        names = Names("127.0.0.1")
        async with Forwarder(resolve=names) as forwarder:
            url = f"http://app.test:{running.port}"
            assert (await forwarder.pass_on(captured(), url)).fine
            names.found = ["169.254.169.254"]  # rebound between two requests
            assert (await forwarder.pass_on(captured(), url)).fine
            assert running.calls[1].values("host") == [f"app.test:{running.port}"]
        # Once nobody answers there it is asked for again, and what it leads to now is refused.
        async with Forwarder(resolve=names) as forwarder:
            names.found = ["127.0.0.1"]
            url = f"http://app.test:{free_port()}"
            assert (await forwarder.pass_on(captured(), url)).failure is Failure.REFUSED
            names.found = ["169.254.169.254"]
            attempt = await forwarder.pass_on(captured(), url)
            assert attempt.failure is Failure.FORBIDDEN
            assert "169.254.169.254" in attempt.detail


async def test_a_name_that_nobody_knows() -> None:
    async with Forwarder(resolve=Names()) as forwarder:
        attempt = await forwarder.pass_on(captured(), "http://app.test")
    assert (attempt.failure, attempt.detail) == (Failure.UNREACHABLE, "Name or service not known")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with app() as proxy, app() as running:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert (await passed(captured(), running)).fine
        assert (proxy.connections, len(running.calls)) == (0, 1)


# --- TLS -----------------------------------------------------------------------------------------------------------


async def test_tls_is_checked_and_its_environment_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    log = tmp_path / "keylog"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    async with app(tls=server) as running:
        attempt = await passed(captured(), running)
        assert attempt.failure is Failure.UNTRUSTED
        assert "its certificate is not valid" in attempt.detail
        assert running.calls == []
        known = ssl.create_default_context(cafile=str(file))
        known.keylog_filename = None  # type: ignore[assignment]  # ssl itself obeys SSLKEYLOGFILE
        async with Forwarder(tls=lambda: known) as forwarder:
            for _ in range(2):
                assert (await forwarder.pass_on(captured(), running.url)).fine
            named = running.url.replace("127.0.0.1", "localhost")
            assert (await forwarder.pass_on(captured(), named)).failure is Failure.UNTRUSTED
    assert not log.exists() or log.read_bytes().count(b"SECRET") == 0


async def test_an_app_without_tls_behind_https() -> None:
    async with app(closing(b"HTTP/1.1 400 Bad\r\n\r\n")) as running, Forwarder(timeout_s=0.5) as forwarder:
        attempt = await forwarder.pass_on(captured(), running.url.replace("http:", "https:"))
    assert attempt.failure in (Failure.UNTRUSTED, Failure.TIMEOUT, Failure.UNREACHABLE)
    assert attempt.status is None
