"""Calls to a provider's API that may answer anything, over real sockets: one clear error each, and no secret shown."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from monitor.admin.base import AdminError, ApiAnswer, ApiCall, ApiRequest, Trouble
from monitor.admin.http import EXCERPT, MAX_BYTES, Api
from monitor.admin.masking import mask
from monitor.secret import Secret
from tests.admin.server import Asked, Reply, api, http, http_json, served
from tests.certificates import certificate
from tests.deadlines import LONG_S, long_deadlines

TOKEN = "sample-token/not+a\"real'one-7788"
KEY = "U2FtcGxlIGtleSwgbm90IHJlYWwgLys/Zm9vYmFyLi4="
Answering: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def request(url: str, method: str = "POST", deadline_s: float = 10.0, *, reads: bool = False) -> ApiRequest:
    """A request with a secret in a header and one in its body."""
    body = None if method == "GET" else json.dumps({"url": "https://example.com/in", "signingKey": KEY})
    headers = (("Authorization", Secret(f"Bearer {TOKEN}")),)
    return ApiRequest(method, url, headers, body, (Secret(KEY),), deadline_s, reads)


async def called(asked: ApiRequest) -> tuple[ApiAnswer | AdminError, ApiCall]:
    """What a call came to, and the one line that the log got of it; neither may hold a secret."""
    calls: list[ApiCall] = []
    outcome: ApiAnswer | AdminError
    try:
        outcome = await Api("volt-1", on_call=calls.append, now=lambda: NOW).send(asked)
    except AdminError as error:
        outcome = error
    if isinstance(outcome, AdminError):
        assert outcome.__context__ is None, "an error of the HTTP client would drag the request along"
        assert str(outcome).endswith(".")
        assert str(outcome).isprintable()
    assert len(calls) == 1
    call = calls[0]
    assert (call.at, call.account, call.method) == (NOW, "volt-1", asked.method)
    assert call.status == outcome.status
    assert call.error == (str(outcome) if isinstance(outcome, AdminError) else None)
    assert call.took_s >= 0
    assert call.answer.replace("\n", "").isprintable()
    for shown in (repr(outcome), str(outcome), repr(call), str(call), repr(asked), asked.shown()):
        assert TOKEN not in shown
        assert KEY not in shown
    return outcome, call


async def failed(asked: ApiRequest) -> AdminError:
    outcome, call = await called(asked)
    assert isinstance(outcome, AdminError)
    assert call.error == str(outcome)
    return outcome


async def test_what_is_shown_is_what_is_sent() -> None:
    async def answer(asked: Asked) -> bytes:
        return http_json({"id": "1", "signingKey": KEY}, "201 Created", "X-Request-Id: r-1")

    async with api(answer) as (url, came):
        asked = request(f"{url}/v1/webhooks?limit=5")
        outcome, call = await called(asked)
    assert isinstance(outcome, ApiAnswer)
    assert (outcome.status, outcome.header("x-request-id"), json.loads(outcome.body)["signingKey"]) == (201, "r-1", KEY)
    sent = came[0]
    assert sent.line == "POST /v1/webhooks?limit=5 HTTP/1.1"
    assert sent.body.decode() == asked.body
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["user-agent"].startswith("hooktop/")
    assert "cookie" not in sent.headers
    assert call.status == 201
    assert call.answer == '{"id": "1", "signingKey": "••••Li4="}'
    assert call.request.splitlines() == [
        f"POST {url}/v1/webhooks?limit=5",
        "Authorization: ••••7788",
        "",
        '{"url": "https://example.com/in", "signingKey": "••••Li4="}',
    ]


async def test_own_headers_go_over_ours() -> None:
    async def answer(asked: Asked) -> bytes:
        return http(b"{}")

    async with api(answer) as (url, came):
        asked = ApiRequest("POST", url, (("content-type", "application/graphql"), ("accept", "text/plain")), "{}")
        await Api("a").send(asked)
    assert [came[0].headers[name] for name in ("content-type", "accept")] == ["application/graphql", "text/plain"]


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "400 Bad", "401 No", "404 No", "429 No", "503 Down"])
async def test_every_status_but_a_redirect_is_an_answer(status: str) -> None:
    async with served(http(b"", status)) as (url, _):
        outcome, call = await called(request(url))
    assert isinstance(outcome, ApiAnswer)
    assert call.status == outcome.status == int(status[:3])


async def test_escapes_in_the_reason_the_headers_and_the_body_stay_harmless() -> None:
    async with served(http(b"\x1b]0;owned\x07\xff\r\n<b>", "400 \x1b[2Jbad")) as (url, _):
        outcome, call = await called(request(url))
    assert isinstance(outcome, ApiAnswer)
    assert call.answer == "␛]0;owned␇\\xff\n<b>"


async def test_the_log_keeps_the_beginning_of_a_long_answer() -> None:
    async with served(http(b"x" * 1_000_000)) as (url, _):
        outcome, call = await called(request(url))
    assert isinstance(outcome, ApiAnswer)
    assert len(outcome.body) == 1_000_000
    assert call.answer == "x" * EXCERPT + "…"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_is_told_with_its_host_and_never_followed(status: str, method: str) -> None:
    async with served(http(b"")) as (other, there):
        target = other.replace("127.0.0.1", "localhost")
        async with served(http(b"", status, f"Location: {target}")) as (url, _):
            error = await failed(request(url, method))
    assert (error.kind, error.status) == (Trouble.UNINTELLIGIBLE, int(status[:3]))
    assert f"sends on to {target.split('/')[2]}, which hooktop does not follow" in str(error)
    assert ("may have been done" in str(error)) == (method == "POST")
    assert there == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
async def test_a_bomb_is_not_unpacked(encoding: str) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    async with served(http(bomb, "200 OK", f"Content-Encoding: {encoding}")) as (url, _):
        error = await failed(request(url, "GET"))
    assert error.kind is Trouble.UNINTELLIGIBLE
    assert f"in the encoding {encoding}, which was not asked for" in str(error)


async def test_too_much_is_cut_off_whatever_was_announced() -> None:
    async with served(http(b"x" * MAX_BYTES)) as (url, _):
        outcome, _call = await called(request(url))
        assert isinstance(outcome, ApiAnswer)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    for answer in (http(b"x" * (MAX_BYTES + 1)), endless):
        async with served(answer) as (url, _):
            error = await failed(request(url))
        assert (error.kind, error.status) == (Trouble.UNINTELLIGIBLE, 200)
        assert "more than 2 MiB" in str(error)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [drip, silent])
@pytest.mark.parametrize(
    ("method", "reads", "kind"),
    [
        ("POST", False, Trouble.UNCERTAIN),
        ("DELETE", False, Trouble.UNCERTAIN),
        ("POST", True, Trouble.UNREACHABLE),
        ("GET", False, Trouble.UNREACHABLE),
    ],
)
async def test_one_deadline_for_the_whole_call(
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]],
    method: str,
    reads: bool,
    kind: Trouble,
) -> None:
    deadline = long_deadlines(monkeypatch)

    async def asked(writer: asyncio.StreamWriter) -> None:
        begun = deadline()
        asyncio.get_running_loop().call_later(0.2, begun.reschedule, 0)
        await answer(writer)

    async with served(asked) as (url, requests):
        error = await failed(request(url, method, LONG_S, reads=reads))
    assert len(requests) == 1, "nothing is sent twice"
    assert error.kind is kind
    assert f"did not answer within {LONG_S:g} s" in str(error)
    assert ("may have been done" in str(error)) == (kind is Trouble.UNCERTAIN)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


BROKEN = [
    b"",
    reset,
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-\x1b[2J: y\r\n\r\n",
    b"not HTTP at all\r\n\r\n",
]


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize(("method", "kind"), [("POST", Trouble.UNCERTAIN), ("GET", Trouble.UNREACHABLE)])
async def test_answers_that_break_off(answer: Reply, method: str, kind: Trouble) -> None:
    async with served(answer) as (url, requests):
        error = await failed(request(url, method))
    assert len(requests) == 1
    assert error.kind is kind
    assert "broke off" in str(error)


async def test_nobody_listens() -> None:
    async with served(b"") as (url, _):
        pass
    error = await failed(request(url))
    assert error.kind is Trouble.UNREACHABLE
    assert "there is no connection to it" in str(error)


async def test_a_name_that_does_not_exist() -> None:
    error = await failed(request("https://no-such-host.invalid/graphql", deadline_s=5))
    assert error.kind is Trouble.UNREACHABLE


async def test_a_deadline_before_anything_was_sent_leaves_no_doubt() -> None:
    async with served(silent) as (url, _):
        error = await failed(request(url.replace("http:", "https:"), deadline_s=0.5))
    assert error.kind is Trouble.UNREACHABLE


async def test_a_server_without_tls_behind_https() -> None:
    async with served(http(b"")) as (url, _):
        error = await failed(request(url.replace("http:", "https:"), deadline_s=5))
    assert error.kind is Trouble.UNREACHABLE


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "keylog"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    async with served(http(b""), tls) as (url, requests):
        error = await failed(request(url))
    assert error.kind is Trouble.UNREACHABLE
    assert "its certificate is not valid for it" in str(error)
    assert requests == []
    assert not log.exists() or log.read_bytes().count(b"SECRET") == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/",
        "file:///etc/passwd",
        "https://user:hidden@example.com/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "https://example.com\\@127.0.0.1/",
        "",
    ],
)
async def test_addresses_that_are_refused_before_anything_is_sent(url: str) -> None:
    error = await failed(request(url))
    assert error.kind is Trouble.UNREACHABLE
    assert str(error).startswith("The API's address cannot be used: ")
    assert "hidden" not in str(error)


@pytest.mark.parametrize("token", ["two\nlines", "schlüssel", "\x1b[2J", "trailing "])
async def test_a_secret_that_no_header_can_carry(token: str) -> None:
    async with served(http(b"")) as (url, requests):
        asked = ApiRequest("POST", url, (("Authorization", Secret(token)),), "{}")
        outcome, _ = await called(asked)
    assert isinstance(outcome, AdminError)
    assert outcome.kind is Trouble.AUTH
    assert token not in str(outcome)
    assert requests == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(http(b"from the proxy")) as (proxy, asked), served(http(b"itself")) as (url, _):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.rpartition("/")[0])
        outcome, _call = await called(request(url))
    assert isinstance(outcome, ApiAnswer)
    assert outcome.body == b"itself"
    assert asked == []


async def test_a_cancelled_call_is_in_the_log() -> None:
    arrived = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    calls: list[ApiCall] = []
    async with served(answer) as (url, _):
        task = asyncio.get_running_loop().create_task(Api("volt-1", on_call=calls.append).send(request(url)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [(call.status, call.error) for call in calls] == [(None, "cancelled")]


ECHOES = [
    TOKEN,
    json.dumps(TOKEN)[1:-1],
    f"Bearer {TOKEN}",
    KEY,
    KEY.replace("/", "\\/"),
    "U2FtcGxlIGtleSwgbm90IHJlYWwgLys%2FZm9vYmFyLi4%3D",
]


@pytest.mark.parametrize("echo", ECHOES)
async def test_secrets_that_an_answer_repeats(echo: str) -> None:
    answers = [
        http(f"you sent {echo}, which is wrong".encode(), "401 Unauthorized"),
        http(f'{{"message": "{echo}", "apiKey": "another-sample-key"}}'.encode(), "400 Bad"),
        http(b"", "302 Found", f"Location: https://{echo.partition('/')[0]}.example.com/{echo}"),
        http(b"", "200 OK", f"Content-Encoding: {echo}"),
    ]
    for answer in answers:
        async with served(answer) as (url, _):
            _, call = await called(request(url))
            assert echo not in f"{call} {call.answer} {call.error}"
            assert "another-sample-key" not in call.answer


async def test_no_secret_reaches_the_log_file_of_the_http_client(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(http(f"you sent {TOKEN} and {KEY}".encode(), "401 Unauthorized")) as (url, _):
        await called(request(url))
    assert caplog.records
    assert TOKEN not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"signingKey": "sample-signing-key-0001", "a": 1}', '{"signingKey": "••••0001", "a": 1}'),
        ('{"signing_key":"short"}', '{"signing_key":"••••"}'),
        ('{"webengageToken":"sample-token-0002"}', '{"webengageToken":"••••0002"}'),
        ('{"credentials": {"user": "x", "pass": ["y"]}, "b": 2}', '{"credentials": "••••", "b": 2}'),
        ('{"credentials": null}', '{"credentials": null}'),
        ('{"Authorization": "Basic c2FtcGxl"}', '{"Authorization": "••••cGxl"}'),
        ('{"accessKey": "cut off in the mid', '{"accessKey": ••••'),
        ('{"api_key" :\n 42}', '{"api_key" :\n "••••"}'),
        ('{"nextPageToken": "eyJvIjoxMDB9", "tokens": 3}', '{"nextPageToken": "eyJvIjoxMDB9", "tokens": 3}'),
        ('{"signingKey": "a \\" quote sample 0003"}', '{"signingKey": "••••0003"}'),
        ('{"signingKey": "••••0004"}', '{"signingKey": "••••0004"}'),
        ("token: plain text stays", "token: plain text stays"),
    ],
)
def test_members_that_hold_secrets_by_their_name(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_an_empty_secret_hides_nothing() -> None:
    assert mask("text", [Secret(""), Secret(" ")]) == "text"
