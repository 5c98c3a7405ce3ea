"""The answer drill on the screens: a form, the status line, its end."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from monitor.model.capture import RESET
from monitor.model.filter import parse
from monitor.services.drill import Rule
from monitor.services.monitor import Settings
from monitor.ui.actions import ACTIONS
from monitor.ui.screens.drill import DrillForm, DrillScreen
from monitor.ui.status import facts_of
from tests.ui.screens import NOW, Screens, plain_captures, screens


async def post(s: Screens, path: str = "/volt") -> int:
    """A webhook comes; gives the answer."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(s.monitor.url + path, content=b"{}")).status_code


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.slow
async def test_a_drill_is_begun_seen_and_ended(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, plain_captures(3), size=size) as s:
        await s.press("R")
        assert isinstance(s.top(), DrillForm)
        await s.press("end", "backspace", "3", "tab", "tab", *"provider:volt", "enter")
        assert s.top() is s.live
        assert "RESPOND 503 " in s.screen_text()
        assert [await post(s), await post(s, "/bird")] == [503, 200]
        await s.press("R")
        assert isinstance(s.top(), DrillScreen)
        for words in ("503", "provider:volt", "of 10 min", "1 answered"):
            assert words in s.screen_text()
        await s.press("escape", "R", "x")
        assert s.top() is s.live
        assert await post(s) == 200
        assert "RESPOND 503 was ended: 1 answered." in s.toasts()
        assert "RESPOND" not in "".join(s.screen_text().splitlines()[:2])


@pytest.mark.slow
async def test_what_is_wrong_is_said_at_its_field(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("R")
        for keys, words in (
            (["backspace", "backspace", "backspace", *"99"], "cannot be answered"),
            (["backspace", "backspace", *"reset", "tab", *"2m"], "at most 1 min"),
            (["backspace", "backspace", "tab", *"statos:x"], "There is no field statos"),
            ([*["backspace"] * 8, "tab", *["backspace"] * 3, *"2 years"], "no span of time"),
            ([*["backspace"] * 7, "tab", *"many"], "no whole number"),
        ):
            await s.press(*keys, "enter")
            assert isinstance(s.top(), DrillForm)
            assert words in " ".join(s.screen_text().replace("│", " ").split())
        await s.press(*["backspace"] * 4, "2", "enter")
        progress = s.monitor.drill.progress
        assert progress is not None
        assert (progress.rule.status, progress.rule.times, progress.rule.delay_s) == (RESET, 2, 0)
        await s.press("R")
        s.monitor.drill.end()
        await s.until(lambda: s.top() is s.live)
        await s.press("R", "escape")
        assert s.monitor.drill.progress is None


async def test_the_status_line_never_hides_it(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(80, 24), settings=Settings(mask=True, enforce=True)) as s:
        drill = s.monitor.drill
        drill.begin(Rule(RESET, 3, parse("to:+15555550123"), 90, 5))
        assert [text for text, role in facts_of(s.monitor, NOW, []).modes if role == "alarm"] == [
            "RESPOND reset after 3 s, 5 to go, 1m29s left"
        ]
        await s.press("R")
        assert "5555550123" not in s.screen_text()
        await s.press("x")
        assert s.monitor.drill.progress is None
        drill.begin(Rule(500, 60, times=1))
        rule = drill.take(plain_captures(1)[0])
        assert rule is not None
        drill.answer(rule)
        assert ("1 DELAYED", "chip") in facts_of(s.monitor, NOW, []).modes


async def test_read_only_answers_as_ever(tmp_path: Path) -> None:
    async with screens(tmp_path, settings=Settings(read_only=True)) as s:
        await s.press("R")
        assert s.top() is s.live
        assert "only watches" in s.toasts()
        assert not any(action.id == "drill" and s.live.applies(action) for action in ACTIONS)
