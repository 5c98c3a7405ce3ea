"""Short texts: numbers, times, cells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from monitor.text import visible
from monitor.ui.format import (
    cell_time,
    clock,
    count,
    fit,
    fit_status,
    gap,
    long_span,
    pad,
    short_span,
    shortened,
    size,
    sparkline,
)
from monitor.ui.lines import hanging, wrap
from tests.factory import START


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("你好吗", 6, "你好吗"),
        ("你好吗", 5, "你好…"),
        ("你好吗", 4, "你…"),
        ("x", 0, ""),
        ("é̂abc", 3, "é̂a…"),
    ],
)
def test_fit(text: str, width: int, expected: str) -> None:
    assert fit(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("FAILED 40004", 12, "FAILED 40004"),
        ("FAILED 40004", 9, "✖ 40004"),
        ("FAILED 131026", 9, "✖ 131026"),
        ("FAILED too-long-a-code", 9, "✖ too-lo…"),
        ("FAILED MESSAGE_SELF_INVALID", 12, "✖ SELF_INVA…"),
        ("FAILED MESSAGE_SELF_INVALID", 22, "✖ MESSAGE_SELF_INVALID"),
        ("FAILED MESSAGE_SELF_INVALID", 27, "FAILED MESSAGE_SELF_INVALID"),
        ("FAILED PHONE_NUMBER_BAD_FORMAT", 12, "✖ PHONE_NUM…"),
        ("FAILED", 5, "FAIL…"),
        ("delivered", 8, "deliver…"),
    ],
)
def test_the_code_of_a_failure_is_kept(text: str, width: int, expected: str) -> None:
    assert fit_status(text, width) == expected


@given(st.text(), st.integers(0, 40))
def test_fit_and_pad_keep_their_width(text: str, width: int) -> None:
    shown = visible(text)
    assert cell_len(fit(shown, width)) <= width
    assert cell_len(pad(shown, width)) == width


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (34, "Summary Body Headers Signature Forward"),
        (33, "Summary Body Headers Signatu… Forward"),
        (31, "Summary Body Headers Signa… Forward"),
        (29, "Summary Body Heade… Signa… Forwa…"),
        (5, "… … … … …"),
    ],
)
def test_what_is_cut_is_cut_no_more_than_it_has_to_be(width: int, expected: str) -> None:
    assert " ".join(shortened(("Summary", "Body", "Headers", "Signature", "Forward"), width)) == expected


@given(st.lists(st.text()), st.integers(0, 40))
def test_shortened_texts_fit_together(texts: list[str], more: int) -> None:
    shown = [visible(text) for text in texts]
    width = len(shown) + more
    assert sum(map(cell_len, shortened(shown, width))) <= width


@given(st.text(max_size=200), st.integers(1, 60), st.integers(0, 20))
def test_wrapped_rows_are_the_whole_text_and_fit(text: str, width: int, indent: int) -> None:
    shown = visible(text)
    rows = wrap(shown, width, indent)
    assert "".join(shown[start:end] for start, end in rows) in (shown, shown.lstrip(" "))
    for start, end in rows:
        before = hanging(indent, width) if start else 0
        assert before + cell_len(shown[start:end].rstrip(" ")) <= max(width, 3)


def test_wrap_leaves_out_blanks_that_would_be_most_of_a_row() -> None:
    text = " " * 40 + '"deep": {'
    assert wrap(text, 45, 42) == [(40, 49)]
    assert wrap(text, 49, 42) == [(0, 49)]
    assert wrap(" " * 20 + '"deep": "long words"', 30, 22)[0] == (20, 34)
    assert "".join((" " * 50)[start:end] for start, end in wrap(" " * 50, 20, 0)) == " " * 50


def test_wrap_breaks_at_blanks() -> None:
    assert [("the quick brown fox"[a:b]) for a, b in wrap("the quick brown fox", 10, 2)] == [
        "the quick ",
        "brown ",
        "fox",
    ]


def test_wrap_leaves_a_word_beside_its_value() -> None:
    text = "carrier EXAMPLE MOBILE   source carrier"
    assert [text[a:b] for a, b in wrap(text, 33, 0)] == ["carrier EXAMPLE MOBILE   ", "source carrier"]


@pytest.mark.parametrize("gap", ["  ", "   "])
def test_a_row_begins_with_a_word_wherever_the_gap_before_it_falls(gap: str) -> None:
    text = f"code 40002{gap}carrier code 702{gap}source carrier"
    for width in range(8, len(text)):
        rows = [text[a:b] for a, b in wrap(text, width, 0)]
        assert not any(row.startswith(" ") for row in rows), (width, rows)


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (-3, "0s", "0 s"),
        (0, "0s", "0 s"),
        (12.9, "12s", "12 s"),
        (252, "4m12s", "4 min"),
        (3 * 3600 + 5 * 60, "3h05m", "3 h"),
        (2 * 86400 + 4 * 3600, "2d04h", "2 d"),
    ],
)
def test_spans(seconds: float, short: str, long: str) -> None:
    assert (short_span(seconds), long_span(seconds)) == (short, long)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.267, "+267 ms"), (-1.98, "−1.98 s"), (252, "+4m12s"), (0, "+0 ms"), (0.9996, "+1.00 s"), (59.996, "+1m00s"),
    ],
)  # fmt: skip
def test_gap(seconds: float, expected: str) -> None:
    assert gap(timedelta(seconds=seconds)) == expected


def test_numbers() -> None:
    assert [count(1204), count(1, "capture"), count(0, "capture")] == ["1,204", "1 capture", "0 captures"]
    assert [size(812), size(1200), size(3_400_000)] == ["812 B", "1.2 KB", "3.4 MB"]
    assert [size(999_949), size(999_950)] == ["999.9 KB", "1.0 MB"]


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("width", "today", "this_week", "other"),
    [
        (8, "12:00:00", "Sa 12:00", "01-31   "),
        (9, "12:00:00 ", "Sa 12:00 ", "01-31    "),
        (10, "12:00:00.1", "Sa 12:00  ", "2026-01-31"),
        (11, "12:00:00.12", "01-31 12:00", "01-31 12:00"),
        (12, "12:00:00.123", "01-31 12:00 ", "01-31 12:00 "),
    ],
)
def test_a_column_of_times_names_the_day_of_what_was_not_today(
    width: int, today: str, this_week: str, other: str
) -> None:
    shown = [cell_time(START, START + timedelta(days=days), width) for days in (0, 1, 6, 7, -1)]
    assert shown == [today, this_week, this_week, other, other]


def test_clock_has_the_digits_asked_for() -> None:
    assert [len(clock(START, digits=n)) for n in (0, 1, 3)] == [8, 10, 12]


def test_sparkline() -> None:
    assert sparkline([0, 1, 7, 100]) == "▁▂▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
