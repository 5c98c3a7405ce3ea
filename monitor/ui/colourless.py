"""A terminal's own themes without colours, as NO_COLOR asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, Monochrome
from textual.theme import Theme


def readable(filters: Sequence[LineFilter], theme: Theme) -> Sequence[LineFilter]:
    """The filters, with ours instead of Textual's greys where the theme is a terminal's own."""
    if not theme.ansi:
        return filters
    return [_colourless(theme.dark) if isinstance(one, Monochrome) else one for one in filters]


@cache
def _colourless(dark: bool) -> Colourless:
    """One for each, since Textual keeps what a filter gave by the filter."""
    return Colourless(dark=dark)


class Colourless(LineFilter):
    """Takes all colours away; what stands on a colour other than paper is shown in reverse.

    Textual's way to do without colours makes greys of them, and takes the terminal's own for black, text and
    background alike.
    """

    def __init__(self, *, dark: bool) -> None:
        """Paper is black where ``dark``, else white."""
        super().__init__()
        self._paper = 0 if dark else 7

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments without colours."""
        return [Segment(text, style and _bare(style, self._paper), control) for text, style, control in segments]


@lru_cache(maxsize=1024)
def _bare(style: Style, paper: int) -> Style:
    apart = style.bgcolor is not None and not style.bgcolor.is_default and style.bgcolor.number != paper
    return style.without_color + Style(reverse=bool(style.reverse) != apart)
