"""Captures as JSON objects, read back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from datetime import datetime
from typing import Any, Final

from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.verdict import claimed_by_file
from monitor.services.imports import checks
from monitor.services.imports.problem import Wrong

MAX_AGE_S: Final = 1e10


def capture_of(record: dict[str, Any]) -> Capture:
    """The capture of a record, as far as a file can be believed: its request, and when it came.

    The reading is left to the readers; the verdict says what the file says. Raises Wrong.
    """
    request = checks.obj(record, "request")
    at = "request."
    body = _body(request)
    digest = checks.optional_text(request, "sha256", at, limit=64)
    if digest is not None and digest.lower() != hashlib.sha256(body).hexdigest():
        raise Wrong("request.body is not the one that request.sha256 was taken of; was it edited?")
    made = checks.request(
        checks.text(request, "method", at),
        checks.text(request, "path", at),
        checks.text(request, "query", at),
        _headers(request),
        body,
        checks.optional_text(request, "peer", at),
    )
    response = record.get("response")
    verdict = record.get("verdict")
    return imported(
        made,
        checks.time(record, "received_at"),
        checks.status(response if isinstance(response, dict) else {}),
        verdict if isinstance(verdict, dict) else {},
    )


def imported(request: Request, received_at: datetime, answer: int, verdict: dict[str, Any]) -> Capture:
    """An imported capture; ``verdict`` is what the file says of its signature. Raises Wrong."""
    status = checks.optional_text(verdict, "status", "verdict.", limit=32)
    reason = checks.optional_text(verdict, "reason", "verdict.")
    age = verdict.get("age_s")
    known = isinstance(age, int | float) and not isinstance(age, bool) and math.isfinite(age) and abs(age) < MAX_AGE_S
    return Capture(
        id=0,
        received_at=received_at,
        provider="generic",
        source=Source.IMPORTED,
        request=request,
        answer=answer,
        verdict=claimed_by_file(status, reason, float(age) if known and age is not None else None),
        origin=Origin(),
    )


def _headers(request: dict[str, Any]) -> list[tuple[str, str]]:
    found = request.get("headers")
    if not isinstance(found, list):
        raise Wrong("request.headers is not a list")
    headers: list[tuple[str, str]] = []
    for pair in found:
        match pair:
            case [str(name), str(value)]:
                headers.append((name, value))
            case _:
                raise Wrong("request.headers holds something that is not a pair of texts")
    return headers


def _body(request: dict[str, Any]) -> bytes:
    encoding = request.get("body_encoding")
    written = checks.text(request, "body", "request.")
    if encoding == "utf-8":
        return written.encode("utf-8")
    if encoding == "base64":
        return decoded(written, "request.body")
    raise Wrong("request.body_encoding is neither utf-8 nor base64")


def decoded(written: str, name: str) -> bytes:
    """The bytes of a text in base64. Raises Wrong."""
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"{name} is not base64") from None
