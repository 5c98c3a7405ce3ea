"""The second layer against foreign text, and the ways by which text may enter a widget.

The first layer is ``monitor.text.visible`` where text is formatted. What is missed there loses its controls here, on
its way to the terminal.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.widget import Widget
from textual.widgets import Static

from monitor.text import visible
from monitor.ui.lines import Part


class _Deletes(dict[int, int | str]):
    """A translate table that deletes what could act: controls, bidi, zero width. The few with a width leave a sign."""

    def __missing__(self, code: int) -> int | str:
        kept: int | str = code
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            kept = "\ufffd" * get_character_cell_size(chr(code))
        if code < 0x20000:
            self[code] = kept
        return kept


class ControlFilter(LineFilter):
    """Deletes control, bidi and zero-width characters from everything that is drawn; widths stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._table = _Deletes()

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without such characters; Textual's own control segments pass."""
        if all(s.control or (s.text.isascii() and s.text.isprintable()) for s in segments):
            return segments
        return [
            s
            if s.control or (s.text.isascii() and s.text.isprintable())
            else Segment(s.text.translate(self._table), s.style)
            for s in segments
        ]


class Plain(Static):
    """A Static that never reads markup and makes every text visible."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(visible(text, lines=True), id=id, classes=classes, markup=False)

    @property
    def select_container(self) -> Widget:
        """What a triple click selects: no more than this, since Textual takes what is hidden beside it, too."""
        return self

    def show(self, text: str) -> None:
        """Show another text."""
        self.update(Content(visible(text, lines=True)))

    def show_parts(self, *lines: tuple[Part, ...]) -> None:
        """Show lines of parts with roles; the parts must be visible text already."""
        self.update(content(*lines))


def toast(app: App[Any], text: str, *, severity: SeverityLevel = "information", timeout: float | None = None) -> None:
    """Say something that may hold foreign text; never read as markup."""
    app.notify(visible(text, lines=True, limit=600), severity=severity, timeout=timeout, markup=False)


def content(*lines: tuple[Part, ...]) -> Content:
    """Lines of parts as Content in the theme's colours; the parts must be visible text already."""
    return Content("\n").join(Content.assemble(*((text, STYLES[role]) for text, role in parts)) for parts in lines)


def bare(*parts: Part) -> Content:
    """A line of parts in which what is plain takes the colours of its widget, which has others while it is in use."""
    return Content.assemble(*((text, "" if role == "plain" else STYLES[role]) for text, role in parts))


STYLES = {
    "plain": "$h-text", "strong": "bold $h-text", "quiet": "$h-quiet", "faint": "$h-faint", "good": "$h-good",
    "bad": "bold $h-bad", "warn": "$h-warn", "info": "$h-info", "accent": "$h-accent",
}  # fmt: skip
