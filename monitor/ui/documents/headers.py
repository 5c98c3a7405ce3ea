"""The Headers tab: every header in the order received."""

from __future__ import annotations

from typing import Final

from monitor.model.capture import Capture
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, Reader
from monitor.ui.lines import Line, foreign, line

WIDEST: Final = 16  # cells of a name beside its value; a longer one stands over it


def headers(capture: Capture, reader: Reader, signature_headers: tuple[str, ...] = ()) -> list[Line]:
    """The lines of the Headers tab; those that carry a signature stand out."""
    request = capture.request
    target = reader.plain(request.path)
    if request.query:
        target += "?" + (redact.HIDDEN if reader.masked else redact.target(request.query, reader.token))
    lines = [line(foreign(request.method, "strong", limit=20), (" ", "plain"), foreign(target, limit=2_000)), BLANK]
    wide = min(max((len(name) for name, _ in request.headers), default=0), WIDEST)
    for name, value in request.headers:
        shown, _ = foreign(name, limit=200)
        signed = name.lower() in signature_headers
        value = redact.target(redact.header_value(name, value), reader.token)
        if reader.masked and value.startswith("/") and "?" in value:  # the target as a proxy names it
            value = f"{value.partition('?')[0]}?{redact.HIDDEN}"
        role = "accent" if signed else "key"
        if len(shown) > wide:
            lines.append(line((shown, role), indent=2))
            shown = ""
        lines.append(line((shown.ljust(wide + 2), role), reader.prose(value, "plain"), indent=wide + 2))
    if not request.headers:
        lines.append(line(("no headers", "quiet")))
    return lines
