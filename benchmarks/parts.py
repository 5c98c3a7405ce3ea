"""Where the processor's time for a capture goes: each part of the work by itself, beside the whole program."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks import servers
from benchmarks.ingest import LEAST, WARM_UP, post
from benchmarks.results import Results, Table
from benchmarks.servers import Server
from monitor import jsonbody
from monitor.jsonbody import json_line
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.record import capture_record
from monitor.providers.base import Keys
from monitor.providers.keys import public_key
from monitor.providers.registry import registry
from monitor.store import projection, search, shapes
from monitor.store.connection import committed, connect, prepare
from monitor.store.intake import put

BATCH = 8  # captures a transaction, about as many as wait for a sync at full speed
ROUNDS = 3
OURS = "hooktop listen --json"
T = TypeVar("T")


class Clock:
    """Seconds of the processor by the name of the part."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], T]) -> T:
        """Gives what ``work`` gives."""
        begun = time.process_time()
        made = work()
        self.taken[name] = time.process_time() - begun
        return made


def parts(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int) -> None:
    """Each part over the same captures in one thread, then whole programs at full speed."""
    rounds = [_once(folder / f"parts-{number}.db", key, requests) for number in range(ROUNDS)]
    taken = {name: median(one[name] for one in rounds) for name in rounds[0]}
    with servers.bare() as bare, servers.least(folder, key) as least, servers.listen(folder, key, name="parts") as ours:
        for name, server in {"bare Starlette": bare, LEAST: least, OURS: ours}.items():
            taken[f"the whole of {name}"] = _of_program(server, requests, count)
    bare_s, whole = (taken[f"the whole of {name}"] for name in ("bare Starlette", OURS))
    together = bare_s + sum(one for name, one in taken.items() if not name.startswith("the whole of "))
    taken[f"bare Starlette and all parts together: {bare_s / together:.2f} of bare Starlette's pace"] = together
    made = Table("Where the processor's time for a capture goes", ("what", "ms", "share of hooktop"))
    made.rows += [(name, f"{seconds * 1000:.3f}", f"{seconds / whole:.0%}") for name, seconds in taken.items()]
    results.add(made)


def _once(path: Path, key: Path, requests: Sequence[bytes]) -> dict[str, float]:
    """Seconds for a capture, by part."""
    clock, volt, at = Clock(), registry()["volt"], datetime.now(UTC)
    keys = Keys((public_key(key.read_text("ascii"), "benchmark"),))
    came = [_request(one) for one in requests]
    bodies = clock.time("parse the body", lambda: [jsonbody.parse(one.body) for one in came])
    pairs = list(zip(came, bodies, strict=True))
    verdicts = clock.time("check the signature", lambda: [volt.verify(*pair, keys, at.timestamp()) for pair in pairs])
    readings = clock.time("read the event", lambda: [volt.read(*pair) for pair in pairs])
    captures = [
        Capture(0, at, "volt", Source.NETWORK, request, 200, verdict, Origin(None, servers.HOST), reading)
        for request, verdict, reading in zip(came, verdicts, readings, strict=True)
    ]
    prepare(path)
    events, known = projection.Events(len(captures)), shapes.Shapes()
    with closing(connect(path, read_only=False)) as db:
        db.execute("PRAGMA synchronous = OFF")  # the disk's time is not the processor's
        steps = [partial(put, captures=captures[at : at + BATCH]) for at in range(0, len(captures), BATCH)]
        stored = [
            one for batch in clock.time("insert", lambda: [committed(db, step) for step in steps]) for one in batch
        ]
        events.keep(stored)
        folding = partial(projection.advance, limit=BATCH, events=events)
        clock.time("messages and conversations", lambda: _to_the_end(db, folding))
        clock.time("search", lambda: _to_the_end(db, search.advance))
        clock.time("what event types have had", lambda: _to_the_end(db, partial(shapes.advance, shapes=known)))
    clock.time("the printed line", lambda: [json_line(capture_record(one)) for one in stored])
    return {name: seconds / len(captures) for name, seconds in clock.taken.items()}


def _to_the_end(db: sqlite3.Connection, step: Callable[[sqlite3.Connection], int]) -> None:
    while committed(db, step):
        pass


def _request(raw: bytes) -> Request:
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = tuple(
        (name, value) for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    )
    return Request("POST", "/volt", "", headers, body, f"{servers.HOST}:1")


def _of_program(server: Server, requests: Sequence[bytes], count: int) -> float:
    """Seconds of the processor that a program takes for a request at full speed."""
    post(server, requests, WARM_UP)
    before = servers.processor(server.pid)
    post(server, requests, count)
    return (servers.processor(server.pid) - before) / count
