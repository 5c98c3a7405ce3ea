"""Captures, messages and conversations as the JSON objects that scripts rely on: the same in every command and file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.model.attempt import Attempt
from monitor.model.capture import Capture
from monitor.model.conversation import Conversation
from monitor.model.message import Mark, Message, Stage
from monitor.model.reading import Media, MessageError, Reading


def rfc3339(moment: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with microseconds and ``Z``, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def capture_record(capture: Capture) -> dict[str, Any]:
    """The JSON object of one capture; keys are always there, null where nothing is known.

    A body that is UTF-8 stands as text, any other as base64 (``body_encoding`` says which).
    """
    request, verdict = capture.request, capture.verdict
    return {
        "kind": "capture",
        "id": capture.id,
        "received_at": rfc3339(capture.received_at),
        "provider": capture.provider,
        "source": capture.source.value,
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": [list(header) for header in request.headers],
            **_body(request.body),
            "size": len(request.body),
            "sha256": request.sha256(),
            "peer": request.peer,
        },
        "response": {"status": capture.answer},
        "verdict": {
            "status": verdict.status.value,
            "reason": verdict.reason,
            "scheme": verdict.scheme,
            "key": verdict.key,
            "near_miss": verdict.near_miss,
            "age_s": verdict.age_s,
        },
        "origin": {"token": capture.origin.token, "peer": capture.origin.peer},
        "reading": None if capture.reading is None else _reading(capture.reading),
        "marks": list(capture.marks),
    }


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    """The JSON object of one attempt to pass a capture on. ``answer`` is null where no status came; with a ``failure``
    it is not whole. Its body is the beginning that was kept, its size that of all that was read."""
    answer = {
        "status": attempt.status,
        "took_s": attempt.took_s,
        "headers": [list(header) for header in attempt.headers],
        **_body(attempt.body),
        "size": attempt.size,
    }
    return {
        "kind": attempt.kind.value,
        "capture": attempt.capture,
        "url": attempt.url,
        "at": rfc3339(attempt.at),
        "changed_request": attempt.changed,
        "answer": None if attempt.status is None else answer,
        "failure": attempt.failure,
        "detail": attempt.detail or None,
    }


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8"), "body_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode("ascii"), "body_encoding": "base64"}


def message_record(message: Message, *, stuck_s: float | None = None) -> dict[str, Any]:
    """The JSON object of one message; ``stuck_s`` is for how long it is stuck, as ``lifecycle.stuck_since`` tells.

    ``marks`` are what was noticed, then what people did with the message (read, opened, ...).
    """
    latency = message.latency
    noticed = [*message.marks, *([Mark.STUCK] if stuck_s is not None else [])]
    return {
        "kind": "message",
        "key": message.key,
        "provider": message.provider,
        "account": None,  # no provider names in a webhook the account that it is for
        "aliases": list(message.aliases),
        "direction": message.direction and message.direction.value,
        "channel": message.channel,
        "from": message.from_,
        "to": message.to,
        "text": message.text,
        "media": _media(message.media),
        "status": message.status and message.status.value,
        "final": message.final,
        "stages": [_stage(stage) for stage in message.stages],
        "more_stages": message.more_stages,
        "latency": {
            "accept_to_sent_s": latency.accept_to_sent_s,
            "sent_to_final_s": latency.sent_to_final_s,
            "total_s": latency.total_s,
            "transit_s": latency.transit_s,
            "about": latency.about,
        },
        "error": _error(message.error),
        "marks": list(dict.fromkeys([mark.value for mark in noticed] + [item.mark for item in message.interactions])),
        "interactions": [
            {
                "mark": item.mark,
                "provider_at": rfc3339(item.provider_at),
                "received_at": rfc3339(item.received_at),
                "capture": item.capture,
                "times": item.times,
            }
            for item in message.interactions
        ],
        "stuck_s": stuck_s,
        "captures": list(message.captures),
        "capture_count": message.capture_count,
        "unproven": list(message.unproven),
        "unproven_count": message.unproven_count,
        "duplicates": message.duplicates,
        "conversation": message.conversation,
        "happened_at": rfc3339(message.happened_at),
        "first_at": rfc3339(message.first_at),
        "updated_at": rfc3339(message.updated_at),
        "completed_at": rfc3339(message.completed_at),
        "valid_until": rfc3339(message.valid_until),
    }


def conversation_record(conversation: Conversation) -> dict[str, Any]:
    """The JSON object of one conversation."""
    return {
        "kind": "conversation",
        "key": conversation.key,
        "provider": conversation.provider,
        "parties": list(conversation.parties),
        "channel": conversation.channel,
        "messages": conversation.messages,
        "unread": None,  # the screens know it of their own run, the database keeps nothing of it
        "last_text": conversation.last_text,
        "last_direction": conversation.last_direction and conversation.last_direction.value,
        "last_at": rfc3339(conversation.last_at),
        "status": conversation.status and conversation.status.value,
        "provider_status": conversation.provider_status,
        "failed": conversation.failed,
        "unproven": conversation.unproven,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "status": stage.status.value,
        "provider_at": rfc3339(stage.provider_at),
        "received_at": rfc3339(stage.received_at),
        "capture": stage.capture,
        "provider_status": stage.provider_status,
        "inferred": stage.inferred,
        "count": stage.count,
        "marks": [mark.value for mark in stage.marks],
        "error": _error(stage.error),
    }


def _media(media: Sequence[Media]) -> list[dict[str, Any]]:
    return [{"type": item.type, "url": item.url} for item in media]


def _error(error: MessageError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "code": error.code,
        "carrier_code": error.carrier_code,
        "carrier": error.carrier,
        "source": error.source,
        "title": error.title,
        "detail": error.detail,
        "trace_id": error.trace_id,
        "temporary": error.temporary,
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "event": reading.event,
        "event_id": reading.event_id,
        "message": reading.message,
        "conversation": reading.conversation,
        "direction": reading.direction and reading.direction.value,
        "channel": reading.channel,
        "status": reading.status and reading.status.value,
        "provider_status": reading.provider_status,
        "mark": reading.mark,
        "from": reading.from_,
        "to": reading.to,
        "text": reading.text,
        "media": _media(reading.media),
        "error": _error(reading.error),
        "occurred_at": rfc3339(reading.occurred_at),
        "accepted_at": rfc3339(reading.accepted_at),
        "sent_at": rfc3339(reading.sent_at),
        "completed_at": rfc3339(reading.completed_at),
        "valid_until": rfc3339(reading.valid_until),
        "facts": dict(reading.facts),
        "problems": list(reading.problems),
    }
