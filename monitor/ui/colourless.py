"""A terminal's own themes: what their colours cannot do, and how they are without any, as NO_COLOR asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, Monochrome
from textual.theme import Theme


def readable(filters: Sequence[LineFilter], theme: Theme) -> Sequence[LineFilter]:
    """The filters; where the theme is a terminal's own with ours, which stands for Textual's greys where they are."""
    if not theme.ansi:
        return filters
    if not any(isinstance(one, Monochrome) for one in filters):
        return [*filters, _picked(theme.dark)]
    return [_colourless(theme.dark) if isinstance(one, Monochrome) else one for one in filters]


@cache
def _picked(dark: bool) -> Picked:
    """One for each, as below."""
    return Picked(dark=dark)


@cache
def _colourless(dark: bool) -> Colourless:
    """One for each, since Textual keeps what a filter gave by the filter."""
    return Colourless(dark=dark)


class Picked(LineFilter):
    """Gives text on the colour of a choice the one that reads there; what is quiet stays so.

    A role has one colour, which reads on paper; the choice has that of ink, and a terminal's own cannot be mixed.
    """

    def __init__(self, *, dark: bool) -> None:
        """A choice is white where ``dark``, else black."""
        super().__init__()
        self._back, self._text = (7, "black") if dark else (0, "white")

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments that can be read."""
        return [
            segment
            if segment.style is None or segment.text.isspace()
            else Segment(segment.text, _on_choice(segment.style, self._back, self._text), segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=1024)
def _on_choice(style: Style, back: int, text: str) -> Style:
    picked = style.bgcolor is not None and style.bgcolor.number == back
    quiet = style.color is not None and style.color.number == 8
    return style + Style(color=text) if picked and not quiet else style


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
