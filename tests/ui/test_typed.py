"""Keys that come at once do what they do one after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from monitor.model.capture import Capture
from monitor.services.view import View
from monitor.ui.documents.lifecycle import Lifecycle
from monitor.ui.screens.drill import DrillForm
from monitor.ui.screens.filtered import PanedScreen
from monitor.ui.screens.menu import MenuScreen
from monitor.ui.screens.message import MessageScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.widgets.filter_bar import FilterBar
from monitor.ui.widgets.form import Form
from monitor.ui.widgets.message_pane import MessagePane
from tests.factory import FULL_READING
from tests.ui.screens import mixed_captures, screens


async def test_a_filter_typed_at_once_is_no_keys_of_the_list(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press_at_once("slash", *"provider:bird", "enter")
        await s.until(lambda: s.app.session.view.filter_text == "provider:bird")
        assert len(s.app.screen_stack) == 1


async def test_a_form_typed_at_once_has_each_word_in_its_field(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        empty = ("ctrl+a", "ctrl+k")
        await s.press_at_once("R", *empty, *"reset", "tab", *"3s", "tab", "tab", *empty, *"9m")
        assert isinstance(s.top(), DrillForm)
        await s.until(lambda: list(s.top().query_one(Form).values().values()) == ["reset", "3s", "", "9m", ""])


async def test_what_is_pasted_comes_in_its_turn(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        for event in (events.Key("slash", "/"), events.Paste("provider:bird"), events.Key("enter", "\r")):
            s.app.post_message(event)
        await s.until(lambda: s.app.session.view.filter_text == "provider:bird")


@pytest.mark.parametrize(
    ("pasted", "typed"),
    [
        ("\n\nprovider:bird", "provider:bird"),
        ("provider:bird\r\n  verdict:verified\n", "provider:bird verdict:verified"),
        ("\tprovider:bird ", " provider:bird "),
        ("\n", ""),
        (" ", " "),
    ],
)
async def test_all_lines_that_are_pasted_become_one(tmp_path: Path, pasted: str, typed: str) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press_at_once("slash")
        s.app.post_message(events.Paste(pasted))
        await s.press_at_once("x", "left", "end")
        assert s.live.query_one(FilterBar).input.value == f"{typed}x"


async def test_what_is_pasted_and_too_long_is_told_and_nothing_of_it_is_taken(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press_at_once("R", "ctrl+a", "ctrl+k")
        for text in ("a" * 4_001, "a" * 4_000, "b"):
            s.app.post_message(events.Paste(text))
        await s.until(lambda: len(s.app._notifications) == 2)
        assert next(iter(s.top().query_one(Form).values().values())) == "a" * 4_000
        said = [note.message.partition(".")[0] for note in s.app._notifications]
        assert said == ["This field takes 4,000 characters; with what was pasted it would have 4,001"] * 2
        await s.press_at_once("escape", "slash")
        s.app.post_message(events.Paste("line\n" * 100_000))
        await s.until(lambda: len(s.app._notifications) == 3)
        assert s.live.query_one(FilterBar).input.value == ""


async def test_a_view_and_a_key_of_it_typed_at_once(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        await s.monitor.store.caught_up()
        await s.press_at_once("enter", "escape", "2")
        await s.until(lambda: isinstance(s.top(), MessagesScreen) and bool(s.top().query("MessageList")))
        await s.press_at_once("j", "enter", "J", "escape", "1")
        assert s.top() is s.live
        assert not isinstance(s.top(), MessageScreen)


async def test_what_is_typed_behind_a_filter_is_keys_of_the_list(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press_at_once("slash", *"age<9d", "enter", "v", "v")
        await s.until(lambda: s.app.session.view.filter_text == "age<9d")
        assert s.live.query_one(FilterBar).input.value == "age<9d"
        assert s.captures.has_focus


async def test_what_is_typed_behind_a_text_to_find_is_keys_of_the_tab(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press_at_once("enter", "right", "slash", *"index", "enter", "N")
        await s.until(lambda: "1 of 1" in s.screen_text())
        assert s.lines.sought == "index"


async def test_what_is_copied_is_the_capture_that_was_asked_for(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        await s.press("enter")
        await s.press_at_once("K", "y")
        assert "capture 6 " in s.screen_text()


@pytest.mark.parametrize("view", ["2", "3"], ids=["messages", "conversations"])
async def test_what_is_opened_is_an_entry_of_what_was_asked_for(tmp_path: Path, view: str) -> None:
    captures = [
        replace(capture, reading=replace(FULL_READING, message=f"volt:{n}", conversation=f"volt:{n}", aliases=()))
        for n, capture in enumerate(mixed_captures())
    ]
    async with screens(tmp_path, captures) as s:
        await s.monitor.store.caught_up()
        await s.press(view)
        await s.until(lambda: isinstance(s.top(), PanedScreen) and "/7" in s.screen_text())
        await s.settle()
        screen = s.top()
        assert isinstance(screen, PanedScreen)
        await s.press_at_once("j", "enter", "enter")
        await s.until(lambda: s.app.session.trail)
        await s.settle()
        meant = screen.rows.selected
        top = s.app._base()
        assert top is not None
        assert meant == (top.message_number() if view == "2" else top.conversation_number())


async def test_what_is_asked_for_is_opened_though_it_is_read_anew_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = [
        replace(capture, reading=replace(FULL_READING, message=f"volt:{n}", aliases=()))
        for n, capture in enumerate(mixed_captures())
    ]
    begun, go_on, read = threading.Event(), threading.Event(), MessagePane._read

    def slow(pane: MessagePane, number: int) -> Lifecycle | None:
        begun.set()
        go_on.wait(5)
        return read(pane, number)

    async with screens(tmp_path, captures, size=(180, 40)) as s:
        await s.monitor.store.caught_up()
        await s.press("2")
        await s.until(lambda: "/7" in s.screen_text())
        await s.press("enter")
        monkeypatch.setattr(MessagePane, "_read", slow)
        s.type_ahead("J", "enter")
        await asyncio.to_thread(begun.wait, 5)
        await asyncio.sleep(0.1)  # until enter waits for it, too
        s.top().query_one(MessagePane).tick(changed=True)
        await asyncio.sleep(0.1)
        go_on.set()
        await s.until(lambda: s.app.session.trail)


@pytest.mark.parametrize("before", ["left", "K"], ids=["another-tab", "another-capture"])
async def test_what_is_typed_behind_a_step_moves_in_what_comes(tmp_path: Path, before: str) -> None:
    async with screens(tmp_path, mixed_captures(), size=(60, 15)) as s:
        await s.press("enter", *(["right"] if before == "left" else []))
        await s.press_at_once(before, "j", "j")
        assert s.lines.scroll_offset.y == 2


def apart(monkeypatch: pytest.MonkeyPatch | None = None) -> list[Capture]:
    """Captures that each tell of a message and a conversation of their own; with ``monkeypatch`` all is read slowly."""
    in_thread = asyncio.to_thread

    async def slowly(work: Callable[..., object], *given: object, **named: object) -> object:
        await asyncio.sleep(0.1)
        return await in_thread(work, *given, **named)

    if monkeypatch is not None:
        monkeypatch.setattr(asyncio, "to_thread", slowly)
    return [
        replace(capture, reading=replace(FULL_READING, message=f"volt:{n}", conversation=f"volt:c{n}", aliases=()))
        for n, capture in enumerate(mixed_captures())
    ]


@pytest.mark.parametrize(
    ("view", "copied"),
    [("1", "capture 2 "), ("2", "volt:1 "), ("3", "volt:c1 ")],
    ids=["captures", "messages", "threads"],
)
async def test_what_is_typed_behind_a_filter_is_meant_for_what_passes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str, copied: str
) -> None:
    async with screens(tmp_path, apart()) as s:
        await s.monitor.store.caught_up()
        await s.press(view)
        await s.until(lambda: "/7" in s.screen_text())
        apart(monkeypatch)
        await s.press_at_once("slash", *"provider:bird", "enter", "y")
        await s.until(lambda: isinstance(s.top(), MenuScreen) and "Copy from " in s.screen_text())
        assert copied in s.screen_text()


@pytest.mark.parametrize(
    ("keys", "copied"),
    [("2jy", "volt:5 "), ("3jy", "volt:c2 "), ("2↵y", "message or capture 7 "), ("kmy", "message or capture 6 ")],
    ids=["messages", "threads", "pane", "jump"],
)
async def test_what_is_typed_behind_a_view_is_meant_for_what_it_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, copied: str
) -> None:
    async with screens(tmp_path, apart(monkeypatch)) as s:
        await s.monitor.store.caught_up()
        await s.press_at_once(*("enter" if key == "↵" else key for key in keys))
        await s.until(lambda: isinstance(s.top(), MenuScreen) and "Copy from " in s.screen_text())
        assert copied in s.screen_text()


@pytest.mark.parametrize("keys", ["2", "jjjjjjjjjjjjjjjjjjjj2"], ids=["at once", "behind others"])
async def test_a_key_that_leaves_does_not_wait_for_a_list_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    go_on = threading.Event()
    async with screens(tmp_path, apart()) as s:
        monkeypatch.setattr(View, "_matches", lambda *given: go_on.wait(60) and [])
        s.type_ahead("slash", *"provider:bird", "enter", *keys)
        await s.until(lambda: s.app.current_mode == "messages")
        assert not go_on.is_set()
        go_on.set()
