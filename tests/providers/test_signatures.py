"""What all signature checks share: strict decoding, whole comparisons, near-miss bodies."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.providers.signatures import (
    MAX_ALTERED,
    Undecodable,
    ago,
    altered_bodies,
    counted,
    from_base64,
    from_base64url,
    from_hex,
    header_values,
    right_mac,
    same,
)

DECODERS = {"base64": from_base64, "base64url": from_base64url, "hex": from_hex}


@given(st.binary(min_size=1, max_size=80))
def test_every_form_decodes_what_it_encodes(data: bytes) -> None:
    size = len(data)
    assert from_base64(base64.b64encode(data).decode(), size) == data
    url = base64.urlsafe_b64encode(data).decode()
    assert from_base64url(url, size) == from_base64url(url.rstrip("="), size) == data
    assert from_hex(data.hex(), size) == from_hex(data.hex().upper(), size) == data


@given(st.binary(min_size=1, max_size=40), st.integers(0, 79), st.integers(1, 255), st.sampled_from(sorted(DECODERS)))
def test_no_changed_character_decodes_to_the_same_bytes(data: bytes, at: int, change: int, form: str) -> None:
    encoders: dict[str, Callable[[bytes], bytes]] = {
        "base64": base64.b64encode,
        "base64url": base64.urlsafe_b64encode,
        "hex": binascii.hexlify,
    }
    text = encoders[form](data).decode()
    at %= len(text)
    changed = text[:at] + chr(ord(text[at]) ^ change) + text[at + 1 :]
    if form == "hex" and sum(char.isalpha() for char in text) < 2:
        return  # the case of a single letter is the case of the whole
    with contextlib.suppress(Undecodable):
        assert DECODERS[form](changed, len(data)) != data


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("base64", "aGk=!!"),
        ("base64", "aGk"),
        ("base64", "aGk==="),
        ("base64", "=aGk"),
        ("base64", "aG k="),
        ("base64", "aGk=\n"),
        ("base64", "aGl="),  # spare bits
        ("base64", "aGk=aGk="),
        ("base64", "_-8="),
        ("base64", "é"),
        ("base64", "\ud800"),
        ("base64url", "+/8="),
        ("base64url", "aGk==="),
        ("base64url", "a"),
        ("base64url", "aGk\x00"),
        ("hex", "0"),
        ("hex", "0g"),
        ("hex", "aBcD"),
        ("hex", "0x00"),
        ("hex", "00 00"),
    ],
)
def test_lenient_forms_are_refused(form: str, text: str) -> None:
    with pytest.raises(Undecodable, match=f"undecodable: not {form}") as raised:
        DECODERS[form](text, 2)
    assert raised.value.length is None


@pytest.mark.parametrize("form", sorted(DECODERS))
def test_lengths_and_sizes(form: str) -> None:
    with pytest.raises(Undecodable, match="empty"):
        DECODERS[form]("", 2)
    with pytest.raises(Undecodable, match="2049 characters"):
        DECODERS[form]("A" * 2049, 2)
    with pytest.raises(Undecodable, match="instead of 1") as raised:
        DECODERS[form]("aaaa", 1)
    assert raised.value.length == (2 if form == "hex" else 3)


def test_repeated_headers_up_to_a_cap() -> None:
    request = Request("POST", "/", "", tuple(("X-Sig", f" {n} ") for n in range(9)), b"")
    assert header_values(request, "x-sig") == ["0", "1", "2", "3"]
    assert header_values(request, "x-other") == []


def test_comparison_takes_any_bytes_and_only_the_whole() -> None:
    assert same(b"\xff", b"\xff")
    assert not same(b"\xff", b"")
    whole = hmac.digest(b"key", b"message", "sha256")
    assert right_mac(b"key", "sha256", b"message", whole)
    assert right_mac(b"key", "sha256", b"message", bytes(32), whole)
    assert not right_mac(b"key", "sha256", b"message")
    assert not any(right_mac(b"key", "sha256", b"message", whole[:size]) for size in range(32))


def _altered(raw: bytes) -> dict[str, bytes]:
    return dict(altered_bodies(raw, parse(raw)))


def test_altered_bodies() -> None:
    assert _altered(b' {"a": "\xc3\xa9"}\n') == {
        "without the white space around the body": b'{"a": "\xc3\xa9"}',
        "a re-serialised body (compact)": b'{"a":"\xc3\xa9"}',
        "a re-serialised body (compact, \\u escapes)": b'{"a":"\\u00e9"}',
        "a re-serialised body (blanks after separators, \\u escapes)": b'{"a": "\\u00e9"}',
    }
    assert list(_altered(b"{}")) == []
    assert list(_altered(b"[1] ")) == ["without the white space around the body"]  # each body once
    assert _altered(b"not json ") == {"without the white space around the body": b"not json"}
    assert set(_altered(b'{"a":"\\ud800"}')) == {"a re-serialised body (blanks after separators, \\u escapes)"}
    assert _altered(b'"' + b"x" * MAX_ALTERED + b'" ') == {}


@given(st.binary(max_size=60))
def test_altered_bodies_are_never_the_raw_one(raw: bytes) -> None:
    found = list(_altered(raw).values())
    assert raw not in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (59.9, "59 s"), (-60, "1 min"), (3599, "59 min"), (11520, "3 h 12 min"), (86400, "1 d 0 h"),
        (187200, "2 d 4 h"),
    ],
)  # fmt: skip
def test_spans_for_people(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_counts_for_people() -> None:
    assert [counted(number, "key") for number in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]
