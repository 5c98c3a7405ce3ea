"""A scrolled area whose content grows without the screen being laid out anew."""

from __future__ import annotations

from math import ceil

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

EIGHTHS = 8  # of a cell, in which a bar is drawn


class SteadyBar(ScrollBar):
    """A vertical scroll bar that is drawn again only when it looks different: that of a long list that grows is the
    same for many frames."""

    window_virtual_size = Reactive(100, repaint=False)
    window_size = Reactive(0, repaint=False)
    position = Reactive(0.0, repaint=False)
    _thumb = (0, 0)

    def watch_window_virtual_size(self) -> None:
        """The content has another length."""
        self._moved()

    def watch_window_size(self) -> None:
        """Another part of it is in sight."""
        self._moved()

    def watch_position(self) -> None:
        """It was scrolled."""
        self._moved()

    def _moved(self) -> None:
        thumb = self._start_and_end()
        if thumb != self._thumb:
            self._thumb = thumb
            self.refresh()

    def _start_and_end(self) -> tuple[int, int]:
        """Where the thumb is, in eighths of a cell, as Textual's renderer has it."""
        height, length, window = self.size.height, ceil(self.window_virtual_size), ceil(self.window_size)
        if not height or window >= length:
            return 0, 0
        thumb = max(1.0, window * height / length)
        start = int((height - thumb) * self.position / (length - window) * EIGHTHS)
        return start, start + ceil(thumb * EIGHTHS)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The cells of a region, of which only a few differ: Textual's own way would make a strip of each."""
        bar = self.render()
        style = bar.style if isinstance(bar, ScrollBarRender) else None
        if not isinstance(bar, ScrollBarRender) or not isinstance(style, Style) or not style.color or not style.bgcolor:
            return super().render_lines(crop)
        width, height = self.size
        drawn = bar.render_bar(
            height, bar.virtual_size, bar.window_size, bar.position, width, True, style.bgcolor, style.color
        )
        background, filters = self.background_colors[1], self.get_line_filters()
        made: dict[Segment, Strip] = {}
        for segment in dict.fromkeys(drawn.segments):
            strip = Strip([segment], width).apply_style(self.rich_style)
            for each in filters:
                strip = strip.apply_filter(each, background)
            made[segment] = strip.crop(crop.x, crop.right)
        return [made[drawn.segments[y]] for y in crop.line_range]


class SteadyScroll(ScrollView):
    """A ScrollView for content whose length changes many times a second.

    Textual lays the whole screen out again, and draws all that is in sight, whenever the virtual size changes. All that
    another length changes is the scroll bar, so that alone is told; only when the bar appears or goes is a layout
    needed. What else is to be drawn says whoever changed it.
    """

    virtual_size = Reactive(Size(0, 0), layout=False, repaint=False)

    def watch_virtual_size(self, old: Size, new: Size) -> None:
        """Tell the scroll bar, or ask for a layout where it comes or goes."""
        height = self.container_size.height
        if (old.height > height) != (new.height > height) or old.width != new.width:
            self.refresh(layout=True)
        elif self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = new.height

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scroll bar, made when it is first asked for, as Textual does it."""
        if self._vertical_scrollbar is None:
            bar = SteadyBar(vertical=True, name="vertical", thickness=self.scrollbar_size_vertical)
            bar.display = False
            self._vertical_scrollbar = bar
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar
