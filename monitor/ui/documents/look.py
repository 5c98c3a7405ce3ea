"""What all documents share: how the reader wants to see things, and lines with a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.ui.lines import Line, Part, foreign, line
from monitor.ui.mask import DOT, mask_numbers, mask_party, mask_text

LABEL: Final = 13  # cells of the label column
BLANK: Final = Line("")


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a document is made: ``masked`` hides numbers and texts, ``token`` is the path token to hide.

    ``demo``: everything is simulated, so nothing is labelled as local.
    """

    masked: bool = False
    token: str | None = None
    demo: bool = False

    def party(self, text: str | None) -> Part:
        """A number, address or name."""
        if not text:
            return "unknown", "faint"
        return foreign(mask_party(text) if self.masked else text, "strong")

    def prose(self, text: str, role: str = "plain") -> Part:
        """A text that may quote numbers."""
        return foreign(mask_numbers(text) if self.masked else text, role)

    def fact(self, name: str, value: str) -> Part:
        """A named thing that the provider said."""
        return foreign(f"{name}: {DOT * 6 if self.masked else value}", limit=300)

    def text(self, text: str, role: str = "plain") -> Part:
        """The text of a message."""
        return (mask_text(text), role) if self.masked else foreign(text, role, limit=8_000)


def labelled(label: str, *parts: Part) -> Line:
    """A line that begins with a label in its own column; further rows stand under the parts."""
    return line((label.ljust(LABEL), "quiet"), *parts, indent=LABEL)


def under(*parts: Part) -> Line:
    """A line that goes on under a label."""
    return line((" " * LABEL, "plain"), *parts, indent=LABEL)


def title(text: str) -> Line:
    """A heading."""
    return line((text, "accent"))
