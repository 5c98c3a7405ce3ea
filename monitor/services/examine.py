"""From a request to a capture: whose it is, whether its signature is real, what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

from monitor import jsonbody
from monitor.model.capture import LOCAL_MARK, Capture, Origin, Request, Source
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers import asked
from monitor.providers.base import Addressed, Keys, Provider, Signed
from monitor.providers.registry import Registry
from monitor.services.echoes import Echoes
from monitor.services.stamps import Stamp, stamp_of

_NO_NUMBERS: Final[Mapping[str, Iterable[str]]] = MappingProxyType({})


class KeySource(Protocol):
    """Where the keys of a provider come from."""

    def keys(self, provider: str) -> Keys:
        """The keys to verify this provider's captures with."""

    def local_keys(self, provider: str) -> Keys:
        """This installation's own key for the provider, which only its simulated events are signed with."""


class Examiner:
    """Makes captures of requests, and makes them again when keys or readers have changed."""

    def __init__(
        self,
        registry: Registry,
        keys: KeySource,
        is_stamp: Callable[[bytes, str], bool],
        own: Mapping[str, Iterable[str]] = _NO_NUMBERS,
    ) -> None:
        """``is_stamp`` tells whether a value is this installation's MAC of some bytes, ``own`` the business's numbers
        by provider."""
        self._registry = registry
        self._echoes = Echoes(registry, own)
        self._keys = keys
        self._is_stamp = is_stamp
        # By provider: the keys as they were given, and the same led by the scheme that matched last.
        self._led: dict[str, tuple[Keys, Keys]] = {}

    def provider_of(self, request: Request, body: jsonbody.Body) -> Provider:
        """By the first segment of the path where it names a provider, else by headers and body."""
        if request.method != "POST":
            return self._registry["generic"]
        named = self._registry.get(request.path[1:].partition("/")[0])
        return named or self._registry.recognise(request, body)

    def examine(self, request: Request, *, received_at: datetime, token: bool | None = None) -> Capture:
        """The capture of a request that has just arrived; its id is 0 until it is stored. Never raises."""
        body = jsonbody.parse(request.body)
        provider = self.provider_of(request, body)
        peer = request.peer
        stamp = stamp_of(request, self._is_stamp)
        verdict = self._verdict(provider, request, body, stamp, received_at)
        return Capture(
            id=0,
            received_at=received_at,
            provider=provider.name,
            source=Source.NETWORK if stamp is None else stamp.source,
            request=request,
            answer=200,
            verdict=verdict,
            origin=Origin(token, peer.rpartition(":")[0].strip("[]") if peer else None),
            reading=self._reading(provider, request, body, verdict),
            marks=_marks(stamp),
        )

    def again(self, capture: Capture) -> Capture:
        """A stored capture with today's provider, verdict and reading. Its signed time is judged at its arrival."""
        body = jsonbody.parse(capture.request.body)
        provider = self.provider_of(capture.request, body)
        stamp = self._stamp_of(capture)
        verdict, marks = capture.verdict, capture.marks if capture.source is Source.REPLAYED else ()
        if stamp is not None or capture.source is Source.NETWORK:
            marks = _marks(stamp)
            verdict = self._verdict(provider, capture.request, body, stamp, capture.received_at)
            if verdict.status is VerdictStatus.INVALID and self._stands(provider, capture, stamp):
                verdict = capture.verdict
        reading = self._reading(provider, capture.request, body, verdict)
        return replace(capture, provider=provider.name, verdict=verdict, reading=reading, marks=marks)

    def _stands(self, provider: Provider, capture: Capture, stamp: Stamp | None) -> bool:
        """Whether a stored verdict was given with a key of today, over an address that need not be known any more."""
        if not (isinstance(provider, Addressed) and provider.signs_address):
            return False
        keys = self._keys_for(provider, capture.request, stamp).keys
        matched = capture.verdict.status in (VerdictStatus.VERIFIED, VerdictStatus.STALE)
        return matched and capture.verdict.key in {key.id for key in keys}

    def signed(self, capture: Capture) -> Sequence[Signed]:
        """What a right signature of a stored capture would have been made over, with today's keys. Never raises."""
        body = jsonbody.parse(capture.request.body)
        provider = self.provider_of(capture.request, body)
        stamp = self._stamp_of(capture)
        return asked.signed(provider, capture.request, body, self._keys_for(provider, capture.request, stamp))

    def _stamp_of(self, capture: Capture) -> Stamp | None:
        """What the stamp of a stored capture says; of one that is known to be simulated it is not asked again."""
        if capture.source is Source.SIMULATED:
            return Stamp(Source.SIMULATED, local=True)
        return stamp_of(capture.request, self._is_stamp) if capture.source is Source.REPLAYED else None

    def _keys_for(self, provider: Provider, request: Request, stamp: Stamp | None) -> Keys:
        """The provider's keys; for what a local key signed the local one, over the address that it was posted to."""
        if stamp is not None and stamp.local:
            hosts = dict.fromkeys([request.header("host"), *request.header_values("x-forwarded-host")])
            return replace(
                self._keys.local_keys(provider.name),
                urls=tuple(f"http://{host}{request.target}" for host in hosts),
                public_url=self._keys.keys(provider.name).public_url,
            )
        keys = self._keys.keys(provider.name)
        given, led = self._led.get(provider.name, (None, keys))
        return led if given is keys else keys

    def _verdict(
        self, provider: Provider, request: Request, body: jsonbody.Body, stamp: Stamp | None, at: datetime
    ) -> Verdict:
        """The verdict at the time ``at``, that of a replay at the time that its stamp says."""
        keys = self._keys_for(provider, request, stamp)
        if stamp is not None and stamp.at is not None:
            at = stamp.at
        verdict = asked.verdict(provider, request, body, keys, at.timestamp())
        matched = verdict.status is VerdictStatus.VERIFIED and stamp is None
        if matched and verdict.scheme != keys.scheme_first:
            given = self._keys.keys(provider.name)
            self._led[provider.name] = (given, replace(given, scheme_first=verdict.scheme))
        return verdict

    def _reading(self, provider: Provider, request: Request, body: jsonbody.Body, verdict: Verdict) -> Reading | None:
        return asked.reading(provider, request, body, partial(self._echoes.heard, provider.name, verdict))


def _marks(stamp: Stamp | None) -> tuple[str, ...]:
    return (LOCAL_MARK,) if stamp is not None and stamp.local and stamp.source is Source.REPLAYED else ()
