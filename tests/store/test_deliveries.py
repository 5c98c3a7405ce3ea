"""The deliveries of one event: found by its id or its body, only of the same sender."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model.capture import RESET, Capture, Source
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store import deliveries
from monitor.store.deliveries import DeliveryReader
from tests.factory import FULL_READING, START, make_capture, make_request, storing


def told(body: bytes, event_id: str | None = None, answer: int = 200, after: float = 0, **changes: Any) -> Capture:
    """A capture of an event, so many seconds after the first."""
    reading = replace(FULL_READING, event_id=event_id)
    made = make_capture(body=body, reading=reading)
    made = replace(made, received_at=START + timedelta(seconds=after), answer=answer)
    return replace(made, **changes)


async def found(folder: Path, captures: list[Capture], number: int) -> list[int]:
    """The numbers of the deliveries of one of them."""
    async with storing(folder / "h.db") as store:
        for capture in captures:
            await store.add(capture)
        with closing(DeliveryReader(store.path)) as reader:
            chosen = reader.capture(number)
            assert chosen is not None
            return [one.capture for one in reader.deliveries(chosen)]


async def test_the_same_body_or_the_same_id_with_what_was_answered(tmp_path: Path) -> None:
    stale = Verdict(VerdictStatus.STALE, "too old")
    captures = [
        told(b"{}", "a", 500),
        told(b"{ }", "a", RESET, 30),  # written anew
        told(b"other", "b", 200, 40),
        told(b"{}", None, 200, 150, verdict=stale),
    ]
    async with storing(tmp_path / "h.db") as store:
        for capture in captures:
            await store.add(capture)
        with closing(DeliveryReader(store.path)) as reader:
            first = reader.capture(1)
            assert first is not None
            told_again = reader.deliveries(first)
    assert [(one.capture, one.answered, one.verdict) for one in told_again] == [
        (1, "500", "verified"), (2, "reset", "verified"), (4, "200", "stale"),
    ]  # fmt: skip
    assert [(one.at - told_again[0].at).total_seconds() for one in told_again] == [0, 30, 150]


async def test_others_are_none_of_it(tmp_path: Path) -> None:
    others = [
        told(b"{}", "a", provider="bird"),
        told(b"{}", "a", source=Source.SIMULATED),
        told(b"{}", "a", source=Source.REPLAYED),
        told(b"{}", "a", source=Source.IMPORTED),
    ]
    captures = [told(b"{}", "a"), *others]
    assert await found(tmp_path, captures, 1) == [1]
    assert await found(tmp_path, [], 3) == [3]
    assert await found(tmp_path, [], 4) == []
    assert await found(tmp_path, [], 5) == []


async def test_only_so_far_and_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "WINDOW", 3)
    monkeypatch.setattr(deliveries, "MAX_DELIVERIES", 5)
    captures = [told(b"{}", after=n) for n in range(10)]
    assert await found(tmp_path, captures, 6) == [3, 4, 5, 6, 7]
    assert await found(tmp_path, [replace(captures[0], request=make_request(b"x"))], 11) == [11]
