"""A scrolled area whose content grows without the screen being laid out anew."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class SteadyBar(ScrollBar):
    """A vertical scroll bar that costs little to draw: that of a list which grows is drawn with each frame."""

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
        own, background, filters = self.rich_style, self.background_colors[1], self.get_line_filters()
        made: dict[Segment, Strip] = {}
        for segment in dict.fromkeys(drawn.segments):
            strip = Strip([segment], width).apply_style(own)
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
