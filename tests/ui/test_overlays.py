"""Help, palette, copy menu, themes, sending."""

from __future__ import annotations

import gc
import json
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from textual._styles_cache import StylesCache

from monitor.providers.registry import registry
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Monitor, Settings
from monitor.services.simulate import Simulator
from monitor.ui.palette import Palette
from monitor.ui.screens.help import HelpScreen
from monitor.ui.screens.live import LiveScreen
from monitor.ui.screens.menu import MenuScreen
from monitor.ui.screens.overlay import Options
from monitor.ui.screens.send import SendScreen
from monitor.ui.screens.themes import ThemeScreen
from tests.ui.screens import mixed_captures, plain_captures, screens


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_help_is_made_from_the_table_and_closes(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, plain_captures(3), size=size) as s:
        for closing in ("escape", "q", "question_mark", "enter"):
            await s.press("question_mark")
            assert isinstance(s.app.screen, HelpScreen)
            assert "In the list" in s.screen_text()  # the keys of what has the focus stand first
            await s.press("j", "G")
            assert "unknown sender, or imported" in s.screen_text()
            await s.press(closing)
            assert isinstance(s.app.screen, LiveScreen)
        assert s.app.return_code is None


@pytest.mark.slow
async def test_the_palette_runs_actions(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press("ctrl+p")
        assert isinstance(s.app.screen, Palette)
        await s.press(*"Hide numbers")
        await s.until(lambda: "key x" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: s.app.session.masked)
        await s.press("ctrl+p", *"stand still")
        await s.until(lambda: "key space" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: s.app.session.view.frozen)
        await s.press("ctrl+p", "ctrl+p", "escape")
        assert s.top() is s.live


@pytest.mark.slow
async def test_copying_uses_the_clipboard_and_a_file(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.press("y")
        assert isinstance(s.app.screen, MenuScreen)
        await s.press("b")
        assert json.loads(s.app.clipboard) == {"index": 6, "list": [1, {"a": None}]}
        path = tmp_path / "hooktop-copied.txt"
        assert json.loads(path.read_text()) == json.loads(s.app.clipboard)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert str(path) in s.toasts()
        for key, expected in (
            ("i", "7"),
            ("h", "POST /volt"),
            ("c", "curl -X POST"),
            ("r", '{"index"'),
            ("m", "volt:"),
        ):
            await s.press("y", key)
            assert s.app.clipboard.startswith(expected)
        await s.press("y", "j", "k", "escape")
        assert s.top() is s.live


async def test_a_body_too_long_for_the_clipboard_goes_to_the_file_only(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(s.monitor.url + "/generic", content=b"x" * 100_000)
        await s.until(lambda: s.captures.selected == 1)
        await s.press("y", "r")
        assert s.app.clipboard == ""
        assert (tmp_path / "hooktop-copied.txt").read_bytes() == b"x" * 100_000
        assert "Too long for the clipboard" in s.toasts()


@pytest.mark.slow
async def test_themes_are_shown_at_once_and_remembered(tmp_path: Path) -> None:
    preferences = tmp_path / "screens.json"
    async with screens(tmp_path, mixed_captures(), preferences=preferences) as s:
        await s.press("t", "j")
        assert isinstance(s.app.screen, ThemeScreen)
        assert s.app.theme == "hooktop-light"
        await s.press("escape")
        assert s.app.theme == "hooktop-dark"
        await s.press("t", "j", "enter")
        assert s.app.theme == "hooktop-light"
    assert json.loads(preferences.read_text())["theme"] == "hooktop-light"


async def test_a_key_that_is_held_shows_the_last_theme_alone(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("t")
        shown: list[str] = []
        s.app.theme_changed_signal.subscribe(s.top(), lambda theme: shown.append(theme.name), immediate=True)
        await s.press_at_once(*"jjjjjjjj")
        options = s.top().query_one(Options)
        assert options.highlighted == 8
        assert len(shown) < 4
        await s.press_at_once("k", "enter")
        assert s.app.theme == options.get_option_at_index(7).id


@pytest.mark.slow
async def test_every_theme_can_be_drawn(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(180, 50)) as s:
        before = s.screen_text()
        for name in s.app.available_themes:
            s.app.theme = name
            await s.pilot.pause()
            assert s.screen_text().splitlines()[3:] == before.splitlines()[3:]


def simulators(folder: Path) -> Callable[[Monitor], Simulator]:
    """Makes the simulator of a monitor, with keys of its own."""
    return lambda monitor: Simulator(registry(), LocalKeys(folder / "keys"), monitor.url)


@pytest.mark.slow
async def test_sending_a_simulated_event(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path)) as s:
        assert "simulated event" in s.screen_text()
        await s.press("s")
        assert isinstance(s.app.screen, SendScreen)
        await s.press("b", "c", "2", "enter")
        await s.until(lambda: s.monitor.feed.stored == 2)
        await s.until(lambda: "Sent volt" in s.toasts())
        assert "answered 2 × 200" in s.toasts()
        await s.press("s", "c", "0", "enter")
        assert "between 1 and" in s.screen_text()
        await s.press("escape", "escape")
        assert s.top() is s.live


async def test_read_only_sends_nothing(tmp_path: Path) -> None:
    async with screens(tmp_path, settings=Settings(read_only=True), simulator=simulators(tmp_path)) as s:
        assert "simulated" not in s.screen_text()
        await s.press("s")
        assert s.top() is s.live
        assert "only watches" in s.toasts()
        assert "send" not in s.screen_text().splitlines()[-1]


async def test_mask_from_the_start(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), settings=Settings(mask=True)) as s:
        assert "555555" not in s.screen_text()
        await s.press("y", "b")
        assert "It is not masked" in s.toasts()


@pytest.mark.slow
async def test_a_box_that_was_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    def drawings() -> int:
        gc.collect()
        return sum(isinstance(one, StylesCache) for one in gc.get_objects())

    async with screens(tmp_path, plain_captures(3)) as s:
        first = 0
        for turn in range(4):
            for key in ("question_mark", "S"):
                await s.press(key)
                await s.press("escape")
            first = drawings() if turn == 0 else first
        await s.until(lambda: drawings() <= first)  # the last one may still be on its way out


@pytest.mark.slow
async def test_the_keys_of_every_list_move_in_menus(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(80, 24)) as s:
        await s.press("t")
        assert isinstance(s.app.screen, ThemeScreen)
        options = s.app.screen.options
        await s.press("G")
        assert options.highlighted == options.option_count - 1
        await s.press("ctrl+u")
        assert 0 < (options.highlighted or 0) < options.option_count - 1
        await s.press("g")
        assert options.highlighted == 0
        await s.press("ctrl+d")
        assert (options.highlighted or 0) > 3


@pytest.mark.slow
async def test_help_and_palette_name_what_works_in_the_detail_of_a_capture(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(80, 24), simulator=simulators(tmp_path)) as s:
        await s.press("enter", "question_mark")
        assert isinstance(s.app.screen, HelpScreen)
        said = "\n".join(line.text for line in s.app.screen.lines.document.lines)
        assert "In the detail pane" in said
        assert "Live view" not in said  # its keys do nothing here
        await s.press("escape", "escape")
        await s.pilot.resize_terminal(120, 40)
        await s.press("enter", "ctrl+p", *"Send simulated")
        await s.until(lambda: "key s" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, SendScreen))
