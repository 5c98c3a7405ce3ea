"""The tolerant view of a body: missing, null, empty and of the wrong type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.jsonbody import parse
from monitor.providers.fields import Fields, iso_time, kind_of, known, of_body, unix_time

WRONG: list[Any] = [None, "", "x", 1, 1.5, True, [], {}]


@pytest.mark.parametrize(
    ("getter", "taken"),
    [
        ("text", {"": "", "x": "x", 1: "1", 1.5: "1.5"}),
        ("filled", {"x": "x", 1: "1", 1.5: "1.5"}),
        ("flag", {True: True}),
        ("number", {1: 1}),
        ("time", {}),
    ],
)
def test_getters_take_their_type_and_name_the_others(getter: str, taken: dict[Any, Any]) -> None:
    for value in WRONG:
        fields = Fields({"a": value})
        found = getattr(fields, getter)("a")
        fits = [item for kind, item in taken.items() if type(kind) is type(value) and kind == value]
        if fits:
            assert (found, fields.problems) == (fits[0], [])
        else:
            assert found is None
            quiet = value is None or (value == "" and getter in ("filled", "time"))
            assert len(fields.problems) == (0 if quiet else 1), (getter, value)
    assert getattr(Fields({}), getter)("a") is None
    assert getattr(Fields(None), getter)("a") is None
    assert getattr(Fields([1]), getter)("a") is None


def test_problems_say_where() -> None:
    fields = Fields({"a": {"b": [{"c": []}, 1]}, "d": "x"})
    (first, second) = fields.obj("a").items("b")
    assert first.text("c") is None
    assert second.text("c") is None
    assert fields.obj("d").obj("e").text("f") is None
    assert list(fields.items("d")) == []
    assert fields.problems == [
        "a.b.0.c is not a text but a list",
        "d is not an object but a text",
        "d is not a list but a text",
    ]


def test_null_is_no_problem() -> None:
    fields = Fields({"null": None, "empty": ""})
    assert list(fields.items("null")) == []
    assert fields.problems == []


def test_lone_surrogates_are_replaced() -> None:
    assert Fields({"a": "x\ud800y"}).text("a") == "x\ufffdy"


@pytest.mark.parametrize(
    ("body", "value", "problems"),
    [
        (b'{"a":1}', {"a": 1}, []),
        (b"[1]", None, ["the body is not an object but a list"]),
        (b"null", None, ["the body is not an object but null"]),
        (b"", None, ["empty body"]),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}, ["starts with a byte order mark"]),
    ],
)
def test_a_whole_body(body: bytes, value: object, problems: list[str]) -> None:
    fields = of_body(parse(body))
    assert (fields.value, fields.problems) == (value, problems)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-04-07T22:21:04.259+00:00", datetime(2022, 4, 7, 22, 21, 4, 259000, tzinfo=UTC)),
        ("2022-04-07T22:21:04Z", datetime(2022, 4, 7, 22, 21, 4, tzinfo=UTC)),
        ("2025-07-18T16:18:14.989348439+00:00", datetime(2025, 7, 18, 16, 18, 14, 989348, tzinfo=UTC)),
        ("2022-04-08T00:21:04+02:00", datetime(2022, 4, 7, 22, 21, 4, tzinfo=UTC)),
        ("2022-04-07T22:21:04", datetime(2022, 4, 7, 22, 21, 4, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("2022-13-01T00:00:00Z", None),
        ("now", None),
    ],
)
def test_iso_times(text: str, moment: datetime | None) -> None:
    assert iso_time(text) == moment


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1649370064, datetime(2022, 4, 7, 22, 21, 4, tzinfo=UTC)),
        (1649370064000, datetime(2022, 4, 7, 22, 21, 4, tzinfo=UTC)),
        (1649370064.5, datetime(2022, 4, 7, 22, 21, 4, 500000, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (2**63 - 1, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_unix_times(seconds: float, moment: datetime | None) -> None:
    assert unix_time(seconds) == moment


@given(st.text(max_size=40), st.floats() | st.integers(-(2**63), 2**63))
def test_times_never_raise(text: str, seconds: float) -> None:
    for moment in (iso_time(text), unix_time(seconds)):
        assert moment is None or moment.utcoffset() is not None


def test_words() -> None:
    kinds = ["null", "a text", "a text", "a number", "a number", "true or false", "a list", "an object"]
    assert [kind_of(value) for value in WRONG] == kinds
    assert known(a="1", b=None, c="", d="0") == (("a", "1"), ("d", "0"))
