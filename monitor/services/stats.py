"""Figures over the history: rates, verdicts, statuses, latencies, and why messages failed."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any, Final

from monitor.model.filter import Filter, FilterError
from monitor.model.record import rfc3339
from monitor.services.percentiles import percentile
from monitor.store.filter_sql import Where, compile_filter, compile_message_filter
from monitor.store.stats_reader import (
    DAY,
    HOUR,
    Bucket,
    CaptureCount,
    FailureGroup,
    MessageCount,
    Samples,
    StatsReader,
)
from monitor.times import microseconds, moment

MAX_REASONS: Final = 100
MAX_BUCKETS: Final = 61  # an hour in minutes, with the one that runs
FAILED: Final = "failed"
# How long a stretch of the rate over time may be, in seconds: what people count in; beyond these, whole years.
_STEPS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 1_209_600, 2_419_200, 7_257_600,
)  # fmt: skip
_YEAR: Final = 31_536_000


class Span(StrEnum):
    """How far back the rate over time goes."""

    HOUR = "hour"
    DAY = "day"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of ``count`` durations in seconds; None of none."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the messages of a provider took; ``channel`` and ``carrier`` are None where they were not told apart.

    Providers name a carrier only where one refused a message.
    """

    provider: str
    channel: str | None
    carrier: str | None
    accept_to_sent: Percentiles
    sent_to_final: Percentiles
    total: Percentiles


@dataclass(frozen=True, slots=True)
class Rates:
    """Captures in the last minute, hour and day, and since the first one in all."""

    captures: int
    minute: int
    hour: int
    day: int
    first_at: datetime | None
    last_at: datetime | None

    @property
    def per_second(self) -> float | None:
        """The mean from the first to the last capture, None where there are not two times."""
        if self.first_at is None or self.last_at is None or self.first_at == self.last_at:
            return None
        return self.captures / (self.last_at - self.first_at).total_seconds()


@dataclass(frozen=True, slots=True)
class History:
    """The rate over time: equal stretches of time, ``step`` long, one after another."""

    span: Span
    step: timedelta
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures. ``messages`` and what follows are None where the filter asks for what only captures have:
    ``wrong`` says so."""

    at: datetime
    filter: str
    rates: Rates
    history: History | None
    captures: tuple[CaptureCount, ...]
    wrong: FilterError | None
    messages: tuple[MessageCount, ...] | None
    by_provider: tuple[Timing, ...] | None
    by_channel: tuple[Timing, ...] | None
    by_carrier: tuple[Timing, ...] | None
    failures: tuple[FailureGroup, ...] | None

    @property
    def failed(self) -> int:
        """How many messages failed."""
        return sum(one.messages for one in self.messages or () if one.status == FAILED)

    def share(self, group: FailureGroup) -> float:
        """A group's share of the failed messages, 0 to 1."""
        return group.messages / max(self.failed, group.messages, 1)


def statistics(reader: StatsReader, wanted: Filter, now: datetime, span: Span | None = Span.ALL) -> Stats:
    """The figures for what passes the filter. Reads the history once for each part: ask off the event loop.

    ``span`` is how far back the rate over time goes (None: an hour, or as far as there is something to see); all else
    is of the whole history.
    """
    passing = compile_filter(wanted, now)
    counts = tuple(reader.capture_counts(passing, now))
    rates = _rates(counts)
    history = _history(reader, passing, rates, now, span)
    try:
        where = compile_message_filter(wanted, now)
    except FilterError as error:
        return Stats(now, wanted.text, rates, history, counts, error, None, None, None, None, None)
    samples = reader.samples(where)
    return Stats(
        at=now,
        filter=wanted.text,
        rates=rates,
        history=history,
        captures=counts,
        wrong=None,
        messages=tuple(reader.message_counts(where)),
        by_provider=_timings(samples),
        by_channel=_timings(samples, channels=True),
        by_carrier=_timings(samples, carriers=True),
        failures=tuple(reader.failure_groups(where, MAX_REASONS)),
    )


def stats_record(stats: Stats) -> dict[str, Any]:
    """The figures as one JSON object; what the filter cannot ask of messages is null."""
    rates = stats.rates
    verdicts: Counter[str] = Counter()
    for one in stats.captures:
        verdicts[one.verdict] += one.captures
    return {
        "kind": "stats",
        "at": rfc3339(stats.at),
        "filter": stats.filter,
        "captures": {
            "count": rates.captures,
            "last_minute": rates.minute,
            "last_hour": rates.hour,
            "last_day": rates.day,
            "per_second": rates.per_second,
            "first_at": rfc3339(rates.first_at),
            "last_at": rfc3339(rates.last_at),
            "verdicts": dict(sorted(verdicts.items())),
            "providers": _nested((one.provider, one.verdict, one.captures) for one in stats.captures),
        },
        "history": None
        if stats.history is None
        else {
            "step_s": stats.history.step.total_seconds(),
            "buckets": [[rfc3339(one.begins), one.captures, one.failed] for one in stats.history.buckets],
        },
        "messages": None if stats.messages is None else _messages(stats.messages),
        "latency": None
        if stats.by_provider is None
        else {
            "providers": [_timing(one) for one in stats.by_provider],
            "channels": [_timing(one) for one in stats.by_channel or ()],
            "carriers": [_timing(one) for one in stats.by_carrier or ()],
        },
        "failures": None
        if stats.failures is None
        else [
            {
                "provider": one.provider,
                "code": one.code,
                "carrier_code": one.carrier_code,
                "carrier": one.carrier,
                "title": one.title,
                "count": one.messages,
                "share": round(stats.share(one), 4),
                "first_at": rfc3339(one.first_at),
                "last_at": rfc3339(one.last_at),
                "example": one.example,
            }
            for one in stats.failures
        ],
    }


def _messages(counts: Iterable[MessageCount]) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    directions: Counter[str] = Counter()
    open_ = 0
    for one in counts:
        statuses[one.status or "unknown"] += one.messages
        directions[one.direction or "unknown"] += one.messages
        open_ += 0 if one.final else one.messages
    return {
        "count": sum(statuses.values()),
        "open": open_,
        "statuses": dict(sorted(statuses.items())),
        "directions": dict(sorted(directions.items())),
        "providers": _nested((one.provider, one.status or "unknown", one.messages) for one in counts),
    }


def _nested(rows: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for provider, name, number in rows:
        found.setdefault(provider, Counter())[name] += number
    return {provider: dict(sorted(counter.items())) for provider, counter in sorted(found.items())}


def _timing(one: Timing) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "channel": one.channel,
        "carrier": one.carrier,
        "accept_to_sent_s": _percentiles(one.accept_to_sent),
        "sent_to_final_s": _percentiles(one.sent_to_final),
        "total_s": _percentiles(one.total),
    }


def _percentiles(one: Percentiles) -> dict[str, Any]:
    return {"count": one.count, "p50": one.p50, "p95": one.p95, "p99": one.p99}


def _rates(counts: Iterable[CaptureCount]) -> Rates:
    kept = list(counts)
    return Rates(
        captures=sum(one.captures for one in kept),
        minute=sum(one.minute for one in kept),
        hour=sum(one.hour for one in kept),
        day=sum(one.day for one in kept),
        first_at=min((one.first_at for one in kept), default=None),
        last_at=max((one.last_at for one in kept), default=None),
    )


def _history(reader: StatsReader, where: Where, rates: Rates, now: datetime, span: Span | None) -> History | None:
    """The rate over time, None where nothing came. Stretches begin at round times."""
    if rates.first_at is None or rates.last_at is None:
        return None
    if span is None:
        span = Span.HOUR if rates.hour and now - rates.first_at > HOUR else Span.ALL
    back = {Span.HOUR: HOUR, Span.DAY: DAY}.get(span)
    end = now if back else rates.last_at
    low, high = microseconds(end - back if back else rates.first_at), microseconds(end)
    width = next(width for width in _widths() if high // width - low // width < MAX_BUCKETS)
    first, last = low // width, high // width
    step = timedelta(microseconds=width)
    return History(span, step, tuple(reader.buckets(where, moment(first * width), step, last - first + 1)))


def _widths() -> Iterator[int]:
    """How many microseconds a stretch may be long, the shortest first; years grow as long as it takes."""
    yield from (seconds * 1_000_000 for seconds in _STEPS)
    yield from (seconds * 1_000_000 for seconds in count(_YEAR, _YEAR))


def _timings(
    samples: Mapping[tuple[str, str | None, str | None], Samples], *, channels: bool = False, carriers: bool = False
) -> tuple[Timing, ...]:
    """The percentiles by provider, or by what else is told apart; what has no such name is left out."""
    groups: dict[tuple[str, str | None, str | None], Samples] = {}
    for (provider, channel, carrier), some in samples.items():
        if (channels and channel is None) or (carriers and carrier is None):
            continue
        group = groups.setdefault((provider, channel if channels else None, carrier if carriers else None), Samples())
        group.accept_to_sent.extend(some.accept_to_sent)
        group.sent_to_final.extend(some.sent_to_final)
        group.total.extend(some.total)
    timings = [
        Timing(*name, _of(group.accept_to_sent), _of(group.sent_to_final), _of(group.total))
        for name, group in groups.items()
    ]
    measured = [one for one in timings if one.accept_to_sent.count or one.sent_to_final.count or one.total.count]
    return tuple(sorted(measured, key=lambda one: (one.provider, one.channel or "", one.carrier or "")))


def _of(values: array[float]) -> Percentiles:
    ordered = sorted(values)
    return Percentiles(len(ordered), *(percentile(ordered, share) for share in (0.5, 0.95, 0.99)))
