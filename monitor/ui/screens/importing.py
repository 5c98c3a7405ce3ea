"""The overlay that takes the captures of a file into the store: first it is read, then what is in it is taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from monitor.admin.base import Field
from monitor.paths import expanded
from monitor.services.importing import Checked, Import
from monitor.services.imports.files import look_at
from monitor.services.imports.problem import ImportProblem
from monitor.ui.format import count, day_clock
from monitor.ui.lines import Part, foreign
from monitor.ui.screens.work import BrokenOff, Problem, WorkScreen


class ImportScreen(WorkScreen):
    """Asks for a file, reads all of it and says what is in it; asked again it hands the import to ``begin``."""

    TITLE = "Import"
    KEYS = "enter reads it, again imports, esc closes"

    def __init__(self, begin: Callable[[Import, Checked], None], busy: Callable[[], bool]) -> None:
        """``busy`` tells whether webhooks come, to which reading gives way."""
        super().__init__()
        self._busy = busy
        self._begin = begin
        self._read: tuple[str, Import, Checked] | None = None

    def fields(self) -> list[Field]:
        """The file."""
        return [Field("file", "File", "JSON lines, HAR, a bundle or a database.", required=True)]

    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        """What is in the file, once it was read."""
        if self._read is None or self._read[0] != values["file"]:
            return [
                [("Signatures in it are shown, not checked; what its captures mean is read anew.", "quiet")],
                [("They are labelled imported.", "quiet")],
            ]
        _, work, checked = self._read
        if checked.first is None or checked.last is None:
            return [[foreign(work.found.path.name, "strong", limit=40), (" holds no captures", "warn")]]
        since, until = map(day_clock, (checked.first, checked.last))
        return [
            [(count(checked.captures, "capture"), "strong"), (f"  {since} to {until}", "quiet")],
            *([[(checked.loss.sentence(), "warn")]] if checked.loss.number else []),
            [("enter", "accent"), (" imports them, while receiving goes on; ", "plain"), ("esc", "accent"),
             (" leaves the store as it is", "quiet")],
        ]  # fmt: skip

    async def work(self, values: Mapping[str, str]) -> None:
        """Read the file; when that was done, begin."""
        written = values["file"]
        if self._read is not None and self._read[0] == written:
            _, work, checked = self._read
            if checked.captures:
                self._begin(work, checked)
                self.end()
            return
        if not written:
            raise Problem("file", "Name a file.")
        try:
            self._read = (written, *await asyncio.to_thread(self._check, written))
        except ImportProblem as error:
            if self.broken_off.is_set():
                raise BrokenOff from None
            raise Problem("file", str(error)) from None
        except OSError as error:
            raise Problem("file", f"It cannot be read: {error.strerror or type(error).__name__}.") from None

    def _check(self, written: str) -> tuple[Import, Checked]:
        work = Import(look_at(expanded(written)), self._progress, busy=self._busy)
        return work, work.check()

    def _progress(self, number: int) -> None:
        if self.broken_off.is_set():
            raise ImportProblem("The import was broken off.")
        self.tell([(count(number), "accent"), (" captures read", "plain"), ("  esc breaks it off", "quiet")], [])
