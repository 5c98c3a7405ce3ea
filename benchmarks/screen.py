"""From the start to a picture, and from a key to the paint."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import servers
from benchmarks.ingest import post
from benchmarks.results import Results, Table
from benchmarks.terminal import Terminal

EMPTY = "from textual.app import App\nfrom textual.widgets import Static\nclass E(App):\n" \
        "    def compose(self):\n        yield Static('empty')\nE().run()\n"  # fmt: skip
LIBRARIES = (
    "import textual.app, starlette.applications, uvicorn, h11, httpx, click, sqlite_utils; "
    "import cryptography.hazmat.primitives.serialization"
)
KEYS = 80
# The cursor's bar, at the beginning of a line: a line that is not new is drawn only when the cursor comes to it.
CURSOR = re.compile(rb"\x1b\[\d+;1H(\x1b\[[0-9;]*m)*" + "▌".encode())
RATES = (0, 200, 1000)


def start(results: Results, folder: Path, key: Path, rounds: int) -> None:
    """First paint beside an empty Textual app, the port, and ``--help``; and what the libraries take alone."""
    environ = servers.environment(folder, key)
    empty, painted, opened, helped, imported = [], [], [], [], []
    for _ in range(rounds):
        with Terminal([sys.executable, "-c", EMPTY], environ) as terminal:
            empty.append(terminal.until_drawn("empty") - terminal.begun)
        port = servers.free_port()
        command = [sys.executable, "-m", "monitor", "--port", str(port), "--db", str(folder / "start.db")]
        with Terminal(command, environ) as terminal:
            painted.append(terminal.until_drawn("hooktop") - terminal.begun)
        port = servers.free_port()
        command[4] = str(port)
        with Terminal(command, environ) as terminal:
            servers.wait_for(port)
            opened.append(time.perf_counter() - terminal.begun)
        helped.append(_run(["-m", "monitor", "--help"], environ))
        imported.append(_run(["-c", LIBRARIES], environ))
    made = Table("Start", ("what", "ms", "ratio to an empty Textual app"))
    base = median(empty)
    for name, times in (
        ("an empty Textual app: first paint", empty), ("hooktop: first paint", painted),
        ("hooktop: port open", opened), ("the import of its libraries alone", imported), ("hooktop --help", helped),
    ):  # fmt: skip
        made.rows.append((name, f"{median(times) * 1000:,.0f}", f"{median(times) / base:.2f}"))
    results.add(made)
    results.figure("first paint", median(painted) / base)
    results.figure("port", median(opened) * 1000)
    results.figure("help", median(helped) * 1000)


def _run(arguments: Sequence[str], environ: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environ, check=True, capture_output=True)
    return time.perf_counter() - begun


def keys(results: Results, folder: Path, key: Path, requests: Sequence[bytes], seconds: int) -> None:
    """From a key that moves the cursor until the cursor is painted elsewhere, under load."""
    made = Table("Key to paint (120x40, cursor up and down)", ("captures a second", "p50 ms", "p95 ms", "worst ms"))
    for rate in RATES:
        with servers.screens(folder, key, name=f"keys-{rate}") as (server, terminal):
            post(server, requests, 100)
            terminal.until_drawn("▌")
            _move(terminal, "k")
            sender = threading.Thread(target=post, args=(server, requests, max(rate * seconds, 1)),
                                      kwargs={"connections": 32, "rate": rate or None})  # fmt: skip
            sender.start()
            time.sleep(1)
            times = sorted(_move(terminal, "j" if number % 2 else "k") for number in range(KEYS))
            sender.join()
        p50, p95 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.95))
        made.rows.append((f"{rate:,}", f"{p50:.1f}", f"{p95:.1f}", f"{times[-1] * 1000:.1f}"))
        if rate == RATES[-1]:
            results.figure("key at 1000/s", p95)
    results.add(made)


def _move(terminal: Terminal, pressed: str) -> float:
    begun = time.perf_counter()
    terminal.type(pressed)
    _, painted = terminal.until(CURSOR.search, 10)
    time.sleep(0.05)
    return painted - begun
