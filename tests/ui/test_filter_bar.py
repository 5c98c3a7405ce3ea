"""The filter bar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.ui.widgets.filter_bar import FilterBar
from tests.ui.screens import mixed_captures, plain_captures, screens


@pytest.mark.slow
async def test_a_filter_is_applied_while_it_is_typed_and_esc_clears_it(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(30), preferences=tmp_path / "p.json") as s:
        await s.press("slash", *'text:"text 7"')
        await s.until(lambda: len(s.app.session.view) == 1)
        assert "FILTER" in s.screen_text()
        await s.press("enter")
        assert not s.live.query_one(FilterBar).display
        assert s.captures.has_focus
        assert "1/1 of 30" in s.screen_text()
        await s.add(*plain_captures(7))
        assert len(s.app.session.view) == 2
        await s.press("n", "N")
        await s.press("escape")
        await s.until(lambda: len(s.app.session.view) == 37)
        assert "FILTER" not in s.screen_text()
    assert json.loads((tmp_path / "p.json").read_text())["filters"] == ['text:"text 7"']


@pytest.mark.slow
async def test_what_is_wrong_is_pointed_at(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(80, 24)) as s:
        await s.press("slash", *"status:nonsense", "enter")
        await s.settle()
        text = s.screen_text()
        assert "▲" in text
        assert "nonsense" in text.splitlines()[-2]
        assert s.live.query_one(FilterBar).display
        bar = s.live.query_one(FilterBar)
        caret_line = text.splitlines()[-2]
        assert caret_line.index("▲") == 3 + len("status:")
        await s.press(*["backspace"] * 8, *"failed")
        assert "▲" not in s.screen_text()
        await s.press("escape")
        assert not bar.display
        assert len(s.app.session.view) == 3


@pytest.mark.slow
async def test_completion_and_history(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), preferences=tmp_path / "p.json") as s:
        bar = s.live.query_one(FilterBar)
        await s.press("slash", *"prov", "tab")
        assert bar.input.value == "provider:"
        await s.press(*"bi", "tab")
        assert bar.input.value == "provider:bird"
        await s.press("enter")
        await s.until(lambda: len(s.app.session.view) == 1)
        await s.press("escape", "slash", "up")
        assert bar.input.value == "provider:bird"
        await s.press("down")
        assert bar.input.value == ""
        await s.press("escape")


@pytest.mark.slow
async def test_no_match_says_how_to_go_on(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press("slash", *"zzzz", "enter")
        await s.until(lambda: "Nothing passes this filter" in s.screen_text())
        assert "esc" in s.screen_text()
        await s.press("j", "k", "G", "enter", "escape")
        await s.until(lambda: len(s.app.session.view) == 3)


@pytest.mark.slow
async def test_typing_never_triggers_an_action(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press("slash", *"qxtyTsf?123", "space", "G")
        assert s.app.return_code is None
        assert s.live.query_one(FilterBar).input.value == "qxtyTsf?123 G"
        assert not s.app.session.masked
        assert not s.app.session.view.frozen


@pytest.mark.slow
async def test_older_filters_give_back_what_was_being_typed(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), preferences=tmp_path / "p.json") as s:
        bar = s.live.query_one(FilterBar)
        for text in ("provider:bird", "status:failed"):
            await s.press("slash", *["backspace"] * 20, *text, "enter")
        await s.press("slash", "up")  # the one in force stands there already
        assert bar.input.value == "provider:bird"
        await s.press("up", "up", "down")
        assert bar.input.value == "status:failed"
        await s.press("ctrl+u", *"verd", "up", "up", "up", "down", "down")
        assert bar.input.value == "verd"
