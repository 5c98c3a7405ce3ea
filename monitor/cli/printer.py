"""Prints captures as they are committed, from a thread of its own.

Whoever reads the output may be slow or stuck; neither may stop the receiver, lose a line or fill the memory. So a
bounded number of captures waits here, and what did not fit is read again from the store when its turn comes.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.model.filter import Filter
    from monitor.store.reader import Reader

MAX_WAITING: Final = 2000
PAGE: Final = 200
JOIN_S: Final = 2.0
REST_S: Final = 0.02  # between two writes: each takes the interpreter from the receiver, however little is written
MARKS_S: Final = 0.05  # between two looks whether marks are known
STDOUT: Final = 1
UNREAD: Final = (errno.EPIPE, errno.ECONNRESET, errno.EIO)  # a pipe that head has left, a terminal that was closed


class Printer:
    """Writes the captures that pass a filter to stdout, each once, in the order of their ids."""

    def __init__(
        self,
        open_reader: Callable[[], Reader],
        render: Callable[[Sequence[Capture]], bytes],
        wanted: Filter,
        *,
        after: int,
        newest: int = 0,
        count: int | None,
        done: Callable[[], None],
    ) -> None:
        """``after`` is the id of the last capture that is not to be printed, ``newest`` that of the last one that was
        committed before the first is offered; ``done`` is called, from the thread, when ``count`` captures were printed
        or nobody reads any more."""
        self._open_reader = open_reader
        self._render = render
        self._filter = wanted
        self._last = after
        self._newest = max(after, newest)
        self._count = count
        self._done = done
        self._batches: deque[Sequence[Capture]] = deque()
        self._notes: list[bytes] = []
        self._waiting = 0
        self._wake = threading.Condition()
        self._closing = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self.printed = 0
        self.broken = False  # nobody reads any more
        self._error: Exception | None = None  # what else ended the thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, batch: Sequence[Capture]) -> None:
        """Take captures that were just committed; never waits."""
        with self._wake:
            self._newest = batch[-1].id
            if self._waiting < MAX_WAITING:
                self._batches.append(batch)
                self._waiting += len(batch)
            self._wake.notify()

    def note(self, data: bytes) -> None:
        """Print a line that is no capture, in its turn; never waits."""
        with self._wake:
            self._notes.append(data)
            self._wake.notify()

    def finish(self) -> bool:
        """Print what was offered, then end; false when nobody reads any more. Raises what else kept it from being
        printed: OSError, or what the store raised where it could not be read."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._ended.set()
        self._thread.join(JOIN_S)
        if self._error is not None:
            raise self._error
        return not self.broken and not self._thread.is_alive()

    def _run(self) -> None:
        try:
            behind = self._last < self._newest
            while not self._full():
                with self._wake:
                    while not (self._batches or self._notes or self._closing or behind):
                        self._wake.wait()
                    notes = b"".join(self._notes)
                    self._notes.clear()
                    batches = list(self._batches)
                    self._batches.clear()
                    self._waiting = 0
                    ending, newest = self._closing, self._newest
                write(notes)
                if self._filter.asks_marks:
                    self._follow_marks(newest)
                    batches = []
                elif behind and not batches:  # else it catches up before the first batch
                    self._catch_up(newest)
                behind = False
                for batch in batches:
                    self._catch_up(batch[0].id - 1)
                    self._print(batch)
                if ending:
                    self._catch_up(newest)
                    return
                self._ended.wait(REST_S)
        except OSError as error:
            if error.errno in UNREAD:
                self.broken = True
            else:  # a full disk, most of all
                self._error = error
        except Exception as error:  # told by whoever waits for the end
            self._error = error
        finally:
            self._done()

    def _full(self) -> bool:
        return self._count is not None and self.printed >= self._count

    def _follow_marks(self, to: int) -> None:
        """Print what was committed up to this id as its marks get known, a moment after it was stored."""
        with closing(self._open_reader()) as reader:
            while self._last < to and not (self._closing or self._full()):
                self._catch_up(min(reader.learnt(), to))
                with self._wake:
                    self._wake.wait(MARKS_S)

    def _catch_up(self, to: int) -> None:
        """Print what was committed up to this id and was not printed, read from the store."""
        if self._last >= to or self._full():
            return
        with closing(self._open_reader()) as reader:
            while not self._full():
                page = [capture for capture in reader.page(after=self._last, limit=PAGE) if capture.id <= to]
                if not page:  # what is missing was let go meanwhile
                    break
                self._print(page)
        self._last = max(self._last, to)

    def _print(self, batch: Sequence[Capture]) -> None:
        now = datetime.now(UTC)
        chosen = [c for c in batch if c.id > self._last and self._filter.matches(c, now)]
        self._last = max(self._last, batch[-1].id)
        if self._count is not None:
            chosen = chosen[: self._count - self.printed]
        if chosen:
            write(self._render(chosen))
            self.printed += len(chosen)


def write(data: bytes) -> None:
    """All the bytes to stdout without a buffer, which a stuck thread would hold for ever. Raises OSError."""
    while data:
        data = data[os.write(STDOUT, data) :]
