"""From the start to a picture, and from a key to the paint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import servers
from benchmarks.ingest import post
from benchmarks.results import Results, Table
from benchmarks.servers import Server
from benchmarks.terminal import Terminal

EMPTY = "from textual.app import App\nfrom textual.widgets import Static\nclass E(App):\n" \
        "    def compose(self):\n        yield Static('empty')\nE().run()\n"  # fmt: skip
KEYS = 80
SETTLED_S = 0.5  # for all that was posted to be in the list: until then it scrolls, and a cursor that stays is not seen
# The cursor's bar, at the beginning of a line: a line that is not new is drawn only when the cursor comes to it.
CURSOR = re.compile(rb"\x1b\[\d+;1H(\x1b\[[0-9;]*m)*" + "▌".encode())
RATES = (0, 200, 1000)


def start(results: Results, folder: Path, key: Path, rounds: int) -> None:
    """First paint, the port, and ``--help``, beside an empty Textual app and the least that receives and draws."""
    environ = servers.environment(folder, key)

    def ours(port: int) -> list[str]:
        return [sys.executable, "-m", "monitor", "--port", str(port), "--db", str(folder / "start.db")]

    def least(port: int) -> list[str]:
        kept = str(folder / f"start-{port}.db")
        return [sys.executable, "-m", "benchmarks.programs.drawn", str(port), str(key), kept]

    drawing = dict(os.environ) | servers.TERMINAL
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with Terminal([sys.executable, "-c", EMPTY], environ) as terminal:
            times["an empty Textual app: first paint"].append(terminal.until_drawn("empty") - terminal.begun)
        with Terminal(least(servers.free_port()), drawing) as terminal:
            times["a list and a receiver: first paint"].append(terminal.until_drawn("▌") - terminal.begun)
        with Terminal(ours(servers.free_port()), environ) as terminal:
            times["hooktop: first paint"].append(terminal.until_drawn("hooktop") - terminal.begun)
        begun = time.perf_counter()
        with servers.bare():
            times["bare Starlette: port open"].append(time.perf_counter() - begun)
        port = servers.free_port()
        with Terminal(ours(port), environ) as terminal:
            servers.wait_for(port)
            times["hooktop: port open"].append(time.perf_counter() - terminal.begun)
        times["hooktop --help"].append(_run(["-m", "monitor", "--help"], environ))
    taken = {name: median(some) * 1000 for name, some in times.items()}
    empty, drawn, painted, bare, opened, helped = taken.values()
    made = Table("Start", ("what", "ms", "ratio to an empty Textual app"))
    made.rows += [(name, f"{ms:,.0f}", f"{ms / empty:.2f}") for name, ms in taken.items()]
    results.add(made)
    results.figure("first paint", painted / empty, drawn / empty)
    results.figure("port", opened, bare)
    results.figure("help", helped)


def _run(arguments: Sequence[str], environ: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environ, check=True, capture_output=True)
    return time.perf_counter() - begun


def keys(results: Results, folder: Path, key: Path, requests: Sequence[bytes], seconds: int) -> None:
    """From a key that moves the cursor until the cursor is painted elsewhere, under load."""
    made = Table("Key to paint (120x40, cursor up and down)", ("captures a second", "p50 ms", "p95 ms", "worst ms"))
    for rate in RATES:
        with servers.screens(folder, key, name=f"keys-{rate}") as (server, terminal):
            p95 = _pressed(made, "hooktop", server, terminal, requests, rate, seconds)
        with servers.drawn(folder, key) as (server, terminal):
            least = _pressed(made, "a list and a receiver", server, terminal, requests, rate, seconds)
        if rate == RATES[-1]:
            results.figure("key at 1000/s", p95, least)
    results.add(made)


def slow_keys(results: Results, folder: Path, key: Path, requests: Sequence[bytes], seconds: int) -> None:
    """The same at 200 a second on a disk whose sync takes 5 ms, beside a fast one."""
    wrap = servers.slow_sync()
    if not wrap:
        print("keys on a slow disk: skipped, there is no strace\n")
        return
    made = Table("Key to paint on a disk whose sync takes 5 ms", ("captures a second", "p50 ms", "p95 ms", "worst ms"))
    p95 = {}
    for name, before in (("a fast disk", ()), ("a slow disk", wrap)):
        with servers.screens(folder, key, name=name.replace(" ", "-"), wrap=before) as (server, terminal):
            p95[name] = _pressed(made, name, server, terminal, requests, 200, seconds)
    results.add(made)
    results.figure("key on a slow disk", p95["a slow disk"] / p95["a fast disk"])


def _pressed(
    made: Table, name: str, server: Server, terminal: Terminal, requests: Sequence[bytes], rate: int, seconds: int
) -> float:
    """A row of the table; gives its p95 in milliseconds."""
    post(server, requests, 100)
    terminal.until_drawn("▌")
    time.sleep(SETTLED_S)
    _move(terminal, "k")
    sender = threading.Thread(target=post, args=(server, requests, max(rate * seconds, 1)),
                              kwargs={"connections": 32, "rate": rate or None})  # fmt: skip
    sender.start()
    time.sleep(1)
    times = sorted(_move(terminal, "j" if number % 2 else "k") for number in range(KEYS))
    sender.join()
    p50, p95 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.95))
    made.rows.append((f"{name}, {rate:,}", f"{p50:.1f}", f"{p95:.1f}", f"{times[-1] * 1000:.1f}"))
    return p95


def _move(terminal: Terminal, pressed: str) -> float:
    begun = time.perf_counter()
    terminal.type(pressed)
    _, painted = terminal.until(CURSOR.search, 10)
    time.sleep(0.05)
    return painted - begun
