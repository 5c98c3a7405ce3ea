"""Conversations: which messages belong together, their sum, and the order of the thread."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.conversation import (
    MAX_PARTIES,
    Bubble,
    CentreLine,
    aliases_of,
    bubbles,
    canonical,
    conversation_of,
    fold_conversation,
    known_aliases,
)
from monitor.model.event import Event
from monitor.model.lifecycle import fold
from monitor.model.message import Message
from monitor.model.reading import Direction, Status
from monitor.model.record import conversation_record
from monitor.model.verdict import VerdictStatus
from monitor.providers.registry import registry
from tests.model.events import START, at, make_event, payload_event, read_event
from tests.providers.scene import make_scene

CHANNEL = "bird:614208aa-b153-4d5d-9989-2fddfc0ce4c3"
CUSTOMER, SHOP = "+15555550123", "+15555550100"
CONVERSATION = f"volt:{SHOP},{CUSTOMER}"


def said(
    number: int, occurred: float, text: str | None = "hi", *, inbound: bool = False, status: Status | None = None,
    **more: Any,
) -> Message:  # fmt: skip
    """A message of one event."""
    return fold([
        make_event(
            number,
            status or (Status.RECEIVED if inbound else Status.SENT),
            occurred,
            message=f"volt:{number}",
            text=text,
            direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
            from_=CUSTOMER if inbound else SHOP,
            to=SHOP if inbound else CUSTOMER,
            conversation=CONVERSATION,
            **more,
        )
    ])  # fmt: skip


def about(number: int, occurred: float | None, event: str = "conversation.created", **more: Any) -> Event:
    """An event about a conversation."""
    facts = {"conversation_id": "c1", "conversation_status": "active"} | more.pop("facts", {})
    return make_event(
        number, None, occurred, message=None, provider="bird", event=event, facts=tuple(facts.items()), **more
    )


def bird(number: int, contact: str | None, identifier: str | None, *, inbound: bool = False) -> Event:
    """A Bird message event that names the contact, its identifier or both."""
    facts = {"channel_id": "ch"} | ({"contact_id": contact} if contact else {})
    return make_event(
        number,
        Status.RECEIVED if inbound else Status.SENT,
        number,
        provider="bird",
        message=f"bird:{number}",
        conversation=f"bird:ch,{contact or identifier}",
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        from_=identifier if inbound else None,
        to=None if inbound else identifier,
        facts=tuple(facts.items()),
    )


def test_both_directions_of_volt_are_one_conversation() -> None:
    messages = [fold([payload_event(f"volt/{name}.json")]) for name in ("sent", "received")]
    assert {conversation_of(message) for message in messages} == {"volt:+15555550123,+15555550145"}


@pytest.mark.parametrize("inbound", [False, True])
def test_a_contact_of_bird_is_the_same_with_and_without_its_id(inbound: bool) -> None:
    events = [bird(1, None, CUSTOMER), bird(2, "k1", CUSTOMER, inbound=inbound), bird(3, "k1", None)]
    known = known_aliases(pair for event in events for pair in aliases_of(event))
    assert known == {f"bird:ch,{CUSTOMER}": "bird:ch,k1"}
    assert {conversation_of(fold([event]), known) for event in events} == {"bird:ch,k1"}
    # on another channel it is another conversation
    assert canonical(f"bird:other,{CUSTOMER}", known) == f"bird:other,{CUSTOMER}"


def test_the_payloads_of_bird_pair() -> None:
    known = known_aliases(aliases_of(payload_event("bird/sms_outbound_sent.json")))
    contact = f"{CHANNEL},32cf5eee-f940-422c-ab8c-5f753aad5efd"
    assert known == {f"{CHANNEL},+31612345678": contact}
    assert aliases_of(payload_event("bird/sms_outbound_delivery_failed_network_error.json")) == []


def test_the_user_id_of_connectly_is_an_alias_of_the_id() -> None:
    read = payload_event("connectly/status_read.json", 3)
    known = known_aliases(aliases_of(read))
    key = "connectly:+16044441111,+16044551234"
    assert known == {"connectly:+16044441111,CA.13491208655302741918": key}
    message = fold([payload_event("connectly/status_delivered.json", 2), read])
    assert conversation_of(message, known) == key
    assert canonical("connectly:+16044441111,CA.13491208655302741918", known) == key


def test_the_interaction_belongs_to_the_conversation_of_its_message() -> None:
    interaction = make_event(2, None, 5, provider="bird", mark="read", message="bird:1")
    alone = fold([interaction])
    assert conversation_of(alone) is None
    assert conversation_of(fold([bird(1, "k1", CUSTOMER), interaction])) == "bird:ch,k1"


def test_a_conversation_event_is_tied_by_its_last_message_or_by_its_sender() -> None:
    created = about(1, 1)
    assert conversation_of(created) == "bird:c1"
    by_message = about(2, 2, "conversation.updated", facts={"last_message_id": "9"})
    pairs = aliases_of(by_message, {"bird:9": "bird:ch,k1"})
    assert pairs == [("bird:c1", "bird:ch,k1")]
    assert conversation_of(created, known_aliases(pairs)) == "bird:ch,k1"
    by_contact = about(
        3, 3, facts={"last_message_id": "8", "channel_id": "ch", "last_message_sender": "contact"}, from_=CUSTOMER
    )
    everything = [*aliases_of(by_contact, {}), *aliases_of(bird(4, "k1", CUSTOMER))]
    assert conversation_of(created, known_aliases(everything)) == "bird:ch,k1"
    by_agent = replace(by_contact, reading=replace(by_contact.reading, facts=(("conversation_id", "c1"),)))
    assert aliases_of(by_agent) == []
    assert aliases_of(make_event(1, Status.SENT, 1)) == []


keys = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.tuples(keys, keys), max_size=8), st.randoms(use_true_random=False))
def test_aliases_end_and_do_not_depend_on_order(pairs: list[tuple[str, str]], chance: Any) -> None:
    known = known_aliases(pairs)
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    assert known_aliases(shuffled) == known
    for key in "abcd":
        last = canonical(key, known)
        assert last not in known
        assert canonical(last, known) == last


def test_a_circle_of_aliases_ends() -> None:
    assert canonical("a", {"a": "b", "b": "a"}) in ("a", "b")


def test_the_sum_of_a_conversation() -> None:
    messages = [
        said(1, 10, "first"),
        said(2, 30, "last", inbound=True, channel="sms"),
        said(3, 20, "not this one", status=Status.FAILED),
        said(4, 99, "forged", verdict=VerdictStatus.INVALID),
    ]
    sums = {fold_conversation(CONVERSATION, order) for order in permutations(messages)}
    assert len(sums) == 1
    (found,) = sums
    assert (found.key, found.provider, found.parties) == (CONVERSATION, "volt", (CUSTOMER, SHOP))
    assert (found.messages, found.failed, found.unproven) == (3, 1, 1)
    assert (found.last_text, found.last_at, found.status) == ("last", at(30), Status.RECEIVED)
    assert (found.last_direction, found.channel, found.unread) == (Direction.INBOUND, "sms", None)


@pytest.mark.parametrize(("looked", "unread"), [(0, 2), (10.5, 1), (11, 1), (99, 0)])
def test_unread_counts_inbound_messages_since_somebody_looked(looked: float, unread: int) -> None:
    messages = [said(1, 10, inbound=True), said(2, 20, inbound=True), said(3, 30)]
    assert fold_conversation(CONVERSATION, messages, looked_at=at(looked)).unread == unread


def test_a_conversation_of_events_alone() -> None:
    found = fold_conversation("bird:c1", [], [about(2, 5, "conversation.deleted"), about(1, 1)])
    assert (found.messages, found.last_text, found.last_at, found.status) == (0, None, at(5), None)
    assert (found.parties, found.provider_status) == ((), "active")
    assert fold_conversation("bird:c1", []).last_at is None


def test_the_parties_of_a_crowd_are_bounded() -> None:
    messages = [fold([make_event(n, Status.SENT, n, from_=SHOP, to=f"p{n}")]) for n in range(50)]
    parties = fold_conversation("bird:c1", messages).parties
    assert len(parties) == MAX_PARTIES + 1
    assert parties[-1] == SHOP


def test_the_thread_is_in_the_order_of_the_providers_clock() -> None:
    forged = said(4, 1, "forged", verdict=VerdictStatus.INVALID, received=15)
    messages = [said(3, 20), forged, said(1, 10, inbound=True), said(2, None, received=12)]  # type: ignore[arg-type]
    events = [about(9, 11), about(7, 5, "conversation.created"), about(8, 5, "conversation.created", received=9)]
    events.append(about(6, 1, "forged", verdict=VerdictStatus.INVALID))
    thread = bubbles(messages, events)
    shown = [line.message.text if isinstance(line, Bubble) else (line.event, line.count) for line in thread]
    assert shown == [("conversation.created", 2), "hi", ("conversation.created", 1), "hi", "forged", "hi"]
    assert [line.at for line in thread] == [at(5), at(10), at(11), at(12), at(15), at(20)]
    assert [line.message.backed for line in thread if isinstance(line, Bubble)] == [True, True, False, True]
    assert bubbles(messages[::-1], events[::-1]) == thread
    first = thread[0]
    assert isinstance(first, CentreLine)
    assert (first.capture, first.verified, first.provider_status) == (7, True, "active")


def test_the_json_of_a_conversation() -> None:
    record = conversation_record(fold_conversation(CONVERSATION, [said(1, 10)]))
    assert {"key", "provider", "parties", "messages", "last_text", "last_at", "status", "failed"} <= record.keys()
    assert (record["kind"], record["status"], record["messages"]) == ("conversation", "sent", 1)
    json.dumps(record)


@pytest.mark.parametrize("provider", ["volt", "bird", "connectly", "oneroute"])
def test_the_scenarios_of_the_providers_thread(provider: str) -> None:
    moment: datetime = START
    for scenario in registry()[provider].scenarios:
        played = enumerate(scenario.build(make_scene()), 1)
        events = [read_event(provider, made.body, n, moment + timedelta(seconds=made.after)) for n, made in played]
        named = {event.reading.message for event in events if event.reading.message}
        messages = [fold([event for event in events if event.reading.message == key]) for key in sorted(named)]
        of_message = {message.key: message.conversation for message in messages if message.conversation}
        known = known_aliases(pair for event in events for pair in aliases_of(event, of_message))
        others = [event for event in events if event.reading.message is None and conversation_of(event, known)]
        conversations = {conversation_of(message, known) for message in messages}
        conversations |= {conversation_of(event, known) for event in others}
        assert len(conversations - {None}) <= 1, scenario.name
        assert len(bubbles(messages, others)) <= len(events)
