"""What the scenarios of all providers share: ids, times and bodies made from nothing but a scene."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from random import Random

from monitor.jsonbody import Json, compact
from monitor.providers.base import SimulatedEvent


def new_uuid(rng: Random) -> str:
    """A random UUID of the scene's own chance."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def same_uuid(*of: str) -> str:
    """The UUID that always stands for the same things: a business's channel, a customer, their conversation."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(of)))


def zulu(moment: datetime) -> str:
    """An aware time as ISO 8601 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def posted(
    after: float, value: Json, content_type: str = "application/json", *, signed_before: float = 0.0
) -> SimulatedEvent:
    """A delivery ``after`` seconds into the scenario whose body is the value as compact JSON."""
    return SimulatedEvent(round(after, 3), compact(value), content_type, signed_before)
