"""Webhooks of anybody else: kept and shown, never verified."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import NO_MATCH, Keys, Provider, Scenario, Signed
from monitor.providers.generic import reading
from monitor.providers.keys import Key, secret_key

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey

_UNCHECKED: Final = Verdict(
    VerdictStatus.UNCHECKED, "no provider is recognised, so how it would be signed is not known; nothing was checked"
)


class Generic:
    """What nobody recognises, or what was posted to ``/generic``."""

    name = "generic"
    label = "Generic"
    signature_headers: tuple[str, ...] = ()
    scenarios: Sequence[Scenario] = ()

    def recognise(self, request: Request, body: Body) -> int:
        """Never by itself: the registry falls back to it."""
        return NO_MATCH

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        return _UNCHECKED

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        return ()

    def read(self, request: Request, body: Body) -> Reading:
        return reading.read(request, body)

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        """No headers: a generic webhook carries no signature."""
        return []

    def local_key(self) -> SigningKey:
        return secrets.token_bytes(32)

    def key(self, text: str, origin: str) -> Key:
        return secret_key(text.encode("utf-8", "surrogatepass"), origin)


provider: Final[Provider] = Generic()
