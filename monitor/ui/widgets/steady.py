"""A scrolled area whose content grows without the screen being laid out anew."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView


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
