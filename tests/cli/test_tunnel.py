"""``--tunnel`` and ``--ephemeral``, with stand-ins for the tunnel programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.cli.app import run
from monitor.sandbox.apis.faults import ApiFault
from monitor.store import lease
from tests.cli.processes import listening
from tests.cli.worlds import World, world
from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal
from tests.sandbox.apis import hook
from tests.tunnels.conftest import standins as standins
from tests.tunnels.standins import CLOUDFLARED, Standins, alive

BOX = "box(f'https://fare-{TURN}.trycloudflare.com')\n"
QUIET = ("--no-rehearsal",)


def eventually(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


def tunnels(running: Any, wanted: str) -> list[dict[str, Any]]:
    """The tunnel's states until one has this address."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["url"] != wanted:
        found.append(running.next())
        assert found[-1]["kind"] == "tunnel"
    return found


def test_a_started_tunnel_is_told_restarted_and_ended(tmp_path: Path, standins: Standins) -> None:
    standins.write("cloudflared", BOX + "linger()", CLOUDFLARED)
    with listening("--tunnel", "cloudflared", "--db", str(tmp_path / "h.db")) as running:
        assert running.first["public_url"] is None
        states = tunnels(running, "https://fare-1.trycloudflare.com")
        assert states[-1] == {
            "kind": "tunnel",
            "program": "cloudflared",
            "url": "https://fare-1.trycloudflare.com",
            "running": True,
            "restarts": 0,
            "trouble": None,
        }
        os.kill(standins.pids()[0], signal.SIGKILL)
        states = tunnels(running, "https://fare-2.trycloudflare.com")
        assert states[0]["trouble"].startswith("cloudflared ended (signal 9); it is started again in 1 s")
        assert not states[0]["running"]
        assert running.post("/volt") == 200
        assert running.end() == 0
        assert [one["kind"] for one in running.rest()] == ["capture", "summary"]
        assert running.errors() == ""
    assert not any(alive(pid) for pid in standins.pids())


async def test_commands_beside_it_know_where_the_running_one_receives(tmp_path: Path) -> None:
    """Its port, and a public URL that nothing else tells: its own option, or the address of localtunnel."""
    async with world(tmp_path) as w:
        w.configure(w.sandbox.accounts(), public_url=None)
        words = ("webhooks", "add", "--provider", "bird", "event=sms.inbound", "--dry-run")
        assert "There is no public URL" in (await w.run(*words, code=2)).err
        with listening("--config", str(w.config), "--public-url", "https://hooks.example.com") as running:
            assert "at https://hooks.example.com/bird/hk-" in (await w.run(*words)).out
            said = await w.run(*words, "--public-url", "https://other.example.com")
            assert "at https://other.example.com/bird/" in said.out
            said = await w.run(*words, "--port", "1", code=2)  # another receiver is meant
            assert "There is no public URL" in said.err
            await w.run("send", "volt", "inbound")
            capture = running.next()
            assert capture is not None
            assert capture["provider"] == "volt"
        assert "There is no public URL" in (await w.run(*words, code=2)).err


def test_the_receiver_goes_on_without_the_tunnel(tmp_path: Path, standins: Standins) -> None:
    with listening("--tunnel", "localtunnel", "--db", str(tmp_path / "h.db")) as running:
        state = running.next()
        assert state is not None
        assert (state["kind"], state["running"]) == ("tunnel", False)
        assert state["trouble"].startswith("lt, the program of localtunnel, is not installed; install it with")
        assert running.post("/volt") == 200
        assert running.end() == 0


@pytest.mark.slow
def test_a_tunnel_that_runs_is_found(tmp_path: Path, standins: Standins) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    told = {"Web": {"me.ts.net:443": {"Handlers": {"/": {"Proxy": f"http://127.0.0.1:{port}"}}}}}
    standins.write("tailscale", f"print({json.dumps(json.dumps({**told, 'AllowFunnel': {'me.ts.net:443': True}}))})")
    arguments = ("--db", str(tmp_path / "h.db"), "--port", str(port), "--tunnel", "auto")
    with listening(*arguments) as running:
        (state,) = tunnels(running, "https://me.ts.net")
        assert (state["program"], state["running"]) == ("tailscale", True)
    with listening(*arguments, "--public-url", "https://hooks.example.com") as running:
        assert running.first["public_url"] == "https://hooks.example.com"
        running.end()
        assert [one["kind"] for one in running.rest()] == ["summary"]


def test_a_tunnel_and_a_public_url_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["listen", "--tunnel", "ngrok", "--public-url", "https://hooks.example.com"]) == 2
    assert "say --public-url or --tunnel, not both" in capsys.readouterr().err
    assert run(["listen", "--tunnel", "carrier-pigeon"]) == 2
    assert "auto" in capsys.readouterr().err


def test_a_receiver_where_no_tunnel_leads_is_one_too_many(
    tmp_path: Path, standins: Standins, capsys: pytest.CaptureFixture[str]
) -> None:
    standins.write("cloudflared", BOX + "linger()", CLOUDFLARED)
    words = ["--db", str(tmp_path / "h.db"), "listen", "--tunnel", "cloudflared", "--port", "0", "--for", "1"]
    assert run([*words, "--host", "127.0.0.2"]) == 2
    assert "A tunnel leads to 127.0.0.1, and with 127.0.0.2 as its host this receiver" in capsys.readouterr().err
    assert not standins.pids()
    assert run([*words, "--host", "0.0.0.0"]) == 0
    assert standins.pids()


def test_a_receiver_that_waits_has_a_tunnel_too(
    tmp_path: Path, standins: Standins, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["wait", "provider:volt", "--tunnel", "cloudflared", "--db", str(tmp_path / "h.db")]
    assert run(words) == 2
    assert "--tunnel is for a receiver of its own; add --listen" in capsys.readouterr().err
    standins.write("cloudflared", BOX + "linger()", CLOUDFLARED)
    assert run([*words, "--listen", "--port", "0", "--timeout", "2"]) == 3
    assert "The tunnel of cloudflared leads https://fare-1.trycloudflare.com here." in capsys.readouterr().err
    assert not any(alive(pid) for pid in standins.pids())


def test_the_screens_show_the_address_of_the_tunnel(own_machine: Path, standins: Standins) -> None:
    standins.write("cloudflared", BOX + "linger()", CLOUDFLARED)
    environ = environment(own_machine)
    with Terminal(["run", "--port", "0", "--tunnel", "cloudflared"], environ) as terminal:
        terminal.wait(r"fare-1\.trycloudflare\.com")
        terminal.press("q")
        assert terminal.end() == 0
    assert not any(alive(pid) for pid in standins.pids())


def test_the_screens_say_that_the_tunnel_is_down_and_why(own_machine: Path, standins: Standins) -> None:
    standins.write("cloudflared", "TURN == 1 and " + BOX + "linger()", CLOUDFLARED)
    with Terminal(["run", "--port", "0", "--tunnel", "cloudflared"], environment(own_machine)) as terminal:
        terminal.wait(r"fare-1\.trycloudflare\.com")
        assert "TUNNEL DOWN" not in terminal.text()
        os.kill(standins.pids()[0], signal.SIGKILL)
        terminal.wait("TUNNEL DOWN")
        terminal.wait(r"cloudflared ended \(signal 9\)")
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_leaves_no_tunnel_behind(own_machine: Path, standins: Standins, second: signal.Signals) -> None:
    standins.write("cloudflared", BOX + "signal.signal(signal.SIGTERM, signal.SIG_IGN); linger()", CLOUDFLARED)
    with Terminal(["run", "--port", "0", "--tunnel", "cloudflared"], environment(own_machine)) as terminal:
        terminal.wait(r"fare-1\.trycloudflare\.com")
        terminal.process.send_signal(signal.SIGTERM)
        eventually(terminal.restored)
        time.sleep(0.5)  # the screens are gone, and the tunnel is given its time to end
        assert terminal.end(second) == 143
        assert b"hooktop: Stored 0 captures" in bytes(terminal.output)
    assert not any(alive(pid) for pid in standins.pids())


def test_a_signal_before_there_are_screens_leaves_no_tunnel_behind(own_machine: Path, standins: Standins) -> None:
    standins.write("cloudflared", "linger()", CLOUDFLARED)
    with Terminal(["run", "--port", "0", "--tunnel", "cloudflared"], environment(own_machine)) as terminal:
        eventually(standins.pids)
        assert terminal.end(signal.SIGTERM) == 143
    assert not any(alive(pid) for pid in standins.pids())


@pytest.mark.slow
def test_a_terminal_that_nobody_reads_leaves_no_tunnel_behind(own_machine: Path, standins: Standins) -> None:
    standins.write("cloudflared", BOX + "linger()", CLOUDFLARED)
    words = ["run", "--port", "0", "--tunnel", "cloudflared", "--db", str(own_machine / "h.db")]
    with Terminal(words, environment(own_machine)) as terminal:
        terminal.wait(r"fare-1\.trycloudflare\.com")
        terminal.pause_reading()
        told = lease.told(own_machine / "h.db")
        assert told is not None
        for _ in range(60):
            httpx.post(f"{told.url}/volt", content=b"{}", trust_env=False)
            time.sleep(0.05)
        assert terminal.end(signal.SIGTERM, seconds=30) == 143
        assert not any(alive(pid) for pid in standins.pids())
        terminal.resume_reading()


@asynccontextmanager
async def listen(w: World, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A receiver beside the commands, as a process; what is left of it is killed."""
    process = await w.start("listen", "--port", "0", "--ephemeral", *words)
    assert process.stderr is not None
    try:
        assert b"Listening on" in await process.stderr.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> tuple[int, list[str]]:
    """Send a signal; gives the exit code and what was said on stderr."""
    process.send_signal(number)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, [line.removeprefix("hooktop: ") for line in err.decode().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
async def test_what_was_registered_meanwhile_is_removed_at_the_end(tmp_path: Path, number: signal.Signals) -> None:
    async with world(tmp_path) as w, hook() as receiver:
        w.receiver = receiver.url
        await w.webhooks("add", "--provider", "bird", "event=sms.outbound", *QUIET)  # before
        async with listen(w) as process:
            await w.webhooks("add", "--provider", "bird", "event=sms.inbound", *QUIET)
            await w.webhooks("add", "--provider", "connectly", "topic=delivery_status", "--yes", *QUIET)  # replaced
            await w.webhooks("add", "--provider", "volt", *QUIET)
            assert len(w.sandbox.registrations("bird")) == 4
            code, said = await ended(process, number)
        assert code == (130 if number is signal.SIGINT else 0)
        assert said[0].startswith("Done: remove channels sms.inbound with Bird (bird) at https://hooks.example.com/")
        assert "stays registered. Volt documents only registration" in said[1]
        assert said[2].startswith("Replaced and still leading here: 1 webhook; 'hooktop webhooks restore' puts back")
        assert said[3].startswith("Stored 0 captures")
        assert [row["event"] for row in w.sandbox.registrations("bird")][-1:] == ["sms.outbound"]
        assert len(w.sandbox.registrations("connectly")) == 1
        offers = (await w.webhooks("restore", "--json")).records("offer")
        assert "connectly" in [offer["account"] for offer in offers]
        assert "did not end properly" not in (await w.webhooks("list")).err


async def test_what_cannot_be_removed_is_said(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with listen(w) as process:
            await w.webhooks("add", "--provider", "bird", "event=sms.inbound", *QUIET)
            w.sandbox.fault("bird", ApiFault.UNAUTHORIZED)
            _, said = await ended(process, signal.SIGTERM)
        assert "stays registered. Bird refused the credentials" in said[0]
        assert len(w.sandbox.registrations("bird")) == 3


@pytest.mark.slow
async def test_the_screens_remove_it_too(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        words = ["--config", str(w.config), "run", "--port", "0", "--ephemeral"]
        with Terminal(words, w.environ) as terminal:
            await asyncio.to_thread(terminal.wait, "Waiting")
            await w.webhooks("add", "--provider", "bird", "event=sms.inbound", *QUIET)
            assert await asyncio.to_thread(terminal.end, signal.SIGTERM) == 143
            assert "Done: remove channels sms.inbound with Bird" in terminal.text()
        assert len(w.sandbox.registrations("bird")) == 2


@pytest.mark.slow
async def test_an_api_that_hangs_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with listen(w) as process:
            await w.webhooks("add", "--provider", "bird", "event=sms.inbound", *QUIET)
            w.sandbox.fault("bird", ApiFault.HANG)
            began = asyncio.get_running_loop().time()
            _, said = await ended(process, signal.SIGTERM)
        assert asyncio.get_running_loop().time() - began < 14
        assert "took longer than 8 s and was given up" in said[0]
