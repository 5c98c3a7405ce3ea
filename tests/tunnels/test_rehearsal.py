"""The way to our port, hop by hop, over real sockets and real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.receiver.app import GREETING
from monitor.tls import trusted
from monitor.tunnels.rehearsal import DEADLINE_S, HOPS, Hop, HopStatus, Rehearsal, rehearse
from tests.factory import running
from tests.tunnels.servers import Served, certified, page, serving

HOOK = "/volt/hk-sample-secret-token"
OURS: dict[str, bytes | None] = {"/healthz": page("ok\n"), "/volt": page(GREETING)}
OK, WARN, FAILED, SKIPPED = HopStatus.OK, HopStatus.WARN, HopStatus.FAILED, HopStatus.SKIPPED


async def rehearsed(public_url: str, local_url: str, **more: Any) -> dict[str, Hop]:
    """The hops by name; that they are told one by one and are proper sentences is looked at each time."""
    seen: list[Hop] = []
    done = await rehearse(public_url, HOOK, local_url=local_url, expected=GREETING, on_hop=seen.append, **more)
    assert tuple(hop.name for hop in done.hops) == HOPS
    assert done.hops == tuple(seen)
    assert done.took_s >= sum(hop.took_s for hop in done.hops) - 0.1
    for hop in done.hops:
        assert hop.sentence.endswith(".")
        assert hop.sentence.isprintable()
        assert "hk-sample" not in hop.sentence + (hop.remedy or "")
        assert (hop.remedy is None) == (hop.status in (OK, SKIPPED))
    failed = [hop for hop in done.hops if hop.status is FAILED]
    assert done.problem == (failed[0] if failed else None)
    assert done.ok is not bool(failed)
    return {hop.name: hop for hop in done.hops}


def statuses(hops: dict[str, Hop]) -> list[HopStatus]:
    return [hops[name].status for name in HOPS]


@asynccontextmanager
async def local() -> AsyncIterator[str]:
    """Our receiver's look: the base address of a server that answers as it does."""
    async with serving(OURS) as server:
        yield f"http://127.0.0.1:{server.port}"


@contextlib.contextmanager
def names(monkeypatch: pytest.MonkeyPatch, **known: list[str] | Exception | Callable[[], Any]) -> Any:
    """The machine's name server knows these names (``_`` for ``.``)."""
    real = socket.getaddrinfo
    table = {name.replace("_", "."): found for name, found in known.items()}

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        found = table.get(host)
        if found is None:
            return real(host, port, *args, **kwargs)
        if isinstance(found, Exception):
            raise found
        if callable(found):
            return found()
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        yield


async def test_every_hop_of_a_way_that_works(tmp_path: Path) -> None:
    shown, trusting = certified(tmp_path)
    async with serving(OURS, shown) as public, local() as local_url:
        hops = await rehearsed(f"https://localhost:{public.port}/", local_url, tls=trusting)
        assert statuses(hops) == [WARN, OK, OK, OK, OK, OK, OK]
        assert hops["address"].sentence.endswith("this machine's own address: no provider can reach it.")
        assert "127.0.0.1" in hops["DNS"].sentence
        assert hops["TCP"].sentence == f"127.0.0.1 takes connections on port {public.port}."
        assert "valid for localhost, 60 more days" in hops["TLS"].sentence
        assert hops["receiver"].sentence == "hooktop answers at /volt."
        assert public.methods == {"GET"}
        assert sorted(public.paths) == ["/healthz", "/volt"]
        assert all(f"\r\nHost: localhost:{public.port}\r\n" in head for head in public.heads)


async def test_the_real_receiver_is_known_and_stores_nothing(tmp_path: Path) -> None:
    async with running(tmp_path / "a.db") as monitor:
        hops = await rehearsed(monitor.url, monitor.url)
        assert statuses(hops) == [WARN, OK, OK, SKIPPED, OK, OK, OK]
        with contextlib.closing(monitor.reader()) as reader:
            assert reader.page(limit=10) == []


async def test_a_tunnel_that_keeps_a_path_before_ours() -> None:
    answers = {f"/base{path}": answer for path, answer in OURS.items()}
    async with serving(answers) as public, local() as local_url:
        hops = await rehearsed(f"http://127.0.0.1:{public.port}/base", local_url)
        assert hops["receiver"].status is OK


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com",
        "https://user:pass@hooks.example.com",
        "https://hooks.example.com/?a=b",
        "https://hooks.example.com/#a",
        "https://0x7f000001",
        "https://127.1",
        "https://hooks.example.com:0",
        "https://hooks.example.com\\@evil.example.com",
        "https://hook\u202es.example.com",
        "https://hooks.example.com/\x1b[2J",
    ],
)
async def test_what_is_no_address(url: str) -> None:
    async with local() as local_url:
        hops = await rehearsed(url, local_url)
    assert statuses(hops) == [FAILED, SKIPPED, SKIPPED, SKIPPED, SKIPPED, SKIPPED, OK]
    assert hops["DNS"].sentence == "Not tried, since this failed before: address."
    assert "https://hooks.example.com" in (hops["address"].remedy or "")


async def test_plain_http_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OURS) as public, local() as local_url:
        with names(monkeypatch, hooks_example_com=["127.0.0.1"]):
            hops = await rehearsed(f"http://hooks.example.com:{public.port}", local_url)
    assert statuses(hops) == [OK, WARN, OK, WARN, OK, OK, OK]
    assert "providers ask for https" in hops["TLS"].sentence
    assert "127.0.0.1 cannot be reached from the internet" in hops["DNS"].sentence


@pytest.mark.parametrize(
    ("known", "status", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), FAILED, "no such name is known"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), FAILED, "no name server answers"),
        (["169.254.169.254"], FAILED, "no host of the internet"),
        (["::ffff:169.254.169.254"], FAILED, "no host of the internet"),
        (["fe80::1"], FAILED, "no host of the internet"),
        (["10.1.2.3", "127.0.0.1"], WARN, "10.1.2.3 cannot be reached"),
        (["100.101.102.103", "127.0.0.1"], WARN, "100.101.102.103 cannot be reached"),
        (["127.0.0.1"], WARN, "127.0.0.1 cannot be reached"),
    ],
)
async def test_where_the_name_leads(
    monkeypatch: pytest.MonkeyPatch, known: list[str] | Exception, status: HopStatus, words: str
) -> None:
    async with local() as local_url:
        with names(monkeypatch, hooks_example_com=known):
            hops = await rehearsed("http://hooks.example.com:1", local_url, deadline_s=1)
    assert hops["DNS"].status is status
    assert words in hops["DNS"].sentence
    assert hops["local port"].status is OK


async def test_the_address_that_was_looked_at_is_the_one_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere a moment later is not followed there."""
    async with serving(OURS) as public, serving({}) as trap, local() as local_url:
        turns = iter([["127.0.0.1"]])

        def once() -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(turns)[0], 0))]

        with names(monkeypatch, hooks_example_com=once):
            hops = await rehearsed(f"http://hooks.example.com:{public.port}", local_url)
        assert hops["receiver"].status is OK
        assert trap.heads == []


async def test_nobody_takes_connections() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with local() as local_url:
            hops = await rehearsed(f"https://localhost:{port}", local_url)
    assert statuses(hops) == [WARN, OK, FAILED, SKIPPED, SKIPPED, SKIPPED, OK]
    assert hops["TCP"].sentence == f"localhost takes no connections on port {port}."


@pytest.mark.parametrize(
    ("name", "days", "trusted", "status", "words"),
    [
        ("localhost", 3, True, WARN, "3 more days"),
        ("localhost", -1, True, FAILED, "certificate has expired"),
        ("other.example.com", 60, True, FAILED, "Hostname mismatch"),
        ("localhost", 60, False, FAILED, "self-signed certificate"),
    ],
)
async def test_certificates(tmp_path: Path, name: str, days: int, trusted: bool, status: HopStatus, words: str) -> None:
    shown, trusting = certified(tmp_path, name, days)
    async with serving(OURS, shown) as public, local() as local_url:
        hops = await rehearsed(f"https://localhost:{public.port}", local_url, tls=trusting if trusted else None)
        assert hops["TLS"].status is status
        assert words in hops["TLS"].sentence
        assert hops["receiver"].status is (OK if status is WARN else SKIPPED)
        assert status is WARN or public.heads == []


async def test_a_port_without_tls(tmp_path: Path) -> None:
    _, trusting = certified(tmp_path)
    async with serving(OURS) as public, local() as local_url:
        hops = await rehearsed(f"https://localhost:{public.port}", local_url, tls=trusting)
    assert hops["TLS"].status is FAILED
    assert "makes no secure connection" in hops["TLS"].sentence


async def through(answers: dict[str, bytes | None], **more: Any) -> tuple[dict[str, Hop], Served]:
    """The hops where a public address answers so."""
    async with serving(answers) as public, local() as local_url:
        return await rehearsed(f"http://127.0.0.1:{public.port}", local_url, **more), public


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page("error code: 1033", "530 None", "Server: cloudflare"), "Cloudflare knows no running tunnel"),
        (page("Bad gateway", "502 Bad Gateway", "CF-RAY: 1-FRA"), "Cloudflare's tunnel runs, but nothing answers"),
        (page("", "404 Not Found", "Ngrok-Error-Code: ERR_NGROK_3200"), "ngrok knows no running tunnel"),
        (page("", "502 Bad Gateway", "Ngrok-Error-Code: ERR_NGROK_8012"), "ngrok's tunnel runs, but nothing answers"),
        (page("<html>", "200 OK", "Ngrok-Error-Code: ERR_NGROK_6024"), "ngrok puts its browser warning before"),
        (page("", "503 No", "X-Localtunnel-Status: Tunnel Unavailable"), "localtunnel knows no running tunnel"),
        (
            page("", "302 Found", "Location: https://login.portal.example/?to=x"),
            "sends on to login.portal.example (302)",
        ),
        (page("", "301 Moved", "Location: /\x9b2J"), "sends on to 127.0.0.1:"),
        (page("", "401 No", "WWW-Authenticate: Basic"), "asks for a login (401)"),
        (page("", "511 Network Authentication Required"), "asks for a login (511)"),
        (page("", "500 Oops"), "came back with 500"),
        (b"", "broke off or is not proper HTTP"),
    ],
)
async def test_what_stands_before_the_tunnels_other_end_is_named(answer: bytes, words: str) -> None:
    hops, _ = await through({"/healthz": answer, "/volt": answer})
    assert hops["tunnel"].status is FAILED
    assert words in hops["tunnel"].sentence
    assert hops["receiver"].status is SKIPPED
    assert hops["local port"].status is OK


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page("<html><head><TITLE>\n My  \x1b[2J shop </TITLE>"), "200 “My ␛[2J shop”"),
        (page('{"hello": "world"}'), '200 “{"hello": "world"}”'),
        (page("", "404 Not Found"), "404 without a body"),
        (page("not quite " + GREETING.decode()), "200 “not quite hooktop"),
        (page(GREETING, "201 Created"), "201 “hooktop"),
        (page(b"\xff\xfe" * 40), "200 “\\xff\\xfe"),
    ],
)
async def test_another_program_is_named(answer: bytes, words: str) -> None:
    hops, _ = await through({"/healthz": page("ok\n"), "/volt": answer})
    assert hops["tunnel"].status is OK
    assert hops["receiver"].status is FAILED
    assert f"Another program answers at /volt: {words}" in hops["receiver"].sentence


async def test_hooktop_answers_but_cannot_store() -> None:
    hops, _ = await through({**OURS, "/healthz": page("the store cannot commit\n", "503 Service Unavailable")})
    assert statuses(hops) == [WARN, OK, OK, SKIPPED, WARN, OK, OK]


async def test_the_local_port_is_tried_in_any_case() -> None:
    async with serving({"/volt": page("<title>Another app</title>")}) as other:
        hops = await rehearsed("not an address", f"http://127.0.0.1:{other.port}")
    assert hops["local port"].status is FAILED
    assert "Another program answers" in hops["local port"].sentence
    hops = await rehearsed("not an address", "http://127.0.0.1:1")
    assert "hooktop does not answer at http://127.0.0.1:1" in hops["local port"].sentence


async def test_an_endless_body_is_cut() -> None:
    huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 50
    hops, _ = await through({"/healthz": page("ok\n"), "/volt": huge})
    assert hops["receiver"].status is FAILED


async def test_what_never_answers_ends_at_the_deadline() -> None:
    began = time.monotonic()
    hops, _ = await through({"/healthz": None}, deadline_s=2)
    assert time.monotonic() - began < DEADLINE_S
    assert hops["tunnel"].status is FAILED
    assert hops["tunnel"].sentence.startswith("No answer came within 1.")
    assert hops["local port"].status is OK


def test_a_name_server_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang() -> Any:
        release.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    async def main() -> dict[str, Hop]:
        async with local() as local_url:
            return await rehearsed("https://hooks.example.com", local_url, deadline_s=0.8)

    began = time.monotonic()
    with names(monkeypatch, hooks_example_com=hang):
        hops = asyncio.run(main())  # waits for the threads of the loop, too
        assert time.monotonic() - began < 30
        assert hops["DNS"].status is FAILED
        release.set()


async def test_it_can_be_cancelled() -> None:
    reached = asyncio.Event()

    def on_hop(hop: Hop) -> None:
        if hop.name == "TLS":
            reached.set()

    async with serving({}, default=None) as public:
        url = f"http://127.0.0.1:{public.port}"
        task: asyncio.Task[Rehearsal] = asyncio.get_running_loop().create_task(
            rehearse(url, HOOK, local_url=url, expected=GREETING, on_hop=on_hop)
        )
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_simulated_address() -> None:
    async with serving(OURS) as server:
        base = f"http://127.0.0.1:{server.port}"
        hops = await rehearsed("https://a1b2.trycloudflare.com", base, route=lambda _: base)
        assert statuses(hops) == [OK, SKIPPED, SKIPPED, SKIPPED, OK, OK, OK]
        assert all(hops[name].sentence.startswith("Simulated: ") for name in ("DNS", "TCP", "TLS"))
        assert all("\r\nHost: a1b2.trycloudflare.com\r\n" in head for head in server.heads[:2])
        hops = await rehearsed("https://old-9.trycloudflare.com", base, route=lambda _: None)
        assert statuses(hops) == [OK, SKIPPED, SKIPPED, SKIPPED, FAILED, SKIPPED, OK]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    hops, _ = await through(OURS)
    assert hops["receiver"].status is OK


def test_session_keys_are_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    trusted.cache_clear()
    assert trusted().keylog_filename is None
    assert trusted().verify_mode is ssl.CERT_REQUIRED
    assert trusted().check_hostname


async def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OURS) as public, local() as local_url:
        with names(monkeypatch, hooks_example_com=["127.0.0.2", "127.0.0.1"]):
            hops = await rehearsed(f"http://hooks.example.com:{public.port}", local_url)
    assert hops["TCP"].sentence.startswith("127.0.0.1 takes connections")
    assert hops["receiver"].status is OK
