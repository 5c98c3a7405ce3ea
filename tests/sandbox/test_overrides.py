"""Values that the user sets in a simulated body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.jsonbody import compact
from monitor.sandbox.overrides import Override, overridden, parse_override
from monitor.sandbox.problems import SimulationProblem

BODY: dict[str, Any] = {"type": "messaging", "payload": {"text": "hi", "media": ["a", {"url": "b"}], "empty": {}}}


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("payload.text=Hello", ("payload", "text"), "Hello"),
        ("payload.parts=3", ("payload", "parts"), 3),
        ("payload.parts=3.5", ("payload", "parts"), 3.5),
        ('payload.parts="3"', ("payload", "parts"), "3"),
        ("a=null", ("a",), None),
        ("a=true", ("a",), True),
        ("a=", ("a",), ""),
        ("a= b ", ("a",), " b "),
        ("a=b=c", ("a",), "b=c"),
        ('a={"b": [1]}', ("a",), {"b": [1]}),
        ("a={broken", ("a",), "{broken"),
        ("a=NaN", ("a",), "NaN"),
        ("a=+15555550100", ("a",), "+15555550100"),
        ("payload.media.0=x", ("payload", "media", "0"), "x"),
        ("a=مرحبا", ("a",), "مرحبا"),
    ],
)
def test_path_and_value(text: str, path: tuple[str, ...], value: object) -> None:
    assert parse_override(text) == Override(path, value)


@pytest.mark.parametrize("text", ["", "a", "=x", ".=x", "a.=x", ".a=x", "a..b=x", " =x"])
def test_what_is_not_path_and_value_is_said(text: str) -> None:
    with pytest.raises(SimulationProblem, match="is not path=value"):
        parse_override(text)


@pytest.mark.parametrize(
    ("text", "where", "value"),
    [
        ("payload.text=bye", ("payload", "text"), "bye"),
        ("payload.new_field=1", ("payload", "new_field"), 1),
        ("payload.media.1.url=c", ("payload", "media", 1, "url"), "c"),
        ("payload.media.0=z", ("payload", "media", 0), "z"),
        ("payload.empty.x=1", ("payload", "empty", "x"), 1),
        ("payload=null", ("payload",), None),
        ("top=1", ("top",), 1),
    ],
)
def test_a_value_is_set_and_the_rest_stays(text: str, where: tuple[str | int, ...], value: object) -> None:
    [changed] = overridden([compact(BODY)], [parse_override(text)])
    expected: Any = json.loads(compact(BODY))
    place = expected
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert changed == compact(expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("paylod.text=x", 'there is no "paylod" in the body; there are type, payload'),
        ("payload.txt.a=x", 'there is no "txt" in "payload"; there are text, media, empty'),
        ("payload.text.a=x", 'there is no "a" in "payload.text"; it holds no object'),
        ("payload.media.2=x", 'there is no "2" in "payload.media"; it is a list of 2'),
        ("payload.media.first=x", 'there is no "first" in "payload.media"; it is a list of 2'),
        ("payload.media.-1=x", 'there is no "-1" in "payload.media"; it is a list of 2'),
        ("payload.media.0000000005=x", 'there is no "0000000005" in "payload.media"; it is a list of 2'),
        ("payload.media.²=x", 'there is no "²" in "payload.media"; it is a list of 2'),
        ("payload.empty.a.b=x", 'there is no "a" in "payload.empty"; it is empty'),
    ],
)
def test_a_path_that_leads_nowhere_is_said(text: str, sentence: str) -> None:
    with pytest.raises(SimulationProblem) as problem:
        overridden([compact(BODY)], [parse_override(text)])
    assert str(problem.value).endswith(sentence)
    assert str(problem.value).startswith(f'"{text[: text.index("=")]}" cannot be set: ')


def test_one_body_that_fits_is_enough_and_the_others_keep_their_bytes() -> None:
    other = b'{ "statusUpdate" : {"id": 1.0} }'
    changed = overridden([compact(BODY), other], [parse_override("payload.text=x")])
    assert changed == [compact(BODY | {"payload": BODY["payload"] | {"text": "x"}}), other]


def test_without_overrides_bodies_keep_their_bytes() -> None:
    assert overridden([b"{ }", b"\xff"], []) == [b"{ }", b"\xff"]


def test_a_body_that_is_not_json_cannot_be_changed() -> None:
    with pytest.raises(SimulationProblem, match="not JSON"):
        overridden([b"hello", b""], [parse_override("a=1")])


@pytest.mark.parametrize("value", ['"\\ud800"', "\udcff", "1e999"])
def test_a_value_that_cannot_be_sent_is_said(value: str) -> None:
    with pytest.raises(SimulationProblem, match="no text or number that JSON can hold"):
        overridden([b"{}"], [parse_override(f"a={value}")])


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)
)
def test_any_text_and_any_object_never_raise_anything_else(text: str, body: dict[str, int]) -> None:
    try:
        [changed] = overridden([compact(body)], [parse_override(text)])
    except SimulationProblem:
        return
    assert isinstance(json.loads(changed), dict)
