"""The public address follows the tunnel: one that is started, one that is found, one in trouble."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.services.localkeys import LocalKeys
from monitor.services.reach import Reach
from monitor.services.tunnel import PublicTunnel, told
from monitor.tunnels.found import Found
from monitor.tunnels.programs import AUTO
from monitor.tunnels.running import TunnelState
from tests.tunnels.conftest import standins as standins
from tests.tunnels.standins import CLOUDFLARED, Standins, until

PORT = 8787


@asynccontextmanager
async def tunnel(
    folder: Path, wanted: str, *, public_url: str | None = None, look: Callable[[], Found | None] = lambda: None
) -> AsyncIterator[tuple[PublicTunnel, Reach, list[TunnelState]]]:
    """A started tunnel, where it leads, and the states that it told."""

    async def now(port: int, known: str | None) -> Found | None:
        assert port == PORT
        assert known == (made.state.url if made.state is not None else None)
        return look()

    reach = Reach(public_url, None, LocalKeys(folder))
    made = PublicTunnel(reach, PORT, wanted, look=now, look_s=0.01)
    seen: list[TunnelState] = []
    made.follow(seen.append)
    await made.start()
    try:
        yield made, reach, seen
    finally:
        await made.stop()


async def test_nothing_is_looked_for_or_started_unasked(tmp_path: Path, standins: Standins) -> None:
    standins.write("cloudflared", "linger()")
    async with tunnel(tmp_path, "none", public_url="https://a.example.com") as (made, reach, seen):
        assert made.state is None
        assert reach.public_url == "https://a.example.com"
    assert not seen
    assert not standins.pids()


async def test_a_started_program_gives_the_public_address_also_anew(tmp_path: Path, standins: Standins) -> None:
    standins.write("cloudflared", "box(f'https://fare-{TURN}.trycloudflare.com')\nlinger()", CLOUDFLARED)
    async with tunnel(tmp_path, "cloudflared") as (made, reach, seen):
        await until(lambda: reach.public_url)
        assert reach.public_url == "https://fare-1.trycloudflare.com"
        assert made.state is not None
        assert (made.state.program, made.state.running, made.state.trouble) == ("cloudflared", True, None)
        assert told(made.state) == "The tunnel of cloudflared leads https://fare-1.trycloudflare.com here."
        os.kill(standins.pids()[0], signal.SIGKILL)
        await until(lambda: reach.public_url == "https://fare-2.trycloudflare.com")
        assert any("cloudflared ended (signal 9); it is started again" in told(state) for state in seen)
        await until(lambda: made.state is not None and made.state.restarts == 1)
    assert seen[0].url is None
    assert told(seen[0]) == "cloudflared is started; its address is not known yet."
    assert seen[-1].trouble is None  # our own end is no news
    # That nothing of it is left is what the fixture looks at.


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (None, "cloudflared is not installed; install it"),
        ("print('ERR failed to request quick Tunnel', flush=True)", "cloudflared ended before it gave an address"),
    ],
)
async def test_trouble_is_a_sentence_and_not_an_error(
    tmp_path: Path, standins: Standins, program: str | None, sentence: str
) -> None:
    if program is not None:
        standins.write("cloudflared", program)
    async with tunnel(tmp_path, "cloudflared") as (made, reach, seen):
        await until(lambda: made.state is not None and made.state.trouble)
        assert made.state is not None
        assert not made.state.running
        assert told(made.state).startswith(sentence)
        assert seen[-1] == made.state
        assert reach.public_url is None
        assert made.trouble == made.state.trouble
        reach.change("https://by-hand.example.com")
        assert made.trouble is None  # the address leads elsewhere, and does well as far as is known


async def test_a_found_tunnel_is_followed_and_left_alone(tmp_path: Path) -> None:
    now: list[Found | None] = [Found("ngrok", "https://else.ngrok.app", "http://localhost:3000", 3000)]
    looks = 0

    def look() -> Found | None:
        nonlocal looks
        looks += 1
        return now[0]

    async with tunnel(tmp_path, AUTO, look=look) as (made, reach, seen):
        await until(lambda: looks > 2)
        assert not seen  # it leads elsewhere
        now[0] = Found("ngrok", "https://a.ngrok.app", "http://localhost:8787", PORT)
        await until(lambda: reach.public_url == "https://a.ngrok.app")
        assert made.state == TunnelState("ngrok", "https://a.ngrok.app", running=True)
        now[0] = None
        await until(lambda: made.state is not None and not made.state.running)
        assert told(made.state).startswith("The tunnel of ngrok that led here is gone")
        assert reach.public_url == "https://a.ngrok.app"
        now[0] = Found("cloudflared", "https://b.trycloudflare.com", "http://localhost:8787", PORT)
        await until(lambda: reach.public_url == "https://b.trycloudflare.com")
    assert len(seen) == 3  # what is as before is not told again


async def test_an_address_set_by_hand_stays_until_the_tunnel_changes(tmp_path: Path) -> None:
    url, looks = "https://a.ngrok.app", 0

    def look() -> Found:
        nonlocal looks
        looks += 1
        return Found("ngrok", url, "8787", PORT)

    async with tunnel(tmp_path, AUTO, look=look) as (_, reach, _seen):
        await until(lambda: reach.public_url == "https://a.ngrok.app")
        reach.change("https://by-hand.example.com")
        before = looks
        await until(lambda: looks > before + 2)
        assert reach.public_url == "https://by-hand.example.com"
        url = "https://b.ngrok.app"
        await until(lambda: reach.public_url == "https://b.ngrok.app")


async def test_a_look_that_fails_is_not_the_last(tmp_path: Path, standins: Standins) -> None:
    looks = 0

    def look() -> Found | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("odd")
        return Found("ngrok", "https://a.ngrok.app", "http://localhost:8787", PORT)

    async with tunnel(tmp_path, AUTO, look=look) as (_, reach, _):
        await until(lambda: reach.public_url)
        assert reach.public_url == "https://a.ngrok.app"
