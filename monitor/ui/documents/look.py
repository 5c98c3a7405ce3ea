"""What all documents share: how the reader wants to see things, and lines with a label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from monitor.text import mixed_words, visible
from monitor.ui import redact
from monitor.ui.format import count
from monitor.ui.lines import Line, Part, foreign, line
from monitor.ui.mask import DOT, mask_addresses, mask_numbers, mask_party, mask_text, telling

LABEL: Final = 13  # cells of the label column
BLANK: Final = Line("")
NAMED: Final = 5  # words or names that a note lists
_LOOKED_AT: Final = 64 * 1024  # characters of a text


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

    def name(self, text: str, *parties: str | None) -> Part:
        """An id, in which the numbers and addresses of ``parties`` may stand."""
        if self.masked:
            for digits in ("".join(filter(str.isdecimal, party or "")) for party in parties):
                text = text.replace(digits, mask_party(digits)) if telling(digits) else text
            text = mask_addresses(text)
        return foreign(text)

    def prose(self, text: str, role: str = "plain") -> Part:
        """A text that may quote numbers."""
        return foreign(mask_numbers(text) if self.masked else text, role)

    def plain(self, text: str) -> str:
        """A visible text that may have the path token and numbers in it."""
        text = redact.target(text, self.token)
        return mask_numbers(text) if self.masked else text

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


def mixed_note(texts: Iterable[str | None], reader: Reader) -> Iterator[Line]:
    """A note where words in foreign texts mix scripts; while these are hidden, only how many do."""
    words = list(dict.fromkeys(word for text in texts if text for word in mixed_words(text[:_LOOKED_AT])))
    if words:
        shown = ", ".join(visible(word, limit=40) for word in words[:NAMED]) + " …" * (len(words) > NAMED)
        said = count(len(words), "word") if reader.masked else shown
        yield line((f"≠ mixes scripts, so it may look like other text: {said}", "warn"), indent=2)
