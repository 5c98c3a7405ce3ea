"""Standard Webhooks: the signing standard that many senders share (https://www.standardwebhooks.com)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict
from monitor.providers.base import BY_HEADER, NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.keys import Key
from monitor.providers.standard import reading, signature
from monitor.providers.standard.samples import SCENARIOS

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey


class Standard:
    """Any sender that signs with ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``."""

    name = "standard"
    label = "Standard Webhooks"
    signature_headers = ("webhook-signature", "svix-signature")
    scenarios: Sequence[Scenario] = SCENARIOS

    def recognise(self, request: Request, body: Body) -> int:
        """By the signature header: the standard says nothing certain of bodies."""
        return BY_HEADER if signature.versions_of(request) else NO_MATCH

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        return signature.verify(request, body, keys, now)

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        return signature.signed(request)

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        return signature.sign(body, key, at)

    def local_key(self) -> SigningKey:
        return secrets.token_bytes(32)

    def key(self, text: str, origin: str) -> Key:
        return signature.key(text, origin)


provider: Final[Provider] = Standard()
