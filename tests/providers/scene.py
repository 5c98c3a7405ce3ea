"""A scene to play scenarios with."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from monitor.providers.base import Person, Scene

START = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=UTC)


def make_scene(seed: int = 1, text: str = "Your table for two is booked", reply: str = "Thank you!") -> Scene:
    """The same scene for the same seed."""
    customer = Person("Ada Example", "+15555550142", "ada@example.com")
    return Scene(Random(seed), START, customer, "+15555550100", text, reply)
