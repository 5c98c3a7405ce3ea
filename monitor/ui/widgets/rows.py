"""Lists with a cursor: one row an entry (``Rows``), or a few lines an entry (``ItemsView``). Only what is in sight is
drawn; there is no widget per row."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from monitor.ui.actions import bindings
from monitor.ui.lines import Line, Part, hanging, wrap
from monitor.ui.painted import Painted
from monitor.ui.widgets.steady import SteadyScroll

log = logging.getLogger(__name__)
Placed = tuple[Line, int | None]  # a line, and the entry that it belongs to
Entry = TypeVar("Entry")


class Cursor(Painted, SteadyScroll, can_focus=True, inherit_bindings=False):
    """Something with entries, one of which the cursor stands on."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("rows")
    ALLOW_SELECT = False  # a click selects an entry; ``y`` copies

    class Told(Message):
        """Something that a list tells of its cursor."""

        def __init__(self, rows: Cursor) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> Cursor:
            """The list."""
            return self.rows

    class Moved(Told):
        """The cursor stands on another entry."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest position matters."""
            return isinstance(message, Cursor.Moved) and message.rows is self.rows

    class Opened(Told):
        """The entry under the cursor is to be opened."""

    tall = 1  # lines of an entry, where all have the same number

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self.bad_rows = 0

    @abstractmethod
    def count(self) -> int:
        """How many entries there are."""

    @abstractmethod
    def move_to(self, index: int) -> None:
        """Put the cursor on an entry and bring it into sight."""

    def stay(self) -> None:
        """Keep to the entry under the cursor, whatever comes: it is being read."""

    @property
    def page(self) -> int:
        """How many lines are in sight."""
        return max(self.scrollable_content_region.height, 1)

    def bring(self, first: int, last: int) -> None:
        """Scroll so that these lines are in sight, the first of them rather than the last."""
        top = self.scroll_offset.y
        if first < top or last - first >= self.page:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif last >= top + self.page:
            self.scroll_to(y=last - self.page + 1, animate=False, immediate=True)

    def action_up(self) -> None:
        """One entry up."""
        self.move_to(self.cursor - 1)

    def action_down(self) -> None:
        """One entry down."""
        self.move_to(self.cursor + 1)

    def action_top(self) -> None:
        """To the first."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """To the last."""
        self.move_to(self.count() - 1)

    def action_half_up(self) -> None:
        """Half a page up."""
        self.step(-max(self.page // 2, 1))

    def action_half_down(self) -> None:
        """Half a page down."""
        self.step(max(self.page // 2, 1))

    def action_page_up(self) -> None:
        """A page up."""
        self.step(-self.page)

    def action_page_down(self) -> None:
        """A page down."""
        self.step(self.page)

    def step(self, lines: int) -> None:
        """Move by so many lines."""
        self.move_to(self.cursor + int(lines / self.tall))

    def action_open(self) -> None:
        """Open the entry under the cursor."""
        if self.count():
            self.post_message(self.Opened(self))

    def entry_at(self, line: int) -> int | None:
        """The entry on this line, from 0; None below the last."""
        entry = line // self.tall
        return entry if 0 <= entry < self.count() else None

    def point_at(self, entry: int) -> None:
        """Put the cursor on an entry that is in sight."""
        self.move_to(entry)

    def on_click(self, event: events.Click) -> None:
        """A click selects, a double click opens."""
        entry = self.entry_at(event.y + self.scroll_offset.y)
        if entry is not None:
            self.point_at(entry)
            if event.chain == 2:
                self.action_open()

    def broken(self, what: str, error: Exception, width: int) -> Strip:
        """What stands where something cannot be drawn: foreign data and the store must not end the app."""
        self.bad_rows += 1
        log.error("%s cannot be drawn: %s", what, type(error).__name__)
        return self.paint([(f" this row cannot be drawn ({type(error).__name__})", "warn")], width, self.ground)


class Rows(Cursor):
    """Entries of ``tall`` rows each. Subclasses say how many there are and what is in a row."""

    @abstractmethod
    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """What a row says, after the cursor's cell; ``part`` is which of the entry's rows."""

    def on_resize(self) -> None:
        self.changed()
        self.bring_cursor()

    def bring_cursor(self) -> None:
        """Scroll so that the cursor is in sight."""
        self.bring(self.cursor * self.tall, (self.cursor + 1) * self.tall - 1)

    @property
    def cursor_in_sight(self) -> bool:
        """Whether it is."""
        return self.scroll_offset.y <= self.cursor * self.tall < self.scroll_offset.y + self.page

    def changed(self) -> None:
        """Bring size and cursor in line with the entries, and draw again."""
        size = Size(self.scrollable_content_region.width, self.count() * self.tall)
        if size != self.virtual_size:
            self.virtual_size = size
        last = max(self.count() - 1, 0)
        if self.cursor > last:
            self.cursor = last
            self.post_message(self.Moved(self))
        self.refresh()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring the row into sight."""
        index = min(max(index, 0), max(self.count() - 1, 0))
        self.cursor = index
        self.bring_cursor()
        self.refresh()
        self.post_message(self.Moved(self))

    def render_line(self, y: int) -> Strip:
        """One row. Whatever is wrong with it costs this row only."""
        index, part = divmod(y + self.scroll_offset.y, self.tall)
        width = self.scrollable_content_region.width
        if index >= self.count():
            return Strip.blank(width, self.ground)
        here = index == self.cursor
        base = self.ground
        if here:
            base += self.picked(focused=self.has_focus)
        try:
            return self.paint([("▌" if here else " ", "accent"), *self.row_parts(index, width, part)], width, base)
        except Exception as error:
            return self.broken(f"row {index}", error, width)


class Listed(Rows, Generic[Entry]):
    """Rows of entries that it is given whole. Subclasses say what is in a row."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.entries: Sequence[Entry] = ()

    def count(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    @property
    def entry(self) -> Entry | None:
        """What the cursor stands on."""
        return self.entries[self.cursor] if self.cursor < len(self.entries) else None

    def take_latest(self, entries: Sequence[Entry], *, reads: bool = False) -> None:
        """Show these, the latest first: the cursor stays on its entry, unless that was the latest and nobody ``reads``
        it."""
        if entries == self.entries:
            return
        stays = self.entry if self.cursor or reads else None
        self.entries = entries
        if stays is not None and stays in entries:
            self.cursor = list(entries).index(stays)
        self.changed()
        self.bring_cursor()


class ItemsView(Cursor):
    """Entries of several lines each, between lines that belong to none. Lines are made for a width."""

    def __init__(self, *, id: str, narrow: bool = False) -> None:
        """``narrow``: the entry under the cursor stands out without the blanks before and after it."""
        super().__init__(id=id)
        self.narrow = narrow
        self._make: Callable[[int], Sequence[Placed]] = lambda width: ()
        self.placed: Sequence[Placed] = ()
        self._rows: list[tuple[int, int, int]] = []  # (line, start, end)
        self._spans: dict[int, tuple[int, int]] = {}  # first and last row of each entry
        self._entries = 0

    def count(self) -> int:
        """How many entries there are."""
        return self._entries

    def show(self, make: Callable[[int], Sequence[Placed]], *, cursor: int | None = None, end: bool = False) -> None:
        """Show the lines that ``make`` gives for a width, with the cursor on an entry (None: where it is).

        ``end``: scrolled to the last line, else to the first unless the cursor stays.
        """
        self._make = make
        if cursor is not None:
            self.cursor = cursor
        self._arrange()
        if end:
            self.scroll_to(y=len(self._rows), animate=False, immediate=True, force=True)
        elif cursor is not None:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
            self._bring_cursor()

    def stand_on(self, before: Sequence[object], now: Sequence[object]) -> None:
        """Other entries are about to be shown: keep the cursor on its own. Both are what names the entries."""
        if self.cursor < len(before) and before[self.cursor] in now:
            self.cursor = now.index(before[self.cursor])

    def on_resize(self) -> None:
        at_end = self.scroll_offset.y + self.page >= len(self._rows) > self.page
        self._arrange()
        if at_end:
            self.scroll_to(y=len(self._rows), animate=False, immediate=True, force=True)

    def arranged(self) -> None:
        """Make the lines again."""
        self._arrange()

    def _arrange(self) -> None:
        width = max(self.scrollable_content_region.width, 1)
        self.placed = self._make(width)
        self._rows = []
        self._spans = {}
        for number, (line, entry) in enumerate(self.placed):
            first = len(self._rows)
            self._rows += [(number, start, end) for start, end in wrap(line.text, width, line.indent)]
            if entry is not None:
                self._spans[entry] = (self._spans.get(entry, (first, 0))[0], len(self._rows) - 1)
        self._entries = max(self._spans, default=-1) + 1
        self.cursor = min(self.cursor, max(self._entries - 1, 0))
        self.virtual_size = Size(width, len(self._rows))
        self.refresh()

    @property
    def at_end(self) -> bool:
        """Whether the last line is in sight."""
        return self.scroll_offset.y + self.page >= len(self._rows)

    def _bring_cursor(self) -> None:
        if self.cursor in self._spans:
            self.bring(*self._spans[self.cursor])

    def move_to(self, index: int) -> None:
        """Put the cursor on an entry; past the first or last one what stands before or after comes into sight."""
        wanted = min(max(index, 0), max(self._entries - 1, 0))
        moved = wanted != self.cursor
        self.cursor = wanted
        self._bring_cursor()
        if index < 0 or wanted == 0:
            first = self._spans.get(0, (0, 0))[0]
            if first < self.page or index < 0:
                self.scroll_to(y=0, animate=False, immediate=True)
        elif index >= self._entries and not moved:
            self.scroll_to(y=self.scroll_offset.y + 1, animate=False, immediate=True)
        self.refresh()
        if moved:
            self.post_message(self.Moved(self))

    def action_bottom(self) -> None:
        """To the last entry and the last line."""
        super().action_bottom()
        self.scroll_to(y=len(self._rows), animate=False, immediate=True)

    def step(self, lines: int) -> None:
        """Scroll, and take the cursor along to the nearest entry in sight."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)
        top = self.scroll_offset.y
        seen = [entry for entry, (first, last) in self._spans.items() if last >= top and first < top + self.page]
        if seen and self.cursor not in seen:
            self.cursor = min(seen) if lines > 0 else max(seen)
            self.post_message(self.Moved(self))
        self.refresh()

    def entry_at(self, line: int) -> int | None:
        """The entry on this line, from 0; None on one that belongs to none."""
        return self.placed[self._rows[line][0]][1] if 0 <= line < len(self._rows) else None

    def point_at(self, entry: int) -> None:
        """Put the cursor on an entry that is in sight; what stands before and after it stays where it is."""
        self.cursor = entry
        self.refresh()
        self.post_message(self.Moved(self))

    def render_line(self, y: int) -> Strip:
        """One row."""
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.ground
        if row >= len(self._rows):
            return Strip.blank(width, base)
        number, start, end = self._rows[row]
        line, entry = self.placed[number]
        here = entry is not None and entry == self.cursor
        if here:
            base += self.picked(focused=self.has_focus)
        segments = self.paint_slice(line, start, end, base)
        if here and self.narrow:  # the entry is picked out, not what lies beside it
            bare = self.ground
            if segments and not segments[0].text.strip():
                segments[0] = Segment(segments[0].text, bare)
            return Strip(segments).adjust_cell_length(width, bare)
        if start and line.indent:
            segments = [Segment(" " * hanging(line.indent, width), base), *segments]
        return Strip(segments).adjust_cell_length(width, base)
