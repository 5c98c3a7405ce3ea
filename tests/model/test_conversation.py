"""Conversations: which names of theirs an event shows to be one, and the order of the thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.model.conversation import Bubble, CentreLine, aliases_of, bubbles, conversation_of
from monitor.model.lifecycle import fold
from monitor.model.message import Message
from monitor.model.reading import Status
from monitor.model.verdict import VerdictStatus
from tests.model.events import about, at, bird, make_event, payload_event, saying

CHANNEL = "bird:614208aa-b153-4d5d-9989-2fddfc0ce4c3"
CUSTOMER = "+15555550123"


def _said(*about: Any, **more: Any) -> Message:
    return fold([saying(*about, **more)])


def test_both_directions_of_volt_are_one_conversation() -> None:
    messages = [fold([payload_event(f"volt/{name}.json")]) for name in ("sent", "received")]
    assert {message.conversation for message in messages} == {"volt:+15555550123,+15555550145"}


def test_the_payloads_of_bird_pair() -> None:
    contact = f"{CHANNEL},32cf5eee-f940-422c-ab8c-5f753aad5efd"
    assert aliases_of(payload_event("bird/sms_outbound_sent.json")) == [(f"{CHANNEL},+31612345678", contact)]
    assert aliases_of(payload_event("bird/sms_outbound_delivery_failed_network_error.json")) == []


def test_the_user_id_of_connectly_is_an_alias_of_the_id() -> None:
    read = payload_event("connectly/status_read.json", 3)
    key = "connectly:+16044441111,+16044551234"
    assert aliases_of(read) == [("connectly:+16044441111,CA.13491208655302741918", key)]
    assert fold([payload_event("connectly/status_delivered.json", 2), read]).conversation is not None


def test_numbers_are_compared_with_their_plus() -> None:
    def pairs(key: str) -> list[tuple[str, str]]:
        return aliases_of(make_event(1, Status.SENT, 1, provider="connectly", conversation=key))

    lasting = "connectly:+15555550100,+15555550123"
    for key in ("connectly:15555550100,15555550123", "connectly:+15555550100,15555550123"):
        assert pairs(key) == [(lasting, key)]
    for key in (lasting, "connectly:+15555550100,US.13491208655302741918", "connectly:a shop,12", "oneroute:12345678"):
        assert pairs(key) == []


def test_a_conversation_event_is_tied_by_its_last_message_or_by_its_sender() -> None:
    assert conversation_of(about(1, 1)) == "bird:c1"
    by_message = about(2, 2, "conversation.updated", facts={"last_message_id": "9"})
    assert aliases_of(by_message, {"bird:9": "bird:ch,k1"}) == [("bird:c1", "bird:ch,k1")]
    by_contact = about(
        3, 3, facts={"last_message_id": "8", "channel_id": "ch", "last_message_sender": "contact"}, from_=CUSTOMER
    )
    assert aliases_of(by_contact, {}) == [("bird:c1", f"bird:ch,{CUSTOMER}")]
    assert aliases_of(bird(4, "k1", CUSTOMER)) == [(f"bird:ch,{CUSTOMER}", "bird:ch,k1")]
    by_agent = replace(by_contact, reading=replace(by_contact.reading, facts=(("conversation_id", "c1"),)))
    assert aliases_of(by_agent) == []
    assert aliases_of(make_event(1, Status.SENT, 1)) == []


def test_the_thread_is_in_the_order_of_the_providers_clock() -> None:
    forged = _said(4, 1, "forged", verdict=VerdictStatus.INVALID, received=15)
    messages = [_said(3, 20), forged, _said(1, 10, inbound=True), _said(2, None, received=12)]
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
