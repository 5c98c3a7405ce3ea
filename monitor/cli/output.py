"""What commands print: plain text that cannot act on the terminal, colours only where they are seen, JSON lines."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

import click

from monitor.jsonbody import json_line as json_line  # the commands have it from here
from monitor.text import visible

GAP: Final = "  "
MAX_CELL: Final = 400  # characters of a cell: every other of its column is filled up to its width


class Paint:
    """Colours text, or not: only a terminal that was not asked to be plain gets colours."""

    def __init__(self, *, no_color: bool) -> None:
        plain = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self.on = not plain and sys.stdout.isatty()

    def __call__(self, text: str, color: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        """The text in a colour by click's name."""
        if not self.on or not (color or bold or dim):
            return text
        return click.style(text, fg=color, bold=bold or None, dim=dim or None)


def width(text: str) -> int:
    """How many terminal cells a visible text takes."""
    if text.isascii():
        return len(text)
    cells = 0
    for char in text:
        if unicodedata.category(char) in ("Mn", "Me"):
            continue
        cells += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return cells


def pad(text: str, cells: int) -> str:
    """The text filled with blanks to this many cells."""
    return text + " " * max(cells - width(text), 0)


def cut(text: str, cells: int) -> str:
    """The text in at most this many cells; ``…`` marks a cut."""
    if len(text) * 2 <= cells or width(text) <= cells:
        return text
    kept, used = [], 1
    for char in text:
        used += width(char)
        if used > cells:
            break
        kept.append(char)
    return "".join(kept) + "…"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, paint: Paint) -> list[str]:
    """The lines of a table: a head, then the rows, in columns as wide as their widest cell; made visible and, where
    they are endless, cut here."""
    cells = [[visible(cell, limit=MAX_CELL) for cell in row] for row in rows]
    widths = [max(width(text) for text in column) for column in zip(heads, *cells, strict=True)]
    lines = [GAP.join(map(pad, heads, widths)).rstrip()]
    lines[0] = paint(lines[0], bold=True)
    return lines + [GAP.join(map(pad, row, widths)).rstrip() for row in cells]


def fields(pairs: Iterable[tuple[str, str]], *, indent: str = "") -> list[str]:
    """The lines of a list of names and values, the values below each other; both are visible text already."""
    kept = list(pairs)
    widest = max((width(name) for name, _ in kept), default=0)
    return [f"{indent}{pad(name, widest)}{GAP}{value}".rstrip() for name, value in kept]


def counted(number: int, noun: str) -> str:
    """``1 capture``, ``1,204 captures``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(*lines: str) -> None:
    """Print lines on stdout."""
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")


def say_json(*values: Any) -> None:
    """Print JSON objects on stdout, one a line, UTF-8 whatever the locale."""
    write(b"".join(json_line(value, terminal=sys.stdout.isatty()) for value in values))


def write(data: bytes) -> None:
    """Bytes to stdout, at once."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
