"""HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as the importers of browsers take it.

What the format has no place for stands in fields that begin with an underscore, which it leaves to each program.
"""

from __future__ import annotations

import base64
import json
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from monitor.forwarding.outgoing import origin_form
from monitor.model.capture import Capture, Request
from monitor.model.record import rfc3339
from monitor.services.export.base import About, Out

VERSION: Final = "1.2"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](?::[0-9]{1,5})?")
_STRAY: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_HTTP: Final = "HTTP/1.1"
_UNKNOWN: Final = -1  # a size that is not known, in the format's own words
_NOT_KEPT: Final = "hooktop answers with a constant short body, which it does not keep"


class Har:
    """Writes captures as the entries of one log."""

    def __init__(self, out: Out, about: About) -> None:
        self._out = out
        self._terminal = about.terminal
        self._first = True
        log = {"version": VERSION, "creator": {"name": "hooktop", "version": about.version}}
        masked = "Numbers, names, texts and secrets are masked: signatures no longer verify. " if about.masked else ""
        comment = f"{masked}The time that a request took is not measured and stands as 0."
        head = self._json({"log": {**log, "comment": comment, "entries": []}})
        out.write(head.removesuffix(b"]}}"))

    def add(self, capture: Capture) -> None:
        """One entry."""
        self._out.write(b"\n" if self._first else b",\n")
        self._first = False
        self._out.write(self._json(entry(capture)))

    def finish(self) -> None:
        """The end of the log."""
        self._out.write(b"\n]}}\n")

    def _json(self, value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=self._terminal).replace("\x7f", "\\u007f")
        return text.encode("utf-8", "backslashreplace")


def entry(capture: Capture) -> dict[str, Any]:
    """A capture as an entry."""
    status = capture.answer
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return {
        "startedDateTime": rfc3339(capture.received_at),
        "time": 0,
        "request": _request(capture.request),
        "response": {
            "status": status,
            "statusText": phrase,
            "httpVersion": _HTTP,
            "cookies": [],
            "headers": [],
            "content": {"size": 0, "mimeType": "application/json", "comment": _NOT_KEPT},
            "redirectURL": "",
            "headersSize": _UNKNOWN,
            "bodySize": _UNKNOWN,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_hooktop": {
            "id": capture.id,
            "provider": capture.provider,
            "source": capture.source.value,
            "peer": capture.request.peer,
            "verdict": {
                "status": capture.verdict.status.value,
                "reason": capture.verdict.reason,
                "age_s": capture.verdict.age_s,
            },
        },
    }


def _request(request: Request) -> dict[str, Any]:
    host = request.header("host") or ""
    made = {
        "method": request.method,
        "url": f"http://{host if _HOST.fullmatch(host) else 'localhost'}{_written(origin_form(request))}",
        "httpVersion": _HTTP,
        "cookies": _cookies(request),
        "headers": [{"name": name, "value": value} for name, value in request.headers],
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(request.query, keep_blank_values=True, max_num_fields=None)
        ],
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body),
        "_target": request.target,
    }
    if request.body:
        made["postData"] = _post_data(request)
    return made


def _written(target: str) -> str:
    """The target as a part of an address: what may not stand in one is escaped."""
    return _STRAY.sub("%25", quote(target, "/?:@!$&'()*+,;=-._~%", "latin-1", "replace"))


def _cookies(request: Request) -> list[dict[str, str]]:
    pairs = [pair.strip().partition("=") for line in request.header_values("cookie") for pair in line.split(";")]
    return [{"name": name, "value": value} for name, _, value in pairs if name]


def _post_data(request: Request) -> dict[str, Any]:
    kind = request.header("content-type") or ""
    try:
        return {"mimeType": kind, "text": request.body.decode("utf-8")}
    except UnicodeDecodeError:
        return {
            "mimeType": kind,
            "text": base64.b64encode(request.body).decode("ascii"),
            "comment": "The body is no text: it stands here in base64.",
            "_encoding": "base64",
        }
