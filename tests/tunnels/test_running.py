"""Tunnel programs as processes: their address, their death, their end, with stand-ins for the real ones."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable

import pytest

from monitor.tunnels.programs import PROGRAMS
from monitor.tunnels.running import MAX_LINES, Tunnel, TunnelError, TunnelState
from tests.tunnels.standins import CLOUDFLARED, Standins, alive, until


def tunnel(name: str = "cloudflared", *, seen: list[TunnelState] | None = None, url_s: float = 20) -> Tunnel:
    changed = (lambda _: None) if seen is None else seen.append
    return Tunnel(PROGRAMS[name], 8787, changed=changed, url_s=url_s, pause_s=0.05, grace_s=1.0)


async def told(running: Tunnel) -> str:
    """The sentence that says why there is no address."""
    try:
        await running.start()
        sentence = await had(running, lambda state: state.trouble)
    except TunnelError as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    return sentence


async def had(running: Tunnel, what: Callable[[TunnelState], str | None]) -> str:
    """Wait until the state has it."""
    await until(lambda: what(running.state))
    found = what(running.state)
    assert found is not None
    return found


async def address(running: Tunnel) -> str:
    """The address, once it has come."""
    return await had(running, lambda state: state.url)


OUTPUTS = {
    "cloudflared": ("cloudflared", "box('https://fare-write-waste.trycloudflare.com')", CLOUDFLARED),
    "ngrok": (
        "ngrok",
        """
        say('t=2026-01-31T12:00:00+0000 lvl=info msg="starting web service" obj=web addr=127.0.0.1:4040 allow_hosts=[]')
        say('t=2026-01-31T12:00:01+0000 lvl=info msg="started tunnel" obj=tunnels name=command_line '
            'addr=http://127.0.0.1:8787 url=https://fare-write-waste.ngrok-free.app')
        """,
        "",
    ),
    "tailscale": (
        "tailscale",
        "say('Available on the internet:', '', 'https://fare-write-waste.ts.net/', '|-- proxy http://127.0.0.1:8787', "
        "'', 'Press Ctrl+C to exit.')",
        "",
    ),
    "localtunnel": ("lt", "say('▄▄▄ ▄', 'your url is: https://fare-write-waste.loca.lt')", ""),
}


@pytest.mark.parametrize("name", sorted(OUTPUTS))
async def test_each_program_gives_its_address_and_ends_with_us(standins: Standins, name: str) -> None:
    executable, body, prelude = OUTPUTS[name]
    body = "import json\nnote('argv', json.dumps(sys.argv[1:]))\n" + "\n".join(
        line.strip() if not line.startswith("            ") else line for line in body.strip().splitlines()
    )
    standins.write(executable, body + "\nlinger()\n", prelude)
    seen: list[TunnelState] = []
    running = tunnel(name, seen=seen)
    assert running.state == TunnelState(name)
    await running.start()
    url = await address(running)
    assert url.startswith("https://fare-write-waste.")
    assert not url.endswith("/")
    assert tuple(json.loads(standins.noted("argv")[0])) == PROGRAMS[name].command(8787)
    state = running.state
    assert (state.url, state.running, state.restarts, state.trouble) == (url, True, 0, None)
    assert any(url in line for line in state.lines)
    (pid,) = standins.pids()
    assert alive(pid)
    await running.stop()
    assert not alive(pid)
    assert not running.state.running
    assert seen[-1].trouble == f"{name} was stopped."


async def test_a_program_that_is_not_there_is_told_with_what_to_do(standins: Standins) -> None:
    assert await told(tunnel("ngrok")) == PROGRAMS["ngrok"].missing
    assert standins.pids() == []


async def test_a_program_that_cannot_run(standins: Standins) -> None:
    (standins.programs / "cloudflared").write_bytes(b"\x00\x01 not a program")
    (standins.programs / "cloudflared").chmod(0o755)
    assert (await told(tunnel())).startswith("cloudflared cannot be started (")


async def test_it_ends_at_once_with_its_own_words(standins: Standins) -> None:
    standins.write(
        "ngrok",
        """
        say("ERROR:  authentication failed: Usage of ngrok requires a verified account and authtoken.", "ERROR:",
            "ERROR:  ERR_NGROK_4018", "\\x1b[2J\\x9b5mcolour")
        sys.exit(1)
        """,
    )
    running = tunnel("ngrok")
    sentence = await told(running)
    assert sentence.startswith("ngrok ended before it gave an address (exit code 1); it said: ERROR:")
    assert "requires a verified account" in sentence
    assert "ERR_NGROK_4018" in sentence
    assert running.state.trouble == sentence
    assert not running.state.running
    assert any("␛[2J" in line for line in running.state.lines)
    assert len(standins.pids()) == 1  # not started again
    await running.stop()


async def test_words_without_an_end_are_heard(standins: Standins) -> None:
    standins.write("lt", "print('connection refused: localtunnel.me', end='', flush=True)\nsys.exit(3)\n")
    sentence = await told(tunnel("localtunnel"))
    assert "(exit code 3); it said: connection refused: localtunnel.me." in sentence


async def test_it_gives_no_address_in_time(standins: Standins) -> None:
    standins.write(
        "tailscale",
        "say('Funnel is not enabled on your tailnet.', 'To enable, visit:', '', "
        "'https://login.tailscale.com/f/funnel?node=abc')\nnote('ready', 1)\nlinger()\n",
    )
    seen: list[TunnelState] = []
    running = tunnel("tailscale", seen=seen, url_s=2)
    sentence = await told(running)
    assert sentence.startswith("tailscale gave no address within 2 s")
    assert "To enable, visit: https://login.tailscale.com/f/funnel?node=abc" in sentence
    await until(lambda: running.state.trouble == sentence)
    assert running.state.running
    await running.stop()
    assert not running.state.running


async def test_an_address_that_comes_late_is_told_all_the_same(standins: Standins) -> None:
    standins.write(
        "lt",
        "while not os.path.exists(os.path.join(FOLDER, 'go')):\n    time.sleep(0.02)\n"
        "say('your url is: https://late.loca.lt')\nlinger()\n",
    )
    seen: list[TunnelState] = []
    running = tunnel("localtunnel", seen=seen, url_s=0.2)
    await told(running)
    await until(lambda: running.state.trouble)
    (standins.folder / "go").touch()
    await until(lambda: running.state.url)
    assert (seen[-1].url, seen[-1].trouble, seen[-1].running) == ("https://late.loca.lt", None, True)
    await running.stop()


async def test_it_is_started_anew_when_it_dies_and_may_have_another_address(standins: Standins) -> None:
    standins.write("cloudflared", "box(f'https://try-{TURN}.trycloudflare.com')\nlinger()\n", CLOUDFLARED)
    seen: list[TunnelState] = []
    running = tunnel(seen=seen)
    await running.start()
    assert await address(running) == "https://try-1.trycloudflare.com"
    os.kill(standins.pids()[0], signal.SIGKILL)
    await until(lambda: running.state.url == "https://try-2.trycloudflare.com")
    assert (running.state.running, running.state.restarts, running.state.trouble) == (True, 1, None)
    down = [state for state in seen if not state.running and state.trouble]
    assert down[0].url == "https://try-1.trycloudflare.com"  # what is registered, though it is dead
    assert down[0].trouble == "cloudflared ended (signal 9); it is started again in 0.05 s."
    assert [state.url for state in seen if state.running and state.restarts] == ["https://try-2.trycloudflare.com"]
    await running.stop()


async def test_it_waits_longer_each_time_and_bears_that_the_program_is_gone(standins: Standins) -> None:
    standins.write("cloudflared", "box('https://try.trycloudflare.com')\nsys.exit(2)\n", CLOUDFLARED)
    seen: list[TunnelState] = []
    running = tunnel(seen=seen)
    await running.start()
    await until(lambda: running.state.restarts >= 3)
    pauses = [state.trouble.split()[-2] for state in seen if state.trouble and "again in" in state.trouble]
    assert pauses[:3] == ["0.05", "0.1", "0.2"]
    (standins.programs / "cloudflared").unlink()
    await until(lambda: "not installed" in (running.state.trouble or ""))
    assert "; it is started again in " in (running.state.trouble or "")
    await running.stop()
    assert not running.state.running


async def test_one_that_ignores_the_request_to_end_is_ended(standins: Standins) -> None:
    standins.write(
        "cloudflared",
        "signal.signal(signal.SIGTERM, lambda *_: note('asked', 1))\nbox('https://try.trycloudflare.com')\n"
        "while True:\n    time.sleep(60)\n",
        CLOUDFLARED,
    )
    running = tunnel()
    await running.start()
    await address(running)
    await running.stop()
    assert standins.noted("asked") == ["1"]
    assert not alive(standins.pids()[0])


FORKS = """
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("children", os.getpid())
    linger()
while not os.path.exists(os.path.join(FOLDER, "children")):
    time.sleep(0.01)
box("https://try.trycloudflare.com")
"""


@pytest.mark.parametrize("ending", ["stop", "death", "cancel"])
async def test_what_it_started_ends_with_it(standins: Standins, ending: str) -> None:
    standins.write("cloudflared", FORKS + "linger()\n", CLOUDFLARED)
    running = tunnel()
    await running.start()
    await address(running)
    parent, child = standins.pids()
    assert alive(child)
    if ending == "death":
        os.kill(parent, signal.SIGKILL)
        await until(lambda: not alive(child))
        await until(lambda: running.state.restarts == 1)
    if ending == "cancel":
        for task in asyncio.all_tasks():
            if task.get_name().startswith("tunnel "):
                task.cancel()
    await running.stop()
    await until(lambda: not alive(child))
    assert not alive(parent)


def test_nothing_is_left_when_the_loop_is_cancelled(standins: Standins) -> None:
    standins.write("cloudflared", FORKS + "linger()\n", CLOUDFLARED)

    async def main() -> None:
        running = tunnel()
        await running.start()
        await address(running)

    asyncio.run(main())  # it ends with the tunnel running
    assert len(standins.pids()) == 2
    assert not any(alive(pid) for pid in standins.pids()[:1])


async def test_the_end_of_the_end_is_certain(standins: Standins) -> None:
    """Cancelled while it ends, and cancelled again: it is killed at once."""
    standins.write(
        "cloudflared",
        "signal.signal(signal.SIGTERM, lambda *_: note('asked', 1))\nbox('https://try.trycloudflare.com')\n"
        "while True:\n    time.sleep(60)\n",
        CLOUDFLARED,
    )
    running = Tunnel(PROGRAMS["cloudflared"], 8787, grace_s=60)
    await running.start()
    await address(running)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "tunnel cloudflared")
    task.cancel()
    await until(lambda: standins.noted("asked"))
    task.cancel()
    await asyncio.wait({task})
    await until(lambda: not alive(standins.pids()[0]))


async def test_stopping_before_there_is_an_address_is_told(standins: Standins) -> None:
    standins.write("cloudflared", "linger()\n", CLOUDFLARED)
    running = tunnel()
    await running.start()
    await until(lambda: running.state.lines)
    await running.stop()
    assert (running.state.running, running.state.trouble) == (False, "cloudflared was stopped.")
    await running.stop()


async def test_stopping_what_never_ran() -> None:
    await tunnel().stop()


async def test_none_of_our_secrets_goes_along(standins: Standins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLT_API_TOKEN", "sample-canary-token")
    monkeypatch.setenv("HOOKTOP_SOMETHING", "sample-canary-setting")
    monkeypatch.setenv("NGROK_AUTHTOKEN", "sample-authtoken")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("SUBDOMAIN", "lt reads any variable as an option")
    dump = "import json\nnote('env', json.dumps(dict(os.environ)))\n"
    standins.write("ngrok", dump)
    standins.write("lt", dump)
    for name in ("ngrok", "localtunnel"):
        await told(tunnel(name))
    ngrok, lt = (json.loads(line) for line in standins.noted("env"))
    assert ngrok["NGROK_AUTHTOKEN"] == "sample-authtoken"
    assert "NGROK_AUTHTOKEN" not in lt
    assert lt["https_proxy"] == "http://proxy.example:3128"
    for environment in (ngrok, lt):
        assert "canary" not in json.dumps(environment)
        assert "SUBDOMAIN" not in environment
        assert environment["HOME"]


async def test_what_it_says_is_bounded_and_a_strangers_line_changes_nothing(standins: Standins) -> None:
    standins.write(
        "cloudflared",
        """
        sys.stdout.write("x" * 300_000 + "\\n")
        box("https://first.trycloudflare.com")
        for n in range(200):
            say(f"line {n}")
        box("https://second.trycloudflare.com")
        note("done", 1)
        linger()
        """,
        CLOUDFLARED,
    )
    running = tunnel()
    await running.start()
    assert await address(running) == "https://first.trycloudflare.com"
    await until(lambda: any("second" in line for line in running.state.lines))
    state = running.state
    assert state.url == "https://first.trycloudflare.com"
    assert len(state.lines) == MAX_LINES
    assert all(len(line) <= 301 for line in state.lines)
    await running.stop()
