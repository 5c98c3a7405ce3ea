"""What a conversation's row says in sum is what its messages say, whatever happened to them, and costs no search."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest

from monitor.model.capture import Capture
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import projection, retention
from monitor.store.connection import committed, connect, prepare
from monitor.store.intake import put
from tests.model.events import CUSTOMER, at, bird, make_event
from tests.store.test_conversations import capture_of
from tests.store.test_projection import VERIFIED, traffic

INVALID = Verdict(VerdictStatus.INVALID, "as the test says")
COUNTED = """
    SELECT conversation_id, sum(unproven_count < capture_count), sum(unproven_count >= capture_count),
    sum(unproven_count < capture_count AND status IS 'failed') FROM messages
    WHERE conversation_id IS NOT NULL GROUP BY 1
"""


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    prepare(path)
    with closing(connect(path, read_only=False)) as db:
        db.execute("PRAGMA synchronous = OFF")
        yield db


def take_in(db: sqlite3.Connection, captures: Sequence[Capture], step: int = 8) -> None:
    committed(db, partial(put, captures=captures))
    events = projection.Events(0)
    while committed(db, partial(projection.advance, limit=step, events=events)):
        pass


def told(db: sqlite3.Connection) -> set[tuple[int, ...]]:
    """What the rows of conversations with messages say."""
    return set(db.execute("SELECT id, messages, unproven, failed FROM conversations WHERE messages + unproven > 0"))


@pytest.mark.parametrize("seed", range(3))
def test_counts_stay_those_of_the_messages(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    captures = [replace(one, verdict=rng.choice((VERIFIED, VERIFIED, INVALID))) for one in traffic(seed, 160)]
    rng.shuffle(captures)  # so that messages are merged and conversations joined late
    with database(tmp_path / "h.db") as db:
        while captures:
            some = [captures.pop() for _ in range(min(rng.randint(1, 40), len(captures)))]
            take_in(db, some, rng.randint(1, 16))
            assert told(db) == set(db.execute(COUNTED))
            if rng.random() < 0.4:
                kept = [number for (number,) in db.execute("SELECT id FROM captures")]
                committed(db, partial(retention.forget, ids=rng.sample(kept, len(kept) // 4)))
                assert told(db) == set(db.execute(COUNTED))
        assert told(db)


def message(number: int) -> Capture:
    return capture_of(replace(bird(number, "k1", CUSTOMER), received_at=at(number)))


def forged(number: int) -> Capture:
    return replace(message(number), verdict=INVALID)


def line(number: int) -> Capture:
    event = make_event(
        number, None, number, provider="bird", message=None, conversation="bird:c1", event="conversation"
    )
    return capture_of(event)


@pytest.mark.parametrize("make", [message, forged, line])
def test_a_long_conversation_costs_as_little_as_a_short_one(tmp_path: Path, make: Callable[[int], Capture]) -> None:
    with database(tmp_path / "h.db") as db:
        costs = []
        for first, count in ((1, 40), (100, 1200)):
            take_in(db, [make(number) for number in range(first, first + count)], 512)
            assert db.execute("SELECT count(*) FROM conversations").fetchone() == (1,)
            worked = [0]

            def count_work(worked: list[int] = worked) -> None:
                worked[0] += 1

            db.set_progress_handler(count_work, 10)
            take_in(db, [make(first + count)])
            db.set_progress_handler(None, 0)
            costs.append(worked[0])
        short, long = costs
        assert short > 10
        assert long < 1.5 * short


def test_a_database_without_the_index_gets_it(tmp_path: Path) -> None:
    captures = traffic(3, 80)
    with database(tmp_path / "h.db") as db:
        take_in(db, captures[:60])
        db.execute("DROP INDEX messages_proven")
        db.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm009%'")
        db.execute("PRAGMA user_version = 8")
    with database(tmp_path / "h.db") as db:
        take_in(db, captures[60:])
        assert told(db) == set(db.execute(COUNTED))
    assert (tmp_path / "h.db.format-8.bak").exists()
