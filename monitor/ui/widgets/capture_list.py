"""The live list: a window on the view, drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from datetime import datetime
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.cache import LRUCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from monitor.services.view import View
from monitor.store.reader import Row
from monitor.ui.actions import bindings
from monitor.ui.columns import Look, layout, row_parts, time_text
from monitor.ui.widgets.rows import Cursor

CACHED_STRIPS: Final = 256  # each with how it was cut and written

_Key = tuple[int, int, str, str | None, bool, bool, int]


class CaptureList(Cursor, inherit_bindings=False):
    """Captures, newest at the bottom. Follows the newest until the user moves up."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list")

    class FollowChanged(Message):
        """Following began or ended, or the number of new rows below changed."""

    def __init__(
        self, view: View, look: Callable[[], Look], now: Callable[[], datetime], marked: Container[int] = ()
    ) -> None:
        """``marked`` are the ids of captures that stand out; ``restyle`` when others do."""
        super().__init__(id="captures")
        self.view = view
        self._look = look
        self._now = now
        self._marked = marked
        self.cursor = max(len(view) - 1, 0)
        self.following = True
        self._known = 0  # the last capture that had come when the cursor was last at the end
        self._strips: LRUCache[_Key, Strip] = LRUCache(CACHED_STRIPS)
        self._filters: Sequence[LineFilter] = ()
        self._behind = Color(0, 0, 0)
        self._version = view.version
        self._answers = view.answers
        self._anchor: int | None = None
        self._told: int | None = None

    def count(self) -> int:
        """How many captures there are."""
        return len(self.view)

    @property
    def unseen(self) -> int:
        """How many captures came below since the cursor was last at the end."""
        return 0 if self.following else self.view.newer_than(self._known)

    @property
    def selected(self) -> int | None:
        """The id of the capture under the cursor, None when the list is empty."""
        return self.view.id_at(self.cursor) if 0 <= self.cursor < len(self.view) else None

    # --- what comes from outside ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._resized()

    def on_resize(self) -> None:
        self._strips.clear()
        self._resized()
        self.bring(self.cursor, self.cursor)

    def grown(self, added: int) -> None:
        """Take notice of ``added`` new rows at the end, and of a view that was built anew."""
        if self._answers != self.view.answers:
            self._answers = self.view.answers
            self.refresh()
        if self._version != self.view.version:
            self._rebuilt()
        elif added:
            if not self.following:
                self.post_message(self.FollowChanged())
            below = self.scroll_offset.y + self.page <= len(self.view) - added
            self._resized(redraw=self.following or not below)

    def restyle(self) -> None:
        """Draw everything again: theme, mask or form of time changed."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme changed."""
        self._strips.clear()
        super().notify_style_update()

    def _rebuilt(self) -> None:
        self._version = self.view.version
        self._strips.clear()
        if self._anchor is not None and not self.following:
            above = self.cursor - self.scroll_offset.y
            self.cursor = self.view.nearest(self._anchor)
            self.virtual_size = Size(self.size.width, len(self.view))
            self.scroll_to(y=self.cursor - above, animate=False, immediate=True)
        self._resized()

    def _resized(self, *, redraw: bool = True) -> None:
        """Bring the size of the scrolled area, the cursor and the position in line with the view, and ``redraw``."""
        size = Size(self.scrollable_content_region.width, len(self.view))
        if size != self.virtual_size:
            self.virtual_size = size
        last = max(len(self.view) - 1, 0)
        if self.following:
            self.cursor = last
            self.scroll_to(y=max(self.virtual_size.height - self.page, 0), animate=False, immediate=True)
        else:
            self.cursor = min(self.cursor, last)
        self._tell()
        if redraw:
            self.refresh()

    def _tell(self) -> None:
        number = self.selected
        if number != self._told:
            self._told = number
            self.post_message(self.Moved(self))

    # --- moving --------------------------------------------------------------------------------------------------

    def move_to(self, index: int, *, follow: bool = False) -> None:
        """Put the cursor on a row and bring the row into sight."""
        if not len(self.view) and not follow:  # what a filter leaves may come yet, the newest first
            return
        last = max(len(self.view) - 1, 0)
        index = min(max(index, 0), last)
        self._follow(follow)
        old, self.cursor = self.cursor, index
        self._hold()
        if index == last and self.unseen:
            self._seen_all()
        self.bring(index, index)
        self.refresh_line(old)
        self.refresh_line(index)
        self._tell()

    def _follow(self, follow: bool) -> None:
        if follow != self.following:
            self.following = follow
            self._hold()
            self._seen_all()

    def _seen_all(self) -> None:
        """Nothing is new any more."""
        self._known = self.view.upto
        self.post_message(self.FollowChanged())

    def _hold(self) -> None:
        """Keep to this capture when the view becomes another; nothing but the user puts another in its place."""
        if self.selected is not None:
            self._anchor = self.selected

    def stay(self) -> None:
        """Keep to the capture under the cursor."""
        self._follow(False)

    def action_down(self) -> None:
        """One row down; at the newest it goes on being followed."""
        if self.cursor < len(self.view) - 1:
            super().action_down()

    def action_bottom(self) -> None:
        """To the newest, and follow it."""
        self.move_to(len(self.view) - 1, follow=True)

    def action_follow(self) -> None:
        """Follow the newest, or stop following."""
        if self.following:
            self._follow(False)
        else:
            self.action_bottom()

    def on_mouse_scroll_up(self) -> None:
        """The wheel leaves the newest."""
        if len(self.view) > self.page:
            self._follow(False)

    on_scroll_to = on_scroll_up = on_mouse_scroll_up  # so does the scroll bar

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region, those drawn before as they were: Textual's own way wraps each in a new strip, which
        forgets how it was filtered, cut and written, and that is most of a frame of a list that moves.

        For a widget without border, padding and opacity, as the stylesheet has it.
        """
        self.ground, self._behind = self.rich_style, self.background_colors[1]
        self._filters = self.get_line_filters()
        return [self.render_line(y).crop(crop.x, crop.right) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        """One row. Whatever is wrong with it costs this row only."""
        index = y + self.scroll_offset.y
        if index >= len(self.view):
            return self._filtered(Strip.blank(self.outer_size.width, self.ground))
        try:
            return self._row_strip(index)
        except Exception as error:
            return self._filtered(self.broken(f"row {index}", error, self.outer_size.width))

    def _filtered(self, strip: Strip) -> Strip:
        segments = list(strip)
        for each in self._filters:
            segments = each.apply(segments, self._behind)
        return Strip(segments, strip.cell_length)

    def _row_strip(self, index: int) -> Strip:
        width, whole = self.scrollable_content_region.width, self.outer_size.width
        row: Row | None = self.view.rows(index, index + 1)[0]
        if row is None:
            gone = [(" this capture is no longer in the store", "faint")]
            return self._filtered(self.paint(gone, whole, self.ground))
        here = index == self.cursor
        focused = here and self.has_focus
        look = self._look()
        columns = layout(width, look.app)
        time = time_text(row.received_at, look, self._now(), columns[0][1]) if columns else ""
        key: _Key = (row.id, width, time, row.app, here, focused, self.style_generation)
        strip = self._strips.get(key)
        if strip is None:
            base = self.ground
            if here:
                base += self.picked(focused=focused)
            edge = ("◆" if row.id in self._marked else "▌" if here else " ", "accent")
            painted = self.paint([edge, *row_parts(row, width, look, time)], whole, base)
            strip = self._strips[key] = self._filtered(painted)
        return strip
