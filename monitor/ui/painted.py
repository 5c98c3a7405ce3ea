"""What all our drawn widgets share: lines with roles become strips of the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.lines import ROLES, Line, Part


class Painted(Widget):
    """A widget that draws parts with roles. Mix in before the widget it extends."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in ROLES} | {"row--cursor", "row--cursor-blur"}

    style_generation = 0

    def notify_style_update(self) -> None:
        """Textual calls this when colours changed: what was drawn before is void."""
        self.style_generation += 1
        super().notify_style_update()

    def role(self, name: str) -> Style:
        """The colours of a role alone, to be laid over a background."""
        return self.get_component_rich_style(f"role--{name}", partial=True)

    def paint(self, parts: Sequence[Part], width: int, base: Style) -> Strip:
        """Parts as a strip of exactly ``width`` cells on the colours of ``base``."""
        # In reverse every colour would become a background of its own: there the row has one.
        segments = [Segment(text, base if base.reverse else base + self.role(role)) for text, role in parts if text]
        return Strip(segments).adjust_cell_length(width, base)

    def paint_slice(self, line: Line, start: int, end: int, base: Style) -> list[Segment]:
        """The characters ``start`` to ``end`` of a line as segments."""
        return [
            Segment(line.text[max(a, start) : min(b, end)], base if base.reverse else base + self.role(role))
            for a, b, role in line.spans
            if a < end and b > start
        ]


def cells(parts: Sequence[Part]) -> int:
    """How many cells the parts take."""
    return sum(cell_len(text) for text, _ in parts)
