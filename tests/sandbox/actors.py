"""Providers that exist only to play scenarios of a given shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from monitor.jsonbody import compact
from monitor.providers.base import Provider, Scenario, Scene, SimulatedEvent
from monitor.sandbox.traffic import Faults

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NO_FAULTS = Faults(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class _Actor:
    name: str
    scenarios: Sequence[Scenario]

    @property
    def label(self) -> str:
        return self.name.title()


def actor(name: str, *scenarios: Scenario) -> Provider:
    """A provider with these scenarios, which can neither sign nor read."""
    return cast("Provider", _Actor(name, scenarios))


def scenario(name: str, *afters: float, weight: int = 1) -> Scenario:
    """A scenario with one event for each time; each body tells its number, its time and who plays."""

    def build(scene: Scene) -> list[SimulatedEvent]:
        message = scene.rng.getrandbits(32)
        return [
            SimulatedEvent(
                after,
                compact(
                    {
                        "message": message,
                        "number": number,
                        "at": scene.start.timestamp() + after,
                        "to": {"phone": scene.customer.phone, "text": scene.text},
                        "tags": ["a", "b"],
                    }
                ),
            )
            for number, after in enumerate(afters)
        ]

    return Scenario(name, f"{len(afters)} events", build, weight)
