"""Latency: how long a message took from one state to the next, by the provider's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from monitor.model.event import Occurrence, own_time, trusted
from monitor.model.message import Latency
from monitor.model.reading import Status

# Providers whose times are cut to whole seconds, so that a difference may seem up to a second too small. Source:
# https://docs.connectly.ai/webhooks/payload-types (timestamp)
_WHOLE_SECONDS: Final = frozenset({"connectly"})


def latency_of(
    told: Sequence[Occurrence], status: Status | None, turning: Occurrence | None, *, inbound: bool
) -> tuple[Latency, bool]:
    """How long a message of that state took, and whether times contradict each other.

    ``told`` is in the order of the provider's clock; ``turning`` is the one that gave the message its state.
    """
    whole = bool(told) and told[0].event.provider in _WHOLE_SECONDS
    newest = turning or next((item for item in reversed(told) if own_time(item.event.reading)), None)
    transit = None
    if newest is not None:
        transit, _ = _between(own_time(newest.event.reading), newest.event.received_at, whole)
    if inbound:
        return Latency(transit_s=transit, about=whole and transit is not None), False
    accepted = _earliest(item.event.reading.accepted_at for item in told) or _time_of(told, Status.QUEUED)
    sent = _earliest(item.event.reading.sent_at for item in told) or _time_of(told, Status.SENT)
    final = _time_of(told, Status.FAILED if status is Status.FAILED else Status.DELIVERED)
    to_sent, sent_skewed = _between(accepted, sent, whole)
    to_final, final_skewed = _between(sent, final, whole)
    total, total_skewed = _between(accepted, final, whole)
    about = whole and any(value is not None for value in (to_sent, to_final, total, transit))
    return Latency(to_sent, to_final, total, transit, about), sent_skewed or final_skewed or total_skewed


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _time_of(told: Sequence[Occurrence], status: Status) -> datetime | None:
    """When the message came to a state; a mark on an event makes its time that of the mark."""
    for item in trusted(told):
        reading = item.event.reading
        if reading.status is status and not reading.mark:
            return reading.completed_at or own_time(reading)
    return None


def _between(start: datetime | None, end: datetime | None, whole: bool) -> tuple[float | None, bool]:
    """The seconds from start to end, and whether they run backwards."""
    if start is None or end is None:
        return None, False
    seconds = (end - start).total_seconds()
    if seconds >= 0:
        return seconds, False
    return (0.0, False) if whole and seconds >= -1 else (None, True)
