"""The public entry over real sockets: what strangers try, and what they get (threats T8, T14, T15, T16, T30)."""

from __future__ import annotations

import base64
import resource
import socket
import sys
import zlib
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from monitor.config import Config
from monitor.model.capture import Capture
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Monitor, Settings
from tests.factory import running
from tests.parsers import both_parsers
from tests.receiver.test_receiver import raw

pytestmark = both_parsers

MIB = 1024 * 1024
SECRET = b"connectly-test-secret"
CONNECTLY = Keys(keys=(secret_key(SECRET, "test"),))


def stored(monitor: Monitor) -> list[Capture]:
    """All captures."""
    with closing(monitor.reader()) as reader:
        return reader.page(limit=1000)


def client(monitor: Monitor) -> httpx.AsyncClient:
    """A sender."""
    return httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10)


def bomb(mebibytes: int) -> bytes:
    """A gzip body of zeros that unpacks to so much, made in small pieces."""
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(MIB)
    return b"".join([*(packer.compress(piece) for _ in range(mebibytes)), packer.flush()])


async def test_t8_a_compressed_body_is_kept_packed_and_its_signature_is_that_of_the_bytes(tmp_path: Path) -> None:
    body = bomb(100)
    signed = dict(registry()["connectly"].sign(body, SECRET, url="", at=0))
    async with running(tmp_path / "h.db", connectly=CONNECTLY) as monitor, client(monitor) as http:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = await http.post("/connectly", content=body, headers={**signed, "Content-Encoding": "gzip"})
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        [capture] = stored(monitor)
    assert answer.status_code == 200
    assert capture.request.body == body
    assert capture.verdict.status is VerdictStatus.VERIFIED
    assert grown / (1024 if sys.platform != "darwin" else MIB) < 50  # MiB; unpacked it has 100


LINES = {
    b"POST /volt/ HTTP/1.1": 200,  # no redirect: it would go to the host that the sender names
    b"POST //evil.example/volt HTTP/1.1": 200,
    b"POST /volt/../bird HTTP/1.1": 200,
    b"POST /%2e%2e/%00 HTTP/1.1": 200,
    b"POST http://evil.example/volt HTTP/1.1": 200,
    b"POST * HTTP/1.1": 200,
    b"GET /docs HTTP/1.1": 404,
    b"GET /openapi.json HTTP/1.1": 404,
    b"GET /volt/../../etc/passwd HTTP/1.1": 404,
    b"GET //volt HTTP/1.1": 404,
    b"CONNECT evil.example:443 HTTP/1.1": 405,
    b"TRACE / HTTP/1.1": 405,
    b"PROPFIND /volt HTTP/1.1": 405,
    b"POST /vo\x01lt HTTP/1.1": 400,
    b"POST / volt HTTP/1.1": 400,
}


async def test_t14_no_request_line_leads_anywhere_else(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db") as monitor:
        for line, status in LINES.items():
            asked = line + b"\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
            answer = await raw(monitor, asked)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status), line
            assert b"evil" not in answer, line
            assert b"\nlocation:" not in head.lower(), line
            assert len(body) < 100, line
        assert len(stored(monitor)) == list(LINES.values()).count(200)


async def test_t15_who_guesses_the_address_stores_nothing(tmp_path: Path) -> None:
    token = LocalKeys(tmp_path / "local").path_token()
    assert len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))) >= 16  # 128 bits
    async with running(tmp_path / "h.db", Settings(token=token)) as monitor, client(monitor) as http:
        for number in range(100):
            assert (await http.post(f"/volt/{token[:-4]}{number:04}", content=b"{}")).status_code == 404
        assert stored(monitor) == []
        assert monitor.feed.refused == {404: 100}
        assert (await http.post(f"/volt/{token}", content=b"{}")).status_code == 200


async def test_t16_a_page_in_the_browser_can_add_a_capture_and_learn_nothing(tmp_path: Path) -> None:
    page = {"Origin": "https://evil.example", "Sec-Fetch-Mode": "no-cors", "Content-Type": "text/plain"}
    async with running(tmp_path / "h.db", connectly=CONNECTLY) as monitor, client(monitor) as http:
        asked = {**page, "Access-Control-Request-Method": "POST"}
        answers = [
            await http.post("/connectly", content=b'{"canary":1}', headers=page),
            await http.options("/connectly", headers=asked),
            *[await http.get(path, headers=page) for path in ("/", "/connectly", "/captures", "/healthz", "/1")],
        ]
        [capture] = stored(monitor)
    assert [answer.status_code for answer in answers] == [200, 405, 200, 200, 404, 200, 404]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]
    assert not [answer for answer in answers if "canary" in answer.text]
    assert capture.verdict.status is VerdictStatus.MISSING


def test_t30_only_this_machine_is_listened_to_unless_asked() -> None:
    with closing(bind(Config().receiver.host, 0)) as sock:
        host, port = sock.getsockname()[:2]
        assert (sock.family, host) == (socket.AF_INET, "127.0.0.1")
        sock.listen()
        socket.create_connection(("127.0.0.1", port), 5).close()
        for other in ("127.0.0.2", "::1"):
            with pytest.raises(OSError, match=r".+"):
                socket.create_connection((other, port), 2).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_t30_an_address_of_ipv6_takes_nothing_over_ipv4() -> None:
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    with closing(bind("::", 0)) as sock:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
