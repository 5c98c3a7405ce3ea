"""Counts and rates of the stream."""

from __future__ import annotations

from monitor.services.feed import SECONDS, Feed
from tests.factory import make_capture


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_counts_by_verdict_and_provider_go_on_from_the_store() -> None:
    feed = Feed(Clock())
    feed.begin({("volt", "verified"): 5, ("bird", "invalid"): 2}, newest=7)
    feed.add([make_capture(8), make_capture(9)])
    assert feed.total == 9
    assert feed.stored == 2
    assert feed.verdicts == {"verified": 7, "invalid": 2}
    assert feed.providers == {"volt": 7, "bird": 2}
    assert feed.newest == 9
    assert feed.last_at == make_capture(9).received_at


def test_rate_is_the_mean_of_whole_seconds() -> None:
    clock = Clock()
    feed = Feed(clock)
    for _ in range(5):
        feed.add([make_capture(n) for n in range(10)])
        clock.now += 1
    assert feed.rate() == 10
    assert feed.per_second()[-6:] == [10, 10, 10, 10, 10, 0]
    clock.now += 3
    assert feed.rate() == 4


def test_a_long_silence_empties_the_minute() -> None:
    clock = Clock()
    feed = Feed(clock)
    feed.add([make_capture(1)])
    clock.now += 100_000
    assert feed.per_second() == [0] * SECONDS
    assert feed.rate() == 0


def test_refused_requests_are_counted_apart() -> None:
    feed = Feed(Clock())
    feed.refuse(413)
    feed.refuse(413)
    assert feed.refused == {413: 2}
    assert feed.total == 0
