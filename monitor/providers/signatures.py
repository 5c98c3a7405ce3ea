"""What the signature checks of all providers share: decoding header values strictly and comparing in constant time."""

from __future__ import annotations

import binascii
import hmac
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from monitor.jsonbody import Body, Json, clean, compact
from monitor.model.capture import Request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_VALUES = 4  # repeated signature headers tried; a sender has no reason for more
MAX_LENGTH = 2048  # characters of one value; an RSA-8192 signature in hex
MAX_ALTERED = 64 * 1024  # bytes of a body that is altered in search of a near miss; beyond it would cost too long

_SAFE_INTEGER = 2**53  # beyond it JavaScript's numbers lose digits


class Undecodable(ValueError):
    """A signature header that is not in the form its scheme asks for; the text says how.

    ``length`` is how many bytes it decoded to, where only that is wrong.
    """

    def __init__(self, reason: str, length: int | None = None) -> None:
        super().__init__(reason)
        self.length = length


def header_values(request: Request, name: str) -> list[str]:
    """The values of a signature header, each to be tried by itself: never joined, at most ``MAX_VALUES``."""
    return request.header_values(name)[:MAX_VALUES]


def from_base64(text: str, length: int) -> bytes:
    """Standard base64 with padding, decoded strictly. Raises Undecodable for anything else and for other lengths."""
    return _sized(_decode(text, "base64", _strict_base64), length)


def from_base64url(text: str, length: int) -> bytes:
    """URL-safe base64, padded or not, decoded strictly. Raises Undecodable as ``from_base64`` does."""
    return _sized(_decode(text, "base64url", _strict_base64url), length)


def from_hex(text: str, length: int) -> bytes:
    """Hex, all in lower or all in upper case. Raises Undecodable for anything else and for other lengths."""
    return _sized(_decode(text, "hex", _strict_hex), length)


def _sized(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise Undecodable(f"wrong length: {len(data)} bytes instead of {length}", len(data))
    return data


# One signature has one text per form: the spare bits of base64's last letter and mixed case in hex are refused, so no
# changed byte of a header can pass.
def _strict_base64(raw: bytes) -> bytes:
    data = binascii.a2b_base64(raw, strict_mode=True)
    if binascii.b2a_base64(data, newline=False) != raw:
        raise ValueError("not canonical")
    return data


_FROM_URL = bytes.maketrans(b"-_+/", b"+/\0\0")


def _strict_base64url(raw: bytes) -> bytes:
    padded = raw if raw.endswith(b"=") else raw + b"=" * (-len(raw) % 4)
    return _strict_base64(padded.translate(_FROM_URL))


def _strict_hex(raw: bytes) -> bytes:
    if raw not in (raw.lower(), raw.upper()):
        raise ValueError("mixed case")
    return binascii.unhexlify(raw)


def _decode(text: str, form: str, decoder: Callable[[bytes], bytes]) -> bytes:
    if not text:
        raise Undecodable("the header is empty")
    if len(text) > MAX_LENGTH:
        raise Undecodable(f"the header is {len(text)} characters long")
    try:
        return decoder(text.encode("ascii"))
    except (ValueError, binascii.Error) as error:
        raise Undecodable(f"undecodable: not {form}") from error


def same(expected: bytes, given: bytes) -> bool:
    """Constant-time comparison of bytes (text with non-ASCII characters would raise TypeError)."""
    return hmac.compare_digest(expected, given)


def right_mac(secret: bytes, digest: str, message: bytes, *given: bytes) -> bool:
    """Whether one of those given is the whole HMAC of the message; a truncated one is not.

    It is made once for all: how many signatures there are is for a stranger to say, and the body may be long.
    """
    if not given:
        return False
    mac = hmac.digest(secret, message, digest)
    return any(same(mac, one) for one in given)


def right_ed25519(public: Ed25519PublicKey, message: bytes, given: bytes) -> bool:
    """Whether ``given`` is an Ed25519 signature of the message (RFC 8032)."""
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(given, message)
    except InvalidSignature:
        return False
    return True


def altered_bodies(raw: bytes, body: Body) -> Iterator[tuple[str, bytes]]:
    """Bodies that a signature may have been made over instead of the raw one: for near misses, never for a verdict.

    Gives what completes "would match ..." and the bytes, each body once, the raw one never. Nothing for bodies over
    ``MAX_ALTERED`` bytes.
    """
    if len(raw) > MAX_ALTERED:
        return
    seen = {raw}
    for words, change in _CHANGES if body.ok else _CHANGES[:1]:
        try:
            changed = change(raw, body)
        except (ValueError, RecursionError):  # lone surrogates cannot be written as UTF-8
            continue
        if changed not in seen:
            seen.add(changed)
            yield words, changed


_CHANGES: tuple[tuple[str, Callable[[bytes, Body], bytes]], ...] = (
    ("without the white space around the body", lambda raw, _: raw.strip()),
    ("a re-serialised body (compact)", lambda _, body: compact(body.value)),
    (
        "a re-serialised body (compact, \\u escapes)",
        lambda _, body: json.dumps(body.value, separators=(",", ":")).encode("ascii"),
    ),
    (
        "a re-serialised body (blanks after separators, \\u escapes)",
        lambda _, body: json.dumps(body.value).encode("ascii"),
    ),
)


def parsed(raw: bytes) -> Json:
    """The body parsed with whole integers: in ``Body`` those over 64 bits are texts, and would come out in quotes."""
    return json.loads(raw.decode("utf-8-sig"))


def unlike_javascript(raw: bytes, body: Body) -> str | None:
    """The first thing found in a JSON body that JavaScript would write otherwise than we do, or None.

    Measured: floats without a fraction or with an exponent, integers beyond 2**53, keys that are integers (sorted
    first there) and lone surrogates (kept as escapes there). Nothing is found in bodies over ``MAX_ALTERED`` bytes.
    """
    if not body.ok or len(raw) > MAX_ALTERED:
        return None
    try:
        waiting = [parsed(raw)]
    except (ValueError, RecursionError):
        return "integers of thousands of digits"
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if any(key.isascii() and key.isdigit() for key in found):
                return "the order of keys that are integers"
            waiting.extend(found)
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, float):
            if "e" in repr(found) or found.is_integer():
                return f"the number {found!r}"
        elif isinstance(found, int):
            if abs(found) > _SAFE_INTEGER:
                return f"the number {found}"
        elif isinstance(found, str) and clean(found) != found:
            return "lone surrogates"
    return None


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 key``, ``2 keys``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
