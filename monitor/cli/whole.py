"""A capture in full, as text for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from monitor import jsonbody
from monitor.cli.lines import verdict_text
from monitor.cli.output import Paint, fields
from monitor.model.reading import Reading
from monitor.model.record import rfc3339
from monitor.text import visible, visible_bytes
from monitor.times import local_time
from monitor.ui import redact

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.model.verdict import Check, Verdict

MAX_SHOWN: Final = 64 * 1024  # bytes of a body that are printed; --raw gives all
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)


def whole(capture: Capture, paint: Paint, today: Verdict | None = None) -> list[str]:
    """The lines for a capture; ``today`` is the verdict with the keys of today, whose steps are listed."""
    request, verdict = capture.request, capture.verdict
    when = local_time(capture.received_at)
    lines = [
        paint(f"cap_{capture.id}  {visible(capture.provider)}  {_title(capture)}", bold=True),
        *fields(
            [
                ("received", f"{when:%Y-%m-%d %H:%M:%S.%f %Z} from {visible(request.peer or 'unknown')}"),
                ("source", capture.source.value),
                ("request", f"{visible(request.method)} {visible(request.target)}"),
                ("answer", capture.answered),
                ("origin", _origin(capture)),
                *([("marks", visible(", ".join(capture.marks)))] if capture.marks else []),
            ],
            indent="  ",
        ),
        "",
        paint("Signature", bold=True),
        *verdict_lines(verdict, paint),
    ]
    if today is not None:
        if (today.status, today.key) != (verdict.status, verdict.key):
            lines += ["  with the keys of today:", *verdict_lines(today, paint)]
        lines += check_lines(today.checks, paint)
    lines += ["", paint("Reading", bold=True), *_reading(capture.reading), "", paint("Headers", bold=True)]
    lines += [
        f"  {visible(name)}: {visible(redact.header_value(name, _utf8(value)))}" for name, value in request.headers
    ]
    size = len(request.body)
    lines += ["", paint(f"Body ({size} bytes, sha256 {request.sha256()})", bold=True), *body_lines(request.body)]
    if size > MAX_SHOWN:
        lines.append(f"… {size - MAX_SHOWN} more bytes; hooktop show cap_{capture.id} --raw gives them all")
    return lines


def verdict_lines(verdict: Verdict, paint: Paint) -> list[str]:
    """Status, reason and what belongs to them."""
    pairs = [("verdict", verdict_text(verdict, paint)), ("reason", visible(verdict.reason))]
    if verdict.near_miss:
        pairs.append(("near miss", paint(visible(verdict.near_miss), "yellow")))
    if verdict.scheme:
        pairs.append(("scheme", visible(verdict.scheme)))
    if verdict.key:
        pairs.append(("key", visible(verdict.key)))
    if verdict.age_s is not None:
        pairs.append(("signed", f"{verdict.age_s:.1f} s before arrival"))
    return fields(pairs, indent="  ")


def check_lines(checks: Sequence[Check], paint: Paint) -> list[str]:
    """The steps of a verification, each with its mark and word."""
    return [
        f"  {paint('✔ passed', 'green') if check.passed else paint('✖ failed', 'red')}  {visible(check.name)}"
        + (f": {visible(check.detail)}" if check.detail else "")
        for check in checks
    ]


def _title(capture: Capture) -> str:
    return visible(capture.reading.event) if capture.reading and capture.reading.event else "(no event named)"


def _origin(capture: Capture) -> str:
    token = {True: "path token right", False: "path token wrong", None: "no path token asked for"}[capture.origin.token]
    return f"{token}; peer {visible(capture.origin.peer or 'unknown')}"


def _utf8(value: str) -> str:
    """A header value as UTF-8 where it is UTF-8: headers are kept as Latin-1 texts of their bytes."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _reading(reading: Reading | None) -> list[str]:
    if reading is None:
        return ["  nothing could be read; see the body"]
    pairs: list[tuple[str, str | None]] = [
        ("event", reading.event),
        ("event id", reading.event_id),
        ("message", reading.message),
        ("conversation", reading.conversation),
        ("direction", reading.direction),
        ("channel", reading.channel),
        ("from", reading.from_),
        ("to", reading.to),
        ("status", reading.status),
        ("in its words", reading.provider_status),
        ("mark", reading.mark),
        ("text", reading.text),
        *(("media", f"{item.type or 'unknown type'} {item.url or ''}") for item in reading.media),
    ]
    if error := reading.error:
        said = [error.title, error.detail, error.carrier, error.source]
        codes = [("code", error.code), ("carrier code", error.carrier_code), ("trace", error.trace_id)]
        pairs.append(("error", "; ".join([f"{name} {code}" for name, code in codes if code] + [s for s in said if s])))
        if error.temporary is not None:
            pairs.append(("temporary", "yes" if error.temporary else "no"))
    times = ("occurred_at", "accepted_at", "sent_at", "completed_at", "valid_until")
    pairs += [(name.replace("_at", "").replace("_", " "), rfc3339(getattr(reading, name))) for name in times]
    pairs += reading.facts
    pairs += [("problem", problem) for problem in reading.problems]
    shown = [(visible(name, limit=80), visible(value, limit=MAX_SHOWN)) for name, value in pairs if value]
    return fields(shown, indent="  ") or ["  nothing could be read; see the body"]


def body_lines(body: bytes) -> list[str]:
    """A body as text: JSON re-indented token by token, so that numbers and double keys stay as they came."""
    if not body:
        return ["(empty)"]
    part = body[:MAX_SHOWN]
    if jsonbody.parse(body).ok:
        text = redact.body(part.decode("utf-8-sig", "ignore"))
        return visible(_indented(_PIECE.findall(text)), lines=True).split("\n")
    return visible_bytes(part, lines=True).split("\n")


def _indented(pieces: Iterable[str]) -> str:
    written: list[str] = []
    depth, before = 0, ""
    for piece in pieces:
        closes = piece in ("]", "}")
        opened = before in ("[", "{")
        depth -= closes
        if before == "," or (opened != closes and (opened or closes)):
            written.append("\n" + "  " * depth)
        written.append(": " if piece == ":" else piece)
        depth += piece in ("[", "{")
        before = piece
    return "".join(written)
