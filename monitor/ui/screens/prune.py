"""The overlays that delete old captures: which, with the numbers; then the question, which offers a backup first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.timer import Timer

from monitor.admin.base import Field
from monitor.services.pruning import Prunable, prunable
from monitor.services.retention import EVER
from monitor.store.errors import StoreError
from monitor.times import span
from monitor.ui.format import count, day_clock
from monitor.ui.lines import Part
from monitor.ui.screens.backup import BackupScreen
from monitor.ui.screens.overlay import key_parts
from monitor.ui.screens.question import QuestionScreen
from monitor.ui.screens.work import Problem, WorkScreen
from monitor.ui.session import Session

OLDER, NEWEST = "older than", "all but the newest"
_USUAL: Final = {OLDER: "30d", NEWEST: "10000"}
COUNT_AFTER_S: Final = 0.2  # of rest while something is filled in


class PruneScreen(WorkScreen):
    """Asks which captures are to go, and says how many these are."""

    TITLE = "Delete old captures"
    KEYS = "enter asks, tab next field, esc closes"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._which = OLDER
        self._resting: Timer | None = None
        self._lines: Sequence[Sequence[Part]] = ()

    def fields(self) -> list[Field]:
        """By age or by number, and how much."""
        return [
            Field("which", "What goes", "What is older than a span, or all but the newest.", (OLDER, NEWEST),
                  free=False, default=OLDER),
            Field("much", "How much", "A span such as 30d or 12h; or how many captures stay.", required=True,
                  default=_USUAL[OLDER]),
        ]  # fmt: skip

    def changed(self, values: Mapping[str, str]) -> None:
        """Another limit, other numbers."""
        if values["which"] != self._which:
            if values["much"] == _USUAL[self._which]:
                self.fill_in("much", _USUAL[values["which"]])
            self._which = values["which"]
        self._lines = [[("counting …", "quiet")]]
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(COUNT_AFTER_S, self._count_soon)

    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        """What would go and stay."""
        return [*self._lines, [("Captures that recent messages need stay, whatever their age.", "quiet")]]

    async def work(self, values: Mapping[str, str]) -> None:
        """Ask whether they are to go."""
        found = await self._count(values)
        self._lines = stays_and_goes(found)
        if not found.number:
            raise Problem("much", f"Nothing would go: {_all_stay(found.whole)}.")
        self.app.push_screen(PruneQuestion(self._session, found), self._answered)

    def _answered(self, deleted: bool | None) -> None:
        if deleted:
            self.dismiss(None)

    def _count_soon(self) -> None:
        self.run_worker(self._show_count(self.form.values()), group="count", exclusive=True)

    async def _show_count(self, values: Mapping[str, str]) -> None:
        try:
            self._lines = stays_and_goes(await self._count(values))
        except Problem as problem:
            self._lines = [[(str(problem), "warn")]]
        self.draw_note()

    async def _count(self, values: Mapping[str, str]) -> Prunable:
        """Raises Problem."""
        much = values["much"].replace(",", "").replace(" ", "")
        older_than = (span(much) or None) if values["which"] == OLDER else None
        keep = int(much) if values["which"] == NEWEST and much.isascii() and much.isdecimal() else None
        if (older_than is None and keep is None) or len(much) > 12:
            raise Problem("much", "Write a span such as 30d or 12h." if values["which"] == OLDER
                          else "Write a whole number, such as 10000.")  # fmt: skip
        path = self._session.monitor.store.path
        try:
            return await asyncio.to_thread(prunable, path, self._session.now(), older_than=older_than, keep=keep)
        except StoreError as error:
            raise Problem("much", str(error)) from None


class PruneQuestion(QuestionScreen):
    """Asks, offers a backup, deletes."""

    TITLE = "Delete for good?"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "delete", show=False),
        Binding("B", "backup", show=False, id="everywhere.backup"),
    ]

    def __init__(self, session: Session, found: Prunable) -> None:
        super().__init__()
        self._session = session
        self._found = found
        self._gone = 0

    def ask(self) -> None:
        """Say what goes and stays."""
        backup = (self._session.key("backup"), "makes a backup first")
        answers = key_parts(("D", "deletes them"), backup, ("esc", "leaves all as it is"))
        self.say(*stays_and_goes(self._found), [], answers)

    def action_backup(self) -> None:
        """Copy the database, then ask again."""
        if self.stop is None:
            self.app.push_screen(BackupScreen(self._session))

    def action_delete(self) -> None:
        """Delete them."""
        if self._found.before is not None:
            self.begin()

    async def work(self, stop: threading.Event) -> tuple[str, bool]:
        """Delete them; what is gone is gone. Raises StoreError."""
        self._progress(0)
        store, before = self._session.monitor.store, self._found.before
        try:
            gone = await store.prune(before, progress=self._progress, stop=stop.is_set) if before is not None else 0
        except asyncio.CancelledError:  # the screens end: nobody would see a note
            of = f"{count(self._gone)} of {count(self._found.number, 'capture')}"
            self._session.breaks_off(f"The deletion ended early: {of} {'is' if self._gone == 1 else 'are'} gone.")
            raise
        left = max(self._found.whole - gone, 0)
        return f"Deleted {count(gone, 'capture')}; {count(left)} were left.", True

    def _progress(self, gone: int) -> None:
        self._gone = gone
        of = f" of {count(self._found.number, 'capture')} deleted"
        self.say([(count(gone), "accent"), (of, "plain"), ("  esc breaks it off", "quiet")])


def stays_and_goes(found: Prunable) -> list[list[Part]]:
    """The numbers, as people are asked to agree to them."""
    stay = found.whole - found.number
    rest = f"{count(stay)} stay{'s' if stay == 1 else ''}" if stay else "nothing stays"
    if not found.number or found.before is None:
        return [[(f"Nothing goes: {_all_stay(found.whole)}.", "quiet")]]
    go = "goes" if found.number == 1 else "go"
    goes: list[Part] = [(count(found.number, "capture"), "bad"), (f" of {count(found.whole)} {go} for good", "strong")]
    bound = f"; what came before {day_clock(found.before)} goes" if stay and found.before < EVER else ""
    return [goes, [(rest + bound, "quiet")]]


def _all_stay(whole: int) -> str:
    if whole < 2:
        return "the one capture stays" if whole else "there are no captures"
    return f"all of the {count(whole, 'capture')} stay"
