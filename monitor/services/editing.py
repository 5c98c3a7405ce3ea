"""A request as a text for an editor, and back. What was not touched comes back byte for byte. Pure."""

from __future__ import annotations

import base64
import binascii
import textwrap
from dataclasses import replace
from typing import Final

from monitor.model.capture import Request
from monitor.text import is_text

_HELP: Final = (
    "# Capture {number}: change what is to be sent, save, and leave the editor.",
    "# Left as it is, or emptied, nothing is sent. The headers end at the first empty line; below it is the body.",
    "# Host, Content-Length and what belongs to the connection are made anew.",
)
_CODED: Final = "# The body is no text: it stands here in base64."


class EditProblem(Exception):
    """What was edited is no request any more, or no editor could be had; the text is a sentence."""


def as_text(request: Request, number: int) -> bytes:
    """The request as UTF-8: notes, request line, headers, an empty line, the body; base64 where that is no text."""
    notes = [line.format(number=number) for line in _HELP]
    body = request.body
    if not is_text(body):
        notes.append(_CODED)
        body = "\n".join(textwrap.wrap(base64.b64encode(body).decode("ascii"), 76)).encode("ascii")
    lines = [*notes, _line(request), *(_shown(f"{name}: {value}") for name, value in request.headers), "", ""]
    return "\n".join(lines).encode("utf-8") + body + b"\n"


def from_text(data: bytes, original: Request, number: int) -> Request | None:
    """The request that an edited text says; None where it says nothing else than the original, or nothing at all.

    Raises EditProblem.
    """
    if data == as_text(original, number) or not data.strip():
        return None
    head, body = _parts(data)
    try:
        lines = [line.rstrip("\r") for line in head.decode("utf-8").split("\n")]
    except UnicodeDecodeError:
        raise EditProblem("The edited headers are no UTF-8 text; save them as UTF-8, nothing was sent.") from None
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        del lines[0]
    if not lines:
        return None
    known = {_shown(f"{name}: {value}"): (name, value) for name, value in original.headers}
    headers = [known.get(line) or _header(line) for line in lines[1:]]
    request = replace(original, headers=tuple(headers), body=_body(body, original))
    if lines[0] != _line(original):
        method, blank, target = lines[0].strip().partition(" ")
        if not blank or not target.startswith("/"):
            raise EditProblem("The edited request does not begin with a line such as POST /volt; nothing was sent.")
        path, _, query = _kept(target.strip()).partition("?")
        request = replace(request, method=method, path=path, query=query)
    return None if request == original else request


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the first empty line below the notes."""
    at = 0
    while data.startswith((b"#", b"\n", b"\r\n"), at):
        end = data.find(b"\n", at)
        at = len(data) if end < 0 else end + 1
    ends = [(data.find(gap, at), gap) for gap in (b"\n\n", b"\n\r\n")]
    found = min(((end, gap) for end, gap in ends if end >= 0), default=None)
    if found is None:
        return data[at:].rstrip(b"\r\n"), b""
    return data[at : found[0]], data[found[0] + len(found[1]) :]


def _body(data: bytes, original: Request) -> bytes:
    if not is_text(original.body):
        try:
            return base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error:
            raise EditProblem("The edited body is no base64, as it was before; nothing was sent.") from None
    # An editor ends the last line, so one end of line more was written than there is; a CR before it may be the body's.
    ended = b"\n" if original.body.endswith(b"\r") or not data.endswith(b"\r\n") else b"\r\n"
    return data.removesuffix(ended)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise EditProblem("Among the edited headers is a line that is none; write NAME: VALUE, nothing was sent.")
    return _kept(name.strip()), _kept(value.strip())


def _line(request: Request) -> str:
    return _shown(f"{request.method} {request.target}")


def _shown(text: str) -> str:
    """Latin-1 text of bytes as the text that they are in UTF-8, where they are."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _kept(text: str) -> str:
    """The reverse: text as Latin-1 text of its UTF-8 bytes."""
    return text.encode("utf-8").decode("latin-1")
