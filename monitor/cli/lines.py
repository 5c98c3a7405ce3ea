"""A capture as one line of text, for people: in lists and as it comes."""

from __future__ import annotations

from typing import Final

from monitor.cli.output import GAP, Paint, cut, pad
from monitor.model.capture import LOCAL_MARK, Capture, Source
from monitor.model.reading import Direction, Reading, Status
from monitor.model.verdict import SIGNS, Verdict
from monitor.text import visible
from monitor.times import local_time

_COLORS: Final = {"good": "green", "bad": "red", "warn": "yellow"}  # by tone
STATUS_COLORS: Final = {Status.FAILED: "red", Status.DELIVERED: "green", Status.READ: "green"}
ARROWS: Final = {Direction.OUTBOUND: "→", Direction.INBOUND: "←", None: " "}
_TEXT_CELLS: Final = 60


def verdict_text(verdict: Verdict, paint: Paint, *, cells: int = 0, local: bool = False) -> str:
    """Glyph and word of a verdict, filled to ``cells``; ``local`` adds that a local key signed it."""
    glyph, word, tone = SIGNS[verdict.status]
    color = _COLORS.get(tone)
    return paint(pad(f"{glyph} {word}{' local' if local else ''}", cells), color, dim=color is None)


def status_text(reading: Reading) -> str:
    """The status in the provider-neutral word, a failure with its codes: ``FAILED 40002/702``."""
    if reading.status is None:
        return reading.provider_status or reading.mark or ""
    if reading.status is not Status.FAILED:
        return reading.mark or reading.status.value
    error = reading.error
    codes = "/".join(code for code in (error.code, error.carrier_code) if code) if error else ""
    return f"FAILED {codes}".rstrip()


def line(capture: Capture, paint: Paint, *, dated: bool = False) -> str:
    """The line of a capture: id, local time, verdict, provider, event, parties, status, text."""
    reading = capture.reading or Reading()
    when = local_time(capture.received_at)
    stamp = when.strftime("%Y-%m-%d %H:%M:%S") if dated else f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    inbound = reading.direction is Direction.INBOUND
    party = reading.from_ if inbound else reading.to or reading.from_
    what = reading.event or f"{capture.request.method} {capture.request.path}"
    if capture.source is Source.REPLAYED:
        what = f"REPLAY {what}"
    status = cut(visible(status_text(reading), limit=80), 18)
    local = capture.source is Source.SIMULATED or LOCAL_MARK in capture.marks
    columns = [
        pad(f"cap_{capture.id}", 8),
        stamp,
        verdict_text(capture.verdict, paint, cells=16, local=local),
        pad(visible(capture.provider), 9),
        pad(cut(visible(what, limit=200), 24), 24),
        f"{ARROWS[reading.direction]} {pad(cut(visible(party or '', limit=100), 22), 22)}",
        paint(pad(status, 18), STATUS_COLORS.get(reading.status) if reading.status else None),
        cut(f"“{visible(reading.text, limit=200)}”", _TEXT_CELLS) if reading.text else "",
    ]
    return GAP.join(columns).rstrip()
