"""What the signature checks of all providers share: decoding header values strictly and comparing in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable

from monitor.model.capture import Request

MAX_VALUES = 4  # repeated signature headers tried; a sender has no reason for more
MAX_LENGTH = 2048  # characters of one value; an RSA-8192 signature in hex


class Undecodable(ValueError):
    """A signature header that is not in the form its scheme asks for; the text says how."""


def header_values(request: Request, name: str) -> list[str]:
    """The values of a signature header, each to be tried by itself: never joined, at most ``MAX_VALUES``."""
    return request.header_values(name)[:MAX_VALUES]


def from_base64(text: str, length: int) -> bytes:
    """Standard base64 with padding, decoded strictly. Raises Undecodable for anything else and for other lengths."""
    data = _decode(text, "base64", _strict_base64)
    if len(data) != length:
        raise Undecodable(f"wrong length: {len(data)} bytes instead of {length}")
    return data


def from_hex(text: str, length: int) -> bytes:
    """Hex in either case. Raises Undecodable for anything else and for other lengths."""
    data = _decode(text, "hex", binascii.unhexlify)
    if len(data) != length:
        raise Undecodable(f"wrong length: {len(data)} bytes instead of {length}")
    return data


def _strict_base64(raw: bytes) -> bytes:
    return base64.b64decode(raw, validate=True)


def _decode(text: str, form: str, decoder: Callable[[bytes], bytes]) -> bytes:
    if not text:
        raise Undecodable("the header is empty")
    if len(text) > MAX_LENGTH:
        raise Undecodable(f"the header is {len(text)} characters long")
    try:
        return decoder(text.encode("ascii"))
    except (ValueError, binascii.Error) as error:
        raise Undecodable(f"not {form}") from error


def same(expected: bytes, given: bytes) -> bool:
    """Constant-time comparison of bytes (text with non-ASCII characters would raise TypeError)."""
    return hmac.compare_digest(expected, given)


def ago(seconds: float) -> str:
    """A span for people: ``42 s``, ``12 min``, ``3 h 12 min``, ``2 d 4 h``."""
    whole = int(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
