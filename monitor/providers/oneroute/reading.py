"""What a OneRoute webhook says: a message in a conversation, or an SMS delivery report.

Sources: https://docs.oneroute.io/others/receiving-events-webhooks and
https://docs.oneroute.io/sms-api/sms-api/get-sms-dlr-message
"""

from __future__ import annotations

from typing import Final

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.providers.fields import Fields, known, of_body

NEW_MESSAGE: Final = "newMessage"
SMS_REPORT: Final = "smsDeliveryReport"
_SMS_STATUS: Final = {"delivered": Status.DELIVERED, "pending": Status.SENT, "undelivered": Status.FAILED}
_MEDIA: Final = (("imageUrl", "IMAGE"), ("videoUrl", "VIDEO"), ("documentUrl", "DOCUMENT"), ("audioUrl", "AUDIO"))


def read(request: Request, body: Body) -> Reading:
    """The reading of a webhook. Never raises; what could not be read is in ``problems``."""
    fields = of_body(body)
    if fields.value is None:
        return Reading(problems=tuple(fields.problems))
    event = fields.filled("event")
    if event == NEW_MESSAGE:
        return _message(fields)
    if event == SMS_REPORT:
        return _report(fields)
    # campaign and conversation updates are announced without a body: shown as what they call themselves
    return Reading(event=event, status=Status.OTHER, problems=tuple(fields.problems))


def looks_like(body: Body) -> bool:
    """Whether a body has the three parts of every documented event; ``message`` may be null."""
    value = body.value
    return (
        isinstance(value, dict)
        and "message" in value
        and isinstance(value.get("event"), str)
        and isinstance(value.get("conversation"), dict)
    )


def _message(fields: Fields) -> Reading:
    message, conversation = fields.obj("message"), fields.obj("conversation")
    sender, customer, channel = message.obj("sender"), conversation.obj("customer"), conversation.obj("Channel")
    # authUser is true on the business's own side: an operator or the API
    outbound = sender.flag("authUser") is True
    external = message.filled("externalId")
    thread = conversation.filled("id") or message.filled("conversation_id")
    # no number or id of the customer is on the wire
    party = customer.filled("name") or customer.filled("email")
    business = channel.filled("phone") or channel.filled("name")
    kind = message.filled("contentType")
    return Reading(
        event=NEW_MESSAGE,
        message=external and f"oneroute:{external}",
        conversation=thread and f"oneroute:{thread}",
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        channel=(channel.filled("medium") or "").lower() or None,
        status=None if outbound else Status.RECEIVED,
        from_=business if outbound else party,
        to=party if outbound else business,
        text=message.filled("content"),
        media=_media(message),
        occurred_at=sender.time("lastActivity") or conversation.time("lastMessageAt"),
        # Channel.credentials may hold credentials: it is never read
        facts=known(
            sender_name=sender.filled("name"),
            customer_name=customer.filled("name"),
            customer_email=customer.filled("email"),
            subject=conversation.filled("subject"),
            content_type=kind if kind != "TEXT" else None,
            reply_to=message.filled("quoted_message_id"),
            conversation_status=conversation.filled("status"),
            country=conversation.filled("country"),
            channel_id=channel.filled("id"),
            channel_name=channel.filled("name"),
            environment=channel.filled("env"),
        ),
        problems=tuple(fields.problems),
    )


def _media(message: Fields) -> tuple[Media, ...]:
    for name, kind in _MEDIA:
        url = message.filled(name)
        if url:
            return (Media(message.filled("contentType") or kind, url),)
    return ()


def _report(fields: Fields) -> Reading:
    report = fields.obj("conversation")  # no conversation here: the report stands in its place, and message is null
    word, reason = report.filled("status"), report.filled("reason")
    status = _SMS_STATUS.get(word, Status.OTHER) if word else None
    keys = [f"oneroute:{number}" for name in ("externalId", "id") if (number := report.filled(name))]
    to = report.filled("to")
    created_at, delivered_at = report.time("createdAt"), report.time("delivered_time")
    failed = status is Status.FAILED
    return Reading(
        event=SMS_REPORT,
        message=keys[0] if keys else None,
        aliases=tuple(key for key in keys[1:] if key != keys[0]),
        conversation=to and f"oneroute:{to}",
        direction=Direction.OUTBOUND,
        channel="sms",
        status=status,
        provider_status=word,
        from_=report.filled("from"),
        to=to,
        error=MessageError(title=reason) if failed else None,
        occurred_at=delivered_at or created_at,
        accepted_at=created_at,
        completed_at=delivered_at,
        # reason is filled on success too, where it is no error
        facts=known(reason=None if failed else reason, units=report.filled("units")),
        problems=tuple(fields.problems),
    )
