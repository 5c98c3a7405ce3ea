"""Keys that come twice before a screen is gone, and work that is over while another box lies over its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from textual import events

from monitor.admin.base import Field
from monitor.model.message import Message
from monitor.services.drill import Rule
from monitor.services.messages import MessageView
from monitor.ui.lines import Part
from monitor.ui.palette import Palette
from monitor.ui.screens.detail import DetailScreen
from monitor.ui.screens.drill import DrillScreen
from monitor.ui.screens.menu import Choice, MenuScreen
from monitor.ui.screens.message import MessageScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.screens.work import WorkScreen
from tests.ui.screens import mixed_captures, screens


async def test_keys_that_come_twice_open_and_leave_once(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        await s.press_at_once("enter", "enter")
        assert isinstance(s.top(), DetailScreen)
        assert len(s.app.screen_stack) == 2
        await s.press_at_once("escape", "escape", "escape")
        assert s.top() is s.live


async def test_enter_twice_opens_a_message_and_nothing_in_it_before_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        await s.monitor.store.caught_up()
        await s.press("2")
        await s.until(lambda: isinstance(s.top(), MessagesScreen))
        read, go_on = MessageView.whole, threading.Event()

        def slowly(view: MessageView, number: int) -> Message | None:
            go_on.wait(5)
            return read(view, number)

        monkeypatch.setattr(MessageView, "whole", slowly)
        s.type_ahead("enter", "enter")
        await s.until(lambda: isinstance(s.top(), MessageScreen) and not s.app._under_way)
        go_on.set()
        await s.settle()
        assert isinstance(s.top(), MessageScreen)
        await s.press_at_once("escape", "escape")
        assert isinstance(s.top(), MessagesScreen)


@pytest.mark.parametrize("keys", [("y", "enter"), ("t", "enter"), ("C", "enter"), ("question_mark", "escape")])
async def test_a_box_closes_once(tmp_path: Path, keys: tuple[str, str]) -> None:
    opens, closes = keys
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        await s.press(opens)
        await s.press_at_once(closes, closes)
        assert s.app.return_code is None
        assert s.app.screen_stack[0] is s.live


async def test_a_double_click_beside_the_palette_closes_it_once(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press("ctrl+p")
        assert isinstance(s.top(), Palette)
        for kind in (events.MouseDown, events.MouseUp) * 2:
            s.app.post_message(kind(None, 2, 38, 0, 0, 1, False, False, False))
        await s.until(lambda: s.top() is s.live)
        assert s.app.return_code is None


class Slow(WorkScreen):
    """Works until it is let go."""

    TITLE = "Slow"
    CSS_PATH: ClassVar = []

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    def fields(self) -> list[Field]:
        return [Field("file", "File", "Any.")]

    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        return []

    async def work(self, values: Mapping[str, str]) -> str:
        await self.over.wait()
        return "done"


async def test_a_form_that_is_closed_helps_no_more(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        for _ in range(5):
            box = Slow()
            await s.app.push_screen(box)
            await s.settle()
            box.form.post_message(events.DescendantFocus(box.form.rows[0].box))  # as where another box above it goes
            box.dismiss(None)
            await s.until(lambda: s.top() is s.live)


async def test_work_that_is_over_closes_its_own_box_and_no_other(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        slow, menu = Slow(), MenuScreen("Over it", [Choice("a", "a", "a", "")])
        await s.app.push_screen(slow)
        await s.pilot.press("enter")
        await s.app.push_screen(menu)
        await s.pilot.pause()
        slow.over.set()
        await s.until(lambda: "done" in s.toasts())
        await s.settle()
        assert s.top() is menu
        await s.press("escape")
        assert s.top() is s.live


async def test_the_end_of_the_screens_breaks_off_what_is_done_in_a_thread(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        slow = Slow()
        await s.app.push_screen(slow)
        await s.pilot.press("enter")
        assert not slow.broken_off.is_set()
        await s.app.action_quit()
    assert slow.broken_off.is_set()


async def test_work_that_is_over_while_its_box_is_closed_closes_nothing_else(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        slow = Slow()
        await s.app.push_screen(slow)
        await s.pilot.press("enter")
        slow.over.set()
        slow.action_close()
        await s.settle()
        assert s.top() is s.live


async def test_a_drill_that_ends_under_another_box_waits_for_that_to_be_closed(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        s.monitor.drill.begin(Rule(500))
        await s.press("R")
        shown, menu = s.top(), MenuScreen("Over it", [Choice("a", "a", "a", "")])
        assert isinstance(shown, DrillScreen)
        await s.app.push_screen(menu)
        await s.pilot.pause()
        s.monitor.drill.end()
        shown._draw()
        await s.settle()
        assert s.top() is menu
        await s.press("escape")
        assert s.top() is s.live
