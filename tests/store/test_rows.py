"""Captures as rows and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store.errors import StoreError
from monitor.store.rows import capture_of, capture_row, headers_of, reading_row, wire_headers
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS
from monitor.times import microseconds, moment
from tests.factory import START, make_capture


def test_round_trip_of_every_field() -> None:
    capture = make_capture(7)
    assert capture_of((*capture_row(capture), *reading_row(capture))) == capture


def test_round_trip_without_a_reading() -> None:
    capture = replace(make_capture(7, reading=None), marks=())
    assert capture_of((*capture_row(capture), *reading_row(capture))) == capture


def test_times_keep_their_microseconds() -> None:
    assert moment(microseconds(START)) == START


TOKEN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"), min_size=1)
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF)).map(str.strip)


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=5).map(tuple))
def test_headers_round_trip(headers: tuple[tuple[str, str], ...]) -> None:
    assert headers_of(wire_headers(headers)) == headers


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("received_at", "soon"),
        ("source", "x"),
        ("headers", "a: b"),
        ("verdict", "x"),
        ("marks", '["'),
        ("facts", "{"),
        ("occurred_at", 2**62),
    ],
)
def test_a_damaged_value_is_told_with_its_capture_and_what_to_do(column: str, value: object) -> None:
    capture = make_capture(7)
    row = [*capture_row(capture), *reading_row(capture)]
    row[[*CAPTURE_COLUMNS, *READING_COLUMNS].index(column)] = value
    with pytest.raises(StoreError, match="Capture 7 is damaged .*hooktop import --db NEW OLD"):
        capture_of(row)
