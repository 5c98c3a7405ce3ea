"""What anybody can send moves nothing that is proven, however much of it there is and whatever it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from monitor.model.capture import Capture
from monitor.model.reading import Status
from monitor.model.verdict import VerdictStatus
from monitor.store.projection import MAX_EVENTS
from tests.services.histories import told
from tests.store.test_projection import everything, stored

VICTIM, OTHER = "+15555550188", "+15555550177"


def with_body(capture: Capture, body: bytes) -> Capture:
    return replace(capture, request=replace(capture.request, body=body))


async def test_a_flood_about_a_message_does_not_keep_it_from_arriving(tmp_path: Path) -> None:
    sent, delivered = told("a", Status.SENT), told("a", Status.DELIVERED)
    forged = told("a", Status.FAILED, verdict=VerdictStatus.INVALID)
    flood = [with_body(forged, b"%d" % n) for n in range(MAX_EVENTS + 20)]
    async with stored(tmp_path / "h.db", [sent, *flood, delivered]) as reader:
        [message] = everything(reader).values()
        assert message.status is Status.DELIVERED
        assert message.captures[0] == 1


async def test_what_is_verified_counts_before_what_could_not_be_checked(tmp_path: Path) -> None:
    sent, delivered = told("a", Status.SENT), told("a", Status.DELIVERED)
    unchecked = told("a", Status.QUEUED, verdict=VerdictStatus.NO_KEY)
    flood = [with_body(unchecked, b"%d" % n) for n in range(MAX_EVENTS + 20)]
    async with stored(tmp_path / "h.db", [sent, *flood, delivered]) as reader:
        [message] = everything(reader).values()
        assert message.status is Status.DELIVERED


async def test_a_forged_message_joins_no_conversations(tmp_path: Path) -> None:
    forged = told("a", Status.SENT, verdict=VerdictStatus.INVALID, to=VICTIM)
    captures = [forged, told("a", Status.SENT, to=OTHER), told("b", Status.SENT, to=VICTIM), told("c", Status.SENT)]
    async with stored(tmp_path / "h.db", captures) as reader:
        found = {row.key.partition(":")[2].partition(",")[0]: row for row in reader.conversations(10)}
        assert {party: row.messages for party, row in found.items()} == {VICTIM: 1, OTHER: 1, "+15555550123": 1}
        assert {message.text for message in everything(reader).values()} == {f"text of {name}" for name in "abc"}
        number = reader.message_number("volt:b")
        assert number is not None
        assert reader.links(3) == (number, found[VICTIM].id)
