"""What a running monitor lets go by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from monitor.model.capture import Source
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.services.retention import Retention
from monitor.store.store import Store
from tests.factory import START, make_capture, storing
from tests.store.test_retention import played

FORGED = Verdict(VerdictStatus.INVALID, "no match")


async def test_what_is_too_old_goes_but_not_what_was_imported(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    for n, capture in enumerate(played(40)):
        source = Source.IMPORTED if n % 4 == 0 else Source.NETWORK
        await store.add(replace(capture, reading=None, source=source))
    await store.caught_up()
    retention = Retention(store, timedelta(days=1), 2**40, now=lambda: START + timedelta(days=2))
    assert await retention.once() == 30
    assert await retention.once() == 0
    await store.stop()


async def test_a_span_longer_than_the_calendar_keeps_everything(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    await store.add(replace(played(1)[0], reading=None))
    await store.caught_up()
    assert await Retention(store, timedelta(days=999_999), 2**40).once() == 0
    await store.stop()


async def test_it_ends_when_it_is_told_to_while_much_is_stored(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    for turns in range(40):
        retention = Retention(store, timedelta(days=99), 2**20)
        retention.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        retention.stored([make_capture() for _ in range(100)])
        await retention.stop()  # at once: it must not miss that while it hears of what was stored
    await store.stop()


async def test_what_is_too_much_goes_the_unproven_first(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    for n, capture in enumerate(played(400)):
        verdict = FORGED if n >= 300 else capture.verdict
        request = replace(capture.request, body=b"x" * 4000)
        await store.add(replace(capture, reading=None, verdict=verdict, request=request))
    await store.caught_up()
    size = 400 * 4500
    gone = await Retention(store, timedelta(days=99), size // 2, now=lambda: START + timedelta(days=2)).once()
    assert 150 < gone < 330
    with closing(store.reader()) as reader:
        left = reader.tallies()
    assert sum(number for (_, verdict), number in left.items() if verdict == "invalid") == 0
    assert 0 < sum(left.values()) == 400 - gone
    await store.stop()


async def test_room_is_made_also_of_what_came_before_the_clock_was_set_back(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for capture in played(400):
            await store.add(replace(capture, reading=None, request=replace(capture.request, body=b"x" * 4000)))
        await store.caught_up()
        retention = Retention(store, timedelta(days=99), 900_000, now=lambda: START - timedelta(days=1))
        assert 150 < await retention.once() < 330


async def test_it_goes_on_and_ends_although_a_follower_fails(tmp_path: Path) -> None:
    told: list[int] = []

    def failing(tally: Mapping[tuple[str, str], int]) -> None:
        raise RuntimeError("of a screen")

    async with storing(tmp_path / "h.db") as store:
        for capture in played(40):
            await store.add(replace(capture, reading=None))
        await store.caught_up()
        store.on_pruned(failing)
        store.on_pruned(lambda tally: told.append(sum(tally.values())))
        retention = Retention(store, timedelta(days=1), 2**40, now=lambda: START + timedelta(days=2))
        retention.start()
        async with asyncio.timeout(20):
            while not told:
                await asyncio.sleep(0.01)
        assert told == [40]
        await retention.stop()
