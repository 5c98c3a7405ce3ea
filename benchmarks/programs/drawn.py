"""The least that keeps hooktop's promise and shows what comes: ``least``, in the event loop of a Textual app that draws
one plain list ten times a second. What lies between it and hooktop's screens is all that they say."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import uvicorn
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from benchmarks.programs.least import Database, Row, public_key, receiver

TICK_S = 0.1
CURSOR = "▌"


class Told(Database):
    """Tells of each capture that is handed in, too."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.rows: list[str] = []

    def add(self, row: Row) -> asyncio.Future[None]:
        """As it was, and a line for the list."""
        self.rows.append(f" {datetime.now(UTC):%H:%M:%S} {len(row[1]):>6} {row[1][:80]!r}")
        return super().add(row)


class Shown(ScrollView, can_focus=True):
    """The list, with a cursor that j and k move."""

    def __init__(self, rows: list[str]) -> None:
        super().__init__()
        self._rows = rows
        self._cursor = 0
        self._follows = True
        self._seen = 0

    def on_mount(self) -> None:
        """Draw from now on."""
        self.set_interval(TICK_S, self._grow)

    def _grow(self) -> None:
        if len(self._rows) != self._seen:
            self._seen = len(self._rows)
            self.virtual_size = Size(self.size.width, self._seen)
            if self._follows:
                self._cursor = self._seen - 1
                self.scroll_end(animate=False)
            self.refresh()

    def key_j(self) -> None:
        """One down."""
        self._move(1)

    def key_k(self) -> None:
        """One up."""
        self._move(-1)

    def _move(self, step: int) -> None:
        self._follows = False
        self._cursor += step
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row."""
        row = y + self.scroll_offset.y
        text = self._rows[row] if row < len(self._rows) else ""
        mark = CURSOR if row == self._cursor else " "
        return Strip([Segment(mark + text, Style.null())]).adjust_cell_length(self.size.width)


class Drawn(App[None]):
    """The list and the receiver."""

    def __init__(self, port: int, key: str, path: str) -> None:
        super().__init__()
        self._port = port
        self._key = public_key(key)
        self._database = Told(path)

    def compose(self) -> ComposeResult:
        """The list alone."""
        yield Shown(self._database.rows)

    def on_mount(self) -> None:
        """Receive."""
        app = receiver(self._database, self._key)
        config = uvicorn.Config(app, host="127.0.0.1", port=self._port, http="h11", log_config=None, access_log=False)
        self.run_worker(uvicorn.Server(config).serve())


if __name__ == "__main__":
    Drawn(int(sys.argv[1]), *sys.argv[2:4]).run()
