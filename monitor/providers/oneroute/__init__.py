"""OneRoute: WhatsApp, e-mail and SMS (https://docs.oneroute.io)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.keys import Key, SigningKey, typed_key
from monitor.providers.oneroute import reading, signature
from monitor.providers.oneroute.samples import SCENARIOS


class OneRoute:
    """The webhooks of OneRoute, which may be signed or not."""

    name = "oneroute"
    label = "OneRoute"
    signature_headers = (signature.SCHEME.header,)
    scenarios: Sequence[Scenario] = SCENARIOS

    def recognise(self, request: Request, body: Body) -> int:
        """By the signature header, else by the objects that its documents name."""
        if request.header(signature.SCHEME.header) is not None:
            return BY_HEADER
        return BY_BODY if reading.looks_like(body) else NO_MATCH

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        return signature.verify(request, body, keys)

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        return signature.signed(request, body)

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        return signature.sign(body, key)

    def local_key(self) -> SigningKey:
        return secrets.token_urlsafe(24).encode("ascii")

    def key(self, text: str, origin: str) -> Key:
        """A OneRoute Secret Key. Raises KeyProblem when it is empty."""
        return typed_key(text, origin)


provider: Final[Provider] = OneRoute()
