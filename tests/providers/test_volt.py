"""Volt: whose requests are its own, what its payloads mean, and what its scenarios tell."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from monitor.jsonbody import parse
from monitor.model.reading import Direction, Media, Reading, Status
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH
from monitor.providers.volt import provider
from tests.corpora import payload_index
from tests.factory import make_request
from tests.providers.expected import check_reading
from tests.providers.scene import make_scene


def test_its_header_is_enough() -> None:
    assert provider.recognise(make_request(b"x", x_respond_flow_signature=""), parse(b"x")) == BY_HEADER


@pytest.mark.parametrize("entry", payload_index("volt"), ids=lambda entry: entry["file"])
def test_documented_bodies_are_recognised(entry: dict[str, Any]) -> None:
    found = provider.recognise(make_request(entry["body_bytes"]), parse(entry["body_bytes"]))
    assert found == (NO_MATCH if "registration_test" in entry["file"] else BY_BODY)


def test_a_v1a_signature_over_a_registration_event_is_volts() -> None:
    body = b'{"event_category":"BRAND","event_type":"Created","brand_name":"x"}'
    by_key = make_request(body, webhook_signature="v1a,AAAA")
    by_secret = make_request(body, webhook_signature="v1,AAAA")
    assert provider.recognise(by_key, parse(body)) == BY_HEADER
    assert provider.recognise(by_secret, parse(body)) == BY_BODY
    assert provider.recognise(make_request(b"{}", webhook_signature="v1a,AAAA"), parse(b"{}")) == NO_MATCH


@pytest.mark.parametrize("body", [b"[]", b"null", b"", b"{}", b'{"type":"messaging"}', b'{"id":7,"payload":[]}'])
def test_other_bodies_are_not_its_own(body: bytes) -> None:
    assert provider.recognise(make_request(body), parse(body)) == NO_MATCH


def read(body: bytes | dict[str, Any]) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return provider.read(make_request(raw), parse(raw))


@pytest.mark.parametrize("entry", payload_index("volt"), ids=lambda entry: entry["file"])
def test_payloads_read_as_expected(entry: dict[str, Any]) -> None:
    assert hashlib.sha256(entry["body_bytes"]).hexdigest() == entry["sha256"]
    reading = read(entry["body_bytes"])
    check_reading(entry, reading)
    assert reading.problems == ()


def _payload(**changed: Any) -> dict[str, Any]:
    base = json.loads(next(e["body_bytes"] for e in payload_index("volt") if e["file"] == "volt/failed.json"))
    return {**base, "payload": {**base["payload"], **changed}}


@pytest.mark.parametrize(
    ("title", "detail", "temporary"),
    [
        ("Blocked as spam - temporary", "This is a temporary condition.", True),
        ("Blocked as spam - permanent", None, False),
        ("Rejected", "The carrier is temporarily unavailable", True),
        ("Rejected", "Permanently removed from the network", False),
        ("Temporary and permanent", None, None),
        ("Undeliverable", "contemporary", None),
        (None, None, None),
    ],
)
def test_temporary_only_where_the_words_say_so(title: str | None, detail: str | None, temporary: bool | None) -> None:
    error = read(_payload(provider_error_title=title, provider_error_detail=detail)).error
    assert error is not None
    assert error.temporary is temporary


@pytest.mark.parametrize(
    ("event", "status", "expected"),
    [
        ("message.received", "webhook_delivered", Status.RECEIVED),
        ("message.sent", "sent", Status.SENT),
        ("message.finalized", "delivered", Status.DELIVERED),
        ("message.finalized", "failed", Status.FAILED),
        ("message.finalized", "delivery_unconfirmed", Status.OTHER),
        ("message.finalized", None, Status.OTHER),
        ("message.queued", "queued", Status.OTHER),
        (None, "delivered", Status.OTHER),
    ],
)
def test_status(event: str | None, status: str | None, expected: Status) -> None:
    reading = read(_payload(event_type=event, status=status))
    assert (reading.status, reading.provider_status) == (expected, status)


def test_times_and_facts() -> None:
    reading = read(_payload(received_at="2022-04-07T22:19:44.718+00:00"))
    for name, text in (
        ("accepted_at", "22:19:44.718000"),
        ("sent_at", "22:19:44.985000"),
        ("completed_at", "22:19:46.119000"),
        ("valid_until", "23:19:44.718000"),
    ):
        assert getattr(reading, name).isoformat() == f"2022-04-07T{text}+00:00"
    assert dict(reading.facts) == {
        "provider_message_id": "rf_o6aDxhawR227gt5wgZ2I",
        "parts": "1",
        "encoding": "GSM-7",
        "messaging_profile_id": "40017bf5-8809-4640-9925-da5c732667b7",
        "envelope_time": "2022-04-07T22:19:46+00:00",
    }
    assert reading.event_id == "rfw_6962ccb5_eb7654690ec04a0593cc645fd2353995"


def test_both_directions_are_one_conversation() -> None:
    out, back = _payload(), _payload(from_number="+15555550123", to_number="+15555550145", direction="inbound")
    assert read(out).conversation == read(back).conversation == "volt:+15555550123,+15555550145"
    assert (read(out).direction, read(back).direction) == (Direction.OUTBOUND, Direction.INBOUND)
    assert read(_payload(from_number="")).conversation is None


def test_media_as_texts_and_objects() -> None:
    media = [
        "https://example.com/a.jpg",
        {"url": "https://example.com/b", "content_type": "image/png", "size": 9},
        {},
        7,
    ]
    reading = read(_payload(media=media))
    assert reading.media == (
        Media(None, "https://example.com/a.jpg"),
        Media("image/png", "https://example.com/b", 9),
        Media(None, None),
    )
    assert reading.problems == ("payload.media holds something that is neither a text nor an object",)
    assert len(read(_payload(media=["x"] * 10_000)).media) == 32
    assert len(read(_payload(media=[7] * 10_000)).problems) == 2  # that there are many, and once what they are


@pytest.mark.parametrize(
    "name",
    [
        "message_app_id", "id", "to_number", "from_number", "valid_until", "type", "text", "sent_at", "received_at",
        "provider_error_code", "provider_error_detail", "provider_error_title", "carrier_name", "error_code", "status",
        "parts", "messaging_profile_id", "encoding", "direction", "completed_at", "occurred_at", "event_type",
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_type_is_a_problem_that_names_it(name: str) -> None:
    wrong: Any
    for wrong in ([], {"a": 1}, True):
        (problem,) = read(_payload(**{name: wrong})).problems
        assert problem.startswith(f"payload.{name} is not ")
    assert read(_payload(**{name: None})).problems == ()


def test_other_problems_are_named() -> None:
    assert read(b"") == Reading(problems=("empty body",))
    assert read(b"[]").problems == ("the body is not an object but a list",)
    assert read({"payload": "x", "time": "now"}).problems == (
        "payload is not an object but a text",
        "time is not a whole number but a text",
    )
    assert read(_payload(direction="sideways")).problems == (
        "payload.direction is neither inbound nor outbound but 'sideways'",
    )
    assert read(_payload(occurred_at="yesterday")).problems == ("payload.occurred_at is not a time but a text",)


def test_a_registration_event_keeps_its_id_and_is_labelled() -> None:
    raw = next(e["body_bytes"] for e in payload_index("volt") if "brand" in e["file"])
    reading = provider.read(make_request(raw, webhook_id="0198"), parse(raw))
    assert reading.event_id == "0198"
    assert dict(reading.facts)["label"] == "Volt registration event"
    assert reading.occurred_at is not None
    assert reading.occurred_at.isoformat() == "2025-07-18T16:18:14.989348+00:00"  # nanoseconds are cut


def test_a_registration_event_may_be_about_a_campaign_alone() -> None:
    said = {"event_category": "CAMPAIGN", "event_type": "Created", "campaign_registration_id": "c"}
    body = json.dumps({**said, "current_status": "Active"}).encode()
    reading = provider.read(make_request(body), parse(body))
    assert (reading.event, reading.provider_status) == ("Created", "Active")
    assert dict(reading.facts)["campaign_registration_id"] == "c"
    assert provider.recognise(make_request(body), parse(body)) == BY_BODY


def play(name: str, **scene: str) -> list[Reading]:
    scenario = next(scenario for scenario in provider.scenarios if scenario.name == name)
    return [read(event.body) for event in scenario.build(make_scene(3, **scene))]


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("delivered", [Status.SENT, Status.DELIVERED]),
        ("failed-spam", [Status.SENT, Status.FAILED]),
        ("failed-undeliverable", [Status.SENT, Status.FAILED]),
        ("inbound", [Status.RECEIVED]),
        ("inbound-reply", [Status.SENT, Status.DELIVERED, Status.RECEIVED]),
        ("out-of-order", [Status.DELIVERED, Status.SENT]),
        ("duplicate", [Status.SENT, Status.DELIVERED, Status.DELIVERED]),
        ("late", [Status.SENT, Status.DELIVERED]),
        ("conflict", [Status.SENT, Status.DELIVERED, Status.FAILED]),
        ("unicode", [Status.SENT, Status.DELIVERED]),
        ("mms", [Status.RECEIVED]),
        ("stuck", [Status.SENT]),
        ("probe", [Status.OTHER]),
        ("unknown-event", [Status.OTHER]),
    ],
)
def test_scenarios_tell_their_story(name: str, statuses: list[Status]) -> None:
    readings = play(name)
    assert [reading.status for reading in readings] == statuses
    assert len({reading.conversation for reading in readings}) == 1


@pytest.mark.parametrize(
    ("name", "at", "file"),
    [
        ("delivered", 0, "sent"),
        ("delivered", 1, "delivered"),
        ("failed-spam", 1, "failed"),
        ("failed-undeliverable", 1, "failed_own_ids"),
        ("inbound", 0, "received"),
        ("mms", 0, "mms_inbound_media_strings"),
    ],
)
def test_scenarios_are_shaped_as_the_documented_payloads(name: str, at: int, file: str) -> None:
    theirs = json.loads(next(e["body_bytes"] for e in payload_index("volt") if e["file"] == f"volt/{file}.json"))
    scenario = next(scenario for scenario in provider.scenarios if scenario.name == name)
    ours = json.loads(scenario.build(make_scene())[at].body)
    assert list(ours) == list(theirs)
    assert list(ours["payload"]) == list(theirs["payload"])
    empty, theirs_empty = ({k for k, v in body["payload"].items() if v is None} for body in (ours, theirs))
    assert empty ^ theirs_empty <= {"text", "received_at"}


def test_conflict_shares_the_envelope_id_and_duplicate_the_bytes() -> None:
    _, delivered, failed = play("conflict")
    assert delivered.event_id == failed.event_id
    assert delivered.message == failed.message
    _, once, again = play("duplicate")
    assert once == again


def test_late_events_are_hours_old_and_stay_in_order() -> None:
    sent, delivered = play("late")
    assert sent.occurred_at is not None
    assert delivered.occurred_at is not None
    assert 3 * 3600 < make_scene().start.timestamp() - sent.occurred_at.timestamp() < 9 * 3600
    assert sent.occurred_at < delivered.occurred_at


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("a" * 160, "GSM-7", "1"),
        ("a" * 161, "GSM-7", "2"),
        ("€" * 80, "GSM-7", "1"),
        ("€" * 81, "GSM-7", "2"),
        ("ć" * 70, "UCS-2", "1"),
        ("ć" * 71, "UCS-2", "2"),
        ("👋" * 35, "UCS-2", "1"),
        ("", "GSM-7", "1"),
        ("lone \ud800 surrogate", "UCS-2", "1"),
    ],
)
def test_the_text_of_the_scene_is_sent_in_its_encoding(text: str, encoding: str, parts: str) -> None:
    sent = play("delivered", text=text)[0]
    facts = dict(sent.facts)
    assert (facts["encoding"], facts["parts"]) == (encoding, parts)
    assert sent.text == text.replace("\ud800", "\ufffd")
