"""How OneRoute signs: HMAC-SHA512 as hex over the body, as posted or parsed and written again.

The documents sign ``JSON.stringify(req.body)``. A Node sender posts exactly that text, so the raw body comes first; a
body with other white space verifies by its compact re-serialisation. Signing is optional: only newer documents know it,
and no time is signed. Source: https://docs.oneroute.io/others/receiving-events-webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import tee
from typing import Final

from monitor.jsonbody import Body, compact
from monitor.model.capture import Request
from monitor.model.verdict import Verdict
from monitor.providers.base import Keys, Signed
from monitor.providers.hmacs import Candidate, Guess, Scheme
from monitor.providers.keys import SigningKey
from monitor.providers.signatures import altered_bodies, parsed, unlike_javascript

SCHEME: Final = Scheme(
    header="x-oneroute-signature",
    digest="sha512",
    size=64,
    form="hex",
    always=False,
    advice="add the OneRoute Secret Key",
)
_RAW: Final = "raw body"
_AGAIN: Final = "re-serialised body"


def verify(request: Request, body: Body, keys: Keys) -> Verdict:
    """The verdict on a request. Never raises."""
    candidates, again = tee(_candidates(request, body))  # writing a big body again is dear: it is done once
    match = SCHEME.match(request, keys, candidates)
    if match is not None:
        return SCHEME.accepted(match, f"over {match.label}", match.label)
    return SCHEME.refused(request, keys, again, _guesses(request, body))


def signed(request: Request, body: Body) -> tuple[Signed, ...]:
    """What a right signature may be made over: the raw body, and the compact one where that differs."""
    return tuple(Signed(label, message) for label, message in _candidates(request, body))


def sign(body: bytes, key: SigningKey) -> list[tuple[str, str]]:
    """The header with which OneRoute would sign the body. Raises KeyProblem for a key that is no secret."""
    return [(SCHEME.header, SCHEME.mac(SCHEME.signing_secret(key), body).hex())]


def _candidates(request: Request, body: Body) -> Iterator[Candidate]:
    yield Candidate(_RAW, request.body)
    again = _again(request.body, body)
    if again is not None and again != request.body:
        yield Candidate(_AGAIN, again)


def _again(raw: bytes, body: Body) -> bytes | None:
    """The body parsed and written again, None where that cannot be done."""
    try:
        return compact(parsed(raw)) if body.ok else None
    except (ValueError, RecursionError):  # lone surrogates, 1e999, integers of thousands of digits
        return None


def _guesses(request: Request, body: Body) -> Iterator[Guess]:
    for words, altered in altered_bodies(request.body, body):
        yield Guess(f"would match {words}", altered)
    if found := unlike_javascript(request.body, body):
        yield Guess("body was re-serialised on the way?", None, f"JavaScript writes {found} otherwise")
