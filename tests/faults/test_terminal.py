"""Faults of the terminal and of the screens, on a pseudo-terminal (F18, F20 to F23, F32)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.e2e.programs import environment, run
from tests.e2e.terminal import Terminal

WITH_A_CONTROLLING_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
)
CRASHING = """
import sys
from monitor.ui.screens.live import LiveScreen

def tick(self):
    if self.session.monitor.feed.stored >= 50:
        raise ValueError("the screens fail")

LiveScreen.tick = tick
from monitor.cli.app import run
sys.exit(run(sys.argv[1:]))
"""
FLOODING = """
import asyncio, collections, sys
import httpx

async def flood(statuses):
    numbers = iter(range(5000))
    async with httpx.AsyncClient(base_url=sys.argv[1], trust_env=False, timeout=60) as http:

        async def sender():
            for number in numbers:
                statuses[(await http.post("/generic", content=b'{"n": %d}' % number)).status_code] += 1

        await asyncio.gather(*(sender() for _ in range(32)))
    return dict(statuses)

print(asyncio.run(flood(collections.Counter())))
"""


def url_of(terminal: Terminal) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", terminal.wait(r"http://127\.0\.0\.1:\d+"))
    assert found is not None
    return found[0]


def post(url: str, body: bytes = b"{}", timeout: float = 30) -> int:
    return httpx.post(f"{url}/generic", content=body, trust_env=False, timeout=timeout).status_code


def stored(home: Path) -> int:
    done = run(["captures", "--json", "--limit", "100000"], environment(home))
    return len(done.stdout.splitlines())


@pytest.mark.slow
def test_f17_a_large_body_that_is_drawn_keeps_no_answer_waiting(tmp_path: Path) -> None:
    body = json.dumps([{"number": n, "text": "x" * 60} for n in range(9_000)], indent=1).encode()
    assert 800_000 < len(body) < 1_048_576
    with Terminal(["--port", "0"], environment(tmp_path), size=(80, 24)) as terminal:
        url = url_of(terminal)
        assert post(url, body) == 200
        terminal.wait("1 capture")
        terminal.press("\r")
        terminal.wait("esc back")
        terminal.press("\x1b[C")  # to the body
        slowest = 0.0
        for _ in range(40):
            begun = time.monotonic()
            assert post(url) == 200
            slowest = max(slowest, time.monotonic() - begun)
        terminal.wait("number.*0")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 143
    assert slowest < 3  # seconds; drawn at once it takes 8


@pytest.mark.slow
def test_f18_200_resizes_while_receiving(tmp_path: Path) -> None:
    rng = random.Random(18)
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        url = url_of(terminal)
        terminal.pause_reading()  # an emulated screen would have to be resized, too
        drain = threading.Thread(target=drained, args=(terminal,), daemon=True)
        drain.start()
        for number in range(200):
            size = (0, 0) if number % 50 == 7 else (rng.randint(1, 500), rng.randint(1, 200))
            terminal.resize(*size)
            terminal.process.send_signal(signal.SIGWINCH)
            if number % 10 == 0:
                assert post(url) == 200
        terminal.resize(120, 40)
        terminal.process.send_signal(signal.SIGWINCH)
        assert post(url) == 200
        terminal.press("q")
        assert terminal.end() == 0
    assert stored(tmp_path) == 21


def drained(terminal: Terminal) -> None:
    """Read and forget what a program writes, until it ends."""
    try:
        while terminal.process.poll() is None:
            os.read(terminal.master, 65536)
    except OSError:
        return


def test_f20_ctrl_z_does_nothing(tmp_path: Path) -> None:
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        url = url_of(terminal)
        terminal.press("\x1a")
        assert post(url) == 200
        terminal.wait("generic")
        assert state(terminal) != "T"
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()


def state(terminal: Terminal) -> str:
    """The state of the program: T while it is stopped."""
    return Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP], ids=lambda s: s.name)
@pytest.mark.slow
def test_f20_what_came_while_it_was_stopped_is_answered_when_it_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        url = url_of(terminal)
        assert post(url) == 200
        terminal.wait("1 capture")
        terminal.process.send_signal(number)
        while state(terminal) != "T":
            time.sleep(0.01)
        answers: list[int] = []
        senders = [threading.Thread(target=lambda: answers.append(post(url))) for _ in range(10)]
        for sender in senders:
            sender.start()
        time.sleep(1.5)  # longer than what is not worth a word
        assert answers == []
        terminal.process.send_signal(signal.SIGCONT)
        for sender in senders:
            sender.join(30)
        assert answers == [200] * 10
        terminal.wait("11 captures")
        terminal.wait("was stopped for")
        terminal.press("q")  # keys are read by one reader again
        assert terminal.end() == 0
        assert terminal.restored()
    assert stored(tmp_path) == 11


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_f20_keys_are_taken_one_by_one_after_a_shell_had_the_terminal_meanwhile(tmp_path: Path) -> None:
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        terminal.wait("Waiting")
        terminal.process.send_signal(signal.SIGSTOP)
        while state(terminal) != "T":
            time.sleep(0.01)
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
        terminal.process.send_signal(signal.SIGCONT)
        while state(terminal) == "T":
            time.sleep(0.01)
        terminal.press("?")
        terminal.wait("Keys")
        terminal.press("\x11")
        assert terminal.end() == 0
        assert terminal.restored()


def ended_by_closing(terminal: Terminal) -> int:
    """The exit code of a program whose terminal is closed."""
    terminal.pause_reading()
    time.sleep(0.2)  # its reader has let go
    os.close(terminal.slave)
    os.close(terminal.master)
    try:
        return terminal.process.wait(30)
    finally:
        terminal.master, terminal.slave = os.openpty()


@pytest.mark.slow
def test_f21_a_terminal_that_goes_away_ends_it_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITH_A_CONTROLLING_TERMINAL, sys.executable, "-m", "monitor", "--port", "0"]
    with Terminal([], environment(tmp_path), command=command) as terminal:
        url = url_of(terminal)
        assert [post(url) for _ in range(5)] == [200] * 5
        assert ended_by_closing(terminal) == 128 + signal.SIGHUP
    assert stored(tmp_path) == 5
    assert run(["captures", "--json"], environment(tmp_path)).stderr == ""


@pytest.mark.slow
def test_f21_a_terminal_that_goes_away_in_silence_ends_it_too(tmp_path: Path) -> None:
    # Without a controlling terminal there is no SIGHUP, as under nohup.
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        url = url_of(terminal)
        assert post(url) == 200
        assert ended_by_closing(terminal) == 128 + signal.SIGHUP
    assert stored(tmp_path) == 1


def test_f22_a_dumb_terminal_is_told_what_works_without_screens(tmp_path: Path) -> None:
    for term in ("dumb", ""):
        with Terminal(["--port", "0"], environment(tmp_path, TERM=term)) as terminal:
            assert terminal.end() == 2
            assert "hooktop listen" in " ".join(terminal.text().split())
            assert b"\x1b[?1049h" not in terminal.output


@pytest.mark.slow
def test_f22_words_and_signs_say_it_without_colours_and_with_a_plain_locale(tmp_path: Path) -> None:
    with Terminal(["--port", "0"], environment(tmp_path, LANG="C", NO_COLOR="1")) as terminal:
        url = url_of(terminal)
        assert post(url) == 200
        terminal.wait("generic")
        terminal.wait("unchecked")
        terminal.press("q")
        assert terminal.end() == 0
        colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", bytes(terminal.output)))
        assert all(red == green == blue for red, green, blue in colours)


@pytest.mark.slow
def test_f23_a_failure_of_the_screens_costs_nothing_that_was_answered(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CRASHING, "--port", "0"]
    with Terminal([], environment(tmp_path), command=command) as terminal:
        url = url_of(terminal)
        answers: Counter[int | str] = Counter()

        async def flood() -> None:
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:

                async def sender() -> None:
                    try:
                        while True:
                            answers[(await http.post("/generic", content=b"{}")).status_code] += 1
                    except httpx.HTTPError:
                        answers["gone"] += 1

                await asyncio.gather(*(sender() for _ in range(4)))

        asyncio.run(flood())
        assert terminal.end() == 1
        assert terminal.restored()
        assert b"Traceback" not in terminal.output
        said = " ".join(terminal.text().split())
        assert re.search(r"Stored [\d,]+ captures", said), said
        assert set(answers) == {200, "gone"}
        assert answers[200] <= stored(tmp_path) <= answers[200] + 4
    assert len(list(tmp_path.rglob("hooktop-crash-*.txt"))) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_f32_5000_in_a_burst_while_keys_are_pressed(tmp_path: Path) -> None:
    with Terminal(["--port", "0"], environment(tmp_path)) as terminal:
        keys = iter("kkkjjgG\r\tjk" * 10_000)
        # a process of its own: beside the emulated terminal, the sender would hardly get a turn
        with subprocess.Popen([sys.executable, "-c", FLOODING, url_of(terminal)], stdout=subprocess.PIPE) as flooding:
            while flooding.poll() is None:
                terminal.press(next(keys))
                time.sleep(0.2)
            assert flooding.stdout is not None
            assert flooding.stdout.read() == b"{200: 5000}\n"
        terminal.wait("5,000 captures", 60)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end(seconds=30) == 143
    assert stored(tmp_path) == 5000
