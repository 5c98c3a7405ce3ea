"""Deliveries: the events of a scenario with their place in time and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from monitor.providers import asked
from monitor.providers.base import Provider, Scenario
from monitor.sandbox.cast import scene
from monitor.sandbox.problems import SimulationProblem

HELD_BACK_S = 0.4  # how long after the event that overtook it an event comes


class Fault(StrEnum):
    """What is wrong with a delivery."""

    DUPLICATE = "duplicate"  # the same bytes once more, some seconds later
    BAD_SIGNATURE = "bad_signature"  # one character of the signature is another
    CHANGED_BODY = "changed_body"  # one digit of the body was changed after it was signed
    UNSIGNED = "unsigned"  # the signature headers are absent
    OUT_OF_ORDER = "out_of_order"  # overtaken by the event that followed it
    LATE = "late"  # made and signed long before it is posted


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to post: ``at`` seconds after the traffic's start, signed ``signed_before`` seconds before that."""

    at: float
    provider: str
    scenario: str
    body: bytes
    content_type: str = "application/json"
    signed_before: float = 0.0
    fault: Fault | None = None


def played(
    provider: Provider, scenario: Scenario, rng: Random, start: datetime, begin: float, late_by: float = 0.0
) -> list[Delivery]:
    """One run of a scenario that begins ``begin`` seconds after ``start``, ordered by ``at``.

    With ``late_by`` all of it happened and was signed that many seconds earlier. Raises SimulationProblem where a
    plug-in's scenario cannot be played.
    """
    scenery = scene(rng, start + timedelta(seconds=begin - late_by), provider.name)
    fault = Fault.LATE if late_by else None
    events = asked.events(provider, scenario, scenery)
    if events is None:
        raise SimulationProblem(f'"{scenario.name}" of {provider.name} cannot be played; its plug-in has to be mended')
    return [
        Delivery(
            at=begin + event.after,
            provider=provider.name,
            scenario=scenario.name,
            body=event.body,
            content_type=event.content_type,
            signed_before=event.signed_before + late_by,
            fault=fault,
        )
        for event in sorted(events, key=lambda event: event.after)
    ]


def held_back(run: Sequence[Delivery], index: int) -> list[Delivery]:
    """The run with the delivery at ``index`` held back until after the next one.

    The next one keeps its time: sent earlier it would tell of something that has not happened yet.
    """
    held, overtaking = run[index], run[index + 1]
    held = replace(held, at=overtaking.at + HELD_BACK_S, fault=Fault.OUT_OF_ORDER)
    return [*run[:index], overtaking, held, *run[index + 2 :]]


def copied(delivery: Delivery, after: float) -> Delivery:
    """The delivery once more, as a retry makes it: the same bytes, signed with the time of the first posting.

    A copy of a faulty delivery has that fault.
    """
    signed_before = delivery.signed_before + after
    fault = delivery.fault or Fault.DUPLICATE
    return replace(delivery, at=delivery.at + after, signed_before=signed_before, fault=fault)


def positive(rate: float) -> float:
    """The rate if it is one. Raises SimulationProblem."""
    if not 0 < rate < float("inf"):
        raise SimulationProblem(f"a rate of {rate:g} is not possible; give deliveries per second above 0, such as 2")
    return rate
