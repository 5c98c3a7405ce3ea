"""A viewer for lines with roles: scrolling, wrapping, folding, finding, selecting. Draws only what is in sight."""

from __future__ import annotations

from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.lines import Document, Line, hanging, wrap
from monitor.ui.painted import Painted
from monitor.ui.widgets.steady import SteadyScroll


class LinesView(Painted, SteadyScroll, can_focus=True, inherit_bindings=False):
    """Shows a document. Has no keys of its own: whoever holds it binds them."""

    ALLOW_SELECT = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.document = Document()
        self.wrapping = True
        self.cursor = 0  # a line of the document
        self.folded: set[int] = set()
        self.sought = ""
        self._matches: list[tuple[int, int, int]] = []  # (line, start, end)
        self._on_line: dict[int, list[int]] = {}  # the matches of each line
        self._match = -1
        self._rows: list[tuple[int, int, int]] = []  # (line, start, end) of each row in sight
        self._row_of: dict[int, int] = {}

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, document: Document, *, keep: bool = False) -> None:
        """Show a document, from its top or (``keep``) from where the last one stood."""
        top = self.scroll_offset.y
        self.document = document
        if not keep:
            self.folded.clear()
            self.cursor = 0
        self.folded &= document.folds.keys()
        self.cursor = min(self.cursor, max(len(document.lines) - 1, 0))
        if self.sought:
            match = self._match if keep else -1
            self._seek()
            self._match = min(match, len(self._matches) - 1)
        self._arrange()
        self.scroll_to(x=0, y=top if keep else 0, animate=False, force=True)

    def on_resize(self) -> None:
        self._arrange()

    def set_wrapping(self, wrapping: bool) -> None:
        """Wrap lines at the edge, or let them run on."""
        self.wrapping = wrapping
        self.set_class(not wrapping, "-running-on")
        self._arrange()

    def move_aside(self, columns: int) -> None:
        """Scroll sideways, where lines run on."""
        self.scroll_to(x=self.scroll_offset.x + columns, animate=False)

    def _arrange(self) -> None:
        """Work out the rows: which lines are not folded away, and how they wrap."""
        self._rows, self._row_of = [], {}
        if not self.size:  # not seen; a resize follows, and no row is one of the document before
            return
        width = max(self.scrollable_content_region.width, 1)
        rows: list[tuple[int, int, int]] = []
        at, lines = 0, self.document.lines
        widest = 0
        while at < len(lines):
            line = lines[at]
            self._row_of[at] = len(rows)
            if self.wrapping:
                rows += [(at, start, end) for start, end in wrap(line.text, width, line.indent)]
            else:
                rows.append((at, 0, len(line.text)))
                widest = max(widest, cell_len(line.text))
            at = self.document.folds[at] + 1 if at in self.folded else at + 1
        self._rows = rows
        self.virtual_size = Size(width if self.wrapping else max(widest + 2, width), len(rows))
        self.refresh()

    # --- moving --------------------------------------------------------------------------------------------------

    @property
    def _foldable(self) -> bool:
        return bool(self.document.folds)

    @property
    def _page(self) -> int:
        return max(self.scrollable_content_region.height, 1)

    def move(self, rows: int) -> None:
        """Move the cursor where there is something to fold, after the rest of its line was seen; else scroll."""
        hidden = self._hidden(rows)
        if not self._foldable or hidden:
            self.scroll_to(y=self.scroll_offset.y + (hidden or rows), animate=False)
            return
        row = min(max(self._row_of.get(self.cursor, 0) + rows, 0), max(len(self._rows) - 1, 0))
        wanted = self._rows[row][0] if self._rows else 0
        if wanted == self.cursor and rows > 0:  # a wrapped line: step over its further rows
            wanted = next((line for line, _, _ in self._rows[row:] if line > self.cursor), wanted)
        self._to_line(wanted)

    def _hidden(self, rows: int) -> int:
        """How far to scroll, of so many rows, for the part of the cursor's line that is out of sight that way."""
        first = self._row_of.get(self.cursor, 0)
        others = (at for at in range(first, len(self._rows)) if self._rows[at][0] != self.cursor)
        last = next(others, len(self._rows)) - 1
        top, end = self.scroll_offset.y, self.scroll_offset.y + self._page
        if rows > 0:
            return min(rows, max(last - end + 1, 0)) if first < end else 0
        return max(rows, min(first - top, 0)) if last >= top else 0

    def move_to_end(self, *, top: bool) -> None:
        """To the first or the last line."""
        if self._rows and self._foldable:
            self._to_line(self._rows[0 if top else -1][0])
        self.scroll_to(y=0 if top else len(self._rows), animate=False)

    def move_pages(self, pages: float) -> None:
        """Move by pages or parts of one."""
        self.move(int(self._page * pages))

    def _to_line(self, line: int, start: int = 0) -> None:
        """Put the cursor on a line, and bring the row into sight that has this character of it."""
        self.cursor = line
        row = self._row_of.get(line, 0)
        row += sum(1 for number, begin, _ in self._rows[row + 1 : row + 1 + start] if number == line and begin <= start)
        if not self.scroll_offset.y <= row < self.scroll_offset.y + self._page:
            below = row >= self.scroll_offset.y + self._page
            self.scroll_to(y=row - self._page + 1 if below else row, animate=False)
        self.refresh()

    # --- folding -------------------------------------------------------------------------------------------------

    def fold(self) -> None:
        """Fold or unfold what begins at the cursor; elsewhere fold what the cursor stands in."""
        at = self.cursor
        if at not in self.document.folds:
            around = [start for start, end in self.document.folds.items() if start < at <= end]
            if not around:
                return
            at = max(around)
        self.folded ^= {at}
        self._arrange()
        self._to_line(at)

    def fold_all(self) -> None:
        """Fold everything below the first level, which is not indented, or unfold everything."""
        lines, folds = self.document.lines, self.document.folds
        self.folded = set() if self.folded else {start for start in folds if lines[start].text.startswith(" ")}
        self._arrange()
        self._to_line(0)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; on the beginning of a JSON object or array it folds. Not one that ends a
        selection, which would then be of other text."""
        if self.text_selection is not None:
            return
        row = event.y + self.scroll_offset.y
        if self._foldable and 0 <= row < len(self._rows):
            self.cursor = self._rows[row][0]
            if self.cursor in self.document.folds:
                self.fold()
            self.refresh()

    # --- finding -------------------------------------------------------------------------------------------------

    def find(self, text: str) -> int:
        """Mark every place with this text (case ignored) and go to the first from the cursor on; gives how many."""
        self.sought = text.casefold()
        self._seek()
        if self._matches:
            after = (i for i, (line, _, _) in enumerate(self._matches) if line >= self.cursor)
            self._go(next(after, 0))
        self.refresh()
        return len(self._matches)

    @property
    def found(self) -> int:
        """How many places there are with what is sought."""
        return len(self._matches)

    def find_step(self, step: int) -> tuple[int, int]:
        """To the next or the previous match, round and round; gives (which, of how many), from 1."""
        if self._matches:
            at = self._match if self._match >= 0 or step > 0 else 0  # before the first comes the last
            self._go((at + step) % len(self._matches))
        return self._match + 1, len(self._matches)

    def _seek(self) -> None:
        self._matches, self._match, self._on_line = [], -1, {}
        if not self.sought:
            return
        for number, line in enumerate(self.document.lines):
            text = line.text.casefold()
            if len(text) != len(line.text):  # folding changed the length: positions would be off
                text = line.text.lower() if len(line.text.lower()) == len(line.text) else line.text
            at = text.find(self.sought)
            while at >= 0:
                self._on_line.setdefault(number, []).append(len(self._matches))
                self._matches.append((number, at, at + len(self.sought)))
                at = text.find(self.sought, at + len(self.sought))

    def _go(self, match: int) -> None:
        self._match = match
        line, start, end = self._matches[match]
        hiding = {start for start in self.folded if start < line <= self.document.folds[start]}
        if hiding:
            self.folded -= hiding
            self._arrange()
        self._to_line(line, start)
        if not self.wrapping:
            text, width = self.document.lines[line].text, self.scrollable_content_region.width
            left, right = cell_len(text[:start]), cell_len(text[:end])
            if left < self.scroll_offset.x or right > self.scroll_offset.x + width:
                self.scroll_to(x=max(left - width // 2, 0), animate=False)

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        base = self.ground
        row = scroll_y + y
        if row >= len(self._rows):
            return Strip.blank(width, base)
        number, start, end = self._rows[row]
        line = self.document.lines[number]
        if self._foldable and number == self.cursor and self.has_focus:
            base += self.picked(focused=True)
        segments = self.paint_slice(self._marked(number, line), start, end, base)
        if number in self.folded:
            inside = self.document.folds[number] - number - 1
            closing = self.document.lines[self.document.folds[number]].text.strip()
            segments.append(Segment(f" … {inside} lines {closing}", self._on(base, "faint")))
        indent = 0
        if start:
            indent = hanging(line.indent, width)
            segments.insert(0, Segment(" " * indent, base))
        strip = Strip(segments)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(row)) is not None:
            strip = self._select(strip, *span)
        strip = strip.crop_extend(scroll_x, scroll_x + width, base)
        return strip.apply_offsets(scroll_x, row)

    def _marked(self, number: int, line: Line) -> Line:
        """The line with its matches marked, of which there may be one for each of its characters."""
        matches = self._on_line.get(number)
        if not matches:
            return line
        roles: list[str | None] = [None] * len(line.text)
        for start, end, role in line.spans:
            roles[start:end] = [role] * (end - start)
        for index in matches:
            _, start, end = self._matches[index]
            roles[start:end] = ["match-now" if index == self._match else "match"] * (end - start)
        spans, at = [], 0
        for same, run in groupby(roles):
            end = at + sum(1 for _ in run)
            if same is not None:
                spans.append((at, end, same))
            at = end
        return Line(line.text, tuple(spans), line.indent)

    def _select(self, strip: Strip, start: int, end: int) -> Strip:
        text = strip.text
        end = len(text) if end < 0 else end
        left, right = cell_len(text[:start]), cell_len(text[:end])
        style = self.screen.get_component_rich_style("screen--selection")
        parts = [strip.crop(0, left), strip.crop(left, right).apply_style(style), strip.crop(right)]
        return Strip.join(parts)

    @property
    def select_container(self) -> Widget:
        """What a triple click selects: no more than this, since Textual takes what is hidden beside it, too."""
        return self

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse selected."""
        rows, width = [], self.scrollable_content_region.width
        for number, start, end in self._rows:
            line = self.document.lines[number]
            rows.append((" " * hanging(line.indent, width) if start else "") + line.text[start:end])
        return selection.extract("\n".join(rows)), "\n"
