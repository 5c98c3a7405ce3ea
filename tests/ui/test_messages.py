"""View 2: the list of messages, the lifecycle, jumps between the views, over real signed deliveries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollDown

from monitor.config import ForwardConfig
from monitor.model.message import Message
from monitor.providers.registry import registry
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Settings
from monitor.services.replay import Replayer
from monitor.store.message_reader import Order
from monitor.store.stats_reader import FailureGroup
from monitor.ui.actions import of
from monitor.ui.documents.lifecycle import Lifecycle
from monitor.ui.documents.look import Reader
from monitor.ui.screens.export import ExportScreen
from monitor.ui.screens.failures import FailuresScreen, group_parts
from monitor.ui.screens.menu import MenuScreen
from monitor.ui.screens.message import MessageScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.screens.replay import AnswersScreen
from monitor.ui.widgets.message_pane import MessagePane
from tests.factory import FULL_READING, make_capture
from tests.forwarding.app import app
from tests.ui.screens import RecordingDriver, Screens, fill, mixed_captures, screens
from tests.ui.test_safety import HOSTILE, foreign_controls, hostile_capture
from tests.volt import Volt

NOW = datetime.now(UTC)


@asynccontextmanager
async def messages(folder: Path, **more: Any) -> AsyncIterator[tuple[Volt, Screens]]:
    """The app in view 2 over a monitor that knows Volt's key."""
    volt = Volt()
    more.setdefault("now", lambda: NOW)
    async with screens(folder, keys=volt.keys, **more) as s:
        await s.press("2")
        await s.until(lambda: isinstance(s.app.screen, MessagesScreen))
        yield volt, s


async def post(volt: Volt, s: Screens, *bodies: bytes, forged: bool = False) -> None:
    await volt.post(s.monitor, *bodies, forged=forged)
    await update(s)


async def update(s: Screens) -> None:
    s.tick()
    await s.settle()


def view(s: Screens) -> MessagesScreen:
    screen = s.app.screen_stack[0]
    assert isinstance(screen, MessagesScreen)
    return screen


def pane(s: Screens) -> str:
    top = s.app.screen
    assert isinstance(top, MessagesScreen | MessageScreen)
    return "\n".join(line.text for line, _ in top.pane.items.placed)


def menu(s: Screens) -> str | None:
    """The title of the menu that is open."""
    return s.app.screen._title if isinstance(s.app.screen, MenuScreen) else None


async def test_empty_state(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (_, s):
        assert "No message yet" in s.screen_text()
        await s.press("enter", "j", "k", "g", "G", "o", "m", "c", "y", "escape", "ctrl+d")
        assert "No message has taken its whole way yet" in s.screen_text()
        assert "SLOWEST FIRST" in s.screen_text()


async def test_one_row_for_each_message_with_its_steps(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 30)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("b", "sent"),
                   volt.body("c", "failed"), volt.body("d", "webhook_delivered"))  # fmt: skip
        await post(volt, s, volt.body("e", "delivered"), forged=True)
        rows = [row[:66] for row in s.screen_text().splitlines()[3:8]]
        assert "not proven" in rows[0]
        assert "?─○─○" in rows[0]
        assert "← +15555550123" in rows[1]
        assert "received" in rows[1]
        assert "●─●─✖" in rows[2]
        assert "FAILED 702" in rows[2]
        assert "●─●─○" in rows[3]
        assert "●─●─●" in rows[4]
        assert "1.4s" in rows[4]
        assert "1/5" in s.screen_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_message_can_be_copied(tmp_path: Path, size: tuple[int, int]) -> None:
    async with messages(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"))
        await s.press("y", "m")
        assert s.app.clipboard == "volt:a"
        await s.press("y", "o")
        record = json.loads(s.app.clipboard)
        assert (record["kind"], record["key"], record["captures"]) == ("message", "volt:a", [1, 2])
        await s.press("y", "t")
        assert s.app.clipboard == "text of a"
        await s.press("enter")
        await s.press("y")
        assert menu(s) == "Copy from the message or capture 1"
        await s.press("i")
        assert s.app.clipboard == "1"
        await s.press("y", "m")
        assert s.app.clipboard == "volt:a"
        (tmp_path / "hooktop.db").rename(tmp_path / "away.db")
        await s.press("y")
        assert menu(s) is None
        (tmp_path / "away.db").rename(tmp_path / "hooktop.db")
        assert s.app.return_code is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_keys_in_a_message_that_is_being_read_are_meant_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    read = MessagePane._read

    def slow(pane: MessagePane, number: int) -> Lifecycle | None:
        time.sleep(0.2)
        return read(pane, number)

    monkeypatch.setattr(MessagePane, "_read", slow)
    async with messages(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("b", "sent"))
        await s.press_at_once("g", "enter", "J", "j")
        pane = s.top().query_one(MessagePane)
        assert (pane.number, pane.items.cursor) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_told_of_a_message_is_replayed_and_exported(tmp_path: Path, size: tuple[int, int]) -> None:
    async with app() as mine, messages(tmp_path, size=size) as (volt, s):
        store = s.monitor.store
        forward = ForwardConfig(mine.url)
        s.app.session.replayer = Replayer(store.path, store.keep, registry(), LocalKeys(tmp_path / "data"), forward)
        assert "replay" not in [action.id for action in of("messages") if view(s).applies(action)]
        steps = [volt.body("a", status) for status in ("sent", "delivered", "read")]
        await post(volt, s, steps[0], volt.body("b", "sent"), *steps[1:])
        await s.press("G")
        for keys in (["r"], ["enter", "r", "w"]):  # from the list; and in the message, where an entry is meant first
            await s.press(*keys)
            assert "which its message: 3 captures" in " ".join(s.screen_text().split())
            await s.pilot.press("a")
            await s.until(lambda: isinstance(s.app.screen, AnswersScreen) and not s.app.screen.running)
            assert [call.body for call in mine.calls] == steps
            mine.calls.clear()
            await s.press("escape")
        await s.press("escape", "g", "r")
        assert "which its message: 1 capture" in " ".join(s.screen_text().split())
        file = tmp_path / "message.jsonl"
        await s.press("escape", "G", "E")
        await s.fill(which="message", file=str(file))
        await s.press("enter")
        await s.until(lambda: not isinstance(s.app.screen, ExportScreen))
        assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [1, 3, 4]


async def test_what_says_the_same_again_is_said_to_be_left_out(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        sent = volt.body("a", "sent")
        await post(volt, s, sent, sent, sent, volt.body("a", "delivered"))
        await s.press("E")
        assert "its message: 2 of 4 captures; the others say the same" in " ".join(s.screen_text().split())


async def test_a_mark_that_only_messages_bear_is_no_choice_of_captures_to_export(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("a", "failed"))
        for text, offered in (("mark:conflict", False), ("provider:volt", True)):
            await s.app.session.view.set_filter(text)
            await update(s)
            await s.press("E")
            assert isinstance(s.app.screen, ExportScreen)
            which = s.app.screen.fields()[0]
            assert which.choices == (("filter", "message", "everything") if offered else ("message", "everything"))
            assert ("captures that pass" in s.screen_text()) == offered
            await s.press("escape")


@pytest.mark.slow
async def test_the_list_stays_where_the_cursor_is(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, *(volt.body(str(n), "sent") for n in range(30)))
        assert view(s).rows.selected == 30
        await post(volt, s, volt.body("x", "sent"))
        assert view(s).rows.selected == 31
        await s.press("j", "j")
        assert view(s).rows.selected == 29
        await post(volt, s, volt.body("y", "sent"), volt.body("z", "sent"))
        assert view(s).rows.selected == 29
        assert "▲ 2 new, g" in s.screen_text()
        await s.press("g")
        assert view(s).rows.selected == 33
        await s.press("G")
        assert view(s).rows.selected == 1
        await s.press("ctrl+u", "pageup", "pagedown", "ctrl+d", "k")
        assert view(s).rows.selected == 2


@pytest.mark.slow
async def test_the_lifecycle_says_when_how_long_and_why(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 50)) as (volt, s):
        sent, failed = volt.body("a", "sent"), volt.body("a", "failed")
        await post(volt, s, sent, sent, failed, volt.body("a", "delivered"))
        await post(volt, s, volt.body("a", "delivered", text="forged"), forged=True)
        text = pane(s)
        for words in ("queued", "sent", "delivered", "FAILED 702", "inferred: its time stood in #1", "duplicate ×2",
                      "+300 ms", "+1.10 s", "conflict", "Blocked as spam - temporary", "T-MOBILE USA, INC.",
                      "blocked as spam, temporary", "Telnyx code list", "sent to end", "5 captures",
                      "✖ INVALID", "changes nothing", "volt:a"):  # fmt: skip
            assert words in text, words


async def test_the_mask_hides_the_third_pane_as_well(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(180, 50)) as (volt, s):
        await post(volt, s, volt.body("a", "delivered"))
        await s.until(lambda: '"to_number": "+1555' in s.screen_text())
        await s.press("x")
        await s.until(lambda: '"to_number": "••••••"' in s.screen_text())
        assert "5555550" not in s.screen_text()
        await s.press("x")
        await s.until(lambda: '"to_number": "+1555' in s.screen_text())


async def test_what_the_wheel_brought_into_sight_stays_when_more_comes(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(99, 20)) as (volt, s):
        await post(volt, s, *(volt.body(f"m{n}", "sent") for n in range(40)))
        rows = view(s).rows
        rows.post_message(MouseScrollDown(rows, 5, 5, 0, 1, 0, shift=False, meta=False, ctrl=False))
        await s.settle()
        seen = rows.view.number_at(rows.scroll_offset.y)
        assert seen < 40
        await post(volt, s, volt.body("new", "sent"))
        assert rows.view.number_at(rows.scroll_offset.y) == seen
        assert "▲ 1 new" in s.screen_text()
        await s.press("g")
        assert "text of new" in s.screen_text()


@pytest.mark.slow
async def test_nothing_leads_on_from_the_last_stage(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 50)) as (volt, s):
        delivered = volt.body("a", "delivered")
        await post(volt, s, volt.body("a", "sent"), delivered, delivered)
        await s.until(lambda: "duplicate ×2" in pane(s))
        [last] = [line for line in pane(s).splitlines() if "duplicate ×2" in line]
        assert last.startswith(" ")
        assert "\n│ " in pane(s)


async def test_t20_a_message_says_which_of_its_words_mix_scripts(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 50)) as (volt, s):
        await post(volt, s, volt.body("a", "webhook_delivered", text="log in at p\u0430ypal"))
        assert "≠ mixes scripts, so it may look like other text: p\\u0430ypal" in pane(s)
        assert "“log in at p\u0430ypal”" in pane(s)


async def test_marks_stand_on_their_stage(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(180, 50)) as (volt, s):
        await post(volt, s, volt.body("a", "delivered", ago=7200), volt.body("a", "sent", ago=7200))
        lines = pane(s).splitlines()
        sent = next(n for n, line in enumerate(lines) if "● sent" in line)
        below = "\n".join(lines[sent + 1 : sent + 3])  # after the dates, where it was another day for the provider
        assert "out of order" in below
        assert "late by 2 h" in below


@pytest.mark.slow
async def test_stages_lead_to_captures_and_back(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"), volt.body("a", "delivered"))
        await s.press("j", "enter")
        assert view(s).pane.items.has_focus
        await s.press("j", "j", "enter")
        await s.until(lambda: s.app.screen is s.live)
        assert s.captures.selected == 3
        assert "volt:a" in s.pane_text()
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, MessagesScreen))
        assert view(s).pane.items.cursor == 2
        await s.press("J")
        assert view(s).rows.cursor == 1
        await s.press("K", "escape")
        assert view(s).rows.has_focus
        await s.press("1", "m")
        await s.until(lambda: isinstance(s.app.screen, MessagesScreen))
        assert view(s).rows.selected == 1
        await s.press("q")
        await s.until(lambda: s.app.screen is s.live)


@pytest.mark.slow
async def test_the_same_with_one_pane(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"))
        await s.press("j", "enter")
        assert isinstance(s.app.screen, MessageScreen)
        assert "text of a" in pane(s)
        await post(volt, s, volt.body("a", "delivered"))
        assert "● delivered" in pane(s)
        await s.press("K")
        assert "text of b" in pane(s)
        await s.press("enter")
        await s.until(lambda: s.app.current_mode == "live")
        await s.settle()
        assert "volt:b" in s.pane_text()
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, MessageScreen))
        await s.press("q")
        assert isinstance(s.top(), MessagesScreen)
        await s.press("q")
        await s.until(lambda: s.app.screen is s.live)
        await s.press("m")
        await s.until(lambda: isinstance(s.app.screen, MessageScreen))
        await s.press("escape")
        await s.until(lambda: s.app.screen is s.live)


async def test_a_capture_without_a_message_leads_nowhere(tmp_path: Path) -> None:
    async with screens(tmp_path, [replace(make_capture(), reading=None)]) as s:
        await s.press("m", "c")
        assert s.app.screen is s.live
        assert "m message" not in s.screen_text()
        assert "belongs to no message" in s.toasts()


@pytest.mark.slow
async def test_the_filter_is_the_same_everywhere(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "delivered"), volt.body("b", "failed"))
        await s.press("slash", *"status:failed", "enter")
        await s.until(lambda: len(view(s).view) == 1)
        assert "FILTER status:failed" in s.screen_text()
        await s.press("1")
        await s.until(lambda: len(s.app.session.view) == 1)
        await s.press("slash", *" verdict:verified", "enter", "2")
        await s.until(lambda: view(s).view.wrong is not None)
        await update(s)
        text = s.screen_text()
        assert "verdict can be asked of captures only" in text
        assert "esc  shows everything again" in text
        await s.press("escape")
        await s.until(lambda: len(view(s).view) == 2)
        await s.press("slash", *"verdict:x")
        await s.until(lambda: "captures only" in s.screen_text() or "verdict" in s.screen_text())
        await s.press("escape")
        await s.press("slash", *"text:nothing", "enter")
        await s.until(lambda: "Nothing passes this filter" in s.screen_text())


@pytest.mark.slow
async def test_a_message_that_does_not_pass_is_shown_without_the_filter(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"))
        await s.press("1", "slash", *"status:sent", "enter")
        await s.until(lambda: len(s.app.session.view) == 1)
        await s.press("m")
        await s.until(lambda: s.app.current_mode == "messages" and view(s).rows.selected == 1)
        await s.until(lambda: s.app.session.view.filter_text == "")


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_list_leads_to_the_conversation_of_a_message(tmp_path: Path, size: tuple[int, int]) -> None:
    async with messages(tmp_path, size=size) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        await s.press("m")
        assert "belongs to no" not in s.toasts()
        await s.press("c")
        await s.until(lambda: s.app.current_mode == "conversations")
        assert "belongs to no" not in s.toasts()
        await s.press("c")
        assert "belongs to no" not in s.toasts()
        await s.press("escape")
        await s.until(lambda: s.app.current_mode == "messages")


@pytest.mark.parametrize("order", [0, 3])
async def test_a_message_that_passes_is_shown_with_the_filter(tmp_path: Path, order: int) -> None:
    async with messages(tmp_path) as (volt, s):
        for name in "ab":
            await post(volt, s, volt.body(name, "sent"), volt.body(name, "failed"))
        await post(volt, s, volt.body("c", "delivered"))
        await s.press(*"o" * order, "1", "slash", *"status:failed", "enter")
        await s.until(lambda: len(s.app.session.view) == 2)
        await s.press("m")
        await s.until(lambda: s.app.current_mode == "messages" and view(s).rows.selected == 3)
        await s.settle()
        assert s.app.session.view.filter_text == "status:failed"
        assert (len(view(s).view), list(Order).index(view(s).view.order)) == (2, order)
        assert "The filter was left" not in s.toasts()


async def test_a_message_that_an_order_leaves_out_is_shown_in_that_of_time(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        for name in "ab":
            await post(volt, s, volt.body(name, "sent"), volt.body(name, "delivered"))
        await post(volt, s, volt.body("c", "sent"))
        await s.press("o")
        await s.until(lambda: "SLOWEST FIRST" in s.screen_text() and len(view(s).view) == 2)
        await s.press("1", "G", "m")
        await s.until(lambda: s.app.current_mode == "messages" and view(s).rows.selected == 5)
        assert [view(s).view.number_at(index) for index in range(len(view(s).view))] == [5, 3, 1]


@pytest.mark.slow
async def test_a_jump_that_leaves_the_filter_is_taken_back_with_it(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(140, 50)) as (volt, s):
        for name in ("a", "b", "c"):
            await post(volt, s, volt.body(name, "sent"), volt.body(name, "failed"))
        await post(volt, s, volt.body("d", "delivered"))
        await s.press("slash", *"status:failed", "enter")
        await s.until(lambda: len(view(s).view) == 3)
        await s.press("j")
        read = view(s).rows.selected
        await s.press("enter", "g", "enter")
        await s.until(lambda: s.app.current_mode == "live" and not s.app.session.view.filter_text)
        await s.settle()
        await s.press("escape")
        await s.until(lambda: s.app.current_mode == "messages")
        await update(s)
        assert s.app.session.view.filter_text == "status:failed"
        assert (view(s).rows.cursor, view(s).rows.selected, len(view(s).view)) == (1, read, 3)
        await s.press("1", "slash", "ctrl+u", *"status:sent", "enter")
        await s.until(lambda: len(s.app.session.view) == 3)
        await s.press("G", "k")
        read = s.captures.selected
        await s.press("m")
        await s.until(lambda: s.app.current_mode == "messages" and not s.app.session.view.filter_text)
        await s.settle()
        await s.press("escape")
        await s.until(lambda: s.app.screen is s.live and len(s.app.session.view) == 3)
        s.tick()
        assert (s.captures.cursor, s.captures.selected) == (1, read)


@pytest.mark.slow
async def test_failures_are_grouped_and_lead_to_their_messages(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "failed"), volt.body("b", "failed"), volt.body("c", "delivered"),
                   volt.body("d", "failed", error_code="30003", provider_error_title="Gone"))  # fmt: skip
        await s.press("e")
        assert isinstance(s.app.screen, FailuresScreen)
        text = s.screen_text()
        for words in ("67%", "702", "Blocked as spam - temporary", "T-MOBILE USA, INC.", "3 failed messages, 2 reasons",
                      "such as volt:b"):  # fmt: skip
            assert words in text, words
        await s.press("j", "enter")
        await s.until(lambda: len(view(s).view) == 1)
        assert view(s).rows.selected == 4
        await s.press("e", "escape", "e", "e")
        assert isinstance(s.app.screen, MessagesScreen)


async def test_that_none_has_failed_is_said_of_what_passes_the_filter(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "failed"), volt.body("b", "delivered"))
        view(s).apply_filter("status:delivered")
        await s.settle()
        await s.press("e")
        assert "─ Failures by reason in status:delivered ─" in s.screen_text()
        assert "No message that passes the filter has failed." in s.screen_text()
        await s.press("escape", "escape")
        view(s).apply_filter("")
        await s.settle()
        await s.press("e")
        assert "─ Failures by reason ─" in s.screen_text()
        assert "1 failed message, 1 reason" in s.screen_text()


@pytest.mark.slow
async def test_standing_still(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        await s.press("space")
        await post(volt, s, volt.body("b", "sent"))
        assert len(view(s).view) == 1
        assert "PAUSED" in s.screen_text()
        await s.press("space")
        await update(s)
        assert len(view(s).view) == 2


@pytest.mark.slow
async def test_a_stuck_message_is_on_top(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(minutes=4, seconds=2)
    async with messages(tmp_path, now=lambda: later) as (volt, s):
        await post(volt, s, volt.body("stuck", "sent"), *(volt.body(str(n), "delivered") for n in range(25)))
        await view(s).view.look_for_stuck()
        await update(s)
        assert "STUCK " in s.screen_text().splitlines()[3]
        view(s).pane.reload()
        await s.settle()
        assert "longer than others waited" in pane(s)


@pytest.mark.slow
async def test_masked(tmp_path: Path) -> None:
    async with messages(tmp_path, settings=Settings(mask=True), size=(180, 50)) as (volt, s):
        await post(volt, s, volt.body("a", "failed", provider_error_detail="to +15555550123 refused"))
        await s.press("enter")
        for secret in ("5555550123", "5555550145", "text of a"):
            assert secret not in pane(s)
        first = "\n".join(line[:100] for line in s.screen_text().splitlines())
        assert "text of a" not in first
        await s.press("x")
        assert "text of a" in pane(s)


async def test_a_frame_before_a_screen_is_built(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(80, 24)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        seen = view(s)
        s.app.push_screen(MessageScreen(s.app.session, seen.view, seen.rows, seen.catch_up))
        s.app.frame()
        await s.settle()
        assert "volt:a" in pane(s)


@pytest.mark.slow
async def test_sizes(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await fill(s.monitor, mixed_captures())
        await post(volt, s, volt.body("a", "failed"))
        for width, height in [
            (1, 1),
            (60, 15),
            (61, 20),
            (80, 24),
            (99, 30),
            (100, 30),
            (149, 40),
            (180, 50),
            (500, 99),
        ]:
            await s.pilot.resize_terminal(width, height)
            await s.settle()
            await s.press("enter", "j", "escape")
        assert view(s).rows.bad_rows == 0
        assert isinstance(s.app.screen, MessagesScreen)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (180, 50)])
async def test_hostile_text_in_every_field(tmp_path: Path, size: tuple[int, int]) -> None:
    captures = []
    for n, text in enumerate(HOSTILE):
        capture = hostile_capture(text)
        assert capture.reading is not None
        reading = replace(capture.reading, message=f"volt:{n}{text}", aliases=(), valid_until=FULL_READING.valid_until)
        verdict = make_capture().verdict if n % 2 else capture.verdict
        captures.append(replace(capture, reading=reading, verdict=verdict))
    async with screens(tmp_path, captures, size=size, driver=RecordingDriver) as s:
        await s.monitor.store.caught_up()
        await s.press("2")
        await s.until(lambda: isinstance(s.app.screen, MessagesScreen))
        await update(s)
        await s.press("enter", "j", "G")
        for _ in HOSTILE:
            await s.press("J")
        await s.press("escape", "e", "j", "escape", "x", "o", "o", "o")
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()
        assert s.app.return_code is None
        assert view(s).rows.bad_rows == 0


@pytest.mark.slow
async def test_a_store_that_fails_is_told(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        view(s).view._reader.close()
        await update(s)
        assert "STORE UNREADABLE" in s.screen_text()
        view(s).pane.reload()
        await s.settle()
        assert "the store cannot be read" in pane(s)


@pytest.mark.slow
async def test_the_palette_and_help_know_the_view(tmp_path: Path) -> None:
    async with messages(tmp_path) as (_, s):
        await s.press("question_mark")
        text = s.screen_text()
        assert "Failures by code and carrier" in text
        assert "Follow the newest capture" not in text
        await s.press("escape", "ctrl+p", *"conversations", "enter")
        await s.until(lambda: s.app.current_mode == "conversations")


def test_bodies_are_json() -> None:
    assert json.loads(Volt().body("a", "sent"))["payload"]["status"] == "sent"


def test_a_reason_is_masked_with_the_screen() -> None:
    group = FailureGroup("volt", "40002", None, None, "No route to +15555550123", 3, NOW, NOW, "volt:a")
    for masked in (False, True):
        row = "".join(text for text, _ in group_parts(group, 3, 80, 0, NOW, Reader(masked=masked)))
        assert "No route to +" in row
        assert ("5550123" in row) is not masked


@pytest.mark.slow
async def test_a_message_that_the_cursor_left_while_it_was_read_is_shown_when_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("b", "sent"))
        await s.until(lambda: "volt:b" in pane(s))
        messages_view, rows, rests = view(s).view, view(s).rows, 0.5
        read, reading, go_on = messages_view.whole, threading.Event(), threading.Event()

        def slowly(number: int) -> Message | None:
            reading.set()
            go_on.wait(5)
            return read(number)

        monkeypatch.setattr("monitor.ui.widgets.pane.DEBOUNCE_S", rests)
        monkeypatch.setattr(messages_view, "whole", slowly)
        rows.move_to(1)
        await s.until(reading.is_set)
        rows.move_to(0)
        await s.pilot.pause()
        go_on.set()
        await s.done()
        rows.move_to(1)
        await s.until(lambda: "volt:a" in pane(s))
