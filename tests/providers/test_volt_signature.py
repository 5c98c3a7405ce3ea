"""Volt's signatures: RSA over the raw body under a list of schemes, and Ed25519 on registration events."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import Key, KeyProblem, from_public, secret_key, verifying_key
from monitor.providers.volt import provider
from tests.corpora import vectors
from tests.factory import make_request
from tests.providers.scene import make_scene

HEADER = "x-respond-flow-signature"
BODY = b'{"type":"messaging","id":"rfw_1_2","payload":{"event_type":"message.received","text":"h\\u00e9"},"time":1}'


@cache
def _private(bits: int, which: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def private(bits: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    """One key a size and number for all tests: making one is slow."""
    return _private(bits, which)


def public(bits: int = 2048, which: int = 0, origin: str = "test") -> Key:
    return verifying_key(private(bits, which), origin)


def signature(body: bytes = BODY, bits: int = 2048, which: int = 0, scheme: str = "rsa-pkcs1v15-sha256") -> bytes:
    _, pad, digest = scheme.split("-")
    algorithm = {"sha1": SHA1(), "sha256": SHA256(), "sha512": SHA512()}[digest]  # noqa: S303 the weak one is a case
    chosen: Any = padding.PKCS1v15() if pad == "pkcs1v15" else padding.PSS(padding.MGF1(algorithm), 20)
    return private(bits, which).sign(body, chosen, algorithm)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def signed(body: bytes = BODY, *values: str) -> Request:
    return Request(
        "POST", "/volt", "", tuple((HEADER.title(), value) for value in values or (b64(signature(body)),)), body
    )


def verify(request: Request, *keys: Key, now: float = 0.0, **more: Any) -> Verdict:
    return provider.verify(request, parse(request.body), Keys(keys=keys, **more), now)


def _vector_cases() -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in vectors("volt_rsa.json")["cases"]]


@pytest.mark.parametrize("form", ["pem_spki", "pem_pkcs1", "openssh", "der_spki_base64"])
@pytest.mark.parametrize("case", _vector_cases())
def test_vectors(case: dict[str, Any], form: str) -> None:
    top = vectors("volt_rsa.json")
    body = base64.b64decode(case.get("body_base64", top["body_base64"]))
    keys = () if "public_key" in case else (provider.key(top["public_key"][form], "vector"),)
    headers = () if case["header_value"] is None else ((top["header"], case["header_value"]),)
    verdict = verify(Request("POST", "/volt", "", headers, body), *keys)
    assert verdict.status == case["expected"]
    assert case.get("reason", "") in verdict.reason
    if verdict.status is VerdictStatus.VERIFIED:
        scheme, form_of_text = (verdict.scheme or "").split("/")
        words = {
            "rsa-pkcs1v15-sha256": "RSA PKCS#1 v1.5, SHA-256",
            "rsa-pkcs1v15-sha1": "RSA PKCS#1 v1.5, SHA-1",
            "rsa-pss-sha256": "RSA-PSS, SHA-256, MGF1 SHA-256, salt 32",
        }
        assert words[scheme] == case["scheme"]
        assert case["name"].removesuffix("_unpadded").endswith(f"_{form_of_text}")
        assert verdict.age_s is None
    if case["name"] == "trailing_newline":
        assert verdict.near_miss == "would match without the white space around the body"


@pytest.mark.parametrize("first", [None, "rsa-pss-sha256/hex", "rsa-pkcs1v15-sha512/base64", "ed25519/v1a", "junk"])
@pytest.mark.parametrize("form", ["base64", "base64url", "hex"])
@pytest.mark.parametrize("pad", ["pkcs1v15", "pss"])
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_every_scheme_in_every_form(pad: str, digest: str, form: str, first: str | None) -> None:
    scheme = f"rsa-{pad}-{digest}"
    data = signature(scheme=scheme)
    text = {"base64": b64(data), "base64url": base64.urlsafe_b64encode(data).decode().rstrip("="), "hex": data.hex()}
    verdict = verify(signed(BODY, text[form]), public(), scheme_first=first)
    if scheme == "rsa-pss-sha1":  # not on the list: no scheme is taken from the request
        assert verdict.status is VerdictStatus.INVALID
        return
    assert (verdict.status, verdict.scheme) == (VerdictStatus.VERIFIED, f"{scheme}/{form}")
    assert verdict.key == public().id
    assert verdict.near_miss is None
    assert [check.name for check in verdict.checks] == ["header", "key", "encoding", "length", "compare", "time"]
    assert all(check.passed for check in verdict.checks)
    assert (verdict.reason == "weak: SHA-1") == (digest == "sha1")


@pytest.mark.parametrize(
    ("bits", "scheme", "reason"),
    [
        (1024, "rsa-pkcs1v15-sha256", "weak: 1024-bit key"),
        (1024, "rsa-pkcs1v15-sha1", "weak: SHA-1, 1024-bit key"),
        (1032, "rsa-pkcs1v15-sha256", "weak: 1032-bit key"),
        (2048, "rsa-pkcs1v15-sha256", "RSA PKCS#1 v1.5, SHA-256, base64"),
        (3072, "rsa-pkcs1v15-sha256", "RSA PKCS#1 v1.5, SHA-256, base64"),
    ],
)
def test_weak_keys_verify_and_are_called_weak(bits: int, scheme: str, reason: str) -> None:
    verdict = verify(signed(BODY, b64(signature(BODY, bits, scheme=scheme))), public(bits))
    assert (verdict.status, verdict.reason) == (VerdictStatus.VERIFIED, reason)


def test_any_of_several_keys_of_different_sizes_verifies_and_is_named() -> None:
    keys = [public(1024), public(2048, 1), public(2048), public(3072)]
    for form in (b64, bytes.hex):
        assert verify(signed(BODY, form(signature())), *keys).key == public(2048).id
        assert verify(signed(BODY, form(signature(BODY, 3072))), *keys).key == public(3072).id


def test_hex_of_one_key_that_is_base64_for_another() -> None:
    # 512 hex digits are 256 bytes of hex and 384 bytes of base64: the lengths of both keys here
    verdict = verify(signed(BODY, signature().hex()), public(3072), public(2048))
    assert (verdict.scheme, verdict.key) == ("rsa-pkcs1v15-sha256/hex", public(2048).id)


def test_repeated_headers_are_tried_one_by_one_and_never_joined() -> None:
    right, wrong = b64(signature()), b64(signature(b"other"))
    assert verify(signed(BODY, wrong, "junk!", right), public()).status is VerdictStatus.VERIFIED
    assert verify(signed(BODY, f"{wrong}, {right}"), public()).status is VerdictStatus.INVALID
    assert verify(signed(BODY, right[:100], right[100:]), public()).status is VerdictStatus.INVALID
    assert verify(signed(BODY, *[wrong] * 4, right), public()).status is VerdictStatus.INVALID  # past the cap


@pytest.mark.parametrize("keys", [(), (public(),)], ids=["no key", "key"])
def test_without_the_header_it_is_missing(keys: tuple[Key, ...]) -> None:
    verdict = verify(make_request(BODY), *keys)
    assert verdict.status is VerdictStatus.MISSING
    assert HEADER in verdict.reason
    assert not verdict.checks[0].passed


def test_without_a_key_the_reason_says_why_or_what_to_do() -> None:
    assert "id_rsa.pub" in verify(signed()).reason
    verdict = verify(signed(), why_none="the public key could not be fetched: timeout")
    assert (verdict.status, verdict.reason) == (
        VerdictStatus.NO_KEY,
        "the public key could not be fetched: timeout",
    )


def _wrong_kinds() -> list[Key]:
    spki = private().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [
        secret_key(spki, "pem as a secret"),
        secret_key(spki.strip(), "stripped pem as a secret"),
        verifying_key(ed25519.Ed25519PrivateKey.generate(), "ed25519"),
    ]


def test_keys_of_the_wrong_kind_never_verify() -> None:
    keys = _wrong_kinds()
    macs = [hmac.digest(key.secret, BODY, name) for key in keys if key.secret for name in ("sha1", "sha256", "sha512")]
    for mac in macs:
        for text in (b64(mac), mac.hex(), b64(mac * 8)):
            assert verify(signed(BODY, text), *keys).status is VerdictStatus.NO_KEY
            assert verify(signed(BODY, text), *keys, public()).status is VerdictStatus.INVALID
    assert "RSA" in verify(signed(), *keys).reason
    assert verify(signed(), *keys, public()).status is VerdictStatus.VERIFIED


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "the header is empty"),
        ("é" * 344, "undecodable"),
        ("aGk=!!", "undecodable"),
        ("====", "undecodable"),
        ("A" * 3000, "undecodable"),
        ("A" * 344, "wrong length"),
        (b64(b"\xfb" * 255), "wrong length: 255 bytes of base64 instead of 256"),
        (bytes(257).hex(), "wrong length: 257 bytes of hex instead of 256"),
        (b64(bytes(256)), "no match"),
        ("00" * 256, "no match"),
        ("ff" * 256, "no match"),
    ],
    ids=range(11),
)
def test_bad_values_are_invalid_with_their_reason(value: str, reason: str) -> None:
    verdict = verify(signed(BODY, value), public())
    assert verdict.status is VerdictStatus.INVALID
    assert reason in verdict.reason
    assert not verdict.checks[-1].passed


def test_the_lengths_of_all_keys_are_named() -> None:
    assert "instead of 128 or 256" in verify(signed(BODY, "00" * 9), public(1024), public()).reason


def test_the_spare_bits_of_base64_are_refused() -> None:
    text = b64(signature())
    assert text.endswith("==")
    twin = text[:-3] + chr(ord(text[-3]) + 1) + "=="
    assert base64.b64decode(twin) == base64.b64decode(text)
    assert verify(signed(BODY, twin), public()).status is VerdictStatus.INVALID


@pytest.mark.parametrize(
    ("signed_over", "received", "near"),
    [
        (BODY, BODY + b"\r\n", "without the white space around the body"),
        (b'{"a":"\\u00e9"}', b'{ "a": "\xc3\xa9" }', "re-serialised body (compact, \\u escapes)"),
        (b'{"a":"\xc3\xa9"}', b'{"a": "\\u00e9"}', "re-serialised body (compact)"),
        (
            b'{"a": "\\u00e9", "b": 1}',
            b'{"a":"\xc3\xa9","b":1}',
            "re-serialised body (blanks after separators, \\u escapes)",
        ),
    ],
)
def test_a_body_changed_on_the_way_is_a_near_miss_and_stays_invalid(
    signed_over: bytes, received: bytes, near: str
) -> None:
    verdict = verify(signed(received, b64(signature(signed_over))), public())
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.near_miss is not None
    assert near in verdict.near_miss
    assert verify(signed(received, b64(signature(b"else"))), public()).near_miss is None


@pytest.mark.parametrize("wrap", ["sha256={}", '"{}"', "RSA={}"])
def test_a_wrapped_signature_is_a_near_miss_and_stays_invalid(wrap: str) -> None:
    verdict = verify(signed(BODY, wrap.format(b64(signature()))), public())
    assert verdict.status is VerdictStatus.INVALID
    assert verdict.near_miss == "would match if the header held the signature alone, without blanks, quotes or a prefix"
    lines = b64(signature())
    folded = verify(signed(BODY, lines[:64] + " " + lines[64:]), public())
    assert (folded.status, folded.near_miss) == (VerdictStatus.INVALID, verdict.near_miss)


@pytest.mark.parametrize(
    ("write", "form"),
    [
        (lambda value: value.rstrip("="), "base64: it is base64 without padding"),
        (lambda value: base64.b64decode(value).hex().replace("a", "A", 1), "hex: it is hex text in mixed case"),
    ],
)
def test_a_form_that_is_refused_is_a_near_miss_as_elsewhere(write: Callable[[str], str], form: str) -> None:
    vector = vectors("volt_rsa.json")
    body, value = base64.b64decode(vector["body_base64"]), vector["cases"][0]["header_value"]
    key = provider.key(vector["public_key"]["openssh"], "test")
    verdict = verify(signed(body, write(value)), key)
    assert (verdict.status, verdict.near_miss) == (VerdictStatus.INVALID, f"would match if the header were {form}")
    assert verify(signed(body + b"x", write(value)), key).near_miss is None


def test_a_large_body_is_verified_but_not_searched_for_near_misses() -> None:
    large = json.dumps({"text": "x" * 1_000_000}).encode()
    assert verify(signed(large), public()).status is VerdictStatus.VERIFIED
    changed = verify(signed(large + b"\n", b64(signature(large))), public())
    assert (changed.status, changed.near_miss) == (VerdictStatus.INVALID, None)


def test_no_changed_byte_of_a_signed_request_verifies() -> None:
    key = public()
    for scenario in provider.scenarios[:3]:
        body = scenario.build(make_scene())[-1].body
        text = b64(signature(body))
        assert verify(signed(body, text), key).status is VerdictStatus.VERIFIED
        for at in range(len(body)):
            changed = body[:at] + bytes([body[at] ^ (1 << at % 8)]) + body[at + 1 :]
            assert verify(signed(changed, text), key).status is VerdictStatus.INVALID
        for at in range(len(text)):
            for bit in (0x01, 0x20, 0x80):
                changed_text = text[:at] + chr(ord(text[at]) ^ bit) + text[at + 1 :]
                assert verify(signed(body, changed_text), key).status is VerdictStatus.INVALID
        assert verify(signed(body[:-1], text), key).status is VerdictStatus.INVALID
        assert verify(signed(body, text[:-1]), key).status is VerdictStatus.INVALID


def test_what_is_signed_is_the_raw_body() -> None:
    (only,) = provider.signed(signed(), parse(BODY), Keys())
    assert only.data == BODY
    assert [item.data for item in provider.signed(make_request(BODY), parse(BODY), Keys())] == [BODY]


def test_signing_needs_an_rsa_key() -> None:
    with pytest.raises(KeyProblem, match="RSA"):
        provider.sign(BODY, b"secret", url="https://example.com", at=0)
    key = provider.local_key()
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    headers = provider.sign(BODY, key, url="https://example.com", at=0)
    assert headers[0][0] == HEADER
    assert verify(Request("POST", "/volt", "", tuple(headers), BODY), verifying_key(key, "k")).scheme == (
        "rsa-pkcs1v15-sha256/base64"
    )


def _registration_cases() -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in vectors("volt_registration_ed25519.json")["cases"]]


@pytest.mark.parametrize("case", _registration_cases())
def test_registration_vectors(case: dict[str, Any]) -> None:
    top = vectors("volt_registration_ed25519.json")
    key = provider.key(top["public_key_pem"], "vector")
    request = Request(
        "POST",
        "/volt",
        "",
        tuple({**top["headers"], **case.get("headers", {})}.items()),
        base64.b64decode(case.get("body_base64", top["body_base64"])),
    )
    # an RSA key and a secret beside it change nothing
    for keys in ((key,), (public(), secret_key(b"x", "s"), key)):
        verdict = verify(request, *keys, now=case["now"])
        assert verdict.status == case["expected"]
        assert verdict.reason.startswith(case.get("reason", ""))
    assert verify(request, now=case["now"]).status is VerdictStatus.NO_KEY
    assert verify(request, public(), now=case["now"]).status is VerdictStatus.NO_KEY
    assert [item.data[:37] for item in provider.signed(request, parse(request.body), Keys())] == [
        top["headers"]["Webhook-Id"].encode() + b"."
    ]


def test_a_registration_event_is_never_verified_by_a_secret() -> None:
    private_key = ed25519.Ed25519PrivateKey.generate()
    key = from_public(private_key.public_key(), "test")
    raw = private_key.public_key().public_bytes_raw()
    mac = hmac.digest(raw, b"1.1700000000." + BODY, "sha256")
    for version in ("v1", "v1a"):
        headers = {"webhook_id": "1", "webhook_timestamp": "1700000000", "webhook_signature": f"{version},{b64(mac)}"}
        verdict = verify(make_request(BODY, **headers), key, secret_key(raw, "raw"), now=1_700_000_000.0)
        assert verdict.status is not VerdictStatus.VERIFIED


def test_a_v1_signature_alone_leaves_volts_own_header_missing() -> None:
    request = make_request(BODY, webhook_id="1", webhook_timestamp="1", webhook_signature="v1,AAAA")
    assert verify(request, public()).status is VerdictStatus.MISSING


def test_volts_own_header_goes_before_a_registration_signature() -> None:
    request = replace(signed(), headers=(*signed().headers, ("webhook-signature", "v1a,AAAA")))
    assert verify(request, public()).status is VerdictStatus.VERIFIED
