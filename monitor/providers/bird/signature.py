"""How Bird signs: HMAC-SHA256 over the time, the URL and the body's hash, standard base64.

The message is the timestamp header's text, LF, the full URL that the subscription names, LF, and the 32 raw bytes of
SHA-256 of the body. The key is the signing key's text as typed, although it looks like base64. Behind a tunnel the
receiver does not see that URL, so a short list of candidates is tried, and the verdict names the one that fitted.
Retries keep the first timestamp, so age is a note up to a day.
Source: https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/verifying-a-webhook-subscription
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers.base import Keys, Signed
from monitor.providers.hmacs import Candidate, Guess, Match, Scheme
from monitor.providers.keys import SigningKey
from monitor.providers.signatures import ago, altered_bodies

SCHEME: Final = Scheme(
    header="messagebird-signature",
    digest="sha256",
    size=32,
    form="base64",
    always=False,
    advice="add the signing key of the subscription",
)
TIMESTAMP: Final = "messagebird-request-timestamp"
REQUEST_ID: Final = "messagebird-request-id"
HEADERS: Final = (SCHEME.header, TIMESTAMP, REQUEST_ID)
LATE: Final = 300  # seconds of age beyond which a right signature is noted as late, and how far ahead it may be
TOO_OLD: Final = 86400  # seconds; retries were seen to end after a day
_OVER: Final = "time, url, body hash"


def verify(request: Request, body: Body, keys: Keys, now: float) -> Verdict:
    """The verdict on a request at the Unix time ``now``. Never raises."""
    stamp = request.header(TIMESTAMP)
    problem = _stamp_problem(stamp)
    if problem is None and stamp is not None:
        match = SCHEME.match(request, keys, _candidates(request, keys, stamp))
        if match is not None:
            return _judge_time(match, int(stamp), now)
        if next(_urls(request, keys), None) is None:
            problem = "no URL to check with: set the public URL"
        return SCHEME.refused(
            request, keys, _candidates(request, keys, stamp), _guesses(request, body, keys, stamp), problem
        )
    return SCHEME.refused(request, keys, (), (), problem)


def signed(request: Request, keys: Keys) -> tuple[Signed, ...]:
    """What a right signature may be made over: one text for each URL that the request may have been sent to."""
    stamp = request.header(TIMESTAMP) or ""
    return tuple(
        Signed(f"time, URL and body hash, {label}", message) for label, message in _candidates(request, keys, stamp)
    )


def sign(body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
    """The headers with which Bird signs a body posted to the URL. Raises KeyProblem for a key that is no secret."""
    stamp = str(int(at))
    mac = SCHEME.mac(SCHEME.signing_secret(key), _message(stamp, _wire(url), hashlib.sha256(body).digest()))
    return [
        (SCHEME.header, base64.b64encode(mac).decode("ascii")),
        (TIMESTAMP, stamp),
        (REQUEST_ID, str(uuid.UUID(bytes=mac[:16], version=4))),
    ]


def stamp_seconds(request: Request) -> int | None:
    """The signed time of a request in Unix seconds, None when it says none."""
    stamp = request.header(TIMESTAMP)
    return int(stamp) if stamp is not None and _stamp_problem(stamp) is None else None


def _stamp_problem(stamp: str | None) -> str | None:
    if not stamp:
        return f"{TIMESTAMP} is absent, and it is part of what is signed"
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        return f"{TIMESTAMP} is not a time in Unix seconds"
    return None


def _judge_time(match: Match, stamp: int, now: float) -> Verdict:
    age = now - stamp
    status, reason = VerdictStatus.VERIFIED, f"over {match.label}"
    if age > TOO_OLD:
        status, reason = VerdictStatus.STALE, f"too old: signed {ago(age)} ago, over {match.label}"
    elif age < -LATE:
        status, reason = VerdictStatus.STALE, f"too new: signed {ago(age)} ahead of our clock, over {match.label}"
    elif age > LATE:
        reason = f"over {match.label}; late by {ago(age)} (retry?)"
    in_time = Check("time", status is VerdictStatus.VERIFIED, f"signed {age:.1f} s before it arrived")
    return SCHEME.accepted(match, reason, _OVER, status=status, age_s=age, time=(in_time,))


def _message(stamp: str, middle: bytes, digest: bytes) -> bytes:
    return b"%b\n%b\n%b" % (stamp.encode("latin-1", "replace"), middle, digest)


def _candidates(request: Request, keys: Keys, stamp: str) -> Iterator[Candidate]:
    digest = hashlib.sha256(request.body).digest()
    for url in _urls(request, keys):
        yield Candidate(_text(url), _message(stamp, url, digest))


def _urls(request: Request, keys: Keys) -> Iterator[bytes]:
    """The URLs that a delivery may have been signed with, most likely first, each once."""
    seen: set[bytes] = set()
    for url in _addresses(request, keys):
        if url not in seen:
            seen.add(url)
            yield url


def _addresses(request: Request, keys: Keys) -> Iterator[bytes]:
    """As ``_urls``, with those that are found in several ways.

    Those of the subscriptions; the public URL with the raw target; the same with what a proxy says it was asked for.
    Bird posts to https alone, so no header makes an http URL a candidate.
    """
    for url in keys.urls:
        yield _wire(url)
    target = request.target.encode("latin-1", "replace")
    if keys.public_url:
        yield _wire(keys.public_url.rstrip("/")) + target
    scheme, host = _forwarded(request, "x-forwarded-proto"), _forwarded(request, "x-forwarded-host")
    if (scheme or host) and scheme in (None, "https"):
        # a tunnel that forwards the scheme alone leaves the public host in the Host header
        host = host or request.header("host")
        if host:
            yield b"https://" + host.encode("latin-1", "replace") + target


def _forwarded(request: Request, name: str) -> str | None:
    """The first of a forwarded header's values: what the outermost proxy was asked for."""
    value = request.header(name)
    return value.partition(",")[0].strip() if value else None


def _wire(url: str) -> bytes:
    return url.encode("utf-8", "surrogatepass")


def _text(url: bytes) -> str:
    return url.decode("utf-8", "backslashreplace")


def _guesses(request: Request, body: Body, keys: Keys, stamp: str) -> Iterator[Guess]:
    """What the usual mistakes would have signed, one mistake at a time."""
    digest = hashlib.sha256(request.body).digest()
    known = list(_urls(request, keys))
    assumed = [url for url in _assumed(request) if url not in known]
    urls = known or assumed[:1]
    if not known:
        yield from _assumed_guesses(assumed, stamp, digest)
    for url in urls:
        for hint, other in _other_urls(url):
            yield Guess(hint, _message(stamp, other, digest), _text(other))
    for url in urls:
        message = _message(stamp, url, digest)
        yield Guess("would match if the key were base64-decoded", message, _text(url), _decoded_key)
        as_hex = _message(stamp, url, digest.hex().encode("ascii"))
        yield Guess("would match with the body hash as hex text", as_hex, _text(url))
    for words, altered in altered_bodies(request.body, body):
        for url in urls:
            yield Guess(f"would match {words}", _message(stamp, url, hashlib.sha256(altered).digest()), _text(url))
    for url in urls:  # the older MessageBird scheme has the same headers and another middle line
        pairs = sorted(url.partition(b"?")[2].split(b"&"), key=lambda pair: pair.partition(b"=")[0])
        yield Guess("would match the legacy sorted-query form", _message(stamp, b"&".join(pairs), digest), _text(url))
    if known:
        yield from _assumed_guesses(assumed, stamp, digest)


def _other_urls(url: bytes) -> Iterator[tuple[str, bytes]]:
    scheme, _, rest = url.partition(b"://")
    other = b"http" if scheme == b"https" else b"https"
    yield f"would match with {other.decode('ascii')}://", other + b"://" + rest
    path, mark, query = url.partition(b"?")
    if mark:
        yield "would match without the query string", path
    if path.endswith(b"/"):
        yield "would match without the trailing slash on the path", path.rstrip(b"/") + mark + query
    else:
        yield "would match with an extra trailing slash on the path", path + b"/" + mark + query
    if (decoded := unquote_to_bytes(url)) != url:
        yield "would match with the URL percent-decoded", decoded


def _assumed_guesses(urls: list[bytes], stamp: str, digest: bytes) -> Iterator[Guess]:
    for url in urls:
        yield Guess(f"would match with the URL {_text(url)}", _message(stamp, url, digest))


def _assumed(request: Request) -> Iterator[bytes]:
    """The URLs that the Host header suggests: no candidates, but worth a hint."""
    host = _forwarded(request, "x-forwarded-host") or request.header("host")
    if host:
        for scheme in (b"https://", b"http://"):
            yield scheme + (host + request.target).encode("latin-1", "replace")


def _decoded_key(secret: bytes) -> bytes | None:
    try:
        return base64.b64decode(secret, validate=True)
    except (ValueError, binascii.Error):
        return None
