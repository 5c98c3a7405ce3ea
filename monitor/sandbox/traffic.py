"""Mixed traffic: messages of several providers that overlap in time, with a small share of faults.

Pure and seeded: nothing is signed or sent here, and the same seed gives the same deliveries. ``sender`` posts them.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from monitor.providers.base import Provider
from monitor.sandbox.deliveries import Delivery, Fault, copied, held_back, played, positive
from monitor.sandbox.problems import SimulationProblem

RETRY_S = (2.0, 20.0)  # how long after the first posting a duplicate follows
# Bird retries for 8 hours by its documents and for a day in practice, and signs its retries with the first time
# (providers/bird.md, section 4); past 24 hours such a signature reads as stale, so a few of these do.
LATE_S = (600.0, 30 * 3600.0)


@dataclass(frozen=True, slots=True)
class Faults:
    """The shares of faulty traffic, 0 to 1: of messages for ``out_of_order`` and ``late``, else of events."""

    duplicate: float = 0.03
    bad_signature: float = 0.015
    changed_body: float = 0.01
    unsigned: float = 0.01
    out_of_order: float = 0.03
    late: float = 0.015


class Traffic:
    """Endless deliveries of several providers, ordered by ``at``; each iteration begins again.

    ``rate`` is their long-run average per second, duplicates included. Every provider has the same share of the runs;
    its scenarios have theirs by weight. Raises SimulationProblem for a rate that is not above 0 and when no provider
    has scenarios.
    """

    def __init__(
        self, seed: int, providers: Iterable[Provider], rate: float, start: datetime, faults: Faults | None = None
    ) -> None:
        self._providers = [p for p in providers if any(scenario.weight for scenario in p.scenarios)]
        if not self._providers:
            raise SimulationProblem("no provider with scenarios is chosen; name one that has some, such as volt")
        self._seed = seed
        self._rate = positive(rate)
        self._start = start
        self._faults = faults or Faults()

    def __iter__(self) -> Iterator[Delivery]:
        rng = Random(self._seed)
        order = itertools.count()
        waiting: list[tuple[float, int, Delivery]] = []
        begin = 0.0
        while True:
            while waiting and waiting[0][0] <= begin:
                yield heapq.heappop(waiting)[2]
            # Each run has a chance of its own, so what one scenario draws does not change the others.
            run = self._run(Random(rng.getrandbits(64)), begin)
            for delivery in run:
                heapq.heappush(waiting, (delivery.at, next(order), delivery))
            # The pause after a run is long in proportion to its size: that keeps the average exact.
            begin += rng.expovariate(1.0) * max(len(run), 1) / self._rate

    def _run(self, rng: Random, begin: float) -> list[Delivery]:
        provider = rng.choice(self._providers)
        scenario = rng.choices(provider.scenarios, [scenario.weight for scenario in provider.scenarios])[0]
        late_by = rng.uniform(*LATE_S) if rng.random() < self._faults.late else 0.0
        run = played(provider, scenario, rng, self._start, begin, late_by)
        if not late_by and len(run) > 1 and rng.random() < self._faults.out_of_order:
            run = held_back(run, rng.randrange(len(run) - 1))
        return list(itertools.chain.from_iterable(self._with_fault(rng, delivery) for delivery in run))

    def _with_fault(self, rng: Random, delivery: Delivery) -> tuple[Delivery, ...]:
        if delivery.fault is not None:
            return (delivery,)
        chance = rng.random() - self._faults.duplicate
        if chance < 0:
            return delivery, copied(delivery, rng.uniform(*RETRY_S))
        for fault, share in (
            (Fault.BAD_SIGNATURE, self._faults.bad_signature),
            (Fault.CHANGED_BODY, self._faults.changed_body),
            (Fault.UNSIGNED, self._faults.unsigned),
        ):
            chance -= share
            if chance < 0:
                return (replace(delivery, fault=fault),)
        return (delivery,)
