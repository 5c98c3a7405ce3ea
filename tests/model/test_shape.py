"""Shapes of event types: what counts as new, and that nothing foreign makes them grow without end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.shape import (
    BASELINE,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_VALUES,
    MAX_WORDS,
    Finding,
    Shape,
    What,
    hash_of,
    name_of,
)

BODY: dict[str, Any] = {
    "type": "message",
    "payload": {"status": "sent", "text": "Hello there", "parts": [{"id": "p1"}]},
}


def taught(body: Any = BODY, times: int = BASELINE) -> Shape:
    """A shape that has seen a body so often."""
    shape = Shape()
    for _ in range(times):
        shape.learn(body)
    return shape


def news(findings: list[Finding]) -> list[tuple[What, str]]:
    """What is worth telling."""
    return [(one.what, one.path) for one in findings if one.new]


def with_payload(**more: Any) -> dict[str, Any]:
    """The body with more in its payload."""
    return {**BODY, "payload": {**BODY["payload"], **more}}


def test_the_first_captures_teach_and_tell_nothing() -> None:
    shape = Shape()
    first = shape.learn(BODY)
    assert [one.path for one in first if one.what is What.FIELD] == [
        "type", "payload", "payload.status", "payload.text", "payload.parts", "payload.parts.id",
    ]  # fmt: skip
    assert news(first) == []
    assert news(taught(times=BASELINE - 1).learn(with_payload(x=1))) == []
    assert taught().learn(BODY) == []


def test_a_field_is_new_once_and_what_is_in_it_is_no_news_of_its_own() -> None:
    shape = taught()
    found = shape.learn(with_payload(x={"a": 1, "b": [{"c": 2}]}))
    assert news(found) == [(What.FIELD, "payload.x")]
    assert [one.path for one in found] == ["payload.x", "payload.x.a", "payload.x.b", "payload.x.b.c"]
    assert found[0].before == BASELINE
    assert shape.learn(with_payload(x={"a": 1})) == []
    assert news(shape.learn(with_payload(x={"d": 1}))) == [(What.FIELD, "payload.x.d")]


def test_a_word_is_new_where_a_field_has_held_a_few_words() -> None:
    shape = taught()
    found = shape.learn(with_payload(status="delivered"))
    assert [(one.what, one.path, one.word, one.new) for one in found] == [
        (What.WORD, "payload.status", hash_of("delivered"), True)
    ]
    assert shape.learn(with_payload(status="delivered")) == []
    # a field that came later has to be known for as long
    shape.learn(with_payload(kind="a"))
    assert news(shape.learn(with_payload(kind="b"))) == []
    for _ in range(BASELINE):
        shape.learn(with_payload(kind="b"))
    assert news(shape.learn(with_payload(kind="c"))) == [(What.WORD, "payload.kind")]


def test_texts_names_and_numbers_are_no_words() -> None:
    for value in ("Hello there", "Ava", "+15555550123", "2026-01-31", "ünder", "x" * 41, "a1b2c3d4"):
        shape = taught(with_payload(status=value))
        assert shape.learn(with_payload(status="delivered")) == []
    for empty in ("", None, 7, True):
        shape = taught(with_payload(status=empty))
        assert news(shape.learn(with_payload(status="delivered"))) == []  # it held no words so far


def test_a_field_with_many_words_holds_no_list_of_them() -> None:
    shape = Shape()
    for number in range(MAX_WORDS):
        shape.learn(with_payload(status="a" * (number + 1)))
    for _ in range(BASELINE):
        shape.learn(with_payload(status="a"))
    freed = shape.learn(with_payload(status="one.more"))
    assert [(one.what, one.path) for one in freed] == [(What.FREE, "payload.status")]
    assert shape.learn(with_payload(status="yet.another")) == []


def test_keys_that_are_values_share_a_step() -> None:
    assert [name_of(key) for key in ("status", "x-id_2", "@type")] == ["status", "x-id_2", "@type"]
    assert {name_of(key) for key in ("a" * 65, "+15555550123", "1234", "a b", "", "é", "a.b")} == {"*"}
    shape = taught({"by": {"+15555550123": {"n": 1}}})
    assert shape.learn({"by": {"+15555550199": {"n": 1}, "550e8400-e29b": {"n": 2}}}) == []
    assert news(shape.learn({"by": {"+15555550199": {"m": 1}}})) == [(What.FIELD, "by.*.m")]


def test_what_was_kept_can_be_put_back() -> None:
    shape = taught()
    again = Shape(shape.captures)
    for path, words in (
        ("payload", set()), ("payload.parts", set()), ("payload.parts.id", {hash_of("p1")}),
        ("payload.status", {hash_of("sent")}), ("payload.text", None), ("type", {hash_of("message")}),
    ):  # fmt: skip
        again.add(path, 0, words)
    assert again.learn(BODY) == []
    assert again.fields == shape.fields
    assert news(again.learn(with_payload(status="failed", y=1))) == [
        (What.WORD, "payload.status"),
        (What.FIELD, "payload.y"),
    ]


def test_everything_is_bounded() -> None:
    wide = Shape()
    for start in range(0, 3 * MAX_FIELDS, 1000):
        wide.learn({f"k{_letters(n)}": 1 for n in range(start, start + 1000)})
    assert wide.fields == MAX_FIELDS
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep}
    below = Shape()
    below.learn(deep)
    assert below.fields == MAX_DEPTH
    long = Shape()
    long.learn({"list": [{"a": 1}] * (2 * MAX_VALUES) + [{"b": 1}]})
    assert long.fields == 2


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 26)
        text += chr(97 + rest)
    return text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=40))
@pytest.mark.slow
def test_any_json_teaches_once(bodies: list[Any]) -> None:
    shape = Shape()
    for body in bodies:
        shape.learn(body)
        assert shape.learn(body) == []
    assert shape.captures == 2 * len(bodies)
