"""What overlays share that ask with a form, then work for a while and tell of it."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.admin.base import Field
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.widgets.form import Chooser, Form

DONE_S: Final = 12  # seconds that the sentence at the end is in sight
TOLD_S: Final = 0.25  # between two drawings of how far it is: each draws what lies behind the box, too


class Problem(Exception):
    """What was filled in cannot be done; the text says what is wrong with ``field``."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class BrokenOff(Exception):
    """The box was closed while it worked."""


class WorkScreen(Overlay[None]):
    """Asks, works with its progress, says how it ended, and closes; esc breaks it off."""

    CSS_PATH: ClassVar = ["webhooks.tcss", "work.tcss"]  # a form looks the same everywhere
    TITLE: ClassVar[str]
    KEYS: ClassVar[str] = "enter writes, tab next field, esc closes"

    def __init__(self) -> None:
        super().__init__()
        self.broken_off = threading.Event()
        self._working = False
        self._told = 0.0
        self._loop = asyncio.get_running_loop()

    @abstractmethod
    def fields(self) -> list[Field]:
        """What is asked for."""

    @abstractmethod
    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        """What enter would do, in lines."""

    @abstractmethod
    async def work(self, values: Mapping[str, str]) -> str | None:
        """Do it; gives the sentence that is said at the end, None to stay open. Raises Problem and BrokenOff."""

    def changed(self, values: Mapping[str, str]) -> None:
        """Something else was filled in."""

    def compose(self) -> ComposeResult:
        """The form, and what is going on."""
        with Vertical(classes="box", id="work") as box:
            box.border_title = heading(self.TITLE)
            box.border_subtitle = heading(self.KEYS)
            yield Form(self.fields(), {}, secrets=frozenset())
            yield Plain(id="work-note")

    def on_mount(self) -> None:
        self.form.focus_field("")
        self.form.query_one("#form-choices").display = any(row.field.choices for row in self.form.rows)
        self.changed(self.form.values())
        self.draw_note()

    def on_unmount(self) -> None:
        """The screens end: what is done in a thread would keep the program from ending until it is over."""
        if self._working:  # an import goes on when its box is closed
            self.broken_off.set()

    @property
    def form(self) -> Form:
        """The form."""
        return self.query_one(Form)

    def fill_in(self, name: str, text: str) -> None:
        """Fill in a field."""
        for row in self.form.rows:
            if row.field.name == name:
                row.put(text)

    def draw_note(self) -> None:
        """Say again what enter would do, unless something is being done."""
        if not self._working:
            self._say(*self.note(self.form.values()))

    def tell(self, *lines: Sequence[Part]) -> None:
        """Say how far the work is, now and then; from any thread."""
        if time.monotonic() > self._told + TOLD_S:
            self._told = time.monotonic()
            self._loop.call_soon_threadsafe(self._tell, lines)

    def _tell(self, lines: Sequence[Sequence[Part]]) -> None:
        if self.is_mounted and self._working:
            self._say(*lines)

    def _say(self, *lines: Sequence[Part]) -> None:
        self.query_one("#work-note", Plain).show_parts(*map(tuple, lines))

    @on(Form.Changed)
    @on(Chooser.Changed)
    def _changed(self) -> None:
        self.form.wrong({})  # that was said of what stood there before
        self.changed(self.form.values())
        self.draw_note()

    @on(Form.Submitted)
    def _submitted(self) -> None:
        if not self._working:
            self._working = True
            self.run_worker(self._work(self.form.values()), group="work")

    async def _work(self, values: Mapping[str, str]) -> None:
        said, problem = None, None
        try:
            said = await self.work(values)
        except BrokenOff:
            return
        except Problem as error:
            problem = error
        except Exception as error:  # whatever it met, the screens go on
            toast(self.app, f"This could not be done ({type(error).__name__}); all else goes on.", severity="error")
        self._working = False
        self.form.wrong({problem.field: str(problem)} if problem is not None else {})
        if problem is not None:
            self.form.focus_problem()
        self.draw_note()
        if said is not None:
            toast(self.app, said, timeout=DONE_S)
            self.end()

    def action_close(self) -> None:
        """Close; what is being done is broken off."""
        self.broken_off.set()
        super().action_close()
