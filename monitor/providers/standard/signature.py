"""How Standard Webhooks are signed: over ``id.timestamp.body``, as v1 (HMAC-SHA256) or v1a (Ed25519).

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md. Other providers that sign in
this manner use ``verify`` with the versions they are known to use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers.base import Keys, Signed
from monitor.providers.keys import (
    MAX_KEY_TEXT,
    Key,
    KeyProblem,
    ed25519_public,
    from_public,
    public_key,
    secret_key,
)
from monitor.providers.signatures import (
    Undecodable,
    ago,
    altered_bodies,
    counted,
    from_base64,
    from_base64url,
    from_hex,
    header_values,
    right_ed25519,
    right_mac,
)

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey

TOLERANCE: Final = 300  # seconds, both ways
PREFIXES: Final = ("webhook", "svix")  # svix: the same headers under their older names
VERSIONS: Final = ("v1", "v1a")
MAX_SIGNATURES: Final = 8  # of one request; a sender that rotates its key needs two
_SCHEMES: Final = {"v1": "hmac-sha256/v1", "v1a": "ed25519/v1a"}
_WORDS: Final = {"v1": "HMAC-SHA256 (v1)", "v1a": "Ed25519 (v1a)"}
_LENGTHS: Final = {"v1": 32, "v1a": 64}  # bytes
_SIGNED: Final = "id.timestamp.body"
_Form: TypeAlias = tuple[str, Callable[[str, int], bytes]]  # its name, empty for the right one
_OWN_FORM: Final[tuple[_Form, ...]] = (("", from_base64),)
_FORMS: Final[tuple[_Form, ...]] = (*_OWN_FORM, ("base64url", from_base64url), ("hex", from_hex))
_NEEDED: Final = {"v1": "a secret (whsec_...)", "v1a": "an Ed25519 public key"}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the headers of a request say: the signature values, and what is signed beside the body."""

    prefix: str
    id: str | None
    timestamp: str | None
    offered: tuple[tuple[str, str], ...]  # version and text of each signature

    def message(self, body: bytes) -> bytes:
        return _message(self.id or "", self.timestamp or "", body)

    def absent(self) -> str | None:
        """The name of a header that is signed and not there."""
        if not self.id:
            return f"{self.prefix}-id"
        return None if self.timestamp else f"{self.prefix}-timestamp"


def _message(msg_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{msg_id}.{timestamp}.".encode("latin-1", "replace") + body


def _parts(request: Request) -> _Parts | None:
    for prefix in PREFIXES:
        if values := header_values(request, f"{prefix}-signature"):
            # a value is a list separated by blanks, for the time in which a key is replaced
            pairs = [item.partition(",") for value in values for item in value.split()]
            offered = tuple((version, text) for version, _, text in pairs[:MAX_SIGNATURES])
            return _Parts(prefix, request.header(f"{prefix}-id"), request.header(f"{prefix}-timestamp"), offered)
    return None


def versions_of(request: Request) -> set[str]:
    """The versions of the signatures that a request carries (``v1``, ``v1a``, ...)."""
    parts = _parts(request)
    return {version for version, _ in parts.offered} if parts else set()


def verify(request: Request, body: Body, keys: Keys, now: float, *, versions: Sequence[str] = VERSIONS) -> Verdict:
    """The verdict on a request in the manner of Standard Webhooks at the Unix time ``now``. Never raises.

    ``versions`` are those that may verify. Which one a key is tried with is told by the kind of the key, never by the
    request: a public key is no secret.
    """
    parts = _parts(request)
    if parts is None:
        reason = "the header webhook-signature is missing"
        return Verdict(VerdictStatus.MISSING, reason, checks=(Check("header", False, reason),))
    usable = [(version, key) for key in keys.keys for version in versions if _fits(key, version)]
    if usable and parts.absent() is None:
        message = parts.message(request.body)
        given = _decoded((pair for pair in parts.offered if pair[0] in versions), _OWN_FORM)
        for version, key in usable:
            if _right(version, key, message, given.get((version, ""), ())):
                return _judge_time(parts, version, key, now)
    return _refused(request, body, parts, keys, usable, versions)


def _fits(key: Key, version: str) -> bool:
    return key.secret is not None if version == "v1" else ed25519_public(key) is not None


def _right(version: str, key: Key, message: bytes, given: Sequence[bytes]) -> bool:
    """Whether one of the signatures is the key's own of the message."""
    if version == "v1":
        return key.secret is not None and right_mac(key.secret, "sha256", message, *given)
    public = ed25519_public(key)
    return public is not None and any(right_ed25519(public, message, one) for one in given)


def _judge_time(parts: _Parts, version: str, key: Key, now: float) -> Verdict:
    """The digest is right; the signed time decides (an old time in an unverified request would mean nothing)."""
    text = parts.timestamp or ""
    near = age = None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        status, reason = VerdictStatus.INVALID, f"{parts.prefix}-timestamp is not a time in Unix seconds"
    else:
        age = now - int(text)
        status, reason = VerdictStatus.VERIFIED, _WORDS[version]
        if age > TOLERANCE:
            status, reason = VerdictStatus.STALE, f"too old: signed {ago(age)} ago, {TOLERANCE} s are allowed"
        elif age < -TOLERANCE:
            status, reason = VerdictStatus.STALE, f"too new: signed {ago(age)} ahead, {TOLERANCE} s are allowed"
            if abs(now - int(text) / 1000) <= TOLERANCE:
                near = f"would be in time if {parts.prefix}-timestamp were in seconds, not milliseconds"
    in_time = status is VerdictStatus.VERIFIED
    checks = (
        _header_there(parts),
        Check("key", True, f"{key.id} ({key.origin})"),
        Check("encoding", True, f"base64 of {_LENGTHS[version]} bytes"),
        Check("compare", True, f"{_WORDS[version]} over {_SIGNED}"),
        Check("time", in_time, f"signed within {TOLERANCE} s" if in_time else reason),
    )
    return Verdict(status, reason, _SCHEMES[version], key.id, near, age, checks)


def _header_there(parts: _Parts) -> Check:
    return Check("header", True, f"{parts.prefix}-signature: {counted(len(parts.offered), 'signature')}")


def _refused(
    request: Request,
    body: Body,
    parts: _Parts,
    keys: Keys,
    configured: Sequence[tuple[str, Key]],
    versions: Sequence[str],
) -> Verdict:
    """Why nothing matched. ``configured`` are the keys of a fitting kind, with the version that each serves."""
    others = keys.keys
    if not configured:
        needed = " or ".join(_NEEDED[version] for version in versions)
        if others:
            reason = f"none of the configured keys ({len(others)}) can be used here: add {needed}"
        else:
            reason = keys.why_none or f"there is no key to check with: add {needed}"
        return Verdict(VerdictStatus.NO_KEY, reason, checks=(_header_there(parts), Check("key", False, reason)))
    checks = [_header_there(parts), Check("key", True, ", ".join(f"{key.id} ({key.origin})" for _, key in configured))]
    known = [pair for pair in parts.offered if pair[0] in versions]
    tried = [pair for pair in known if any(pair[0] == version for version, _ in configured)]
    problems = [f"{version}: {problem}" for version, text in tried if (problem := _problem(version, text))]
    status = VerdictStatus.INVALID
    if absent := parts.absent():
        reason, step = f"the header {absent} is missing, and it is part of what is signed", "header"
    elif not parts.offered:
        reason, step = f"the header {parts.prefix}-signature is empty", "header"
    elif not known:
        reason, step = f"no signature of a version that can be checked here ({', '.join(versions)})", "encoding"
    elif not tried:
        version = known[0][0]
        status, step = VerdictStatus.NO_KEY, "key"
        reason = f"the signature is {_WORDS[version]} and no key is of that kind: add {_NEEDED[version]}"
    elif len(problems) == len(tried):
        reason, step = problems[0], "encoding"
    else:
        reason, step = f"no match with {counted(len(configured), 'key')} over {_SIGNED}", "compare"
    checks += [Check("encoding", False, problem) for problem in problems if problem != reason]
    checks.append(Check(step, False, reason))
    near = None if parts.absent() else next(_near_misses(request, body, parts, known, others), None)
    return Verdict(status, reason, near_miss=near, checks=tuple(checks))


def _problem(version: str, text: str) -> str | None:
    try:
        from_base64(text, _LENGTHS[version])
    except Undecodable as error:
        return str(error)
    return None


def _near_misses(
    request: Request, body: Body, parts: _Parts, offered: Sequence[tuple[str, str]], keys: Sequence[Key]
) -> Iterator[str]:
    """What would have matched, for people: the causes seen most often when such signatures fail."""
    message = parts.message(request.body)
    decoded = _decoded(offered, _FORMS)
    for (version, form), given in decoded.items():
        for key in keys:
            if form and _right(version, key, message, given):
                yield f"would match if the signature were in base64, not {form}"
            for words, secret in _other_secrets(key):
                if version == "v1" and right_mac(secret, "sha256", message, *given):
                    yield f"would match {words}"
    others = [(words, parts.message(changed)) for words, changed in altered_bodies(request.body, body)]
    others.append((f"over the body alone, without {parts.prefix}-id and {parts.prefix}-timestamp", request.body))
    for words, other in others:
        for (version, _), given in decoded.items():
            if any(_right(version, key, other, given) for key in keys):
                yield f"would match {words}"


def _decoded(offered: Iterable[tuple[str, str]], forms: Sequence[_Form]) -> dict[tuple[str, str], list[bytes]]:
    """The bytes of the signatures by version and by the first of the forms that they can be read in."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for version, text in offered:
        for form, decode in forms:
            with suppress(Undecodable):
                found.setdefault((version, form), []).append(decode(text, _LENGTHS[version]))
                break
    return found


def _other_secrets(key: Key) -> Iterator[tuple[str, bytes]]:
    if key.secret is not None:
        text = base64.b64encode(key.secret)
        yield "with the secret taken as text, not decoded from base64", text
        yield "with the secret taken as text with whsec_ before it, not decoded from base64", b"whsec_" + text
    elif (public := ed25519_public(key)) is not None:
        # 32 bytes in base64 without a prefix may be either: read as a public key, they cannot be used to forge
        yield "if the key were a secret and not a public key: write whsec_ before it", public.public_bytes_raw()


def signed(request: Request) -> tuple[Signed, ...]:
    """The text that a right signature would have been made over; none where a signed header is not there."""
    parts = _parts(request)
    if parts is None or parts.absent():
        return ()
    label = f"{parts.prefix}-id, {parts.prefix}-timestamp and the raw body, joined by full stops"
    return (Signed(label, parts.message(request.body)),)


def sign(body: bytes, key: SigningKey, at: float) -> list[tuple[str, str]]:
    """The three headers of a v1 signature. The id is made from the body, so a retry of it has the same one.

    Raises KeyProblem when the key is not a secret.
    """
    if not isinstance(key, bytes):
        raise KeyProblem("a secret is needed to sign as v1; this key is of another kind")
    msg_id, timestamp = "msg_" + hashlib.sha256(body).hexdigest()[:24], str(int(at))
    digest = hmac.digest(key, _message(msg_id, timestamp, body), "sha256")
    return [
        ("webhook-id", msg_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", "v1," + base64.b64encode(digest).decode("ascii")),
    ]


def key(text: str, origin: str) -> Key:
    """A secret or a public key from its text. Raises KeyProblem.

    ``whsec_`` and base64 is a secret, ``whpk_`` and base64 of 32 bytes an Ed25519 public key, as are PEM, OpenSSH, DER
    in base64 and plain base64 of exactly 32 bytes. Other base64 is a secret; what is not base64 is a secret as text.
    """
    text = text.strip()
    if len(text) > MAX_KEY_TEXT:
        raise KeyProblem(f"the key is {len(text)} characters long; a key is under {MAX_KEY_TEXT}")
    if text.startswith("whsk_"):
        raise KeyProblem("whsk_ begins a private key; hooktop needs the public one (whpk_...)")
    if "-----BEGIN" in text or text.startswith(("ssh-", "ecdsa-", "sk-")):
        return _only_ed25519(public_key(text, origin))
    plain = text.removeprefix("whsec_").removeprefix("whpk_")
    try:
        data = binascii.a2b_base64(plain.encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        data = None
    is_raw = data is not None and len(data) == 32
    if text.startswith("whpk_") and not is_raw:
        raise KeyProblem("after whpk_ an Ed25519 public key is needed: 32 bytes in base64")
    if data is None:
        return secret_key(plain.encode("utf-8", "surrogatepass"), origin)
    if is_raw and not text.startswith("whsec_"):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return from_public(Ed25519PublicKey.from_public_bytes(data), origin)
    if plain == text and _is_der(data):
        return _only_ed25519(public_key(data, origin))
    return secret_key(data, origin)


def _is_der(data: bytes) -> bool:
    """Whether the bytes are one DER sequence: a public key, which must never serve as a secret."""
    return len(data) > 2 and data[0] == 0x30 and (data[1] == len(data) - 2 or data[1] in (0x81, 0x82))


def _only_ed25519(key: Key) -> Key:
    if ed25519_public(key) is None:
        raise KeyProblem("an RSA key cannot be used here: Standard Webhooks are signed with a secret or Ed25519")
    return key
