"""Captures are let go while somebody looks at them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.factory import START, make_capture
from tests.ui.screens import plain_captures, screens


@pytest.mark.slow
async def test_the_lists_leave_out_what_was_let_go(tmp_path: Path) -> None:
    captures = [
        replace(
            capture, received_at=START + timedelta(seconds=n), reading=replace(capture.reading, message=f"volt:{n}")
        )
        for n, capture in enumerate(plain_captures(60))
        if capture.reading is not None
    ]
    async with screens(tmp_path, captures, size=(99, 30)) as s:
        await s.press("G")
        for _ in range(14):
            await s.pilot.press("k")
        await s.settle()
        assert s.captures.selected == 46
        assert "text 38" in s.screen_text()
        await s.monitor.store.caught_up()
        assert await s.monitor.store.prune(START + timedelta(seconds=40)) == 40
        await s.until(lambda: len(s.app.session.view) == 20)
        s.live.tick()
        await s.settle()
        assert s.captures.selected == 46
        assert "20 captures" in s.screen_text()
        assert "text 38" not in s.screen_text()
        assert "text 46" in s.screen_text()
        await s.press("2")
        await s.until(lambda: "text 60" in s.screen_text())
        assert "text 38" not in s.screen_text()
        assert await s.monitor.store.prune(START + timedelta(days=1)) == 20
        await s.until(lambda: "text 60" not in s.screen_text())
        await s.press("1")
        await s.until(lambda: "0 captures" in s.screen_text())


async def test_what_is_new_stays_new_when_what_is_old_is_let_go(tmp_path: Path) -> None:
    old = [replace(make_capture(reading=None), id=0, received_at=START + timedelta(seconds=n)) for n in range(9)]
    async with screens(tmp_path, old) as s:
        await s.press("k")
        await s.add(*(replace(capture, received_at=START + timedelta(hours=1)) for capture in plain_captures(3)))
        assert await s.monitor.store.prune(START + timedelta(seconds=5)) == 5
        await s.until(lambda: len(s.app.session.view) == 7)
        s.live.tick()
        await s.settle()
        assert s.captures.selected == 8
        assert "▼ 3 new" in s.screen_text()
        await s.press("slash", *"provider:volt", "enter", "esc")  # another list, and the first one again
        await s.until(lambda: len(s.app.session.view) == 7)
        s.live.tick()
        await s.settle()
        assert "▼ 3 new" in s.screen_text()
        await s.press("G")
        assert "new," not in s.screen_text()


async def test_marks_go_with_what_was_let_go(tmp_path: Path) -> None:
    captures = [replace(make_capture(reading=None), id=0, received_at=START + timedelta(seconds=n)) for n in range(4)]
    async with screens(tmp_path, captures) as s:
        await s.press("g", "v", "v", "v")
        assert "3 MARKED" in s.screen_text()
        assert await s.monitor.store.prune(START + timedelta(seconds=2)) == 2
        await s.until(lambda: len(s.app.session.view) == 2)
        await s.until(lambda: list(s.app.session.marks) == [3])
        s.live.tick()
        await s.settle()
        assert "MARKED #3" in s.screen_text()


async def test_nothing_is_counted_once_all_were_let_go(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(2), size=(80, 24)) as s:
        await s.press("enter")
        s.tick()
        await s.settle()
        assert "2/2" in s.screen_text()
        assert await s.monitor.store.prune(START + timedelta(days=1)) == 2
        await s.until(lambda: not len(s.app.session.view))
        s.tick()
        await s.settle()
        assert "/0" not in s.screen_text().splitlines()[-1]


async def test_a_message_that_was_let_go_says_so(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1), size=(80, 24)) as s:
        await s.monitor.store.caught_up()
        await s.press("2", "enter")
        await s.until(lambda: "text 1" in s.screen_text())
        assert await s.monitor.store.prune(START + timedelta(days=1)) == 1
        await s.until(lambda: "this message was let go" in s.screen_text())
