"""Signature cases written by others: Wycheproof and the RSA encodings of pyca, through the code that providers use."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import Key, ed25519_public, from_public, public_key
from monitor.providers.signatures import Undecodable, from_hex, right_ed25519, right_mac
from monitor.providers.standard import provider as standard
from monitor.providers.volt import provider as volt
from tests.corpora import corpora

RSA_FILES = [
    "rsa_signature_2048_sha256_test.json",
    "rsa_signature_2048_sha512_test.json",
    "rsa_signature_3072_sha256_test.json",
    "rsa_signature_4096_sha256_test.json",
]


def _cases(file: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Group and test of each case."""
    for group in json.loads((corpora() / "wycheproof" / file).read_text("utf-8"))["testGroups"]:
        for test in group["tests"]:
            yield group, test


def _volt(key: Key, message: bytes, signature: str) -> Verdict:
    request = Request("POST", "/volt", "", (("x-respond-flow-signature", signature),), message)
    return volt.verify(request, parse(message), Keys(keys=(key,)), 0.0)


@pytest.mark.parametrize("file", RSA_FILES)
def test_rsa(file: str, ran: Callable[[str, int], None]) -> None:
    """Verified under the scheme of the file exactly where the case is valid: what is only acceptable is refused.

    A case that is a true signature under another scheme of Volt's list (another hash, PSS) is verified as that.
    """
    wrong: list[tuple[int, str]] = []
    seen: Counter[str] = Counter()
    for group, test in _cases(file):
        seen[test["result"]] += 1
        verdict = _volt(public_key(group["publicKeyPem"], file), bytes.fromhex(test["msg"]), test["sig"])
        scheme = f"rsa-pkcs1v15-{group['sha'].replace('-', '').lower()}/hex"
        if verdict.status is not VerdictStatus.VERIFIED:
            right = test["result"] != "valid"
        elif verdict.scheme == scheme:
            right = test["result"] == "valid"
        else:
            right = bool({"WrongHash", "WrongPrimitive"} & set(test["flags"]))
        if not right:
            wrong.append((test["tcId"], test["comment"]))
    assert wrong == []
    assert seen["acceptable"] == 1
    assert sum(seen.values()) in (258, 259)
    ran("signatures", sum(seen.values()))


def test_all_rsa_cases_are_there() -> None:
    seen = Counter(test["result"] for file in RSA_FILES for _, test in _cases(file))
    assert seen == {"valid": 32, "invalid": 999, "acceptable": 4}


def test_hmac_sha256(ran: Callable[[str, int], None]) -> None:
    """Only whole tags count: the valid ones that were cut to 16 bytes are refused."""
    verified: Counter[str] = Counter()
    cases = list(_cases("hmac_sha256_test.json"))
    for _, test in cases:
        key, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
        assert right_mac(key, "sha256", message, tag) == (test["result"] == "valid" and len(tag) == 32), test["tcId"]
        try:
            given = from_hex(test["tag"], 32)
        except Undecodable:
            verified["cut"] += test["result"] == "valid"
            continue
        verified["whole"] += right_mac(key, "sha256", message, given)
    assert verified == {"whole": 33, "cut": 33}
    ran("signatures", len(cases))


def test_ed25519(ran: Callable[[str, int], None]) -> None:
    seen: Counter[str] = Counter()
    for group, test in _cases("ed25519_test.json"):
        seen[test["result"]] += 1
        public = ed25519_public(public_key(group["publicKeyPem"], "wycheproof"))
        assert public is not None
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        assert right_ed25519(public, message, signature) == (test["result"] == "valid"), test["tcId"]
    assert seen == {"valid": 88, "invalid": 63}
    ran("signatures", sum(seen.values()))


def test_the_standard_vectors(ran: Callable[[str, int], None]) -> None:
    good, bad = json.loads((corpora() / "standard-webhooks" / "vectors.json").read_text("utf-8"))["vectors"]
    for vector in (good, bad):
        moment = str(good["timestamp"])  # the bad one has no time of its own
        headers = (
            ("webhook-id", vector["msg_id"]),
            ("webhook-timestamp", moment),
            ("webhook-signature", vector["signature"]),
        )
        body = vector["payload"].encode()
        keys = Keys(keys=(standard.key(vector["secret"], "vector"),))
        verdict = standard.verify(Request("POST", "/", "", headers, body), parse(body), keys, float(moment) + 10)
        assert verdict.status is (VerdictStatus.VERIFIED if vector is good else VerdictStatus.INVALID)
    ran("signatures", 2)


def _encodings() -> Iterator[tuple[RSAPublicNumbers, bytes, str, str]]:
    """Key, message, signature and what is wrong with it, of each case of the NIST file."""
    text = (corpora() / "pyca-keys" / "RSA__SigVer15EMTest.txt").read_text("ascii")
    modulus = 0
    fields: dict[str, str] = {}
    for line in text.splitlines():
        found = re.match(r"(\w+)[\w ]* = (.*)", line)
        if not found:
            continue
        name, value = found.groups()
        fields[name] = value
        if name == "n":
            modulus = int(value, 16)
        elif name == "Result":
            yield RSAPublicNumbers(int(fields["e"], 16), modulus), bytes.fromhex(fields["Msg"]), fields["S"], value


def test_forged_rsa_encodings(ran: Callable[[str, int], None]) -> None:
    seen: Counter[int] = Counter()
    for numbers, message, signature, result in _encodings():
        assert result.startswith("F")
        key = from_public(numbers.public_key(), "nist")
        seen[numbers.n.bit_length()] += 1
        padded = signature.zfill(numbers.n.bit_length() // 4)
        assert _volt(key, message, padded).status is VerdictStatus.INVALID
    assert seen == {1024: 30, 1536: 30, 2048: 30, 3072: 30, 4096: 30}
    ran("signatures", 150)
