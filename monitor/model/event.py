"""Event: what one capture says, without the request it came in, and how often it was said."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.model.capture import Source
from monitor.model.reading import Reading, Status
from monitor.model.verdict import VerdictStatus

LATE: Final = timedelta(minutes=5)  # an event that arrives this long after its own time is late
_NEVER: Final = frozenset({VerdictStatus.INVALID, VerdictStatus.STALE, VerdictStatus.MISSING})
_OF_THE_MAKING: Final = (Status.QUEUED, Status.RECEIVED)  # states that may well begin when the message is made


@dataclass(frozen=True, slots=True)
class Event:
    """What a fold needs of a capture.

    ``verdict`` is the one that counts (``verdict.standing``), ``digest`` is 64 bits that tell bodies apart, ``age_s``
    how old the signed time was on arrival. One event may stand for several captures that say the same under the same
    verdict, so that a flood of repeats costs no more than one of them: ``count`` is their number, ``capture`` and
    ``received_at`` are the first one's, ``last_at`` is the arrival of the last one (None: there is one only).
    """

    capture: int
    received_at: datetime
    provider: str
    source: Source
    verdict: VerdictStatus
    reading: Reading
    digest: int
    age_s: float | None = None
    count: int = 1
    last_at: datetime | None = None


def moves(verdict: VerdictStatus, *, forbid_unproven: bool = False) -> bool:
    """Whether a capture with this verdict may change what is known of a message or a conversation.

    A signature that is wrong, too old, or absent where one is due never may. Where none could be checked (no key, a
    provider that need not sign, an imported row) it may, unless ``forbid_unproven``.
    """
    return verdict is VerdictStatus.VERIFIED or not (forbid_unproven or verdict in _NEVER)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that a provider said, however often it said it.

    ``event`` is the capture that stands for it: of those verified (else of all) the first to arrive. ``verified`` is
    whether there is one verified, ``late`` whether any came late, ``count`` how many captures there are, ``last_at``
    the arrival of the last.
    """

    event: Event
    count: int
    last_at: datetime
    verified: bool
    late: bool


def occurrences(events: Iterable[Event]) -> list[Occurrence]:
    """The events with their repeats taken together, in no particular order.

    A repeat has the same body, or tells of the same event, status, mark and error code at the same time of the
    provider's clock.
    """
    bodies: dict[int, list[Event]] = {}
    for event in events:
        bodies.setdefault(event.digest, []).append(event)
    said: dict[Hashable, list[Event]] = {}
    for same in bodies.values():
        # the time may stand in a header, so equal bodies need not have one time: that of the first counts for all
        reading = _foremost(same).reading
        said.setdefault(_name(reading) or same[0].digest, []).extend(same)
    return [_occurrence(same) for same in said.values()]


def own_time(reading: Reading) -> datetime | None:
    """When the event happened in the provider's clock; None where the time given is only that of the message's making.

    OneRoute's reports of pending and undelivered messages carry no other time than createdAt (its SMS report page).
    """
    at = reading.occurred_at
    if at is not None and at == reading.accepted_at and reading.status not in _OF_THE_MAKING:
        return None
    return at


def trusted(told: Sequence[Occurrence]) -> list[Occurrence]:
    """Those verified before the others, else in the given order."""
    return sorted(told, key=_unverified)


def _unverified(item: Occurrence) -> bool:
    return not item.verified


def worth(item: Occurrence) -> tuple[bool, int, datetime, int, int]:
    """What is verified first, then what says most, then what came first."""
    event = item.event
    reading = event.reading
    said = bool(reading.text) + bool(reading.media) + bool(reading.from_) + bool(reading.to)
    return not item.verified, -said - bool(reading.conversation), event.received_at, event.capture, event.digest


def _name(reading: Reading) -> tuple[object, ...] | None:
    at, error = reading.occurred_at, reading.error
    if at is None:
        return None
    codes = error and (error.code, error.carrier_code)
    return at, reading.event, reading.status, reading.provider_status, reading.mark, codes


def _occurrence(same: list[Event]) -> Occurrence:
    foremost = _foremost(same)
    if len(same) == 1:
        return Occurrence(
            event=foremost,
            count=foremost.count,
            last_at=foremost.last_at or foremost.received_at,
            verified=foremost.verdict is VerdictStatus.VERIFIED,
            late=_is_late(foremost),
        )
    return Occurrence(
        event=foremost,
        count=sum(event.count for event in same),
        last_at=max(event.last_at or event.received_at for event in same),
        verified=foremost.verdict is VerdictStatus.VERIFIED,
        late=any(_is_late(event) for event in same),
    )


def _foremost(same: list[Event]) -> Event:
    return same[0] if len(same) == 1 else min(same, key=_order)


def _order(event: Event) -> tuple[bool, datetime, int, int]:
    return event.verdict is not VerdictStatus.VERIFIED, event.received_at, event.capture, event.digest


def _is_late(event: Event) -> bool:
    if event.age_s is not None and event.age_s > LATE.total_seconds():
        return True
    at = own_time(event.reading)
    return at is not None and (event.last_at or event.received_at) - at > LATE
