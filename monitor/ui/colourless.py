"""A terminal's own themes without colours, as NO_COLOR asks for."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class Colourless(LineFilter):
    """Takes all colours away; what stands on a colour of its own is shown in reverse.

    Textual's way to do without colours makes greys of them, and takes the terminal's own for black, text and
    background alike.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments without colours."""
        return [Segment(text, style and _bare(style), control) for text, style, control in segments]


@lru_cache(maxsize=1024)
def _bare(style: Style) -> Style:
    apart = style.bgcolor is not None and not style.bgcolor.is_default
    return style.without_color + Style(reverse=bool(style.reverse) != apart)
