"""Lifecycle: folds the events of one message into the message.

The fold depends on which events there are, never on the order in which they are given. Stages are put in the order of
the provider's clock; arrival decides only where the provider gives no time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, Final

from monitor.model.event import Event, Occurrence, moves, occurrences, own_time, trusted, worth
from monitor.model.latency import latency_of
from monitor.model.message import (
    MAX_ALIASES,
    MAX_CAPTURES,
    MAX_INTERACTIONS,
    MAX_STAGES,
    Interaction,
    Mark,
    Message,
    Stage,
)
from monitor.model.reading import Direction, Reading, Status

# A message never goes back to a state of lower rank. What no provider defines moves nothing that is known.
_RANK: Final[dict[Status | None, int]] = {
    None: -1,
    Status.OTHER: -1,
    Status.RECEIVED: 0,
    Status.QUEUED: 0,
    Status.SENT: 1,
    Status.DELIVERED: 2,
    Status.FAILED: 2,
    Status.READ: 3,
}
_INTERACTION_RANK: Final = 3
_ARRIVED: Final = (Status.DELIVERED, Status.READ)
_FINAL: Final = (Status.RECEIVED, Status.DELIVERED, Status.FAILED, Status.READ)
_SKEW: Final = timedelta(seconds=2)  # how far ahead of our clock a provider's may be without a word
_MARKS: Final = tuple(Mark)


def fold(events: Iterable[Event], *, forbid_unproven: bool = False) -> Message:
    """The message that these events tell of: all that have one message key, or an alias of it.

    Events that may not move it (``event.moves``) are listed and change nothing else; only where there are no others do
    they say what the message is about, never what became of it. A message that came to an end stays there. Where it
    was both delivered and failed, it is marked as a conflict and shown as what was verified rather than not, else
    what was earlier in the provider's clock, else as failed: a needless look at a delivered message costs less than
    a failure that nobody sees. Raises ValueError when no event has a message key.
    """
    moving: list[Event] = []
    listed: list[Event] = []
    for event in events:
        (moving if moves(event.verdict, forbid_unproven=forbid_unproven) else listed).append(event)
    everything = moving + listed
    told = sorted(occurrences(moving), key=_order)
    about = sorted(told or occurrences(listed), key=worth)
    readings = [item.event.reading for item in about]
    keys = _keys(moving or listed)

    marks = _marks(told)
    conflict = _conflict(told)
    for index in conflict:
        marks[index].add(Mark.CONFLICT)
    direction = _first(readings, "direction")
    staged = [index for index, item in enumerate(told) if item.event.reading.status is not None]
    kept = _bounded(staged, told)
    statuses = {told[index].event.reading.status for index in kept}
    inbound = direction is Direction.INBOUND or (direction is None and Status.RECEIVED in statuses)
    placed = [(_order(told[index])[:2], _stage(told[index], marks[index])) for index in kept]
    if told and not inbound:
        placed = sorted([*_inferred(about, statuses), *placed], key=itemgetter(0))
    stages = tuple(stage for _, stage in placed)
    status = _status(told, stages)
    turning = next((item for item in trusted(told) if item.event.reading.status is status), None)
    latency, skewed = latency_of(told, status, turning, inbound=inbound)

    noticed = set().union(*marks)
    if skewed:
        noticed.add(Mark.CLOCK_SKEW)
    if not all(item.verified for item in told) or not told:
        noticed.add(Mark.UNPROVEN)
    return Message(
        key=keys[0],
        provider=about[0].event.provider,
        aliases=tuple(keys[1 : MAX_ALIASES + 1]),
        conversation=_first(readings, "conversation"),
        direction=direction,
        channel=_first(readings, "channel"),
        from_=_first(readings, "from_"),
        to=_first(readings, "to"),
        text=_first(readings, "text"),
        media=_first(readings, "media"),
        status=status,
        final=status in _FINAL,
        stages=stages,
        more_stages=len(staged) - len(kept),
        interactions=_interactions(told),
        latency=latency,
        error=turning.event.reading.error if turning and status is Status.FAILED else None,
        marks=_in_order(noticed),
        captures=_ids(everything),
        capture_count=sum(event.count for event in everything),
        unproven=_ids(listed),
        unproven_count=sum(event.count for event in listed),
        duplicates=sum(item.count - 1 for item in told),
        happened_at=_happened_at(told, everything),
        first_at=min(event.received_at for event in everything),
        updated_at=max(event.last_at or event.received_at for event in everything),
        completed_at=_first(readings, "completed_at") if told else None,
        valid_until=_first(readings, "valid_until") if told else None,
    )


def stuck_since(message: Message, now: datetime, p95_s: float | None) -> float | None:
    """For how many seconds an outbound message has been waiting for its end, or None where that is nothing to report.

    It is stuck when ``valid_until`` has passed, or when it waits longer than ``p95_s``: the 95th percentile of
    ``sent_to_final_s`` seen so far, None where too few were seen. What was read or opened has arrived, and what the
    provider calls completed is no longer under way.
    """
    if message.direction is Direction.INBOUND or message.status not in (Status.QUEUED, Status.SENT):
        return None
    if message.interactions or message.completed_at is not None:
        return None
    last = message.stages[-1]
    waiting = (now - (last.provider_at or last.received_at)).total_seconds()
    expired = message.valid_until is not None and now > message.valid_until
    return waiting if waiting > 0 and (expired or (p95_s is not None and waiting > p95_s)) else None


def _order(item: Occurrence) -> tuple[datetime, int, bool, datetime, int, int]:
    """In the provider's clock; at one time in the order of the ranks."""
    event = item.event
    at = event.reading.occurred_at or event.received_at
    return at, _rank(event.reading), not item.verified, event.received_at, event.capture, event.digest


def _rank(reading: Reading) -> int:
    if reading.status is None and reading.mark:
        return _INTERACTION_RANK
    return _RANK[reading.status]


def _first(readings: Sequence[Reading], name: str) -> Any:
    """The first value of a field that says something, else the first that is there."""
    get = attrgetter(name)
    found = None
    for reading in readings:
        value = get(reading)
        if value:
            return value
        if found is None:
            found = value
    return found


def _keys(events: Sequence[Event]) -> list[str]:
    """The message's key, as the first capture of it gives it, then its other keys."""
    named = [event for event in events if event.reading.message]
    if not named:
        raise ValueError("no event has a message key")
    key = min((event.capture, event.reading.message or "") for event in named)[1]
    others = {name for event in named for name in (event.reading.message, *event.reading.aliases) if name}
    return [key, *sorted(others - {key})]


def _ids(events: Sequence[Event]) -> tuple[int, ...]:
    return tuple(sorted({event.capture for event in events})[:MAX_CAPTURES])


def _marks(told: Sequence[Occurrence]) -> list[set[Mark]]:
    """What is to be noticed of each occurrence; they are in the order of the provider's clock."""
    marks: list[set[Mark]] = []
    highest = -1
    for item in told:
        reading = item.event.reading
        mine: set[Mark] = set()
        if item.count > 1:
            mine.add(Mark.DUPLICATE)
        if item.late:
            mine.add(Mark.LATE)
        if not item.verified:
            mine.add(Mark.UNPROVEN)
        if reading.occurred_at is not None:
            if reading.occurred_at - item.event.received_at > _SKEW:
                mine.add(Mark.CLOCK_SKEW)
            if reading.status is not None:
                rank = _RANK[reading.status]
                if 0 <= rank < highest:  # of equal times the lower rank stands first, so this one is later
                    mine.add(Mark.REGRESSION)
                highest = max(highest, rank)
        marks.append(mine)
    overtaken: tuple[datetime, int] | None = None
    for item, mine in sorted(zip(told, marks, strict=True), key=_arrived_in_turn, reverse=True):
        event = item.event
        if event.reading.occurred_at is None or _rank(event.reading) < 0:
            continue
        arrived = (event.received_at, event.capture)
        if overtaken is not None and arrived > overtaken:
            mine.add(Mark.OUT_OF_ORDER)
        else:
            overtaken = arrived
    return marks


def _arrived_in_turn(pair: tuple[Occurrence, set[Mark]]) -> tuple[datetime, int, datetime, int]:
    """In the provider's clock; what happened at one time, in the order of arrival: none of it overtook the other."""
    item, _ = pair
    at, rank, *_ = _order(item)
    return at, rank, item.event.received_at, item.event.capture


def _conflict(told: Sequence[Occurrence]) -> list[int]:
    """Which occurrences contradict each other about the end."""
    failed = [index for index, item in enumerate(told) if item.event.reading.status is Status.FAILED]
    if not failed:
        return []
    arrived = [index for index, item in enumerate(told) if item.event.reading.status in _ARRIVED]
    reasons = {
        (error.code, error.carrier_code) for index in failed if (error := told[index].event.reading.error) is not None
    }
    return failed + arrived if arrived or len(reasons) > 1 else []


def _bounded(indexes: list[int], told: Sequence[Occurrence]) -> list[int]:
    """As many stages as are kept: the first of each status, then the earliest."""
    if len(indexes) <= MAX_STAGES:
        return indexes
    firsts: dict[Status | None, int] = {}
    for index in indexes:
        firsts.setdefault(told[index].event.reading.status, index)
    return sorted(list(dict.fromkeys((*firsts.values(), *indexes)))[:MAX_STAGES])


def _stage(item: Occurrence, marks: set[Mark]) -> Stage:
    event = item.event
    reading = event.reading
    assert reading.status is not None  # noqa: S101 - the caller chose those
    return Stage(
        status=reading.status,
        provider_at=own_time(reading),
        received_at=event.received_at,
        capture=event.capture,
        provider_status=reading.provider_status,
        error=reading.error,
        count=item.count,
        last_at=item.last_at,
        marks=_in_order(marks),
    )


def _inferred(
    about: Sequence[Occurrence], known: Collection[Status | None]
) -> Iterator[tuple[tuple[datetime, int], Stage]]:
    """The stages of which no event came, but whose times other events carry, with their place.

    Of those that carry the earliest time the first in ``about`` stands for the stage.
    """
    for status, get in ((Status.QUEUED, attrgetter("accepted_at")), (Status.SENT, attrgetter("sent_at"))):
        carriers = [(at, item) for item in about if (at := get(item.event.reading)) is not None]
        if status not in known and carriers:
            at, carrier = min(carriers, key=itemgetter(0))
            event, marks = carrier.event, () if carrier.verified else (Mark.UNPROVEN,)
            yield (at, _RANK[status]), Stage(status, at, event.received_at, event.capture, inferred=True, marks=marks)


def _status(told: Sequence[Occurrence], stages: Sequence[Stage]) -> Status | None:
    """The state shown: see ``fold`` for how a conflict is decided."""
    ends = [
        (not item.verified, _order(item)[0], status is not Status.FAILED, status)
        for item in told
        if (status := item.event.reading.status) is Status.FAILED or status in _ARRIVED
    ]
    if ends:
        if min(ends)[-1] is Status.FAILED:
            return Status.FAILED
        return Status.READ if any(status is Status.READ for *_, status in ends) else Status.DELIVERED
    return max((stage.status for stage in stages), key=lambda status: _RANK[status], default=None)


def _interactions(told: Sequence[Occurrence]) -> tuple[Interaction, ...]:
    first: dict[str, Occurrence] = {}
    times: dict[str, int] = {}
    for item in told:
        mark = item.event.reading.mark
        if mark and (mark in first or len(first) < MAX_INTERACTIONS):
            first.setdefault(mark, item)
            times[mark] = times.get(mark, 0) + 1
    return tuple(
        Interaction(mark, own_time(item.event.reading), item.event.received_at, item.event.capture, times[mark])
        for mark, item in first.items()
    )


def _happened_at(told: Sequence[Occurrence], everything: Sequence[Event]) -> datetime:
    # what may be forged says nothing of when: then our own clock does
    readings = [item.event.reading for item in told]
    known = [at for reading in readings for at in (reading.accepted_at, reading.occurred_at) if at is not None]
    return min(known) if known else min(event.received_at for event in everything)


def _in_order(marks: set[Mark]) -> tuple[Mark, ...]:
    return tuple(mark for mark in _MARKS if mark in marks) if marks else ()
