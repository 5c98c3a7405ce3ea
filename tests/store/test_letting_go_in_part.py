"""Captures that go while others of the same message stay: what is left is what those others say."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from monitor.model.capture import Capture, Source
from monitor.model.message import Mark
from monitor.model.reading import Media, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.services.retention import Retention
from monitor.store import projection, retention
from monitor.store.connection import committed
from monitor.store.intake import put
from monitor.store.message_reader import MessageReader
from tests.factory import START, storing
from tests.services.histories import told
from tests.store.test_conversation_sums import COUNTED, INVALID, database, take_in
from tests.store.test_conversation_sums import told as counted
from tests.store.test_projection import VERIFIED, everything, stored, traffic, without_ids

LATER = START + timedelta(days=9)
NO_KEY = Verdict(VerdictStatus.NO_KEY, "as the test says")


def status_of(path: Path, name: str) -> Status | None:
    with closing(MessageReader(path)) as reader:
        found = everything(reader).get(f"volt:{name}")
        return None if found is None else found.status


@pytest.mark.parametrize("verdict", [VerdictStatus.INVALID, VerdictStatus.NO_KEY])
async def test_a_message_outlives_what_nobody_could_verify(tmp_path: Path, verdict: VerdictStatus) -> None:
    unproven = told("a", Status.QUEUED, verdict=verdict)
    async with storing(tmp_path / "h.db") as store:
        for capture in (unproven, told("a", Status.SENT), told("a", Status.DELIVERED)):
            await store.add(capture)
        await store.caught_up()
        assert await store.prune(LATER, unproven=True) == 1
        with closing(MessageReader(store.path)) as reader:
            [message] = everything(reader).values()
            assert (message.status, message.captures) == (Status.DELIVERED, (2, 3))
            [conversation] = reader.conversations(10)
            assert (conversation.messages, conversation.unproven) == (1, 0)
            assert reader.links(2) == (reader.message_number("volt:a"), conversation.id)


async def test_a_history_that_is_too_large_loses_no_verified_message_to_a_forger(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for n in range(100):
            await store.add(told(f"m{n}", Status.DELIVERED))
        for n in range(300):  # whoever knows the ids of messages
            forged = told(f"m{n % 100}", Status.FAILED, verdict=VerdictStatus.INVALID)
            await store.add(replace(forged, request=replace(forged.request, body=b"%d " % n * 1000)))
        await store.caught_up()
        await Retention(store, timedelta(days=99), 700_000, now=lambda: LATER).once()
        with closing(store.reader()) as reader:
            assert reader.tallies()[("volt", "verified")] == 100
        with closing(MessageReader(store.path)) as messages:
            assert {one.status for one in everything(messages).values()} == {Status.DELIVERED}
            assert len(everything(messages)) == 100


async def test_a_message_cut_by_a_limit_keeps_what_stays(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for status in (Status.QUEUED, Status.SENT, Status.DELIVERED):
            await store.add(told("a", status))
        await store.caught_up()
        assert await store.prune(LATER, limit=2) == 2
        assert status_of(store.path, "a") is Status.DELIVERED
        await store.add(told("a", Status.READ))
        await store.caught_up()
        with closing(MessageReader(store.path)) as reader:
            [message] = everything(reader).values()
            assert (message.status, message.captures) == (Status.READ, (3, 4))
        assert await store.prune(LATER) == 2
        with closing(sqlite3.connect(store.path)) as db:
            for table in ("messages", "message_keys", "message_events", "conversations", "conversation_keys"):
                assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


async def test_repeats_stand_for_the_first_that_went(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for n in range(5):
            sent = told("a", Status.SENT)
            await store.add(replace(sent, received_at=sent.received_at + timedelta(seconds=n)))
        await store.caught_up()
        assert await store.prune(LATER, limit=2) == 2
        with closing(MessageReader(store.path)) as reader:
            [message] = everything(reader).values()
            assert (message.status, message.capture_count, message.duplicates) == (Status.SENT, 3, 2)
            assert message.captures == (3,)


async def test_a_replay_that_goes_takes_nothing_of_the_message_along(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        replayed = replace(told("a", Status.SENT), source=Source.REPLAYED, verdict=INVALID)
        for capture in (told("a", Status.SENT), replayed):
            await store.add(capture)
        await store.caught_up()
        assert await store.prune(LATER, unproven=True) == 1
        with closing(MessageReader(store.path)) as reader:
            [message] = everything(reader).values()
            assert (message.status, message.capture_count) == (Status.SENT, 1)


def left(db: sqlite3.Connection) -> list[Capture]:
    with closing(MessageReader(Path(db.execute("PRAGMA database_list").fetchone()[2]))) as reader:
        return reader.page(limit=10_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_what_stays_is_as_if_nothing_else_had_been(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    verdicts = (VERIFIED, VERIFIED, VERIFIED, INVALID, NO_KEY)
    sources = (Source.NETWORK,) * 9 + (Source.REPLAYED,)
    captures: Sequence[Capture] = [
        replace(one, verdict=rng.choice(verdicts), source=rng.choice(sources)) for one in traffic(seed, 150)
    ]
    with database(tmp_path / "h.db") as db:
        take_in(db, captures, rng.randint(1, 16))
        committed(db, partial(put, captures=captures[:5]))  # not folded yet
        for _ in range(4):
            kept = [number for (number,) in db.execute("SELECT id FROM captures")]
            committed(db, partial(retention.forget, ids=rng.sample(kept, len(kept) // 5)))
            assert counted(db) == set(db.execute(COUNTED))
        while committed(db, partial(projection.advance, limit=8, events=projection.Events(0))):
            pass
        assert counted(db) == set(db.execute(COUNTED))
        stay = left(db)
        with closing(MessageReader(tmp_path / "h.db")) as reader:
            found = {key: without_ids(one) for key, one in everything(reader).items()}
    async with stored(tmp_path / "fresh.db", [replace(one, id=0) for one in stay]) as reader:
        assert found == {key: without_ids(one) for key, one in everything(reader).items()}


async def test_the_last_repeat_is_the_last_that_stays(tmp_path: Path) -> None:
    sent = told("a", Status.SENT)
    repeats = [replace(sent, received_at=sent.received_at + timedelta(seconds=n)) for n in (0, 600, 1)]
    with database(tmp_path / "h.db") as db:
        take_in(db, repeats)
        committed(db, partial(retention.forget, ids=[2]))
    with closing(MessageReader(tmp_path / "h.db")) as reader:
        [message] = everything(reader).values()
        assert (message.updated_at, message.duplicates) == (repeats[2].received_at, 1)
        assert Mark.LATE not in message.marks


@pytest.mark.parametrize("order", permutations((1, 2, 3)))
def test_no_name_of_what_was_let_go_is_left(tmp_path: Path, order: Sequence[int]) -> None:
    first = told("a", Status.SENT, aliases=("volt:b",))
    captures = [
        replace(first, verdict=INVALID),  # a name that it claims is none of the message's
        first,
        told("a", Status.READ, to="+15555550199", media=(Media("image", None),)),  # more: it is there
    ]
    with database(tmp_path / "h.db") as db:
        take_in(db, captures, 1)
        for number in order:
            committed(db, partial(retention.forget, ids=[number]))
        for table in ("messages", "message_keys", "conversations", "conversation_keys"):
            assert db.execute(f"SELECT * FROM {table}").fetchall() == [], table
