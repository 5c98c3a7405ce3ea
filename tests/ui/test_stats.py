"""Figures: how they are drawn, and the overlay over a real history."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.filter import parse
from monitor.model.reading import Direction, MessageError, Status
from monitor.services.stats import History, Span, Stats, statistics
from monitor.store.stats_reader import Bucket, StatsReader
from monitor.ui.documents.figures import across, coarser, figures, plot
from monitor.ui.documents.look import Reader
from monitor.ui.lines import plain_text
from monitor.ui.painted import cells
from monitor.ui.screens import counted
from monitor.ui.screens import stats as overlay
from monitor.ui.screens.stats import StatsScreen
from tests.factory import START
from tests.services.histories import NOW, history, told
from tests.ui.screens import Screens, fill, mixed_captures, plain_captures, screens
from tests.ui.test_safety import HOSTILE

SPAM = MessageError("40002", "702", "T-MOBILE", title="Blocked as spam, +15555550199")


def series(counts: list[tuple[int, int]], step: timedelta = timedelta(minutes=1)) -> History:
    """A rate over time of these captures and failures."""
    buckets = tuple(Bucket(START + n * step, captures, failed) for n, (captures, failed) in enumerate(counts))
    return History(Span.HOUR, step, buckets)


def drawn(history: History, room: int = 80, height: int = 4) -> list[str]:
    return ["".join(text for text, _ in row) for row in plot(history, room, height)]


# --- drawing -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("utc")
def test_the_plot_has_bars_an_axis_times_and_the_share_of_failures() -> None:
    rows = drawn(series([(0, 0), (32, 0), (1, 0), (16, 8)] * 10), room=60)
    assert rows[0].startswith("    32 ┤ █  ")
    assert rows[3][8:12] == " █▁█"
    assert rows[4].strip().startswith("0 └─")
    assert rows[5].startswith("failed     █   █")
    assert [part for part in rows[6].split(" ") if part] == ["12:00", "12:20", "12:39"]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone is the system's there")
@pytest.mark.parametrize("zone", ["PST8", "UTC", "CET-1", "NZST-12"])
def test_a_day_is_named_for_where_most_of_it_lies(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    days = series([(1, 0)] * 40, timedelta(days=1))
    midnight = NOW.replace(hour=0)
    days = replace(
        days, buckets=tuple(replace(one, begins=midnight + n * days.step) for n, one in enumerate(days.buckets))
    )
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert drawn(days)[-1].split()[0] == f"{midnight:%Y-%m-%d}"
    time.tzset()


def test_a_plot_without_failures_has_no_row_of_them() -> None:
    assert not any("failed" in row for row in drawn(series([(3, 0), (0, 0)])))


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(sorted), min_size=1, max_size=61),
    st.sampled_from([timedelta(seconds=1), timedelta(minutes=30), timedelta(days=7), timedelta(days=365)]),
    st.integers(76, 200),
)
def test_any_plot_keeps_to_its_room_and_shows_all_there_is(counts: list[list[int]], step: timedelta, room: int) -> None:
    whole = series([(captures, failed) for failed, captures in counts], step)
    rows = drawn(whole, room)
    assert all(cells([(row, "plain")]) <= room for row in rows)
    wide = (len(rows[4]) - rows[4].index("└") - 1) // len(counts)
    for at, (_, captures) in enumerate(counts):
        assert (rows[3][rows[3].index("│") + 1 :][at * wide] != " ") is (captures > 0)


def test_there_are_fewer_bars_where_there_is_less_room() -> None:
    whole = series([(1, 0), (2, 1), (3, 0)] * 20)
    fewer = coarser(whole, 25)
    assert fewer.step == timedelta(minutes=3)
    assert {(one.captures, one.failed) for one in fewer.buckets} == {(6, 1)}
    assert coarser(whole, 60) is whole


def test_a_bar_is_as_long_as_its_share_and_never_nothing() -> None:
    assert across(1, 10) == "█" * 10
    assert across(0.5, 5) == "██▌"
    assert across(0.000_001, 10) == "▏"
    assert across(0, 10) == ""


@asynccontextmanager
async def figured(folder: Path, wanted: str = "", span: Span | None = None) -> AsyncIterator[Stats]:
    """The figures of a history of every kind of thing."""
    captures = [told(f"d{n}", Status.DELIVERED, wait=n / 10) for n in range(1, 40)]
    captures += [told(f"f{n}", Status.FAILED, error=SPAM, ago=4000 - n) for n in range(3)]
    for n, text in enumerate(HOSTILE):
        error = MessageError(text, f"{n} {text}", text, title=text * 20)
        captures.append(told(f"h{n}", Status.FAILED, provider="bird", error=error, ago=100 + n))
    captures += [told("o", Status.SENT, ago=10), told("i", Status.RECEIVED, direction=Direction.INBOUND)]
    async with history(folder / "h.db", captures) as reader:
        yield statistics(reader, parse(wanted), NOW + timedelta(seconds=60), span)


async def test_everything_is_said(tmp_path: Path) -> None:
    async with figured(tmp_path) as stats:
        text = plain_text(figures(stats, Reader(), 76))
    for expected in (
        "Captures per minute, the last hour", "✔ verified", "100%", "● delivered", "✖ failed", "under way", "█ p50",
        "accepted to sent", "sent to end", "250ms", "T-MOBILE", "Blocked as spam, +15555550199", "code 40002",
        "more reasons",
    ):  # fmt: skip
        assert expected in text, expected


async def test_masked_figures_show_no_numbers(tmp_path: Path) -> None:
    async with figured(tmp_path) as stats:
        text = plain_text(figures(stats, Reader(masked=True), 120))
    assert "Blocked as spam" in text
    assert "5555550199" not in text


@pytest.mark.parametrize("wanted", ["", "provider:bird", "id>3", "status:read"])
async def test_every_width_holds_whatever_is_said(tmp_path: Path, wanted: str) -> None:
    async with figured(tmp_path, wanted) as stats:
        for width in (50, 56, 73, 109, 110, 116, 164, 165, 176, 300):
            for one in figures(stats, Reader(), width):
                assert cells([(one.text, "plain")]) <= max(width, 60), one.text
                assert one.text.isprintable()


async def test_what_messages_do_not_have_is_said(tmp_path: Path) -> None:
    async with figured(tmp_path, "verdict:verified") as stats:
        text = " ".join(plain_text(figures(stats, Reader(), 76)).split())
    assert "verdict can be asked of captures only, not of messages." in text
    assert "no figures of messages" in text
    assert "How long" not in text


# --- the overlay ---------------------------------------------------------------------------------------------------


def shown(s: Screens) -> Stats:
    """What the box shows."""
    top = s.app.screen
    assert isinstance(top, StatsScreen)
    assert top.stats is not None
    return top.stats


@pytest.mark.slow
async def test_it_opens_from_every_view_and_closes(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        for view, closing in (("1", "escape"), ("2", "q"), ("3", "S")):
            await s.press(view)
            below = s.app.screen
            await s.press("S")
            assert "Figures of everything" in s.screen_text()
            assert "Captures per" in s.screen_text()
            await s.press("j", "G", "ctrl+u", "g", closing)
            await s.until(lambda below=below: s.app.screen is below)  # type: ignore[misc]  # bound in the loop
        assert s.app.return_code is None


@pytest.mark.slow
async def test_columns_follow_the_size(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(180, 50)) as s:
        await s.press("S")
        for width, below in ((180, "How long"), (120, "How long"), (80, "")):
            await s.pilot.resize_terminal(width, 40)
            await s.settle()
            heads = next(row for row in s.screen_text().splitlines() if "Signatures" in row)
            assert below in heads
            assert ("Why" in heads) is (width == 180)


@pytest.mark.slow
async def test_it_obeys_the_filter_and_says_what_messages_do_not_have(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        await s.press("slash", *"verdict:stale", "enter", "S")
        assert "Figures of verdict:stale" in s.screen_text()
        assert "✔ verified" not in s.screen_text()
        assert "◷ stale" in s.screen_text()
        assert "asked of captures only" in s.screen_text()


async def test_the_span_can_be_chosen(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        await s.press("S")
        for words in ("the whole history", "the last hour", "the last 24 hours", "the whole history"):
            assert words in s.screen_text()
            await s.press("w")


@pytest.mark.slow
async def test_it_is_live_unless_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatsScreen, "EVERY_S", 0.05)
    monkeypatch.setattr(counted, "PATIENCE", 0)
    async with screens(tmp_path, plain_captures(3), size=(120, 40)) as s:
        await s.press("S")
        await fill(s.monitor, plain_captures(2))
        await s.until(lambda: shown(s).rates.captures == 5)
        s.live.session.view.freeze(True)
        await fill(s.monitor, plain_captures(2))
        await s.pilot.pause(0.3)
        assert shown(s).rates.captures == 5
        s.live.session.view.freeze(False)
        await s.until(lambda: shown(s).rates.captures == 7)


@pytest.mark.slow
async def test_closing_breaks_a_long_count_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def endless(reader: StatsReader, *_: object) -> Stats:
        try:
            reader._all("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
            raise AssertionError("it never ends by itself")
        finally:
            ended.set()

    monkeypatch.setattr(overlay, "statistics", endless)
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.pilot.press("S")
        for key in ("w", "escape"):
            await s.until(lambda: "Counting 3 captures" in s.screen_text())
            assert not ended.is_set()
            await s.pilot.press(key)
            await s.until(ended.is_set)
            ended.clear()
        await s.until(lambda: s.top() is s.live)


async def test_a_store_that_fails_costs_the_box_only(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        (tmp_path / "hooktop.db").rename(tmp_path / "away.db")
        await s.press("S")
        assert "cannot be read" in s.screen_text()
        await s.press("w", "escape")
        (tmp_path / "away.db").rename(tmp_path / "hooktop.db")
        assert s.top() is s.live


async def test_of_nothing_only_the_key_that_closes_is_named(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(80, 24)) as s:
        await s.press("S")
        await s.until(lambda: "Nothing was captured yet." in s.screen_text())
        assert "esc closes" in s.screen_text()
        assert "w other span" not in s.screen_text()
        await fill(s.monitor, plain_captures(1))
        await s.until(lambda: "w other span, jk scroll, esc closes" in s.screen_text())
