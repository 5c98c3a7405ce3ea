"""The list of messages that a screen shows, over a real monitor and real deliveries."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model.filter import FilterError
from monitor.model.message import Mark
from monitor.services import messages as module
from monitor.services.messages import MessageView, failure_groups, reader_of
from monitor.services.monitor import Monitor
from monitor.store.message_reader import MessageReader, Order
from tests.factory import FULL_READING, make_capture, running
from tests.volt import Volt


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def viewing(
    folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[tuple[Volt, Monitor, MessageView, Clock]]:
    volt, clock = Volt(), Clock()
    async with running(folder / "h.db", None, **volt.keys) as monitor:
        view = MessageView(reader_of(monitor), now=now, timer=clock)
        await view.load()
        try:
            yield volt, monitor, view, clock
        finally:
            for task in (view._asking, view._looking):
                if task is not None:
                    await asyncio.wait([task])
            view.close()


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look through a few messages takes several steps."""
    monkeypatch.setattr(module, "FIRST_STEP", 10)
    monkeypatch.setattr(module, "LAST_STEP", 10)


def texts(view: MessageView) -> list[str | None]:
    return [message.text if message else None for message in view.messages(0, len(view))]


async def test_the_newest_is_first_and_a_message_is_one_row(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        assert not view.catch_up()
        await volt.post(monitor, volt.body("a", "sent"), volt.body("b", "sent"), volt.body("a", "delivered"))
        assert view.catch_up()
        assert texts(view) == ["text of b", "text of a"]
        assert view.number_at(1) == 1
        assert view.index_of(1) == 1
        assert view.index_of(99) is None
        assert view.newer_than(1) == 1
        message = view.whole(1)
        assert message is not None
        assert message.captures == (1, 3)
        assert set(view.rows(message.captures)) == {1, 3}
        with pytest.raises(IndexError):
            view.number_at(2)


async def test_a_message_that_changes_is_read_again(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"))
        view.catch_up()
        assert [m.status for m in view.messages(0, 1) if m] == ["sent"]
        version = view.version
        await volt.post(monitor, volt.body("a", "delivered"))
        assert view.catch_up()
        assert view.version > version
        assert [m.status for m in view.messages(0, 1) if m] == ["delivered"]


async def test_messages_enter_and_leave_a_filter(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"), volt.body("b", "sent"))
        await view.set_filter("status:sent")
        assert texts(view) == ["text of b", "text of a"]
        await volt.post(monitor, volt.body("a", "delivered"), volt.body("c", "sent"))
        view.catch_up()
        assert texts(view) == ["text of c", "text of b"]
        await view.set_filter("status:delivered")
        assert texts(view) == ["text of a"]


async def test_what_grows_older_leaves_and_enters_a_filter_though_nothing_comes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with viewing(tmp_path, now=lambda: now) as (volt, monitor, view, clock):
        await volt.post(monitor, volt.body("a", "sent"))
        for text, before, after in (("age<1h", ["text of a"], []), ("status:sent age>1h", [], ["text of a"])):
            now = datetime.now(UTC)
            await view.set_filter(text)
            assert texts(view) == before
            now += timedelta(hours=2)
            view.catch_up()
            assert texts(view) == before
            clock.seconds += 60
            view.catch_up()
            assert view._asking is not None
            await view._asking
            assert texts(view) == after


async def test_what_only_captures_have_is_told_with_its_place(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"))
        await view.set_filter("status:sent verdict:invalid")
        wrong = view.wrong
        assert wrong is not None
        assert wrong.carets().splitlines() == ["status:sent verdict:invalid", " " * 12 + "^"]
        assert len(view) == 0
        assert not view.catch_up()
        with pytest.raises(FilterError):
            await view.set_filter("nonsense:(")
        await view.set_filter("")
        assert view.wrong is None
        assert len(view) == 1


async def test_forged_captures_change_nothing_and_are_listed(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"))
        await volt.post(monitor, volt.body("a", "failed"), volt.body("b", "delivered"), forged=True)
        view.catch_up()
        first = view.whole(1)
        assert first is not None
        assert (first.status, first.unproven_count) == ("sent", 1)
        [forged] = [m for m in view.messages(0, 1) if m]
        assert not forged.backed
        assert Mark.UNPROVEN in forged.marks


async def test_orders(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, clock):
        slow = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        await volt.post(
            monitor,
            volt.body("fast", "delivered"),
            volt.body("slow", "delivered", completed_at=slow, occurred_at=slow),
            volt.body("open", "sent"),
            volt.body("bad", "failed"),
        )
        await view.set_order(Order.SLOWEST)
        assert texts(view)[0] == "text of slow"
        assert "text of open" not in texts(view)
        assert view.index_of(2) == 0
        await view.set_order(Order.STUCK)
        assert texts(view) == ["text of open"]
        await view.set_order(Order.FAILED)
        assert texts(view) == ["text of bad"]
        # asked again after a second at the earliest
        clock.seconds += 0.2
        await volt.post(monitor, volt.body("worse", "failed"))
        view.catch_up()
        assert len(view) == 1
        clock.seconds += 5
        view.catch_up()
        assert view._asking is not None
        await view._asking
        assert texts(view) == ["text of worse", "text of bad"]


@pytest.mark.usefixtures("short_steps")
async def test_a_long_list_is_looked_through_in_steps_while_more_comes(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        captures = [
            replace(make_capture(n), id=0, reading=replace(FULL_READING, message=f"volt:{n}", aliases=(), text=str(n)))
            for n in range(60)
        ]
        await asyncio.gather(*(monitor.store.add(capture) for capture in captures))
        await monitor.store.caught_up()
        loading = asyncio.gather(view.load())
        while not 0 < view._low < 50:
            await asyncio.sleep(0)
        await volt.post(monitor, volt.body("new", "sent"))
        view.catch_up()
        await loading
        view.catch_up()
        assert len(view) == 61
        assert texts(view)[:2] == ["text of new", "59"]
        assert texts(view)[-1] == "0"
        assert view.scanned is None


@pytest.mark.usefixtures("short_steps")
async def test_a_look_that_is_broken_off_leaves_nothing_for_the_next_to_list_again(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, *(volt.body(f"{n}", "sent") for n in range(30)))
        loading = asyncio.gather(view.set_filter("provider:volt"))
        while not len(view):
            await asyncio.sleep(0)
        await view.load()
        await loading
        assert len(view) == 30


async def test_what_comes_while_the_looking_begins_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Event()
    last_message = MessageReader.last_message

    def slow(reader: MessageReader) -> int:
        begin.wait(10)
        return last_message(reader)

    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"), volt.body("b", "sent"))
        monkeypatch.setattr(MessageReader, "last_message", slow)
        loading = asyncio.gather(view.load())
        await asyncio.sleep(0)
        await volt.post(monitor, volt.body("c", "sent"), volt.body("a", "delivered"))
        view.catch_up()
        assert len(view) == 0
        begin.set()
        await loading
        assert texts(view) == ["text of c", "text of b", "text of a"]


async def test_a_list_that_is_looked_through_again_stays_until_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Event()
    between = MessageReader.message_ids_between

    def slow(reader: MessageReader, *asked: Any) -> list[int]:
        found = between(reader, *asked)
        begin.wait(10)
        return found

    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, *(volt.body(name, "sent") for name in "abc"))
        await view.set_filter("status:sent")
        monkeypatch.setattr(MessageReader, "message_ids_between", slow)
        version = view.version
        loading = asyncio.gather(view.set_filter("status:sent"))
        await asyncio.sleep(0.05)
        assert (view.version, texts(view)) == (version, ["text of c", "text of b", "text of a"])
        await volt.post(monitor, volt.body("d", "sent"), volt.body("a", "delivered"))
        view.catch_up()
        begin.set()
        await loading
        assert texts(view) == ["text of d", "text of c", "text of b"]
        begin.clear()
        loading = asyncio.gather(view.set_filter("status:delivered"))
        await asyncio.sleep(0.05)
        assert len(view) == 0  # what passes another filter does not stay
        begin.set()
        await loading
        assert texts(view) == ["text of a"]


async def test_after_a_long_absence_everything_is_looked_at_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOO_MANY", 3)
    monkeypatch.setattr(module, "BEHIND", 1)
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, *(volt.body(str(n), "sent") for n in range(6)))
        assert view.catch_up()
        assert view._asking is not None
        await view._asking
        assert len(view) == 6
        assert view.behind is None


async def test_what_is_not_folded_yet_is_told_as_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEHIND", 1)
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, *(volt.body(str(n), "sent") for n in range(4)))
        monkeypatch.setattr(view._reader, "watermark", lambda: 1)
        view.catch_up()
        assert view.behind == 0.25


async def test_a_stuck_message_rises_above_the_newest(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    async with viewing(tmp_path, now=lambda: later) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("stuck", "sent"))
        await volt.post(monitor, *(volt.body(str(n), "delivered") for n in range(25)))
        view.catch_up()
        await view.look_for_stuck()
        assert texts(view)[:2] == ["text of stuck", "text of 24"]
        assert [view.index_of(view.number_at(n)) for n in range(len(view))] == list(range(26))
        assert (later - view.stuck_from[1]).total_seconds() > 299
        await view.set_order(Order.STUCK)
        assert texts(view) == ["text of stuck"]
        await view.set_order(Order.NEWEST)
        await volt.post(monitor, volt.body("stuck", "delivered"))
        view.catch_up()
        await view.look_for_stuck()
        assert view.stuck_from == {}
        assert texts(view)[-1] == "text of stuck"


async def test_what_is_stuck_obeys_the_filter_and_rises_without_news(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    async with viewing(tmp_path, now=lambda: later) as (volt, monitor, view, clock):
        await volt.post(monitor, *(volt.body(str(n), "delivered") for n in range(25)))
        await volt.post(monitor, volt.body("stuck", "sent"), volt.body("new", "sent", ago=-300))
        await view.set_order(Order.STUCK)  # and nobody has looked yet for what is stuck
        assert texts(view) == ["text of new", "text of stuck"]
        await view.look_for_stuck()
        clock.seconds += 60
        view.catch_up()
        assert view._asking is not None
        await view._asking
        assert texts(view) == ["text of stuck", "text of new"]
        await view.set_filter("text:new")
        assert texts(view) == ["text of new"]


async def test_a_message_that_became_part_of_another_leaves(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "sent"), volt.body("b", "sent"))
        view.catch_up()
        writer = monitor.store._writer
        assert writer is not None
        await writer.run(lambda db: db.execute("DELETE FROM messages WHERE id = 1"))
        assert texts(view) == ["text of b", None]
        assert view.catch_up()
        assert texts(view) == ["text of b"]


async def test_failures_by_reason(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, _, _):
        await volt.post(monitor, volt.body("a", "failed"), volt.body("b", "failed"), volt.body("c", "delivered"))
        [group] = failure_groups(monitor, "", datetime.now(UTC))
        assert (group.messages, group.code, group.carrier_code) == (2, "40002", "702")
        assert failure_groups(monitor, "text:nothing", datetime.now(UTC)) == []
