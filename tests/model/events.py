"""Events for the tests of the folds."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor import jsonbody
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.event import Event, event_of
from monitor.model.message import Message
from monitor.model.reading import Direction, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from tests.corpora import provider_reference

START = datetime(2026, 3, 4, 5, 6, 7, 125000, tzinfo=UTC)
KEY = "volt:40318006"


def at(seconds: float) -> datetime:
    """A time so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def make_event(
    capture: int,
    status: Status | None,
    occurred: float | None,
    *,
    received: float | None = None,
    verdict: VerdictStatus = VerdictStatus.VERIFIED,
    provider: str = "volt",
    body: str | None = None,
    age_s: float | None = None,
    **said: Any,
) -> Event:
    """An outbound message's event: times in seconds after the start, received half a second after it occurred.

    ``body`` stands for the body's bytes; without it each reading has a body of its own.
    """
    occurred_at = None if occurred is None else at(occurred)
    fields: dict[str, Any] = {"message": KEY, "direction": Direction.OUTBOUND, "event": "e"} | said
    reading = Reading(status=status, provider_status=status and status.value, occurred_at=occurred_at, **fields)
    if received is None:
        received = (occurred or 0) + 0.5
    sha256 = hashlib.sha256((body or repr(reading)).encode()).hexdigest()
    return Event(capture, at(received), provider, Source.NETWORK, verdict, reading, sha256, age_s)


def failed(capture: int, occurred: float, code: str = "40002", **more: Any) -> Event:
    """An event that says the message failed."""
    return make_event(capture, Status.FAILED, occurred, error=MessageError(code), **more)


def renumber(events: list[Event]) -> list[Event]:
    """The events as if they had arrived in this order, half a second after the last thing that happened."""
    last = max(event.reading.occurred_at or START for event in events)
    return [
        replace(event, capture=number, received_at=last + timedelta(seconds=0.5 + number / 10))
        for number, event in enumerate(events, 1)
    ]


def read_event(
    provider: str, body: bytes, capture: int, received_at: datetime, verdict: VerdictStatus = VerdictStatus.VERIFIED
) -> Event:
    """The event of a body, read by its provider."""
    request = Request("POST", f"/{provider}", "", (), body)
    reading = registry()[provider].read(request, jsonbody.parse(body))
    found = event_of(
        Capture(capture, received_at, provider, Source.NETWORK, request, 200, Verdict(verdict, ""), Origin(), reading)
    )
    assert found is not None
    return found


def payload_event(
    file: str, capture: int = 1, *, after: float = 0.5, verdict: VerdictStatus = VerdictStatus.VERIFIED
) -> Event:
    """The event of one of the reference's payloads (``volt/sent.json``), received so many seconds after it occurred."""
    body = (provider_reference() / "payloads" / file).read_bytes()
    event = read_event(file.partition("/")[0], body, capture, START, verdict)
    return replace(event, received_at=(event.reading.occurred_at or START) + timedelta(seconds=after))


def view(message: Message) -> tuple[object, ...]:
    """What of a message must not depend on the order of arrival."""
    latency = message.latency
    return (
        message.status, message.final, [(stage.status, stage.provider_at, stage.count) for stage in message.stages],
        (latency.accept_to_sent_s, latency.sent_to_final_s, latency.total_s), message.error, message.text,
        message.duplicates, message.from_, message.to, [(item.mark, item.times) for item in message.interactions],
    )  # fmt: skip
