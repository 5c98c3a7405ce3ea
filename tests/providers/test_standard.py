"""Standard Webhooks: v1 and v1a over id, time and body, with every kind of key and mistake."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.reading import Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import BY_HEADER, NO_MATCH, Keys
from monitor.providers.keys import Key, KeyProblem, from_public, secret_key, verifying_key
from monitor.providers.standard import provider
from tests.corpora import payload_index
from tests.factory import make_request
from tests.providers.expected import check_reading

NOW = 1_700_000_000.0
BODY = b'{"type":"user.created","timestamp":"2023-11-14T22:13:19Z","data":{"id":"usr_1","caf\xc3\xa9":true}}'
SECRET = bytes(range(100, 130))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW_PUBLIC = PRIVATE.public_key().public_bytes_raw()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def v1(body: bytes = BODY, msg_id: str = "msg_1", at: str = "1700000000", secret: bytes = SECRET) -> str:
    return "v1," + b64(hmac.digest(secret, f"{msg_id}.{at}.".encode() + body, "sha256"))


def v1a(body: bytes = BODY, msg_id: str = "msg_1", at: str = "1700000000") -> str:
    return "v1a," + b64(PRIVATE.sign(f"{msg_id}.{at}.".encode() + body))


def request(
    *signatures: str,
    body: bytes = BODY,
    msg_id: str | None = "msg_1",
    at: str | None = "1700000000",
    prefix: str = "Webhook",
) -> Request:
    headers = [(f"{prefix}-Id", msg_id), (f"{prefix}-Timestamp", at)]
    headers += [(f"{prefix}-Signature", text) for text in signatures]
    return Request("POST", "/standard", "", tuple((name, text) for name, text in headers if text is not None), body)


HMAC_KEY = secret_key(SECRET, "test")
ED_KEY = from_public(PRIVATE.public_key(), "test")


def verify(asked: Request, *keys: Key, now: float = NOW, **more: Any) -> Verdict:
    return provider.verify(asked, parse(asked.body), Keys(keys=keys, **more), now)


@pytest.mark.parametrize("prefix", ["Webhook", "webhook", "Svix", "svix"])
@pytest.mark.parametrize(
    ("text", "key", "scheme", "reason"),
    [
        (v1(), HMAC_KEY, "hmac-sha256/v1", "HMAC-SHA256 (v1)"),
        (v1a(), ED_KEY, "ed25519/v1a", "Ed25519 (v1a)"),
        (f"v1,{b64(bytes(32))} {v1()}", HMAC_KEY, "hmac-sha256/v1", "HMAC-SHA256 (v1)"),
        (f"v2,what {v1a()} {v1()}", HMAC_KEY, "hmac-sha256/v1", "HMAC-SHA256 (v1)"),
    ],
)
def test_right_signatures(text: str, key: Key, scheme: str, reason: str, prefix: str) -> None:
    verdict = verify(request(text, prefix=prefix), key, now=NOW + 4.5)
    assert (verdict.status, verdict.scheme, verdict.reason) == (VerdictStatus.VERIFIED, scheme, reason)
    assert (verdict.key, verdict.age_s, verdict.near_miss) == (key.id, 4.5, None)
    assert [check.name for check in verdict.checks] == ["header", "key", "encoding", "compare", "time"]
    assert all(check.passed for check in verdict.checks)


@pytest.mark.parametrize(
    ("age", "status", "reason"),
    [
        (300, VerdictStatus.VERIFIED, "HMAC"),
        (300.5, VerdictStatus.STALE, "too old: signed 5 min ago"),
        (86400 * 3, VerdictStatus.STALE, "too old: signed 3 d 0 h ago"),
        (-300, VerdictStatus.VERIFIED, "HMAC"),
        (-301, VerdictStatus.STALE, "too new: signed 5 min ahead"),
    ],
)
def test_the_signed_time_is_judged_both_ways(age: float, status: VerdictStatus, reason: str) -> None:
    verdict = verify(request(v1()), HMAC_KEY, now=NOW + age)
    assert verdict.status is status
    assert verdict.reason.startswith(reason)
    assert verdict.age_s == age
    assert verdict.checks[-1].passed == (status is VerdictStatus.VERIFIED)


def test_an_old_time_on_a_wrong_signature_is_invalid_not_stale() -> None:
    verdict = verify(request(v1(b"other")), HMAC_KEY, now=NOW + 9999)
    assert (verdict.status, verdict.age_s) == (VerdictStatus.INVALID, None)


def test_milliseconds_are_stale_with_a_hint() -> None:
    verdict = verify(request(v1(at="1700000000000"), at="1700000000000"), HMAC_KEY)
    assert verdict.status is VerdictStatus.STALE
    assert verdict.near_miss == "would be in time if webhook-timestamp were in seconds, not milliseconds"


@pytest.mark.parametrize("at", ["soon", "1700000000.0", "-1", "+1700000000", "1 700", "٣", "9" * 16, "1e9"])
def test_a_signed_time_that_is_no_number_is_invalid(at: str) -> None:
    text = v1(at=at)
    asked = request(text, at=at.encode().decode("latin-1"))
    verdict = verify(asked, HMAC_KEY)
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.reason == "webhook-timestamp is not a time in Unix seconds"


def test_missing_header() -> None:
    for keys in ((), (HMAC_KEY,)):
        verdict = verify(request(), *keys)
        assert (verdict.status, verdict.reason) == (
            VerdictStatus.MISSING,
            "the header webhook-signature is missing",
        )
        assert [(check.name, check.passed) for check in verdict.checks] == [("header", False)]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request(v1(), msg_id=None), "the header webhook-id is missing"),
        (request(v1(), at=None), "the header webhook-timestamp is missing"),
        (request(v1(), at=None, prefix="svix"), "the header svix-timestamp is missing"),
        (request(v1(), msg_id=""), "the header webhook-id is missing"),
        (request(""), "the header webhook-signature is empty"),
        (request("v2,AAAA"), "no signature of a version that can be checked here (v1, v1a)"),
        (request(v1().removeprefix("v1,")), "no signature of a version"),
        (request("v1,é"), "v1: undecodable: not base64"),
        (request("v1,"), "v1: the header is empty"),
        (request("v1"), "v1: the header is empty"),
        (request("v1,AAAA"), "v1: wrong length: 3 bytes instead of 32"),
        (request(f"v1,{b64(bytes(32))}"), "no match with 1 key over id.timestamp.body"),
        (request(v1(), msg_id="msg_2"), "no match"),
        (request(v1(), at="1700000001"), "no match"),
        (request(v1(), body=BODY + b" "), "no match"),
        (request(*[f"v1,{b64(bytes(32))}"] * 8, v1()), "no match"),
    ],
    ids=range(16),
)
def test_invalid_with_its_reason(asked: Request, reason: str) -> None:
    verdict = verify(asked, HMAC_KEY)
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.reason.startswith(reason)
    assert any(not check.passed for check in verdict.checks)


def test_without_a_key_it_is_no_key_and_says_what_to_do() -> None:
    assert "whsec_" in verify(request(v1())).reason
    assert verify(request(v1()), why_none="the keyring is locked").reason == "the keyring is locked"
    rsa = verifying_key(generate_private_key(65537, 2048), "rsa")
    verdict = verify(request(v1()), rsa)
    assert verdict.status is VerdictStatus.NO_KEY
    assert verdict.reason.startswith("none of the configured keys (1) can be used here")
    other = verify(request(v1a()), HMAC_KEY)
    assert (other.status, other.reason) == (
        VerdictStatus.NO_KEY,
        "the signature is Ed25519 (v1a) and no key is of that kind: add an Ed25519 public key",
    )


def test_a_public_key_never_serves_as_a_secret() -> None:
    spki = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for text in (f"whpk_{b64(RAW_PUBLIC)}", b64(RAW_PUBLIC), b64(spki)):
        key = provider.key(text, "test")
        assert key.secret is None
        for forged in (RAW_PUBLIC, spki, text.encode()):
            for version in ("v1", "v1a"):
                asked = request(v1(secret=forged).replace("v1,", f"{version},"))
                assert verify(asked, key).status in (VerdictStatus.NO_KEY, VerdictStatus.INVALID)
        assert verify(request(v1a()), key).status is VerdictStatus.VERIFIED
    with pytest.raises(KeyProblem, match="RSA"):
        provider.key(b64(rsa), "test")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        (v1(secret=b64(SECRET).encode()), "the secret taken as text, not decoded"),
        (v1(secret=b"whsec_" + b64(SECRET).encode()), "text with whsec_ before it"),
        (v1(BODY.strip() + b"\n"), None),
        ("v1," + base64.urlsafe_b64encode(base64.b64decode(v1()[3:])).decode().rstrip("="), "in base64, not base64url"),
        ("v1," + base64.b64decode(v1()[3:]).hex(), "in base64, not hex"),
        ("v1," + bytes(32).hex(), None),
        ("v1," + b64(hmac.digest(SECRET, BODY, "sha256")), "over the body alone"),
    ],
    ids=range(7),
)
def test_near_misses_stay_invalid(text: str, near: str | None) -> None:
    verdict = verify(request(text), HMAC_KEY)
    assert verdict.status is VerdictStatus.INVALID
    assert (verdict.near_miss is None) == (near is None)
    assert (near or "") in (verdict.near_miss or "")


def test_a_body_changed_on_the_way_is_a_near_miss_for_both_versions() -> None:
    spaced = BODY.replace(b'":', b'": ').replace(b',"', b', "')
    for text, key in ((v1(), HMAC_KEY), (v1a(), ED_KEY)):
        for changed in (spaced, BODY + b"\n"):
            verdict = verify(request(text, body=changed), key)
            assert verdict.status is VerdictStatus.INVALID
            assert "would match" in (verdict.near_miss or "")


def test_a_secret_taken_for_a_public_key_is_told() -> None:
    secret = bytes(range(32))
    key = provider.key(b64(secret), "test")
    verdict = verify(request(v1(secret=secret)), key)
    assert verdict.status is VerdictStatus.NO_KEY
    assert verdict.near_miss == "would match if the key were a secret and not a public key: write whsec_ before it"
    assert (
        verify(request(v1(secret=secret)), provider.key(f"whsec_{b64(secret)}", "t")).status is VerdictStatus.VERIFIED
    )


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"whsec_{b64(SECRET)}", SECRET),
        (f"  whsec_{b64(SECRET)}\n", SECRET),
        (f"whsec_{b64(bytes(32))}", bytes(32)),
        (b64(SECRET), SECRET),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        ("a plain secret", b"a plain secret"),
        ("whsec_not base64!", b"not base64!"),
        ("sécret", "sécret".encode()),
    ],
)
def test_secrets_in_every_form(text: str, secret: bytes) -> None:
    key = provider.key(text, "here")
    assert (key.secret, key.public, key.origin) == (secret, None, "here")


def test_public_keys_in_every_form() -> None:
    public = PRIVATE.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for text in (
        f"whpk_{b64(RAW_PUBLIC)}",
        b64(RAW_PUBLIC),
        b64(spki),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
    ):
        key = provider.key(text, "here")
        assert (key.id, key.secret) == (ED_KEY.id, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("whsec_", "empty"),
        ("  ", "empty"),
        ("whpk_", "32 bytes"),
        (f"whpk_{b64(bytes(31))}", "32 bytes"),
        ("whpk_???", "32 bytes"),
        (f"whsk_{b64(bytes(64))}", "private"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private"),
        ("ssh-dss AAAA", "ssh-dss"),
        ("A" * 20_000, "20000 characters"),
    ],
)
def test_keys_that_cannot_be_used(text: str, problem: str) -> None:
    with pytest.raises(KeyProblem, match=problem):
        provider.key(text, "here")


def test_no_changed_byte_of_a_signed_request_verifies() -> None:
    def refused(asked: Request) -> bool:
        return verify(asked, HMAC_KEY, ED_KEY).status is not VerdictStatus.VERIFIED

    for text in (v1(), v1a()):
        assert not refused(request(text))
        for at in range(len(BODY)):
            assert refused(request(text, body=BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]))
        for bit in (0x01, 0x20, 0x80):
            for at in range(len(text)):
                assert refused(request(text[:at] + chr(ord(text[at]) ^ bit) + text[at + 1 :]))
            for at in range(5):
                assert refused(request(text, msg_id="msg_1"[:at] + chr(ord("msg_1"[at]) ^ bit) + "msg_1"[at + 1 :]))
            for at, char in enumerate("1700000000"):
                assert refused(request(text, at="1700000000"[:at] + chr(ord(char) ^ bit) + "1700000000"[at + 1 :]))


def test_signing() -> None:
    key = provider.local_key()
    assert isinstance(key, bytes)
    first = dict(provider.sign(BODY, key, url="https://example.com", at=NOW))
    retry = dict(provider.sign(BODY, key, url="https://example.com", at=NOW + 60))
    assert first["webhook-id"] == retry["webhook-id"]  # the idempotency key of a retry stays
    assert (first["webhook-timestamp"], retry["webhook-timestamp"]) == ("1700000000", "1700000060")
    with pytest.raises(KeyProblem, match="secret"):
        provider.sign(BODY, PRIVATE, url="https://example.com", at=NOW)


def test_what_is_signed() -> None:
    (only,) = provider.signed(request(v1()), parse(BODY), Keys())
    assert only.data == b"msg_1.1700000000." + BODY
    assert provider.signed(request(v1(), at=None), parse(BODY), Keys()) == ()
    assert provider.signed(request(), parse(BODY), Keys()) == ()


def test_recognised_by_its_header_alone() -> None:
    assert provider.recognise(request(v1()), parse(BODY)) == BY_HEADER
    assert provider.recognise(request(v1(), prefix="svix"), parse(b"")) == BY_HEADER
    assert provider.recognise(request(), parse(BODY)) == NO_MATCH
    assert provider.recognise(request(""), parse(BODY)) == NO_MATCH


def read(body: bytes, **headers: str) -> Reading:
    return provider.read(make_request(body, path="/standard", **headers), parse(body))


def test_reading() -> None:
    reading = read(BODY, webhook_id="msg_1")
    assert (reading.event, reading.event_id, reading.status) == ("user.created", "msg_1", Status.OTHER)
    assert reading.facts == (("id", "usr_1"), ("café", "true"))
    assert reading.occurred_at is not None
    assert reading.occurred_at.isoformat() == "2023-11-14T22:13:19+00:00"
    assert (reading.message, reading.conversation, reading.direction, reading.problems) == (None, None, None, ())
    assert read(BODY, svix_id="msg_2").event_id == "msg_2"


def test_the_new_bird_platform_is_labelled() -> None:
    (entry,) = [e for e in payload_index("bird") if "new_platform" in e["file"]]
    reading = read(entry["body_bytes"])
    check_reading(entry, reading)
    assert reading.facts[0] == ("label", "new Bird platform")
    assert ("email_id", "em_01krdgeqcxet5s7t44vh8rt9mg") in reading.facts


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (b"", ("empty body",)),
        (b"[]", ("the body is not an object but a list",)),
        (b'{"type":[],"timestamp":"x","data":7}', (
            "type is not a text but a list",
            "data is not an object but a number",
            "timestamp is not a time but a text",
        )),
        (b"{}", ()),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(body: bytes, problems: tuple[str, ...]) -> None:
    assert read(body, webhook_id="msg_1").problems == problems
    assert read(body, webhook_id="msg_1").event_id == "msg_1"


def test_facts_are_few_and_short() -> None:
    data = ",".join(f'"k{n}":"{"x" * 999}"' for n in range(99))
    facts = read(b'{"type":"a","data":{%s}}' % data.encode()).facts
    assert len(facts) == 16
    assert {len(value) for _, value in facts} == {200}
