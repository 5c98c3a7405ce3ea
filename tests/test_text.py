"""Foreign text made safe to show."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from monitor.text import MAX_MARKS, escape, mixed_words, visible, visible_bytes
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
        ("a\ufdff\ufe00\ufe0e\ufe10", "a\ufdff\ufe10"),  # variation selectors alone go without a trace
        ("a\U000e00ff\U000e0100\U000e01ef\U000e01f0", "a\\U000e00ff\\U000e01f0"),
        ("\uffff\U0001fffe\U00020000 é", "\\uffff\\U0001fffe𠀀 é"),
        ("a b\x1f é", "a b␟ é"),
        ("\u034f\u115f\u1160\u17b4\u17b5", "\\u034f\\u115f\\u1160\\u17b4\\u17b5"),  # letters that draw nothing
        ("\u2800\u3164\uffa0", "\\u2800\\u3164\\uffa0"),
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
    assert visible_bytes(b"abc", limit=3) == "abc"
    assert visible_bytes(b"ab\nc") == "ab␊c"
    assert visible_bytes(b"ab\nc", lines=True) == "ab\nc"


def test_escapes_have_as_many_digits_as_python_reads() -> None:
    assert (escape(0xFFFF), escape(0x10000)) == ("\\uffff", "\\U00010000")


def test_bytes_that_are_no_utf8_are_escaped() -> None:
    assert visible_bytes(b"caf\xc3\xa9 \xff\xfe") == "café \\xff\\xfe"


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd", "\u0bcd", "\u0ebc"])
def test_combining_marks_are_capped(mark: str) -> None:
    # an accent, an enclosing mark, and signs of two scripts: only some of them have a combining class
    assert visible("a" + mark * 2000 + "b") == "a" + mark * MAX_MARKS + "b"
    assert visible(mark * 9) == mark * MAX_MARKS
    assert visible("a" + mark * MAX_MARKS + "b" + mark) == "a" + mark * MAX_MARKS + "b" + mark


@given(st.text(st.characters(codec=None)), st.booleans())
def test_nothing_that_acts_is_left(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)
    allowed = {"\n"} if lines else set()
    assert not [c for c in shown if unicodedata.category(c) in HIDDEN and c not in allowed]
    assert visible(shown, lines=lines) == shown
    towers = "".join("m" if unicodedata.category(c) in ("Mn", "Me") else "-" for c in shown)
    assert "m" * (MAX_MARKS + 1) not in towers


@given(st.text(st.characters(codec=None), max_size=60), st.booleans(), st.integers(0, 70))
def test_what_is_visible_has_a_bounded_width_and_a_cut_reads_no_further(text: str, lines: bool, limit: int) -> None:
    assert cell_len(visible(text, lines=lines)) <= len("\\U000e0001") * len(text)
    begun = text if len(text) <= limit else text[:limit] + "…"
    assert visible(text, lines=lines, limit=limit) == visible(begun, lines=lines)


@given(st.binary(max_size=80), st.booleans(), st.integers(0, 90))
def test_any_bytes_are_visible(data: bytes, lines: bool, limit: int) -> None:
    whole = data if len(data) <= limit else data[:limit]
    shown = visible_bytes(data, lines=lines, limit=limit)
    assert shown == visible(whole.decode("utf-8", "backslashreplace"), lines=lines) + ("…" if whole != data else "")
    assert not [c for c in shown if unicodedata.category(c) in HIDDEN and not (lines and c == "\n")]


def test_naughty_strings() -> None:
    for text in json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8")):
        assert not [c for c in visible(text) if unicodedata.category(c) in HIDDEN]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pay at p\u0430ypal now", ["p\\u0430ypal"]),  # Cyrillic a
        ("\u041f\u0440\u0438\u0432e\u0442", ["\u041f\u0440\u0438\u0432\\u0065\u0442"]),  # a Latin e in a Russian word
        ("\u0391pple", ["\\u0391pple"]),  # Greek Alpha
        ("\u0430\u03b1", ["\u0430\\u03b1"]),
        ("H2\u041e", ["H2\\u041e"]),  # digits part no words
        ("pe\u0301\u0430", ["pe\u0301\\u0430"]),  # nor do marks
        ("\u0430b \u0430b b\u0430", ["\\u0430b", "b\\u0430"]),
        ("SMS-\u0441\u043e\u043e\u0431\u0449\u0435\u043d\u0438\u0435 \u043e\u0442 Volt, iPhone'\u044b", []),
        ("\u0441\u043e\u0440", []),  # wholly Cyrillic: a look-alike that is not found
        ("na\u00efve Stra\u00dfe \u00b5m 5\u2126 \u65e5\u672c\u8a9eabc caf\u00e9", []),
        ("user_\u0438\u043c\u044f 10\u0413\u0411", []),
        ("plain", []),
        ("\ud800\u202e\U000e0041a", []),
    ],
)
def test_t20_words_that_mix_scripts(text: str, words: list[str]) -> None:
    assert mixed_words(text) == words


@given(st.text())
def test_t20_mixed_words_are_visible_when_they_are_shown(text: str) -> None:
    for word in mixed_words(text):
        assert not word.isspace()
        assert "\\u" in word
        assert visible(word).count("\\u") == word.count("\\u")
