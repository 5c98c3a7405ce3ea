"""The status line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.services.feed import Feed
from monitor.services.monitor import Settings
from monitor.ui.painted import cells
from monitor.ui.status import VIEWS, Facts, facts_of, status_lines, view_at
from tests.factory import make_capture, running
from tests.ui.screens import NOW

FACTS = Facts(
    local="127.0.0.1:8787", public="https://a1b2.trycloudflare.com", listening=True, total=1204, rate=12.0,
    seconds=(1, 2, 3), verdicts={"verified": 1187, "invalid": 3, "no_key": 11, "unsigned": 3}, modes=(), last="",
)  # fmt: skip


def text(facts: Facts, width: int, tall: bool = True) -> list[str]:
    return ["".join(part for part, _ in parts) for parts in status_lines(facts, width, tall=tall)]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 180])
def test_it_says_where_how_many_and_which_verdicts(width: int) -> None:
    first, second = text(FACTS, width)
    assert "a1b2.trycloudflare.com" in first or width < 80
    assert "1,204" in first
    for number in ("✔", "1,187", "✖", "3", "11"):
        assert number in second
    assert max(len(first), len(second)) <= width


def test_wide_and_tall_screens_have_the_sparkline_and_both_addresses() -> None:
    first, second = text(FACTS, 120)
    assert "▃" in first
    assert "→ 127.0.0.1:8787" in first
    assert "no key" in second
    assert "▃" not in text(FACTS, 120, tall=False)[0]
    assert "▃" not in text(FACTS, 80)[0]


def test_the_address_of_this_machine_makes_room_for_the_names_of_the_views() -> None:
    facts = replace(FACTS, view="live")
    for width, named, local in ((150, True, "127.0.0.1:8787"), (132, True, ":8787"), (120, False, "127.0.0.1:8787")):
        first = text(facts, width)[0]
        assert ("4 webhooks" in first) is named, width
        assert f"https://a1b2.trycloudflare.com → {local} " in first, width


def test_a_rate_is_written_as_other_numbers_are() -> None:
    shown = {rate: text(replace(FACTS, rate=rate), 120)[0].split()[-1] for rate in (0.0, 2.5, 12.0, 1234.5)}
    assert shown == {0.0: "0/s", 2.5: "2.5/s", 12.0: "12/s", 1234.5: "1,234/s"}


def test_states_are_never_cut_for_verdict_counts() -> None:
    modes = (("RECEIVER DOWN", "alarm"), ("PAUSED 37 waiting", "chip"), ("ENFORCE", "chip"))
    for width in (60, 80, 120):
        second = text(replace(FACTS, modes=modes, last="last event 4 min ago"), width)[1]
        assert len(second) <= width
        assert all(word in second for word in ("RECEIVER DOWN", "PAUSED 37 waiting", "ENFORCE"))


@pytest.mark.parametrize("width", range(28, 200, 7))
def test_any_width_is_kept(width: int) -> None:
    for parts in status_lines(replace(FACTS, modes=(("PAUSED", "chip"),)), width, tall=True):
        assert cells(parts) <= width


async def test_facts_name_every_unusual_state(tmp_path: Path) -> None:
    settings = Settings(enforce=True, read_only=True, demo=True)
    async with running(tmp_path / "x.db", settings) as monitor:
        monitor.feed.refuse(413)
        monitor.feed.refuse(413)
        monitor.feed.refuse(408)
        monitor.store.trouble = "disk is full"
        monitor.host = "192.0.2.7"
        words = " ".join(word for word, _ in facts_of(monitor, NOW, [("MASK", "chip")]).modes)
    for expected in ("ENFORCE", "READ-ONLY", "DEMO", "MASK", "3 refused 408×1 413×2", "STORE BUSY disk is full",
                     "OPEN TO THE NETWORK"):  # fmt: skip
        assert expected in words
    after = facts_of(monitor, NOW, [])
    assert ("RECEIVER DOWN", "alarm") in after.modes


async def test_fewer_than_expected_are_an_alarm_after_a_minute(tmp_path: Path) -> None:
    async with running(tmp_path / "h.db", Settings(expect=3)) as monitor:
        now = [1000.0]
        monitor.feed = Feed(lambda: now[0])

        def alarms() -> list[str]:
            return [word for word, role in facts_of(monitor, NOW, []).modes if role == "alarm"]

        now[0] += 59
        assert alarms() == []
        now[0] += 1
        assert alarms() == ["0 OF 3 EXPECTED A MINUTE"]
        monitor.feed.add([make_capture(n) for n in range(1, 3)])
        assert alarms() == ["2 OF 3 EXPECTED A MINUTE"]
        now[0] += 30
        monitor.feed.add([make_capture(3)])
        assert alarms() == []
        now[0] += 40
        assert alarms() == ["1 OF 3 EXPECTED A MINUTE"]


def test_a_click_finds_the_view_that_is_named_under_it() -> None:
    def found(facts: Facts) -> list[str | None]:
        first, _ = status_lines(facts, 150, tall=True)
        return list(dict.fromkeys(view_at(first, cell) for cell in range(150)))

    assert found(replace(FACTS, view="live")) == [None, *VIEWS]
    assert found(replace(FACTS, opened=True, local="live")) == [None]  # a file of that name
    assert view_at([], 0) is None
