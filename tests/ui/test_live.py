"""The live view: moving, following, pausing, opening."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from textual.events import MouseScrollUp
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from monitor.services.monitor import Settings
from monitor.ui.screens.detail import DetailScreen
from monitor.ui.screens.live import LiveScreen
from tests.factory import START, make_capture
from tests.ui.screens import NOW, mixed_captures, plain_captures, screens


async def test_the_newest_is_followed_until_the_cursor_moves(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(100)) as s:
        assert s.captures.selected == 100
        await s.add(*plain_captures(3))
        assert s.captures.selected == 103
        assert s.follows()
        await s.press("k")
        assert s.captures.selected == 102
        await s.add(*plain_captures(37))
        assert s.captures.selected == 102
        assert s.captures.unseen == 37
        assert "▼ 37 new" in s.screen_text()
        await s.press("G")
        assert s.captures.selected == 140
        assert "new" not in s.screen_text().splitlines()[2]
        await s.add(*plain_captures(1))
        assert s.captures.selected == 141


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["k"], 199),
        (["up", "up", "j"], 199),
        (["up", "up", "down"], 199),
        (["g"], 1),
        (["home"], 1),
        (["g", "G"], 200),
        (["g", "end"], 200),
        (["g", "k"], 1),
        (["G", "j"], 200),
    ],
)
async def test_keys_move_the_cursor(tmp_path: Path, keys: list[str], selected: int) -> None:
    async with screens(tmp_path, plain_captures(200)) as s:
        await s.press(*keys)
        assert s.captures.selected == selected


@pytest.mark.slow
async def test_pages(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(200)) as s:
        page = s.captures.scrollable_content_region.height
        await s.press("pageup")
        assert s.captures.selected == 200 - page
        await s.press("pagedown")
        assert s.captures.selected == 200
        await s.press("ctrl+u")
        assert s.captures.selected == 200 - page // 2
        await s.press("ctrl+d")
        assert s.captures.selected == 200


async def test_space_freezes_the_view_and_never_the_receiver(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        await s.press("space")
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = [await client.post(s.monitor.url + "/generic", content=b'{"n":1}') for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200] * 4
        await s.until(lambda: "PAUSED 4 waiting" in s.screen_text())
        assert len(s.app.session.view) == 5
        await s.press("space")
        assert len(s.app.session.view) == 9
        assert "PAUSED" not in s.screen_text()


@pytest.mark.parametrize("view", ["1", "2", "3"])
async def test_a_paused_list_without_rows_says_what_waits(tmp_path: Path, view: str) -> None:
    async with screens(tmp_path) as s:
        await s.press("space", view)
        await s.add(*plain_captures(3))
        s.tick()
        await s.settle()
        assert "Paused, 3 captures waiting" in s.screen_text()
        await s.press("space")
        await s.until(lambda: "waiting" not in s.screen_text().lower())


async def test_f_follows_and_stops(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(50)) as s:
        await s.press("f")
        assert not s.follows()
        await s.press("g", "f")
        assert s.follows()
        assert s.captures.selected == 50


async def test_the_wheel_leaves_the_newest(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(200)) as s:
        await s.pilot._post_mouse_events([MouseScrollUp], s.captures)
        await s.settle()
        assert not s.follows()


async def test_a_click_selects_and_a_double_click_opens(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(10), size=(80, 24)) as s:
        await s.pilot.click(s.captures, offset=(5, 3))
        await s.settle()
        assert s.captures.selected == 4
        await s.pilot.double_click(s.captures, offset=(5, 2))
        await s.settle()
        assert isinstance(s.app.screen, DetailScreen)
        assert s.app.screen.pane.capture is not None
        assert s.app.screen.pane.capture.id == 3


async def test_enter_pushes_the_detail_where_there_is_no_room(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(10), size=(80, 24)) as s:
        assert not s.live.query_one("#detail").display
        await s.press("k", "enter")
        assert isinstance(s.app.screen, DetailScreen)
        assert "text 9" in s.pane_text()
        await s.press("K")
        assert "text 8" in s.pane_text()
        await s.press("J", "J")
        assert "text 10" in s.pane_text()
        await s.press("escape")
        assert isinstance(s.app.screen, LiveScreen)
        assert s.captures.selected == 10
        await s.press("enter", "q")
        assert isinstance(s.app.screen, LiveScreen)


async def test_the_pane_follows_the_cursor_where_there_is_room(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(10), size=(120, 40)) as s:
        assert "text 10" in s.pane_text()
        await s.press("k", "k")
        assert "text 8" in s.pane_text()
        await s.press("enter")
        assert s.lines.has_focus
        await s.add(*plain_captures(1))
        assert "text 8" in s.pane_text()
        await s.press("escape")
        assert s.captures.has_focus


@pytest.mark.slow
async def test_three_panes_from_150_columns(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(180, 50)) as s:
        text = s.screen_text()
        assert "Summary" in text
        assert '"index": 6' in text
        assert s.live.query_one("#body").display
        await s.pilot.resize_terminal(120, 40)
        await s.settle()
        assert not s.live.query_one("#body").display
        await s.press("enter", "right")
        assert '"index": 6' in s.pane_text()


async def test_relative_times(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0)]) as s:
        await s.press("T")
        assert "1m00s" in s.screen_text()
        await s.press("T")
        assert "1m00s" not in s.screen_text()


@pytest.mark.usefixtures("utc")
async def test_what_came_on_another_day_names_it(tmp_path: Path) -> None:
    now = [START + timedelta(hours=11)]
    async with screens(tmp_path, [make_capture(0)], now=lambda: now[0]) as s:
        assert "12:00:00" in s.screen_text()
        await s.press("2")
        await s.until(lambda: "12:00:00" in s.screen_text())
        now[0] += timedelta(hours=1)  # midnight
        s.tick()
        await s.until(lambda: "Sa 12:00 " in s.screen_text())
        await s.press("1")
        await s.until(lambda: "Sa 12:00 " in s.screen_text())


async def test_empty_state_gives_the_next_step(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(80, 24)) as s:
        text = s.screen_text()
        assert s.monitor.url + "/volt" in text
        assert f'curl -d \'{{"hello":"hooktop"}}\' {s.monitor.url}/generic' in text
        assert "simulated" not in text  # there is no simulator here, so the key is not spoken of
        await s.press("enter", "j", "k", "G", "g", "pageup", "y", "n", "escape")
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(s.monitor.url + "/generic", content=b'{"hello":"hooktop"}')
        await s.until(lambda: "Waiting" not in s.screen_text())
        assert s.captures.selected == 1


async def test_status_line_says_every_unusual_state(tmp_path: Path) -> None:
    settings = Settings(enforce=True, read_only=True, mask=True)
    async with screens(tmp_path, plain_captures(3), settings=settings) as s:
        s.monitor.reach.change("https://hooks.example.com")
        await s.press("space")
        text = s.screen_text()
        for word in ("PAUSED", "MASK", "ENFORCE", "READ-ONLY", "https://hooks.example.com", "3 captures"):
            assert word in text
        assert "555555" not in text
        s.monitor.store.trouble = "the disk is full"
        s.live.tick()
        await s.settle()
        assert "STORE BUSY the disk is full" in s.screen_text()
        await s.press("s")
        assert s.app.screen is s.live


async def test_last_event_is_told_when_it_was_long_ago(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1)) as s:
        s.monitor.feed.last_at = NOW.replace(hour=11, minute=57)
        s.live.tick()
        await s.settle()
        assert "last event 4 min ago" in s.screen_text()


async def test_receiver_down_is_told(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1)) as s:
        receiver = s.monitor._receiver
        assert receiver is not None
        await receiver.stop()
        await s.until(lambda: "RECEIVER DOWN" in s.screen_text())


async def test_a_row_that_cannot_be_drawn_costs_itself_only(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        window = s.app.session.view._windows[0]
        window[2] = "not a row"  # type: ignore[call-overload]  # a row that is none
        s.captures.restyle()
        await s.settle()
        text = s.screen_text()
        assert "cannot be drawn (AttributeError)" in text
        assert "text 5" in text
        assert s.captures.bad_rows > 0


async def test_a_store_that_fails_while_reading_is_told(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        s.app.session.view._reader.close()
        s.live.tick()
        await s.settle()
        assert "STORE UNREADABLE" in s.screen_text()
        s.app.session.view._reader = s.monitor.reader()
        s.live.tick()
        await s.settle()
        assert "UNREADABLE" not in s.screen_text()


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting(tmp_path: Path, key: str) -> None:
    async with screens(tmp_path, plain_captures(2)) as s:
        await s.press("escape", "escape", "ctrl+z", "ctrl+c")
        assert s.app.return_code is None
        await s.pilot.press(key)
        await s.pilot.pause()
        assert s.app.return_code == 0


@pytest.mark.slow
async def test_resizes_of_every_kind(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        for width, height in [
            (1, 1),
            (500, 200),
            (60, 15),
            (59, 14),
            (80, 24),
            (2, 60),
            (300, 3),
            (150, 40),
            (100, 30),
        ] * 3:
            await s.pilot.resize_terminal(width, height)
            await s.pilot.pause()
        await s.pilot.resize_terminal(40, 10)
        await s.until(lambda: "at least" in s.screen_text())
        await s.pilot.resize_terminal(80, 24)
        await s.until(lambda: "verified" in s.screen_text())
        assert s.captures.has_focus
        await s.press("enter")
        await s.pilot.resize_terminal(1, 1)
        await s.pilot.resize_terminal(160, 50)
        await s.press("right", "right", "escape")
        assert s.app.screen is s.live


@pytest.mark.parametrize("no_color", [False, True])
async def test_lists_are_drawn_as_textual_would_draw_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    async with screens(tmp_path / "t.db", captures=plain_captures(300), size=(100, 20)) as s:
        rows, bar = s.captures, s.captures.vertical_scrollbar
        for y in (0, 1, 7, 33, 150, 283):
            rows.scroll_to(y=y, animate=False, immediate=True)
            await s.settle()
            for widget, plainly in ((rows, Widget.render_lines), (bar, ScrollBar.render_lines)):
                crop = Region(0, 0, *widget.outer_size)
                own = [list(strip.simplify()) for strip in widget.render_lines(crop)]
                textual = [list(strip.simplify()) for strip in plainly(widget, crop)]
                assert own == textual, f"{type(widget).__name__} at {y}"


async def test_the_bar_of_a_list_can_be_dragged(tmp_path: Path) -> None:
    async with screens(tmp_path / "t.db", captures=plain_captures(300), size=(100, 20)) as s:
        bar = s.captures.vertical_scrollbar
        await s.press("g")
        assert s.captures.scroll_offset.y == 0
        await s.pilot.mouse_down(bar, offset=(0, 0))
        await s.pilot.hover(bar, offset=(0, 8))
        await s.pilot.mouse_up(bar, offset=(0, 8))
        await s.until(lambda: s.captures.scroll_offset.y > 100)


@pytest.mark.slow
async def test_f_in_a_paused_list_goes_on_and_follows(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(50)) as s:
        await s.press("space", "f")
        assert not s.app.session.view.frozen
        assert s.follows()
        await s.press("k", "space", "f")
        assert s.follows()


@pytest.mark.slow
async def test_the_scroll_bar_leaves_the_newest(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(300), size=(100, 20)) as s:
        await s.pilot.click(s.captures.vertical_scrollbar, offset=(0, 1))
        await s.until(lambda: s.captures.scroll_offset.y < s.captures.max_scroll_y)
        at = s.captures.scroll_offset.y
        await s.add(*plain_captures(3))
        assert s.captures.scroll_offset.y == at
        assert "▼ 3 new" in s.screen_text()


@pytest.mark.slow
async def test_the_cursor_stays_in_sight_with_less_room(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(300), size=(80, 50)) as s:
        await s.press("k", "k", "k")
        await s.pilot.resize_terminal(80, 15)
        await s.until(lambda: s.captures.page < 15)
        assert "text 297" in s.screen_text() or "▌" in s.screen_text()


@pytest.mark.slow
async def test_the_cursor_is_where_it_was_after_a_filter(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1_500)) as s:
        await s.press("g", "j", "j")
        await s.add(*plain_captures(1_000))
        await s.press("slash", *"zzzz", "enter")
        await s.until(lambda: "Nothing passes this filter" in s.screen_text())
        await s.press("j", "k", "escape")
        await s.until(lambda: len(s.app.session.view) == 2_500)
        await s.until(lambda: s.captures.selected == 3)
        await s.press("slash", *"text", "enter")  # the newest are looked at first
        await s.until(lambda: len(s.app.session.view) == 2_500 and s.app.session.view.scanned is None)
        assert s.captures.selected == 3
        await s.press("slash", *["backspace"] * 4, *'text:"text 777"', "enter")
        await s.until(lambda: s.captures.selected == 777)
        await s.press("escape")
        await s.until(lambda: len(s.app.session.view) == 2_500)
        await s.until(lambda: s.captures.selected == 3)


async def test_keys_in_an_empty_list_leave_nothing(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("k", "g", "ctrl+u")
        assert s.follows()
        await s.add(*plain_captures(3))
        assert s.captures.cursor == 2
