"""Conversations as the store folds them: which messages belong together, and what they say in sum."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from monitor.model.capture import Capture
from monitor.model.event import Event
from monitor.model.filter import parse as parse_filter
from monitor.model.reading import Status
from monitor.model.record import conversation_record
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.store import search
from monitor.store.conversation_sums import MAX_PARTIES
from monitor.store.filter_sql import compile_message_filter
from monitor.store.message_reader import ConversationRow, Order
from tests.factory import make_capture
from tests.model.events import CONVERSATION, CUSTOMER, SHOP, about, at, bird, make_event, payload_event, saying
from tests.providers.scene import make_scene
from tests.store.test_projection import captured, stored


def capture_of(event: Event) -> Capture:
    """A capture that says what the event does."""
    capture = make_capture(body=repr(event.reading).encode(), reading=event.reading)
    verdict = Verdict(event.verdict, "as the test says")
    return replace(capture, provider=event.provider, received_at=event.received_at, verdict=verdict, marks=())


async def conversations(path: Path, events: Iterable[Event]) -> list[ConversationRow]:
    """The conversations of these events, stored in this order."""
    async with stored(path, map(capture_of, events)) as reader:
        return reader.conversations(100)


@pytest.mark.parametrize("inbound", [False, True])
async def test_a_contact_of_bird_is_the_same_with_and_without_its_id(tmp_path: Path, inbound: bool) -> None:
    events = [bird(1, None, CUSTOMER), bird(2, "k1", CUSTOMER, inbound=inbound), bird(3, "k1", None)]
    for number, order in enumerate(permutations(events)):
        found = await conversations(tmp_path / f"{number}.db", order)
        assert [(row.key, row.messages) for row in found] == [("bird:ch,k1", 3)]


async def test_the_user_id_of_connectly_is_an_alias_of_the_id(tmp_path: Path) -> None:
    events = [payload_event("connectly/status_delivered.json", 2), payload_event("connectly/status_read.json", 3)]
    for number, order in enumerate(permutations(events)):
        found = await conversations(tmp_path / f"{number}.db", order)
        assert [(row.key, row.messages) for row in found] == [("connectly:+16044441111,+16044551234", 1)]


async def test_a_number_is_one_party_with_its_plus_and_without_it(tmp_path: Path) -> None:
    shop, customer = SHOP.removeprefix("+"), CUSTOMER.removeprefix("+")
    parties = [(SHOP, CUSTOMER), (shop, customer), (SHOP, customer), (shop, CUSTOMER)]
    events = [
        replace(
            saying(number, number),
            provider="connectly",
            reading=replace(
                saying(number, number).reading, from_=one, to=other, conversation=f"connectly:{one},{other}"
            ),
        )
        for number, (one, other) in enumerate(parties, 1)
    ]
    for number, order in enumerate(permutations(events)):
        [row] = await conversations(tmp_path / f"{number}.db", order)
        assert (row.messages, [party.lstrip("+") for party in row.parties]) == (4, [customer, shop])


@pytest.mark.parametrize("others", [0, search.STEP])  # so many more, and the search index knows all of these
async def test_messages_are_found_by_each_name_of_their_conversation(tmp_path: Path, others: int) -> None:
    events = [bird(1, None, CUSTOMER), bird(2, "k1", CUSTOMER), bird(3, "k1", None), bird(4, "k2", None)]
    events.append(about(5, 5, facts={"last_message_id": "3"}))
    events += [bird(number, "k3", None) for number in range(6, 6 + others)]
    async with stored(tmp_path / "h.db", map(capture_of, events)) as reader:
        for text, count in (
            ("bird:ch,k1", 3),
            (f'"bird:ch,{CUSTOMER}"', 3),
            ("bird:c1", 3),
            ("bird:ch,k2", 1),
            ("bird:*", 4 + others),
            ("x", 0),
        ):
            where = compile_message_filter(parse_filter(f"conversation:{text}"), at(100))
            assert len(reader.message_ids(Order.NEWEST, where, 100)) == count, text
            assert len(reader.conversations_with(where, 100)) == (2 + bool(others) if text == "bird:*" else count > 0)


async def test_an_interaction_belongs_to_the_conversation_of_its_message(tmp_path: Path) -> None:
    interaction = make_event(2, None, 5, provider="bird", mark="read", message="bird:1")
    assert await conversations(tmp_path / "alone.db", [interaction]) == []
    found = await conversations(tmp_path / "both.db", [interaction, bird(1, "k1", CUSTOMER)])
    assert [(row.key, row.messages) for row in found] == [("bird:ch,k1", 1)]


async def test_a_conversation_event_is_tied_by_its_last_message_or_by_its_sender(tmp_path: Path) -> None:
    by_message = [about(1, 1), about(2, 2, "conversation.updated", facts={"last_message_id": "9"}), bird(9, "k1", None)]
    facts = {"last_message_id": "8", "channel_id": "ch", "last_message_sender": "contact"}
    by_contact = [about(1, 1), about(3, 3, facts=facts, from_=CUSTOMER), bird(4, "k1", CUSTOMER)]
    for name, events in (("message", by_message), ("contact", by_contact)):
        for number, order in enumerate(permutations(events)):
            found = await conversations(tmp_path / f"{name}-{number}.db", order)
            assert [(row.key, row.messages) for row in found] == [("bird:ch,k1", 1)], (name, order)


async def test_the_sum_of_a_conversation(tmp_path: Path) -> None:
    events = [
        saying(1, 10, "first"),
        saying(2, 30, "last", inbound=True, channel="sms"),
        saying(3, 20, "not this one", status=Status.FAILED),
        saying(4, 99, "forged", verdict=VerdictStatus.INVALID),
    ]
    for number, order in enumerate(permutations(events)):
        [row] = await conversations(tmp_path / f"{number}.db", order)
        found = row.conversation("active")
        assert (found.key, found.provider, found.parties) == (CONVERSATION, "volt", (CUSTOMER, SHOP))
        assert (found.messages, found.failed, found.unproven) == (3, 1, 1)
        assert (found.last_text, found.last_at, found.status) == ("last", at(30), Status.RECEIVED)
        assert (found.last_direction, found.channel, found.provider_status) == ("inbound", "sms", "active")
    record = conversation_record(found)
    assert {"key", "provider", "parties", "messages", "last_text", "last_at", "status", "failed"} <= record.keys()
    assert (record["kind"], record["status"], record["messages"], record["unread"]) == (
        "conversation", "received", 3, None,
    )  # fmt: skip
    json.dumps(record)


async def test_a_conversation_of_events_alone(tmp_path: Path) -> None:
    [row] = await conversations(tmp_path / "h.db", [about(2, 5, "conversation.deleted"), about(1, 1)])
    assert (row.key, row.messages, row.last_text, row.last_at, row.status, row.parties) == (
        "bird:c1", 0, None, at(5), None, (),
    )  # fmt: skip


async def test_the_parties_of_a_crowd_are_bounded(tmp_path: Path) -> None:
    crowd = [
        make_event(n, Status.SENT, n, message=f"volt:{n}", conversation="volt:crowd", from_=SHOP, to=f"p{n}")
        for n in range(50)
    ]
    [row] = await conversations(tmp_path / "h.db", crowd)
    assert len(row.parties) == MAX_PARTIES + 1
    assert row.parties[-1] == SHOP


@pytest.mark.parametrize("provider", ["volt", "bird", "connectly", "oneroute"])
async def test_each_scenario_of_the_providers_is_one_conversation(tmp_path: Path, provider: str) -> None:
    for scenario in registry()[provider].scenarios:
        played = [captured(provider, made.body, seconds=made.after) for made in scenario.build(make_scene())]
        async with stored(tmp_path / f"{scenario.name}.db", played) as reader:
            assert len(reader.conversations(100)) <= 1, scenario.name
