"""Bird: verdicts, readings and scenarios."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.capture import Request
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Scenario
from monitor.providers.bird import provider
from monitor.providers.bird.reading import MAX_WITHIN
from monitor.providers.keys import KeyProblem, secret_key
from tests.corpora import payload_index, provider_reference, vectors
from tests.providers.expected import check_reading
from tests.providers.hmac_checks import (
    CUSTOMER,
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
    scene,
    verify,
)

SIGNATURE = "messagebird-signature"
TIMESTAMP = "messagebird-request-timestamp"
REQUEST_ID = "messagebird-request-id"
ENTRIES = payload_index("bird")
VECTORS = vectors("bird_hmac.json")
WORKED = VECTORS["worked"]
KEY, URL, STAMP, GOOD = WORKED["signing_key"], WORKED["url"], WORKED["timestamp"], WORKED["signature"]
BODY = base64.b64decode(WORKED["body_base64"])
BASE, PATH, QUERY = "https://example.com", "/hooks/bird", "tenant=acme&x=1"
NOW = int(STAMP) + 1.5
PUBLIC = keys(KEY, public_url=BASE)


def sign(body: bytes = BODY, *, key: bytes | str = KEY, url: str | bytes = URL, stamp: str = STAMP) -> str:
    """By its own rule, the signature of a delivery."""
    key, url = key.encode() if isinstance(key, str) else key, url.encode() if isinstance(url, str) else url
    message = stamp.encode() + b"\n" + url + b"\n" + hashlib.sha256(body).digest()
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def delivery(
    signature: str | None = GOOD, *more: tuple[str, str], body: bytes = BODY, stamp: str | None = STAMP
) -> Request:
    """A delivery of the worked vector with this signature."""
    sent = [] if signature is None else [(SIGNATURE, signature)]
    if stamp is not None:
        sent.append((TIMESTAMP, stamp))
    return request(body, *sent, *more, path=PATH, query=QUERY)


def check(received: Request, known: Keys = PUBLIC, now: float = NOW) -> Verdict:
    return verify(provider, received, known, now)


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known",
    [
        keys(KEY, urls=(URL,)),
        keys("other", KEY, urls=("https://example.com/other", URL)),
        PUBLIC,
        keys(KEY, public_url=BASE + "/"),
        keys(KEY, public_url="https://old.example.com", urls=(URL,)),
    ],
)
def test_the_worked_vector_verifies(known: Keys) -> None:
    verdict = check(delivery(), known)
    assert verdict.status is VerdictStatus.VERIFIED
    assert verdict.reason == f"over {URL}"
    assert verdict.scheme == "hmac-sha256/base64 over time, url, body hash"
    assert verdict.key == "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()[:8]
    assert verdict.age_s == 1.5
    assert [step.name for step in verdict.checks] == ["header", "key", "encoding", "compare", "time"]
    assert all(step.passed for step in verdict.checks)


@pytest.mark.parametrize("case", VECTORS["small"], ids=lambda case: case["name"])
def test_small_vectors_verify(case: dict[str, Any]) -> None:
    sent = ((SIGNATURE, case["signature"]), (TIMESTAMP, case["timestamp"]))
    received = request(base64.b64decode(case["body_base64"]), *sent, path="/webhook/bird")
    verdict = check(received, keys(case["signing_key"], public_url="https://domain.com"), int(case["timestamp"]))
    assert (verdict.status.value, verdict.reason) == (case["expected"], f"over {case['url']}")


@pytest.mark.parametrize("known", [PUBLIC, keys("other", KEY, urls=(URL,))], ids=["public URL", "subscription"])
@pytest.mark.parametrize("case", VECTORS["wrong_variants_of_worked"], ids=lambda case: case["name"])
def test_wrong_variants_are_named_and_stay_invalid(case: dict[str, Any], known: Keys) -> None:
    verdict = check(delivery(case["signature"]), known)
    assert verdict.status.value == case["expected"] == "invalid"
    assert verdict.near_miss == case["diagnosis"]
    assert verdict.checks[-1].name == "near miss"
    assert verdict.key is None


@pytest.mark.parametrize("case", VECTORS["freshness_of_worked"], ids=lambda case: str(case["now"]))
def test_freshness_of_the_worked_vector(case: dict[str, Any]) -> None:
    verdict = check(delivery(), now=case["now"])
    assert verdict.status.value == case["expected"]
    assert verdict.age_s == case["now"] - int(STAMP)
    if case["note"] is None:
        assert verdict.reason == f"over {URL}"
    else:
        assert case["note"] in verdict.reason
        assert URL in verdict.reason
    assert verdict.key == keys(KEY).keys[0].id


@pytest.mark.parametrize(
    ("age", "status", "note"),
    [
        (0, VerdictStatus.VERIFIED, None),
        (300, VerdictStatus.VERIFIED, None),
        (301, VerdictStatus.VERIFIED, "late by 5 min (retry?)"),
        (86400, VerdictStatus.VERIFIED, "late by 1 d 0 h (retry?)"),
        (86401, VerdictStatus.STALE, "too old: signed 1 d 0 h ago"),
        (-300, VerdictStatus.VERIFIED, None),
        (-301, VerdictStatus.STALE, "too new: signed 5 min ahead of our clock"),
    ],
)
def test_just_inside_and_just_outside_each_tolerance(age: int, status: VerdictStatus, note: str | None) -> None:
    verdict = check(delivery(), now=int(STAMP) + age)
    assert verdict.status is status
    assert verdict.checks[-1].passed == (status is VerdictStatus.VERIFIED)
    assert (note in verdict.reason) if note else verdict.reason == f"over {URL}"


def test_the_digest_comes_before_the_time() -> None:
    assert check(delivery(sign(b"other")), now=int(STAMP) + 10**6).status is VerdictStatus.INVALID


@pytest.mark.parametrize(
    ("signature", "secrets", "now", "status"),
    [
        (None, (), NOW, VerdictStatus.UNSIGNED),
        (None, (KEY,), NOW, VerdictStatus.MISSING),
        (GOOD, (), NOW, VerdictStatus.NO_KEY),
        (GOOD, (KEY,), NOW, VerdictStatus.VERIFIED),
        (GOOD, ("old", KEY), NOW, VerdictStatus.VERIFIED),
        (GOOD, (KEY,), NOW + 10**6, VerdictStatus.STALE),
        (GOOD, ("other",), NOW, VerdictStatus.INVALID),
    ],
)
@pytest.mark.parametrize("stamp", [STAMP, None])
def test_decision_matrix(
    signature: str | None, secrets: tuple[str, ...], now: float, status: VerdictStatus, stamp: str | None
) -> None:
    verdict = check(delivery(signature, stamp=stamp), keys(*secrets, public_url=BASE), now)
    if stamp is None and signature and secrets:
        assert verdict.status is VerdictStatus.INVALID
        assert verdict.reason == f"{TIMESTAMP} is absent, and it is part of what is signed"
    else:
        assert verdict.status is status


@pytest.mark.parametrize("stamp", ["", "soon", "1719823259.5", "-1", "١٧", "9" * 400, "0x10", "1_0", "+5"])
def test_signed_times_that_are_none(stamp: str) -> None:
    latin = stamp.encode().decode("latin-1")
    signature = sign(stamp=stamp)
    verdict = check(delivery(signature, stamp=latin))
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.reason.startswith(TIMESTAMP)
    assert read(provider, b'{"event":"x"}', (TIMESTAMP, latin)).occurred_at is None


def test_a_signed_time_has_fifteen_digits_at_most() -> None:
    far, farther = ("9" * digits for digits in (15, 16))
    assert check(delivery(sign(stamp=far), stamp=far)).status is VerdictStatus.STALE
    assert check(delivery(sign(stamp=farther), stamp=farther)).reason == f"{TIMESTAMP} is not a time in Unix seconds"


@pytest.mark.parametrize(
    ("sent", "url"),
    [
        ((("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example.com")), "https://a.example.com"),
        ((("x-forwarded-host", "a.example.com, inner.example.com"),), "https://a.example.com"),
        (
            (("x-forwarded-proto", "https,http"), ("x-forwarded-host", "a.example.com:8443")),
            "https://a.example.com:8443",
        ),
        ((("x-forwarded-proto", "https"),), "https://127.0.0.1:8787"),  # the Host header, left as it was
    ],
)
def test_what_a_proxy_was_asked_for_is_a_candidate(sent: tuple[tuple[str, str], ...], url: str) -> None:
    verdict = check(delivery(sign(url=f"{url}{PATH}?{QUERY}"), *sent), keys(KEY))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, f"over {url}{PATH}?{QUERY}")


@pytest.mark.parametrize(
    ("sent", "url"),
    [
        ((), "https://127.0.0.1:8787"),
        ((), "http://127.0.0.1:8787"),
        ((("x-forwarded-proto", "http"), ("x-forwarded-host", "a.example.com")), "http://a.example.com"),
        ((("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a.example.com")), "https://a.example.com"),
    ],
)
@pytest.mark.parametrize("known", [keys(KEY), PUBLIC], ids=["no URL", "another URL"])
def test_other_urls_are_hints_only(sent: tuple[tuple[str, str], ...], url: str, known: Keys) -> None:
    verdict = check(delivery(sign(url=f"{url}{PATH}?{QUERY}"), *sent), known)
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.near_miss == f"would match with the URL {url}{PATH}?{QUERY}"
    if not known.public_url:
        assert "set the public URL" in verdict.reason


def test_the_raw_target_is_signed_not_the_decoded_one() -> None:
    sent = ((SIGNATURE, sign(url="https://example.com/a%20b")), (TIMESTAMP, STAMP))
    assert check(request(BODY, *sent, path="/a%20b")).status is VerdictStatus.VERIFIED
    decoded = ((SIGNATURE, sign(url="https://example.com/a b")), (TIMESTAMP, STAMP))
    verdict = check(request(BODY, *decoded, path="/a%20b"))
    assert (verdict.status, verdict.near_miss) == (VerdictStatus.INVALID, "would match with the URL percent-decoded")


def test_targets_outside_ascii_are_taken_as_their_bytes() -> None:
    sent = ((SIGNATURE, sign(url=b"https://example.com/\xff?\xc3\xa9")), (TIMESTAMP, STAMP))
    verdict = check(request(BODY, *sent, path="/\xff", query="Ã©"))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, "over https://example.com/\\xff?é")


@pytest.mark.parametrize(
    ("signature", "hint"),
    [
        (sign(url="http://example.com/hooks/bird?tenant=acme&x=1"), "would match with http://"),
        (sign(BODY + b"\n"), None),
        (sign(url="https://example.com/hooks/bird/"), None),  # two mistakes at once
        (sign(key="other"), None),
        (base64.b64decode(GOOD).hex(), "would match if the header were base64: it is hex text"),
        (GOOD.rstrip("="), "would match if the header were base64: it is base64 without padding"),
    ],
)
def test_near_misses_beyond_the_vectors(signature: str, hint: str | None) -> None:
    verdict = check(delivery(signature))
    assert (verdict.status, verdict.near_miss) == (VerdictStatus.INVALID, hint)


def test_near_misses_of_the_other_kind() -> None:
    small = VECTORS["small"][0]
    safe = ((SIGNATURE, small["signature"].translate(str.maketrans("+/", "-_"))), (TIMESTAMP, small["timestamp"]))
    verdict = check(request(b"{}", *safe), keys(small["signing_key"], urls=(small["url"],)))
    assert verdict.near_miss == "would match if the header were base64: it is url-safe base64"
    slash = ((SIGNATURE, sign(url="https://example.com/hooks")), (TIMESTAMP, STAMP))
    verdict = check(request(BODY, *slash, path="/hooks/"))
    assert verdict.near_miss == "would match without the trailing slash on the path"
    verdict = check(delivery(sign(), body=BODY + b"\n"))
    assert verdict.near_miss == "would match without the white space around the body"
    verdict = check(delivery(sign()), keys(KEY, urls=("http://example.com/hooks/bird?tenant=acme&x=1",)))
    assert verdict.near_miss == "would match with https://"


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "the header is empty"),
        ("é", "undecodable: not base64"),
        ("====", "undecodable: not base64"),
        (GOOD[:-4], "wrong length: 30 bytes instead of 32"),
        (base64.b64encode(b"x" * 64).decode(), "wrong length: 64 bytes instead of 32"),
        ("A" * 3000, "the header is 3000 characters long"),
        (f"{GOOD},{GOOD}", "undecodable: not base64"),
        (f"{GOOD} {GOOD}", "undecodable: not base64"),
        (sign(b"x"), f"no match: 1 key tried over {URL}"),
    ],
)
def test_wrong_signatures(signature: str, reason: str) -> None:
    verdict = check(delivery(signature))
    assert (verdict.status, verdict.reason) == (VerdictStatus.INVALID, reason)
    assert any(not step.passed for step in verdict.checks)


@pytest.mark.parametrize(
    "body",
    [b"", b'"\\ud800"', b"\xff\xfe{", b"[" * 100_000, b"not json", b'{\n  "a": 1\n}'],
    ids=lambda body: repr(body[:12]),
)
def test_any_body_can_be_signed(body: bytes) -> None:
    assert check(delivery(sign(body), body=body)).status is VerdictStatus.VERIFIED
    assert check(delivery(sign(body + b"x"), body=body)).status is VerdictStatus.INVALID


def test_each_signature_header_is_tried_by_itself() -> None:
    both = delivery(sign(b"x"), ("MessageBird-Signature", GOOD))
    assert check(both).status is VerdictStatus.VERIFIED
    assert check(delivery("é", (SIGNATURE, GOOD))).status is VerdictStatus.VERIFIED


def test_no_changed_byte_verifies() -> None:
    good = delivery()
    cases = [(f"body {place}", replace(good, body=body)) for place, body in flipped(BODY)]
    cases += [(f"path {place}", replace(good, path=text.decode("latin-1"))) for place, text in flipped(PATH.encode())]
    cases += [
        (f"query {place}", replace(good, query=text.decode("latin-1"))) for place, text in flipped(QUERY.encode())
    ]
    cases += [(f"signature {place}", delivery(value.decode("latin-1"))) for place, value in flipped(GOOD.encode())]
    cases += [(f"time {place}", delivery(stamp=value.decode("latin-1"))) for place, value in flipped(STAMP.encode())]
    for place, received in cases:
        assert check(received).status is VerdictStatus.INVALID, place


def test_a_public_key_is_no_secret() -> None:
    public = replace(secret_key(b"x", "test"), secret=None)
    assert check(delivery(), Keys((public,), public_url=BASE)).status is VerdictStatus.NO_KEY


def test_what_was_signed() -> None:
    found = provider.signed(
        delivery(), jsonbody.parse(BODY), keys(KEY, public_url=BASE, urls=("https://b.example.com/",))
    )
    assert [signed.label.rpartition(" ")[2] for signed in found] == ["https://b.example.com/", URL]
    assert found[1].data == f"{STAMP}\n{URL}\n".encode() + hashlib.sha256(BODY).digest()


def test_an_address_that_is_found_in_several_ways_is_tried_and_told_once() -> None:
    proxy = (("x-forwarded-proto", "https"), ("x-forwarded-host", "example.com"))
    verdict = check(delivery(sign(b"x"), *proxy), keys(KEY, public_url=BASE, urls=(URL,)))
    assert verdict.reason == f"no match: 1 key tried over {URL}"
    assert [step.detail for step in verdict.checks if step.name == "compare"] == [f"no key over {URL}"]


def test_signing_and_keys() -> None:
    sent = dict(provider.sign(BODY, KEY.encode(), url=URL, at=int(STAMP) + 0.9))
    assert (sent[SIGNATURE], sent[TIMESTAMP]) == (GOOD, STAMP)
    assert provider.sign(BODY, KEY.encode(), url=URL, at=int(STAMP)) == list(sent.items())
    made = provider.local_key()
    assert isinstance(made, bytes)
    assert len(base64.b64decode(made, validate=True)) == 32
    assert provider.key(KEY + "\n", "file").secret == KEY.encode()
    with pytest.raises(KeyProblem, match="empty"):
        provider.key(" ", "file")
    with pytest.raises(KeyProblem, match="made with a secret"):
        provider.sign(BODY, Ed25519PrivateKey.generate(), url=URL, at=0)


# --- readings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_payloads_read_as_expected(entry: dict[str, Any]) -> None:
    reading = read(provider, entry["body_bytes"])
    check_reading(entry, reading)
    assert reading.problems == ()


def payload(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((provider_reference() / f"payloads/bird/{name}.json").read_bytes())
    return value


def changed(name: str, **fields: Any) -> Reading:
    value = payload(name)
    return read(provider, json.dumps({**value, "payload": {**value["payload"], **fields}}).encode())


@pytest.mark.parametrize(
    ("word", "status", "mark"),
    [
        *((word, Status.QUEUED, None) for word in ("accepted", "processing", "scheduled", "pending", "queued")),
        ("sent", Status.SENT, None),
        ("delivered", Status.DELIVERED, None),
        ("read", Status.DELIVERED, "read"),
        *(
            (word, Status.FAILED, None)
            for word in ("sending_failed", "delivery_failed", "rejected", "skipped", "failed")
        ),
        ("deleted", Status.OTHER, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_status_words(word: str | None, status: Status | None, mark: str | None) -> None:
    reading = changed("sms_outbound_sent", status=word)
    assert (reading.status, reading.mark, reading.provider_status) == (status, mark, word or None)
    assert (reading.error is not None) == (status is Status.FAILED)
    assert changed("sms_inbound", status=word).status is Status.RECEIVED


def test_times_of_a_message() -> None:
    sent = changed("sms_outbound_sent")
    assert sent.accepted_at == datetime(2024, 11, 26, 9, 13, 4, 100_000, UTC)
    assert sent.occurred_at == datetime(2024, 11, 26, 9, 13, 5, 20_000, UTC)
    assert changed("sms_inbound").accepted_at is None
    assert changed("sms_outbound_sent", lastStatusAt=None).occurred_at == sent.occurred_at
    assert changed("sms_outbound_sent", lastStatusAt="", updatedAt=None).occurred_at == sent.accepted_at


@pytest.mark.parametrize("name", ["conversation_deleted", "sms_outbound_delivered_nonascii", "unknown_service"])
def test_without_a_time_the_signed_one_stands_for_it(name: str) -> None:
    reading = read(provider, json.dumps(payload(name)).encode(), (TIMESTAMP, STAMP), (REQUEST_ID, "r-1"))
    assert reading.occurred_at == datetime.fromtimestamp(int(STAMP), UTC)
    assert dict(reading.facts)["request_id"] == "r-1"
    assert reading.event_id is None  # whether a retry keeps it is not known


@pytest.mark.parametrize(
    "fields",
    [
        {"receiver": {"contact": {"id": "c", "identifierValue": "+15555550123"}}},
        {"receiver": {"contacts": [{"id": "c", "identifierValue": "+15555550123"}]}},
        {"receiver": {"recipients": [{"id": "c", "identifierValue": "+15555550123"}]}},
        {"receiver": {"id": "c", "identifierValue": "+15555550123"}},
        {"receiver": None, "contact": {"id": "c", "identifierValue": "+15555550123"}},
        {"receiver": {}, "recipients": [{"id": "c", "identifierValue": "+15555550123"}]},
        {
            "receiver": {},
            "featuredParticipants": [
                {"type": "user", "contact": {"identifierValue": "x"}},
                {"type": "contact", "contact": {"id": "c", "identifierValue": "+15555550123"}},
            ],
        },
    ],
)
def test_the_customer_is_found_wherever_field_code_met_it(fields: dict[str, Any]) -> None:
    reading = changed("sms_outbound_sent", channelId="ch", **fields)
    assert (reading.to, reading.conversation) == ("+15555550123", "bird:ch,c")


def test_several_receivers_are_all_told() -> None:
    contacts = [{"identifierValue": "a@example.com"}, {"identifierValue": ""}, {"identifierValue": "b@example.com"}]
    reading = changed("email_outbound_accepted", receiver={"contacts": contacts})
    assert reading.to == "a@example.com"
    assert dict(reading.facts)["recipients"] == "a@example.com, b@example.com"


@pytest.mark.parametrize(
    ("body", "text", "media"),
    [
        ({"type": "text", "text": {"text": "hi"}}, "hi", ()),
        ({"text": {"text": "hi"}}, "hi", ()),
        ({"type": "image", "image": {"url": "https://e.example/1"}}, None, (Media("image", "https://e.example/1"),)),
        (
            {
                "type": "file",
                "file": {
                    "caption": "c",
                    "files": [{"mediaUrl": "https://e.example/1"}, {"url": "https://e.example/2"}, 7],
                },
            },
            "c",
            (Media("file", "https://e.example/1"), Media("file", "https://e.example/2")),
        ),
        ({"type": "location", "location": {"coordinates": {"latitude": 1}}}, None, ()),
        ({"type": "hologram"}, None, ()),
        ({"type": "text", "text": "hi"}, "hi", ()),
        ({"type": "section", "section": {"sections": [{"fields": [{"text": {"text": "deep"}}]}]}}, "deep", ()),
        (
            {"type": "carousel", "carousel": {"cards": [7, {"image": {"mediaUrl": "https://e.example/1"}}]}},
            None,
            (Media("carousel", "https://e.example/1"),),
        ),
        (
            {"type": "list", "list": {"text": "choose", "items": [{"link": {"url": "https://e.example/1"}}]}},
            "choose",
            (),
        ),
        ({}, None, ()),
    ],
)
def test_forms_of_content(body: dict[str, Any], text: str | None, media: tuple[Media, ...]) -> None:
    reading = changed("whatsapp_inbound_text", body=body)
    assert (reading.text, reading.media) == (text, media)
    kind = body.get("type", "text")
    assert dict(reading.facts).get("body_type") == (kind if kind != "text" else None)


def test_a_body_is_looked_into_only_so_far() -> None:
    crowd = [[{"title": "x"}]] * MAX_WITHIN
    assert changed("whatsapp_inbound_text", body={"type": "list", "list": [*crowd, {"text": "far"}]}).text is None


def test_codes_are_text_and_zero_is_one() -> None:
    failure = {"code": 0, "source": {"name": "sms-messagebird", "code": 0}}
    error = changed("sms_outbound_sent", status="failed", failure=failure, reason="", details="").error
    assert error == MessageError(code="0", carrier_code="0", source="sms-messagebird")


def test_an_interaction_has_its_own_id() -> None:
    reading = changed("email_interaction_clicked")
    assert reading.event_id == "9a1f3a52-9d0e-4a44-8a5d-5a3a6d9b2c03"
    assert dict(reading.facts)["link"] == "https://example.com/offer"
    assert reading.conversation is None
    assert changed("email_interaction_clicked", type="reported-as-spam").mark == "reported-as-spam"


def test_a_conversation_prefers_the_body_over_its_preview() -> None:
    last = {"id": "m", "sender": {"type": "contact"}, "preview": {"text": "a sho…"}}
    assert changed("conversation_updated", lastMessage=last).text == "a sho…"
    whole = {**last, "body": {"type": "text", "text": {"text": "a short text"}}}
    assert changed("conversation_updated", lastMessage=whole).text == "a short text"
    assert changed("conversation_updated").from_ == "+306900000100"


def test_the_new_platform_is_labelled() -> None:
    reading = read(provider, json.dumps(payload("new_platform_email_delivered")).encode())
    assert "Bird platform" in repr(reading.facts)
    assert (reading.status, reading.message) == (Status.OTHER, None)


@pytest.mark.parametrize(
    ("value", "direction", "status"),
    [
        ({"event": "sms.inbound", "payload": {}}, Direction.INBOUND, Status.RECEIVED),
        ({"event": "sms.outbound", "payload": {"status": "sent"}}, Direction.OUTBOUND, Status.SENT),
        ({"event": "sms.outbound", "payload": {"direction": "incoming"}}, Direction.INBOUND, Status.RECEIVED),
        ({"service": "payments", "event": "sms.outbound", "payload": {}}, None, Status.OTHER),
        ({"service": "channels", "event": "channel.created", "payload": {}}, None, Status.OTHER),
        ({"service": "channels", "payload": {"direction": "outgoing"}}, None, Status.OTHER),
        ({}, None, Status.OTHER),
    ],
)
def test_kinds_of_events(value: dict[str, Any], direction: Direction | None, status: Status) -> None:
    reading = read(provider, json.dumps(value).encode())
    assert (reading.direction, reading.status) == (direction, status)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"value":NaN}', b"MessageSid=SM1&MessageStatus=delivered", b"\xff"])
def test_bodies_that_are_no_object(body: bytes) -> None:
    reading = read(provider, body)
    assert reading.problems
    assert reading == Reading(problems=reading.problems)


@pytest.mark.slow
def test_broken_payloads_are_read_as_far_as_they_go() -> None:
    for where, body in broken_payloads("bird"):
        check_storable(read(provider, body), where)


def test_foreign_bodies_raise_nothing() -> None:
    for name, body in foreign_bodies("bird"):
        check_storable(read(provider, body), name)
        assert check(delivery(body=body)).status is VerdictStatus.INVALID, name


@given(
    bodies("bird"),
    headers(SIGNATURE, TIMESTAMP, REQUEST_ID),
    st.sampled_from([(), (KEY,), ("a", "b")]),
    st.sampled_from([(), (URL,), ("", "\ud800", "x")]),
    st.sampled_from([None, BASE, "", "é\ud800"]),
)
def test_nothing_raises(
    body: bytes, sent: list[tuple[str, str]], secrets: tuple[str, ...], urls: tuple[str, ...], public: str | None
) -> None:
    received, parsed = request(body, *sent), jsonbody.parse(body)
    known = keys(*secrets, urls=urls, public_url=public)
    provider.recognise(received, parsed)
    check_storable(provider.read(received, parsed), "generated")
    provider.signed(received, parsed, known)
    assert provider.verify(received, parsed, known, 0.0).status is not VerdictStatus.VERIFIED


# --- recognition and scenarios ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_payloads_are_recognised(entry: dict[str, Any]) -> None:
    body = entry["body_bytes"]
    expected = NO_MATCH if "new_platform" in entry["file"] else BY_BODY
    assert provider.recognise(request(body), jsonbody.parse(body)) == expected


def test_recognition_by_header_and_of_nothing() -> None:
    for name in ("MessageBird-Signature", TIMESTAMP, REQUEST_ID):
        assert provider.recognise(request(b"x", (name, "y")), jsonbody.parse(b"x")) == BY_HEADER
    for body in (b"", b"[]", b'{"service":"x"}', b'{"service":"x","event":"y","payload":[]}'):
        assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH
    for other in ("volt", "connectly", "oneroute"):
        for entry in payload_index(other):
            body = entry["body_bytes"]
            assert provider.recognise(request(body), jsonbody.parse(body)) == NO_MATCH, entry["file"]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("sms-delivered", ["queued", "sent", "delivered"]),
        ("sms-failed-unknown-subscriber", ["queued", "sent", "failed"]),
        ("sms-network-error", ["queued", "sent", "failed"]),
        ("sms-inbound", ["received"]),
        ("whatsapp-delivered-read", ["queued", "sent", "delivered", "read"]),
        ("whatsapp-rejected-window", ["queued", "failed"]),
        ("email-opened-clicked", ["queued", "sent", "delivered", "opened", "clicked"]),
        ("out-of-order", ["queued", "delivered", "sent"]),
        ("duplicate", ["queued", "sent", "delivered", "delivered"]),
        ("late", ["queued", "sent", "delivered"]),
        ("conversation-events", [None, "received", None]),
        ("stuck", ["queued", "sent"]),
        ("unknown-event", ["other"]),
    ],
)
def test_what_scenarios_tell(name: str, states: list[str | None]) -> None:
    (scenario,) = [scenario for scenario in provider.scenarios if scenario.name == name]
    readings = check_scenario(provider, scenario)
    assert [reading.mark or (reading.status and reading.status.value) for reading in readings] == states
    outbound = [reading for reading in readings if reading.direction is Direction.OUTBOUND]
    assert len({reading.message for reading in outbound}) <= 1
    assert len({reading.conversation for reading in outbound if reading.mark is None}) <= 1


@pytest.mark.parametrize(
    ("name", "at", "file"),
    [
        ("sms-delivered", 0, "sms_outbound_accepted"),
        ("sms-delivered", 2, "sms_outbound_delivered"),
        ("sms-failed-unknown-subscriber", 2, "sms_outbound_delivery_failed_unknown_subscriber"),
        ("sms-network-error", 2, "sms_outbound_delivery_failed_network_error"),
        ("sms-sending-failed", 1, "sms_outbound_sending_failed"),
        ("whatsapp-rejected-window", 1, "whatsapp_outbound_rejected"),
        ("email-opened-clicked", 4, "email_interaction_clicked"),
        ("conversation-deleted", 0, "conversation_deleted"),
    ],
)
def test_scenarios_say_what_the_documented_payloads_say(name: str, at: int, file: str) -> None:
    (scenario,) = [scenario for scenario in provider.scenarios if scenario.name == name]
    ours, theirs = json.loads(scenario.build(scene())[at].body)["payload"], payload(file)["payload"]
    alike = ("status", "reason", "details", "failure", "direction", "type")
    assert {key: ours.get(key) for key in alike} == {key: theirs.get(key) for key in alike}
    assert theirs.keys() <= ours.keys() if "direction" in theirs else theirs.keys() == ours.keys()
    if theirs.get("status") in ("sending_failed", "rejected"):
        assert ours["parts"] == []  # no platform had it, so none has a name for it


@pytest.mark.parametrize("scenario", provider.scenarios, ids=lambda scenario: scenario.name)
def test_scenarios_are_about_the_customer(scenario: Scenario) -> None:
    for reading in check_scenario(provider, scenario):
        parties = {reading.from_, reading.to} - {None}
        assert not parties or parties & {CUSTOMER.phone, CUSTOMER.email}


def test_late_retries_verify_with_a_note() -> None:
    (scenario,) = [scenario for scenario in provider.scenarios if scenario.name == "late"]
    play = scene()
    for event in scenario.build(play):
        arrived = play.start.timestamp() + event.after
        sent = provider.sign(event.body, KEY.encode(), url=URL, at=arrived - event.signed_before)
        verdict = check(request(event.body, *sent, path=PATH, query=QUERY), now=arrived)
        assert verdict.status is VerdictStatus.VERIFIED
        assert "late by" in verdict.reason
        assert "(retry?)" in verdict.reason
