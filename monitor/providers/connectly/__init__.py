"""Connectly: WhatsApp conversations and campaigns (https://docs.connectly.ai)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict
from monitor.providers.base import BY_BODY, BY_HEADER, NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.connectly import reading, signature
from monitor.providers.connectly.reading import turned
from monitor.providers.connectly.samples import SCENARIOS
from monitor.providers.keys import Key, SigningKey, typed_key


class Connectly:
    """The webhooks of Connectly, in all three generations of its documents."""

    name = "connectly"
    label = "Connectly"
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
        return signature.signed(request)

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def echo(self, reading: Reading) -> Reading:
        """With ``configuration.echo`` outbound messages come on the topic of inbound ones; no documented field tells
        them apart (https://docs.connectly.ai/api-reference/get-webhooks)."""
        return turned(reading)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        return signature.sign(body, key)

    def local_key(self) -> SigningKey:
        return secrets.token_urlsafe(24).encode("ascii")

    def key(self, text: str, origin: str) -> Key:
        """A webhook secret. Raises KeyProblem when it is empty."""
        return typed_key(text, origin)


provider: Final[Provider] = Connectly()
