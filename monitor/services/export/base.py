"""What all forms of an export share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from monitor.model.capture import Capture


class Format(StrEnum):
    """The forms of an export."""

    JSONL = "jsonl"  # one JSON object a line, as every command prints it
    HAR = "har"  # HTTP Archive 1.2
    CURL = "curl"  # a bash script that sends the same bytes again
    CSV = "csv"
    BUNDLE = "bundle"  # one file with all there is to say: for 'hooktop open' and 'hooktop import'


# What a file of each form is usually called.
SUFFIXES = {
    Format.JSONL: ".jsonl",
    Format.HAR: ".har",
    Format.CURL: ".sh",
    Format.CSV: ".csv",
    Format.BUNDLE: ".hooktop",
}


class Out(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> Any:
        """Take the bytes."""


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself. ``filter`` is empty for all captures; ``terminal`` asks for nothing that could act
    on a terminal."""

    made_at: datetime
    version: str
    filter: str = ""
    masked: bool = False
    terminal: bool = False

    @property
    def maker(self) -> str:
        """The program and its version."""
        return f"hooktop {self.version}"


class Writer(Protocol):
    """Writes one form; nothing is kept in memory but what is being written."""

    def add(self, capture: Capture) -> None:
        """Write one capture. Raises OSError."""

    def finish(self) -> None:
        """Write what stands at the end. Raises OSError."""
