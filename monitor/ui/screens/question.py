"""What overlays share that ask a question and, where it is agreed to, work with the store for a while."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.store.errors import StoreError
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.screens.work import DONE_S


class QuestionScreen(Overlay[bool]):
    """Asks, works with its progress, says how it ended; gives whether anything has changed."""

    CSS_PATH = "work.tcss"
    TITLE: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.stop: threading.Event | None = None  # there is one while it works

    @abstractmethod
    def ask(self) -> None:
        """Say what is asked."""

    @abstractmethod
    async def work(self, stop: threading.Event) -> tuple[str, bool]:
        """Do it, until ``stop`` is set; gives the sentence for the end, and whether anything changed.

        Raises StoreError.
        """

    def compose(self) -> ComposeResult:
        """One box with the question."""
        with Vertical(classes="box", id="question") as box:
            box.border_title = heading(self.TITLE)
            yield Plain(id="question-note")

    def on_mount(self) -> None:
        self.ask()

    def say(self, *lines: Sequence[Part]) -> None:
        """Say this in place of what was said."""
        self.query_one("#question-note", Plain).show_parts(*map(tuple, lines))

    def begin(self) -> None:
        """It is agreed to."""
        if self.stop is None:
            self.stop = threading.Event()
            self.run_worker(self._work(self.stop), group="question")

    async def _work(self, stop: threading.Event) -> None:
        try:
            said, changed = await self.work(stop)
        except StoreError as error:
            toast(self.app, str(error), severity="error", timeout=DONE_S)
            self.end(False)
            return
        toast(self.app, said + (" It was broken off." if stop.is_set() else ""), timeout=DONE_S)
        self.end(changed)

    def action_close(self) -> None:
        """Leave all as it is; what is under way is broken off, and what is done stays so."""
        if self.stop is None:
            self.dismiss(False)
        else:
            self.stop.set()
