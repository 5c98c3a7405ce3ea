"""Captures with disguises in place of what is private in them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from monitor import jsonbody
from monitor.model.capture import Capture
from monitor.model.disguise import Disguise
from monitor.model.masking import Masker
from monitor.providers import asked
from monitor.providers.registry import Registry

KEY_BYTES: Final = 32
# Where the sentences are the provider's own: why a message failed is what an export is for.
KEPT: Final = {
    "volt": {"payload.provider_error_title", "payload.provider_error_detail", "payload.carrier_name"},
    "bird": {
        "payload.reason", "payload.details", "payload.failure.description", "payload.failure.source.name",
        "payload.lastMessage.sender.type",
    },
    "connectly": {
        "statusUpdate.error.message", "statusUpdate.error.userTitle", "statusUpdate.error.userMessage",
    },
    "oneroute": {"conversation.reason"},
}  # fmt: skip


class CaptureMasker:
    """Masks the captures of one export: with a key of its own, so that masks of two exports cannot be compared."""

    def __init__(self, registry: Registry, hidden: Iterable[str] = (), *, key: bytes | None = None) -> None:
        """``hidden`` are secrets that must not stand anywhere, such as the path token."""
        self._registry = registry
        kept = {name: frozenset(KEPT.get(name, ())) for name in registry.names()}
        signing = {header for provider in registry for header in provider.signature_headers}
        self.masker = Masker(Disguise(key or secrets.token_bytes(KEY_BYTES)), kept, hidden, signing)

    def meet(self, parties: Iterable[str]) -> None:
        """Know these numbers from the first capture on."""
        self.masker.meet(parties)

    def mask(self, capture: Capture) -> Capture:
        """The capture with a masked request and what its provider's reader makes of that; the verdict stays."""
        request = self.masker.request(capture.request, capture.provider)
        verdict = capture.verdict
        provider = self._registry.get(capture.provider)
        return replace(
            capture,
            request=request,
            verdict=replace(
                verdict,
                reason=self.masker.words(verdict.reason),
                near_miss=verdict.near_miss and self.masker.words(verdict.near_miss),
            ),
            reading=asked.reading(provider, request, jsonbody.parse(request.body))
            if provider and capture.reading
            else None,
            marks=tuple(map(self.masker.words, capture.marks)),
        )
