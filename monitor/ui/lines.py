"""A line of text with roles: what our own widgets draw.

A role is the meaning of a piece of text (``good``, ``bad``, ``quiet``, ...). Stylesheets give each role its look
through the component class ``role--NAME``, so that a theme is one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len, get_character_cell_size

from monitor.text import visible

ROLES: Final = (
    "plain", "strong", "quiet", "faint", "good", "bad", "warn", "info", "accent", "quote", "chip", "alarm",
    "key", "string", "number", "keyword", "match", "match-now",
)  # fmt: skip
MAX_LINE: Final = 1_000  # characters of a line that are drawn


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its text, the spans ``(start, end, role)`` of it in order, and the indent of its further rows."""

    text: str
    spans: tuple[tuple[int, int, str], ...] = ()
    indent: int = 0


Part = tuple[str, str]  # visible text and its role


@dataclass(frozen=True, slots=True)
class Document:
    """Lines, and which of them can be folded: first line to last line of a JSON object or array."""

    lines: Sequence[Line] = ()
    folds: Mapping[int, int] = field(default_factory=dict)


def foreign(text: str, role: str = "plain", *, limit: int = MAX_LINE) -> Part:
    """A part made of foreign text: one line, nothing in it acts on a terminal."""
    return visible(text, limit=limit), role


def line(*parts: Part, indent: int = 0) -> Line:
    """A line of parts one after another. The texts must be visible already (see ``foreign``)."""
    spans = []
    at = 0
    for text, role in parts:
        if text:
            spans.append((at, at + len(text), role))
            at += len(text)
    return Line("".join(text for text, _ in parts), tuple(spans), indent)


def plain_text(lines: Iterable[Line]) -> str:
    """The lines as text."""
    return "\n".join(line.text for line in lines)


def hanging(indent: int, width: int) -> int:
    """The indent that rows after the first are drawn with: never more than half of the room."""
    return min(indent, width // 2)


def wrap(text: str, width: int, indent: int) -> list[tuple[int, int]]:
    """The rows that a text takes in ``width`` cells, as (start, end) in characters.

    Rows break at blanks where there is one in their second half, and rather at two, which part a word and its value
    from the next; else anywhere. Rows after the first are narrower by what ``hanging`` leaves of ``indent``; so is the
    first where the text begins with more blanks than half of the room: they are left out.
    """
    width = max(width, 1)
    indent = hanging(indent, width)
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return [(0, len(text))]
    rows: list[tuple[int, int]] = []
    length, narrow = len(text), text.isascii()
    blanks = length - len(text.lstrip(" "))
    start, room = (blanks, width - indent) if width // 2 < blanks < length else (0, width)
    while start < length:
        end = min(start + room, length) if narrow else _reach(text, start, room)
        if end < length:
            half = start + (end - start) // 2
            blank = text.rfind("  ", half, end + 2) + 1 or text.rfind(" ", half, end + 1)
            if blank > start:
                end = blank + 1 + text.startswith(" ", blank + 1)  # the third of three, at the edge
        rows.append((start, end))
        start, room = end, width - indent
    return rows


def _reach(text: str, start: int, room: int) -> int:
    cells, at = 0, start
    while at < len(text):
        cells += get_character_cell_size(text[at])
        if cells > room:
            break
        at += 1
    return max(at, start + 1)
