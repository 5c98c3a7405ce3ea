"""The search index: it names every capture that can match, and a filter that it helps reads only those."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model.capture import Capture
from monitor.model.filter import parse, quote
from monitor.model.reading import Reading
from monitor.store import search
from monitor.store.connection import connect
from monitor.store.filter_sql import compile_filter, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.reader import Reader
from tests.factory import START, make_capture, storing
from tests.store.test_retention import played


def saying(text: str, sender: str = "+15555550123") -> Capture:
    return replace(make_capture(), reading=Reading(text=text, from_=sender, message=f"volt:{text[:40]}"))


async def stored(path: Path, captures: list[Capture]) -> None:
    async with storing(path) as store:
        for capture in captures:
            await store.add(capture)
        await store.caught_up()


def found(path: Path, text: str, low: int = 1, high: int = 10_000) -> list[int]:
    with closing(Reader(path)) as reader:
        return reader.matching(compile_filter(parse(text), START), low, high)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("hello", '("hel" AND "ell" AND "llo")'),
        ("STRASSE", '("str" AND "tra" AND "ras" AND "ass" AND "sse")'),
        ("straße", '("str" AND "tra" AND "ras" AND "ass" AND "sse")'),
        ("text:ab", None),
        ("text:ab*cde", '("cde")'),
        ('"a\\"b"', '("a""b")'),
        ("hello -world", '("hel" AND "ell" AND "llo")'),
        ("(hello or provider:volt)", None),
        ("text:~hello", None),
        ("body.a:hello", None),
        ("provider:volt text:abc", '(("abc"))'),
        ("-hello", None),
        ("from:+15555550123", None),
    ],
)
def test_what_the_index_is_asked(text: str, asked: str | None) -> None:
    wanted = compile_filter(parse(text), START).search
    if text.startswith("from:"):
        assert wanted is not None
        assert '"155"' in wanted
        assert " OR " in wanted
    elif text.startswith("hello -"):
        assert wanted == f"({asked})"
    else:
        assert wanted == asked


async def test_texts_are_found_before_and_behind_what_is_indexed(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    many = search.STEP + 20
    await stored(path, [saying(f"number {n:04d} of many") for n in range(1, many + 1)])
    with closing(connect(path, read_only=True)) as db:
        assert search.upto(db) == search.STEP
    for number in (1, search.STEP, search.STEP + 1, many):
        assert found(path, f'"{number:04d} of"') == [number]
    assert found(path, "number") == list(range(1, many + 1))
    assert found(path, "number", 5, 9) == [5, 6, 7, 8, 9]
    assert found(path, '"(555) 555-0123"', 1, 3) == [1, 2, 3]
    assert found(path, "nothing of the kind") == []


async def test_a_capture_with_very_much_text_is_found_too(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    long = "x" * search.MAX_WORDS + " needle"
    await stored(path, [saying(f"text {n}") for n in range(search.STEP - 1)] + [saying(long)])
    assert found(path, "needle") == [search.STEP]


async def test_reindex_builds_it_again(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    async with storing(path) as store:
        for n in range(search.STEP):
            await store.add(saying(f"before {n}"))
        await store.caught_up()
        await store.reread(lambda capture: replace(capture, reading=Reading(text=f"after {capture.id}")))
    assert found(path, "before") == []
    assert len(found(path, "after")) == search.STEP


async def test_without_an_index_filters_read_everything(tmp_path: Path) -> None:
    """SQLite may have been built without it."""
    path = tmp_path / "hooktop.db"
    await stored(path, [])
    with closing(sqlite3.connect(path)) as db:
        for table in ("searched", "searched_long", "search"):
            db.execute(f"DROP TABLE {table}")
        db.commit()
    await stored(path, [saying(f"number {n}") for n in range(search.STEP + 1)])
    assert found(path, "number") == list(range(1, search.STEP + 2))


async def test_messages_are_found_by_what_any_of_their_captures_said(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    captures = played(search.STEP + 60)
    await stored(path, captures)
    words = {str(c.reading.text).split(" ")[0] for c in captures if c.reading and c.reading.text}
    numbers = {c.reading.to for c in captures if c.reading and c.reading.to}
    asked = [f"text:{quote(word)}" for word in sorted(words) if len(word) > 2] + [
        quote(number[-7:]) for number in sorted(numbers)
    ]
    with closing(MessageReader(path)) as reader:
        for text in asked:
            where = compile_message_filter(parse(text), START)
            assert (where.search is None) == (text == "李明"), text  # two characters make no piece
            found = reader.message_ids(Order.NEWEST, where, 1000)
            assert found == reader.message_ids(Order.NEWEST, replace(where, search=None), 1000), text
            assert found
            between = reader.message_ids_between(where, 1, 10_000)
            assert between == sorted(found)
            with_it = [row.key for row in reader.conversations_with(where, 1000)]
            assert with_it == [row.key for row in reader.conversations_with(replace(where, search=None), 1000)]


async def test_a_message_is_found_by_what_different_captures_of_it_said(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    said = [Reading(message="volt:m", text="needle in hay"), Reading(message="volt:m", from_="+15555550188")]
    others = [saying(f"text {n}") for n in range(search.STEP)]
    await stored(path, [*(replace(make_capture(body=b"%d" % n), reading=r) for n, r in enumerate(said)), *others])
    with closing(MessageReader(path)) as reader:
        for text in ("needle from:+15555550188", "needle 5550188", "text:needle", "from:*0188 hay"):
            where = compile_message_filter(parse(text), START)
            assert where.search is not None
            found = reader.message_ids(Order.NEWEST, where, 10)
            assert found == reader.message_ids(Order.NEWEST, replace(where, search=None), 10) == [1], text


async def test_a_message_without_an_id_is_found_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "hooktop.db"
    captures = [c for c in played(1_000) if c.provider == "oneroute"]
    assert len(captures) > 2 * search.STEP
    await stored(path, captures)
    with closing(MessageReader(path)) as reader:
        keys = [one.key for one in reader.messages(range(1, search.STEP)).values() if ":sha256:" in one.key]
        assert keys
        for key in keys[:5]:
            digest = key.rpartition(":")[2]
            parts = (digest, f"message:*{digest[4:].upper()}", f'"te:sha256:{digest}"')
            for text in (f"message:{key}", f'"{key}"', *parts):
                where = compile_message_filter(parse(text), START)
                assert len(reader.message_ids(Order.NEWEST, where, 10)) == 1, text
