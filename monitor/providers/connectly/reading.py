"""What a Connectly webhook says: an inbound message, a delivery status, or a report.

Three generations of documents disagree and no version is on the wire, so all their forms are read and the kind is told
by the content. Sources: https://docs.connectly.ai/webhooks/payload-types , /message-api/webhook-api , and
https://connectly.readme.io/reference/webhook-payload
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from monitor.jsonbody import Body, clean
from monitor.model.capture import Request
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.providers.connectly.ulid import other_form, ulid_time
from monitor.providers.fields import Fields, iso_time, known, of_body, unix_time

_STATUS: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "delivery_failed": Status.FAILED,
    "delivery_failure": Status.FAILED,  # in the oldest documents
}
_OBJECTS: Final = ("sender", "recipient", "statusUpdate", "report")
_CODE_PREFIX: Final = "ERROR_CODE_"
_WHOLE_SECOND: Final = timedelta(seconds=1)  # by which an event may seem to precede its message: its time is cut
_MAX_UNKNOWN: Final = 5  # names of unknown content that are worth showing
_MESSAGE_KEYS: Final = ("text", "attachments", "referral", "isButtonResponse")
_TOP_KEYS: Final = ("sender", "recipient", "message", "buttonResponse", "context", "metadata", "attachments")


def read(request: Request, body: Body) -> Reading:
    """The reading of a webhook. Never raises; what could not be read is in ``problems``."""
    fields = of_body(body)
    if fields.value is None:
        return Reading(problems=tuple(fields.problems))
    objects = {name for name, value in fields.value.items() if isinstance(value, dict)}
    if "statusUpdate" in objects:
        return _status(fields)
    if "report" in objects:
        return _report(fields)
    if objects & {"sender", "message", "buttonResponse"}:
        return _message(request, fields)
    return Reading(
        event=fields.filled("topic"), status=Status.OTHER, occurred_at=_time(fields), problems=tuple(fields.problems)
    )


def looks_like(body: Body) -> bool:
    """Whether a body has the objects that Connectly's documents name."""
    value = body.value
    if not isinstance(value, dict):
        return False
    objects = {name for name in _OBJECTS if isinstance(value.get(name), dict)}
    if {"sender", "recipient"} <= objects or "statusUpdate" in objects:
        return True
    return "report" in objects and value.get("topic") == "report"


def turned(reading: Reading) -> Reading:
    """The reading of an inbound message as that of an outbound one, of which no status is known yet."""
    conversation = _conversation(reading.from_, reading.to)
    return replace(reading, direction=Direction.OUTBOUND, status=None, conversation=conversation)


def _status(fields: Fields) -> Reading:
    update, sender, recipient = fields.obj("statusUpdate"), fields.obj("sender"), fields.obj("recipient")
    word, number = update.filled("status"), update.filled("id")
    business, customer = sender.filled("id"), recipient.filled("id")
    other = number and other_form(number)
    occurred_at = _time(fields)
    accepted_at = ulid_time(number) if number else None
    if accepted_at and occurred_at and accepted_at - occurred_at > _WHOLE_SECOND:
        accepted_at = None  # a ULID that is younger than what happened to its message tells something else
    error, facts = _error(update.obj("error"))
    return Reading(
        event=fields.filled("topic") or "delivery_status",
        message=number and f"connectly:{number}",
        aliases=(f"connectly:{other}",) if other else (),
        conversation=_conversation(business, customer),
        direction=Direction.OUTBOUND,
        channel=recipient.filled("channelType") or sender.filled("channelType"),
        status=_STATUS.get(word, Status.OTHER) if word else None,
        provider_status=word,
        from_=business,
        to=customer,
        error=error,
        occurred_at=occurred_at,
        accepted_at=accepted_at,
        facts=facts + _facts(fields, update, sender, recipient),
        problems=tuple(fields.problems),
    )


def _message(request: Request, fields: Fields) -> Reading:
    message, button = fields.obj("message"), fields.obj("buttonResponse")
    sender, recipient = fields.obj("sender"), fields.obj("recipient")
    customer, business = sender.filled("id"), recipient.filled("id")
    media = tuple(
        Media(item.filled("type"), item.filled("url"))
        for holder in (message, fields)
        for item in holder.items("attachments")
    )
    own_id = button.filled("id")  # of the reply, not of the message it answers: its ULID has the reply's second
    pressed = button.value is not None or message.flag("isButtonResponse") is True
    referral = message.obj("referral")
    unknown = _unknown(message, _MESSAGE_KEYS) + _unknown(fields, _TOP_KEYS, (dict, list))
    return Reading(
        event=fields.filled("topic") or "messages",
        # inbound messages have no id; two equal bodies may also be two equal messages within one second
        message=f"connectly:sha256:{request.sha256()}",
        aliases=(f"connectly:{own_id}",) if own_id else (),
        conversation=_conversation(business, customer),
        direction=Direction.INBOUND,
        channel=sender.filled("channelType") or recipient.filled("channelType"),
        status=Status.RECEIVED,
        from_=customer,
        to=business,
        text=message.filled("text") or button.filled("text"),
        media=media,
        occurred_at=_time(fields),
        facts=known(
            button_reply="true" if pressed else None,
            button_payload=button.filled("payload"),
            referral_headline=referral.filled("headline"),
            referral_source=referral.filled("sourceUrl"),
            unknown_content=", ".join(unknown[:_MAX_UNKNOWN]),
        )
        + _facts(fields, fields, sender, recipient),
        problems=tuple(fields.problems),
    )


def _unknown(holder: Fields, known_names: tuple[str, ...], kinds: type | tuple[type, ...] = object) -> list[str]:
    """The names of what is there and has no documented shape: locations, reactions, list replies. Null is not there."""
    value = holder.value or {}
    return [clean(name) for name, part in value.items() if name not in known_names and part and isinstance(part, kinds)]


def _report(fields: Fields) -> Reading:
    report = fields.obj("report")
    run = report.obj("last_run")
    return Reading(
        event=fields.filled("topic") or "report",
        occurred_at=_time(fields),
        # the result's URL is signed, so whoever sees it can fetch the report: it is left out
        facts=known(
            report_id=report.filled("id"),
            report_name=report.filled("name"),
            report_type=report.filled("type"),
            report_run=run.filled("id"),
            report_status=run.filled("status"),
            report_expires_at=run.obj("result").filled("expires_at"),
        ),
        problems=tuple(fields.problems),
    )


def _conversation(business: str | None, customer: str | None) -> str | None:
    # by id alone: a user id comes with some events of a message and not with others, and would split it in two
    return f"connectly:{business},{customer}" if business and customer else None


def _facts(fields: Fields, nearer: Fields, sender: Fields, recipient: Fields) -> tuple[tuple[str, str], ...]:
    """What every kind may carry; ``nearer`` is the object that may have the metadata instead of the top level."""
    return known(
        campaign=_campaign(fields.obj("metadata")) or _campaign(nearer.obj("metadata")),
        callback_data=fields.filled("callbackData"),
        reply_to=fields.obj("context").filled("replyToId"),
        sender_name=sender.filled("name"),
        sender_user_id=sender.filled("userId"),
        recipient_name=recipient.filled("name"),
        recipient_user_id=recipient.filled("userId"),
    )


def _campaign(metadata: Fields) -> str | None:
    return metadata.filled("campaign_name") or metadata.filled("campaignName")


def _error(error: Fields) -> tuple[MessageError | None, tuple[tuple[str, str], ...]]:
    if not error.value:
        return None, ()
    code = error.filled("code")
    shown = code and code.removeprefix(_CODE_PREFIX)
    # there is no carrier code of its own; the documents' code without its prefix stands in its place
    read = MessageError(
        code=code,
        carrier_code=shown,
        title=error.filled("message") or error.filled("userTitle"),
        detail=error.filled("userMessage"),
        trace_id=error.filled("cntTraceId"),
    )
    return read, known(error_type=error.filled("type"), shown_code=shown)


def _time(fields: Fields) -> datetime | None:
    """The event's time: seconds or milliseconds as text or number, or ISO 8601; anything else is a problem."""
    text = fields.filled("timestamp")
    if text is None:
        return None
    try:
        moment = unix_time(float(text))
    except ValueError:
        moment = iso_time(text)
    if moment is None:
        fields.problem("timestamp is not a time; the time of arrival stands for it")
    return moment
