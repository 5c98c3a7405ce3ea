"""What the overlays for sending, for the answer drill and for coverage look like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.ui.screens import screens
from tests.ui.test_coverage import opened, volts
from tests.ui.test_overlays import simulators
from tests.ui.test_snapshots import compare

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        ((80, 24), "hooktop-dark", ["s", "j", "b", "u"]),
        ((120, 40), "hooktop-light", ["R"]),
    ],
    ids=["send", "drill"],
)
async def test_forms(
    tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], theme: str, keys: list[str]
) -> None:
    async with screens(tmp_path, volts()[:3], size=size, simulator=simulators(tmp_path)) as s:
        s.app.theme = theme
        await s.press(*keys)
        for box in s.top().query(Input):
            box.cursor_blink = False
        await compare(s, snapshot, [])


async def test_kinds(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with screens(tmp_path, volts(), size=(80, 24), simulator=simulators(tmp_path)) as s:
        await opened(s)
        await compare(s, snapshot, ["j", "j"])
