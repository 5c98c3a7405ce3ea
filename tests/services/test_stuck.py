"""Messages that wait longer for their end than others did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.model.filter import parse
from monitor.model.reading import Direction, Status
from monitor.services.stuck import MIN_SAMPLES, stuck_for, stuck_messages, usual_waits
from monitor.store.filter_sql import compile_message_filter
from tests.services.histories import NOW, history, told


async def test_what_is_usual_needs_enough_samples(tmp_path: Path) -> None:
    captures = [told(f"v{n}", Status.DELIVERED, wait=n) for n in range(1, 101)]
    captures += [told(f"b{n}", Status.DELIVERED, provider="bird") for n in range(MIN_SAMPLES - 1)]
    captures += [told("open", Status.SENT, provider="connectly")]
    async with history(tmp_path / "h.db", captures) as reader:
        assert usual_waits(reader) == {"volt": 95.0}


async def test_the_one_that_waits_longest_is_first(tmp_path: Path) -> None:
    captures = [told(f"v{n}", Status.DELIVERED, wait=10) for n in range(MIN_SAMPLES)]
    captures += [
        told("short", Status.SENT, ago=5),
        told("long", Status.SENT, ago=50),
        told("longer", Status.SENT, ago=500, to="+15555550199"),
        told("bird", Status.SENT, provider="bird", ago=5000),
        told("expired", Status.SENT, provider="bird", ago=900, valid_until=NOW - timedelta(seconds=1)),
        told("in", Status.RECEIVED, direction=Direction.INBOUND, ago=5000),
        told("done", Status.SENT, ago=300),
        told("done", Status.DELIVERED, ago=300),
    ]
    async with history(tmp_path / "h.db", captures) as reader:
        usual = usual_waits(reader)
        assert usual == {"volt": 10.0}
        found = stuck_messages(reader, NOW, usual)
        assert [one.message.key for one in found] == ["bird:expired", "volt:longer", "volt:long"]
        assert [one.seconds for one in found] == [899.75, 499.75, 49.75]
        assert reader.message_number("volt:long") == found[2].number
        where = compile_message_filter(parse("to:+15555550199"), NOW)
        assert [one.message.key for one in stuck_messages(reader, NOW, usual, where)] == ["volt:longer"]
        assert stuck_for(found[2].message, NOW - timedelta(seconds=45), usual) is None
        assert stuck_for(found[2].message, NOW, {}) is None
