"""Figures over the history."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.filter import parse
from monitor.model.reading import MessageError, Status
from monitor.model.verdict import VerdictStatus
from monitor.services.percentiles import percentile
from monitor.services.stats import MAX_BUCKETS, Percentiles, Span, statistics, stats_record
from tests.services.histories import NOW, history, told

SPAM = MessageError("40002", "702", "T-MOBILE", title="Blocked as spam")
GONE = MessageError("40008", title="Undeliverable")


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in values
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    assert sum(value < found for value in ordered) < share * len(ordered) + 1e-9


def test_a_percentile_of_nothing_is_unknown() -> None:
    assert percentile([], 0.95) is None


async def test_every_figure(tmp_path: Path) -> None:
    captures = [told(f"d{n}", Status.DELIVERED, wait=n) for n in range(1, 101)]
    captures += [told(f"f{n}", Status.FAILED, error=SPAM, ago=4000 - n) for n in range(3)]
    captures += [told("g", Status.FAILED, provider="bird", error=GONE, channel="whatsapp", ago=90_000)]
    captures += [told("o", Status.SENT, ago=10), told("x", Status.DELIVERED, verdict=VerdictStatus.INVALID, ago=10)]
    async with history(tmp_path / "h.db", captures) as reader:
        stats = statistics(reader, parse(""), NOW + timedelta(seconds=60))
    rates = stats.rates
    assert (rates.captures, rates.hour, rates.day) == (106, 102, 105)
    assert rates.minute == sum(1 for one in captures if one.received_at > NOW)
    assert rates.per_second is not None
    by = {(one.provider, one.verdict): one.captures for one in stats.captures}
    assert by == {("volt", "verified"): 104, ("volt", "invalid"): 1, ("bird", "verified"): 1}
    assert stats.messages is not None
    statuses = {(one.provider, one.status): one.messages for one in stats.messages}
    assert statuses == {
        ("volt", "delivered"): 100, ("volt", "failed"): 3, ("volt", "sent"): 1, ("volt", None): 1,
        ("bird", "failed"): 1,
    }  # fmt: skip
    assert stats.by_provider is not None
    bird, volt = stats.by_provider
    assert bird.sent_to_final == Percentiles(1, 1, 1, 1)
    assert (volt.sent_to_final.count, volt.sent_to_final.p95, volt.sent_to_final.p99) == (103, 95, 99)
    assert volt.accept_to_sent == Percentiles(104, 0.25, 0.25, 0.25)
    assert [(one.provider, one.channel) for one in stats.by_channel or ()] == [("bird", "whatsapp"), ("volt", "sms")]
    assert [(one.provider, one.carrier, one.total.count) for one in stats.by_carrier or ()] == [("volt", "T-MOBILE", 3)]
    assert stats.failures is not None
    spam, gone = stats.failures
    assert (spam.code, spam.carrier_code, spam.carrier, spam.title, spam.messages) == (
        "40002", "702", "T-MOBILE", "Blocked as spam", 3,
    )  # fmt: skip
    assert (spam.example, gone.example, gone.carrier) == ("volt:f2", "bird:g", None)
    assert spam.first_at < spam.last_at
    assert (stats.failed, stats.share(spam)) == (4, 0.75)


async def test_what_came_while_the_clock_was_ahead_is_not_of_the_last_minute(tmp_path: Path) -> None:
    captures = [told("a", Status.DELIVERED, ago=30), told("b", Status.DELIVERED, ago=-86_400)]
    async with history(tmp_path / "h.db", captures) as reader:
        stats = statistics(reader, parse(""), NOW, None)
    assert (stats.rates.captures, stats.rates.minute, stats.rates.hour, stats.rates.day) == (2, 1, 1, 1)


async def test_with_a_filter(tmp_path: Path) -> None:
    captures = [told("a", Status.FAILED, error=SPAM), told("b", Status.DELIVERED, provider="bird")]
    async with history(tmp_path / "h.db", captures) as reader:
        bird = stats_record(statistics(reader, parse("provider:bird or status:read"), NOW))
        only = stats_record(statistics(reader, parse("verdict:verified body.x:1"), NOW))
        none = stats_record(statistics(reader, parse("text:nothing"), NOW))
    assert bird["messages"]["statuses"] == {"delivered": 1}
    assert bird["captures"]["verdicts"] == {"verified": 1}
    assert bird["failures"] == []
    assert (only["messages"], only["latency"], only["failures"]) == (None, None, None)
    assert only["captures"]["count"] == 0
    assert (none["captures"]["count"], none["captures"]["first_at"], none["messages"]["count"]) == (0, None, 0)


@pytest.mark.parametrize("text", ["", "status:failed", "to:5550123"])
async def test_an_empty_history(tmp_path: Path, text: str) -> None:
    async with history(tmp_path / "h.db", []) as reader:
        record = stats_record(statistics(reader, parse(text), NOW))
    assert record["captures"]["count"] == 0
    assert record["latency"] == {"providers": [], "channels": [], "carriers": []}


async def test_the_rate_over_time(tmp_path: Path) -> None:
    captures = [told(f"d{n}", Status.DELIVERED, ago=60 * n) for n in range(50)]
    captures += [told(f"f{n}", Status.FAILED, error=SPAM, ago=125) for n in range(3)]
    captures += [told(f"o{n}", Status.SENT, ago=86_400 * n + 3_700) for n in range(20)]
    now = NOW + timedelta(seconds=30)
    async with history(tmp_path / "h.db", captures) as reader:
        found = {span: statistics(reader, parse(""), now, span).history for span in (*Span, None)}
        short = statistics(reader, parse("age<30m"), now, None).history
        failed = statistics(reader, parse("status:failed"), now, Span.HOUR).history
        record = stats_record(statistics(reader, parse("age<30m"), now))["history"]
    hour, day, whole = found[Span.HOUR], found[Span.DAY], found[Span.ALL]
    assert hour is not None
    assert day is not None
    assert whole is not None
    assert (hour.step, day.step, whole.step) == (
        timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=12),
    )  # fmt: skip
    assert [len(one.buckets) for one in (hour, day)] == [61, 49]
    for one in (hour, day, whole):
        gaps = {later.begins - earlier.begins for earlier, later in pairwise(one.buckets)}
        assert gaps == {one.step}
        assert len(one.buckets) <= MAX_BUCKETS
    assert sum(one.captures for one in hour.buckets) == 53
    assert sum(one.captures for one in day.buckets) == 54
    assert sum(one.captures for one in whole.buckets) == 73
    assert hour.buckets[-1].begins == NOW
    assert [(one.captures, one.failed) for one in hour.buckets if one.failed] == [(4, 3)]
    assert found[None] == hour
    assert short is not None
    assert (short.span, short.step) == (Span.ALL, timedelta(seconds=30))
    assert failed is not None
    assert [one.captures for one in failed.buckets if one.captures] == [3]
    assert record["step_s"] == 30
    assert record["buckets"][-1] == ["2026-01-31T12:00:00.000000Z", 1, 0]


async def test_a_rate_over_centuries_and_over_nothing(tmp_path: Path) -> None:
    captures = [told("now", Status.SENT), told("then", Status.SENT, ago=86_400 * 365 * 50)]
    async with history(tmp_path / "h.db", captures) as reader:
        stats = statistics(reader, parse(""), NOW)
        nothing = statistics(reader, parse("status:read"), NOW)
        elsewhere = statistics(reader, parse("age>1h"), NOW, Span.HOUR)
    assert stats.history is not None
    assert [one.captures for one in stats.history.buckets if one.captures] == [1, 1]
    assert nothing.history is None
    assert elsewhere.history is not None
    assert not any(one.captures for one in elsewhere.history.buckets)
