"""View 3: the list of conversations and the thread, over real signed deliveries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model.conversation import Bubble
from monitor.model.lifecycle import fold
from monitor.model.reading import Direction, Media, Status
from monitor.services.monitor import Settings
from monitor.ui.documents.look import Reader
from monitor.ui.documents.thread import thread_lines
from monitor.ui.painted import cells
from monitor.ui.screens.conversations import ConversationsScreen, ThreadScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.widgets.thread_pane import ThreadPane
from tests.factory import START, make_capture
from tests.model.events import make_event
from tests.services.histories import told
from tests.ui.screens import RecordingDriver, Screens, mixed_captures, screens
from tests.ui.test_safety import HOSTILE, foreign_controls, hostile_capture
from tests.volt import Volt

OTHER = "+15555550177"
PICTURE = [{"url": "https://example.com/cat.jpg", "content_type": "image/jpeg", "size": 2048}]


@asynccontextmanager
async def conversations(folder: Path, **more: Any) -> AsyncIterator[tuple[Volt, Screens]]:
    """The app in view 3 over a monitor that knows Volt's key."""
    volt = Volt()
    more.setdefault("now", lambda: datetime.now(UTC))
    async with screens(folder, keys=volt.keys, **more) as s:
        await s.press("3")
        await s.until(lambda: isinstance(s.app.screen, ConversationsScreen))
        yield volt, s


async def post(volt: Volt, s: Screens, *bodies: bytes, forged: bool = False) -> None:
    await volt.post(s.monitor, *bodies, forged=forged)
    await update(s)


async def update(s: Screens) -> None:
    await view(s).view.load()
    s.tick()
    await s.settle()
    s.tick()
    await s.settle()


def view(s: Screens) -> ConversationsScreen:
    screen = s.app.screen_stack[0]
    assert isinstance(screen, ConversationsScreen)
    return screen


def thread(s: Screens) -> str:
    top = s.app.screen
    assert isinstance(top, ConversationsScreen | ThreadScreen)
    return "\n".join(line.text for line, _ in top.pane.items.placed)


@pytest.mark.slow
async def test_empty_state(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(80, 24)) as (_, s):
        await s.until(lambda: "No conversation yet" in s.screen_text())
        await s.press("enter", "j", "k", "g", "G", "m", "c", "y", "escape", "ctrl+d")
        assert isinstance(s.app.screen, ConversationsScreen)


async def test_list_and_thread(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        await post(
            volt,
            s,
            volt.body("old", "delivered", to=OTHER, ago=60),
            volt.body("hi", "webhook_delivered", ago=50),
            volt.body("one", "delivered", ago=40),
            volt.body("two", "failed", ago=30),
            volt.body("three", "sent", ago=20),
        )
        rows = [line[:45] for line in s.screen_text().splitlines()[3:7]]
        assert "+15555550123 · +15555550145" in rows[0]
        assert "text of three" in rows[1]
        assert "✗ 1" in rows[1]
        assert "+15555550177" in rows[2]
        lines = thread(s).splitlines()
        inbound = next(line for line in lines if "text of hi" in line)
        assert inbound.startswith("▌ text of hi")
        outbound = next(line for line in lines if "text of one" in line)
        assert outbound.endswith(" ▐")
        assert outbound.startswith("   ")
        for words in ("✓✓ delivered", "✗ 702 failed", "✓ sent", "──"):
            assert words in thread(s), words


async def test_one_that_was_let_go_says_so(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, volt.body("a", "delivered", ago=90))
        await s.press("enter")
        assert "text of a" in thread(s)
        assert await s.monitor.store.prune(datetime.now(UTC) + timedelta(days=1)) == 1
        await s.until(lambda: "this conversation was let go" in s.screen_text())
        await s.press("j", "G", "g", "x", "T", "m", "y", "escape")
        await s.until(lambda: "No conversation yet" in s.screen_text())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_was_let_go_leaves_a_thread_that_goes_on(tmp_path: Path, size: tuple[int, int]) -> None:
    async with conversations(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "delivered", ago=90))
        before = datetime.now(UTC)
        await post(volt, s, volt.body("b", "delivered", ago=80))
        if size == (80, 24):
            await s.press("enter")
        assert "text of a" in thread(s)
        assert await s.monitor.store.prune(before) == 1
        await s.until(lambda: "text of a" not in thread(s))
        assert "text of b" in thread(s)
        assert "1 message" in s.screen_text()


@pytest.mark.slow
async def test_it_is_live_and_counts_what_was_not_seen(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered", to=OTHER, ago=90), volt.body("b", "webhook_delivered"))
        assert "2 unread" in s.screen_text()
        await s.press("enter")
        assert isinstance(s.app.screen, ThreadScreen)
        assert "text of b" in thread(s)
        await post(volt, s, volt.body("c", "webhook_delivered", ago=-1))
        assert "text of c" in thread(s)
        await s.press("J")
        assert "text of a" in thread(s)
        await s.press("escape")
        await update(s)
        assert "unread" not in s.screen_text()


async def test_what_was_todays_bears_its_date_after_midnight(tmp_path: Path) -> None:
    clock = [datetime.now(UTC)]
    async with conversations(tmp_path, now=lambda: clock[0]) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        row = s.screen_text().splitlines()[3]
        clock[0] += timedelta(days=1)
        s.tick()
        await s.settle()
        after = s.screen_text().splitlines()[3]
        assert row != after
        assert "-" in after[30:46]


async def test_the_cursor_stays_far_down_the_list_when_others_come_and_when_some_are_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.services.conversations.PAGE", 4)
    async with conversations(tmp_path) as (volt, s):

        def said(*numbers: int) -> list[bytes]:
            return [volt.body(str(n), "sent", to=f"+155555501{n:02}", ago=90 - n) for n in numbers]

        await post(volt, s, *said(*range(10)))
        rows = view(s).rows
        await s.press("j")
        read = rows.selected
        for n in range(10, 14):  # one after another
            await post(volt, s, *said(n))
        assert (rows.selected, rows.cursor) == (read, 5)
        await s.monitor.store.add(replace(make_capture(reading=None), received_at=START))
        await s.monitor.store.caught_up()
        assert await s.monitor.store.prune(START + timedelta(seconds=1)) == 1
        await update(s)
        assert (rows.selected, rows.cursor) == (read, 5)


@pytest.mark.slow
async def test_bubbles_lead_to_messages_and_back(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "delivered", ago=5), volt.body("b", "failed"))
        await s.press("enter", "k", "enter")
        await s.until(lambda: s.app.current_mode == "messages")
        await s.settle()
        screen = s.app.screen_stack[0]
        assert isinstance(screen, MessagesScreen)
        assert screen.rows.selected == 1
        await s.press("escape")
        await s.until(lambda: s.app.current_mode == "conversations")
        await s.press("1", "c")
        await s.until(lambda: s.app.current_mode == "conversations")
        assert view(s).pane.items.has_focus
        await s.press("escape")
        await s.until(lambda: s.app.current_mode == "live")
        await s.press("2", "c")
        await s.until(lambda: s.app.current_mode == "conversations")
        await s.press("q")
        await s.until(lambda: s.app.current_mode == "messages")


@pytest.mark.slow
async def test_the_filter_lists_conversations_with_such_a_message(tmp_path: Path) -> None:
    async with conversations(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "failed"), volt.body("b", "sent", to=OTHER))
        await s.press("slash", *"status:failed", "enter")
        await s.until(lambda: len(view(s).view.rows) == 1)
        await s.press("slash", *" to:nobody", "enter")
        await s.until(lambda: "Nothing passes this filter" in s.screen_text())
        await s.press("escape")
        await s.until(lambda: len(view(s).view.rows) == 2)


async def test_a_conversation_below_the_first_page_is_shown_with_the_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.services.conversations.PAGE", 4)
    async with conversations(tmp_path) as (volt, s):
        bodies = [volt.body(f"m{n}", "failed", to=f"+1555555{n:04}", ago=-n) for n in range(9)]
        await post(volt, s, volt.body("b", "sent", to=OTHER), *bodies)
        await s.press("slash", *"status:failed", "enter")
        await s.until(lambda: len(view(s).view.rows) == 4)
        await s.press("1", "g", "c")
        await s.until(lambda: s.app.current_mode == "conversations" and len(view(s).view.rows) == 9)
        await s.settle()
        assert view(s).rows.cursor == 8
        assert s.app.session.view.filter_text == "status:failed"
        assert "The filter was left" not in s.toasts()


@pytest.mark.slow
async def test_a_resize_hides_the_thread_and_leaves_the_list_in_use(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, *(volt.body(str(n), "sent", to=f"+155555501{n:02}", ago=50 - n) for n in range(18)))
        await s.press("G", "enter")
        assert view(s).pane.items.has_focus
        await s.press("2")
        await s.pilot.resize_terminal(80, 24)
        await s.press("3")
        await s.until(lambda: view(s).rows.has_focus)
        await s.until(lambda: view(s).rows.cursor_in_sight)
        await s.press("enter")
        assert isinstance(s.app.screen, ThreadScreen)


@pytest.mark.slow
async def test_a_long_thread_goes_on_where_its_end_comes_into_sight(tmp_path: Path) -> None:
    long = [told(f"m{n}", Status.DELIVERED, ago=5_000 - n) for n in range(1_000)]
    async with screens(tmp_path, long, size=(80, 24)) as s:
        await s.monitor.store.caught_up()
        await s.press("3")
        await s.until(lambda: isinstance(s.app.screen, ConversationsScreen) and s.app.screen.view.loaded)
        await s.press("enter")
        pane = s.app.screen.query_one(ThreadPane)
        await s.until(lambda: "text of m999" in thread(s))
        assert "… 500 earlier" in thread(s)
        assert "text of m499" not in thread(s)
        pane.items.move_to(0)
        await s.until(lambda: "… 250 earlier" in thread(s))
        assert "… 250 later" in thread(s)
        assert chosen(pane) == "text of m500"
        await s.press("k")
        assert chosen(pane) == "text of m499"
        assert "text of m499" in s.screen_text()
        await s.press("g")
        await s.until(lambda: "earlier" not in thread(s))
        assert chosen(pane) == "text of m0"
        assert "text of m0" in s.screen_text()
        assert pane.thread is not None
        assert len(pane.thread.items) == 500
        pane.items.move_to(499)
        await s.until(lambda: "… 250 later" in thread(s))
        assert chosen(pane) == "text of m499"
        assert "text of m499" in s.screen_text()
        await s.add(replace(told("new", Status.SENT, ago=1), id=0))
        await s.until(lambda: "… 251 later" in thread(s))
        assert chosen(pane) == "text of m499"
        await s.press("G")
        await s.until(lambda: "text of new" in s.screen_text())
        assert "later" not in thread(s)
        assert chosen(pane) == "text of new"
        await s.add(replace(told("newer", Status.SENT, ago=0), id=0))
        await s.until(lambda: "text of newer" in s.screen_text())


def chosen(pane: ThreadPane) -> str | None:
    assert isinstance(pane.item, Bubble)
    return pane.item.message.text


@pytest.mark.slow
async def test_a_conversation_and_its_messages_can_be_copied(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered", text="größer"))
        await s.press("y", "n")
        assert s.app.clipboard.startswith("volt:")
        await s.press("y", "o")
        assert json.loads(s.app.clipboard)["messages"] == 1
        await s.press("enter")
        await s.press("y", "t")
        assert s.app.clipboard == "größer"
        await s.press("y", "o")
        assert json.loads(s.app.clipboard)["text"] == "größer"
        await s.press("y", "b")
        assert json.loads(s.app.clipboard)["payload"]["text"] == "größer"


@pytest.mark.slow
async def test_media_are_chips_and_never_fetched(tmp_path: Path) -> None:
    async with conversations(tmp_path, settings=Settings(mask=True), size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered", media=PICTURE, text="look at +15555550199"))
        assert "▪ " in thread(s)
        assert "address hidden" in thread(s)
        for secret in ("cat.jpg", "look at", "5555550123"):
            assert secret not in s.screen_text()
        await s.press("x")
        assert "https://example.com/cat.jpg" in thread(s)


@pytest.mark.slow
async def test_forged_messages_say_so(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered"))
        await post(volt, s, volt.body("b", "webhook_delivered"), forged=True)
        assert "? not proven" in thread(s)
        assert "1 message, 1 more not proven" in s.screen_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_text_in_every_field(tmp_path: Path, size: tuple[int, int]) -> None:
    captures = []
    for n, text in enumerate(HOSTILE):
        capture = hostile_capture(text)
        assert capture.reading is not None
        reading = replace(
            capture.reading, message=f"volt:{n}{text}", aliases=(), conversation=f"volt:{n % 3}{text if n % 2 else ''}",
            direction=Direction.INBOUND if n % 4 else Direction.OUTBOUND,
        )  # fmt: skip
        captures.append(replace(capture, reading=reading, verdict=make_capture().verdict))
    async with screens(tmp_path, captures, size=size, driver=RecordingDriver) as s:
        await s.monitor.store.caught_up()
        await s.press("3")
        await s.until(lambda: isinstance(s.app.screen, ConversationsScreen))
        await update(s)
        await s.press("enter")
        for _ in range(len(HOSTILE)):
            await s.press("J")
        await s.press("k", "g", "x", "escape")
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()
        assert s.app.return_code is None
        assert view(s).rows.bad_rows == 0


@pytest.mark.slow
async def test_sizes(tmp_path: Path) -> None:
    async with conversations(tmp_path) as (volt, s):
        await s.add(*mixed_captures())
        await post(volt, s, volt.body("a", "failed"))
        for width, height in [(1, 1), (60, 15), (80, 24), (99, 30), (100, 30), (150, 40), (500, 99)]:
            await s.pilot.resize_terminal(width, height)
            await s.settle()
            await s.press("enter", "k", "escape")
        assert view(s).rows.bad_rows == 0


@pytest.mark.parametrize(
    "text", ["short", "wide 你好" * 40, "שלום עולם " * 30, "e\u0301" * 300, "a\n\nb\tc", "🧑‍🚀" * 90]
)
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("width", [20, 40, 97])
def test_bubbles_keep_to_their_side_and_width(text: str, direction: Direction, width: int) -> None:
    event = make_event(
        1, Status.DELIVERED, 1, direction=direction, text=text, media=(Media("image", "https://x/" + "y" * 300, 9),)
    )
    message = fold([event])
    placed = thread_lines([Bubble(START, message)] * 2, Reader(), width)
    for line, entry in placed:
        assert cells([(line.text, "plain")]) <= width
        if entry is not None:
            assert line.text.startswith("▌") == (direction is Direction.INBOUND)


@pytest.mark.slow
async def test_the_copy_menu_hides_the_numbers_of_a_key_with_the_screen(tmp_path: Path) -> None:
    async with conversations(tmp_path, settings=Settings(mask=True), size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered"))
        await s.press("y")
        assert "conversation key" in s.screen_text()
        assert "5555550123" not in s.screen_text()
