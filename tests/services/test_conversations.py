"""The list of conversations and their threads, over a real monitor and real deliveries."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import tasks
from monitor.model.conversation import Bubble, CentreLine
from monitor.model.filter import FilterError
from monitor.model.reading import Reading, Status
from monitor.services import conversations as module
from monitor.services.conversations import ConversationView, Thread
from monitor.services.messages import reader_of
from monitor.services.monitor import Monitor
from monitor.store.message_reader import ConversationRow, MessageReader
from monitor.times import utc_now
from tests.factory import make_capture, running
from tests.services.histories import told
from tests.services.test_messages import Clock
from tests.volt import Volt

OTHER = "+15555550177"


@asynccontextmanager
async def viewing(
    folder: Path, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[tuple[Volt, Monitor, ConversationView, Clock]]:
    volt, clock = Volt(), Clock()
    async with running(folder / "h.db", None, **volt.keys) as monitor:
        view = ConversationView(reader_of(monitor), now=now, timer=clock)
        try:
            yield volt, monitor, view, clock
        finally:
            if view._reading is not None:
                await asyncio.wait([view._reading])
            view.close()


def last(view: ConversationView) -> list[str | None]:
    return [listed.row.last_text for listed in view.rows]


async def test_that_with_the_newest_message_is_first(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await view.load()
        assert (view.rows, view.loaded) == ([], True)
        await volt.post(monitor, volt.body("a", "sent", ago=5), volt.body("b", "sent", to=OTHER))
        await view.load()
        assert last(view) == ["text of b", "text of a"]
        assert view.index_of(1) == 1


async def test_it_is_read_again_when_something_changed_and_not_too_often(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, clock):
        await view.load()
        await volt.post(monitor, volt.body("a", "failed"))
        view.catch_up()
        clock.seconds += 60
        view.catch_up()
        assert view._reading is not None
        await view._reading
        assert [listed.row.failed for listed in view.rows] == [1]
        version = view.version
        clock.seconds += 60
        view.catch_up()
        assert view.version == version


async def test_what_grows_older_leaves_a_filter_though_nothing_comes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with viewing(tmp_path, now=lambda: now) as (volt, monitor, view, clock):
        await volt.post(monitor, volt.body("a", "sent"))
        await view.set_filter("age<1h")
        assert last(view) == ["text of a"]
        now += timedelta(hours=2)
        clock.seconds += 60
        view.catch_up()
        assert view._reading is not None
        await view._reading
        assert last(view) == []


async def test_unread_are_inbound_messages_since_somebody_looked(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("in", "webhook_delivered"), volt.body("out", "delivered"))
        await view.load()
        assert [listed.unread for listed in view.rows] == [1]
        view.looked(view.rows[0].row.id)
        assert [listed.unread for listed in view.rows] == [0]
        await view.load()
        assert [listed.unread for listed in view.rows] == [0]
        await volt.post(monitor, volt.body("again", "webhook_delivered"))
        await volt.post(monitor, volt.body("forged", "webhook_delivered"), forged=True)
        await view.load()
        assert [listed.unread for listed in view.rows] == [1]


async def test_the_event_loop_does_not_wait_for_a_long_list(tmp_path: Path) -> None:
    reading, go_on = threading.Event(), threading.Event()

    class Slow(MessageReader):
        """A reader to which the list of conversations takes long."""

        def conversations(self, limit: int, *, briefly: bool = False) -> list[ConversationRow]:
            with self._using():
                reading.set()
                go_on.wait(60)
            return super().conversations(limit, briefly=briefly)

    volt = Volt()
    async with running(tmp_path / "h.db", None, **volt.keys) as monitor:
        await volt.post(monitor, volt.body("a", "sent"))
        with closing(ConversationView(lambda: Slow(monitor.store.path))) as view:
            thread = await view.thread(1)
            loading = tasks.start(view.load(), "load")
            try:
                assert await asyncio.to_thread(reading.wait, 60)
                asked = asyncio.to_thread(view.has_changed, thread)
                assert await asyncio.wait_for(asked, 20) is False
            finally:
                go_on.set()
                await loading
            assert len(view.rows) == 1


async def test_a_thread_and_whether_it_changed(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "delivered", ago=3), volt.body("b", "webhook_delivered"))
        await view.load()
        thread = await view.thread(view.rows[0].row.id)
        assert [item.message.text for item in thread.items if isinstance(item, Bubble)] == ["text of a", "text of b"]
        assert not view.has_changed(thread)
        await volt.post(monitor, volt.body("c", "sent"))
        assert view.has_changed(thread)
        row = await view.row(thread.number)
        assert row is not None
        assert row.messages == 3


@pytest.mark.slow
async def test_a_long_thread_is_read_in_stretches(tmp_path: Path) -> None:
    begin = datetime(2026, 1, 31, 12, tzinfo=UTC)
    captures = [told(f"m{n}", Status.DELIVERED, ago=10_000 - n) for n in range(1_100)]
    event = make_capture(
        reading=Reading(
            event="conversation.updated", occurred_at=begin - timedelta(seconds=9_990),
            facts=(("conversation_id", "own"), ("last_message_id", "m3")),
        )
    )  # fmt: skip
    async with viewing(tmp_path) as (_, monitor, view, _):
        await asyncio.gather(*(monitor.store.add(replace(one, id=0)) for one in (*captures, event)))
        await monitor.store.caught_up()
        newest = await view.thread(1)
        assert (texts(newest)[0], texts(newest)[-1]) == ("text of m600", "text of m1099")
        assert (newest.begins, newest.earlier, newest.later) == (None, 600, 0)
        assert len(newest.items) == 500
        earlier = await view.moved(newest, -250)
        assert (texts(earlier)[0], texts(earlier)[-1], earlier.earlier, earlier.later) == (
            "text of m350",
            "text of m849",
            350,
            250,
        )
        first = await view.moved(earlier, -400)
        assert (texts(first)[0], first.earlier, first.later) == ("text of m0", 0, 600)
        assert first == await view.oldest(1)
        assert len(first.items) == 501
        assert [item.event for item in first.items if isinstance(item, CentreLine)] == ["conversation.updated"]
        again = await view.moved(first, 350)
        assert again == earlier
        assert await view.moved(earlier, 250) == newest
        await monitor.store.add(replace(told("new", Status.SENT, ago=1), id=0))
        await monitor.store.caught_up()
        assert view.has_changed(earlier)
        assert texts(await view.thread(1, earlier.begins)) == texts(earlier)
        assert texts(await view.thread(1))[-1] == "text of new"


def texts(thread: Thread) -> list[str | None]:
    return [item.message.text for item in thread.items if isinstance(item, Bubble)]


async def test_pages_come_as_somebody_looks_down_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    async with viewing(tmp_path) as (volt, monitor, view, _):
        view._wanted = 4
        await volt.post(monitor, *(volt.body(str(n), "sent", to=f"+155555501{n:02}", ago=50 - n) for n in range(10)))
        await view.load()
        assert len(view.rows) == 4
        view.want(0)
        view.catch_up()
        assert len(view.rows) == 4
        view.want(3)
        view.catch_up()
        assert view._reading is not None
        await view._reading
        assert len(view.rows) == 8


async def test_a_filter_lists_conversations_with_such_a_message(tmp_path: Path) -> None:
    async with viewing(tmp_path) as (volt, monitor, view, _):
        await volt.post(monitor, volt.body("a", "failed"), volt.body("b", "sent", to=OTHER))
        await view.set_filter("status:failed")
        assert last(view) == ["text of a"]
        await view.set_filter("verdict:invalid")
        assert view.wrong is not None
        assert view.rows == []
        with pytest.raises(FilterError):
            await view.set_filter("(")
        await view.set_filter("")
        assert len(view.rows) == 2
