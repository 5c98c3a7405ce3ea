"""Foreign text made safe to show."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import MAX_MARKS, visible, visible_bytes
from tests.corpora import corpora

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x9b31mred", "\\u009b31mred"),
        ("a\x00b\x7f", "a␀b␡"),
        ("a\tb\nc", "a␉b␊c"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028para\u2029nel\x85", "line\\u2028para\\u2029nel\\u0085"),
        ("\ud800", "\\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("مرحبا ¡hola! 👋 你好", "مرحبا ¡hola! 👋 你好"),
        ("[bold]kept[/bold]", "[bold]kept[/bold]"),
        ("❤\ufe0f", "❤"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_keep_newlines_and_tabs_become_blanks() -> None:
    assert visible("a\tb\r\nc\rd\n", lines=True) == "a    b\nc␍d\n"


def test_limit_marks_the_cut() -> None:
    assert visible("abcdef", limit=3) == "abc…"
    assert visible("abc", limit=3) == "abc"
    assert visible_bytes(b"abcdef", limit=3) == "abc…"


def test_bytes_that_are_no_utf8_are_escaped() -> None:
    assert visible_bytes(b"caf\xc3\xa9 \xff\xfe") == "café \\xff\\xfe"


def test_combining_marks_are_capped() -> None:
    tower = "a" + "\u0301" * 2000 + "b"
    assert visible(tower) == "a" + "\u0301" * MAX_MARKS + "b"


@given(st.text(st.characters(codec=None)), st.booleans())
def test_nothing_that_acts_is_left(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)
    allowed = {"\n"} if lines else set()
    assert not [c for c in shown if unicodedata.category(c) in HIDDEN and c not in allowed]
    assert visible(shown, lines=lines) == shown


def test_naughty_strings() -> None:
    for text in json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8")):
        assert not [c for c in visible(text) if unicodedata.category(c) in HIDDEN]
