"""The mouse in lists of every kind: a click puts the cursor on an entry, a double click opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.ui.screens.failures import FailuresScreen, Groups
from monitor.ui.widgets.bars import StatusBar
from tests.ui.test_messages import messages, post, view


@pytest.mark.slow
async def test_a_click_on_either_row_of_an_entry_selects_it(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(
            volt,
            s,
            *(volt.body(name, "failed") for name in ("a", "b")),
            volt.body("c", "failed", provider_error_code="40003"),
        )
        await s.press("e")
        assert isinstance(s.top(), FailuresScreen)
        groups = s.top().query_one(Groups)
        await s.until(lambda: groups.count() > 1)
        for row, entry in ((3, 1), (1, 0), (2, 1)):
            await s.pilot.click(groups, offset=(5, row))
            assert groups.cursor == entry
        await s.pilot.click(groups, offset=(5, groups.size.height - 1))
        await s.pilot.double_click(groups, offset=(5, 2))
        await s.until(lambda: s.top() is view(s))


@pytest.mark.slow
async def test_a_click_on_a_line_of_a_message_selects_what_it_belongs_to(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"))
        items = view(s).pane.items
        await s.until(lambda: items.count() > 2)
        lines = [entry for _, entry in items.placed]
        await s.pilot.click(items, offset=(5, lines.index(2)))
        assert items.cursor == 2
        await s.pilot.click(items, offset=(5, lines.index(None)))
        assert items.cursor == 2
        await s.pilot.double_click(items, offset=(5, lines.index(0)))
        await s.until(lambda: s.top() is s.live)


@pytest.mark.slow
async def test_a_click_on_the_name_of_a_view_shows_it(tmp_path: Path) -> None:
    """The names look as tabs and keys do, which take clicks."""
    async with messages(tmp_path, size=(140, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "failed"))

        async def click(name: str) -> None:
            bar = s.top().query_one(StatusBar)
            await s.pilot.click(bar, offset=(s.screen_text().splitlines()[0].index(name), 0))
            await s.settle()

        await click("conversations")
        assert s.app.current_mode == "conversations"
        await click("live")
        assert s.top() is s.live
        assert s.captures.has_focus
        await click("hooktop")
        assert s.top() is s.live
        await click("2 ")
        assert s.top() is view(s)
