"""Letting captures go: with all that was made of them, and nothing of others."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from monitor import jsonbody, tasks
from monitor.model.capture import Capture, Request, Source
from monitor.model.filter import parse
from monitor.model.message import Message
from monitor.model.reading import Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.sandbox import cast
from monitor.services.feed import Feed
from monitor.services.pruning import prunable
from monitor.store import projection, search
from monitor.store.connection import committed, connect
from monitor.store.errors import StoreError
from monitor.store.filter_sql import Where, compile_filter
from monitor.store.intake import put
from monitor.store.message_reader import MessageReader, Order
from monitor.store.retention import FREED_PAGES, RetentionReader, forget, give_back
from monitor.store.store import Store
from tests.factory import START, make_capture, make_request, storing
from tests.services.histories import told

VERIFIED = Verdict(VerdictStatus.VERIFIED, "matched")
EVERYTHING = Where("TRUE", [], False)


def played(count: int, start: datetime = START) -> list[Capture]:
    """Runs of scenarios of all providers, a second apart: each message with its events."""
    rng = Random(7)
    providers = [p for p in registry() if p.scenarios]
    found: list[Capture] = []
    while len(found) < count:
        provider = rng.choice(providers)
        begin = start + timedelta(seconds=len(found))
        for event in rng.choice(provider.scenarios).build(cast.scene(rng, begin, provider.name)):
            request = Request("POST", f"/{provider.name}", "", (("content-type", "application/json"),), event.body)
            found.append(
                replace(
                    make_capture(), provider=provider.name, request=request, verdict=VERIFIED, marks=(),
                    received_at=begin + timedelta(seconds=event.after),
                    reading=provider.read(request, jsonbody.parse(event.body)),
                )
            )  # fmt: skip
    return sorted(found, key=lambda capture: capture.received_at)[:count]


async def opened(path: Path, captures: list[Capture]) -> Store:
    store = Store.open(path)
    store.start()
    for capture in captures:
        await store.add(capture)
    await store.caught_up()
    return store


def messages(path: Path) -> dict[str, Message]:
    """By key; without the numbers of captures, which differ between databases."""
    with closing(MessageReader(path)) as reader:
        found = reader.messages(reader.message_ids(Order.NEWEST, EVERYTHING, 100_000))
    return {
        message.key: replace(
            message, captures=(), unproven=(), stages=tuple(replace(stage, capture=0) for stage in message.stages),
            interactions=(),
        )
        for message in found.values()
    }  # fmt: skip


def conversations(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT key, provider, parties, messages, failed, last_text, last_at FROM conversations ORDER BY key"
        ).fetchall()


@pytest.mark.slow
async def test_what_stays_is_as_if_nothing_else_had_been(tmp_path: Path) -> None:
    captures = played(600)
    before = captures[350].received_at
    store = await opened(tmp_path / "pruned.db", captures)
    told: list[int] = []
    store.on_pruned(lambda tally: told.append(sum(tally.values())))
    gone = await store.prune(before)
    assert 250 < gone <= 350
    assert told == [gone]
    with closing(store.reader()) as reader:
        kept = [capture for start in range(0, 700, 100) for capture in reader.page(after=start, limit=100)]
        kept = list({capture.id: capture for capture in kept}.values())
        assert sum(reader.tallies().values()) == len(kept) == 600 - gone
    old = [capture for capture in kept if capture.received_at < before]
    assert old  # those whose message was heard of later
    await store.stop()
    fresh = await opened(tmp_path / "fresh.db", [replace(capture, id=0) for capture in kept])
    await fresh.stop()
    assert messages(tmp_path / "pruned.db") == messages(tmp_path / "fresh.db")
    assert conversations(tmp_path / "pruned.db") == conversations(tmp_path / "fresh.db")


async def test_nothing_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    store = await opened(path, played(search.STEP * 2))
    numbers = {
        c.reading.from_ for c in played(search.STEP * 2) if c.reading and (c.reading.from_ or "").startswith("+1")
    }
    number = sorted(str(one) for one in numbers)[0].encode()
    assert await store.prune(START + timedelta(days=9)) == search.STEP * 2
    assert await store.prune(START + timedelta(days=9)) == 0
    await store.stop()
    for file in tmp_path.iterdir():
        assert number not in file.read_bytes(), file.name
    with closing(sqlite3.connect(path)) as db:
        for table in ("captures", "readings", "messages", "message_keys", "message_events", "conversations",
                      "conversation_keys", "conversation_events", "conversation_ties"):  # fmt: skip
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        assert db.execute("SELECT count(*) FROM search WHERE search MATCH '\"555\"'").fetchone() == (0,)
        assert db.execute("PRAGMA freelist_count").fetchone()[0] < 20


async def test_what_comes_after_everything_was_let_go_is_seen(tmp_path: Path) -> None:
    captures = played(search.STEP * 2)
    store = await opened(tmp_path / "hooktop.db", captures)
    before = messages(store.path).keys()
    assert await store.prune(START + timedelta(days=9)) == len(captures)
    again = [await store.add(capture) for capture in captures]
    await store.caught_up()
    with closing(MessageReader(store.path)) as reader:
        assert again[0].id == len(captures) + 1
        assert reader.learnt() == reader.watermark() == again[-1].id
        assert messages(store.path).keys() == before
        known = next(capture for capture in again if capture.reading and capture.reading.from_)
        wanted = parse(f"from:{known.reading.from_ if known.reading else ''}")
        assert known.id in reader.matching(compile_filter(wanted, START), 1, again[-1].id)
    await store.stop()


async def test_freed_space_is_given_back_in_large_pieces(tmp_path: Path) -> None:
    store = await opened(tmp_path / "hooktop.db", [])
    for _ in range(4):
        await store.add(replace(make_capture(reading=None), request=make_request(bytes(4 * FREED_PAGES * 1024))))
    await store.stop()
    with closing(connect(tmp_path / "hooktop.db", read_only=False)) as db:
        db.execute("BEGIN IMMEDIATE")
        forget(db, [1, 2, 3, 4])
        db.execute("COMMIT")
        [[before]] = db.execute("PRAGMA freelist_count")
        assert before > 3 * FREED_PAGES
        assert give_back(db) == before - FREED_PAGES
        while give_back(db):
            pass
        [[pages]] = db.execute("PRAGMA page_count")
    assert pages < FREED_PAGES


async def test_only_what_is_not_verified_and_only_so_many(tmp_path: Path) -> None:
    forged = Verdict(VerdictStatus.INVALID, "no match")
    captures = [replace(c, verdict=forged if n % 3 == 0 else VERIFIED, reading=None) for n, c in enumerate(played(120))]
    store = await opened(tmp_path / "hooktop.db", captures)
    later = START + timedelta(days=9)
    assert await store.prune(later, unproven=True, limit=10) == 10
    with closing(store.reader()) as reader:
        assert reader.tallies().get(("volt", "invalid"), 0) >= 0
        assert sum(number for (_, verdict), number in reader.tallies().items() if verdict == "invalid") == 30
    assert await store.prune(later, unproven=True) == 30
    with closing(RetentionReader(store.path)) as reader:
        assert {verdict for (_, verdict), number in reader.tallies().items() if number} == {"verified"}
        assert reader.time_of_newest(1) == captures[-1].received_at or reader.time_of_newest(1) is not None
        assert reader.time_of_newest(81) is None
    await store.stop()


@pytest.mark.parametrize("text", ["hello", "555"])
async def test_the_index_forgets_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hooktop.db"
    captures = played(search.STEP + 50)
    store = await opened(path, captures)
    await store.prune(captures[100].received_at)
    await store.stop()
    with closing(MessageReader(path)) as reader:
        last = reader.last_id()
        where = compile_filter(parse(text), START)
        plain = replace(where, search=None)
        assert reader.matching(where, 1, last) == reader.matching(plain, 1, last)


async def test_no_more_goes_than_was_asked_for_when_the_clock_was_set_back(tmp_path: Path) -> None:
    captures = [replace(make_capture(), reading=None, received_at=START + timedelta(seconds=n)) for n in range(20)]
    late, early = captures[:10], [replace(c, received_at=c.received_at - timedelta(hours=1)) for c in captures[10:]]
    store = await opened(tmp_path / "hooktop.db", [*late, *early])
    found = prunable(store.path, START, keep=15)
    assert found.before is not None
    assert (found.number, await store.prune(found.before)) == (5, 5)
    await store.stop()


async def test_all_go_where_none_is_to_be_kept_although_some_came_by_a_clock_that_is_ahead(tmp_path: Path) -> None:
    ahead = replace(make_capture(), received_at=START + timedelta(days=900))
    store = await opened(tmp_path / "hooktop.db", [make_capture(), ahead])
    found = prunable(store.path, START, keep=0)
    assert found.before is not None
    assert (found.number, await store.prune(found.before)) == (2, 2)
    await store.stop()


async def test_no_more_goes_than_was_asked_for_of_what_was_imported(tmp_path: Path) -> None:
    came = replace(make_capture(), reading=None)
    imported = replace(came, source=Source.IMPORTED, received_at=START - timedelta(days=900))
    store = await opened(tmp_path / "hooktop.db", [imported, came, imported])
    found = prunable(store.path, START, keep=2)
    assert found.before is None or await store.prune(found.before) <= 1
    with closing(store.reader()) as reader:
        assert sum(reader.tallies().values()) >= 2
    await store.stop()


async def test_who_follows_hears_of_what_is_gone_although_the_rest_is_not(tmp_path: Path) -> None:
    store = await opened(tmp_path / "hooktop.db", [replace(make_capture(), reading=None) for _ in range(120)])
    feed = Feed()
    with closing(store.reader()) as reader:
        feed.begin(reader.tallies(), reader.last_id())
        store.on_pruned(feed.forget)

        def progress(gone: int) -> None:
            if gone > 50:
                raise StoreError("no more")

        with pytest.raises(StoreError, match="no more"):
            await store.prune(START + timedelta(days=9), progress=progress)
        assert 0 < feed.total < 120
        assert feed.total == sum(reader.tallies().values())
    await store.stop()


async def test_a_message_that_is_still_spoken_of_stays_also_before_that_is_known(tmp_path: Path) -> None:
    store = await opened(tmp_path / "hooktop.db", [told("a", Status.SENT)])
    await store.stop()
    with closing(connect(store.path, read_only=False)) as db:  # as if the program had died behind the commit
        later = told("a", Status.DELIVERED)
        committed(db, partial(put, captures=[replace(later, received_at=START + timedelta(days=8))]))
        committed(db, projection.clear)
    store = Store.open(store.path)
    store.start()
    assert await store.prune(START + timedelta(days=7)) == 0
    assert [message.status for message in messages(store.path).values()] == [Status.DELIVERED]
    await store.stop()


async def test_waiting_for_what_was_let_go_meanwhile_ends(tmp_path: Path) -> None:
    async with storing(tmp_path / "hooktop.db") as store:
        first = await store.add(replace(make_capture(), reading=None))
        await store.caught_up()
        assert store._writer is not None
        store._writer.hold(True)
        last = await store.add(replace(make_capture(), reading=None))
        waiting = tasks.start(store.caught_up(), "wait")
        await asyncio.sleep(0)
        assert not waiting.done()
        await store._writer.run(partial(forget, ids=[last.id]))
        async with asyncio.timeout(20):
            await waiting
        assert first.id < last.id


@pytest.mark.parametrize("left", [0, 3])
async def test_no_id_is_given_twice_after_all_was_read_anew(tmp_path: Path, left: int) -> None:
    async with storing(tmp_path / "hooktop.db") as store:
        for _ in range(7):
            await store.add(replace(make_capture(), reading=None))
        await store.caught_up()
        assert store._writer is not None
        await store._writer.run(partial(forget, ids=range(left + 1, 8)))
        assert (await store.reread(lambda capture: capture)).captures == left
        assert (await store.add(replace(make_capture(), reading=None))).id == 8
        await store.caught_up()
        with closing(MessageReader(store.path)) as reader:
            assert reader.learnt() == reader.watermark() == 8


async def test_no_id_is_given_twice_where_room_is_made_before_messages_know_of_the_newest(tmp_path: Path) -> None:
    async with storing(tmp_path / "hooktop.db") as store:
        assert store._writer is not None
        store._writer.hold(True)
        for _ in range(3):
            await store.add(replace(make_capture(), reading=None))
        later = START + timedelta(days=9)
        assert await store.prune(later, limit=9) == 2
        await store.take_in_part([replace(make_capture(), reading=None)])
        with closing(store.reader()) as reader:
            assert list(reader.all_ids()) == [3, 4]
        store._writer.hold(False)
        assert await store.prune(later) == 2
