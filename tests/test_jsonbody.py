"""Bodies read as JSON, behind guards."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.jsonbody import MAX_DEPTH, clean, compact, depth, parse
from tests.corpora import corpora


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b'{"a":[1,2,{"b":null}]}', {"a": [1, 2, {"b": None}]}),
        (b" [true] \n", [True]),
        (b'"\\ud800"', "\ud800"),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", "9223372036854775808"),
        (b"-9223372036854775808", -(2**63)),
        (b"1" * 5000, "1" * 5000),
        (b"1.5e3", 1500.0),
    ],
)
def test_reads(data: bytes, value: object) -> None:
    body = parse(data)
    assert body.ok
    assert body.value == value
    assert body.problems == ()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b'{"a":1,"b":{"a":2},"c":[{"a":3}]}', ()),
        (b'{"a":1,"a":1}', ("a",)),
        (b'\xef\xbb\xbf{"x":[{"b":1,"\\u0062":2}],"a":1,"a":2,"a":3}', ("b", "a")),
        (b'{"a":' + b"1" * 5000 + b',"a":9223372036854775808}', ("a",)),
        (b"[1]", ()),
    ],
)
def test_repeated_names(data: bytes, names: tuple[str, ...]) -> None:
    body = parse(data, repeats=True)
    assert body.repeated == names
    assert body == replace(parse(data), repeated=names)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty body"),
        (b"test", "not JSON: Expecting value at line 1 column 1"),
        (b"{'a':1}", "not JSON"),
        (b'{"value":NaN}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"\xff\xfe{}", "not UTF-8 at byte 0"),
        (b"[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b'{"a":' * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
    ],
)
def test_refuses_with_the_reason(data: bytes, problem: str) -> None:
    body = parse(data)
    assert not body.ok
    assert body.value is None
    assert problem in body.problems[-1]


def test_byte_order_mark_is_read_and_said() -> None:
    body = parse(b"\xef\xbb\xbf{}")
    assert body.ok
    assert body.problems == ("starts with a byte order mark",)


def test_brackets_in_strings_are_not_depth() -> None:
    data = json.dumps({"a": "[" * 5000 + '\\"{' * 100}).encode()
    assert depth(data) == 1
    assert parse(data).ok


def test_depth_at_the_limit() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).ok
    assert not parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).ok


@given(st.binary())
def test_never_raises(data: bytes) -> None:
    body = parse(data)
    assert parse(data, repeats=True).ok is body.ok


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(), st.lists, max_leaves=20))
def test_agrees_with_json_where_json_is_right(value: object) -> None:
    assert parse(json.dumps(value).encode()).value == value


def test_clean_replaces_lone_surrogates() -> None:
    assert clean("a\ud800b é") == "a\ufffdb é"


def test_compact_is_what_javascript_writes() -> None:
    assert compact({"b": [1, "é/\u2028"], "a": None}) == '{"b":[1,"é/\u2028"],"a":null}'.encode()


def test_json_test_suite() -> None:
    folder = corpora() / "json-test-suite" / "test_parsing"
    wrong = []
    for path in sorted(folder.glob("*.json")):
        ok = parse(path.read_bytes()).ok
        if (path.name.startswith("y_") and not ok) or (path.name.startswith("n_") and ok):
            wrong.append(path.name)
    assert wrong == []
