"""Events for the tests of the folds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor import jsonbody
from monitor.model.capture import Request, Source
from monitor.model.event import Event
from monitor.model.message import Message
from monitor.model.reading import Direction, MessageError, Reading, Status
from monitor.model.verdict import VerdictStatus
from monitor.providers.registry import registry
from monitor.store.rows import digest_of
from tests.corpora import provider_reference

START = datetime(2026, 3, 4, 5, 6, 7, 125000, tzinfo=UTC)
KEY = "volt:40318006"
CUSTOMER, SHOP = "+15555550123", "+15555550100"
CONVERSATION = f"volt:{SHOP},{CUSTOMER}"


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
    digest = digest_of((body or repr(reading)).encode())
    return Event(capture, at(received), provider, Source.NETWORK, verdict, reading, digest, age_s)


def failed(capture: int, occurred: float, code: str = "40002", **more: Any) -> Event:
    """An event that says the message failed."""
    return make_event(capture, Status.FAILED, occurred, error=MessageError(code), **more)


def saying(
    number: int,
    occurred: float | None,
    text: str | None = "hi",
    *,
    inbound: bool = False,
    status: Status | None = None,
    **more: Any,
) -> Event:
    """The one event of a message between the customer and the shop."""
    return make_event(
        number,
        status or (Status.RECEIVED if inbound else Status.SENT),
        occurred,
        message=f"volt:{number}",
        text=text,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        from_=CUSTOMER if inbound else SHOP,
        to=SHOP if inbound else CUSTOMER,
        conversation=CONVERSATION,
        **more,
    )


def about(number: int, occurred: float | None, event: str = "conversation.created", **more: Any) -> Event:
    """An event about a conversation."""
    facts = {"conversation_id": "c1", "conversation_status": "active"} | more.pop("facts", {})
    return make_event(
        number, None, occurred, message=None, provider="bird", event=event, facts=tuple(facts.items()), **more
    )


def bird(number: int, contact: str | None, identifier: str | None, *, inbound: bool = False) -> Event:
    """A Bird message event that names the contact, its identifier or both."""
    facts = {"channel_id": "ch"} | ({"contact_id": contact} if contact else {})
    return make_event(
        number,
        Status.RECEIVED if inbound else Status.SENT,
        number,
        provider="bird",
        message=f"bird:{number}",
        conversation=f"bird:ch,{contact or identifier}",
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        from_=identifier if inbound else None,
        to=None if inbound else identifier,
        facts=tuple(facts.items()),
    )


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
    return Event(capture, received_at, provider, Source.NETWORK, verdict, reading, digest_of(body))


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
