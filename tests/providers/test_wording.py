"""What verdicts say, word for word: people act on these sentences.

``verdicts.txt`` holds them. After a change that is meant: ``python -m tests.providers.test_wording``, and look at the
difference.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.verdict import Verdict
from monitor.providers.base import Keys, Provider
from monitor.providers.keys import (
    KeyProblem,
    SigningKey,
    from_public,
    load_signing_key,
    secret_key,
    verifying_key,
)
from monitor.providers.registry import registry

EXPECTED = Path(__file__).with_name("verdicts.txt")
SECRET = b"c2VjcmV0IG9mIG5vYm9keQ=="  # which is base64 too
OTHER = b"another secret of nobody"
BODY = ' {"a": 1.0, "caf\\u00e9": ["\u00fc", 9007199254740993]}\n'.encode()
PLAIN = b'{"text":"hello"}'
URL, TARGET = "https://hooks.example.com", ("/in%20box/", "b=2&a=1")
NOW = 1_700_000_000.0
Headers = list[tuple[str, str]]


@cache
def rsa() -> SigningKey:
    """An RSA key, the same in one run."""
    return registry()["volt"].local_key()


def key_of(provider: Provider) -> SigningKey:
    """The key that a provider's requests are signed with here."""
    return rsa() if provider.name == "volt" else SECRET


def signed(provider: Provider, body: bytes, *, key: SigningKey | None = None, url: str = "") -> Headers:
    """The headers of a request that is signed rightly, unless told otherwise."""
    whole = url or URL + "?".join(TARGET)
    headers = provider.sign(body, key or key_of(provider), url=whole, at=NOW)
    return [("host", "127.0.0.1:8787"), *headers]


def rewritten(provider: Provider, headers: Headers, change: Callable[[bytes], str]) -> Headers:
    """The headers with the signature in another form; ``change`` is given its bytes."""
    name = provider.signature_headers[0]
    before, comma, value = dict(headers)[name].rpartition(",")
    data = bytes.fromhex(value) if provider.name == "oneroute" else base64.b64decode(value)
    return [(each, before + comma + change(data) if each == name else text) for each, text in headers]


FORMS: dict[str, Callable[[bytes], str]] = {
    "as hex": lambda data: data.hex(),
    "as hex in upper case": lambda data: data.hex().upper(),
    "as hex in mixed case": lambda data: data.hex().title().replace("f", "F"),
    "as base64": lambda data: base64.b64encode(data).decode(),
    "as base64 without padding": lambda data: base64.b64encode(data).decode().rstrip("="),
    "as url-safe base64": lambda data: base64.urlsafe_b64encode(data).decode(),
    "behind sha256=": lambda data: "sha256=" + base64.b64encode(data).decode(),
    "behind sha512= as hex": lambda data: "sha512=" + data.hex(),
    "in quotes": lambda data: f'"{base64.b64encode(data).decode()}"',
    "cut": lambda data: base64.b64encode(data[:20]).decode(),
    "cut, as hex": lambda data: data[:20].hex(),
    "wrong": lambda data: base64.b64encode(bytes(len(data))).decode(),
    "wrong, as hex": lambda data: bytes(len(data)).hex(),
    "not ASCII": lambda data: "é",
    "empty": lambda data: "",
    "too long": lambda data: "A" * 3000,
}
URLS = {
    "http": "http://hooks.example.com/in%20box/?b=2&a=1",
    "no slash at the end": "https://hooks.example.com/in%20box?b=2&a=1",
    "two slashes at the end": "https://hooks.example.com/in%20box//?b=2&a=1",
    "no query": "https://hooks.example.com/in%20box/",
    "decoded": "https://hooks.example.com/in box/?b=2&a=1",
    "the address it came to": "http://127.0.0.1:8787/in%20box/?b=2&a=1",
    "another": "https://other.example.com/",
}


def cases(provider: Provider) -> Iterator[tuple[str, Verdict]]:
    """Situations, each with its verdict."""
    own = Keys((verifying_key(key_of(provider), "mine"),), (), URL)

    def verdict(headers: Headers, body: bytes = BODY, keys: Keys = own, now: float = NOW + 1) -> Verdict:
        return provider.verify(Request("POST", *TARGET, tuple(headers), body), parse(body), keys, now)

    right = signed(provider, BODY)
    others = replace(own, keys=(secret_key(OTHER, "other"), verifying_key(Ed25519PrivateKey.generate(), "curve")))
    wrong_kind = replace(own, keys=(verifying_key(Ed25519PrivateKey.generate(), "curve"),))
    yield "right", verdict(right)
    yield "right, second key", verdict(right, keys=replace(own, keys=(*others.keys, *own.keys)))
    for words, keys in (("no key", Keys()), ("other keys", others), ("a key of another kind", wrong_kind),
                        ("no key, and why", Keys(why_none="the keyring is locked"))):  # fmt: skip
        yield words, verdict(right, keys=keys)
        yield f"{words}, no signature", verdict(right[:1], keys=keys)
    yield "no signature", verdict(right[:1])
    for name, _ in right[1:]:
        yield f"without {name}", verdict([pair for pair in right if pair[0] != name])
    for name, _ in right[2:]:
        yield f"{name} no number", verdict([(n, "x1" if n == name else text) for n, text in right])
    for seconds in (301, 4000, 86_401, 200_000, -299, -400):
        yield f"looked at after {seconds} s", verdict(right, now=NOW + seconds)
    for words, form in FORMS.items():
        yield words, verdict(rewritten(provider, right, form))
    twice = rewritten(provider, right, FORMS["wrong"])[1:2] * 2
    yield "three, two of them wrong", verdict([*twice, *right])
    yield "two wrong", verdict([*twice, *right[2:]])
    for words, body in (
        ("without white space around it", BODY.strip()),
        ("compact", json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode()),
        ("compact with escapes", json.dumps(json.loads(BODY), separators=(",", ":")).encode()),
        ("with blanks", json.dumps(json.loads(BODY)).encode()),
        ("another", PLAIN),
    ):
        yield f"signed over a body {words}", verdict(signed(provider, body))
        yield f"signed over a body {words}, and cut", verdict(signed(provider, body)[:-1])
    yield "a body that is not JSON", verdict(signed(provider, PLAIN), b"{" + PLAIN)
    yield "a body of a long number", verdict(signed(provider, PLAIN), b'{"a":' + b"9" * 5000 + b"}")
    for body in (b'{"7":1}', b'{"a":1e400}', b'{"a":1e21}', b'{"a":9007199254740993}', b'{"a":"\\ud800"}', b"[0.5]"):
        yield f"a body {body.decode()}", verdict(signed(provider, PLAIN), body)
    for words, secret in (("decoded", base64.b64decode(SECRET)), ("in base64", base64.b64encode(SECRET)),
                          ("behind whsec_", b"whsec_" + base64.b64encode(SECRET))):  # fmt: skip
        if provider.name != "volt":
            yield f"signed with the secret {words}", verdict(signed(provider, BODY, key=secret))
    if provider.name == "bird":
        for words, url in URLS.items():
            yield f"signed for {words}", verdict(signed(provider, BODY, url=url))
            yield (
                f"signed for {words}, and no URL known",
                verdict(signed(provider, BODY, url=url), keys=replace(own, public_url=None)),
            )


def refused_keys() -> Iterator[tuple[str, str]]:
    """Keys that cannot be used, each with what is said of it."""
    for text in ("", "A" * 20_000, "A", "<html>", "ssh-rsa A", "ssh-dss A", "whsk_A", "whpk_AAAA",
                 "-----BEGIN PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----"):  # fmt: skip
        for name in ("volt", "standard"):
            if name == "standard" and text in ("A", "<html>"):
                continue  # to Standard Webhooks these are secrets as text
            yield f"{name}, {text[:30]!r}", _problem(partial(registry()[name].key, text, "mine"))
    for public in (generate_private_key(SECP256R1()).public_key(), "no key at all"):
        yield type(public).__name__, _problem(partial(from_public, public, "mine"))
    for text in ("", "secret:?", ec_text()):
        yield f"signing key {text[:20]!r}", _problem(partial(load_signing_key, text))
    for provider in registry():
        if provider.signature_headers:
            other: SigningKey = SECRET if provider.name == "volt" else Ed25519PrivateKey.generate()
            yield f"{provider.name} signs", _problem(partial(provider.sign, b"{}", other, url=URL, at=NOW))


def ec_text() -> str:
    """A private key of a kind that nobody here signs with."""
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _problem(call: Callable[[], object]) -> str:
    with pytest.raises(KeyProblem) as raised:
        call()
    return str(raised.value)


def told() -> str:
    """All verdicts as text; fingerprints of keys, which are made anew each time, are left out."""
    lines = []
    for provider in registry():
        if not provider.signature_headers:
            continue
        seen: dict[str, str] = {}
        lines.append(f"# {provider.label}\n")
        for words, verdict in cases(provider):
            text = _text(verdict)
            if text in seen:
                lines.append(f"{words}: as {seen[text]!r}")
            else:
                seen[text] = words
                lines.append(f"{words}: {text}")
        lines.append("")
    lines.append("# Keys that cannot be used\n")
    lines += [f"{words}: {said}" for words, said in refused_keys()]
    return "\n".join([*lines, ""])


def _text(verdict: Verdict) -> str:
    age = "" if verdict.age_s is None else f" ({verdict.age_s} s)"
    lines = [f"{verdict.status} {verdict.scheme} {verdict.key}{age}", verdict.reason]
    lines += [f"near: {verdict.near_miss}"] if verdict.near_miss else []
    lines += [f"{'+' if check.passed else '-'} {check.name}: {check.detail}" for check in verdict.checks]
    return re.sub(r"sha256:[0-9a-f]{8}\b", "sha256:…", "\n    ".join(lines))


def test_verdicts_say_what_they_said() -> None:
    assert told() == EXPECTED.read_text("utf-8")


if __name__ == "__main__":
    EXPECTED.write_text(told(), "utf-8")
