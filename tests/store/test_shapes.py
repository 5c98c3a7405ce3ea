"""What event types are like, learnt behind the commits: only from what is verified, marked where filters find it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor.model.capture import Capture, Source
from monitor.model.filter import parse
from monitor.model.record import capture_record
from monitor.model.shape import BASELINE
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import retention, shapes
from monitor.store.coverage_reader import CoverageReader
from monitor.store.filter_sql import compile_filter
from monitor.store.store import Reread, Store
from tests.factory import FULL_READING, START, make_capture, make_request, storing

PAYLOAD = {"status": "sent", "id": "x"}


def said(
    verdict: VerdictStatus = VerdictStatus.VERIFIED,
    source: Source = Source.NETWORK,
    event: str | None = "message.sent",
    **payload: Any,
) -> Capture:
    """A capture whose payload has more in it."""
    body = json.dumps({"type": "messaging", "payload": PAYLOAD | payload}).encode()
    return replace(
        make_capture(),
        request=make_request(body),
        source=source,
        verdict=Verdict(verdict, "as the test says"),
        reading=replace(FULL_READING, event=event),
        marks=("duplicate",),
    )


async def put(store: Store, *captures: Capture) -> None:
    """Store captures one after another, and wait until they were learnt from."""
    for capture in captures:
        await store.add(capture)
    await store.caught_up()


def marks(store: Store) -> list[tuple[str, ...]]:
    """The marks of every capture, but for the one that each has anyway."""
    with closing(store.reader()) as reader:
        return [tuple(mark for mark in one.marks if mark != "duplicate") for one in reader.page(limit=1000)]


def listed(store: Store, text: str = "") -> list[tuple[str, int, bool, int]]:
    """What is listed as new: path, capture, whether it is a value, captures before."""
    with closing(CoverageReader(store.path)) as reader:
        found = reader.news(compile_filter(parse(text), START), 100)
    return [(one.path, one.capture, one.word > 0, one.before) for one in found]


async def test_what_is_new_is_marked_listed_and_found_by_filters(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said() for _ in range(BASELINE)], said(status="failed", extra={"a": 1}), said(extra=1))
        new = BASELINE + 1
        assert marks(store)[:BASELINE] == [()] * BASELINE
        assert marks(store)[BASELINE:] == [("new_value:payload.status", "new_field:payload.extra"), ()]
        assert listed(store) == [("payload.extra", new, False, BASELINE), ("payload.status", new, True, BASELINE)]
        assert listed(store, "provider:bird") == []
        assert listed(store, "body.payload.status:failed") == listed(store)
        with closing(store.reader()) as reader:
            where = compile_filter(parse("mark:new_field*"), START)
            assert reader.matching(where, 1, 100) == [new]
            assert reader.matching(compile_filter(parse("mark:new_value:payload.status"), START), 1, 100) == [new]
            capture = reader.capture(new)
        assert capture is not None
        assert capture_record(capture)["marks"] == [
            "duplicate", "new_value:payload.status", "new_field:payload.extra",
        ]  # fmt: skip


@pytest.mark.parametrize("verdict", [status for status in VerdictStatus if status is not VerdictStatus.VERIFIED])
async def test_strangers_neither_teach_nor_are_marked(tmp_path: Path, verdict: VerdictStatus) -> None:
    async with storing(tmp_path / "h.db") as store:
        flood = [said(verdict, x0=n) for n in range(9)]
        await put(store, *flood, *[said() for _ in range(BASELINE)], *flood, said(x0=1))
        assert [one for one in marks(store) if one] == [("new_field:payload.x0",)]
        with closing(sqlite3.connect(store.path)) as db:
            assert db.execute("SELECT provider, event, local, captures FROM event_types").fetchall() == [
                ("volt", "message.sent", 0, BASELINE + 1)
            ]


async def test_what_is_simulated_teaches_apart_and_what_is_replayed_not_at_all(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said() for _ in range(BASELINE)])
        await put(store, *[said(source=Source.SIMULATED, other=1) for _ in range(BASELINE)])
        await put(store, said(source=Source.REPLAYED, x=1), said(source=Source.SIMULATED, x=1), said(other=1))
        assert marks(store)[-3:] == [(), ("new_field:payload.x",), ("new_field:payload.other",)]


async def test_event_types_are_told_apart_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_TYPES", 2)
    monkeypatch.setattr(shapes, "KEPT", 1)
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said(event=event) for _ in range(BASELINE) for event in ("a", "b", "c", None, "e" * 201)])
        await put(store, *[said(event=event, x=1) for event in ("a", "b", "c", None, "e" * 201)])
        assert marks(store)[-5:] == [("new_field:payload.x",), ("new_field:payload.x",), (), (), ()]


async def test_bodies_that_teach_nothing(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        odd = [b"", b"no json", b"[" * 100, b"1", b'"text"', b'{"a": "' + b"x" * 70_000 + b'"}']
        await put(store, *[replace(said(), request=make_request(body)) for body in odd])
        with closing(sqlite3.connect(store.path)) as db:
            assert db.execute("SELECT count(*) FROM fields").fetchone() == (0,)


async def test_it_goes_on_after_a_restart_and_is_built_again(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said(n=n) for n in range(BASELINE)], said(kind="a"))
    async with storing(tmp_path / "h.db") as store:
        await put(store, said(kind="a"), said(status="queued"), said(later=1))
        before, rows = marks(store), fields(store)
        assert before[BASELINE:] == [
            ("new_field:payload.kind",), (), ("new_value:payload.status",), ("new_field:payload.later",),
        ]  # fmt: skip
        await store.reread(lambda capture: replace(capture, marks=("duplicate",)))
        assert marks(store) == before
        assert fields(store) == rows


async def test_what_is_judged_anew_without_a_change_keeps_its_marks(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said() for _ in range(BASELINE)], said(extra=1))
        found = marks(store)
        done = await store.reread(lambda capture: replace(capture, marks=("duplicate",)), whole=False)
        assert done == Reread(BASELINE + 1, 0)
        assert marks(store) == found


async def test_judging_anew_that_is_broken_off_leaves_no_mark_twice(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said() for _ in range(BASELINE + 1)], said(extra=1), said(other=1))
        found = marks(store)
        await store.reread(lambda capture: capture, stop=lambda: True)
        assert marks(store) == found
        assert store._writer is not None
        await store._writer.run(partial(retention.forget, ids=[1, 2]))
        await store.reread(lambda capture: capture, stop=lambda: True)
        assert marks(store)[-2:] == [(), ("new_field:payload.other",)]  # too few teach now before the first of them


async def test_captures_that_are_let_go_take_their_news_along(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said() for _ in range(BASELINE)], said(extra=1))
        assert len(listed(store)) == 1
        await store.prune(START.replace(year=2027))
        await put(store, said(extra=1))  # whose number one of the others had
        assert listed(store) == []
        assert marks(store) == [()]


async def test_a_field_that_holds_texts_is_not_watched_for_words(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said(note="ok") for _ in range(BASELINE)], said(note="see below"), said(note="fine"))
        assert [one for one in marks(store) if one] == []
    async with storing(tmp_path / "h.db") as store:
        await put(store, *[said(note="word") for _ in range(3)])
        assert [one for one in marks(store) if one] == []
        with closing(sqlite3.connect(store.path)) as db:
            assert b"word" not in b"".join(str(row).encode() for row in db.execute("SELECT * FROM fields"))


def fields(store: Store) -> list[Any]:
    """What was learnt."""
    with closing(sqlite3.connect(store.path)) as db:
        return db.execute("SELECT path, word, capture, before, new, free FROM fields ORDER BY 1, 2").fetchall()
