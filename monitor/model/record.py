"""A capture as the JSON object that scripts rely on: the same in every command and file."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from monitor.model.capture import Capture
from monitor.model.reading import Reading


def rfc3339(moment: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with microseconds and ``Z``, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def capture_record(capture: Capture) -> dict[str, Any]:
    """The JSON object of one capture; keys are always there, null where nothing is known.

    A body that is UTF-8 stands as text, any other as base64 (``body_encoding`` says which).
    """
    request, verdict = capture.request, capture.verdict
    try:
        body, encoding = request.body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(request.body).decode("ascii"), "base64"
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
            "body": body,
            "body_encoding": encoding,
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


def _reading(reading: Reading) -> dict[str, Any]:
    error = reading.error
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
        "media": [{"type": item.type, "url": item.url} for item in reading.media],
        "error": None
        if error is None
        else {
            "code": error.code,
            "carrier_code": error.carrier_code,
            "carrier": error.carrier,
            "source": error.source,
            "title": error.title,
            "detail": error.detail,
            "trace_id": error.trace_id,
            "temporary": error.temporary,
        },
        "occurred_at": rfc3339(reading.occurred_at),
        "accepted_at": rfc3339(reading.accepted_at),
        "sent_at": rfc3339(reading.sent_at),
        "completed_at": rfc3339(reading.completed_at),
        "valid_until": rfc3339(reading.valid_until),
        "facts": dict(reading.facts),
        "problems": list(reading.problems),
    }
