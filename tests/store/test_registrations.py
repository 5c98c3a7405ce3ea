"""What is wanted and what was changed, kept beside a monitor and without one, in good databases and hostile ones."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model.capture import Source
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.store.connection import prepare
from monitor.store.errors import StoreError
from monitor.store.registrations import MAX_JSON, RegistrationStore
from monitor.store.store import Store
from tests.factory import START, make_capture

T0 = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
THERE = Registration(
    "bird",
    "sub-1",
    "https://example.com/hooks?t=1",
    "channels sms.outbound",
    {"service": "channels", "event": "sms.outbound"},
    False,
    T0 - SECOND,
    None,
    {"id": "sub-1", "eventFilters": None, "n": 1, "text": "\ud800 ü"},
)
CHANGE = ChangeRecord(
    0, "bird-eu", "bird", ChangeKind.UPDATE, THERE.subject, THERE, None, T0, None, ChangeState.BEGUN, "run-1"
)


@pytest.fixture
def store(tmp_path: Path) -> RegistrationStore:
    return RegistrationStore(tmp_path / "new" / "hooktop.db")


def test_without_a_database_there_is_nothing_and_none_is_made(store: RegistrationStore, tmp_path: Path) -> None:
    assert (store.wanted(), store.records()) == ([], [])
    assert store.first_event("volt", T0) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_wanted_keeps_its_place_and_its_time(store: RegistrationStore) -> None:
    store.want("bird-eu", "bird", "a", {"event": "a"}, T0)
    store.want("volt", "volt", "all", {}, T0)
    store.want("bird-eu", "bird", "b \ud800", {"event": "b"}, T0)
    store.want("bird-eu", "bird", "a", {"event": "a", "filters": "k=v"}, T0 + SECOND)
    found = store.wanted("bird-eu")
    assert [(one.subject, one.spec, one.since) for one in found] == [
        ("a", {"event": "a", "filters": "k=v"}, T0),
        ("b \ufffd", {"event": "b"}, T0),
    ]
    assert [one.account for one in store.wanted()] == ["bird-eu", "volt", "bird-eu"]
    assert store.unwant("bird-eu", "a")
    assert not store.unwant("bird-eu", "a")
    assert not store.unwant("volt", "a")
    assert [one.subject for one in store.wanted("bird-eu")] == ["b \ufffd"]


def test_a_change_from_its_beginning_to_its_end(store: RegistrationStore) -> None:
    begun = store.begin(CHANGE)
    assert begun.id > 0
    (record,) = store.records()
    assert record.before is not None
    assert replace(record, before=None) == replace(begun, before=None)
    assert record.before == replace(THERE, raw={**THERE.raw, "text": "\ud800 ü"})
    after = replace(THERE, url="https://next.example.com/")
    store.end(begun.id, ChangeState.DONE, after, T0 + SECOND, probes=range(200))
    (record,) = store.records(account="bird-eu")
    assert (record.state, record.after, record.ended_at) == (ChangeState.DONE, after, T0 + SECOND)
    assert record.probes == tuple(range(100))
    store.mark([begun.id], ChangeState.UNDONE)
    store.end(begun.id, ChangeState.FAILED, None, T0)  # it has ended already
    assert [one.state for one in store.records()] == [ChangeState.UNDONE]


def test_the_end_that_its_own_run_knows_of_counts_more_than_a_look_at_the_list(store: RegistrationStore) -> None:
    begun = store.begin(CHANGE)
    store.end(begun.id, ChangeState.FAILED, None, T0)
    store.end(begun.id, ChangeState.DONE, THERE, T0)
    assert [one.state for one in store.records()] == [ChangeState.DONE]


def test_runs_that_ended_properly_are_told_apart(store: RegistrationStore) -> None:
    first = store.begin(CHANGE)
    second = store.begin(replace(CHANGE, run="run-2", undoes=first.id))
    store.close("run-1")
    assert [one.id for one in store.records(unclosed=True)] == [second.id]
    assert [(one.id, one.run, one.undoes) for one in store.records()] == [
        (first.id, "run-1", None), (second.id, "run-2", first.id),
    ]  # fmt: skip
    assert store.records(account="other") == []


def test_a_huge_object_is_kept_without_what_only_the_provider_needs(store: RegistrationStore) -> None:
    store.begin(replace(CHANGE, before=replace(THERE, raw={"text": "x" * MAX_JSON})))
    (record,) = store.records()
    assert record.before == replace(THERE, raw={})


async def test_beside_a_monitor_that_commits(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "hooktop.db")
    store.start()
    try:
        kept = RegistrationStore(tmp_path / "hooktop.db")
        await asyncio.gather(
            *(asyncio.to_thread(kept.begin, replace(CHANGE, run=str(n))) for n in range(5)),
            *(store.add(make_capture(0, body=b'{"n": %d}' % n)) for n in range(50)),
        )
        assert sorted(record.run for record in kept.records()) == list("01234")
    finally:
        await store.stop()


async def test_the_first_event_of_a_provider(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "hooktop.db")
    store.start()
    try:
        for n, source in enumerate([Source.NETWORK, Source.SIMULATED, Source.IMPORTED, Source.NETWORK]):
            await store.add(replace(make_capture(n), id=0, source=source, received_at=START + n * SECOND))
        kept = RegistrationStore(tmp_path / "hooktop.db")
        assert kept.first_event("volt", START) == START
        later = START + timedelta(milliseconds=1)
        assert kept.first_event("volt", later) == START + 3 * SECOND
        assert kept.first_event("volt", later, simulated=True) == START + SECOND
        assert kept.first_event("volt", START + 4 * SECOND) is None
        assert kept.first_event("bird", START) is None
    finally:
        await store.stop()


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_files_are_private(store: RegistrationStore, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.begin(CHANGE)
    finally:
        os.umask(before)
    folder = tmp_path / "new"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_change_is_on_the_disk_before_begin_returns(store: RegistrationStore, tmp_path: Path) -> None:
    """Another connection, which sees only what was committed, has it at once."""
    begun = store.begin(CHANGE)
    with closing(sqlite3.connect(f"file:{tmp_path / 'new' / 'hooktop.db'}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT id, state FROM changes").fetchall() == [(begun.id, "begun")]


def test_a_full_disk_is_said(store: RegistrationStore, tmp_path: Path) -> None:
    store.begin(CHANGE)
    path = tmp_path / "new" / "hooktop.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TRIGGER no BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'no room'); END")
        db.commit()
    with pytest.raises(StoreError, match="The registrations in"):
        store.begin(CHANGE)
    assert len(store.records()) == 1


def test_what_an_older_hooktop_kept_is_seen(store: RegistrationStore, tmp_path: Path) -> None:
    store.begin(CHANGE)
    with closing(sqlite3.connect(tmp_path / "new" / "hooktop.db")) as db:
        db.execute("PRAGMA user_version = 4")
    assert len(RegistrationStore(tmp_path / "new" / "hooktop.db").records()) == 1


def test_every_address_that_was_asked_for_the_latest_first(store: RegistrationStore, tmp_path: Path) -> None:
    assert store.addresses() == {}
    for n in (1, 2, 1, 3):
        asked = replace(THERE, url=f"https://a{n}.example.com/bird")
        store.begin(replace(CHANGE, after=asked))
    ended = store.begin(replace(CHANGE, provider="volt", after=THERE))
    store.end(ended.id, ChangeState.FAILED, None, T0)
    assert store.addresses() == {"bird": tuple(f"https://a{n}.example.com/bird" for n in (3, 1, 2))}
    file = tmp_path / "new" / "hooktop.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 4")
    before = file.read_bytes()
    assert RegistrationStore(file).addresses() == {}
    assert file.read_bytes() == before  # who only looks changes nothing


def test_a_database_of_a_newer_hooktop_is_said(store: RegistrationStore, tmp_path: Path) -> None:
    store.begin(CHANGE)
    with closing(sqlite3.connect(tmp_path / "new" / "hooktop.db")) as db:
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match="newer hooktop"):
        store.records()


GOOD: dict[str, object] = {
    "provider": "bird", "id": "1", "url": "u", "subject": "s", "spec": {}, "active": None,
    "created_at": None, "updated_at": None, "raw": {},
}  # fmt: skip
ANY = st.one_of(
    st.none(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.binary(max_size=20),
    st.sampled_from(["{}", "[]", "null", '{"a": {"b": 1}}', "[" * 5000, json.dumps(GOOD), '[1, true, "x"]', "NaN"]),
    st.dictionaries(
        st.sampled_from(list(GOOD)), st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=9
    ).map(lambda some: json.dumps({**GOOD, **some})),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "hooktop.db"
    prepare(path)
    store = RegistrationStore(path)
    store.begin(CHANGE)
    store.want("bird-eu", "bird", "good", {}, T0)
    return path


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(change=st.lists(ANY, min_size=12, max_size=12), wish=st.lists(ANY, min_size=5, max_size=5))
@pytest.mark.slow
def test_a_hostile_row_is_left_out_and_costs_nobody_the_others(
    database: Path, change: list[object], wish: list[object]
) -> None:
    store = RegistrationStore(database)
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("DELETE FROM changes WHERE id > 1")
        db.execute("DELETE FROM wanted WHERE id > 1")
        names = "account, provider, kind, subject, before, after, begun_at, ended_at, state, run, undoes, probes"
        db.execute(f"INSERT OR IGNORE INTO changes ({names}) VALUES ({', '.join('?' * 12)})", change)
        db.execute(
            "INSERT OR IGNORE INTO wanted (account, provider, subject, spec, since) VALUES (?, ?, ?, ?, ?)", wish
        )
        db.commit()
    assert store.records()[0].run == "run-1"
    assert store.wanted()[0].subject == "good"
    for record in store.records():
        assert isinstance(record.account, str)
        assert record.begun_at.tzinfo is UTC
        assert all(type(number) is int for number in record.probes)
        for registration in (record.before, record.after):
            assert registration is None or isinstance(registration.url, str)
    for wanted in store.wanted():
        assert all(isinstance(text, str) for pair in wanted.spec.items() for text in pair)
