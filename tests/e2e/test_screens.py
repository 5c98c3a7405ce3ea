"""The whole program on a real terminal: start, receive, see, open, quit, and the terminal as it was."""

from __future__ import annotations

import json
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from monitor.providers.registry import registry
from tests.e2e.programs import environment, run
from tests.e2e.terminal import Terminal

SECRET = "connectly-test-secret"
BODY = json.dumps(
    {
        "timestamp": "1639083206",
        "sender": {"id": "+15555550100", "channelType": "whatsapp", "name": "Ada"},
        "recipient": {"id": "+15555550199", "channelType": "whatsapp"},
        "message": {"text": "Where is my parcel?"},
    }
).encode()


def start(home: Path, *arguments: str, size: tuple[int, int] = (120, 40), **environ: str) -> Terminal:
    known = environment(home, CONNECTLY_WEBHOOK_SECRET=SECRET, **environ)
    return Terminal(["--port", "0", *arguments], known, size=size)


def port_of(screen: str) -> int:
    found = re.search(r"127\.0\.0\.1:(\d+)", screen)
    assert found is not None, screen
    return int(found[1])


def post(port: int, body: bytes = BODY, *, signed: bool = True) -> None:
    headers = dict(registry()["connectly"].sign(body, SECRET.encode(), url="", at=0)) if signed else {}
    answer = httpx.post(
        f"http://127.0.0.1:{port}/connectly", content=body, headers=headers, trust_env=False, timeout=20
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "size",
    [(120, 40), *(pytest.param(size, marks=pytest.mark.slow) for size in ((80, 24), (180, 50)))],
    ids=str,
)
def test_start_post_see_open_quit(tmp_path: Path, size: tuple[int, int]) -> None:
    with start(tmp_path, size=size) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        terminal.wait("curl")
        post(port)
        terminal.wait(r"✔.*connectly")
        post(port, BODY + b" ")
        terminal.wait(r"connectly[\s\S]*connectly")
        terminal.press("k\r")
        terminal.wait("esc back")
        terminal.wait("Where is my parcel")
        terminal.press("\x1b")  # by itself: with a key right behind it, it would be that key with alt
        terminal.wait("q quit")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
        assert "2 captures" in terminal.text()
    stored = run(["captures", "--json"], environment(tmp_path))
    bodies = [json.loads(line)["request"]["body"].encode() for line in stored.stdout.splitlines()]
    assert bodies == [BODY, BODY + b" "]


@pytest.mark.slow
def test_a_key_that_another_terminal_adds_proves_what_came_and_what_comes(tmp_path: Path) -> None:
    environ = environment(tmp_path, SAMPLE_SECRET=SECRET)
    with Terminal(["--port", "0"], environ, size=(120, 40)) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port)
        terminal.wait(r"\? 1 no key")
        assert (
            run(["accounts", "add", "connectly", "--set", "webhook_secrets=env:SAMPLE_SECRET"], environ).returncode == 0
        )
        terminal.wait(r"The accounts have changed: connectly\s+added")
        terminal.wait("V judges all")
        post(port, BODY + b" ")
        terminal.wait("✔ 1 verified")
        terminal.press("V")
        terminal.wait("enter judges them")
        terminal.press("\r")
        terminal.wait("✔ 2 verified")
        terminal.wait("Judged 2 captures anew: 1 changed")
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGINT,
        *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGHUP, signal.SIGQUIT)),
    ],
    ids=lambda s: s.name,
)
def test_signals_leave_the_terminal_as_it_was(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port)
        terminal.wait("connectly")
        assert terminal.end(number) == 128 + number
        assert terminal.restored()
    assert len(run(["captures", "--json"], environment(tmp_path)).stdout.splitlines()) == 1


def test_a_terminal_that_nobody_reads_delays_no_answer(tmp_path: Path) -> None:
    def times(port: int) -> list[float]:
        took, end = [], time.monotonic() + 10
        while (begun := time.monotonic()) < end:
            post(port)
            took.append(time.monotonic() - begun)
        return took

    with start(tmp_path) as terminal, start(tmp_path / "read") as other, ThreadPoolExecutor() as threads:
        ports = [port_of(one.wait(r"127\.0\.0\.1:\d+")) for one in (terminal, other)]
        terminal.pause_reading()
        unread, read = threads.map(times, ports)  # at one time: a machine that stands still holds up both
        terminal.resume_reading()
        assert max(unread) < max(1, 2 * max(read))
        terminal.wait(f"{len(unread):,} captures")
        terminal.press("q")
        assert terminal.end() == 0


def test_hostile_text_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    hostile = json.loads(BODY)
    hostile["message"]["text"] = "\x1b]52;c;aGk=\x07\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[/nope][@click=app.quit]x[/]"
    hostile["sender"]["name"] = "\x1b[31mred"
    body = json.dumps(hostile, ensure_ascii=False).encode()
    with start(tmp_path) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port, body)
        terminal.wait(r"✔.*connectly")
        terminal.press("\r")
        terminal.wait("esc back")
        terminal.wait("click=app")
        terminal.press("\t")
        terminal.wait("q quit")  # each step by itself: a "q" behind an esc that is not yet read would be alt+q
        terminal.press("\t")
        terminal.wait("esc back")
        terminal.press("\x1b")
        terminal.wait("q quit")
        terminal.press("q")
        assert terminal.end() == 0
        written = bytes(terminal.output)
        assert b"\x1b]52" not in written
        assert b"\x1b]0;owned" not in written
        assert b"owned\x07" not in written
        assert "\x9b".encode() not in written
        assert "\u202e".encode() not in written


def test_what_is_pasted_is_never_taken_for_keys(tmp_path: Path) -> None:
    pasted = "\x1b[200~parcel\x1bq" + "?" * 40 + "\x1b[201~"
    with start(tmp_path) as terminal:
        terminal.wait("curl")
        terminal.press(f"{pasted}/")  # nothing takes it here
        terminal.wait("esc clear")
        terminal.press(pasted)
        terminal.wait(r"/ parcel␛q\?")
        assert terminal.process.poll() is None


def test_demo_shows_live_traffic_of_four_providers_and_leaves_nothing(tmp_path: Path) -> None:
    real = environment(tmp_path, HOOKTOP_DB=str(tmp_path / "real.db"))  # what is worked with otherwise
    with Terminal(["demo", "--seed", "3"], real) as terminal:
        screen = terminal.wait(r"✔ volt[\s\S]*", 30)
        assert "DEMO" in screen
        for provider in ("volt", "bird", "connectly", "oneroute"):
            terminal.wait(provider, 30)
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
    assert list(tmp_path.rglob("*.db")) == []


def test_no_terminal_names_the_command_without_screens(tmp_path: Path) -> None:
    done = run([], environment(tmp_path))
    assert done.returncode == 2
    assert "hooktop listen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_port_in_use_is_said_before_any_screen(tmp_path: Path) -> None:
    with start(tmp_path) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        with Terminal(["--port", str(port), "--db", str(tmp_path / "other.db")], environment(tmp_path)) as second:
            assert second.end() == 2
            assert f"Port {port}" in second.text().replace("\n", "")
            assert b"\x1b[?1049h" not in second.output
        terminal.press("q")
        assert terminal.end() == 0
