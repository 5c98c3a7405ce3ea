"""CSV for spreadsheets: what is read of each capture, a line each; no cell can be taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from monitor.model.capture import Capture
from monitor.model.reading import MessageError, Reading
from monitor.model.record import rfc3339
from monitor.services.export.base import About, Out
from monitor.text import visible

COLUMNS: Final = (
    "id", "received_at", "provider", "source", "verdict", "reason", "event", "direction", "channel", "status",
    "provider_status", "from", "to", "text", "error_code", "carrier_code", "message", "conversation", "size",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet calculate a cell instead of showing it


def row(capture: Capture) -> Sequence[object]:
    """The values of ``COLUMNS``."""
    reading = capture.reading or Reading()
    error = reading.error or MessageError()
    return (
        capture.id, rfc3339(capture.received_at), capture.provider, capture.source, capture.verdict.status,
        capture.verdict.reason, reading.event, reading.direction, reading.channel, reading.status,
        reading.provider_status, reading.from_, reading.to, reading.text, error.code, error.carrier_code,
        reading.message, reading.conversation, len(capture.request.body),
    )  # fmt: skip


def lines(rows: Sequence[Sequence[object]], *, terminal: bool) -> bytes:
    """Rows as lines of CSV; None is an empty cell. For a ``terminal`` every cell is made visible."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_cell(value, terminal) for value in values] for values in rows])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object, terminal: bool) -> str:
    text = "" if value is None else str(value)
    if terminal:
        text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


class Csv:
    """Writes captures as CSV with a head line."""

    def __init__(self, out: Out, about: About) -> None:
        self._out = out
        self._terminal = about.terminal
        out.write(lines([COLUMNS], terminal=False))

    def add(self, capture: Capture) -> None:
        """One line, or more where a text has some."""
        self._out.write(lines([row(capture)], terminal=self._terminal))

    def finish(self) -> None:
        """Nothing stands at the end."""
