"""What the screens look like: few pictures, seeded, with a clock that stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.widgets import Input

from monitor.model.attempt import Attempt
from monitor.model.capture import Capture
from monitor.model.reading import MessageError, Status
from monitor.model.verdict import VerdictStatus
from monitor.ui.screens.overlay import heading
from monitor.ui.widgets.filter_bar import FilterBar
from tests.factory import START
from tests.forwarding.app import app
from tests.services.histories import told
from tests.ui.screens import Screens, mixed_captures, screens
from tests.ui.test_replay import ERROR, connectly, ended, order
from tests.ui.test_replay import scene as replaying

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

pytestmark = pytest.mark.usefixtures("utc")
URL = "https://a1b2.trycloudflare.com"


def stand_still(s: Screens) -> None:
    """Rates, port and cursor as they are in every run."""
    feed = s.monitor.feed
    feed._clock = lambda: float(feed._second)
    feed._seconds.extend(n * n % 7 for n in range(60))
    s.monitor.port = 8787
    for box in s.live.query(Input):
        box.cursor_blink = False


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        ((80, 24), "hooktop-dark", ["k"]),
        ((80, 24), "hooktop-dark", ["g", "j", "enter", "left", "left"]),
        ((120, 40), "hooktop-dark", ["g", "j"]),
        ((120, 40), "hooktop-light", ["g", "j", "enter", "right"]),
        ((120, 40), "hooktop-dark", ["question_mark"]),
        ((180, 50), "hooktop-dark", []),
        ((80, 24), "ansi-dark", ["x", "T"]),
    ],
    ids=["list", "signature", "split", "split-light", "help", "three", "masked-ansi"],
)
async def test_screen(
    tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], theme: str, keys: list[str]
) -> None:
    async with screens(tmp_path, mixed_captures(), size=size) as s:
        s.monitor.reach.change(URL)
        s.app.theme = theme
        await compare(s, snapshot, keys)


async def test_filter(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        s.monitor.reach.change(URL)
        await s.press("slash")
        # all of it in one step: a rest while it is typed would put the words before it in force
        s.live.query_one(FilterBar).input.insert_text_at_cursor("status:x")
        await s.until(lambda: "▲" in s.screen_text())
        await compare(s, snapshot, [])


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        ((80, 24), "hooktop-dark", ["2", "j"]),
        ((120, 40), "hooktop-light", ["2", "j", "enter", "j"]),
        ((120, 40), "hooktop-dark", ["3", "enter"]),
        ((80, 24), "hooktop-dark", ["3", "x"]),
    ],
    ids=["messages", "lifecycle-light", "thread", "conversations-masked"],
)
async def test_views(
    tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], theme: str, keys: list[str]
) -> None:
    async with screens(tmp_path, apart(mixed_captures()), size=size) as s:
        s.monitor.reach.change(URL)
        await s.monitor.store.caught_up()
        s.app.theme = theme
        await s.press(keys[0])
        await s.until(lambda: s.app.current_mode != "live")
        await s.settle()
        await compare(s, snapshot, keys[1:])


async def test_figures(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    spam = MessageError("40002", "702", "T-MOBILE USA, INC.", title="Blocked as spam")
    captures = [
        told(f"d{n}", (Status.DELIVERED, Status.SENT, Status.READ)[n % 7 // 3], ago=n * n * 1.3, wait=n * 7 % 11 / 2,
             provider=("volt", "bird")[n % 3 // 2])
        for n in range(1, 50)
    ]  # fmt: skip
    captures += [told(f"f{n}", Status.FAILED, ago=300 + n * 90, error=spam) for n in range(5)]
    captures += [told("x", Status.DELIVERED, verdict=VerdictStatus.INVALID, ago=600)]
    async with screens(tmp_path, captures, size=(120, 40)) as s:
        await s.monitor.store.caught_up()
        await compare(s, snapshot, ["S"])


@pytest.mark.parametrize(
    ("size", "theme"), [((80, 24), "hooktop-dark"), ((120, 40), "hooktop-light")], ids=["narrow", "wide-light"]
)
@pytest.mark.slow
async def test_comparison(tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], theme: str) -> None:
    first, second = connectly("Where is my parcel?"), connectly("Where is my parcel? It was due «yesterday».")
    second = replace(second, answer=401, verdict=replace(second.verdict, status=VerdictStatus.INVALID))
    async with replaying(tmp_path, [first, second], size=size) as s:
        s.app.theme = theme
        await s.press("d", "k", "d")
        await s.until(lambda: "message.text" in s.screen_text())
        s.app.clear_notifications()
        await compare(s, snapshot, [])


@pytest.mark.slow
async def test_replayed(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with app() as running, replaying(tmp_path, [connectly(f"text {n}") for n in range(6)]) as s:
        await order(s, running, "w", "a")
        await ended(s)
        await s.press("escape")
        running.behaviour = ERROR
        await order(s, running, "w", "a")
        shown = await ended(s)
        listed, at = shown._list, START + timedelta(hours=1)
        for index, one in enumerate(listed.answers):  # all that is of this run alone
            assert isinstance(one.before, Attempt)
            url = one.attempt.url.replace(running.url, "http://localhost:3000")
            listed.answers[index] = replace(
                one,
                attempt=replace(one.attempt, at=at, took_s=0.0123, url=url),
                before=replace(one.before, at=START, took_s=0.25, url=url),
            )
        shown.outcome.begun, shown.outcome.ended = 0.0, 2.0
        shown.query_one("#replay-answers").border_title = heading("Replaying 6 captures to http://localhost:3000")
        listed.changed()
        await s.press("g")
        await compare(s, snapshot, [])


def apart(captures: list[Capture]) -> list[Capture]:
    """Captures of as many messages."""
    return [
        replace(capture, reading=capture.reading and replace(capture.reading, message=f"volt:{index}", aliases=()))
        for index, capture in enumerate(captures)
    ]


@pytest.mark.parametrize("theme", ["hooktop-dark", "hooktop-light"])
async def test_empty(tmp_path: Path, snapshot: SnapshotAssertion, theme: str) -> None:
    async with screens(tmp_path, size=(80, 24)) as s:
        s.app.theme = theme
        await compare(s, snapshot, [])


async def compare(s: Screens, snapshot: SnapshotAssertion, keys: list[str]) -> None:
    """The screen after some keys equals the picture that was looked at and accepted."""
    stand_still(s)
    for key in keys:  # one by one: a key of a pane is for what has been read into it
        await s.press(key)
    for screen in {s.live, s.app._base()}:
        assert screen is not None
        screen.tick()
    await s.settle()
    assert s.app.export_screenshot(title="hooktop") == snapshot(extension_class=SVGImageExtension)
