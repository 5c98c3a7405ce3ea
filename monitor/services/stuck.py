"""Which messages wait longer for their end than others did.

Work is bounded whatever the history holds: what others took is read from the newest captures, and only the newest open
messages are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.model.lifecycle import stuck_since
from monitor.model.message import Message
from monitor.services.percentiles import percentile
from monitor.store.filter_sql import EVERYTHING, Where
from monitor.store.message_reader import MessageReader, Order

RECENT: Final = 20_000  # captures whose messages say how long it takes
MIN_SAMPLES: Final = 20  # with fewer, one slow message would decide
MAX_OPEN: Final = 1_000  # open messages that are looked at, the newest


@dataclass(frozen=True, slots=True)
class Stuck:
    """A stuck message with the beginning of its text, its number in the database, and for how many seconds it waits."""

    number: int
    message: Message
    seconds: float


def usual_waits(reader: MessageReader) -> dict[str, float]:
    """By provider, the 95th percentile of the seconds from sent to final; providers with few samples are left out."""
    found = {}
    for provider, samples in reader.waits(RECENT).items():
        usual = percentile(sorted(samples), 0.95)
        if usual is not None and len(samples) >= MIN_SAMPLES:
            found[provider] = usual
    return found


def stuck_for(message: Message, now: datetime, usual: Mapping[str, float]) -> float | None:
    """For how many seconds a message is stuck at a time, or None; ``usual`` is what ``usual_waits`` gave."""
    return stuck_since(message, now, usual.get(message.provider))


def stuck_messages(
    reader: MessageReader, now: datetime, usual: Mapping[str, float], where: Where = EVERYTHING
) -> list[Stuck]:
    """The messages that pass a compiled filter and are stuck now, the one that waits longest first."""
    found = []
    open_ones = reader.message_ids(Order.STUCK, where, MAX_OPEN)
    for number, message in reader.messages(open_ones, briefly=True).items():
        seconds = stuck_for(message, now, usual)
        if seconds is not None:
            found.append(Stuck(number, message, seconds))
    return sorted(found, key=lambda one: (-one.seconds, one.number))
