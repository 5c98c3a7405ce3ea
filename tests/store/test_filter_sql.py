"""Filters as SQL find what their predicate finds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model.capture import Capture, Request, Source
from monitor.model.filter import Filter, FilterError, parse, quote
from monitor.model.filter.conditions import pattern
from monitor.model.filter.fields import ANYWHERE, FIELDS, ORDERED, Kind
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import search
from monitor.store.connection import connect, prepare
from monitor.store.filter_sql import compile_filter, register
from monitor.store.rows import capture_row, insert_rows, reading_row
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS
from tests.corpora import corpora
from tests.factory import START, make_capture

NOW = START + timedelta(seconds=5)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("filter") / "hooktop.db"
    prepare(path)
    with closing(connect(path, read_only=False)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        register(connection)
        yield connection


def fill(db: sqlite3.Connection, captures: list[Capture]) -> None:
    db.execute("BEGIN")
    db.execute("DELETE FROM captures")
    db.execute("DELETE FROM readings")
    insert_rows(db, "captures", CAPTURE_COLUMNS, [capture_row(capture) for capture in captures])
    insert_rows(db, "readings", READING_COLUMNS, [reading_row(capture) for capture in captures])
    search.clear(db)
    assert search.advance(db, len(captures)) == len(captures)
    db.execute("COMMIT")


def selected(db: sqlite3.Connection, filter: Filter) -> list[int]:
    where = compile_filter(filter, NOW)
    join = "JOIN captures c ON c.id = r.id" if where.needs_captures else ""
    rows = db.execute(f"SELECT r.id FROM readings r {join} WHERE {where.sql} ORDER BY r.id", where.parameters)
    found = [row[0] for row in rows]
    if where.search is not None:  # what the search index names holds all of them
        named = db.execute(search.NAMED, (where.search, 0, 10_000, 0, 10_000))
        assert set(found) <= {row[0] for row in named}, filter.text
    return found


def matched(captures: list[Capture], filter: Filter) -> list[int]:
    return [capture.id for capture in captures if filter.matches(capture, NOW)]


# Few pieces, so that filters often match: letters whose case is odd, NUL, and every sign that LIKE, GLOB or we know.
PIECES = [
    "a",
    "B",
    "b",
    "aB",
    "%",
    "_",
    "*",
    "\\",
    "[",
    "]",
    "?",
    '"',
    "'",
    "(",
    " ",
    "\0",
    "é",
    "É",
    "ß",
    "ss",
    "ſ",
    "K",
]
PIECES += ["İ", "ς", "Σ", "\ufffd", "😀", "\n", "1", "0", "2.5", "-1e2", ":", "ab:c"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
NUMBERS = [
    "+15555550123",
    "+1 (555) 555-0123",
    "15555550123",
    "5550123",
    "tel:555.555.0123",
    "+44 (0)7700 900123",
    "07700 900123",
]
PARTY = st.one_of(st.sampled_from(NUMBERS), TEXT)
TIME = st.integers(-3, 6).map(lambda seconds: START + timedelta(seconds=seconds))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False, width=16) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3),
    max_leaves=6,
)
HEADER_TEXT = st.text(st.sampled_from("aAbÉ01 .*%"), max_size=4)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["POST", "PUT"]),
    TEXT,
    TEXT,
    st.lists(st.tuples(st.sampled_from(["x-a", "X-A", "b"]), HEADER_TEXT), max_size=3).map(tuple),
    st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=4)),
    st.none() | TEXT,
)
MAYBE = st.none() | TEXT
READINGS = st.builds(
    Reading,
    event=MAYBE,
    event_id=MAYBE,
    message=MAYBE,
    aliases=st.lists(TEXT, max_size=2).map(tuple),
    conversation=MAYBE,
    direction=st.none() | st.sampled_from(Direction),
    channel=MAYBE,
    status=st.none() | st.sampled_from(Status),
    mark=MAYBE,
    from_=st.none() | PARTY,
    to=st.none() | PARTY,
    text=MAYBE,
    media=st.lists(st.builds(Media, MAYBE, MAYBE), max_size=2).map(tuple),
    error=st.none() | st.builds(MessageError, code=MAYBE, carrier_code=MAYBE, carrier=MAYBE),
    occurred_at=st.none() | TIME,
    accepted_at=st.none() | TIME,
    completed_at=st.none() | TIME,
    facts=st.lists(st.tuples(st.sampled_from(["a", "A", "é"]), TEXT), max_size=2).map(tuple),
    problems=st.lists(TEXT, max_size=2).map(tuple),
)
CAPTURES = st.lists(
    st.builds(
        replace,
        st.just(make_capture()),
        received_at=TIME,
        provider=st.sampled_from(["volt", "bird"]),
        source=st.sampled_from(Source),
        request=REQUESTS,
        answer=st.sampled_from([200, 401, 500]),
        verdict=st.builds(Verdict, st.sampled_from(VerdictStatus), TEXT, MAYBE, MAYBE, MAYBE),
        reading=st.none() | READINGS,
        marks=st.lists(TEXT, max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=4,
).map(lambda captures: [replace(capture, id=number) for number, capture in enumerate(captures, 1)])

COMPARISONS = ["<", "<=", "=", ">=", ">"]
ORDERED_VALUES = {
    Kind.NUMBER: ["0", "1", "2", "3", "200", "401"],
    Kind.SIZE: ["0", "1", "2", "4", "0.01k", "1M"],
    Kind.DURATION: ["0s", "1s", "2500ms", "4s", "1d"],
    Kind.AGE: ["0s", "1s", "4500ms", "5s", "1000000d"],
    Kind.TIME: ["2026-01-31", "2026-01-31T12:00:01", "2026-01-31T12:00:02.123456", "2027-01-01", "0001-01-01"],
}
NAMES = {"body": ["a", "a.b", "b.0", "a.a", "0"], "header": ["x-A", "B"], "fact": ["A", "É", "b"]}
EXPRESSIONS = ["a", "^b", "[aé]$", ".", "^$", '"(a|b)+ ?"', "[0-9]"]
PART = st.tuples(st.integers(0, 3), st.integers(1, 4))


def phrase(*literals: str) -> str:
    """A quoted value: these texts, with wildcards between them."""
    return '"' + pattern(literals).replace('"', r"\"") + '"'


@st.composite
def written(draw: st.DrawFn, seen: Sequence[str]) -> str:
    """A value of a text field as somebody may write it: mostly made of a text that is there."""
    text = draw(st.sampled_from(seen)) if draw(st.integers(0, 4)) and seen else draw(PARTY)
    start, length = draw(PART)
    part = text[start : start + length]
    return draw(
        st.sampled_from(
            [
                quote(text),
                quote(text.swapcase()),
                quote(text.casefold()),
                quote(part),
                "*",
                phrase(part, ""),
                phrase("", part, ""),
                phrase(text[:1], part),
                "~" + draw(st.sampled_from(EXPRESSIONS)),
            ]
        )
    )


@st.composite
def terms(draw: st.DrawFn, captures: Sequence[Capture]) -> str:
    """A term about any field; most of its values are there."""
    field = draw(st.sampled_from([*[ANYWHERE] * 4, *FIELDS.values()]))
    name = draw(st.sampled_from(NAMES[field.name])) if field.kind is Kind.OPEN else ""
    label = f"{field.name}.{name}" if name else field.name
    if field.kind in ORDERED or (name and not draw(st.integers(0, 3))):
        values = ORDERED_VALUES.get(field.kind, ["0", "1", "2.5", "-1e2"])
        return draw(
            st.sampled_from([f"{label}:*", *(label + sign + value for sign in COMPARISONS for value in values)])
        )
    if field.kind is Kind.CLOSED:
        return f"{label}:{draw(st.sampled_from([*field.choices, '*', '~e', '~q']))}"
    seen = {value for capture in captures for value in field.read(capture, name) if isinstance(value, str)}
    value = draw(written(sorted(seen)))
    if field is not ANYWHERE:
        return f"{label}:{value}"
    return value if value[0] in '"~' else phrase(value)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Capture], list[str]]:
    """Captures, and filters about them: terms, and a tree of these terms."""
    captures = draw(CAPTURES)
    texts = draw(st.lists(terms(captures), min_size=1, max_size=8))
    tree = st.recursive(
        st.sampled_from(texts),
        lambda inner: st.one_of(
            inner.map(lambda text: f"-({text})"),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' '.join(parts)})"),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        ),
        max_leaves=5,
    )
    return captures, [*texts, draw(tree)]


def agree(db: sqlite3.Connection, captures: list[Capture], texts: list[str]) -> None:
    fill(db, captures)
    for text in texts:
        filter = parse(text)
        assert selected(db, filter) == matched(captures, filter), text


@pytest.mark.timeout(600)  # when it fails, finding a small example takes a while
@given(cases())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sql_and_predicate_agree(db: sqlite3.Connection, case: tuple[list[Capture], list[str]]) -> None:
    agree(db, *case)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@given(cases())
@settings(max_examples=8_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sql_and_predicate_agree_at_length(db: sqlite3.Connection, case: tuple[list[Capture], list[str]]) -> None:
    agree(db, *case)


@pytest.mark.slow
def test_every_sign_against_every_other(db: sqlite3.Connection) -> None:
    texts = sorted(
        {*PIECES, *NUMBERS, *(a + b for a in PIECES for b in ("a", "\0", "É", "*")), "a\0b", "b\0", "", "aBc", "AbC"}
    )
    captures = [replace(make_capture(n), reading=Reading(text=text, from_=text)) for n, text in enumerate(texts, 1)]
    fill(db, captures)
    for text in texts:
        values = [phrase(text), phrase(text, ""), phrase("", text), phrase("", text, "")]
        filters = [f"{name}{value}" for name in ("text=", "text:", "from:", "") for value in values]
        for filter in map(parse, filters):
            assert selected(db, filter) == matched(captures, filter), filter.text


def test_every_field_has_a_column(db: sqlite3.Connection) -> None:
    captures = [make_capture(1), replace(make_capture(2, reading=None), marks=())]
    fill(db, captures)
    for field in FIELDS.values():
        written = f"{field.name}.type:*" if field.kind is Kind.OPEN else f"{field.name}:*"
        filter = parse(written)
        assert selected(db, filter) == matched(captures, filter), written
    assert selected(db, parse("")) == [1, 2]


def test_captures_are_joined_only_where_they_are_looked_at() -> None:
    assert not compile_filter(parse("a provider:volt -text:b size>1"), NOW).needs_captures
    assert compile_filter(parse("a -(provider:volt or body.a:1)"), NOW).needs_captures


def test_plain_terms_walk_the_key(db: sqlite3.Connection) -> None:
    where = compile_filter(parse("id>5 provider:volt"), NOW)
    plan = db.execute(f"EXPLAIN QUERY PLAN SELECT id FROM readings r WHERE {where.sql}", where.parameters).fetchall()
    assert "USING INTEGER PRIMARY KEY" in plan[0][3]


def test_a_filter_as_large_as_filters_get(db: sqlite3.Connection) -> None:
    captures = [make_capture(1)]
    fill(db, captures)
    for text in (" ".join(["5550123"] * 100), " or ".join(["x5550123"] * 100), "-(" * 15 + "hello" + ")" * 15):
        filter = parse(text)
        assert selected(db, filter) == matched(captures, filter)
    everywhere = parse("text:" + quote("é%_" * 1_600))
    assert selected(db, everywhere) == []


def everything(db: sqlite3.Connection) -> object:
    """The tables, and what is in them (the search index itself cannot be listed, the tables below it can)."""
    tables = db.execute("SELECT name, type, sql FROM sqlite_master ORDER BY name").fetchall()
    named = [name for name, kind, _ in tables if kind == "table" and name != "search"]
    return tables, [db.execute(f'SELECT * FROM "{name}"').fetchall() for name in named]


@pytest.mark.slow
def test_naughty_strings_find_themselves_and_change_nothing(db: sqlite3.Connection) -> None:
    naughty: list[str] = json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8"))
    captures = [
        replace(make_capture(number), reading=Reading(text=text, from_=text, event=text))
        for number, text in enumerate(naughty, 1)
    ]
    fill(db, captures)
    before = everything(db)
    for number, text in enumerate(naughty, 1):
        for name in ("text", "from", "event"):
            assert number in selected(db, parse(f"{name}={quote(text)}"))
        try:
            filter = parse(text)
        except FilterError:
            continue
        assert selected(db, filter) == matched(captures, filter)
    assert everything(db) == before


def test_a_regular_expression_bomb_ends(db: sqlite3.Connection) -> None:
    bombs = [replace(make_capture(n), reading=Reading(text="a" * 5_000 + "!")) for n in range(1, 101)]
    fill(db, [*bombs, replace(make_capture(101), reading=Reading(text="aaa"))])
    filter = parse("text:~^(a|aa|aaa)+$")
    assert selected(db, filter) == [101]
    assert filter.timeouts == 100
