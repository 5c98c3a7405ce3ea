"""The box of alerts: what is watched for, what was told, and the way to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.config import Alert as Rule
from monitor.model.reading import Status
from monitor.ui.format import clock, day
from monitor.ui.screens.alerts import AlertsScreen
from monitor.ui.widgets.filter_bar import FilterBar
from tests.factory import START
from tests.services.histories import told
from tests.ui.screens import Screens, fill, screens

FAILED = Rule("status:failed", toast=True)
BIRD = Rule("provider:bird", command=("true", "{summary}"))


def box(s: Screens) -> AlertsScreen:
    """The box, which is open."""
    screen = s.top()
    assert isinstance(screen, AlertsScreen)
    return screen


async def tell(s: Screens, number: int) -> None:
    """Wait until so many alerts were told, then until the box shows them."""
    alerts = s.app.session.alerts
    assert alerts is not None
    await s.until(lambda: alerts.told >= number)
    await s.pilot.pause(0.3)


async def test_rules_and_what_was_told_and_enter_shows_it(tmp_path: Path) -> None:
    async with screens(tmp_path, alerts=[FAILED, BIRD]) as s:
        await s.add(told("a", Status.SENT), told("a", Status.FAILED))
        await tell(s, 1)
        await s.add(told("b", Status.SENT, provider="bird"))
        await tell(s, 2)
        await s.press("exclamation_mark")
        text = s.screen_text()
        assert "✔ status:failed" in text
        assert "shows a note" in text
        assert "runs true" in text
        assert "volt failed to +15555550123: text of a" in text
        assert "bird e sent to +15555550123: text of b" in text
        told_list = box(s)._told
        latest = told_list.entries[0]
        assert told_list.cursor == 0
        await s.press("j")
        chosen = told_list.entries[1]
        await s.press("enter")
        await s.settle()
        assert chosen.of_message
        assert s.app.current_mode == "messages"
        await s.press("escape", "exclamation_mark", "enter")
        assert not latest.of_message
        assert s.app.current_mode == "live"
        assert s.captures.selected == latest.number


async def test_how_a_rule_tells_stands_apart_from_how_often(tmp_path: Path) -> None:
    async with screens(tmp_path, alerts=[Rule("status:failed", command=("notify-send", "{summary}"))]) as s:
        await s.press("exclamation_mark")
        assert "runs notify-send 0 told" in s.screen_text()


async def test_an_alert_of_another_day_names_it(tmp_path: Path) -> None:
    now = [START]
    async with screens(tmp_path, alerts=[FAILED], now=lambda: now[0]) as s:
        await s.add(told("a", Status.FAILED))
        await tell(s, 1)
        await s.press("exclamation_mark")
        (alert,) = box(s)._told.entries
        for now[0], when in ((alert.at, clock(alert.at)), (alert.at + timedelta(days=1), day(alert.at))):
            await s.press("escape", "exclamation_mark")
            assert f"{when} volt failed" in s.screen_text()


async def test_a_rule_for_the_filter_in_force_is_told_of_and_can_be_off(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("exclamation_mark")
        assert "Nothing is watched: " in s.screen_text()
        assert "a alerts on a filter (/) until hooktop ends" in s.screen_text()
        await s.press("a")
        assert box(s)._rules.count() == 0
        assert "Set a filter first (/); alerts are on what passes it." in s.toasts()
        await s.press("escape", "slash", *"status:failed", "enter", "exclamation_mark", "a", "a")
        assert [watch.rule for watch in box(s)._rules.entries] == [FAILED]
        assert "a alerts on status:failed until hooktop ends" in s.screen_text()
        await fill(s.monitor, [told("a", Status.FAILED)])
        await tell(s, 1)
        assert "1 told in this run" in s.screen_text()
        await s.press("d")
        assert "– status:failed" in s.screen_text()
        await s.press("exclamation_mark")
        assert not isinstance(s.top(), AlertsScreen)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (180, 50)])
async def test_masked_it_says_no_number_and_everything_has_room(tmp_path: Path, size: tuple[int, int]) -> None:
    rules = [Rule(f"from:+1555555{n:04}", toast=True) for n in range(12)]
    async with screens(tmp_path, alerts=[FAILED, *rules], size=size) as s:
        await s.add(*[told(f"m{n}", Status.FAILED) for n in range(3)])
        await tell(s, 1)
        await s.press("x", "exclamation_mark")
        text = s.screen_text()
        assert "volt failed volt:m0" in text
        assert "5555550123" not in text
        assert "15555550003" not in text
        assert "esc closes" in text


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
@pytest.mark.parametrize("rules", [(), (FAILED,)], ids=["none", "one"])
async def test_the_key_that_adds_a_rule_is_seen_whole(
    tmp_path: Path, size: tuple[int, int], rules: tuple[Rule, ...]
) -> None:
    async with screens(tmp_path, alerts=rules, size=size) as s:
        await s.press("exclamation_mark")
        assert "a alerts on a filter (/) until hooktop ends" in s.screen_text()
        assert (" is." if rules else "for what.") in s.screen_text()
        await s.press("escape", "slash")
        s.live.query_one(FilterBar).input.insert_text_at_cursor("text:" + "x" * 150)
        await s.press("enter", "exclamation_mark")
        assert "… until hooktop ends " in s.screen_text()
