"""Nothing foreign acts on the terminal or on the app: both layers, and what a driver writes in the end."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.widgets import Input

import monitor.ui
from monitor.model.capture import Capture
from monitor.model.reading import Media, MessageError, Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.ui.inspector import TABS
from monitor.ui.safety import ControlFilter, toast
from monitor.ui.screens.frame import SPLIT
from tests.corpora import corpora
from tests.factory import FULL_READING, make_capture, make_request
from tests.ui.screens import RecordingDriver, Screens, screens

HOSTILE = (
    "\x1b]52;c;cm0gLXJmIH4=\x07", "\x1b]52;c;cm0gLXJmIH4=\x1b\\", "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b[6n",
    "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x9b2J", "\x9d0;x\x9c", "\x00\x01\x0e\x0f\x7f",
    "\r\n\x0b\x0c\t\b",
    "\u202eabc\u2066\u200b\u200d\ufeff", "\u2028\u2029\x85", "[/nope]", "[@click=app.quit]x[/]", "[link=x]y[/link]",
    "[red]",
    "\\[", "$h-bad", "a" + "\u0301" * 2000, "🧑‍🚀" * 20, "\U000e0041\ue000\u0378", "\x1b[?1049l\x1bc", "\x1bP1$r\x1b\\",
)  # fmt: skip
# What Textual itself writes: colours, cursor, modes, its own queries. Anything else came from a payload.
OWN = re.compile(
    r"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*[HABCDGK]|\x1b\[\?[0-9;]*[hl]|\x1b\[\?2026\$p|\x1b\[>[0-9;]*u|\x1b\[<u|\x1b\]22;[a-z-]*\x07"
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07|\x07"
)
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def hostile_capture(text: str) -> Capture:
    """A capture with the text in every field that foreign text can be in."""
    reading = Reading(
        event=text, event_id=text, message=text, aliases=(text,), conversation=text, direction=FULL_READING.direction,
        channel=text, status=FULL_READING.status, provider_status=text, mark=text, from_=text, to=text, text=text,
        media=(Media(text, text, 1),), error=MessageError(text, text, text, text, text, text, text, False),
        occurred_at=FULL_READING.occurred_at, facts=((text, text),), problems=(text,),
    )  # fmt: skip
    wire = text.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r", "").replace("\n", "")
    request = make_request(json.dumps({text: text, "list": [text]}).encode(), x_evil=wire, forwarded=wire)
    request = replace(request, path="/volt/" + wire, query=wire, method=wire[:20] or "POST", peer=wire or None)
    verdict = Verdict(VerdictStatus.INVALID, text, text, text, text, 1.0)
    return replace(make_capture(0, reading=reading), request=request, verdict=verdict, marks=(text,))


def foreign_controls(written: list[str]) -> set[str]:
    return set(FORBIDDEN.findall(OWN.sub("", "".join(written))))


async def walk(s: Screens) -> None:
    """Look at everything that shows a capture."""
    for keys in (["enter"], ["right"], ["b"], ["b"], ["right"], ["right"], ["w"], ["w"], ["left"], ["escape"], ["y"],
                 ["escape"], ["question_mark"], ["escape"]):  # fmt: skip
        await s.press(*keys)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (180, 50)])
async def test_no_hostile_text_acts_wherever_it_stands(tmp_path: Path, size: tuple[int, int]) -> None:
    captures = [hostile_capture(text) for text in HOSTILE]
    async with screens(tmp_path, captures, size=size, driver=RecordingDriver) as s:
        await walk(s)
        for number in range(len(HOSTILE), 0, -1):
            s.captures.move_to(number - 1)
            for tab in TABS:
                s.detail.choose(tab)
                await s.done()
                if size[0] < SPLIT:
                    break  # the pane is not on this screen: the walk has seen it
        for text in HOSTILE:
            toast(s.app, text)
            await s.pilot.pause()
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert len("".join(driver.written)) > 10_000
        assert foreign_controls(driver.written) == set()
        assert s.app.return_code is None
        assert s.app.clipboard == ""
        assert s.captures.bad_rows == 0
        [row] = s.captures.view.rows(13, 14)
        assert row is not None
        assert "[@click=app.quit]x[/]" in (row.text or "")


@pytest.mark.slow
async def test_hostile_text_in_the_filter_and_the_search(tmp_path: Path) -> None:
    async with screens(tmp_path, [hostile_capture("x")], driver=RecordingDriver) as s:
        for text in HOSTILE:
            s.live.action_filter()
            s.live.query_one("#filter-input", Input).value = text
            await s.pilot.pause()
            await s.pilot.press("enter", "escape", "escape")
        await s.settle()
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()


@pytest.mark.slow
async def test_naughty_strings_and_terminal_recordings_are_only_text(tmp_path: Path) -> None:
    folder = corpora()
    texts = json.loads((folder / "naughty-strings" / "blns.json").read_text("utf-8"))
    inputs = sorted((folder / "terminal-xterm-js").rglob("*.in"))
    assert len(texts) == 515
    assert len(inputs) == 76
    texts += [path.read_bytes().decode("utf-8", "backslashreplace") for path in inputs]
    captures = [hostile_capture(text) for text in texts]
    async with screens(tmp_path, captures, size=(180, 50), driver=RecordingDriver) as s:
        s.captures.action_top()
        step = s.captures.page
        for index in range(0, len(captures), step):
            s.captures.move_to(index)
            await s.pilot.pause()
        reader = s.app.session.reader()
        for number in range(1, len(captures) + 1):
            capture = s.app.session.inspector.capture(number)
            assert capture is not None
            for tab in ("Summary", "Body", "Headers", "Signature"):
                document = s.app.session.inspector.document(capture, tab, reader, raw=number % 2 == 0, width=40)
                assert "cannot be shown" not in document.lines[0].text
                s.lines.show(document)
            if number % 10 == 0:
                await s.pilot.pause()
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()
        assert s.captures.bad_rows == 0


# --- the second layer ----------------------------------------------------------------------------------------------


@given(st.text())
def test_the_filter_deletes_only_what_has_no_width(text: str) -> None:
    segments = [Segment(text), Segment("\x1b[1A", None, [])]
    cleaned = ControlFilter().apply(segments, Color(0, 0, 0))
    assert not FORBIDDEN.search(cleaned[0].text)
    assert cell_len(cleaned[0].text) == cell_len(text)


def test_the_filter_lets_plain_and_control_segments_pass() -> None:
    plain = [Segment("abc ✔ 你好")]
    assert ControlFilter().apply(plain, Color(0, 0, 0))[0].text == plain[0].text
    ascii_only = [Segment("abc")]
    assert ControlFilter().apply(ascii_only, Color(0, 0, 0)) is ascii_only


async def test_the_filter_catches_what_the_first_layer_missed(tmp_path: Path) -> None:
    async with screens(tmp_path, [make_capture(0)], driver=RecordingDriver) as s:
        s.app.notify("\x1b]52;c;eA==\x1b\\ \u202e \x9b2J", markup=False)
        await s.pilot.pause()
        assert s.app._controls in s.app.get_line_filters()
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()


# --- the sources ---------------------------------------------------------------------------------------------------

SOURCES = sorted(Path(monitor.ui.__file__).parent.rglob("*.py"))
MARKED_UP = {"Static", "Label", "Markdown", "RichLog", "DataTable", "Tree", "Pretty", "Log"}


def test_there_are_sources() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_hands_text_to_something_that_reads_markup(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    safety = path.name == "safety.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            keywords = {k.arg: k.value for k in node.keywords}
            where = f"{path.name}:{node.lineno}"
            assert not _true(keywords.get("markup")), f"{where} turns markup on"
            assert name != "notify" or safety, f"{where}: say it with safety.toast"
            assert name not in MARKED_UP or safety, f"{where}: {name} reads markup; use safety.Plain"
            assert name != "OptionList", f"{where}: it reads markup; use overlay.Options"
            assert name not in ("from_markup", "from_rich_text"), where
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in ("border_title", "border_subtitle", "tooltip"):
                    assert isinstance(node.value, ast.Call), f"{path.name}:{node.lineno}: titles go through heading()"


def _true(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value is False)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_holds_a_pictograph(path: Path) -> None:
    for char in set(path.read_text("utf-8")):
        assert cell_len(char) <= 1, f"{char!r} is wide"
        assert not 0x1F000 <= ord(char) <= 0x1FFFF
