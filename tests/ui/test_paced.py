"""How often what is shown is drawn."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.ui import paced
from monitor.ui.screens.live import LiveScreen
from monitor.ui.screens.overlay import Overlay
from tests.factory import make_capture
from tests.ui.screens import fill, screens


async def test_behind_a_box_the_list_goes_on_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with screens(tmp_path) as s:
        now = time.monotonic()
        clock = SimpleNamespace(monotonic=lambda: now)
        monkeypatch.setattr(paced, "time", clock)
        ticked: list[LiveScreen] = []
        tick = LiveScreen.tick

        def counted(screen: LiveScreen) -> None:
            ticked.append(screen)
            tick(screen)

        monkeypatch.setattr(LiveScreen, "tick", counted)
        s.app._tick()
        s.app._tick()
        assert len(ticked) >= 2
        await s.press("question_mark")
        await fill(s.monitor, [make_capture()])
        ticked.clear()
        now += paced.BEHIND_S / 2
        s.app._tick()
        assert (ticked, len(s.live.session.view)) == ([], 0)
        now += paced.BEHIND_S
        s.app._tick()
        s.app._tick()
        assert ticked == [s.live]
        assert len(s.live.session.view) == 1


async def test_what_is_behind_two_boxes_goes_on_as_well(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("question_mark")
        await s.app.push_screen(Overlay())
        await s.settle()
        assert "0 captures" in s.screen_text()
        await fill(s.monitor, [make_capture()])
        await s.until(lambda: "1 capture " in s.screen_text())  # at the latest when the second is over
