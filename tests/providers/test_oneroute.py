"""OneRoute: verdicts, readings and scenarios."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Scenario
from monitor.providers.keys import KeyProblem
from monitor.providers.oneroute import provider
from tests.corpora import payload_index, provider_reference, vectors
from tests.providers.expected import check_reading
from tests.providers.hmac_checks import (
    bodies,
    broken_payloads,
    check_scenario,
    check_storable,
    flipped,
    foreign_bodies,
    headers,
    keys,
    read,
    request,
    verify,
)

HEADER = "x-oneroute-signature"
SECRET = "oneroute-test-secret"
ENTRIES = payload_index("oneroute")
VECTORS = vectors("oneroute_hmac.json")
PRINTED = (provider_reference() / "payloads/oneroute/new_message.json").read_bytes()  # with the indentation of the docs
BODY = jsonbody.compact(json.loads(PRINTED))
REPORT = (provider_reference() / "payloads/oneroute/sms_dlr_delivered.json").read_bytes()
REASONS = {"undecodable": ("undecodable: not hex",), "wrong length": ("wrong length", "the header is empty")}
RAW, AGAIN = "over raw body", "over re-serialised body"


def mac(body: bytes, secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), body, "sha512").hex()


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["vectors"], ids=lambda case: case["name"])
def test_vectors_verify(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["body_base64"])
    verdict = verify(provider, request(body, (HEADER, case["header_value"])), keys(case["secret"]))
    assert verdict.status.value == case["expected"] == "verified"
    assert (verdict.reason, verdict.scheme) == (RAW, "hmac-sha512/hex over raw body")
    assert verdict.key == "sha256:" + hashlib.sha256(case["secret"].encode()).hexdigest()[:8]
    assert verdict.age_s is None
    assert all(check.passed for check in verdict.checks)


@pytest.mark.parametrize("case", VECTORS["derived_cases"], ids=lambda case: case["name"])
def test_derived_cases(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["body_base64"])
    sent = [] if case["header_value"] is None else [(HEADER, case["header_value"])]
    verdict = verify(provider, request(body, *sent), keys(*case["secrets"]))
    assert verdict.status.value == case["expected"]
    reason = case.get("reason")
    if reason == "re-serialised body":
        assert (verdict.reason, verdict.scheme) == (AGAIN, f"hmac-sha512/hex {AGAIN}")
    elif reason:
        assert verdict.reason.startswith(REASONS[reason])


def test_the_printed_body_verifies_with_the_signature_of_the_compact_one() -> None:
    verdict = verify(provider, request(PRINTED, (HEADER, mac(BODY))), keys("other", SECRET))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, AGAIN)


@pytest.mark.parametrize(
    ("signature", "secrets", "status"),
    [
        (None, (), VerdictStatus.UNSIGNED),
        (None, (SECRET,), VerdictStatus.MISSING),
        (mac(BODY), (), VerdictStatus.NO_KEY),
        (mac(BODY), (SECRET,), VerdictStatus.VERIFIED),
        (mac(BODY), ("other", SECRET), VerdictStatus.VERIFIED),
        (mac(BODY), ("other",), VerdictStatus.INVALID),
    ],
)
def test_decision_matrix(signature: str | None, secrets: tuple[str, ...], status: VerdictStatus) -> None:
    sent = [] if signature is None else [(HEADER, signature)]
    assert verify(provider, request(BODY, *sent), keys(*secrets)).status is status


@pytest.mark.parametrize(
    ("received", "signed"),
    [
        (BODY + b"\n", BODY),
        (b"\xef\xbb\xbf" + BODY, BODY),
        (b'{"a": "\\u00e9"}', '{"a":"é"}'.encode()),
        (b'{"a":"\\/"}', b'{"a":"/"}'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":-0}', b'{"a":0}'),
        (b'{"n": 12345678901234567890123}', b'{"n":12345678901234567890123}'),
    ],
)
def test_bodies_that_are_written_again_alike_verify(received: bytes, signed: bytes) -> None:
    verdict = verify(provider, request(received, (HEADER, mac(signed))), keys(SECRET))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, AGAIN)


def test_a_number_that_became_a_text_does_not_verify() -> None:
    number, text = b'{"n":12345678901234567890}', b'{"n":"12345678901234567890"}'
    for received, signed in ((number, text), (text, number)):
        verdict = verify(provider, request(received, (HEADER, mac(signed))), keys(SECRET))
        assert verdict.status is VerdictStatus.INVALID


@pytest.mark.parametrize(
    ("received", "header", "reason", "hint"),
    [
        (BODY, mac(b"x"), "no match: 1 key tried over raw body", None),
        (PRINTED, mac(b"x"), "no match: 1 key tried over raw body and re-serialised body", None),
        (
            BODY,
            mac(json.dumps(json.loads(BODY)).encode()),
            "no match",
            "would match a re-serialised body (blanks after",
        ),
        (b'{"n":1.0}', mac(b'{"n":1}'), "no match", "body was re-serialised on the way?"),
        (b'{"n":1e3}', mac(b'{"n":1000}'), "no match", "body was re-serialised on the way?"),
        (b'{"n":1e-7}', mac(b"x"), "no match", "body was re-serialised on the way?"),
        (b'{"n":9007199254740993}', mac(b"x"), "no match", "body was re-serialised on the way?"),
        (b'{"n":123456789012345678901}', mac(b"x"), "no match", "body was re-serialised on the way?"),
        (b'{"b":1,"10":2}', mac(b'{"10":2,"b":1}'), "no match", "body was re-serialised on the way?"),
        (rb'{"n":["\ud800"]}', mac(b"x"), "no match", "body was re-serialised on the way?"),
        (b'{"n":[0.5,-7,9007199254740992,{"a1":"12"},null,true]}', mac(b"x"), "no match", None),
        (BODY, base64.b64encode(bytes.fromhex(mac(BODY))).decode(), "undecodable", "header were hex: it is base64"),
        (BODY, "sha512=" + mac(BODY), "undecodable", "it is hex text after sha512="),
        (BODY, mac(BODY).title(), "undecodable", "header were hex: it is hex text in mixed case"),
        (BODY, mac(BODY)[:-2], "wrong length: 63 bytes instead of 64", None),
        (BODY, mac(BODY)[:-1], "undecodable: not hex", None),
        (BODY, mac(BODY) + "00", "wrong length: 65 bytes instead of 64", None),
        (BODY, hmac.digest(SECRET.encode(), BODY, "sha256").hex(), "wrong length: 32 bytes instead of 64", None),
        (BODY, f"{mac(BODY)}, {mac(BODY)}", "undecodable", None),
        (BODY, "é" * 128, "undecodable: not hex", None),
        (BODY, "", "the header is empty", None),
    ],
)
def test_wrong_signatures_and_what_they_nearly_are(received: bytes, header: str, reason: str, hint: str | None) -> None:
    verdict = verify(provider, request(received, (HEADER, header)), keys(SECRET))
    assert verdict.status is VerdictStatus.INVALID
    assert reason in verdict.reason
    assert (verdict.near_miss is None) == (hint is None)
    if hint:
        assert hint in (verdict.near_miss or "")


@pytest.mark.parametrize(
    "body",
    [b"", b'"\\ud800"', b"\xff\xfe{", b"[" * 100_000, b"not json", b'{"n":1e999}', b"9" * 5000, b'{"a":NaN}', PRINTED],
    ids=lambda body: repr(body[:12]),
)
def test_any_body_can_be_signed(body: bytes) -> None:
    verdict = verify(provider, request(body, (HEADER, mac(body))), keys(SECRET))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, RAW)
    assert verify(provider, request(body, (HEADER, mac(body + b"x"))), keys(SECRET)).status is VerdictStatus.INVALID


def test_each_signature_header_is_tried_by_itself() -> None:
    both = request(PRINTED, (HEADER, "nonsense"), ("X-OneRoute-Signature", mac(BODY).upper()))
    assert verify(provider, both, keys(SECRET)).status is VerdictStatus.VERIFIED


def written_again(body: bytes) -> bytes | None:
    """By its own rule: what JSON.stringify would make of it, as far as Python writes it alike."""
    try:
        return json.dumps(json.loads(body.decode()), ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError:
        return None


@pytest.mark.parametrize("body", [BODY, PRINTED, REPORT], ids=["compact", "printed", "report"])
def test_a_changed_byte_verifies_only_where_the_body_written_again_is_the_signed_one(body: bytes) -> None:
    known, signed = keys(SECRET), jsonbody.compact(json.loads(body))
    alike = 0
    for place, changed in flipped(body):
        verdict = verify(provider, request(changed, (HEADER, mac(signed))), known)
        same = written_again(changed) == signed
        assert verdict.status is (VerdictStatus.VERIFIED if same else VerdictStatus.INVALID), place
        assert not same or verdict.reason == AGAIN, place
        alike += same
    assert (alike > 0) == (body is PRINTED)  # only blanks between tokens can become other white space
    for place, value in flipped(mac(signed).encode()):
        sent = request(body, (HEADER, value.decode("latin-1")))
        assert verify(provider, sent, known).status is VerdictStatus.INVALID, place


def test_what_was_signed() -> None:
    def labels(body: bytes) -> list[tuple[str, bytes]]:
        found = provider.signed(request(body), jsonbody.parse(body), keys(SECRET))
        return [(signed.label, signed.data) for signed in found]

    assert labels(BODY) == [("raw body", BODY)]
    assert labels(PRINTED) == [("raw body", PRINTED), ("re-serialised body", BODY)]
    assert labels(b"not json") == [("raw body", b"not json")]


def test_keys_are_text_as_typed() -> None:
    assert provider.key("secret\n", "file").secret == b"secret"
    with pytest.raises(KeyProblem, match="empty"):
        provider.key("", "file")
    assert provider.local_key() != provider.local_key()


# --- readings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_payloads_read_as_expected(entry: dict[str, Any]) -> None:
    reading = read(provider, entry["body_bytes"])
    check_reading(entry, reading)
    assert reading.problems == ()


def changed(body: bytes, part: str, **fields: Any) -> Reading:
    value = json.loads(body)
    return read(provider, json.dumps({**value, part: {**value[part], **fields}}).encode())


def test_a_report_tells_when_the_message_was_taken_and_done() -> None:
    reading = read(provider, REPORT)
    assert reading.accepted_at is not None
    assert reading.completed_at is not None
    assert reading.completed_at - reading.accepted_at == timedelta(milliseconds=3156)
    assert dict(reading.facts)["reason"] == "Message delivered to handset"
    pending = changed(REPORT, "conversation", status="pending", delivered_time=None)
    assert (pending.completed_at, pending.occurred_at) == (None, pending.accepted_at)


@pytest.mark.parametrize(
    ("word", "status", "error"),
    [
        ("delivered", Status.DELIVERED, None),
        ("pending", Status.SENT, None),
        ("undelivered", Status.FAILED, MessageError(title="Absent subscriber")),
        ("rejected", Status.OTHER, None),
        ("", None, None),
    ],
)
def test_status_words(word: str, status: Status | None, error: MessageError | None) -> None:
    reading = changed(REPORT, "conversation", status=word, reason="Absent subscriber")
    assert (reading.status, reading.error) == (status, error)


@pytest.mark.parametrize(
    ("external", "own", "message", "aliases"),
    [
        ("1", "2", "oneroute:1", ("oneroute:2",)),
        (None, "2", "oneroute:2", ()),
        (1, 1, "oneroute:1", ()),
        ("", None, None, ()),
    ],
)
def test_ids_of_a_report(external: Any, own: Any, message: str | None, aliases: tuple[str, ...]) -> None:
    reading = changed(REPORT, "conversation", externalId=external, id=own)
    assert (reading.message, reading.aliases) == (message, aliases)


def test_parties_of_either_side() -> None:
    inbound = read(provider, BODY)
    assert (inbound.direction, inbound.from_, inbound.to) == (Direction.INBOUND, "Customer name", "Channel name")
    body = (provider_reference() / "payloads/oneroute/new_message_business_side.json").read_bytes()
    outbound = read(provider, body)
    assert (outbound.direction, outbound.from_, outbound.to) == (Direction.OUTBOUND, "Channel name", "Customer name")
    assert outbound.status is None


@pytest.mark.parametrize(
    ("fields", "media"),
    [
        ({"videoUrl": "https://example.com/v", "contentType": "VIDEO"}, (Media("VIDEO", "https://example.com/v"),)),
        ({"audioUrl": "https://example.com/a", "contentType": None}, (Media("AUDIO", "https://example.com/a"),)),
        (
            {"imageUrl": "https://example.com/1", "documentUrl": "https://example.com/2"},
            (Media("TEXT", "https://example.com/1"),),
        ),
        ({"imageUrl": ""}, ()),
    ],
)
def test_media_is_the_first_address(fields: dict[str, Any], media: tuple[Media, ...]) -> None:
    assert changed(BODY, "message", **fields).media == media


def test_a_message_that_is_no_text_says_of_which_type_it_is() -> None:
    assert "content_type" not in dict(read(provider, BODY).facts)
    assert dict(changed(BODY, "message", contentType="STICKER", content=None).facts)["content_type"] == "STICKER"


def test_the_time_falls_back_to_the_conversation() -> None:
    reading = changed(BODY, "message", sender={"authUser": False})
    assert reading.occurred_at is not None
    assert reading.occurred_at.microsecond == 793000


def test_credentials_are_not_read() -> None:
    body = (provider_reference() / "payloads/oneroute/new_message_email.json").read_bytes()
    reading = changed(body, "conversation", Channel={"medium": "EMAIL", "credentials": {"key": "hush"}})
    assert "hush" not in repr(reading)
    assert reading.channel == "email"


@pytest.mark.parametrize("body", [b"{}", b'{"event":"conversationUpdated","conversation":{"id":"x"}}', b'{"event":7}'])
def test_events_without_documents_are_other(body: bytes) -> None:
    reading = read(provider, body)
    assert (reading.status, reading.message, reading.conversation) == (Status.OTHER, None, None)


@pytest.mark.parametrize("body", [b"", b'[{"event":"newMessage"}]', b'{"value":NaN}', b"a=b", b"\xff"])
def test_bodies_that_are_no_object(body: bytes) -> None:
    reading = read(provider, body)
    assert reading.problems
    assert reading == Reading(problems=reading.problems)


def test_broken_payloads_are_read_as_far_as_they_go() -> None:
    for where, body in broken_payloads("oneroute"):
        check_storable(read(provider, body), where)


def test_foreign_bodies_raise_nothing() -> None:
    known = keys(SECRET)
    for name, body in foreign_bodies("oneroute"):
        check_storable(read(provider, body), name)
        assert verify(provider, request(body, (HEADER, mac(b"x"))), known).status is VerdictStatus.INVALID, name


@given(bodies("oneroute"), headers(HEADER), st.sampled_from([(), (SECRET,), ("a", "b")]))
def test_nothing_raises(body: bytes, sent: list[tuple[str, str]], secrets: tuple[str, ...]) -> None:
    received, parsed = request(body, *sent), jsonbody.parse(body)
    provider.recognise(received, parsed)
    check_storable(provider.read(received, parsed), "generated")
    provider.signed(received, parsed, keys(*secrets))
    assert provider.verify(received, parsed, keys(*secrets), 0.0).status is not VerdictStatus.VERIFIED


# --- recognition and scenarios ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_payloads_are_recognised(entry: dict[str, Any]) -> None:
    body = entry["body_bytes"]
    expected = NO_MATCH if "campaign_unknown" in entry["file"] else BY_BODY
    assert provider.recognise(request(body), jsonbody.parse(body)) == expected


def test_recognition_by_header_and_of_nothing() -> None:
    assert provider.recognise(request(b"x", ("X-OneRoute-Signature", "y")), jsonbody.parse(b"x")) == BY_HEADER
    for body in (
        b"",
        b"[]",
        b'{"event":"x"}',
        b'{"event":"x","message":null}',
        b'{"event":1,"message":1,"conversation":{}}',
    ):
        assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH
    for other in ("volt", "bird", "connectly"):
        for entry in payload_index(other):
            body = entry["body_bytes"]
            assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH, entry["file"]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("inbound", ["received"]),
        ("reply", ["received", None]),
        ("image", ["received"]),
        ("email", ["received"]),
        ("sms-delivered", ["sent", "delivered"]),
        ("sms-undelivered", ["sent", "failed"]),
        ("sms-pending", ["sent"]),
        ("campaign", ["other"]),
    ],
)
def test_what_scenarios_tell(name: str, states: list[str | None]) -> None:
    (scenario,) = [scenario for scenario in provider.scenarios if scenario.name == name]
    readings = check_scenario(provider, scenario)
    assert [reading.status and reading.status.value for reading in readings] == states
    assert len({reading.conversation for reading in readings}) == 1


@pytest.mark.parametrize("scenario", provider.scenarios, ids=lambda scenario: scenario.name)
def test_scenarios_of_the_documents_are_recognised(scenario: Scenario) -> None:
    for reading in check_scenario(provider, scenario):
        assert (reading.status is Status.OTHER) == (scenario.name == "campaign")
