"""A long history: how fast it is opened, paged, filtered and looked into."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from monitor import jsonbody
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.filter import parse
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.sandbox import cast
from monitor.services.view import View
from monitor.store import projection, search
from monitor.store.connection import connect, prepare
from monitor.store.filter_sql import Where, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.reader import Reader
from monitor.store.rows import capture_row, insert_rows, reading_row
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS

CHUNK = 5000
VERIFIED = Verdict(VerdictStatus.VERIFIED, "matched", "rsa-pkcs1v15-sha256/base64", "sha256:1a2b3c4d")
HEADERS = (("content-type", "application/json"), ("user-agent", "benchmark"), ("x-respond-flow-signature", "A" * 344))
EVERYTHING = Where("TRUE", [], False)


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


def build(path: Path, count: int) -> None:
    """Write a database of ``count`` captures with its messages and conversations."""
    prepare(path)
    captures = traffic()
    with closing(connect(path, read_only=False)) as db:
        db.execute("PRAGMA synchronous = OFF")  # this is not what is measured
        for first in range(1, count + 1, CHUNK):
            chunk = [replace(next(captures), id=first + n) for n in range(min(CHUNK, count + 1 - first))]
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


def timed(name: str, target: str, work: Callable[[], object]) -> None:
    """Print how long it took, the best of three."""
    best = min(_seconds(work) for _ in range(3))
    print(f"{name:<58}{best * 1000:>10.1f}   {target}")


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


def measure(path: Path, count: int) -> None:
    """Print the table."""
    print(f"{count:,} captures, {path.stat().st_size / count:,.0f} bytes each in the database\n")
    print(f"{'history':<58}{'ms':>10}   target")
    timed("open the list (ids, newest row)", "< 500", lambda: _opened(path))
    reader = MessageReader(path)
    with closing(reader):
        timed("last page of captures (50 rows)", "< 5", lambda: reader.rows(range(count - 49, count + 1)))
        timed("page in the middle", "< 5", lambda: reader.rows(range(count // 2, count // 2 + 50)))
        timed("one capture in full", "< 5", lambda: reader.capture(count // 2))
        page = reader.message_ids(Order.NEWEST, EVERYTHING, 50)
        timed(
            "newest messages (50 rows)",
            "< 5",
            lambda: reader.messages(reader.message_ids(Order.NEWEST, EVERYTHING, 50)),
        )
        timed("newest failed messages", "< 5", lambda: reader.message_ids(Order.FAILED, EVERYTHING, 50))
        timed("a message's lifecycle", "< 5", lambda: reader.message(page[0]))
        timed("newest conversations (50 rows)", "< 5", lambda: reader.conversations(50))
        number = reader.conversations(1)[0].id
        timed("a conversation's thread (newest 50)", "< 5", lambda: reader.thread(number, 50))
        where = compile_message_filter(parse("status:failed provider:volt"), datetime.now(UTC))
        timed("messages: first page of a filter", "< 200", lambda: reader.message_ids(Order.NEWEST, where, 50))
        capture = reader.capture(count // 100)
        assert capture is not None
        assert capture.reading is not None
        rare = str(capture.reading.message)[-12:]
        where = compile_message_filter(parse(rare), datetime.now(UTC))
        timed("messages: the only match, of the oldest", "< 200", lambda: reader.message_ids(Order.NEWEST, where, 50))
    for text in (
        "status:failed",
        rare,
        "text:parcel",
        "error:702",
        "5550123",
        "body.payload.parts>3",
        'text:"not there at all"',
    ):
        first, whole, found = asyncio.run(first_match(path, text))
        name = f"filter {text}: first match ({found:,} in {whole * 1000:,.0f} ms)"
        print(f"{name:<58}{first * 1000:>10.1f}   {'< 200' if found else 'no match: the whole history is read'}")


def _opened(path: Path) -> None:
    view = View(lambda: Reader(path))
    view.rows(max(len(view) - 50, 0), len(view))
    view.close()
