"""Counting over the whole history: every query here reads once, and gives back groups, not rows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from monitor.store.filter_sql import Where
from monitor.store.message_reader import MessageReader
from monitor.times import microseconds, moment

MICROSECOND: Final = timedelta(microseconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_BETWEEN: Final = "sum(r.received_at > ? AND r.received_at <= ?)"


@dataclass(frozen=True, slots=True)
class CaptureCount:
    """The captures of one provider with one verdict: how many, how many in the last minute, hour and day, and when the
    first and the last came."""

    provider: str
    verdict: str
    captures: int
    minute: int
    hour: int
    day: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """The captures of one stretch of time: how many, and how many of them tell of a failed message."""

    begins: datetime
    captures: int
    failed: int


@dataclass(frozen=True, slots=True)
class MessageCount:
    """The messages of one provider, direction and status. ``status`` is None where nobody said one."""

    provider: str
    direction: str | None
    status: str | None
    final: bool
    messages: int


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Messages that failed for one reason. ``example`` is the key of the newest, ``title`` its error's."""

    provider: str
    code: str | None
    carrier_code: str | None
    carrier: str | None
    title: str | None
    messages: int
    first_at: datetime
    last_at: datetime
    example: str


@dataclass(slots=True)
class Samples:
    """What was measured of the messages of one provider, channel and carrier, in seconds, in no order."""

    accept_to_sent: array[float] = field(default_factory=lambda: array("d"))
    sent_to_final: array[float] = field(default_factory=lambda: array("d"))
    total: array[float] = field(default_factory=lambda: array("d"))


class StatsReader(MessageReader):
    """A reading connection that counts. The queries may take seconds over a long history: ask off the event loop."""

    def capture_counts(self, where: Where, now: datetime) -> list[CaptureCount]:
        """The captures that pass a compiled filter, by provider and verdict. Those that came later than now, by a
        clock that was set back, are not of the last minute."""
        source = "readings r JOIN captures c ON c.id = r.id" if where.needs_captures else "readings r"
        sql = (
            f"SELECT r.provider, r.verdict, count(*), {', '.join([_BETWEEN] * 3)}, "  # noqa: S608 - compiled: constants and ?
            "min(r.received_at), max(r.received_at) "
            f"FROM {source} WHERE {where.sql} GROUP BY r.provider, r.verdict ORDER BY 1, 2"
        )
        spans = [at for span in (MINUTE, HOUR, DAY) for at in (microseconds(now - span), microseconds(now))]
        return [
            CaptureCount(provider, verdict, captures, minute, hour, day, moment(first), moment(last))
            for provider, verdict, captures, minute, hour, day, first, last in self._all(
                sql, (*spans, *where.parameters)
            )
        ]

    def buckets(self, where: Where, begin: datetime, step: timedelta, number: int) -> list[Bucket]:
        """The captures that pass a compiled filter and came since ``begin``, in ``number`` stretches of time, each a
        ``step`` long, one after another; those that came later than that are left out."""
        source = "readings r JOIN captures c ON c.id = r.id" if where.needs_captures else "readings r"
        low, width = microseconds(begin), step // MICROSECOND
        sql = (
            "SELECT (r.received_at - ?) / ?, count(*), coalesce(sum(r.status = 'failed'), 0) "  # noqa: S608 - as above
            f"FROM {source} WHERE r.received_at >= ? AND r.received_at < ? AND ({where.sql}) GROUP BY 1"
        )
        found = {
            index: (captures, failed)
            for index, captures, failed in self._all(sql, (low, width, low, low + number * width, *where.parameters))
        }
        return [Bucket(begin + index * step, *found.get(index, (0, 0))) for index in range(number)]

    def message_counts(self, where: Where) -> list[MessageCount]:
        """The messages that pass a compiled filter, by provider, direction and status."""
        sql = (
            "SELECT r.provider, r.direction, r.status, max(r.final), count(*) FROM messages r "  # noqa: S608 - as above
            f"WHERE {where.sql} GROUP BY r.provider, r.direction, r.status ORDER BY 1, 2, 3"
        )
        return [
            MessageCount(provider, direction, status, bool(final), messages)
            for provider, direction, status, final, messages in self._all(sql, where.parameters)
        ]

    def samples(self, where: Where) -> dict[tuple[str, str | None, str | None], Samples]:
        """How long the messages that pass a compiled filter took, by provider, channel and carrier.

        Read row by row into arrays: 24 bytes a message.
        """
        sql = (
            "SELECT r.provider, r.channel, r.carrier, r.accept_to_sent_s, r.sent_to_final_s, r.total_s "  # noqa: S608 - as above
            f"FROM messages r WHERE {where.sql}"
        )
        found: dict[tuple[str, str | None, str | None], Samples] = {}
        with self._using() as db:
            for provider, channel, carrier, to_sent, to_final, total in db.execute(sql, where.parameters):
                samples = found.get((provider, channel, carrier))
                if samples is None:
                    samples = found[(provider, channel, carrier)] = Samples()
                if to_sent is not None:
                    samples.accept_to_sent.append(to_sent)
                if to_final is not None:
                    samples.sent_to_final.append(to_final)
                if total is not None:
                    samples.total.append(total)
        return found

    def failure_groups(self, where: Where, limit: int) -> Sequence[FailureGroup]:
        """Why the messages that pass a compiled filter failed, the most frequent reasons first."""
        # The index of failed messages leads to the rows; a group's title is that of its newest message. Where there
        # is no code the title is the reason: OneRoute has none.
        sql = (
            "SELECT g.*, m.error_title, m.message FROM (SELECT r.provider, r.error_code, r.carrier_code, r.carrier, "  # noqa: S608 - as above
            "count(*) AS messages, min(r.received_at), max(r.received_at) AS last_at, max(r.id) AS newest "
            f"FROM messages r WHERE r.status = 'failed' AND ({where.sql}) "
            "GROUP BY 1, 2, 3, 4, iif(coalesce(r.error_code, r.carrier_code) IS NULL, r.error_title, NULL)) g "
            "JOIN messages m ON m.id = g.newest ORDER BY g.messages DESC, g.last_at DESC LIMIT ?"
        )
        return [
            FailureGroup(provider, code, carrier_code, carrier, title, messages, moment(first), moment(last), example)
            for provider, code, carrier_code, carrier, messages, first, last, _, title, example in self._all(
                sql, (*where.parameters, limit)
            )
        ]
