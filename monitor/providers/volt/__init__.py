"""Volt Messaging (Respond Flow): text messages in the United States."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.keys import Key, public_key
from monitor.providers.volt import reading, signature
from monitor.providers.volt.samples import SCENARIOS

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey


class Volt:
    """Messaging webhooks signed with RSA, and registration webhooks signed with Ed25519."""

    name = "volt"
    label = "Volt"
    signature_headers = (signature.HEADER, "webhook-signature")
    scenarios: Sequence[Scenario] = SCENARIOS

    def recognise(self, request: Request, body: Body) -> int:
        """By its own header; a Standard Webhooks header is Volt's only over a registration event."""
        if request.header(signature.HEADER) is not None:
            return BY_HEADER
        if reading.is_registration(body):
            return BY_HEADER if signature.is_registration(request) else BY_BODY
        return BY_BODY if reading.is_messaging(body) else NO_MATCH

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        return signature.verify(request, body, keys, now)

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        return signature.signed(request)

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        return signature.sign(body, key)

    def local_key(self) -> SigningKey:
        return signature.local_key()

    def key(self, text: str, origin: str) -> Key:
        """A public key: RSA for messaging, Ed25519 for registration events."""
        return public_key(text, origin)


provider: Final[Provider] = Volt()
