"""The deliveries of one event: the captures by which a sender told of it, and what each of them was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.model.capture import Capture, Source, answer_word
from monitor.store.attempts import AttemptReader
from monitor.store.rows import digest_of
from monitor.times import moment

WINDOW: Final = 25_000  # captures before and after the one asked about that are looked at: no index holds bodies
MAX_DELIVERIES: Final = 200
_SQL: Final = (
    "SELECT id, received_at, verdict, (SELECT answer FROM captures c WHERE c.id = r.id) FROM readings r "
    "WHERE id BETWEEN ? AND ? AND (digest = ? OR event_id = ?) AND provider = ? AND source = ? ORDER BY id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One capture of the event, when it came (our clock), its verdict, and what we answered."""

    capture: int
    at: datetime
    verdict: str
    answer: int

    @property
    def answered(self) -> str:
        """Our answer, for people."""
        return answer_word(self.answer)


class DeliveryReader(AttemptReader):
    """A reader that finds the deliveries of an event."""

    def deliveries(self, capture: Capture) -> list[Delivery]:
        """Those of the same event, oldest first: of the same provider and source, with the same event id or the same
        body. Nothing for what hooktop itself sent again, or read from a file."""
        if capture.source in (Source.REPLAYED, Source.IMPORTED):
            return []
        event_id = capture.reading.event_id if capture.reading is not None else None
        found = self._all(
            _SQL,
            (
                capture.id - WINDOW, capture.id + WINDOW, digest_of(capture.request.body), event_id, capture.provider,
                capture.source.value, MAX_DELIVERIES,
            ),
        )  # fmt: skip
        return [Delivery(number, moment(at), verdict, answer) for number, at, verdict, answer in found]
