"""Hours in minutes: a steady stream, screens in use, every capture passed on; nothing may be lost or grow."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import load, servers
from benchmarks.results import Results, Table
from benchmarks.terminal import Terminal

STEP_S = 60
USE = [
    *"kkg",
    "\x04",
    "\x04",
    "\r",
    *"ll",
    "\x1b",
    *"Gf",
    "/status:failed\r",
    "j",
    "\x1b",
    *"2j",
    "\r",
    "\x1b",
    "3",
    "\r",
    "\x1b",
    *"1S",
    "\x1b",
]
USE += ["?", "\x1b", *"xx"]


def soak(results: Results, folder: Path, key: Path, requests: Sequence[bytes], minutes: float, rate: int) -> None:
    """Post at ``rate`` for so many minutes; a row of the table is a minute."""
    made = Table(
        f"Soak: {rate} captures a second, screens in use, forwarding on",
        ("minute", "answered", "p50 ms", "p99 ms", "worst ms", "not 200", "MB", "-wal MB"),
    )
    database = folder / "soak.db"
    lost = 0
    with (
        servers.app() as app,
        servers.screens(folder, key, "--forward", f"http://{servers.HOST}:{app.port}", name="soak") as (
            server,
            terminal,
        ),
    ):
        stop = threading.Event()
        hands = threading.Thread(target=_use, args=(terminal, stop))
        hands.start()
        try:
            for minute in range(max(round(minutes * 60 / STEP_S), 1)):
                seconds = min(STEP_S, int(minutes * 60))
                run = asyncio.run(
                    load.run(
                        servers.HOST, server.port, list(requests), count=rate * seconds, connections=32, rate=rate,
                        patience_s=seconds + 120,
                    )
                )  # fmt: skip
                wrong = sum(run.statuses.values()) - run.statuses[200]
                lost += wrong + rate * seconds - len(run.times)
                wal = database.with_name(database.name + "-wal")
                made.rows.append(
                    (
                        str(minute + 1), f"{len(run.times):,}", f"{run.percentile(0.5):.1f}",
                        f"{run.percentile(0.99):.1f}", f"{run.percentile(1):.1f}", str(wrong),
                        f"{servers.memory(server.pid):.0f}", f"{wal.stat().st_size / 1e6:.1f}",
                    )
                )  # fmt: skip
                print("  ".join(made.rows[-1]), flush=True)
        finally:
            stop.set()
            hands.join()
    with closing(sqlite3.connect(database)) as db:
        stored = db.execute("SELECT count(*) FROM captures").fetchone()[0]
    answered = sum(int(row[1].replace(",", "")) for row in made.rows)
    results.add(made)
    kept = Table("What the soak left", ("what", "captures"))
    kept.rows += [("answered", f"{answered:,}"), ("in the database", f"{stored:,}"), ("lost", f"{answered - stored:,}"),
                  ("not answered 200", f"{lost:,}")]  # fmt: skip
    results.add(kept)


def _use(terminal: Terminal, stop: threading.Event) -> None:
    while True:
        for keys in USE:
            terminal.type(keys)
            if stop.wait(0.7):
                return
