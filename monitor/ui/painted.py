"""What all our drawn widgets share: lines with roles become strips of the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.lines import ROLES, Line, Part

# Component classes of the app, which has them once for all widgets: Textual works each of them out anew for every
# widget that has it, whenever that is styled, and that was half the time until the first paint.
PAINTS: Final = {f"role--{role}" for role in ROLES} | {"row--cursor", "row--cursor-blur"}


def forget_drawn() -> None:
    """Let go of what closed screens drew: Textual keeps up to 1,024 of its widgets' caches, some 0.4 MB a screen, as
    keys of a cache of colours (https://github.com/Textualize/textual/issues/6665)."""
    StylesCache.get_inner_outer.cache_clear()


class Painted(Widget):
    """A widget that draws parts with roles, in an app with ``PAINTS``. Mix in before the widget it extends."""

    ALLOW_SELECT = False  # without text of its own: Textual would take the name of its class for that
    style_generation = 0
    ground = Style()  # its own colours, while its lines are drawn

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._paints: dict[str, Style] = {}

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region. Textual works a widget's own colours out anew whenever they are asked for, which
        would cost more than all else in a line."""
        self.ground = self.rich_style
        return super().render_lines(crop)

    def notify_style_update(self) -> None:
        """Textual calls this when colours changed: what was drawn before is void."""
        self.style_generation += 1
        self._paints = {}
        super().notify_style_update()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Nothing, also where all around it was selected."""
        return None

    def role(self, name: str) -> Style:
        """The colours of a role alone, to be laid over a background."""
        return self._painted(f"role--{name}")

    def picked(self, *, focused: bool) -> Style:
        """The colours of the row under the cursor alone."""
        return self._painted("row--cursor" if focused else "row--cursor-blur")

    def _painted(self, name: str) -> Style:
        style = self._paints.get(name)
        if style is None:
            style = self._paints[name] = self.app.get_component_styles(name).partial_rich_style
        return style

    def _on(self, base: Style, role: str) -> Style:
        """A role on the colours of ``base``."""
        if base.reverse:  # every colour would become a background of its own: there the row has one
            found = role in ("match", "match-now")  # ... but for what was sought, which is no part of it
            return base + self.role(role).without_color + Style(reverse=False) if found else base
        if role == "faint" and base.bgcolor in (self.picked(focused=True).bgcolor, self.picked(focused=False).bgcolor):
            role = "quiet"  # which the row under the cursor leaves readable
        return base + self.role(role)

    def paint(self, parts: Sequence[Part], width: int, base: Style) -> Strip:
        """Parts as a strip of exactly ``width`` cells on the colours of ``base``."""
        segments = [Segment(text, self._on(base, role)) for text, role in parts if text]
        return Strip(segments).adjust_cell_length(width, base)

    def paint_slice(self, line: Line, start: int, end: int, base: Style) -> list[Segment]:
        """The characters ``start`` to ``end`` of a line as segments."""
        return [
            Segment(line.text[max(a, start) : min(b, end)], self._on(base, role))
            for a, b, role in line.spans
            if a < end and b > start
        ]


def cells(parts: Sequence[Part]) -> int:
    """How many cells the parts take."""
    return sum(cell_len(text) for text, _ in parts)
