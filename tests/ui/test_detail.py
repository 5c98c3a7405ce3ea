"""The detail pane."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import WorkerState

from monitor.model.capture import Capture
from monitor.ui.inspector import BODY, FORWARD, HEADERS, SIGNATURE, SUMMARY, TABS
from monitor.ui.lines import Document
from monitor.ui.widgets.bars import TabBar
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.lines_view import LinesView
from tests.factory import make_capture
from tests.ui.screens import Screens, mixed_captures, screens

NESTED = json.dumps({"a": {"b": [1, 2, {"needle": "here"}]}, "c": "Needle"}).encode()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (180, 50)])
@pytest.mark.slow
async def test_tabs(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, mixed_captures(), size=size) as s:
        await s.press("enter")
        expected = [tab for tab in TABS if size[0] < 150 or tab != BODY]
        for tab in [*expected[1:], SUMMARY]:
            await s.press("right")
            assert s.detail.tab == tab
            assert s.pane_text()
        await s.press("h")
        assert s.detail.tab == FORWARD
        await s.press("h")
        assert s.detail.tab == SIGNATURE
        assert "checked again" in s.pane_text()


async def test_what_cannot_be_folded_is_scrolled(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0)], size=(80, 24)) as s:
        await s.press("enter", "j", "j", "down")
        assert s.lines.scroll_offset.y == 3
        await s.press("G")
        assert s.lines.scroll_offset.y == s.lines.max_scroll_y > 3
        await s.press("g", "ctrl+d", "k", "up")
        assert s.lines.scroll_offset.y == s.lines._page // 2 - 2


@pytest.mark.slow
async def test_folding(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=NESTED)], size=(80, 24)) as s:
        await s.press("enter", "right")
        rows = len(s.lines._rows)
        await s.press("j", "enter")
        assert s.lines.folded == {1}
        assert len(s.lines._rows) < rows
        assert "… 7 lines }," in s.screen_text()
        await s.press("enter")
        assert len(s.lines._rows) == rows
        await s.press("z")
        assert s.lines.folded
        await s.press("z")
        assert not s.lines.folded
        await s.press("G", "enter")
        assert s.lines.folded == {0}
        await s.press("k", "j", "g", "G", "ctrl+d", "ctrl+u", "pageup", "pagedown")


async def test_all_is_folded_but_the_first_level_also_below_a_note(tmp_path: Path) -> None:
    body = b'{"a": 1, "a": {"b": 2}, "c": [1]}'
    async with screens(tmp_path, [make_capture(0, body=body)], size=(80, 24)) as s:
        await s.press("enter", "right")
        await s.press("z")  # once the tab is read
        assert "said more than once" in s.screen_text()
        assert '"a": { … 1 lines },' in s.screen_text()
        assert '"c": [ … 1 lines ]' in s.screen_text()


async def test_a_click_folds(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=NESTED)], size=(80, 24)) as s:
        await s.press("enter", "right")
        await s.pilot.click(s.lines, offset=(6, 1))
        await s.settle()
        assert s.lines.folded == {1}


@pytest.mark.slow
async def test_finding_goes_round_and_opens_what_is_folded(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=NESTED)], size=(80, 24)) as s:
        await s.press("enter", "right")
        await s.press("z", "slash", *"needle")
        assert "2 found" in s.screen_text()
        assert not s.detail.query_one(Input).has_focus or s.lines.folded == set()
        await s.press("enter", "n")
        assert "2 of 2" in s.screen_text()
        await s.press("n")
        assert "1 of 2" in s.screen_text()
        await s.press("N")
        assert "2 of 2" in s.screen_text()
        await s.press("slash", *"zzz")
        assert "not found" in s.screen_text()
        await s.press("escape")
        assert s.lines.sought == ""
        assert s.lines.has_focus
        await s.press("slash", *"needle", "escape", "slash")  # what was sought last is sought again
        assert "2 found" in s.screen_text()
        await s.press("enter", "n")
        assert "of 2" in s.screen_text()


async def test_raw_and_wrap(tmp_path: Path) -> None:
    body = b'{"a": "' + b"long words " * 50 + b'"}'
    async with screens(tmp_path, [make_capture(0, body=body)], size=(80, 24)) as s:
        await s.press("enter", "b")
        assert s.detail.tab == BODY
        assert s.pane_text() == body.decode()
        wrapped = len(s.lines._rows)
        await s.press("w")
        assert len(s.lines._rows) == 1 < wrapped
        assert s.lines.virtual_size.width > 500
        await s.press("shift+right", "shift+right", "shift+left")
        assert s.lines.scroll_offset.x == 16
        await s.press("w", "b")
        assert s.pane_text().startswith("{\n")


async def test_the_signature_is_checked_again_and_the_signed_text_shown(tmp_path: Path) -> None:
    capture = mixed_captures()[1]
    capture = replace(capture, provider="volt", request=replace(capture.request, path="/volt"))
    async with screens(tmp_path, [capture], size=(120, 40)) as s:
        await s.press("enter", "left", "left")
        text = s.pane_text()
        assert "when it arrived" in text
        assert "≈" in text
        assert "checked again, with today's keys" in text
        assert '{"index": 1' in text


@pytest.mark.slow
async def test_masking_hides_what_the_panes_show(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=b'{"to":"+15555550123"}')], size=(180, 50)) as s:
        assert "+15555550123" in s.screen_text()
        await s.press("x")
        assert "555555" not in s.screen_text()
        assert "Hello" not in s.screen_text()
        await s.press("enter", "left")
        assert "555555" not in s.screen_text()
        await s.press("x")
        assert "+15555550123" in s.screen_text()


async def test_text_can_be_selected(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=b'{"a":"select me"}')], size=(80, 24)) as s:
        await s.press("enter", "right")
        await s.pilot.mouse_down(s.lines, offset=(3, 1))
        await s.pilot.hover(s.lines, offset=(16, 1))
        await s.pilot.mouse_up(s.lines, offset=(16, 1))
        await s.settle()
        selected = s.app.screen.get_selected_text()
        assert selected is not None
        assert "select m" in selected


async def test_a_tab_that_is_chosen_while_the_capture_is_read_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        inspector = s.app.session.inspector
        read, reading, go_on = inspector.capture, threading.Event(), threading.Event()

        def slowly(number: int) -> Capture | None:
            reading.set()
            go_on.wait(5)
            return read(number)

        monkeypatch.setattr(inspector, "capture", slowly)
        s.detail.follow(2)
        await s.until(reading.is_set)
        s.detail.choose(HEADERS)
        go_on.set()
        await s.until(lambda: s.detail.capture is not None and s.detail.capture.id == 2)
        await s.until(lambda: "content-type" in s.pane_text())


async def test_a_capture_that_is_gone_says_so(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        assert f"#{len(mixed_captures())}" in s.screen_text()
        s.detail.follow(99)
        await s.settle()
        assert "no longer in the store" in s.pane_text()
        assert "#" not in s.screen_text()  # the one before is not named any more
        s.app.session.inspector.close()
        s.detail.follow(2)
        await s.settle()
        assert "cannot be read" in s.pane_text()


async def test_a_big_body_is_shown_in_part(tmp_path: Path) -> None:
    body = b"[" + b'{"number":"+15555550123"},' * 30_000 + b"0]"
    async with screens(tmp_path, [make_capture(0, body=body)], size=(120, 40)) as s:
        await s.press("enter", "right")
        assert "the first 65.5 KB of 780.0 KB" in s.screen_text()
        assert len(s.lines.document.lines) < 12_000


@pytest.mark.slow
async def test_what_was_found_is_counted_anew_in_another_tab_and_capture(tmp_path: Path) -> None:
    more = make_capture(1, body=b'{"needle": "needle, needle"}')
    async with screens(tmp_path, [more, make_capture(0, body=NESTED)], size=(80, 24)) as s:
        await s.press("enter", "right", "slash", *"needle", "enter", "n")
        assert "2 of 2" in s.screen_text()
        await s.press("K")
        assert "3 found" in s.screen_text()
        await s.press("N")
        assert "3 of 3" in s.screen_text()
        await s.press("n")
        assert "1 of 3" in s.screen_text()
        await s.press("right")
        assert "not found" in s.screen_text()
        await s.press("left", "n", "n", "x")
        assert "found" in s.screen_text()
        await s.press("escape")
        assert "found" not in s.screen_text()


@pytest.mark.slow
async def test_the_pane_of_the_body_obeys_the_keys_of_the_pane_beside_it(tmp_path: Path) -> None:
    body = b'{"a": "' + b"long words " * 50 + b'"}'
    path = tmp_path / "p.json"
    async with screens(tmp_path, [make_capture(0, body=body)], size=(180, 50), preferences=path) as s:
        shown = s.live.query_one("#body", Detail)
        lines = shown.query_one(LinesView)

        def wraps() -> bool:
            return lines.wrapping

        await s.press("enter", "right")
        assert s.detail.tab == HEADERS
        await s.press("b")
        assert [line.text for line in lines.document.lines] == [body.decode()]
        assert s.detail.tab == HEADERS
        await s.press("w")
        assert not wraps()
        await s.press("tab")
        assert lines.has_focus
        await s.press("b", "w", "left")
        assert lines.document.lines[0].text == "{"
        assert wraps()
        assert s.detail.tab == HEADERS
        await s.press("w")
    async with screens(tmp_path, preferences=path) as s:
        await s.press("enter")
        assert not s.app.session.detail.wrap


@pytest.mark.slow
async def test_all_of_a_long_value_comes_into_sight(tmp_path: Path) -> None:
    body = b'{"a": "' + b" ".join(b"word%03d" % n for n in range(110)) + b'", "b": 1}'
    async with screens(tmp_path, [make_capture(0, body=body)], size=(100, 15)) as s:
        for down, up in (("j", "k"), ("pagedown", "pageup")):
            await s.press("enter", "right")
            seen = ""
            for key in [down] * 30 + [up] * 30:
                before = s.screen_text()
                await s.press(key)
                seen += s.screen_text()
                if key == up and "word000" in seen and before == s.screen_text():
                    break
            assert not [n for n in range(110) if f"word{n:03}" not in seen]
            await s.press("left", "escape")


async def test_marking_a_line_that_is_all_matches_takes_no_longer_than_drawing_it(tmp_path: Path) -> None:
    body = b'{"image": "' + b"A" * 60_000 + b'"}'
    async with screens(tmp_path, [make_capture(0, body=body)], size=(120, 40)) as s:
        await s.press("enter", "b", "slash", "a")
        assert "found" in s.screen_text()
        began = time.process_time()
        for y in range(s.lines.size.height):
            s.lines.render_line(y)
        assert time.process_time() - began < 0.5  # all waits for it, the receiver too
        await s.press("enter", "n", "n")
        marked = s.lines._marked(0, s.lines.document.lines[0])
        assert [role for _, _, role in marked.spans[-2:]] == ["match-now", "match"]
        assert "".join(marked.text[start:end] for start, end, _ in marked.spans) == marked.text


async def drag(s: Screens, first: tuple[int, int], last: tuple[int, int]) -> str | None:
    """Select with the mouse from one place of the lines to another; gives the text."""
    await s.pilot.mouse_down(s.lines, offset=first)
    await s.pilot.hover(s.lines, offset=last)
    await s.pilot.mouse_up(s.lines, offset=last)
    await s.settle()
    return s.app.screen.get_selected_text()


async def test_selecting_folds_nothing(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=NESTED)], size=(80, 24)) as s:
        await s.press("enter", "right")
        assert await drag(s, (2, 1), (8, 2)) == ' "a": {\n    "b":'
        assert not s.lines.folded
        await s.pilot.click(s.lines, offset=(8, 2))
        assert s.lines.folded == {2}


async def test_only_text_that_is_seen_is_selected(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0, body=b'{"a":"select me"}')], size=(120, 40)) as s:
        for place in ("#status", "#heading", "#keys", "TabBar"):
            await s.pilot.click(place, times=3)
            assert s.app.screen.get_selected_text() is None
            await s.pilot.mouse_down(place)
            await s.pilot.hover(place, offset=(1, 0))
            await s.pilot.mouse_up(place, offset=(1, 0))
            assert s.app.screen.get_selected_text() is None
        s.detail.choose(BODY)
        await s.settle()
        await s.pilot.click(s.lines, offset=(3, 1), times=3)
        assert s.app.screen.get_selected_text() == '{\n  "a": "select me"\n}'


async def test_a_match_far_into_a_long_line_comes_into_sight(tmp_path: Path) -> None:
    body = b'{"a": "' + b"many words " * 90 + b'needle", "b": "other needle"}'
    async with screens(tmp_path, [make_capture(0, body=body)], size=(80, 15)) as s:
        await s.press("enter", "right", "slash", *"needle")
        assert 'needle",' in s.screen_text()
        await s.press("enter", "g", "w", "n", "N")
        assert 'needle",' in s.screen_text()
        assert "1 of 2" in s.screen_text()
        await s.press("n")
        assert "other needle" in s.screen_text()


@pytest.mark.parametrize("gone", [(TabBar,), (TabBar, LinesView)])
async def test_a_pane_that_is_taken_off_the_screen_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: tuple[type[Widget], ...]
) -> None:
    go_on = threading.Event()
    async with screens(tmp_path, [make_capture(0)]) as s:
        await s.press("enter")
        inspector = s.detail._inspector
        document = inspector.document

        def slow(*asked: Any, **how: Any) -> Document:
            go_on.wait(10)
            return document(*asked, **how)

        monkeypatch.setattr(inspector, "document", slow)
        s.detail.reload()
        [worker] = [one for one in s.app.workers if one.group == f"load-{s.detail.id}" and not one.is_finished]
        await s.pilot.pause()
        for part in gone:  # each goes by itself
            await s.detail.query_one(part).remove()
        go_on.set()
        await worker.wait()
        assert worker.state is WorkerState.SUCCESS
