"""What Volt says: messaging events in an envelope, and the flat events of its registration system."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from monitor.jsonbody import Body, clean
from monitor.model.capture import Request
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.providers.fields import Fields, known, of_body, unix_time

MAX_MEDIA: Final = 32
_EVENTS: Final = ("message.received", "message.sent", "message.finalized")
_STATUSES: Final = {
    ("message.finalized", "delivered"): Status.DELIVERED,
    ("message.finalized", "failed"): Status.FAILED,
}
_TEXTS: Final = (
    "status", "message_app_id", "from_number", "to_number", "type", "id", "encoding", "messaging_profile_id",
)  # fmt: skip
_ERROR_TEXTS: Final = (
    "provider_error_code", "provider_error_title", "provider_error_detail", "carrier_name", "error_code",
)  # fmt: skip
_DIRECTIONS: Final = {"inbound": Direction.INBOUND, "outbound": Direction.OUTBOUND}
_TEMPORARY: Final = re.compile(r"\btemporar(?:y|ily)\b", re.IGNORECASE)
_PERMANENT: Final = re.compile(r"\bpermanent(?:ly)?\b", re.IGNORECASE)


def is_messaging(body: Body) -> bool:
    """Whether the body has the shape of a messaging event."""
    value = body.value
    if not isinstance(value, dict):
        return False
    payload = value.get("payload")
    event = payload.get("event_type") if isinstance(payload, dict) else None
    named = isinstance(event, str) and event.startswith("message.")
    ours = isinstance(event_id := value.get("id"), str) and event_id.startswith("rfw_")
    return ours or (named and value.get("type") == "messaging")


def is_registration(body: Body) -> bool:
    """Whether the body has the shape of an event of the registration system: flat, about a brand or a campaign."""
    value = body.value
    return (
        isinstance(value, dict)
        and {"event_category", "event_type"} <= value.keys()
        and any(name.startswith(("brand_", "campaign_")) for name in value)
    )


def read(request: Request, body: Body) -> Reading:
    """The reading of a Volt webhook. Never raises."""
    fields = of_body(body)
    if fields.value is None:
        return Reading(problems=tuple(fields.problems))
    if is_registration(body):
        return _registration(request, fields)
    return _messaging(fields)


def _messaging(fields: Fields) -> Reading:
    payload = fields.obj("payload")
    event = payload.filled("event_type")
    status, message, sender, receiver, channel, provider_id, encoding, profile = payload.all_filled(*_TEXTS)
    kind = fields.filled("type")
    time = fields.number("time")
    posted = None if time is None else unix_time(time)
    return Reading(
        event=event,
        event_id=fields.filled("id"),
        message=message and f"volt:{message}",
        # the pair is unordered: an outbound message and its answer are one conversation
        conversation="volt:" + ",".join(sorted((sender, receiver))) if sender and receiver else None,
        direction=_direction(payload),
        channel=channel and channel.lower(),
        status=_status(event, status),
        provider_status=status,
        from_=sender,
        to=receiver,
        text=payload.text("text"),
        media=_media(payload),
        error=_error(payload),
        occurred_at=payload.time("occurred_at"),
        accepted_at=payload.time("received_at"),
        sent_at=payload.time("sent_at"),
        completed_at=payload.time("completed_at"),
        valid_until=payload.time("valid_until"),
        facts=known(
            label=None if event in _EVENTS else "unrecognised event",
            type=kind if kind != "messaging" else None,
            provider_message_id=provider_id,
            parts=_digits(payload.number("parts")),
            encoding=encoding,
            messaging_profile_id=profile,
            # one second's resolution and of unclear meaning: for display, never for a latency
            envelope_time=posted.isoformat() if posted else None,
        ),
        problems=tuple(fields.problems),
    )


def _status(event: str | None, status: str | None) -> Status:
    if event == "message.received":
        return Status.RECEIVED
    if event == "message.sent":
        return Status.SENT
    return _STATUSES.get((event or "", status or ""), Status.OTHER)  # finalized alone says nothing


def _direction(payload: Fields) -> Direction | None:
    said = payload.filled("direction")
    if said is None:
        return None
    if (direction := _DIRECTIONS.get(said.lower())) is None:
        payload.problem(f"payload.direction is neither inbound nor outbound but {said[:40]!r}")
    return direction


def _error(payload: Fields) -> MessageError | None:
    """The error fields, which are absent on success."""
    code, title, detail, carrier, carrier_code = payload.all_filled(*_ERROR_TEXTS)
    if not (code or title or detail or carrier or carrier_code):
        return None
    words = f"{title or ''} {detail or ''}"
    temporary, permanent = bool(_TEMPORARY.search(words)), bool(_PERMANENT.search(words))
    return MessageError(
        code=code,
        carrier_code=carrier_code,
        carrier=carrier,
        title=title,
        detail=detail,
        temporary=temporary if temporary != permanent else None,
    )


def _media(payload: Fields) -> tuple[Media, ...]:
    """The attachments. Their shape is not documented: texts and objects with a url are both taken."""
    found: list[Media] = []
    for item in islice(payload.items("media"), MAX_MEDIA):
        if isinstance(item.value, str) and item.value:
            found.append(Media(None, clean(item.value)))
        elif isinstance(item.value, dict):
            found.append(Media(item.filled("content_type"), item.filled("url"), item.number("size")))
        else:
            payload.problem("payload.media holds something that is neither a text nor an object")
    return tuple(found)


def _digits(number: int | None) -> str | None:
    return None if number is None else str(number)


def _registration(request: Request, fields: Fields) -> Reading:
    return Reading(
        event=fields.filled("event_type"),
        event_id=request.header("webhook-id"),
        status=Status.OTHER,
        provider_status=fields.filled("current_status"),
        occurred_at=fields.time("event_time"),
        facts=known(
            label="Volt registration event",
            event_category=fields.filled("event_category"),
            previous_status=fields.filled("previous_status"),
            brand_name=fields.filled("brand_name"),
            brand_registration_id=fields.filled("brand_registration_id"),
            campaign_registration_id=fields.filled("campaign_registration_id"),
            campaign_website=fields.filled("campaign_website"),
            comments=fields.filled("comments"),
        ),
        problems=tuple(fields.problems),
    )
