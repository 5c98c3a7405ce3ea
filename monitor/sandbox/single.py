"""The deliveries of one scenario, as the user asks for them."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from monitor.providers.base import Provider, Scenario
from monitor.sandbox.deliveries import Delivery, Fault, copied, held_back, played, positive
from monitor.sandbox.overrides import Override, overridden, parse_override, with_unknown
from monitor.sandbox.problems import SimulationProblem

COPY_AFTER_S = 2.0  # when the copy of an event follows it, in a scenario's own pace
PAUSE_S = 1.0  # between two runs, in a scenario's own pace


def one(
    provider: Provider,
    scenario: str,
    *,
    seed: int,
    start: datetime,
    count: int | None = None,
    rate: float | None = None,
    duplicate: bool = False,
    out_of_order: bool = False,
    bad_signature: bool = False,
    unknown_field: bool = False,
    burst: bool = False,
    overrides: Sequence[str] = (),
) -> Iterator[Delivery]:
    """The deliveries of one scenario, ordered by ``at``.

    ``count`` is how many events: the scenario begins again, with another message, until there are that many, and the
    last run may be cut short; None plays it once in full. ``rate`` is deliveries per second; None keeps the scenario's
    own pace. ``duplicate`` adds a copy of each event, ``out_of_order`` holds the last but one of each run back until
    after the last, ``unknown_field`` adds a field that the provider does not have, ``burst`` posts everything at the
    start, ``overrides`` are ``path=value`` (see ``parse_override``). ``start`` is when the posting begins; no event is
    posted before it happened.

    Raises SimulationProblem at once, before the first delivery is taken.
    """
    if count is not None and count < 1:
        raise SimulationProblem(f"a count of {count} sends nothing; give 1 or more")
    if burst and rate is not None:
        raise SimulationProblem("a burst is as fast as can be and has no rate; leave out one of both")
    wish = _Wish(
        provider=provider,
        scenario=scenario_of(provider, scenario),
        start=start,
        interval=0.0 if burst else None if rate is None else 1 / positive(rate),
        duplicate=duplicate,
        out_of_order=out_of_order,
        bad_signature=bad_signature,
        unknown_field=unknown_field,
        overrides=tuple(parse_override(text) for text in overrides),
    )
    runs = wish.runs(Random(seed), count)
    first = next(runs, [])
    overridden([delivery.body for delivery in first], wish.overrides)  # of these, one must have the place
    if out_of_order and len({delivery.body for delivery in first}) < 2:
        raise SimulationProblem(f'"{scenario}" has one event here and none to swap it with; choose a longer scenario')
    return itertools.chain(first, itertools.chain.from_iterable(runs))


def scenario_of(provider: Provider, name: str) -> Scenario:
    """The provider's scenario of that name. Raises SimulationProblem that names the nearest one, or all."""
    names = [scenario.name for scenario in provider.scenarios]
    if name in names:
        return provider.scenarios[names.index(name)]
    if not names:
        raise SimulationProblem(f"{provider.label} has no scenarios to send; choose another provider")
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}"
    raise SimulationProblem(f'{provider.label} has no scenario "{name}"; {hint}')


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to play and how; ``interval`` is the time between deliveries in seconds, None for the scenario's own."""

    provider: Provider
    scenario: Scenario
    start: datetime
    interval: float | None
    duplicate: bool
    out_of_order: bool
    bad_signature: bool
    unknown_field: bool
    overrides: tuple[Override, ...]

    def runs(self, rng: Random, count: int | None) -> Iterator[list[Delivery]]:
        begin, left = 0.0, count
        while left is None or left > 0:
            seed = rng.getrandbits(64)
            run = self._natural(seed, begin, 0.0, left)
            if not run:
                return
            if self.interval is None:
                end = run[-1].at + PAUSE_S
            else:
                slots = [begin + index * self.interval for index in range(len(run))]
                end = slots[-1] + self.interval
                # Played again so much earlier that every event has happened by the time its slot comes.
                early = max(0.0, *(delivery.at - slot for delivery, slot in zip(run, slots, strict=True)))
                again = self._natural(seed, begin, early, left)
                run = _slotted(again, slots)
            yield run
            if left is None:
                return
            left -= len(run) // 2 if self.duplicate else len(run)
            begin = end

    def _natural(self, seed: int, begin: float, early: float, limit: int | None) -> list[Delivery]:
        run = played(self.provider, self.scenario, Random(seed), self.start, begin - early)
        run = [replace(delivery, at=delivery.at + early) for delivery in run]
        if self.overrides:  # before the run is cut short, since its last event may be the one that they fit
            bodies = overridden([delivery.body for delivery in run], self.overrides)
            run = [replace(delivery, body=body) for delivery, body in zip(run, bodies, strict=True)]
        run = run[:limit]
        if self.unknown_field:
            run = [replace(delivery, body=with_unknown(delivery.body)) for delivery in run]
        if self.out_of_order and len(run) > 1:
            run = held_back(run, len(run) - 2)
        if self.bad_signature:
            run = [replace(delivery, fault=Fault.BAD_SIGNATURE) for delivery in run]
        if self.duplicate:
            run += [copied(delivery, COPY_AFTER_S) for delivery in run]
        return sorted(run, key=lambda delivery: delivery.at)


def _slotted(run: Sequence[Delivery], slots: Sequence[float]) -> list[Delivery]:
    """The run at these times; a retry that was signed with the time of the first posting still is."""
    firsts: dict[bytes, Delivery] = {}
    slotted = []
    for delivery, slot in zip(run, slots, strict=True):
        moved = replace(delivery, at=slot)
        first = firsts.setdefault(delivery.body, moved)
        if delivery.signed_before > first.signed_before:
            moved = replace(moved, signed_before=first.signed_before + slot - first.at)
        slotted.append(moved)
    return slotted
