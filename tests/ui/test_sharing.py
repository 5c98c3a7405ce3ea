"""How list and panes share the width, and that it is remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.ui.sharing import MOST, STEP, moved, width_variables
from tests.ui.screens import Screens, plain_captures, screens


def beside(s: Screens, pane: str) -> int:
    """Cells that a pane has."""
    return s.top().query_one(pane).outer_size.width


@pytest.mark.parametrize(("width", "pane"), [(100, "#detail"), (120, "#detail"), (180, "#body")])
async def test_panes_get_more_room_and_keep_it(tmp_path: Path, width: int, pane: str) -> None:
    chosen = tmp_path / "screens.json"
    async with screens(tmp_path, plain_captures(3), size=(width, 30), preferences=chosen) as s:
        before = beside(s, pane)
        await s.press("greater_than_sign", "greater_than_sign")
        wider = beside(s, pane)
        share = 2 * STEP * width // 100
        assert wider - before == pytest.approx(share / 2 if width >= 150 else share, abs=1)
        assert s.captures.virtual_size.width == s.captures.scrollable_content_region.width < width - wider
        await s.press("2")
        await s.press("less_than_sign")
        assert json.loads(chosen.read_text())["panes"] == STEP
    async with screens(tmp_path, size=(width, 30), preferences=chosen) as s:
        await s.add(*plain_captures(1))
        await s.settle()
        assert before < beside(s, pane) < wider


async def test_it_has_an_end_and_nothing_happens_without_a_pane_beside(tmp_path: Path) -> None:
    chosen = tmp_path / "screens.json"
    async with screens(tmp_path, plain_captures(3), size=(180, 50), preferences=chosen) as s:
        await s.press(*["greater_than_sign"] * 12)
        assert s.captures.outer_size.width > 30
        await s.press(*["less_than_sign"] * 24)
        assert beside(s, "#detail") > 20
    async with screens(tmp_path, size=(80, 24), preferences=chosen) as s:
        before = chosen.read_text()
        await s.press("greater_than_sign")
        assert chosen.read_text() == before


def test_the_points_are_bounded_whatever_a_file_says() -> None:
    assert [moved(0, 1), moved(MOST, 1), moved(-MOST, -1)] == [STEP, MOST, -MOST]
    for points in (-1000, -7, 0, 1000):
        widths = {name: float(width.rstrip("%")) for name, width in width_variables(points).items()}
        assert all(15 <= width <= 75 for width in widths.values())
        assert widths["h-detail-triple"] + widths["h-body"] <= 80


@pytest.mark.parametrize("sign", [1, -1])
def test_any_number_of_points_gives_widths(sign: int) -> None:
    assert width_variables(sign * 10**400) == width_variables(sign * MOST)
