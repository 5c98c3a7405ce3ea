"""JSON Lines: the object that every command prints, one a line."""

from __future__ import annotations

from monitor.jsonbody import json_line
from monitor.model.capture import Capture
from monitor.model.record import capture_record
from monitor.services.export.base import About, Out


class Jsonl:
    """Writes captures as JSON lines."""

    def __init__(self, out: Out, about: About) -> None:
        self._out = out
        self._terminal = about.terminal

    def add(self, capture: Capture) -> None:
        """One line."""
        self._out.write(json_line(capture_record(capture), terminal=self._terminal))

    def finish(self) -> None:
        """Nothing stands at the end."""
