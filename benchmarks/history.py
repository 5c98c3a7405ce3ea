"""A long history: how fast it is opened, paged, filtered and looked into."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from benchmarks import answers, servers, space
from benchmarks.ingest import post
from benchmarks.results import Results, Table
from benchmarks.servers import Server
from benchmarks.terminal import Terminal
from monitor import jsonbody
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.filter import parse
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.sandbox import cast
from monitor.services.view import View
from monitor.store import projection, search
from monitor.store.connection import connect, prepare
from monitor.store.filter_sql import EVERYTHING, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.reader import Reader
from monitor.store.rows import capture_row, insert_rows, reading_row, wire_headers
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS

CHUNK = 5000
VERIFIED = Verdict(VerdictStatus.VERIFIED, "matched", "rsa-pkcs1v15-sha256/base64", "sha256:1a2b3c4d")
HEADERS = (("content-type", "application/json"), ("user-agent", "benchmark"), ("x-respond-flow-signature", "A" * 344))
HEADER_BYTES = len(wire_headers(HEADERS))
FILTERS = ("status:failed", "text:parcel", "error:702", "5550123", "body.payload.parts>3", 'text:"not there at all"')
FILTERED_S = 1.9  # for each of five filters, while ten seconds of captures come


def traffic() -> Iterator[Capture]:
    """Believable captures of four providers without end, each message with its events."""
    rng = Random(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    playing = [(registry()[name], registry()[name].scenarios) for name in ("volt", "bird", "connectly", "oneroute")]
    while True:
        provider, scenarios = rng.choice(playing)
        start += timedelta(seconds=1)
        for event in rng.choice(scenarios).build(cast.scene(rng, start, provider.name)):
            request = Request("POST", f"/{provider.name}", "", HEADERS, event.body, "127.0.0.1:1")
            reading = provider.read(request, jsonbody.parse(event.body))
            at = start + timedelta(seconds=event.after)
            yield Capture(
                0, at, provider.name, Source.NETWORK, request, 200, VERIFIED, Origin(None, "127.0.0.1"), reading
            )


def build(path: Path, count: int) -> int:
    """Write a database of ``count`` captures with its messages and conversations; gives the bytes of their bodies and
    headers."""
    prepare(path)
    raw = 0
    captures = traffic()
    with closing(connect(path, read_only=False)) as db:
        db.execute("PRAGMA synchronous = OFF")  # this is not what is measured
        for first in range(1, count + 1, CHUNK):
            chunk = [replace(next(captures), id=first + n) for n in range(min(CHUNK, count + 1 - first))]
            raw += sum(len(capture.request.body) for capture in chunk) + len(chunk) * HEADER_BYTES
            db.execute("BEGIN")
            insert_rows(db, "captures", CAPTURE_COLUMNS, [capture_row(capture) for capture in chunk])
            insert_rows(db, "readings", READING_COLUMNS, [reading_row(capture) for capture in chunk])
            events = projection.Events(CHUNK * 2)
            events.keep(chunk)
            projection.advance(db, CHUNK, events)
            while search.advance(db):
                pass
            db.execute("COMMIT")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("INSERT OR REPLACE INTO tallies SELECT provider, verdict, count(*) FROM readings GROUP BY 1, 2")
    return raw


def _plainly(path: Path, count: int) -> float:
    """Bytes for each raw byte of a table that has nothing but headers and bodies, without an index."""
    raw = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE captures (id INTEGER PRIMARY KEY, headers BLOB, body BLOB)")
        db.execute("BEGIN")
        for capture in islice(traffic(), count):
            row = (wire_headers(capture.request.headers), capture.request.body)
            raw += sum(map(len, row))
            db.execute("INSERT INTO captures VALUES (NULL, ?, ?)", row)
        db.execute("COMMIT")
    return path.stat().st_size / raw


class Clock:
    """Rows of a table, each the best of three."""

    def __init__(self, made: Table) -> None:
        self._made = made

    def time(self, name: str, work: Callable[[], object]) -> float:
        """Add a row; gives milliseconds."""
        best = min(_seconds(work) for _ in range(3)) * 1000
        self._made.rows.append((name, f"{best:,.1f}"))
        return best


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


async def first_match(path: Path, text: str) -> tuple[float, float, int]:
    """Seconds to the first match of a filter, to the end of the history, and how many there are."""
    view = View(lambda: Reader(path))
    begun = time.perf_counter()
    running = asyncio.get_running_loop().create_task(view.set_filter(text))
    first = None
    while not running.done():
        await asyncio.sleep(0.001)
        if first is None and len(view):
            first = time.perf_counter() - begun
    await running
    found = len(view)
    view.close()
    whole = time.perf_counter() - begun
    return whole if first is None else first, whole, found


def measure(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int) -> None:
    """Build a history of ``count`` captures and one of a tenth, and look into them."""
    path, small = folder / "history.db", folder / "tenth.db"
    raw = build(path, count)
    build(small, count // 10)
    size = path.stat().st_size
    made = Table(
        f"A history of {count:,} captures ({size / count:,.0f} bytes each, {raw / count:,.0f} raw)", ("what", "ms")
    )
    clock = Clock(made)
    opened = clock.time("open the list (ids, newest row)", lambda: _opened(path))
    pages = _pages(clock, path, count)
    matches = [_filter(made, path, text) for text in FILTERS]
    results.add(made)
    memory = {where: _memory(folder, key, where) for where in (small, path)}
    worst, idle = _stall(results, folder, key, requests, path, count)
    used = Table("Memory with the screens open", ("captures", "MB"))
    used.rows += [(f"{count // 10:,}", f"{memory[small]:.0f}"), (f"{count:,}", f"{memory[path]:.0f}")]
    results.add(used)
    space.measure(results, path, count, raw)
    results.figure("disk", size / raw, _plainly(folder / "plain.db", count // 10))
    if count >= 1_000_000:
        results.figure("history open", opened)
        results.figure("history page", max(pages))
        results.figure("history match", max(match for match in matches if match is not None))
        results.figure("history memory", memory[path])
        results.figure("history stall", worst, idle)
        results.figure("history growth", memory[path] - memory[small])


def _pages(clock: Clock, path: Path, count: int) -> list[float]:
    with closing(MessageReader(path)) as reader:
        page = reader.message_ids(Order.NEWEST, EVERYTHING, 50)
        number = reader.conversations(1)[0].id
        where = compile_message_filter(parse("status:failed provider:volt"), datetime.now(UTC))
        return [
            clock.time("last page of captures (50 rows)", lambda: reader.rows(range(count - 49, count + 1))),
            clock.time("page in the middle", lambda: reader.rows(range(count // 2, count // 2 + 50))),
            clock.time("one capture in full", lambda: reader.capture(count // 2)),
            clock.time(
                "newest messages (50 rows)",
                lambda: reader.messages(reader.message_ids(Order.NEWEST, EVERYTHING, 50)),
            ),
            clock.time("newest failed messages", lambda: reader.message_ids(Order.FAILED, EVERYTHING, 50)),
            clock.time("messages: first page of a filter", lambda: reader.message_ids(Order.NEWEST, where, 50)),
            clock.time("a message's lifecycle", lambda: reader.message(page[0])),
            clock.time("newest conversations (50 rows)", lambda: reader.conversations(50)),
            clock.time("a conversation's thread (newest 50)", lambda: reader.thread(number, 50)),
        ]


def _filter(made: Table, path: Path, text: str) -> float | None:
    """A filter's first match in milliseconds, None where there is none."""
    first, whole, found = asyncio.run(first_match(path, text))
    if found:
        made.rows.append((f"filter {text}: first of {found:,} (all in {whole * 1000:,.0f})", f"{first * 1000:,.1f}"))
        return first * 1000
    made.rows.append((f"filter {text}: no match", f"{whole * 1000:,.1f}"))
    return None


@contextmanager
def _shown(folder: Path, key: Path, path: Path) -> Iterator[tuple[Server, Terminal]]:
    """A hooktop that shows this database."""
    config = folder / "config.toml"
    config.write_text('[store]\nkeep = "99999d"\nmax_size = "99GB"\n')  # the history is old and large
    config.chmod(0o600)
    with servers.screens(folder, key, "--config", str(config), name=path.stem) as shown:
        yield shown


def _stall(
    results: Results, folder: Path, key: Path, requests: Sequence[bytes], path: Path, count: int
) -> tuple[float, float]:
    """The longest wait for an answer while filters go through the whole history, and while none does."""
    with _shown(folder, key, path) as (server, terminal):
        idle = post(server, requests, 500, connections=4, rate=50)
        hands = threading.Thread(target=_filter_all, args=(terminal,))
        hands.start()
        run = post(server, requests, 500, connections=4, rate=50)
        hands.join()
    made = Table(f"Answer times while filters go through {count:,} captures", answers.COLUMNS)
    made.rows += [answers.row("no filter", "50", idle), answers.row("five filters, one after another", "50", run)]
    results.add(made)
    return run.percentile(1), idle.percentile(1)


def _filter_all(terminal: Terminal) -> None:
    for text in ("body.payload.parts>3", "5550123", "header.user-agent:~nobody", 'text:"not there at all"', "size>1M"):
        terminal.type(f"/{text}\r")
        time.sleep(FILTERED_S)
        terminal.type("\x1b")


def _memory(folder: Path, key: Path, path: Path) -> float:
    """Megabytes of a hooktop that shows this database."""
    with _shown(folder, key, path) as (_, terminal):
        terminal.until_drawn("▌")
        time.sleep(3)
        return servers.memory(terminal.pid)


def _opened(path: Path) -> None:
    view = View(lambda: Reader(path))
    view.rows(max(len(view) - 50, 0), len(view))
    view.close()
