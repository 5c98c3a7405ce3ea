"""What can be copied of a capture, as text that is safe to paste."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor import jsonbody
from monitor.admin.base import ApiCall
from monitor.forwarding.outgoing import address_form
from monitor.model.capture import Capture
from monitor.model.record import rfc3339
from monitor.text import visible
from monitor.ui import redact

_UNSENT = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Copy:
    """A text for the clipboard, the same as bytes for the file, and what it is."""

    what: str
    text: str
    data: bytes


def _ascii(text: str) -> str:
    """Text in which everything but printable ASCII and newlines is escaped: pasted controls run in shells."""
    return "".join(c if " " <= c <= "~" or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)


def _copy(what: str, text: str) -> Copy:
    return Copy(what, text, text.encode("ascii", "backslashreplace"))


def number(capture: Capture) -> Copy:
    """The capture's number."""
    return _copy("the capture's number", str(capture.id))


def text(what: str, text: str) -> Copy:
    """A text of ours or a provider's, such as an address."""
    return _copy(what, _ascii(text))


def key(of: str, key: str) -> Copy:
    """The key of a message or a conversation."""
    return _copy(f"the {of} key", _ascii(key))


def record(of: str, record: Mapping[str, Any]) -> Copy:
    """A message or a conversation as an indented JSON object in ASCII."""
    return _copy(f"the {of} as JSON", json.dumps(record, indent=2, ensure_ascii=True))


def call(call: ApiCall, token: str | None) -> Copy:
    """A call to a provider's API and its answer, secrets hidden."""
    answer = "no answer" if call.status is None else f"answer {call.status}"
    came = f"{answer} after {call.took_s * 1000:,.0f} ms, {rfc3339(call.at)}"
    parts = (call.request, came, call.error, call.answer)
    shown = visible(redact.target("\n\n".join(filter(None, parts)), token), lines=True)
    return Copy("the call, secrets hidden", shown, shown.encode())


def prose(text: str) -> Copy:
    """The text of a message in its own letters; nothing in it acts on a terminal."""
    shown = visible(text, lines=True)
    return Copy("the text", shown, shown.encode())


def escaped_body(capture: Capture) -> Copy:
    """The body as indented JSON in ASCII, or its bytes escaped where it is not JSON."""
    parsed = jsonbody.parse(capture.request.body)
    if parsed.ok:
        return _copy("the body as escaped JSON", json.dumps(parsed.value, indent=2, ensure_ascii=True))
    return _copy("the body, escaped", _ascii(capture.request.body.decode("utf-8", "backslashreplace")))


def raw_body(capture: Capture) -> Copy:
    """The body as it came."""
    data = capture.request.body
    return Copy("the body as it came, unescaped", data.decode("utf-8", "backslashreplace"), data)


def header_text(capture: Capture, token: str | None) -> Copy:
    """Request line and headers, credentials hidden."""
    request = capture.request
    lines = [f"{request.method} {redact.target(request.target, token)}"]
    lines += [f"{name}: {redact.target(redact.header_value(name, value), token)}" for name, value in request.headers]
    return _copy("the headers, credentials hidden", "\n".join(_ascii(text.replace("\n", "\\n")) for text in lines))


def curl(capture: Capture, url: str, token: str | None, path: str = "") -> Copy:
    """A command that posts the same bytes to ``url`` again, to the same path there or to ``path``; credentials and the
    path token are hidden."""
    request = capture.request
    parts = ["curl", "-X", shlex.quote(request.method), "--globoff", "--path-as-is"]
    for name, value in request.headers:
        if name.lower() not in _UNSENT:
            shown = redact.target(redact.header_value(name, value), token)
            parts += ["-H", shlex.quote(_ascii(f"{name}: {shown}".replace("\n", " ")))]
    body = request.body
    before = ""
    if body and body.isascii() and body.decode("ascii").isprintable() and body[:1] != b"@":  # that names a file to curl
        parts += ["--data-binary", shlex.quote(body.decode("ascii"))]
    elif body:  # bytes that a shell or a terminal might act on travel in base64
        before = f"printf %s {base64.b64encode(body).decode('ascii')} | base64 -d | "
        parts += ["--data-binary", "@-"]
    own, target = address_form(request) if not path else (path, None)
    if target is not None:
        parts += ["--request-target", shlex.quote(_ascii(redact.target(target, token)))]
    parts.append(shlex.quote(url + _ascii(redact.target(own, token))))
    return _copy("a curl line", before + " ".join(parts))
