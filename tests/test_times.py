"""Times and spans as they are written."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cli.message_lines import day_and_time
from monitor.times import earlier, local_time, span
from monitor.ui.format import day

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 2_592_000), ("2w", 1_209_600), ("1h30m", 5_400), ("10 min", 600), ("5m", 300), ("500ms", 0.5),
        ("1.5s", 1.5), ("0s", 0),
    ],
)  # fmt: skip
def test_spans(text: str, seconds: float) -> None:
    assert span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "90", "h", "1 year", "-3s", "1h 30m", "\u0663s", "1e9s", "999999999999w"])
def test_what_is_no_span(text: str) -> None:
    assert span(text) is None


def test_seconds_without_a_unit_where_they_are_taken() -> None:
    assert [span(text, bare=True) for text in ("90", "0.5", "2m")] == [
        timedelta(seconds=90), timedelta(seconds=0.5), timedelta(minutes=2),
    ]  # fmt: skip
    assert span("", bare=True) is None


def test_nothing_is_earlier_than_1970() -> None:
    assert earlier(NOW, timedelta(days=1)) == NOW - timedelta(days=1)
    assert earlier(NOW, timedelta.max) == earlier(NOW, timedelta(days=999_999)) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone is the system's there")
@pytest.mark.parametrize("zone", ["EST5", "UTC", "NZST-12"])
def test_the_ends_of_the_calendar_have_a_local_time_everywhere(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        assert (local_time(first), local_time(last)) == (first, last)  # the same moments
        assert [day(moment)[-5:] for moment in (first, last)] == ["01-01", "12-31"]
        assert [day_and_time(moment)[-14:-9] for moment in (first, last)] == ["01-01", "12-31"]
    time.tzset()
