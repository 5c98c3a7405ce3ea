"""JSON whose values are exchanged in place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.jsontext import Path, rewrite
from tests.corpora import corpora

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def same(text: str) -> str:
    """The text with nothing exchanged."""
    return rewrite(text, key=lambda path, name: name, value=lambda path, old: old, number=lambda path, old: old)


def marked(value: Any) -> Any:
    """What ``mark`` makes of a value that was parsed."""
    if isinstance(value, str):
        return value + "«"
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {name + "»": marked(item) for name, item in value.items()}
    return value


def mark(text: str) -> str:
    """The text with a sign after every key and every value."""
    return rewrite(
        text, key=lambda path, name: name + "»", value=lambda path, old: old + "«", number=lambda path, old: old
    )


@pytest.mark.slow
@given(VALUES, st.booleans(), st.sampled_from([None, 1, 3]))
def test_every_key_and_value_is_exchanged_and_nothing_else(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert same(text) == text
    assert json.loads(mark(text)) == marked(value)


def test_the_paths_are_those_of_the_values() -> None:
    seen: list[tuple[Path, str]] = []

    def note(path: Path, old: str) -> str:
        seen.append((path, old))
        return old

    text = '{"a": {"b": ["x", {"c": 1}], "d": "y"}, "e": [[2], "z"], "a": "again"}'
    rewrite(text, key=lambda path, name: name, value=note, number=note)
    assert seen == [
        (("a", "b"), "x"),
        (("a", "b", "c"), "1"),
        (("a", "d"), "y"),
        (("e",), "2"),
        (("e",), "z"),
        (("a",), "again"),
    ]


def test_what_stays_keeps_its_writing() -> None:
    text = ' {"n" : 1.50e+3 ,"t":"\\u00e9\\/", "same":"a", "same":"b", "half":"\\ud800"}\n'
    assert same(text) == text
    changed = rewrite(
        text,
        key=lambda path, name: name,
        value=lambda path, old: "é" if old == "a" else old,
        number=lambda path, old: old,
    )
    assert changed == text.replace('"a"', '"\\u00e9"')


def test_half_a_character_is_written_as_its_escape() -> None:
    assert mark('"é\\ud800"') == '"\\u00e9\\ud800\\u00ab"'


def test_it_may_be_nested_as_deep_as_it_likes() -> None:
    text = "[" * 50_000 + '"x"' + "]" * 50_000
    assert mark(text) == text.replace("x", "x\\u00ab")


def test_the_texts_of_the_corpus_that_are_json_stay_as_they_are() -> None:
    files = sorted((corpora() / "json-test-suite").rglob("*.json"))
    read = [data.decode("utf-8") for file in files if jsonbody.parse(data := file.read_bytes()).ok]
    assert len(read) > 90
    for text in read:
        assert same(text) == text
        assert jsonbody.parse(mark(text).encode("utf-8")).ok


@pytest.mark.parametrize("text", ["1", "-0.5e7", "true", "null", '""', "[]", "{}", '"a"'])
def test_scalars_and_empty_things(text: str) -> None:
    assert same(text) == text
