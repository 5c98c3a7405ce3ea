"""Bird, formerly MessageBird: SMS, WhatsApp, e-mail and more (https://docs.bird.com)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.bird import reading, signature
from monitor.providers.bird.samples import SCENARIOS
from monitor.providers.keys import Key, SigningKey, typed_key


class Bird:
    """The webhooks of Bird's Notifications API."""

    name = "bird"
    label = "Bird"
    signature_headers = (signature.SCHEME.header,)
    signs_address = True
    scenarios: Sequence[Scenario] = SCENARIOS

    def recognise(self, request: Request, body: Body) -> int:
        """By its headers, else by the objects that its documents name."""
        if any(request.header(name) is not None for name in signature.HEADERS):
            return BY_HEADER
        return BY_BODY if reading.looks_like(body) else NO_MATCH

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        return signature.verify(request, body, keys, now)

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        return signature.signed(request, keys)

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        return signature.sign(body, key, url=url, at=at)

    def local_key(self) -> SigningKey:
        """Base64 of 32 random bytes, the form that Bird's own example key has; it is used as text."""
        return base64.b64encode(secrets.token_bytes(32))

    def key(self, text: str, origin: str) -> Key:
        """A subscription's signing key. Raises KeyProblem when it is empty."""
        return typed_key(text, origin)


provider: Final[Provider] = Bird()
