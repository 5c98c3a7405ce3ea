"""The list that a screen shows, over a real store."""

from __future__ import annotations

import asyncio
import math
import threading
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import tasks
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import Capture
from monitor.model.filter import FilterError
from monitor.services import view as views
from monitor.services.view import View
from monitor.store.connection import connect
from monitor.store.intake import put
from monitor.store.reader import Reader
from monitor.store.retention import forget
from monitor.store.store import Store
from tests.factory import FULL_READING, START, make_capture, storing


def numbered(number: int) -> Capture:
    """Every third says "three", every hundredth "hundred"."""
    text = ("three " if number % 3 == 0 else "") + ("hundred" if number % 100 == 0 else "")
    return replace(make_capture(), reading=replace(FULL_READING, text=text))


@asynccontextmanager
async def filled(path: Path, count: int) -> AsyncIterator[Store]:
    async with storing(path) as store:
        await add(store, 1, count)
        yield store


async def add(store: Store, first: int, last: int) -> None:
    await asyncio.gather(*(store.add(numbered(n)) for n in range(first, last + 1)))


async def test_windows_and_positions(tmp_path: Path) -> None:
    async with filled(tmp_path / "h.db", 450) as store:
        with closing(View(store.reader)) as view:
            assert len(view) == 450
            assert view.id_at(0) == 1
            assert view.index_of(450) == 449
            assert view.index_of(451) is None
            assert [row.id for row in view.rows(195, 205) if row] == list(range(196, 206))
            assert [row.id for row in view.rows(440, 999) if row] == list(range(441, 451))
            assert view.rows(450, 460) == []


async def test_new_captures_come_at_the_end(tmp_path: Path) -> None:
    async with filled(tmp_path / "h.db", 250) as store:
        with closing(View(store.reader)) as view:
            assert view.catch_up() == 0
            view.rows(0, 250)
            await add(store, 251, 260)
            assert view.catch_up() == 10
            assert [row.id for row in view.rows(245, 260) if row] == list(range(246, 261))


class Meanwhile(Reader):
    """A reader of a database into which a capture comes before, and one behind, each reading of all ids."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path

    def all_ids(self) -> Sequence[int]:
        put_one(self._path)
        found = super().all_ids()
        put_one(self._path)
        return found


def put_one(path: Path) -> None:
    with closing(connect(path, read_only=False)) as db:
        db.execute("BEGIN IMMEDIATE")
        put(db, [make_capture()])
        db.execute("COMMIT")


async def test_what_comes_while_all_is_read_is_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    async with filled(path, 5):
        pass
    with closing(View(lambda: Meanwhile(path))) as view:
        view.catch_up()
        assert list(view.ids()) == [1, 2, 3, 4, 5, 6, 7]
        await view.set_filter("text:hello")
        await view.set_filter("")
        view.catch_up()
        assert list(view.ids()) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("doing", ["prune", "set_filter"])
async def test_what_comes_while_all_is_read_aside_stays(tmp_path: Path, doing: str) -> None:
    path = tmp_path / "h.db"
    async with filled(path, 5):
        pass
    with closing(connect(path, read_only=False)) as db:
        forget(db, [3])
    read, go_on = threading.Event(), threading.Event()

    class Slow(Reader):
        """A reader of which all ids are known a while before it gives them."""

        def all_ids(self) -> Sequence[int]:
            found = super().all_ids()
            read.set()
            assert go_on.wait(20)
            return found

    go_on.set()
    with closing(View(lambda: Slow(path))) as view:
        read.clear()
        go_on.clear()
        work = tasks.start(view.prune() if doing == "prune" else view.set_filter(""), doing)
        await asyncio.to_thread(read.wait, 30)
        put_one(path)
        assert view.catch_up() == 1
        go_on.set()
        await work
        assert list(view.ids()) == [1, 2, 4, 5, 6]


async def test_a_long_history_with_gaps_shows_its_newest_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "AT_ONCE", 3)
    path = tmp_path / "h.db"
    async with filled(path, 9):
        pass
    with closing(connect(path, read_only=False)) as db:
        forget(db, [4])
    with closing(View(lambda: Reader(path))) as view:
        assert list(view.ids()) == [7, 8, 9]
        put_one(path)
        assert view.catch_up() == 1
        async with asyncio.timeout(10):
            while len(view) < 9:
                await asyncio.sleep(0.01)
        assert list(view.ids()) == [1, 2, 3, 5, 6, 7, 8, 9, 10]


async def test_the_event_loop_does_not_wait_while_what_was_let_go_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.db"
    async with filled(path, 9):
        pass
    with closing(View(lambda: Reader(path))) as view:
        await view.set_filter("-text:nothing")
        with closing(connect(path, read_only=False)) as db:
            forget(db, [4])
        aside: dict[int, int] = {}
        left = views._left

        def watched(ids: Sequence[int], there: Sequence[int], seen: int) -> Sequence[int]:
            aside[threading.get_ident()] = max(len(ids), aside.get(threading.get_ident(), 0))
            return left(array("q", ids), there, seen)

        monkeypatch.setattr(views, "_left", watched)
        await view.prune()
        assert list(view.ids()) == [1, 2, 3, 5, 6, 7, 8, 9]
        assert aside.pop(threading.get_ident()) == 0
        assert list(aside.values()) == [9]


async def test_a_frozen_view_stands_still_and_counts(tmp_path: Path) -> None:
    async with filled(tmp_path / "h.db", 5) as store:
        with closing(View(store.reader)) as view:
            view.freeze(True)
            await add(store, 6, 9)
            assert view.catch_up() == 0
            assert (len(view), view.pending) == (5, 4)
            assert view.freeze(False) == 4
            assert (len(view), view.pending) == (9, 0)


async def test_a_filter_shows_the_matches_of_history_and_of_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "FIRST_STEP", 100)
    async with filled(tmp_path / "h.db", 1000) as store:
        with closing(View(store.reader)) as view:
            await view.set_filter("text:three")
            assert [view.id_at(n) for n in range(len(view))] == list(range(3, 1001, 3))
            assert view.scanned is None
            await add(store, 1001, 1005)
            assert view.catch_up() == 2
            assert [view.id_at(len(view) - 2), view.id_at(len(view) - 1)] == [1002, 1005]
            await view.set_filter("")
            assert len(view) == 1005


async def test_what_grows_older_leaves_and_enters_a_filter_though_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "rest", lambda took_s: 0.0)
    now = START
    async with storing(tmp_path / "h.db") as store:
        for minutes in range(6):
            await store.add(replace(numbered(1), received_at=START - timedelta(minutes=10 - minutes)))
        with closing(View(store.reader, now=lambda: now)) as view:
            for text, before, after in (("age<8m", [4, 5, 6], [6]), ("age>8m", [1, 2], [1, 2, 3, 4])):
                now = START
                await view.set_filter(text)
                assert list(view.ids()) == before
                now += timedelta(minutes=2)
                async with asyncio.timeout(20):
                    while list(view.ids()) == before:
                        view.catch_up()
                        await asyncio.sleep(0.01)
                assert list(view.ids()) == after


async def test_what_the_app_answered_leaves_and_enters_a_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "rest", lambda took_s: 0.0)
    refused = Attempt(1, AttemptKind.FORWARD, "http://localhost", START, failure=Failure.REFUSED)
    async with filled(tmp_path / "h.db", 4) as store:
        await store.keep([refused, replace(refused, capture=2, failure=None, status=500)])
        with closing(View(store.reader)) as view:
            for text, before, after in (
                ("app>=400", [2], [3]),
                ("app:0", [1], [1]),
                ("-app:200", [1, 3, 4], [1, 3, 4]),
                ("app<600", [1, 2, 3], [1, 2, 3]),
            ):
                await view.set_filter(text)
                assert list(view.ids()) == before, text
                again = replace(refused, capture=2, kind=AttemptKind.REPLAY, failure=None, status=200)
                await store.keep([again, replace(again, capture=3, status=404)])
                view.catch_up()
                async with asyncio.timeout(20):
                    while view._heard or view._again_next == math.inf:  # until it was looked at what they change
                        await asyncio.sleep(0.01)
                        view.catch_up()
                assert list(view.ids()) == after, text
            assert [row.app for row in view.rows(0, 3) if row] == ["refused", "200", "404"]


async def test_a_newer_filter_replaces_one_that_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "FIRST_STEP", 20)
    monkeypatch.setattr(views, "LAST_STEP", 20)
    async with filled(tmp_path / "h.db", 1000) as store:
        with closing(View(store.reader)) as view:
            first = asyncio.gather(view.set_filter("text:three"))
            while view.scanned is None:
                await asyncio.sleep(0)
            await view.set_filter("text:hundred")
            await first
            assert [view.id_at(n) for n in range(len(view))] == list(range(100, 1001, 100))


async def test_a_wrong_filter_leaves_the_one_in_force(tmp_path: Path) -> None:
    async with filled(tmp_path / "h.db", 10) as store:
        with closing(View(store.reader)) as view:
            await view.set_filter("text:three")
            with pytest.raises(FilterError):
                await view.set_filter("nonsense:(")
            assert view.filter_text == "text:three"
            assert len(view) == 3


async def test_ids_with_holes(tmp_path: Path) -> None:
    async with filled(tmp_path / "h.db", 50) as store:
        assert store._writer is not None
        await store._writer.run(lambda db: db.execute("DELETE FROM readings WHERE id % 2"))
        with closing(View(store.reader)) as view:
            assert [view.id_at(n) for n in range(len(view))] == list(range(2, 51, 2))
            assert view.index_of(3) is None
            assert view.nearest(3) == 1


async def test_a_history_without_holes_takes_no_memory_for_its_ids(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        with closing(View(store.reader)) as view:
            await add(store, 1, 30)
            view.catch_up()
            await view.set_filter("text:three")
            await view.set_filter("")
            view.freeze(True)
            await add(store, 31, 40)
            view.catch_up()
            view.freeze(False)
            await add(store, 41, 45)
            view.catch_up()
            assert view.ids() == range(1, 46)
            assert store._writer is not None
            await store._writer.run(lambda db: forget(db, range(1, 11)))
            await view.prune()
            assert view.ids() == range(11, 46)
            await store._writer.run(lambda db: forget(db, [20]))
            await view.prune()
            await add(store, 46, 46)
            view.catch_up()
            assert list(view.ids()) == [number for number in range(11, 47) if number != 20]


@asynccontextmanager
async def standing(path: Path, pattern: str) -> AsyncIterator[tuple[Store, View]]:
    """A view that stands still at 5 captures, with 4 that wait."""
    async with filled(path, 5) as store:
        with closing(View(store.reader)) as view:
            await view.set_filter(pattern)
            view.freeze(True)
            await add(store, 6, 9)
            view.catch_up()
            yield store, view


@pytest.mark.parametrize("pattern", ["", "provider:volt"])
async def test_a_view_of_which_nothing_is_left_is_empty(tmp_path: Path, pattern: str) -> None:
    async with standing(tmp_path / "h.db", pattern) as (store, view):
        assert await store.prune(datetime.max.replace(tzinfo=UTC)) == 9
        await view.prune()
        assert (len(view), view.pending) == (0, 0)
        view.freeze(False)
        await add(store, 10, 12)
        view.catch_up()
        assert list(view.ids()) == [10, 11, 12]


@pytest.mark.parametrize("pattern", ["", "provider:volt"])
async def test_the_newest_that_went_are_left_out(tmp_path: Path, pattern: str) -> None:
    async with standing(tmp_path / "h.db", pattern) as (store, view):
        await store.caught_up()
        assert store._writer is not None
        await store._writer.run(lambda db: forget(db, [4, 5, 6, 7, 8, 9]))
        await view.prune()
        assert (list(view.ids()), view.pending) == ([1, 2, 3], 0)
        view.freeze(False)
        await add(store, 10, 11)
        view.catch_up()
        assert list(view.ids()) == [1, 2, 3, 10, 11]


ASCENDING = st.sets(st.integers(1, 30)).map(sorted)


@given(ASCENDING, ASCENDING)
def test_ids_are_joined_as_lists_are(first: list[int], more: list[int]) -> None:
    more = [number + 31 for number in more]
    whole = bool(first) and first[-1] - first[0] + 1 == len(first)
    ids = range(first[0], first[-1] + 1) if whole else array("q", first)
    assert list(views._joined(ids, more)) == first + more
    assert list(views._joined(range(0), more)) == more
