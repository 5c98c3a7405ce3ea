"""What has the focus keeps it, and what a pane was opened for stays in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from monitor.model.conversation import Bubble
from monitor.ui.screens.conversations import ConversationsScreen
from monitor.ui.screens.detail import DetailScreen
from monitor.ui.screens.message import MessageScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.widgets.filter_bar import FilterBar
from tests.ui.screens import Screens, plain_captures, screens
from tests.ui.test_conversations import conversations
from tests.ui.test_conversations import post as post_there
from tests.ui.test_conversations import view as shown
from tests.ui.test_messages import menu, messages, pane, post, view


async def away_and_back(s: Screens) -> None:
    """Use another window of the terminal for a while."""
    s.app.post_message(events.AppBlur())
    await s.until(lambda: not s.app.app_focus)
    await s.pilot.pause(0.4)
    s.app.post_message(events.AppFocus())
    await s.until(lambda: s.app.app_focus)
    await s.settle()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_another_window_takes_the_focus_only_for_a_while(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, plain_captures(5), size=size) as s:
        await away_and_back(s)
        assert s.captures.has_focus
        await s.press("slash", *"text")
        await away_and_back(s)
        bar = s.live.query_one(FilterBar)
        assert bar.has_focus_within
        await s.press(*":5")
        assert bar.input.value == "text:5"
        await s.press("enter", "enter")
        await away_and_back(s)
        assert s.lines.has_focus
        await s.press("slash", *"t")
        await away_and_back(s)
        await s.press("e")
        assert s.lines.sought == "te"


@pytest.mark.slow
async def test_a_click_elsewhere_keeps_the_filter_and_closes_its_bar(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(30), preferences=tmp_path / "p.json") as s:
        bar = s.live.query_one(FilterBar)
        await s.press("slash", *'text:"text 7"')
        await s.pilot.click(s.captures, offset=(5, 3))
        await s.until(lambda: len(s.app.session.view) == 1)
        assert not bar.display
        assert s.captures.has_focus
        assert "FILTER" in s.screen_text()
        await s.press("escape")
        await s.until(lambda: len(s.app.session.view) == 30)
        await s.press("slash")
        bar.input.value = "status:nonsense"  # at once: a pause while it is typed puts its first letters in force
        await s.pilot.click(s.lines, offset=(5, 3))
        await s.settle()
        assert not bar.display
        assert s.lines.has_focus
        assert "FILTER" not in s.screen_text()
        await s.press("escape", "slash")
        assert "▲" not in s.screen_text()
        assert bar.input.value == ""


@pytest.mark.slow
async def test_the_palette_over_a_filter_leaves_it_as_it_is(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        await s.press("slash", *"text", "ctrl+p", "escape", *":5", "f1", "escape")
        bar = s.live.query_one(FilterBar)
        assert bar.display
        assert bar.has_focus_within
        assert bar.input.value == "text:5"


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_q_leaves_a_pane_before_it_leaves_the_view(tmp_path: Path, size: tuple[int, int]) -> None:
    async with messages(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"))
        await s.press("enter")
        await s.until(lambda: "esc back" in s.screen_text())
        await s.press("q")
        assert s.top() is view(s)
        assert view(s).rows.has_focus
        await s.until(lambda: "q back" in s.screen_text())
        await s.press("q")
        assert s.top() is s.live
        await s.until(lambda: "q quit" in s.screen_text())
        await s.press("enter", "q")
        assert s.top() is s.live
        assert s.captures.has_focus
        assert s.app.return_code is None


@pytest.mark.slow
async def test_the_key_of_a_view_shows_its_list(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        await s.press("enter")
        assert isinstance(s.top(), MessageScreen)
        await s.press("2")
        assert isinstance(s.top(), MessagesScreen)
        await s.press("1", "enter")
        assert isinstance(s.top(), DetailScreen)
        await s.press("1")
        assert s.top() is s.live
        await s.press("3", "3")
        assert isinstance(s.top(), ConversationsScreen)
        await s.press("1")
        assert s.top() is s.live
        await s.press("enter", "ctrl+p", *"View 1")
        await s.until(lambda: "key 1" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: s.top() is s.live)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_message_that_is_read_stays_when_others_come(tmp_path: Path, size: tuple[int, int]) -> None:
    async with messages(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"))
        await s.press("enter")
        await post(volt, s, volt.body("c", "sent"))
        assert "text of b" in pane(s)
        assert view(s).rows.cursor == 1
        await s.press("J")
        assert "text of a" in pane(s)
        await s.press("K", "K")
        assert "text of c" in pane(s)
        await post(volt, s, volt.body("d", "sent"))
        assert "text of c" in pane(s)
        await s.press("escape")
        assert "▲ 1 new, g" in s.screen_text()
        await s.press("g")
        await post(volt, s, volt.body("e", "sent"))
        assert view(s).rows.cursor == 0


@pytest.mark.slow
async def test_a_new_stage_leaves_the_cursor_on_what_it_stands_on(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        await s.press("enter", "G")
        items = view(s).pane.items
        before = [line.text for line, entry in items.placed if entry == items.cursor]
        assert before[0].startswith("#1 ")
        await post(volt, s, volt.body("a", "delivered"))
        await s.until(lambda: "2 captures" in pane(s))
        assert [line.text for line, entry in items.placed if entry == items.cursor] == before


@pytest.mark.slow
async def test_what_retention_lets_go_moves_no_cursor(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, *(volt.body(name, "sent") for name in "abcde"))
        await s.press("j", "j")
        assert "text of c" in pane(s)
        s.app.session.changes += 1
        s.tick()
        await s.settle()
        s.tick()
        await s.settle()
        assert "text of c" in pane(s)
        assert view(s).rows.cursor == 2


@pytest.mark.slow
async def test_what_is_told_of_late_leaves_the_cursor_in_a_thread(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(120, 40)) as (volt, s):
        for name, ago in (("a", 90), ("b", 60), ("c", 30)):
            await post_there(volt, s, volt.body(name, "webhook_delivered", ago=ago))
        await s.press("enter", "G", "k")
        thread = shown(s).pane
        before = thread.item
        assert isinstance(before, Bubble)
        assert before.message.text == "text of b"
        await post_there(volt, s, volt.body("late", "webhook_delivered", ago=80))
        await s.until(lambda: thread.items.count() == 4)
        assert thread.item is not None
        assert thread.item.at == before.at


@pytest.mark.slow
async def test_the_body_beside_a_message_has_the_keys_that_are_named(tmp_path: Path) -> None:
    def keys() -> str:
        return s.screen_text().splitlines()[-1]

    async with messages(tmp_path, size=(180, 50)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"))
        await s.press("tab", "tab")
        assert view(s).body.has_focus_within
        await s.until(lambda: "/ find" in keys())
        assert "enter fold" in keys()
        assert "order" not in keys()
        assert "tab" not in keys()  # there is but one
        await s.press("y")
        assert menu(s) == "Copy from the message or capture 2"
        await s.press("escape", "question_mark")
        assert "In the detail pane" in s.screen_text()
        await s.press("escape", "slash", *"text")
        await s.until(lambda: "enter keep" in keys())
        await s.press("enter", "escape", "J")
        assert "text of a" in pane(s)
        assert view(s).body.has_focus_within
        await s.press("escape")
        assert view(s).rows.has_focus


@pytest.mark.slow
async def test_a_pane_that_is_used_keeps_what_it_shows(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        await s.press("tab")
        await s.add(*plain_captures(2))
        assert s.captures.selected == 5
        await s.press("escape", "G", "slash")
        assert s.follows()  # a filter is typed, nothing is read
        await s.press("escape")
        await s.pilot.click(s.lines, offset=(5, 3))
        await s.add(*plain_captures(2))
        assert s.captures.selected == 7
        assert "▼ 2 new" in s.screen_text()
    (tmp_path / "hooktop.db").unlink()
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        await s.press("tab")
        await post(volt, s, volt.body("b", "sent"))
        assert "text of a" in pane(s)


@pytest.mark.slow
async def test_a_message_that_leaves_an_order_leaves_the_cursor_in_its_place(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, *(volt.body(name, "sent") for name in "abcd"))
        await s.press("o", "o", "j", "j")
        rows = view(s).rows
        assert rows.count() == 4
        number = rows.selected
        name = next(name for name in "abcd" if name in str(rows.view.messages(2, 3)[0].key))  # type: ignore[union-attr]
        await volt.post(s.monitor, volt.body(name, "delivered"))
        await s.until(lambda: rows.count() == 3)
        s.tick()
        assert rows.selected != number
        assert rows.cursor == 2
