"""What a Bird webhook says: a message's state, an interaction with it, or a change of a conversation.

Sources: https://docs.bird.com/api/channels-api/message-status-and-interactions and
https://docs.bird.com/api/conversations-api/api-reference/events ; field code where the documents are silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from monitor.jsonbody import Body, Json, clean
from monitor.model.capture import Request
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.providers.bird.signature import REQUEST_ID, stamp_seconds
from monitor.providers.fields import Fields, known, of_body, unix_time
from monitor.providers.standard.reading import read as read_standard

_STATUS: Final = {
    **dict.fromkeys(("accepted", "processing", "scheduled", "pending", "queued"), Status.QUEUED),
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,  # on channels reading is an interaction; as a status it means delivered and read
    **dict.fromkeys(("sending_failed", "delivery_failed", "rejected", "skipped", "failed"), Status.FAILED),
}
_DIRECTION: Final = {"incoming": Direction.INBOUND, "outgoing": Direction.OUTBOUND}
MAX_WITHIN: Final = 256  # objects and lists of one message's body that are looked into
_KIND_DIRECTION: Final = {"inbound": Direction.INBOUND, "outbound": Direction.OUTBOUND}


def read(request: Request, body: Body) -> Reading:
    """The reading of a webhook. Never raises; what could not be read is in ``problems``."""
    fields = of_body(body)
    if fields.value is None:
        return Reading(problems=tuple(fields.problems))
    if "data" in fields.value and "payload" not in fields.value:
        return read_standard(request, body)  # the new Bird platform: another system, whose events are only labelled
    service, event = fields.filled("service"), fields.filled("event")
    platform, _, kind = (event or "").rpartition(".")
    payload = fields.obj("payload")
    if service in ("channels", None) and kind in _KIND_DIRECTION:
        return _message(request, fields, payload, platform, _KIND_DIRECTION[kind])
    if service in ("channels", None) and kind == "interaction":
        return _interaction(request, fields, payload, platform)
    if service == "conversations":
        return _conversation(request, fields, payload)
    return Reading(
        event=event,
        status=Status.OTHER,
        provider_status=payload.filled("status"),
        occurred_at=_time(request, payload, "updatedAt", "createdAt"),
        facts=known(service=service, id=payload.filled("id"), request_id=request.header(REQUEST_ID)),
        problems=tuple(fields.problems),
    )


def looks_like(body: Body) -> bool:
    """Whether a body is Bird's envelope of service, event and payload."""
    value = body.value
    return (
        isinstance(value, dict)
        and isinstance(value.get("service"), str)
        and isinstance(value.get("event"), str)
        and isinstance(value.get("payload"), dict)
    )


def _message(request: Request, fields: Fields, payload: Fields, platform: str, assumed: Direction) -> Reading:
    direction = _DIRECTION.get(payload.filled("direction") or "", assumed)
    inbound = direction is Direction.INBOUND
    sender, receiver = payload.obj("sender"), payload.obj("receiver")
    contacts = list(_contacts(sender if inbound else receiver)) or list(_contacts(payload))
    contact = contacts[0] if contacts else Fields(None)
    customer = contact.filled("identifierValue")
    business = (receiver if inbound else sender).obj("connector").filled("identifierValue")
    number, channel_id = payload.filled("id"), payload.filled("channelId")
    party = contact.filled("id") or customer
    word = payload.filled("status")
    status = Status.RECEIVED if inbound else _STATUS.get(word, Status.OTHER) if word else None
    body = payload.obj("body")
    text, media = _content(body)
    kind, template = body.filled("type"), payload.obj("template")
    return Reading(
        event=fields.filled("event"),
        message=number and f"bird:{number}",
        conversation=f"bird:{channel_id},{party}" if channel_id and party else None,
        direction=direction,
        channel=platform or None,
        status=status,
        provider_status=word,
        mark="read" if word == "read" else None,
        from_=customer if inbound else business,
        to=business if inbound else customer,
        text=text,
        media=media,
        error=_error(payload) if status is Status.FAILED else None,
        occurred_at=_time(request, payload, "lastStatusAt", "updatedAt", "createdAt"),
        accepted_at=None if inbound else payload.time("createdAt"),
        facts=known(
            channel_id=channel_id,
            contact_id=contact.filled("id"),
            contact_kind=contact.filled("identifierKey"),
            recipients=", ".join(value for each in contacts if (value := each.filled("identifierValue")))
            if len(contacts) > 1
            else None,
            body_type=kind if kind != "text" else None,
            reference=payload.filled("reference"),
            template=template.filled("projectId"),
            template_locale=template.filled("locale"),
            platform_reference=next((part.filled("platformReference") for part in payload.items("parts")), None),
            request_id=request.header(REQUEST_ID),
        ),
        problems=tuple(fields.problems),
    )


def _interaction(request: Request, fields: Fields, payload: Fields, platform: str) -> Reading:
    number = payload.filled("messageId")  # id is the interaction's own
    return Reading(
        event=fields.filled("event"),
        event_id=payload.filled("id"),
        message=number and f"bird:{number}",
        direction=Direction.OUTBOUND,
        channel=platform or None,
        mark=payload.filled("type"),
        occurred_at=_time(request, payload, "createdAt", "updatedAt"),
        facts=known(
            channel_id=payload.filled("channelId"),
            link=payload.obj("metadata").filled("url"),
            request_id=request.header(REQUEST_ID),
        ),
        problems=tuple(fields.problems),
    )


def _conversation(request: Request, fields: Fields, payload: Fields) -> Reading:
    last = payload.obj("lastMessage")
    sender = last.obj("sender")
    text, media = _content(last.obj("body"))
    return Reading(
        event=fields.filled("event"),
        from_=sender.obj("contact").filled("identifierValue"),
        text=text or last.obj("preview").filled("text"),  # the preview is cut at about 140 characters
        media=media,
        occurred_at=_time(request, payload, "updatedAt", "createdAt"),
        facts=known(
            conversation_id=payload.filled("id"),
            conversation_status=payload.filled("status"),
            conversation_name=payload.filled("name"),
            channel_id=payload.filled("channelId"),
            last_message_id=last.filled("id"),
            last_message_status=last.filled("status"),
            last_message_sender=sender.filled("type"),
            request_id=request.header(REQUEST_ID),
        ),
        problems=tuple(fields.problems),
    )


def _contacts(side: Fields) -> Iterator[Fields]:
    """The contacts of a sender, a receiver or a payload, wherever field code has met them."""
    contact = side.obj("contact")
    if contact.value:
        yield contact
    for name in ("contacts", "recipients"):
        yield from side.items(name)
    for participant in side.items("featuredParticipants"):
        if participant.filled("type") == "contact":
            yield participant.obj("contact")
    if side.filled("identifierValue"):
        yield side


def _content(body: Fields) -> tuple[str | None, tuple[Media, ...]]:
    """Text and media of a message body ``{type, <type>: {...}}``.

    The documents and field code differ about media: an address directly in the part, or in each item of a list there.
    Of a body in neither form the first text and the first address in it are taken.
    """
    kind = body.filled("type") or "text"
    part = body.obj(kind)
    lists = [name for name, value in (part.value or {}).items() if isinstance(value, list)]
    holders = [part, *(item for name in lists for item in part.items(name))]
    addresses = [holder.filled("mediaUrl") or holder.filled("url") for holder in holders]
    text, media = part.filled("text") or part.filled("caption"), tuple(Media(kind, url) for url in addresses if url)
    if text or media:
        return text, media
    text = _first_within(body, "text")
    url = _first_within(body, "mediaUrl") or (None if text else _first_within(body, "url"))
    return text, (Media(kind, url),) if url else ()


def _first_within(body: Fields, name: str) -> str | None:
    """The first filled text of that name, wherever in a body; the outermost first."""
    waiting: list[Json] = [body.value]
    for value in waiting:  # grows with what is inside
        if isinstance(value, dict):
            found = value.get(name)
            if isinstance(found, str) and found:
                return clean(found)
        inside = value.values() if isinstance(value, dict) else value
        waiting += [each for each in inside or () if isinstance(each, dict | list)][: MAX_WITHIN - len(waiting)]
    return None


def _error(payload: Fields) -> MessageError:
    failure = payload.obj("failure")
    source = failure.obj("source")
    reason = payload.filled("reason")
    return MessageError(
        code=failure.filled("code"),
        carrier_code=source.filled("code"),  # "0" is a code
        source=source.filled("name"),
        title=payload.filled("details") or failure.filled("description") or reason,
        detail=reason,
    )


def _time(request: Request, payload: Fields, *names: str) -> datetime | None:
    """The first of the named times; without any the signed time of the request."""
    for name in names:
        moment = payload.time(name)
        if moment is not None:
            return moment
    seconds = stamp_seconds(request)
    return None if seconds is None else unix_time(seconds)
