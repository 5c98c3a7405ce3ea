"""Simulated events, signed with this installation's own keys and posted over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

from monitor.providers.base import Provider, Scenario
from monitor.providers.registry import Registry
from monitor.sandbox.problems import SimulationProblem
from monitor.sandbox.sender import AT_ONCE, Sender, Sent
from monitor.sandbox.single import one
from monitor.sandbox.traffic import Traffic
from monitor.times import utc_now

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey
    from monitor.sandbox.deliveries import Delivery

MESSAGING = frozenset({"volt", "bird", "connectly", "oneroute"})  # Standard Webhooks is a way to sign, no platform
HISTORY_S = 120.0  # about how long ago the first of the events shown at the demo's start was
# What can be switched on in an order, and what it does: the options of the command and of the overlay.
SWITCHES: Final[Mapping[str, str]] = {
    "bad_signature": "Spoil the signatures.",
    "duplicate": "Send every event twice.",
    "out_of_order": "Let an event be overtaken by the one after it.",
    "unknown_field": "Add a field that the provider does not have.",
    "burst": "Send all at once, as fast as they are answered.",
}


class Signing(Protocol):
    """The keys of this installation, and the mark by which it knows its own events."""

    def signing_key(self, provider: str) -> SigningKey:
        """The key to sign a provider's simulated events with; making one takes its time."""

    def stamp(self, body: bytes) -> str:
        """The header value that proves that this installation made the body."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: one scenario, once in full, or ``count`` events of it; ``rate`` a second or at its own pace.

    ``seed`` gives the same events again. ``sets`` are ``path=value`` put into the bodies; see ``SWITCHES`` for the
    others.
    """

    provider: str
    scenario: str
    count: int | None = None
    rate: float | None = None
    seed: int | None = None
    bad_signature: bool = False
    duplicate: bool = False
    out_of_order: bool = False
    unknown_field: bool = False
    burst: bool = False
    sets: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of a run: answers by HTTP status, how many got none, and what was wrong with the last that went
    wrong. ``total`` is how many are to be sent."""

    statuses: dict[int, int] = field(default_factory=dict)
    unanswered: int = 0
    trouble: str | None = None
    total: int = 0

    @property
    def posted(self) -> int:
        """How many events were posted."""
        return sum(self.statuses.values()) + self.unanswered

    @property
    def answers(self) -> str:
        """The answers so far: ``3 × 200, 1 × 500``."""
        parts = [f"{number:,} × {status}" for status, number in sorted(self.statuses.items())]
        return ", ".join(parts + ([f"{self.unanswered:,} × no answer"] if self.unanswered else [])) or "none"

    def add(self, sent: Sent) -> None:
        """Count one answer."""
        if sent.status is None:
            self.unanswered += 1
        else:
            self.statuses[sent.status] = self.statuses.get(sent.status, 0) + 1
        self.trouble = sent.error or self.trouble


class Simulator:
    """Sends scenarios of the providers to one receiver."""

    def __init__(
        self,
        registry: Registry,
        local: Signing,
        url: str,
        *,
        public_url: Callable[[], str | None] = lambda: None,
        token: str | None = None,
        path: Callable[[str], str] | None = None,
    ) -> None:
        """``url`` is the receiver's base address, ``public_url`` gives the one that the world knows it by now (some
        schemes sign it), ``token`` its path token; ``path`` gives a provider's path where it is another than
        ``/{provider}``."""
        self._registry = registry
        self._local = local
        self._url = url
        self._public_url = public_url
        self._keys: dict[str, SigningKey] = {}
        self._path = path or (lambda provider: f"/{provider}/{token}" if token else f"/{provider}")

    def providers(self) -> list[Provider]:
        """The providers that have scenarios."""
        return [provider for provider in self._registry if provider.scenarios]

    def scenarios(self) -> list[tuple[Provider, Scenario]]:
        """Every scenario with its provider."""
        return [(provider, scenario) for provider in self.providers() for scenario in provider.scenarios]

    def check(self, order: Order) -> None:
        """Raises SimulationProblem for what cannot be sent."""
        self._deliveries(order)

    async def send(
        self,
        order: Order,
        *,
        outcome: Outcome | None = None,
        on_sent: Callable[[Sent], None] | None = None,
        stop: asyncio.Event | None = None,
    ) -> Outcome:
        """Post what was ordered; gives ``outcome``, which is filled in meanwhile.

        ``on_sent`` is told every answer, ``stop`` ends it. Raises SimulationProblem.
        """
        playing, deliveries = self._deliveries(order)
        outcome = outcome or Outcome()
        if order.count is None:
            deliveries = whole = list(deliveries)
            outcome.total = len(whole)
        else:
            outcome.total = order.count * (2 if order.duplicate else 1)
        await self._prepare([playing])

        def told(sent: Sent) -> None:
            outcome.add(sent)
            if on_sent is not None:
                on_sent(sent)

        async with self._sender() as sender:
            # One at a time: the order of the events is part of the scenario.
            await sender.play(deliveries, on_sent=told, stop=stop, at_once=AT_ONCE if order.burst else 1)
        return outcome

    def _deliveries(self, order: Order) -> tuple[Provider, Iterable[Delivery]]:
        playing = self._registry.get(order.provider)
        if playing is None or not playing.scenarios:
            names = ", ".join(p.name for p in self.providers())
            raise SimulationProblem(f'there are no simulated events of "{order.provider}"; choose one of {names}')
        return playing, one(
            playing,
            order.scenario,
            seed=_seed(order.seed),
            start=utc_now(),
            count=order.count,
            rate=order.rate,
            duplicate=order.duplicate,
            out_of_order=order.out_of_order,
            bad_signature=order.bad_signature,
            unknown_field=order.unknown_field,
            burst=order.burst,
            overrides=order.sets,
        )

    async def traffic(self, rate: float, seed: int | None, stop: asyncio.Event, *, history: int = 0) -> None:
        """Mixed traffic of the platforms, ``rate`` events a second until ``stop``; first ``history`` events at once.

        Raises SimulationProblem.
        """
        seed = _seed(seed)
        playing = [provider for provider in self.providers() if provider.name in MESSAGING]
        await self._prepare(playing)
        async with self._sender() as sender:
            if history:
                await sender.play(_earlier(seed, playing, history), pace=None, stop=stop, at_once=1)
            live = Traffic(seed + 1, playing, rate, utc_now())
            await sender.play(live, stop=stop)

    async def _prepare(self, providers: Sequence[Provider]) -> None:
        """Load the keys, or make them, off the event loop: an RSA key takes half a second."""
        for provider in providers:
            if provider.name not in self._keys:
                self._keys[provider.name] = await asyncio.to_thread(self._local.signing_key, provider.name)

    def _sender(self) -> Sender:
        keys, stamp = self._keys.__getitem__, self._local.stamp
        return Sender(self._url, keys, stamp=stamp, public_url=self._public_url, path=self._path)


def _earlier(seed: int, playing: Sequence[Provider], count: int) -> list[Delivery]:
    """So many deliveries of mixed traffic, the last of which was due just now."""
    now = utc_now()

    def begun(start: datetime) -> list[Delivery]:
        return list(islice(Traffic(seed, playing, count / HISTORY_S, start), count))

    # Chance decides how long they take: known once they are made, when they are made again so much earlier.
    return begun(now - timedelta(seconds=begun(now)[-1].at))


def _seed(seed: int | None) -> int:
    return Random().getrandbits(32) if seed is None else seed  # noqa: S311 - what is simulated is no secret
