"""What was passed on, and what was answered: kept behind the captures, as long as they are."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.store.attempts import AttemptReader, Attempts
from monitor.store.errors import StoreError, StoreUnavailableError
from tests.factory import START, make_capture, storing

ANSWER = Attempt(
    capture=1,
    kind=AttemptKind.FORWARD,
    url="http://localhost:3000/volt?a=b",
    at=START + timedelta(seconds=1),
    took_s=0.0125,
    status=500,
    headers=(("Content-Type", "text/plain"), ("X-Odd", "caf\xe9: \x1b[31m"), ("Set-Cookie", ""), ("Set-Cookie", "b")),
    body=b"\x00\xffno",
    size=70_000,
)
REFUSED = replace(ANSWER, took_s=None, status=None, failure=Failure.REFUSED, detail="why", headers=(), body=b"", size=0)


async def test_attempts_come_back_whole_and_in_order(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(store.add(make_capture()), store.add(make_capture()))
        await store.keep([ANSWER, replace(ANSWER, capture=2)])
        await store.keep([REFUSED, replace(ANSWER, kind=AttemptKind.REPLAY, changed=True)])
        with closing(AttemptReader(store.path)) as reader:
            found = reader.attempts(1)
            assert [replace(one, id=0) for one in found] == [
                ANSWER, REFUSED, replace(ANSWER, kind=AttemptKind.REPLAY, changed=True),
            ]  # fmt: skip
            assert [one.id for one in found] == [1, 3, 4]
            assert reader.attempts(1, limit=2) == found[1:]
            assert reader.attempts(3) == []
            assert (reader.last_attempt(1), reader.last_attempt(3)) == (4, 0)
            assert reader.capture(1) is not None


async def test_the_first_answer_is_of_what_was_not_changed(tmp_path: Path) -> None:
    cut = replace(ANSWER, failure=Failure.BROKEN)
    async with storing(tmp_path / "h.db") as store:
        await store.add(make_capture())
        await store.keep([REFUSED, cut, replace(ANSWER, changed=True, status=201)])
        with closing(AttemptReader(store.path)) as reader:
            first = reader.first_answer(1)  # there was none
            assert first is not None
            assert first.failure is Failure.REFUSED
            assert reader.first_answer(2) is None
            await store.keep([replace(ANSWER, status=202), replace(ANSWER, status=203)])
            first = reader.first_answer(1)
            assert first is not None
            assert first.status == 202


async def test_an_answer_that_was_known_late_is_put_into_its_capture(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(store.add(make_capture()), store.add(make_capture()))
        await store.keep([ANSWER], {2: 503})
        with closing(store.reader()) as reader:
            assert [capture.answer for capture in reader.page()] == [200, 503]


async def test_keeping_needs_no_sync_and_leaves_the_captures_theirs(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await store.keep([ANSWER])
        assert store._writer is not None
        assert await store._writer.run(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
        with pytest.raises(StoreUnavailableError):
            await store.keep([replace(ANSWER, status="x" * 2**20, headers=None)])  # type: ignore[arg-type]  # what the database refuses
        assert await store._writer.run(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)
        assert (await store.add(make_capture())).id == 1
    with pytest.raises(StoreUnavailableError):
        store.keep([ANSWER])


async def test_another_program_keeps_attempts_beside_a_monitor_and_without_one(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    with pytest.raises(StoreError, match="cannot be kept"):
        Attempts(path).add([ANSWER])
    async with storing(path) as store:
        await store.add(make_capture())
        waiting = [store.add(make_capture()) for _ in range(50)]
        await asyncio.to_thread(Attempts(path).add, [ANSWER])
        await asyncio.gather(*waiting)
    Attempts(path).add([REFUSED])
    with closing(AttemptReader(path)) as reader:
        assert [one.failure for one in reader.attempts(1)] == [None, Failure.REFUSED]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_every_failure_says_what_happened() -> None:
    for failure in Failure:
        assert failure.sentence[0].islower()
        assert failure.sentence[-1] not in ".!"
    assert [failure for failure in Failure if not failure.tried] == [
        Failure.UNSENDABLE, Failure.DOWN, Failure.DROPPED, Failure.CIRCLE, Failure.OFF, Failure.ENDED,
    ]  # fmt: skip
    assert not REFUSED.fine
    assert replace(ANSWER, status=204).fine
    assert not replace(ANSWER, status=204, failure=Failure.BROKEN).fine
    assert ANSWER.header("x-odd") == "caf\xe9: \x1b[31m"
    assert ANSWER.header("location") is None


async def test_what_is_answered_after_its_capture_was_let_go_is_not_kept(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(store.add(make_capture()), store.add(make_capture()))
        await store.caught_up()
        assert await store.prune(START + timedelta(days=9), limit=1) == 1
        await store.keep([ANSWER, replace(ANSWER, capture=2)])
        await asyncio.to_thread(Attempts(store.path).add, [ANSWER])
        with closing(AttemptReader(store.path)) as reader:
            assert reader.attempts(1) == []
            assert [replace(one, id=0) for one in reader.attempts(2)] == [replace(ANSWER, capture=2)]
