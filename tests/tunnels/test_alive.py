"""Whether a registered address still leads anywhere."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from monitor import tasks
from monitor.tunnels.alive import Alive, AliveState, alive
from tests.deadlines import LONG_S, long_deadlines
from tests.tunnels.servers import certified, page, serving
from tests.tunnels.test_rehearsal import names

HOOK = "/volt/hk-sample-secret-token?secret=x"
DEAD = page("error code: 1033", "530 None", "Server: cloudflare")


async def asked(answer: bytes, **more: Any) -> Alive:
    """What is said of an address that answers so."""
    async with serving({}, default=answer) as server:
        told = await alive(f"http://127.0.0.1:{server.port}{HOOK}", private=True, **more)
        assert server.paths == ["/volt"]
        assert server.methods == {"GET"}
        assert "secret" not in "".join(server.heads)
    assert told.sentence.endswith(".")
    return told


@pytest.mark.parametrize(
    ("answer", "state", "service"),
    [
        (page("hooktop is listening. POST webhooks here.\n"), AliveState.ANSWERS, None),
        (page("nothing here\n", "404 Not Found"), AliveState.ANSWERS, None),
        (page("", "500 Oops"), AliveState.ANSWERS, None),
        (DEAD, AliveState.DEAD, "Cloudflare"),
        (page("", "404 No", "Ngrok-Error-Code: ERR_NGROK_3200"), AliveState.DEAD, "ngrok"),
        (page("", "503 No", "X-Localtunnel-Status: Tunnel Unavailable"), AliveState.DEAD, "localtunnel"),
        (page("", "502 No", "Ngrok-Error-Code: ERR_NGROK_8012"), AliveState.OTHER, "ngrok"),
        (page("", "302 Found", "Location: https://login.example"), AliveState.OTHER, None),
        (b"", AliveState.UNREACHABLE, None),
        (b"SSH-2.0-OpenSSH_9.6\r\n", AliveState.UNREACHABLE, None),
    ],
)
async def test_what_answers_there(answer: bytes, state: AliveState, service: str | None) -> None:
    told = await asked(answer)
    assert (told.state, told.service) == (state, service)


async def test_a_silent_one_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = long_deadlines(monkeypatch)
    async with serving({}, default=None) as server:
        told = tasks.start(alive(f"http://127.0.0.1:{server.port}/volt", private=True, deadline_s=LONG_S), "alive")
        async with asyncio.timeout(20):
            while not server.paths:
                await asyncio.sleep(0.01)
        deadline().reschedule(0)
        assert await told == Alive(AliveState.UNREACHABLE, f"127.0.0.1 did not answer within {LONG_S:g} s.")


async def test_nobody_listens() -> None:
    told = await alive("http://127.0.0.1:1/volt", private=True)
    assert told == Alive(AliveState.UNREACHABLE, "127.0.0.1 gave no answer: there is no connection to it.")


async def test_certificates_are_checked(tmp_path: Path) -> None:
    shown, trusting = certified(tmp_path)
    async with serving({}, shown, default=page("hello")) as server:
        url = f"https://localhost:{server.port}/volt"
        assert (await alive(url, private=True, tls=trusting)).state is AliveState.ANSWERS
        told = await alive(url, private=True)
        assert told.state is AliveState.UNREACHABLE
        assert "certificate is not valid" in told.sentence
        assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("error", "host", "state", "service"),
    [
        (socket.EAI_NONAME, "old-9.trycloudflare.com", AliveState.DEAD, "Cloudflare"),
        (socket.EAI_NONAME, "hooks.example.com", AliveState.UNRESOLVABLE, None),
        (socket.EAI_AGAIN, "old-9.trycloudflare.com", AliveState.UNREACHABLE, "Cloudflare"),
        (socket.EAI_AGAIN, "hooks.example.com", AliveState.UNREACHABLE, None),
    ],
)
async def test_names_that_lead_nowhere(
    monkeypatch: pytest.MonkeyPatch, error: int, host: str, state: AliveState, service: str | None
) -> None:
    with names(monkeypatch, **{host: socket.gaierror(error, "x")}):
        told = await alive(f"https://{host}/volt")
    assert (told.state, told.service) == (state, service)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/volt",
        "http://localhost:{port}/volt",
        "http://inside.example.com:{port}/volt",
        "http://mixed.example.com:{port}/volt",
        "http://[::1]:{port}/volt",
        "http://mapped.example.com:{port}/volt",
        "http://tailnet.example.com:{port}/volt",
        "http://user@127.0.0.1:{port}/volt",
        "http://127.1:{port}/volt",
        "http://0x7f000001:{port}/volt",
        "file:///etc/hostname",
        "",
    ],
)
async def test_a_strangers_address_leads_us_nowhere_inside(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    known = {
        "inside.example.com": ["127.0.0.1"],
        "mixed.example.com": ["198.51.100.1", "127.0.0.1"],
        "mapped.example.com": ["::ffff:127.0.0.1"],
        "tailnet.example.com": ["100.101.102.103"],
    }
    async with serving({}, default=page("hello")) as server:
        with names(monkeypatch, **known):
            told = await alive(url.format(port=server.port), deadline_s=2)
        assert told.state is AliveState.OTHER
        assert server.heads == []


async def test_a_route_says_what_leads_anywhere() -> None:
    def route(url: str) -> str | None:
        return "http://127.0.0.1:8787" if url == "https://a1b2.trycloudflare.com" else None

    assert (await alive("https://a1b2.trycloudflare.com/volt/x", route=route)).state is AliveState.ANSWERS
    told = await alive("https://old-9.trycloudflare.com/volt/x", route=route)
    assert (told.state, told.service) == (AliveState.DEAD, "Cloudflare")
