"""Drift: what is wanted beside what is there, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.drift import FINE, DriftRow, Facts, KeyFact, State, drift
from monitor.model.registration import Change, ChangeKind, Registration, Wanted

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
TODAY = "https://today.example.com/bird/hk-00000001"
OLD = "https://old.example.com/bird/hk-00000001"
THEIRS = "https://example.com/hooks/bird"
SMS = {"service": "channels", "event": "sms.outbound"}


def wanted(subject: str = "sms", spec: dict[str, str] | None = None, number: int = 1) -> Wanted:
    return Wanted(number, "bird-eu", "bird", subject, SMS if spec is None else spec, T0)


def there(url: str = TODAY, id_: str = "1", **more: Any) -> Registration:
    return Registration("bird", id_, url, **{"subject": "sms", "spec": SMS, "active": True, **more})


def facts(wishes: Sequence[Wanted] = (), found: Sequence[Registration] | None = (), **more: Any) -> Facts:
    def ours(url: str) -> bool:
        return url.endswith("/hk-00000001")

    return Facts(
        **{
            "account": "bird-eu",
            "provider": "bird",
            "url": TODAY,
            "wanted": wishes,
            "found": found,
            "ours": ours,
            **more,
        }
    )


def only(known: Facts) -> DriftRow:
    (row,) = drift(known)
    return row


def test_what_is_as_wanted() -> None:
    row = only(facts([wanted()], [there()], key=lambda one: KeyFact(True, T0)))
    assert (row.state, row.mend, row.verified_at, row.ours) == (State.SAME, None, T0, True)
    assert row.why == "It is as wanted: active, key known, verified."


def test_what_is_missing_is_added() -> None:
    row = only(facts([wanted()], [], needs_key=True))
    assert row.state is State.MISSING
    assert row.mend == Change(ChangeKind.ADD, "sms", spec=SMS, url=TODAY)
    assert row.new_key
    row = only(facts([wanted()], [], asked=lambda subject: T0))
    assert row.why == "It was asked for at 2026-01-31 12:00:00 UTC and no answer came; look again before you ask anew."


def test_of_several_that_were_left_at_earlier_addresses_the_newest_counts() -> None:
    found = [there(OLD, "1", created_at=T0), there(OLD, "2", created_at=T0.replace(hour=14)), there(OLD, "3")]
    rows = drift(facts([wanted()], found))
    assert [(row.state, row.found.id) for row in rows if row.found] == [
        (State.ELSEWHERE, "2"),
        (State.LEFT_OVER, "1"),
        (State.LEFT_OVER, "3"),
    ]


@pytest.mark.parametrize(
    ("alive", "state"), [(False, State.DEAD_TUNNEL), (True, State.ELSEWHERE), (None, State.ELSEWHERE)]
)
def test_what_points_at_an_earlier_address_is_re_pointed(alive: bool | None, state: State) -> None:
    target = there(OLD)
    row = only(facts([wanted()], [target], alive=lambda url: alive))
    assert row.state is state
    assert OLD in row.why
    assert row.mend == Change(ChangeKind.UPDATE, "sms", url=TODAY, target=target)


def test_one_change_mends_all_that_is_wrong_and_the_worst_is_told() -> None:
    target = there(OLD, active=False, spec={**SMS, "filters": "a=1"})
    row = only(facts([wanted(spec={**SMS, "filters": "a=2"})], [target], key=lambda one: KeyFact(False)))
    assert row.state is State.ELSEWHERE
    assert row.mend == Change(ChangeKind.UPDATE, "sms", url=TODAY, active=True, spec={"filters": "a=2"}, target=target)
    assert row.new_key


@pytest.mark.parametrize(
    ("found", "key", "state"),
    [
        (there(active=False), KeyFact(False), State.INACTIVE),
        (there(), KeyFact(False), State.KEY_UNKNOWN),
        (there(spec={**SMS, "echo": "no"}), KeyFact(True), State.DIFFERS),
    ],
)
def test_what_is_wrong_at_the_right_address(found: Registration, key: KeyFact, state: State) -> None:
    row = only(facts([wanted(spec={**SMS, "echo": "yes"})], [found], key=lambda one: key))
    assert row.state is state
    assert row.mend is not None
    assert row.mend.url is None
    assert row.new_key == (not key.known)


def test_who_switched_it_off_is_not_guessed() -> None:
    row = only(facts([wanted()], [there(active=False)], key=lambda one: KeyFact(True)))
    assert (row.state, row.why) == (State.INACTIVE, "It is switched off.")


def test_what_only_one_side_tells_does_not_differ() -> None:
    row = only(facts([wanted(spec={**SMS, "type": "custom"})], [there(spec={**SMS, "echo": "no"})]))
    assert row.state is State.SAME


def test_a_registration_of_others_is_left_alone_also_for_the_same_job() -> None:
    missing, foreign = drift(facts([wanted()], [there(THEIRS)]))
    assert (missing.state, foreign.state) == (State.MISSING, State.NOT_OURS)
    assert foreign.mend is None
    assert not foreign.ours


def test_where_there_can_be_but_one_another_s_gives_way() -> None:
    target = there(THEIRS)
    row = only(facts([wanted()], [target], exclusive=True))
    assert (row.state, row.ours) == (State.ELSEWHERE, False)
    assert row.why == f"It points at {THEIRS}, which is not hooktop's."
    assert row.mend == Change(ChangeKind.UPDATE, "sms", url=TODAY, target=target)


def test_what_earlier_runs_left_is_offered_and_its_doubles_go() -> None:
    doubles = [there(OLD, "1"), there(TODAY, "2"), there(OLD, "3", active=False)]
    rows = drift(facts([wanted()], doubles))
    assert [(row.state, row.found and row.found.id) for row in rows] == [
        (State.SAME, "2"),
        (State.LEFT_OVER, "1"),
        (State.LEFT_OVER, "3"),
    ]
    assert rows[1].mend == Change(ChangeKind.REMOVE, "sms", target=doubles[0])
    rows = drift(facts([], doubles))
    assert [(row.state, row.found and row.found.id) for row in rows] == [
        (State.UNWANTED, "2"),
        (State.LEFT_OVER, "1"),
        (State.LEFT_OVER, "3"),
    ]
    assert rows[0].mend is None  # it is at today's address: to be adopted or removed
    row = only(facts([], doubles[:1]))
    assert row.mend == Change(ChangeKind.UPDATE, "sms", url=TODAY, target=doubles[0])


def test_without_an_address_nothing_can_be_mended() -> None:
    rows = drift(facts([wanted(), wanted("other", number=2)], [there(OLD)], url=None))
    assert [row.state for row in rows] == [State.NO_ADDRESS, State.NO_ADDRESS]
    assert [row.mend for row in rows] == [None, None]


def test_before_anybody_has_looked() -> None:
    row = only(facts([wanted()], None))
    assert (row.state, row.mend) == (State.NOT_LISTED, None)


def test_what_the_api_does_not_list_is_known_from_our_own_record() -> None:
    def cannot(kind: ChangeKind) -> str | None:
        return None if kind is ChangeKind.ADD else "Volt documents only registration."

    row = only(facts([wanted()], [there()], lists=False, cannot=cannot))
    assert row.state is State.BY_HAND
    assert row.why.endswith("nothing came to it yet.")
    row = only(facts([wanted()], [there()], lists=False, cannot=cannot, first_event=lambda one: T0))
    assert row.first_event_at == T0
    assert row.why.endswith("something came to it.")
    row = only(facts([wanted()], [there(OLD)], lists=False, cannot=cannot))
    assert row.mend == Change(ChangeKind.ADD, "sms", spec=SMS, url=TODAY)  # which is as good as an update
    assert row.by_hand is None
    _, left = drift(facts([wanted()], [there(OLD, "1"), there(TODAY, "2")], lists=False, cannot=cannot))
    assert (left.state, left.by_hand) == (State.LEFT_OVER, "Volt documents only registration.")


def test_where_there_is_no_api_a_person_does_it() -> None:
    no = "OneRoute has no API for webhooks."
    known = facts([wanted()], [], lists=False, exclusive=True, cannot=lambda kind: no)
    row = only(known)
    assert (row.state, row.by_hand) == (State.MISSING, no)
    row = only(replace(known, found=[there(OLD)]))
    assert (row.state, row.by_hand) == (State.ELSEWHERE, no)
    assert row.mend == Change(ChangeKind.ADD, "sms", spec=SMS, url=TODAY)
    assert only(replace(known, found=[there()])).state is State.BY_HAND


def test_foreign_text_in_a_sentence_is_visible() -> None:
    row = only(facts([wanted()], [there("https://\x1b[31m\u202e" + "x" * 999)], exclusive=True))
    assert row.why.isprintable()
    assert len(row.why) < 300


SUBJECTS = st.sampled_from(["a", "b"])
URLS = st.sampled_from([TODAY, OLD, THEIRS, "https://older.example.com/bird/hk-00000001", ""])
REGISTRATIONS = st.builds(
    Registration,
    st.just("bird"),
    st.uuids().map(str),
    URLS,
    SUBJECTS,
    st.sampled_from([{}, {"echo": "yes"}, {"echo": "no"}]),
    st.sampled_from([True, False, None]),
)
WISHES = st.lists(SUBJECTS, unique=True).flatmap(
    lambda subjects: st.tuples(
        *(
            st.builds(wanted, st.just(subject), st.sampled_from([{}, {"echo": "yes"}]), st.just(number))
            for number, subject in enumerate(subjects)
        )
    )
)


@st.composite
def all_facts(draw: st.DrawFn) -> Facts:
    cannot = {kind: draw(st.sampled_from([None, "No."])) for kind in ChangeKind}
    key = draw(st.sampled_from([None, KeyFact(True), KeyFact(False)]))
    alive = draw(st.sampled_from([True, False, None]))
    return facts(
        draw(WISHES),
        draw(st.one_of(st.none(), st.lists(REGISTRATIONS, max_size=6))),
        url=draw(st.sampled_from([TODAY, None])),
        lists=draw(st.booleans()),
        exclusive=draw(st.booleans()),
        cannot=cannot.__getitem__,
        key=lambda one: key,
        alive=lambda url: alive,
    )


@given(all_facts())
def test_every_wish_and_every_registration_has_one_row(known: Facts) -> None:
    rows = drift(known)
    assert [row.wanted for row in rows if row.wanted is not None] == list(known.wanted)
    seen = [row.found.id for row in rows if row.found is not None]
    assert sorted(seen) == sorted(one.id for one in known.found or ())
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert row.why.endswith(".")
        assert row.state.label
        assert (row.state is State.NOT_LISTED) == (row.wanted is not None and known.found is None)


@given(all_facts())
def test_nothing_that_is_not_ours_is_mended_but_where_there_can_be_only_one(known: Facts) -> None:
    for row in drift(known):
        if row.found is not None and not row.ours and row.mend is not None:
            assert known.exclusive
            assert row.wanted is not None
            assert row.mend.kind is not ChangeKind.REMOVE
        if row.state in FINE:
            assert row.mend is None


@given(all_facts())
def test_a_change_that_mends_asks_only_for_what_is_wrong_and_then_nothing_is(known: Facts) -> None:
    for row in drift(known):
        change = row.mend
        if change is None or row.wanted is None:
            continue
        assert change.url in (None, known.url)
        if row.by_hand is None:
            assert known.cannot(change.kind) is None
        if change.kind is ChangeKind.UPDATE:
            assert change.target == row.found
            assert any([change.url, change.active, change.spec, row.new_key])
            after = mended(known, row, change)
            assert next(one.state for one in drift(after) if one.wanted == row.wanted) in FINE


def mended(known: Facts, row: DriftRow, change: Change) -> Facts:
    """The facts after the change was made."""
    assert row.found is not None
    made = replace(
        row.found,
        url=change.url or row.found.url,
        active=row.found.active if change.active is None else change.active,
        spec={**row.found.spec, **(change.spec or {})},
    )
    key = known.key

    def key_now(one: Registration) -> KeyFact | None:
        return KeyFact(True) if row.new_key and one.id == made.id else key(one)

    found = [made if one.id == made.id else one for one in known.found or ()]
    return replace(known, found=found, key=key_now)
