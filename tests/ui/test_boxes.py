"""What boxes over a screen look like where there is little or much to show: neither empty nor cut without need."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.ui.screens.menu import Choice, MenuScreen
from tests.ui.screens import screens


@pytest.mark.slow
async def test_a_menu_is_as_wide_as_its_choices_where_there_is_room(tmp_path: Path) -> None:
    long = "https://long.example.com/" + "x" * 60
    async with screens(tmp_path, size=(120, 40)) as s:
        for choices in (
            [Choice("1", "1", "the address", long), Choice("2", "2", "id", "7")],
            [Choice("2", "2", "id", "7")],
        ):
            s.app.push_screen(MenuScreen("Copy", choices))
            await s.settle()
            assert "…" not in s.screen_text()
            assert (long in s.screen_text()) == (len(choices) == 2)
            assert s.top().query_one("#menu").size.width >= 72  # as all menus
            await s.press("escape")
