"""How long answers take at given rates, and what a burst and a large body do to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import servers
from benchmarks.ingest import LEAST, post
from benchmarks.load import Result
from benchmarks.results import Results, Table
from benchmarks.servers import Server
from benchmarks.terminal import Terminal

RATES = (200, 500, 1000)
CONNECTIONS = 32
BURST = 5000
BURST_S = 5
MIB = 1 << 20
SHOWN, DRAWN = "hooktop with screens", "... and draw a list"
COLUMNS = ("steady", "a second", "p50 ms", "p99 ms", "worst ms", "not 200")


def row(name: str, rate: str, run: Result) -> Sequence[str]:
    """A run under ``COLUMNS``."""
    wrong = sum(run.statuses.values()) - run.statuses[200]
    times = (f"{run.percentile(share):.1f}" for share in (0.5, 0.99, 1))
    return (name, rate, *times, str(wrong))


def steady(results: Results, folder: Path, key: Path, requests: Sequence[bytes], seconds: int) -> None:
    """At steady rates: what bounds it, alone, forwarding, with screens. A time counts from when the request was due."""
    made = Table("Answer times at steady rates", COLUMNS)
    with (
        servers.app() as app,
        servers.bare() as bare,
        servers.least(folder, key) as least,
        servers.listen(folder, key, name="steady") as listen,
        servers.listen(folder, key, "--forward", f"http://{servers.HOST}:{app.port}", name="steady-forward") as passing,
        servers.drawn(folder, key) as (drawn, _),
        servers.screens(folder, key, name="steady-screens") as (shown, _),
    ):
        under_test = {
            **_bounds(bare, least, drawn),
            "hooktop listen": listen,
            "with --forward": passing,
            SHOWN: shown,
        }
        for rate in RATES:
            p99 = {}
            for name, server in under_test.items():
                run = post(server, requests, rate * seconds, connections=CONNECTIONS, rate=rate)
                made.rows.append(row(name, f"{rate:,}", run))
                p99[name] = run.percentile(0.99)
            if rate != 500:
                results.figure(f"p99 at {rate}/s", p99[SHOWN], p99[DRAWN])
    results.add(made)


def _bounds(bare: Server, least: Server, drawn: Server) -> dict[str, Server]:
    return {"bare Starlette": bare, LEAST: least, DRAWN: drawn}


def burst(results: Results, folder: Path, key: Path, requests: Sequence[bytes]) -> None:
    """5,000 in 5 seconds while somebody scrolls, filters and opens."""
    with servers.screens(folder, key, name="burst") as (server, terminal):
        post(server, requests, 500)
        stop = threading.Event()

        def busy() -> None:
            while not stop.is_set():
                for keys in ("k" * 5, "g", "\x04", "\r", "l", "\x1b", "G", "/status:failed\r", "\x1b"):
                    terminal.type(keys)
                    if stop.wait(0.25):
                        return

        hands = threading.Thread(target=busy)
        hands.start()
        try:
            run = post(server, requests, BURST, connections=CONNECTIONS, rate=BURST / BURST_S)
        finally:
            stop.set()
            hands.join()
    made = Table("A burst of 5,000 in 5 s while somebody scrolls, filters and opens", COLUMNS)
    rate = f"{BURST // BURST_S:,}"
    with servers.bare() as bare, servers.least(folder, key) as least, servers.drawn(folder, key) as (drawn, _):
        for name, other in _bounds(bare, least, drawn).items():
            post(other, requests, 500)
            bound = post(other, requests, BURST, connections=CONNECTIONS, rate=BURST / BURST_S)
            made.rows.append(row(name, rate, bound))
    made.rows.append(row(SHOWN, rate, run))
    results.add(made)
    results.figure("burst lost", sum(run.statuses.values()) - run.statuses[200] + BURST - len(run.times))
    results.figure("burst p99", run.percentile(0.99), bound.percentile(0.99))


def stall(results: Results, folder: Path, key: Path, requests: Sequence[bytes]) -> None:
    """What opening a body of 1 MiB, and going through it, costs those who are answered meanwhile."""
    filler = b'{"items":[' + b",".join(b'{"name":"%d","value":"%s"}' % (n, b"x" * 60) for n in range(12000)) + b"]}"
    body = filler[: MIB - 2]
    head = f"POST /generic HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    with servers.screens(folder, key, name="stall") as (server, terminal):
        idle = post(server, requests, 500, connections=4, rate=50)
        post(server, [head.encode("ascii") + b"\r\n\r\n" + body], 1, connections=1)
        time.sleep(1)
        hands = threading.Thread(target=_go_through, args=(terminal,))
        hands.start()
        run = post(server, requests, 500, connections=4, rate=50)
        hands.join()
    made = Table("Answer times while a body of 1 MiB is opened and gone through", COLUMNS)
    made.rows += [row("nothing opened", "50", idle), row("a body of 1 MiB", "50", run)]
    results.add(made)
    results.figure("stall", run.percentile(1), idle.percentile(1))


def _go_through(terminal: Terminal) -> None:
    for keys in ("G", "/provider:generic\r", "\r", "3", "\x04", "\x04", "G", "g", "/value\r", "n", "\x1b", "\x1b"):
        terminal.type(keys)
        time.sleep(0.7)
