"""Keys in every text form that users have them in, and everything else that is pasted instead."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.providers.keys import (
    KeyProblem,
    ed25519_public,
    from_public,
    load_signing_key,
    public_key,
    rsa_public,
    secret_key,
    signing_key_text,
    verifying_key,
)
from tests.corpora import corpora

RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def _files() -> list[Path]:
    folder = corpora() / "pyca-keys"
    return sorted(file for file in folder.iterdir() if file.suffix in (".pub", ".pem", ".der"))


def test_the_39_key_files(ran: Callable[[str, int], None]) -> None:
    """RSA and Ed25519 load; every other kind and every broken certificate is refused with a sentence."""
    seen: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no deprecated key is even looked at
        for file in _files():
            try:
                key = public_key(file.read_bytes(), file.name)
            except KeyProblem:
                seen["refused"] += 1
                continue
            if (public := rsa_public(key)) is not None:
                seen[f"RSA {public.key_size}"] += 1
            else:
                assert ed25519_public(key) is not None
                assert "__ed25519-" in file.name
                seen["Ed25519"] += 1
    assert seen == {"RSA 2048": 5, "RSA 1024": 2, "Ed25519": 4, "refused": 28}
    ran("key files", 39)


@pytest.mark.parametrize("file", _files(), ids=lambda file: file.name)
def test_a_text_file_may_begin_with_a_mark_and_end_in_windows_lines(file: Path) -> None:
    data = file.read_bytes()
    if file.suffix == ".der":
        return
    changed = b"\xef\xbb\xbf\r\n " + data.replace(b"\n", b"\r\n") + b"\r\n"
    try:
        wanted = public_key(data, "x").id
    except KeyProblem:
        with pytest.raises(KeyProblem):
            public_key(changed, "x")
    else:
        assert public_key(changed, "x").id == wanted


@pytest.mark.parametrize("private", [RSA, ED], ids=["RSA", "Ed25519"])
def test_every_form_gives_the_same_key(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
    public = private.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    folded = base64.encodebytes(der)
    forms: list[str | bytes] = [
        der,
        pem,
        pem.decode(),
        ssh,
        ssh + b" me@example.com",
        base64.b64encode(der).decode(),
        folded,
    ]
    forms.append(b"Bag Attributes: none\n" + pem)
    if isinstance(private, rsa.RSAPrivateKey):
        forms.append(private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1))
    keys = [public_key(form, "here") for form in forms]
    assert {key.id for key in keys} == {"sha256:" + hashlib.sha256(der).hexdigest()[:8]}
    assert {key.origin for key in keys} == {"here"}


def test_der_whose_last_byte_looks_like_white_space() -> None:
    prefix = bytes.fromhex("302a300506032b6570032100")
    for last in b" \n\r\t":
        assert ed25519_public(public_key(prefix + bytes(31) + bytes([last]), "x")) is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("not a key", "cannot be read"),
        ("ssh-rsa", "cannot be read"),
        ("ssh-rsa AAAA", "cannot be read"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACB", "ssh-dss"),
        ("ecdsa-sha2-nistp256 AAAA", "ecdsa-sha2-nistp256"),
        ("sk-ssh-ed25519@openssh.com AAAA", "sk-ssh-ed25519"),
        ("<!DOCTYPE html><p>404", "HTML"),
        ("404 <html>not found</html>", "HTML"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "private key"),
        ("A" * 20_000, "20000 bytes"),
        ("A" * 16_385, "16385 bytes long; a key is under 16384"),
        ("A" * 16_384, "cannot be read"),
        ("0" * 50, "cannot be read"),
        ("é", "cannot be read"),
        ("\ud800", "cannot be read"),
    ],
)
def test_what_is_no_public_key_is_said(text: str, problem: str) -> None:
    with pytest.raises(KeyProblem, match=problem) as raised:
        public_key(text, "here")
    assert len(str(raised.value)) < 200
    if len(text) > 60:
        assert text not in str(raised.value)


@pytest.mark.parametrize("bits", [1024, 8192])
def test_sizes_at_the_bounds_are_taken(bits: int) -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << bits) - 159)
    assert rsa_public(from_public(numbers.public_key(), "x")) is not None


@pytest.mark.parametrize("bits", [512, 1023, 8193, 16384])
def test_sizes_beyond_the_bounds_are_refused(bits: int) -> None:
    # built by hand: the library itself refuses to make some of these, and loads them all the same
    modulus = ((1 << bits) - 159).to_bytes((bits + 7) // 8, "big")
    body = _der(0x02, b"\0" + modulus) + _der(0x02, bytes.fromhex("010001"))
    with pytest.raises(KeyProblem, match=rf"{bits} bits is refused|cannot be read"):
        public_key(base64.b64encode(_der(0x30, body)), "x")


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def test_other_kinds_are_refused_by_name() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(KeyProblem, match="EC"):
        from_public(public, "x")
    with pytest.raises(KeyProblem, match="EC"):
        public_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "x")


@given(st.binary(max_size=300) | st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_loads_or_is_a_problem(text: str | bytes) -> None:
    for given_text in (text, b"ssh-rsa " + text if isinstance(text, bytes) else f"ssh-ed25519 {text}"):
        with contextlib.suppress(KeyProblem):
            public_key(given_text, "x")


def test_secrets() -> None:
    key = secret_key(b"abc", "here")
    assert (key.id, key.secret, key.public) == ("sha256:ba7816bf", b"abc", None)
    assert (rsa_public(key), ed25519_public(key)) == (None, None)
    assert "abc" not in repr(key)
    with pytest.raises(KeyProblem, match="empty"):
        secret_key(b"", "here")


@pytest.mark.parametrize("signing", [b"\x00secret", RSA, ED], ids=["secret", "RSA", "Ed25519"])
def test_signing_keys_survive_their_file(signing: bytes | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
    text = signing_key_text(signing)
    again = load_signing_key(text)
    assert signing_key_text(again) == text
    assert verifying_key(again, "x") == verifying_key(signing, "x") or not isinstance(again, bytes)
    assert verifying_key(again, "x").id == verifying_key(signing, "x").id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret:###",
        "é",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode("ascii"),
    ],
    ids=range(5),
)
def test_a_broken_signing_key_is_a_problem(text: str) -> None:
    with pytest.raises(KeyProblem, match=r"^a local signing key (cannot be read|is of a kind that no provider here)"):
        load_signing_key(text)
