"""How Connectly signs: HMAC-SHA256 of the raw body, standard base64 with padding, in one header.

The key is the webhook secret's own text, never decoded. Neither a time nor an id is signed, so a verdict is never
``stale``. Source: https://docs.connectly.ai/webhooks/overview and https://connectly.readme.io/reference/register-webhooks
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.verdict import Verdict
from monitor.providers.base import Keys, Signed
from monitor.providers.hmacs import Candidate, Guess, Scheme
from monitor.providers.keys import SigningKey
from monitor.providers.signatures import altered_bodies, unlike_javascript

SCHEME: Final = Scheme(
    header="x-connectly-hmac-sha256",
    digest="sha256",
    size=32,
    form="base64",
    always=True,
    advice="add the webhook secret of the business",
)
_RAW: Final = "raw body"


def verify(request: Request, body: Body, keys: Keys) -> Verdict:
    """The verdict on a request. Never raises."""
    candidates = (Candidate(_RAW, request.body),)
    match = SCHEME.match(request, keys, candidates)
    if match is not None:
        return SCHEME.accepted(match, "over raw body", _RAW)
    return SCHEME.refused(request, keys, candidates, _guesses(request, body))


def signed(request: Request) -> tuple[Signed, ...]:
    """What a right signature is made over: the body as it came."""
    return (Signed(_RAW, request.body),)


def sign(body: bytes, key: SigningKey) -> list[tuple[str, str]]:
    """The header with which Connectly would sign the body. Raises KeyProblem for a key that is no secret."""
    mac = SCHEME.mac(SCHEME.signing_secret(key), body)
    return [(SCHEME.header, base64.b64encode(mac).decode("ascii"))]


def _guesses(request: Request, body: Body) -> Iterator[Guess]:
    for words, altered in altered_bodies(request.body, body):
        yield Guess(f"would match {words}", altered)
    if found := unlike_javascript(request.body, body):
        yield Guess("body was re-serialised on the way?", None, f"{found} may have been written otherwise")
