"""What differs between captures and between answers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import LEFT, RESET, Capture, Source
from monitor.model.compare import (
    MAX_LISTED,
    MAX_READ,
    MAX_VALUE,
    Difference,
    Section,
    Sign,
    answer_change,
    compare,
    compare_answers,
)
from monitor.model.reading import Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from tests.factory import START, make_capture


def with_body(body: bytes) -> Capture:
    return replace(make_capture(1, body=body, reading=Reading()), marks=())


def body_differences(old: Any, new: Any) -> list[tuple[str, str, str | None, str | None]]:
    """Sign, path and values of what differs between two JSON bodies."""
    found = compare(with_body(json.dumps(old).encode()), with_body(json.dumps(new).encode()))
    assert all(one.section is Section.BODY for one in found.listed)
    return [(one.sign.value, one.path, one.old, one.new) for one in found.listed]


def notes(old: bytes, new: bytes) -> list[str]:
    return [text for _, text in compare(with_body(old), with_body(new)).notes]


def test_a_capture_is_the_same_as_itself() -> None:
    capture = make_capture(1)
    again = replace(capture, id=2, verdict=replace(capture.verdict, age_s=7.0))
    assert compare(capture, again).same
    assert compare(capture, again).listed == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("~", "a", "1", "2")]),
        ({"a": 1}, {"a": 1, "b": {"c": None}}, [("+", "b", None, '{"c": null}')]),
        ({"a": 1, "b": [1]}, {"a": 1}, [("-", "b", "[1]", None)]),
        ({"a": 1}, {"a": True}, [("~", "a", "1", "true")]),
        ({"a": 1}, {"a": 1.0}, [("~", "a", "1", "1.0")]),
        ({"a": {"b": 1}}, {"a": [1]}, [("~", "a", '{"b": 1}', "[1]")]),
        ({"a": {"b.c": {"d": "ä"}}}, {"a": {"b.c": {"d": "x"}}}, [("~", 'a["b.c"].d', '"ä"', '"x"')]),
        ([1, 2, 3], [1, 3], [("-", "[1]", "2", None)]),
        ([1, 2, 3], [0, 1, 2, 3], [("+", "[0]", None, "0")]),
        ([{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 3}], [("~", "[1].x", "2", "3")]),
        (["a", "b", "c", "d", "e"], ["b", "c", "X", "d", "e"], [("-", "[0]", '"a"', None), ("+", "[2]", None, '"X"')]),
        ("x", {"a": 1}, [("~", "", '"x"', '{"a": 1}')]),
    ],
)
def test_json_is_compared_by_path(old: Any, new: Any, expected: list[tuple[str, str, str | None, str | None]]) -> None:
    assert body_differences(old, new) == expected


def test_elements_that_are_named_are_found_wherever_they_stand() -> None:
    old = {"parts": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]}
    new = {"parts": [{"id": "c", "n": 3}, {"id": "b", "n": 9}, {"id": "d", "n": 4}]}
    assert body_differences(old, new) == [
        ("-", "parts[0]", '{"id": "a", "n": 1}', None),
        ("~", "parts[1].n", "2", "9"),
        ("+", "parts[2]", None, '{"id": "d", "n": 4}'),
    ]
    moved = body_differences(
        {"p": [{"id": 1, "v": 1}, {"id": 2, "v": 1}]}, {"p": [{"id": 2, "v": 2}, {"id": 1, "v": 1}]}
    )
    assert moved == [("~", "p[1→0].v", "1", "2")]


def test_request_line_headers_verdict_answer_and_reading() -> None:
    old = make_capture(1, reading=Reading(status=Status.SENT, from_="+15555550123"))
    request = replace(
        old.request,
        path="/bird",
        query="",
        headers=(("X-New", "1"), ("Content-Type", "application/json"), ("x-two", "b")),
    )
    old = replace(old, request=replace(old.request, headers=(("x-two", "a"), ("x-two", "b"), *old.request.headers)))
    verdict = Verdict(VerdictStatus.INVALID, "the body was changed", near_miss="another key")
    new = replace(
        old, provider="bird", request=request, answer=401, verdict=verdict, reading=Reading(status=Status.FAILED)
    )
    found = [(one.section.value, one.sign.value, one.path, one.old, one.new) for one in compare(old, new).listed]
    assert found == [
        ("capture", "~", "provider", "volt", "bird"),
        ("request", "~", "path", "/volt", "/bird"),
        ("request", "~", "query", "a=1&b=%20", ""),
        ("headers", "~", "x-two", "a", "b"),
        ("headers", "-", "x-two", "b", None),
        ("headers", "+", "x-new", None, "1"),
        ("signature", "~", "status", '"verified"', '"invalid"'),
        ("signature", "~", "reason", '"matched"', '"the body was changed"'),
        ("signature", "~", "scheme", '"rsa-pkcs1v15-sha256/base64"', "null"),
        ("signature", "~", "key", '"sha256:1a2b3c4d"', "null"),
        ("signature", "~", "near_miss", "null", '"another key"'),
        ("answer", "~", "status", "200", "401"),
        ("reading", "~", "status", '"sent"', '"failed"'),
        ("reading", "~", "from", '"+15555550123"', "null"),
    ]


def test_an_answer_that_was_no_status_stands_in_words() -> None:
    old = make_capture(1)
    file = replace(old, source=Source.IMPORTED, answer=RESET)
    found = compare(replace(old, answer=RESET), replace(old, answer=LEFT)).listed
    assert [(one.old, one.new) for one in found] == [("reset", "499 sender gone")]
    assert "not known" in [one.new for one in compare(old, file).listed]


def test_the_order_of_headers_is_noted() -> None:
    old = make_capture(1)
    headers = (*old.request.headers, ("x-a", "1"), ("x-b", "2"))
    first = replace(old, request=replace(old.request, headers=headers))
    second = replace(old, request=replace(old.request, headers=headers[::-1]))
    found = compare(first, second)
    assert found.listed == []
    assert found.notes == [(Section.HEADERS, "they come in another order")]
    assert not found.same


def test_everything_lists_what_is_the_same_too() -> None:
    found = compare(with_body(b'{"a":1,"b":2}'), with_body(b'{"a":1,"b":3}'), everything=True)
    assert Difference(Section.BODY, Sign.SAME, "a", "1", "1") in found.listed
    assert Difference(Section.BODY, Sign.CHANGED, "b", "2", "3") in found.listed
    assert (
        Difference(Section.HEADERS, Sign.SAME, "content-type", "application/json", "application/json") in found.listed
    )
    assert found.different == 1


def test_json_that_says_the_same_in_other_bytes_is_noted() -> None:
    said = notes(b'{"a":1,"b":2}', b'{ "b": 2, "a": 1 }')
    assert said[0].startswith("13 bytes (sha256 ")
    assert "says the same in other bytes" in said[1]


def test_texts_are_compared_by_line() -> None:
    old, new = b"one\ntwo\nthree\nfour", b"one\ntwo and a half\nthree\nnew\nfour"
    found = compare(with_body(old), with_body(new)).listed
    assert [(one.sign.value, one.path, one.old, one.new) for one in found] == [
        ("~", "line 2", "two", "two and a half"),
        ("+", "line 4", None, "new"),
    ]
    [gone] = compare(with_body(b"text"), with_body(b"")).listed
    assert (gone.sign, gone.path, gone.old) == (Sign.REMOVED, "line 1", "text")


def test_bytes_are_compared_up_to_where_they_differ() -> None:
    old = b"\xff" * 100_000
    new = b"\xff" * 99_999 + b"\x00\x01"
    [one] = compare(with_body(old), with_body(new)).listed
    assert (one.sign, one.path, one.old, one.new) == (Sign.CHANGED, "from byte 99,999 on", "ff", "00 01")
    [one] = compare(with_body(old), with_body(old[:-1])).listed
    assert (one.sign, one.path, one.old, one.new) == (Sign.REMOVED, "from byte 99,999 on", "ff", None)
    assert compare(with_body(old), with_body(old), everything=True).same


def test_a_long_body_is_not_looked_into() -> None:
    old = b'{"a":"' + b"x" * MAX_READ + b'"}'
    [one] = compare(with_body(old), with_body(old.replace(b'"a"', b'"b"'))).listed
    assert one.path == "from byte 2 on"
    assert one.old is not None
    assert one.old.startswith("61 22 3a")


def test_what_is_said_is_bounded() -> None:
    found = compare(
        with_body(json.dumps({str(n): n for n in range(5_000)}).encode()),
        with_body(json.dumps({str(n): -n - 1 for n in range(5_000)}).encode()),
    )
    assert len(found.listed) == found.different == MAX_LISTED
    assert found.cut
    [one] = compare(with_body(b'{"a": ""}'), with_body(json.dumps({"a": "x" * 100_000}).encode())).listed
    assert one.new is not None
    assert len(one.new) == MAX_VALUE + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (list(range(100_000)), list(range(1, 100_001))[::-1]),
        ([0, 1] * 10_000, [1, 0, 2] * 7_000),
        *[tuple([f"{n % 140}" if n % 2 else f"{side}{n}" for n in range(2_000)] for side in "on")],
        ([[[[[[n]]]]] for n in range(10_000)], [[[[[[n + 1]]]]] for n in range(10_000)]),
    ],
    ids=["backwards", "repeats", "many blocks", "nested"],
)  # fmt: skip
def test_nothing_takes_long(old: Any, new: Any) -> None:
    first, second = (with_body(json.dumps(value).encode()) for value in (old, new))
    begun = time.monotonic()
    assert not compare(first, second).same
    assert time.monotonic() - begun < 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab.\u202e", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "a", "b c"]), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_something_differs_where_the_values_do(old: Any, new: Any) -> None:
    same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    found = body_differences(old, new)
    if same:
        assert found == []
    back = body_differences(new, old)
    assert (not found) == (not back)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_a_list_can_be_made_from_the_other_by_the_differences(old: list[str], new: list[str]) -> None:
    found = compare(with_body(json.dumps(old).encode()), with_body(json.dumps(new).encode()), everything=True)
    parts = [one for one in found.listed if one.section is Section.BODY]
    assert [json.loads(one.old) for one in parts if one.old is not None] == old
    assert [json.loads(one.new) for one in parts if one.new is not None] == new


# --- answers -------------------------------------------------------------------------------------------------------

OK = Attempt(
    1,
    AttemptKind.FORWARD,
    "http://127.0.0.1:3000/volt",
    START,
    0.01,
    200,
    headers=(("Date", "Mon"),),
    body=b"{}",
    size=2,
)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (OK, OK, "same"),
        (OK, replace(OK, body=b"[]"), "same status, other body"),
        (OK, replace(OK, size=3), "same status, other body"),
        (OK, replace(OK, status=500), "changed (200 → 500)"),
        (OK, replace(OK, status=None, failure=Failure.REFUSED), "changed (200 → refused)"),
        (replace(OK, status=None, failure=Failure.TIMEOUT), replace(OK, status=None, failure=Failure.TIMEOUT), "same"),
        (200, OK, "same"),
        (200, replace(OK, status=404), "changed (200 → 404)"),
    ],
)  # fmt: skip
def test_an_answer_beside_the_first(before: Attempt | int, now: Attempt, words: str) -> None:
    change = answer_change(before, now)
    assert change.words == words
    assert change.same == words.startswith("same")


def test_answers_in_full() -> None:
    now = replace(OK, status=500, headers=(("Date", "Tue"),), body=b'{"error":"x"}', size=13)
    found = [(one.section.value, one.sign.value, one.path, one.old, one.new) for one in compare_answers(OK, now).listed]
    assert found == [
        ("answer", "~", "status", "200", "500"),
        ("headers", "~", "date", "Mon", "Tue"),
        ("body", "+", "error", None, '"x"'),
    ]
    assert [one.path for one in compare_answers(200, now).listed] == ["status"]
    assert compare_answers(200, OK).same
    longer = compare_answers(replace(OK, size=70_000), replace(OK, size=80_000))
    assert longer.notes == [(Section.BODY, "as far as they were kept; 70,000 bytes came, then 80,000")]
