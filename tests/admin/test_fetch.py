"""Fetching a public key from an address that may do anything, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import ssl
from pathlib import Path

import pytest

from monitor.admin.fetch import DEADLINE_S, MAX_BYTES, FetchError, fetch_public_key
from tests.admin.server import http, served
from tests.certificates import certificate
from tests.deadlines import LONG_S, long_deadlines

KEY = b"ssh-rsa AAAA not a real key, but nobody looks here\n"


async def told(url: str, deadline_s: float = DEADLINE_S) -> str:
    with pytest.raises(FetchError) as caught:
        await fetch_public_key(url, deadline_s=deadline_s)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    return sentence


async def test_the_bytes_come_as_they_are_and_nothing_secret_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(Path("/nowhere")))
    async with served(http(KEY)) as (url, requests):
        assert await fetch_public_key(url) == KEY
    head = requests[0].lower()
    assert head.startswith(b"get /id_rsa.pub http/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in head
    assert b"authorization" not in head
    assert b"cookie" not in head


@pytest.mark.parametrize(
    "body", [b"", b"<html>not found</html>", b"-----BEGIN RSA PRIVATE KEY-----\n", KEY[:10], b"x" * MAX_BYTES]
)
async def test_what_it_is_is_judged_by_others(body: bytes) -> None:
    async with served(http(body)) as (url, _):
        assert await fetch_public_key(url) == body


@pytest.mark.parametrize("status", ["204 No Content", "403 Forbidden", "404 Not Found", "500 \x1b[2J", "299 Odd"])
async def test_any_other_answer_is_named(status: str) -> None:
    async with served(http(b"" if status.startswith("204") else b"<html>", status)) as (url, _):
        sentence = await told(url)
    assert f"answered {status[:3]}" in sentence


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_told_and_not_followed(status: str) -> None:
    async with served(http(KEY)) as (other, there):
        target = other.replace("127.0.0.1", "localhost")
        async with served(http(b"", status, f"Location: {target}")) as (url, requests):
            sentence = await told(url)
    assert f"sends on to {target.split('/')[2]}, which hooktop does not follow" in sentence
    assert len(requests) == 1
    assert there == []


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:pass@evil.example.com/", "to evil.example.com,"),
        ("https://user:pass@evil\x9b2J.example.com/", "not proper HTTP"),
        ("https://evil.example.com/\x1b[2J", "not proper HTTP"),
        ("//evil.example.com", "to evil.example.com,"),
        ("http://[", "to another place,"),
        ("/elsewhere", "to 127.0.0.1:"),
    ],
)
async def test_odd_redirects(location: str, shown: str) -> None:
    async with served(http(b"", "302 Found", f"Location: {location}")) as (url, _):
        sentence = await told(url)
    assert shown in sentence
    assert "pass" not in sentence


async def test_a_redirect_to_nowhere() -> None:
    async with served(http(b"", "302 Found")) as (url, _):
        assert "sends on to" in await told(url)


async def test_too_much_is_cut_off_whatever_was_announced() -> None:
    async with served(http(b"x" * (MAX_BYTES + 1))) as (url, _):
        assert "more than 16 KiB" in await told(url)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    async with served(endless) as (url, _):
        assert "more than 16 KiB" in await told(url)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip", "\x1b[31m"])
async def test_encodings_that_were_not_asked_for(encoding: str) -> None:
    body = gzip.compress(b"x" * 10_000_000)
    async with served(http(body, "200 OK", f"Content-Encoding: {encoding}")) as (url, _):
        sentence = await told(url)
    assert "not asked for" in sentence or "not proper HTTP" in sentence


async def test_a_slow_drip_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = long_deadlines(monkeypatch)

    async def drip(writer: asyncio.StreamWriter) -> None:
        begun = deadline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for number in itertools.count():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
            if number == 10:
                begun.reschedule(0)

    async with served(drip) as (url, _):
        assert f"within {LONG_S:g} s" in await told(url, LONG_S)


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = long_deadlines(monkeypatch)

    async def silent(writer: asyncio.StreamWriter) -> None:
        deadline().reschedule(0)
        await asyncio.Event().wait()

    async with served(silent) as (url, _):
        assert f"within {LONG_S:g} s" in await told(url, LONG_S)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nssh-rsa AAAA",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_answers_that_break_off(answer: bytes) -> None:
    async with served(answer) as (url, _):
        assert "its answer broke off or is not proper HTTP" in await told(url)


async def test_nobody_listens() -> None:
    async with served(b"") as (url, _):
        pass
    sentence = await told(f"{url}?token=hidden")
    assert "there is no connection to it" in sentence
    assert "hidden" not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/id_rsa.pub",
        "file:///etc/passwd",
        "https://user:hidden@example.com/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "https://example.com\\@127.0.0.1/",
        "",
    ],
)
async def test_addresses_that_are_refused_before_anything_is_sent(url: str) -> None:
    sentence = await told(url)
    assert sentence.startswith("The public key's address cannot be used: ")
    assert "hidden" not in sentence


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(http(b"from the proxy")) as (proxy, asked), served(http(KEY)) as (url, _):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.removesuffix("/id_rsa.pub"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert await fetch_public_key(url) == KEY
    assert asked == []


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "keylog"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    async with served(http(KEY), tls) as (url, requests):
        assert "its certificate is not valid for it (self-signed certificate)" in await told(url)
    assert requests == []
    assert not log.exists() or log.read_bytes().count(b"SECRET") == 0


async def test_a_server_without_tls_behind_https() -> None:
    async with served(http(KEY)) as (url, _):
        assert "cannot be reached" in await told(url.replace("http:", "https:"), 2)
