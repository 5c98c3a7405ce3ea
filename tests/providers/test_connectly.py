"""Connectly: verdicts, readings and scenarios."""

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
from monitor.model.reading import Direction, Media, Reading, Status
from monitor.model.record import rfc3339
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Scenario
from monitor.providers.connectly import provider
from monitor.providers.keys import KeyProblem
from tests.corpora import corpora, payload_index, provider_reference, vectors
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

HEADER = "x-connectly-hmac-sha256"
URL_SAFE = str.maketrans("+/", "-_")
SECRET = "connectly-test-secret"
ENTRIES = payload_index("connectly")
VECTORS = vectors("connectly_hmac.json")
BODY = (provider_reference() / "payloads/connectly/text.json").read_bytes()
REASONS = {"undecodable": ("undecodable: not base64",), "wrong length": ("wrong length", "the header is empty")}


def mac(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["vectors"], ids=lambda case: case["name"])
def test_vectors_verify(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["body_base64"])
    verdict = verify(provider, request(body, (HEADER, case["header_value"])), keys(case["secret"]))
    assert verdict.status.value == case["expected"] == "verified"
    assert verdict.reason == "over raw body"
    assert verdict.scheme == "hmac-sha256/base64 over raw body"
    assert verdict.key == "sha256:" + hashlib.sha256(case["secret"].encode()).hexdigest()[:8]
    assert verdict.age_s is None
    assert [check.name for check in verdict.checks] == ["header", "key", "encoding", "compare"]
    assert all(check.passed for check in verdict.checks)


@pytest.mark.parametrize("case", VECTORS["derived_cases"], ids=lambda case: case["name"])
def test_derived_cases(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["body_base64"])
    sent = [] if case["header_value"] is None else [(HEADER, case["header_value"])]
    verdict = verify(provider, request(body, *sent), keys(*case["secrets"]))
    assert verdict.status.value == case["expected"]
    if "reason" in case:
        assert verdict.reason.startswith(REASONS[case["reason"]])
    if verdict.status is not VerdictStatus.VERIFIED:
        assert any(not check.passed for check in verdict.checks)


@pytest.mark.parametrize(
    ("signature", "secrets", "status"),
    [
        (None, (), VerdictStatus.MISSING),
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


def test_without_a_key_the_verdict_says_what_to_add() -> None:
    signed = request(BODY, (HEADER, mac(BODY)))
    assert "add the webhook secret" in verify(provider, signed, keys()).reason
    assert verify(provider, signed, Keys(why_none="the keyring is locked")).reason.endswith("the keyring is locked")


def pretty(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=2).encode()


@pytest.mark.parametrize(
    ("received", "header", "reason", "hint"),
    [
        (BODY + b"\n", mac(BODY), "no match", "would match without the white space around the body"),
        (pretty(BODY), mac(BODY), "no match", "would match a re-serialised body (compact)"),
        (
            BODY,
            mac(json.dumps(json.loads(BODY)).encode()),
            "no match",
            "would match a re-serialised body (blanks after",
        ),
        (BODY, base64.b64decode(mac(BODY)).hex(), "wrong length: 48", "header were base64: it is hex text"),
        (BODY, base64.b64decode(mac(BODY)).hex().upper(), "wrong length: 48", "header were base64: it is hex text"),
        (BODY, mac(BODY).rstrip("="), "undecodable", "header were base64: it is base64 without padding"),
        (BODY, mac(BODY).translate(URL_SAFE), "undecodable", "header were base64: it is url-safe base64"),
        (BODY, "sha256=" + mac(BODY), "undecodable", "header were base64: it is base64 after sha256="),
        (BODY, "sha256=" + base64.b64decode(mac(BODY)).hex(), "undecodable", "it is hex text after sha256="),
        (b'{"n":1.0}', mac(b'{"n":1}'), "no match", "body was re-serialised on the way?"),
        (b'{"10":2,"b":1}', mac(b'{"b":1,"10":2}'), "no match", "body was re-serialised on the way?"),
        (b'{"10": 2}', mac(b'{"10":2}'), "no match", "would match a re-serialised body (compact)"),
        (BODY, mac(b"another"), "no match: 1 key tried over raw body", None),
        (BODY, "A" * 3000, "the header is 3000 characters long", None),
        (BODY, mac(BODY)[:-4], "wrong length: 30 bytes instead of 32", None),
        (BODY, base64.b64encode(b"x" * 31).decode(), "wrong length: 31 bytes instead of 32", None),
        (BODY, base64.b64encode(b"x" * 33).decode(), "wrong length: 33 bytes instead of 32", None),
        (BODY, f"{mac(BODY)},{mac(BODY)}", "undecodable", None),
        (BODY, "é", "undecodable: not base64", None),
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
        assert verdict.checks[-1].name == "near miss"


def test_a_body_of_other_letters_is_recognised_as_re_serialised() -> None:
    body = '{"message":{"text":"é"}}'.encode()
    escaped = rb'{"message":{"text":"\u00e9"}}'
    verdict = verify(provider, request(body, (HEADER, mac(escaped))), keys(SECRET))
    assert verdict.near_miss == "would match a re-serialised body (compact, \\u escapes)"


@pytest.mark.parametrize(
    "body",
    [b"", b'"\\ud800"', b"\xff\xfe{", b"[" * 100_000, b"not json", pretty(BODY)],
    ids=lambda body: repr(body[:12]),
)
def test_any_body_can_be_signed(body: bytes) -> None:
    assert verify(provider, request(body, (HEADER, mac(body))), keys(SECRET)).status is VerdictStatus.VERIFIED
    assert verify(provider, request(body, (HEADER, mac(body + b" "))), keys(SECRET)).status is VerdictStatus.INVALID


def test_each_signature_header_is_tried_by_itself() -> None:
    both = request(BODY, (HEADER, mac(b"other")), ("X-Connectly-HMAC-SHA256", mac(BODY)))
    assert verify(provider, both, keys(SECRET)).status is VerdictStatus.VERIFIED
    wrong = request(BODY, *[(HEADER, mac(b"other"))] * 4, (HEADER, mac(BODY)))
    assert verify(provider, wrong, keys(SECRET)).status is VerdictStatus.INVALID


def test_no_changed_byte_verifies() -> None:
    known = keys(SECRET)
    for place, body in flipped(BODY):
        assert verify(provider, request(body, (HEADER, mac(BODY))), known).status is VerdictStatus.INVALID, place
    for place, value in flipped(mac(BODY).encode()):
        verdict = verify(provider, request(BODY, (HEADER, value.decode("latin-1"))), known)
        assert verdict.status is VerdictStatus.INVALID, place


def test_only_whole_macs_of_the_wycheproof_cases_verify() -> None:
    groups = json.loads((corpora() / "wycheproof" / "hmac_sha256_test.json").read_text())["testGroups"]
    verified = 0
    for group in groups:
        for case in group["tests"]:
            body, secret = bytes.fromhex(case["msg"]), bytes.fromhex(case["key"])
            header = base64.b64encode(bytes.fromhex(case["tag"])).decode()
            key = provider.key("x", "test")
            known = Keys((type(key)(key.id, "test", secret=secret),))
            verdict = verify(provider, request(body, (HEADER, header)), known)
            whole = case["result"] == "valid" and group["tagSize"] == 256
            assert (verdict.status is VerdictStatus.VERIFIED) == whole, case["tcId"]
            verified += whole
    assert verified == 33


def test_what_was_signed() -> None:
    received = request(BODY, (HEADER, mac(BODY)))
    (signed,) = provider.signed(received, jsonbody.parse(BODY), keys(SECRET))
    assert (signed.label, signed.data) == ("raw body", BODY)


def test_keys_are_text_as_typed() -> None:
    assert provider.key(" c2VjcmV0\n", "file").secret == b"c2VjcmV0"
    with pytest.raises(KeyProblem, match="empty"):
        provider.key("  \n", "file")
    assert isinstance(provider.local_key(), bytes)
    assert provider.local_key() != provider.local_key()


# --- readings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_payloads_read_as_expected(entry: dict[str, Any]) -> None:
    reading = read(provider, entry["body_bytes"])
    check_reading(entry, reading)
    assert reading.problems == ()


def status(**changes: Any) -> Reading:
    value = json.loads((provider_reference() / "payloads/connectly/status_delivered.json").read_bytes())
    return read(provider, json.dumps({**value, **changes}).encode())


def test_the_id_tells_when_a_message_was_taken() -> None:
    reading = status()
    assert rfc3339(reading.accepted_at) == "2022-01-06T23:51:34.122000Z"
    assert reading.accepted_at is not None
    assert reading.occurred_at is not None
    assert reading.occurred_at - reading.accepted_at == timedelta(seconds=3.878)


@pytest.mark.parametrize(
    ("number", "accepted"),
    [
        ("01FRRWW72DHD9GJ1SWY4VF2GBD", True),  # 0.3 s after the event's whole second
        ("01FRRX1R2DHD9GJ1SWY4VF2GBD", False),  # minutes after
        ("not-a-ulid", False),
        ("", False),
    ],
)
def test_ids_that_tell_no_time(number: str, accepted: bool) -> None:
    reading = status(statusUpdate={"id": number, "status": "sent", "error": None})
    assert (reading.accepted_at is not None) == accepted
    assert reading.message == (f"connectly:{number}" if number else None)


def test_a_message_is_known_by_both_forms_of_its_id() -> None:
    first = status()
    (other,) = first.aliases
    second = status(statusUpdate={"id": other.removeprefix("connectly:"), "status": "read"})
    assert (second.message, second.aliases) == (other, (first.message,))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("read", Status.READ),
        ("delivery_failed", Status.FAILED),
        ("delivery_failure", Status.FAILED),
        ("played", Status.OTHER),
        ("", None),
        (None, None),
    ],
)
def test_status_words(word: str | None, expected: Status | None) -> None:
    reading = status(statusUpdate={"id": "x", "status": word})
    assert (reading.status, reading.provider_status) == (expected, word or None)


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("1641513098", "2022-01-06T23:51:38.000000Z"),
        (1641513098, "2022-01-06T23:51:38.000000Z"),
        (1641513098.5, "2022-01-06T23:51:38.500000Z"),
        ("1641513098250", "2022-01-06T23:51:38.250000Z"),
        (1641513098250, "2022-01-06T23:51:38.250000Z"),
        ("2022-01-06T23:51:38Z", "2022-01-06T23:51:38.000000Z"),
        ("2022-01-07T00:51:38+01:00", "2022-01-06T23:51:38.000000Z"),
        ("yesterday", None),
        ("nan", None),
        ("9" * 400, None),
        ("-inf", None),
        ([1], None),
    ],
)
def test_forms_of_time(timestamp: Any, moment: str | None) -> None:
    reading = status(timestamp=timestamp)
    assert rfc3339(reading.occurred_at) == moment
    assert bool(reading.problems) == (moment is None)


def test_a_missing_time_is_no_problem() -> None:
    assert status(timestamp=None).problems == ()
    assert status(timestamp="").problems == ()


@pytest.mark.parametrize(
    "error",
    [
        {"code": 7, "message": "no", "details": [{"a": 1}]},  # in the manner of google.rpc.Status
        {"code": "ERROR_CODE_X", "message": "no", "details": {}},
    ],
)
def test_errors_of_either_form(error: dict[str, Any]) -> None:
    reading = status(statusUpdate={"id": "x", "status": "delivery_failed", "error": error})
    assert reading.error is not None
    assert reading.error.code == str(error["code"])
    assert reading.error.carrier_code == str(error["code"]).removeprefix("ERROR_CODE_")
    assert reading.error.temporary is None
    assert reading.problems == ()


def test_secrets_are_not_read() -> None:
    body = (provider_reference() / "payloads/connectly/report.json").read_bytes()
    assert "reports.connectly.ai" not in repr(read(provider, body))
    value = {**json.loads(BODY), "configuration": {"webengageConfiguration": {"webengageToken": "hush"}}}
    assert "hush" not in repr(read(provider, json.dumps(value).encode()))


def test_a_reply_has_its_own_id_and_names_no_other_message() -> None:
    reading = read(provider, (provider_reference() / "payloads/connectly/button_seed.json").read_bytes())
    assert reading.aliases == ("connectly:01GB6MZR50BY04MDAQH6TVYN40",)
    assert reading.direction is Direction.INBOUND
    assert dict(reading.facts)["button_payload"] == "1"


def test_attachments_at_the_top_level_count() -> None:
    value = {**json.loads(BODY), "attachments": [{"type": "image", "url": "https://cdn.example.com/a"}, None]}
    assert read(provider, json.dumps(value).encode()).media[0] == Media("image", "https://cdn.example.com/a")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"message": None, "location": {"latitude": 1}}, "location"),
        ({"message": {"reaction": {"emoji": "x"}, "sticker": None}}, "reaction"),
        ({"message": {"list": {"id": "1"}}, "contacts": [{"name": "x"}]}, "list, contacts"),
        ({"location": None, "attachments": [], "extra": [], "callbackData": "x", "context": {"replyToId": "1"}}, None),
    ],
)
def test_content_without_a_documented_shape_is_named(content: dict[str, Any], named: str | None) -> None:
    reading = read(provider, json.dumps({**json.loads(BODY), **content}).encode())
    assert dict(reading.facts).get("unknown_content") == named


@pytest.mark.parametrize("body", [b"{}", b'{"topic":"messages"}', b'{"sender":"x"}'])
def test_objects_of_no_known_shape(body: bytes) -> None:
    reading = read(provider, body)
    assert (reading.status, reading.message, reading.direction) == (Status.OTHER, None, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{u'sender': 1}", b'{"value":NaN}', b"a=b", b"\xff"])
def test_bodies_that_are_no_object(body: bytes) -> None:
    reading = read(provider, body)
    assert reading.problems
    assert reading == Reading(problems=reading.problems)


def test_broken_payloads_are_read_as_far_as_they_go() -> None:
    for where, body in broken_payloads("connectly"):
        reading = read(provider, body)
        check_storable(reading, where)


def test_foreign_bodies_raise_nothing() -> None:
    known = keys(SECRET)
    for name, body in foreign_bodies("connectly"):
        check_storable(read(provider, body), name)
        assert verify(provider, request(body, (HEADER, mac(BODY))), known).status is VerdictStatus.INVALID, name


@given(bodies("connectly"), headers(HEADER), st.sampled_from([(), (SECRET,), ("a", "b")]))
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
    assert provider.recognise(request(body), jsonbody.parse(body)) == BY_BODY


def test_recognition_by_header_and_of_nothing() -> None:
    assert provider.recognise(request(b"x", ("X-Connectly-Hmac-Sha256", "y")), jsonbody.parse(b"x")) == BY_HEADER
    for body in (b"", b"{}", b"[]", b'{"sender":{}}', b'{"report":{}}', b'{"sender":1,"recipient":2}'):
        assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH
    for other in ("volt", "bird", "oneroute"):
        for entry in payload_index(other):
            body = entry["body_bytes"]
            assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH, entry["file"]


@pytest.mark.parametrize("scenario", provider.scenarios, ids=lambda scenario: scenario.name)
def test_scenarios(scenario: Scenario) -> None:
    readings = check_scenario(provider, scenario)
    assert len({reading.conversation for reading in readings}) == 1


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("inbound-text", ["received"]),
        ("button-reply", ["sent", "delivered", "read", "received"]),
        ("media", ["received"]),
        ("delivered-read", ["sent", "delivered", "read"]),
        ("failed-window", ["failed"]),
        ("failed-template", ["failed"]),
        ("out-of-order", ["delivered", "sent", "read"]),
        ("duplicate", ["sent", "delivered", "read", "read"]),
        ("campaign", ["sent", "delivered", "read", "received"]),
        ("report", [None]),
    ],
)
def test_what_scenarios_tell(name: str, states: list[str | None]) -> None:
    (scenario,) = [scenario for scenario in provider.scenarios if scenario.name == name]
    readings = check_scenario(provider, scenario)
    assert [reading.status and reading.status.value for reading in readings] == states
    outbound = [reading for reading in readings if reading.direction is Direction.OUTBOUND]
    assert len({reading.message for reading in outbound}) <= 1
    for reading in outbound:
        assert reading.accepted_at is not None
        assert reading.occurred_at is not None
        assert reading.occurred_at - reading.accepted_at < timedelta(seconds=20)
