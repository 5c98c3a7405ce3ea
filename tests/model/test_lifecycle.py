"""The fold of one message's events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.event import Event, moves, occurrences
from monitor.model.lifecycle import fold, stuck_since
from monitor.model.message import MAX_CAPTURES, MAX_INTERACTIONS, MAX_STAGES, Mark, Message
from monitor.model.reading import Direction, Media, MessageError, Status
from monitor.model.record import message_record
from monitor.model.verdict import VerdictStatus
from monitor.providers.registry import registry
from tests.model.events import KEY, at, failed, make_event, payload_event, read_event, renumber, view
from tests.providers.scene import START as SCENE_START
from tests.providers.scene import make_scene

S, V = Status, VerdictStatus


def statuses(message: Message) -> list[Status]:
    return [stage.status for stage in message.stages]


def test_volt_times_are_those_of_the_documents() -> None:
    message = fold([payload_event("volt/delivered.json", 2), payload_event("volt/sent.json", 1)])
    assert message.key == "volt:40318006-1cae-4997-acbc-fe9a4aadb7dd"
    assert message.status is S.DELIVERED
    assert message.final
    assert statuses(message) == [S.QUEUED, S.SENT, S.DELIVERED]
    assert [stage.inferred for stage in message.stages] == [True, False, False]
    assert [stage.capture for stage in message.stages] == [1, 1, 2]
    latency = message.latency
    assert (latency.accept_to_sent_s, latency.sent_to_final_s, latency.total_s) == (0.267, 1.134, 1.401)
    assert (latency.transit_s, latency.about) == (0.5, False)
    assert message.conversation == "volt:+15555550123,+15555550145"
    assert message.marks == ()
    assert message.captures == (1, 2)
    assert message.happened_at == message.stages[0].provider_at


def test_the_sent_stage_is_inferred_from_the_event_that_carries_its_time() -> None:
    message = fold([payload_event("volt/delivered.json", 7)])
    sent = message.stages[1]
    assert (sent.status, sent.inferred, sent.capture) == (S.SENT, True, 7)
    assert message.latency.sent_to_final_s == 1.134


def test_the_documented_pair_that_shares_its_ids_is_a_conflict() -> None:
    pair = [payload_event("volt/delivered.json", 1), payload_event("volt/failed.json", 2)]
    for events in (pair, pair[::-1], renumber(pair), renumber(pair[::-1])):
        message = fold(events)
        assert statuses(message)[-2:] in ([S.DELIVERED, S.FAILED], [S.FAILED, S.DELIVERED])
        assert Mark.CONFLICT in message.marks
        assert all(Mark.CONFLICT in stage.marks for stage in message.stages[-2:])
        assert message.duplicates == 0
        # at the same moment of the provider's clock the failure is shown
        assert message.status is S.FAILED
        assert message.error is not None
        assert (message.error.code, message.error.carrier_code) == ("40002", "702")


def test_oneroute_reports_tell_no_time_of_being_sent() -> None:
    events = [payload_event("oneroute/sms_dlr_pending.json", 1), payload_event("oneroute/sms_dlr_delivered.json", 2)]
    message = fold(events)
    assert message.aliases == ("oneroute:1234567",)
    assert [(stage.status, stage.provider_at is None) for stage in message.stages] == [
        (S.QUEUED, False), (S.SENT, True), (S.DELIVERED, False),
    ]  # fmt: skip
    assert message.latency.accept_to_sent_s is None
    assert message.latency.total_s == 3.156
    failed_one = fold([payload_event("oneroute/sms_dlr_undelivered.json", after=3600)])
    assert failed_one.latency.total_s is None
    assert failed_one.marks == ()  # an hour after its making is not late
    assert failed_one.error == MessageError(title="Absent subscriber")


def test_connectly_times_are_about() -> None:
    message = fold([payload_event(f"connectly/status_{word}.json", n) for n, word in enumerate(("sent", "read"), 1)])
    assert message.status is S.READ
    assert message.final
    assert message.latency.accept_to_sent_s == pytest.approx(0.878)
    assert message.latency.total_s is None  # when it was delivered nobody said
    assert message.latency.about
    whole = fold([payload_event(f"connectly/status_{word}.json", n) for n, word in enumerate(("delivered", "read"), 1)])
    assert whole.latency.total_s == pytest.approx(3.878)


@pytest.mark.parametrize(
    ("provider", "sent", "expected", "skew"),
    [
        ("connectly", -0.4, 0.0, False),
        ("connectly", -1.0, 0.0, False),
        ("connectly", -1.1, None, True),
        ("volt", -0.4, None, True),
        ("volt", 0.4, 0.4, False),
        ("volt", 0.0, None, False),  # the time of its making and no other
    ],
)
def test_negative_latencies_are_never_shown(provider: str, sent: float, expected: float | None, skew: bool) -> None:
    message = fold([make_event(1, S.SENT, sent, received=3, provider=provider, accepted_at=at(0))])
    assert message.latency.accept_to_sent_s == (None if expected is None else pytest.approx(expected))
    assert (Mark.CLOCK_SKEW in message.marks) is skew


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        ([], None),
        ([(S.OTHER, 1)], S.OTHER),
        ([(S.QUEUED, 0), (S.OTHER, 1)], S.QUEUED),
        ([(S.QUEUED, 0), (S.SENT, 1)], S.SENT),
        ([(S.SENT, 5), (S.QUEUED, 9)], S.SENT),
        ([(S.SENT, 5), (S.DELIVERED, 6), (S.READ, 7)], S.READ),
        ([(S.READ, 5), (S.DELIVERED, 6)], S.READ),
        ([(S.FAILED, 2), (S.DELIVERED, 3)], S.FAILED),
        ([(S.DELIVERED, 2), (S.FAILED, 3)], S.DELIVERED),
        ([(S.DELIVERED, 2), (S.FAILED, 3), (S.READ, 4)], S.READ),
        ([(S.FAILED, 2), (S.DELIVERED, 2)], S.FAILED),
        ([(S.FAILED, 2), (S.SENT, 3)], S.FAILED),
    ],
)
def test_the_state_never_goes_back(happened: list[tuple[Status, int]], status: Status | None) -> None:
    events = [make_event(n, *said) for n, said in enumerate(happened, 1)]
    events.append(make_event(99, None, 0, text="hello"))
    for order in permutations(events):
        message = fold(order)
        assert message.status is status
        assert message.final is (status in (S.DELIVERED, S.READ, S.FAILED))
        conflict = {S.FAILED, S.DELIVERED} <= {word for word, _ in happened}
        assert (Mark.CONFLICT in message.marks) is conflict


def test_what_is_verified_decides_a_conflict() -> None:
    doubtful = failed(1, 1, verdict=V.NO_KEY)
    message = fold([doubtful, make_event(2, S.DELIVERED, 2)])
    assert message.status is S.DELIVERED
    assert message.error is None
    assert {Mark.CONFLICT, Mark.UNPROVEN} <= set(message.marks)
    assert message.stages[0].error == MessageError("40002")


def test_failures_for_other_reasons_are_a_conflict() -> None:
    assert Mark.CONFLICT in fold([failed(1, 1, "15001"), failed(2, 1, "15005")]).marks
    again = fold([failed(1, 1), failed(2, 1, received=9, body="again")])
    assert again.marks == (Mark.DUPLICATE,)
    assert fold([failed(1, 1), failed(2, 5)]).marks == ()


@pytest.mark.parametrize("verdict", list(V))
@pytest.mark.parametrize("forbid", [False, True])
def test_only_what_may_be_true_moves_a_message(verdict: VerdictStatus, forbid: bool) -> None:
    forged = make_event(2, S.DELIVERED, 2, verdict=verdict, text="forged", mark="opened", body="other")
    message = fold([make_event(1, S.SENT, 1), forged], forbid_unproven=forbid)
    moved = verdict is V.VERIFIED or (not forbid and verdict in (V.NO_KEY, V.UNSIGNED, V.UNCHECKED))
    assert moves(verdict, forbid_unproven=forbid) is moved
    assert message.status is (S.DELIVERED if moved else S.SENT)
    assert (message.unproven, message.unproven_count) == (() if moved else (2,), 0 if moved else 1)
    assert (Mark.UNPROVEN in message.marks) is (moved and verdict is not V.VERIFIED)
    assert bool(message.interactions) is moved
    assert message.captures == (1, 2)
    assert (message.text is None) is not moved
    assert message.backed


def test_a_message_of_which_all_may_be_forged_has_no_state() -> None:
    message = fold([make_event(4, S.DELIVERED, 2, received=9, verdict=V.INVALID, text="forged", sent_at=at(1))])
    assert (message.status, message.final, message.stages) == (None, False, ())
    assert message.marks == (Mark.UNPROVEN,)
    assert not message.backed
    assert message.text == "forged"  # listed with what it claims to be
    assert message.happened_at == at(9)  # but not when
    assert message.latency.transit_s is None


def test_repeats_are_counted_and_change_nothing_else() -> None:
    sent = make_event(1, S.SENT, 1, body="sent")
    byte_for_byte = replace(sent, capture=3, received_at=at(30))
    other_body = make_event(4, S.SENT, 1, received=20, body="sent, written otherwise")
    message = fold([other_body, make_event(2, S.DELIVERED, 2), byte_for_byte, sent])
    stage = message.stages[0]
    assert (stage.capture, stage.count, stage.received_at, stage.last_at) == (1, 3, at(1.5), at(30))
    assert stage.marks == (Mark.DUPLICATE,)
    assert message.duplicates == 2
    assert message.marks == (Mark.DUPLICATE,)
    assert message.updated_at == at(30)


@pytest.mark.slow
def test_a_flood_of_repeats_stays_small() -> None:
    sent = make_event(1, S.SENT, 1, body="sent")
    flood = [replace(sent, capture=n, received_at=at(1.5 + n / 1000)) for n in range(1, 100_001)]
    message = fold(flood)
    assert message.captures == tuple(range(1, MAX_CAPTURES + 1))
    assert (message.capture_count, message.duplicates, len(message.stages)) == (100_000, 99_999, 1)
    # a store may give one event for all of them
    grouped = replace(sent, received_at=flood[0].received_at, count=100_000, last_at=flood[-1].received_at)
    short = fold([grouped])
    assert replace(short, captures=message.captures) == message


def test_what_is_not_a_repeat_is_bounded_too() -> None:
    many = [make_event(n, S.SENT, n, mark=None) for n in range(1, 200)] + [make_event(500, S.DELIVERED, 900)]
    marks = [make_event(1000 + n, None, n, mark=f"mark {n}") for n in range(100)]
    listed = [make_event(2000 + n, S.SENT, n, verdict=V.INVALID) for n in range(300)]
    message = fold(many + marks + listed)
    assert len(message.stages) == MAX_STAGES
    assert message.stages[-1].status is S.DELIVERED
    assert message.more_stages == 200 - MAX_STAGES
    assert len(message.interactions) == MAX_INTERACTIONS
    assert (len(message.unproven), message.unproven_count) == (MAX_CAPTURES, 300)


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (make_event(9, S.DELIVERED, 5, received=5 + 299), None),
        (make_event(9, S.DELIVERED, 5, received=5 + 301), Mark.LATE),
        (make_event(9, S.DELIVERED, None, received=9, age_s=299), None),
        (make_event(9, S.DELIVERED, None, received=9, age_s=301), Mark.LATE),
        (make_event(9, S.DELIVERED, 5, received=3.1), None),
        (make_event(9, S.DELIVERED, 5, received=2.9), Mark.CLOCK_SKEW),
    ],
)
def test_arrival_beside_the_providers_time(event: Event, mark: Mark | None) -> None:
    message = fold([make_event(1, S.SENT, 1), event])
    assert message.marks == (() if mark is None else (mark,))
    delivered = next(stage for stage in message.stages if stage.status is S.DELIVERED)
    assert delivered.marks == message.marks


def test_the_one_that_was_overtaken_is_marked() -> None:
    message = fold([make_event(1, S.DELIVERED, 2, received=2.5), make_event(2, S.SENT, 1, received=3)])
    assert [stage.marks for stage in message.stages] == [(Mark.OUT_OF_ORDER,), ()]
    assert message.marks == (Mark.OUT_OF_ORDER,)
    # whole seconds: at one time the rank says what came first
    same = fold([make_event(1, S.DELIVERED, 2, received=2.5), make_event(2, S.SENT, 2, received=3)])
    assert [stage.marks for stage in same.stages] == [(Mark.OUT_OF_ORDER,), ()]
    # what happened at one time overtakes nothing, although the verified one stands first
    unproven = failed(1, 2, received=2.5, verdict=VerdictStatus.NO_KEY)
    ends = fold([unproven, make_event(2, S.DELIVERED, 2, received=3)])
    assert [stage.status for stage in ends.stages] == [S.DELIVERED, S.FAILED]
    assert Mark.OUT_OF_ORDER not in ends.marks


def test_going_back_in_the_providers_own_clock_is_a_regression() -> None:
    message = fold([make_event(1, S.DELIVERED, 2), make_event(2, S.SENT, 3)])
    assert message.status is S.DELIVERED
    assert [stage.marks for stage in message.stages] == [(), (Mark.REGRESSION,)]
    assert message.latency.sent_to_final_s is None
    assert set(message.marks) == {Mark.REGRESSION, Mark.CLOCK_SKEW}


def test_interactions_are_no_stages() -> None:
    events = [
        make_event(1, S.DELIVERED, 2),
        make_event(2, None, 9, mark="opened"),
        make_event(3, None, 5, mark="opened"),
        make_event(4, None, 6, received=10, mark="clicked"),
    ]
    message = fold(events)
    assert statuses(message) == [S.DELIVERED]
    assert [(item.mark, item.times, item.capture) for item in message.interactions] == [
        ("opened", 2, 3), ("clicked", 1, 4),
    ]  # fmt: skip
    assert message.marks == (Mark.OUT_OF_ORDER,)
    assert message_record(message)["marks"] == ["out_of_order", "opened", "clicked"]


def test_bird_read_interaction_belongs_to_its_message() -> None:
    message = fold([payload_event("bird/whatsapp_interaction_read.json")])
    assert message.key == "bird:c0ffee00-0000-4000-8000-000000000001"
    assert (message.status, [item.mark for item in message.interactions]) == (None, ["read"])


def test_inbound_messages_are_final_when_received() -> None:
    message = fold([payload_event("volt/received.json")])
    assert (message.status, message.final, statuses(message)) == (S.RECEIVED, True, [S.RECEIVED])
    assert (message.latency.total_s, message.latency.transit_s) == (None, 0.5)
    nameless = make_event(1, S.RECEIVED, 2, direction=None, accepted_at=at(1))
    assert statuses(fold([nameless])) == [S.RECEIVED]


def test_what_a_message_is_about_comes_from_where_most_is_said() -> None:
    bare = make_event(1, S.SENT, 1, from_="+15555550100")
    rich = make_event(2, S.DELIVERED, 2, from_="Shop", to="+15555550123", text="hi", media=(Media("image", None),))
    message = fold([bare, rich])
    assert (message.from_, message.to, message.text, len(message.media)) == ("Shop", "+15555550123", "hi", 1)
    doubtful = replace(rich, verdict=V.UNSIGNED)
    assert fold([bare, doubtful]).from_ == "+15555550100"
    assert fold([make_event(1, S.RECEIVED, 1, text="")]).text == ""


def test_the_key_is_that_of_the_first_capture() -> None:
    events = [make_event(1, S.SENT, 1, aliases=("volt:z", "volt:b")), make_event(2, S.DELIVERED, 2, message="volt:b")]
    message = fold(events[::-1])
    assert (message.key, message.aliases) == (KEY, ("volt:b", "volt:z"))


@pytest.mark.parametrize("events", [[], [make_event(1, S.SENT, 1, message=None)]])
def test_events_of_no_message_are_refused(events: list[Event]) -> None:
    with pytest.raises(ValueError, match="message key"):
        fold(events)


LIFECYCLE = (
    make_event(1, S.QUEUED, 0, accepted_at=at(0), text="hello", from_="Shop", to="+15555550123"),
    make_event(2, S.SENT, 1, accepted_at=at(0)),
    make_event(3, S.DELIVERED, 2, accepted_at=at(0)),
    make_event(4, S.READ, 9, accepted_at=at(0)),
)


@pytest.mark.parametrize("order", list(permutations(LIFECYCLE)))
def test_every_order_of_arrival_gives_one_view(order: Sequence[Event]) -> None:
    arrived = renumber([*order, order[0], order[2], order[2]])
    message = fold(arrived)
    expected = fold(renumber([*LIFECYCLE, order[0], order[2], order[2]]))
    assert view(message) == view(expected)
    assert message.duplicates == 3
    assert message.status is S.READ
    assert (message.latency.accept_to_sent_s, message.latency.sent_to_final_s, message.latency.total_s) == (1, 1, 2)
    disordered = [event.reading.status for event in order] != [event.reading.status for event in LIFECYCLE]
    assert (Mark.OUT_OF_ORDER in message.marks) is disordered


drawn_events = st.lists(
    st.builds(
        lambda status, occurred, received, verdict, text, mark, code, body: make_event(
            0, status, occurred, received=received, verdict=verdict, text=text, mark=mark, body=body,
            error=code and MessageError(code), provider="connectly", accepted_at=at(0),
        ),
        st.sampled_from([None, *S]),
        st.one_of(st.none(), st.integers(-3, 5)),
        st.integers(0, 400),
        st.sampled_from(list(V)),
        st.sampled_from([None, "", "a", "b"]),
        st.sampled_from([None, None, "read"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from([None, "x", "y"]),
    ),
    min_size=1,
    max_size=9,
)  # fmt: skip


@given(drawn_events, st.randoms(use_true_random=False), st.booleans())
def test_the_order_in_which_events_are_given_means_nothing(events: list[Event], chance: Random, forbid: bool) -> None:
    events = [replace(event, capture=number) for number, event in enumerate(events, 1)]
    shuffled = list(events)
    chance.shuffle(shuffled)
    message = fold(events, forbid_unproven=forbid)
    assert fold(shuffled, forbid_unproven=forbid) == message
    assert sum(item.count for item in occurrences(events)) == len(events)
    assert message.capture_count == len(events)
    json.dumps(message_record(message))
    numbers = (message.latency.accept_to_sent_s, message.latency.sent_to_final_s, message.latency.total_s)
    assert all(number is None or number >= 0 for number in numbers)


@given(drawn_events, st.lists(st.integers(0, 8), max_size=6))
def test_repeats_change_no_state(events: list[Event], repeated: list[int]) -> None:
    events = [replace(event, capture=number) for number, event in enumerate(events, 1)]
    again = [replace(events[index % len(events)], capture=100 + n) for n, index in enumerate(repeated)]
    once, more = fold(events), fold(events + again)
    assert (more.status, more.latency, more.error, more.text) == (once.status, once.latency, once.error, once.text)
    assert [(s.status, s.capture) for s in more.stages] == [(s.status, s.capture) for s in once.stages]
    assert more.duplicates == once.duplicates + sum(moves(event.verdict) for event in again)


@given(drawn_events, drawn_events)
def test_what_may_not_move_it_moves_nothing(events: list[Event], forged: list[Event]) -> None:
    good = [replace(event, capture=n, verdict=V.VERIFIED) for n, event in enumerate(events, 1)]
    bad = [replace(event, capture=100 + n, verdict=V.INVALID) for n, event in enumerate(forged)]
    alone, together = fold(good), fold(good + bad)
    listed = ("captures", "capture_count", "unproven", "unproven_count", "first_at", "updated_at")
    assert replace(together, **{name: getattr(alone, name) for name in listed}) == alone


@pytest.mark.parametrize(
    ("events", "now", "p95_s", "expected"),
    [
        ([make_event(1, S.SENT, 10)], 15, 4.0, 5.0),
        ([make_event(1, S.SENT, 10)], 13, 4.0, None),
        ([make_event(1, S.SENT, 10)], 1e6, None, None),
        ([make_event(1, S.SENT, 10, valid_until=at(60))], 61, None, 51.0),
        ([make_event(1, S.SENT, 10, valid_until=at(60))], 60, None, None),
        ([make_event(1, S.SENT, None, received=10)], 15, 4.0, 5.0),
        ([make_event(1, S.QUEUED, 10)], 15, 4.0, 5.0),
        ([make_event(1, S.OTHER, 10)], 15, 4.0, None),
        ([make_event(1, S.SENT, 10, completed_at=at(11))], 99, 4.0, None),
        ([make_event(1, S.SENT, 10), make_event(2, None, 11, mark="read")], 99, 4.0, None),
        ([make_event(1, S.SENT, 10), make_event(2, S.DELIVERED, 11)], 99, 4.0, None),
        ([make_event(1, S.SENT, 10), failed(2, 11)], 99, 4.0, None),
        ([make_event(1, S.SENT, 10, direction=Direction.INBOUND)], 99, 4.0, None),
        ([make_event(1, S.SENT, 10, verdict=V.INVALID)], 99, 4.0, None),
    ],
)
def test_stuck(events: list[Event], now: float, p95_s: float | None, expected: float | None) -> None:
    assert stuck_since(fold(events), at(now), p95_s) == expected


def test_the_json_of_a_message() -> None:
    message = fold([payload_event("volt/sent.json", 1), payload_event("volt/failed.json", 2)])
    record = message_record(message, stuck_s=4.5)
    wanted = {
        "kind", "key", "provider", "account", "direction", "channel", "from", "to", "text", "status", "final", "stages",
        "latency", "error", "marks", "captures", "conversation", "updated_at",
    }  # fmt: skip
    assert wanted <= record.keys()
    assert {"status", "provider_at", "received_at", "capture"} <= record["stages"][0].keys()
    assert record["latency"]["accept_to_sent_s"] == 0.267
    assert (record["kind"], record["account"], record["direction"], record["status"]) == (
        "message", None, "outbound", "failed",
    )  # fmt: skip
    assert record["error"]["carrier"] == "T-MOBILE USA, INC."
    assert record["marks"] == ["stuck"]
    assert record["stages"][1]["provider_at"] == "2022-04-07T22:19:44.985000Z"
    json.dumps(record)


@pytest.mark.parametrize(
    ("provider", "scenario"),
    [(provider.name, scenario.name) for provider in registry() for scenario in provider.scenarios],
)
def test_the_scenarios_of_the_providers_fold(provider: str, scenario: str) -> None:
    played = next(item for item in registry()[provider].scenarios if item.name == scenario).build(make_scene())
    arriving = sorted(played, key=lambda event: event.after)
    events = [
        read_event(provider, event.body, number, SCENE_START + timedelta(seconds=event.after))
        for number, event in enumerate(arriving, 1)
    ]
    messages = {}
    for key in {event.reading.message for event in events if event.reading.message}:
        messages[key] = fold([event for event in events if event.reading.message == key])
    assert all(message.status is not None or message.provider == "oneroute" for message in messages.values())
    marks = {mark for message in messages.values() for mark in message.marks}
    told = {
        "out-of-order": Mark.OUT_OF_ORDER, "duplicate": Mark.DUPLICATE, "late": Mark.LATE, "conflict": Mark.CONFLICT,
    }  # fmt: skip
    assert marks >= ({told[scenario]} if messages and scenario in told else set())
    if scenario not in told:
        assert marks == set()
