"""The overlay that writes captures into a file: which, in what form, masked or as they came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from monitor.admin.base import Field
from monitor.model.filter import FilterError
from monitor.model.filter import parse as parse_filter
from monitor.paths import expanded
from monitor.services.export.base import SUFFIXES, Format
from monitor.services.export.exporting import Cancelled, Progress, export
from monitor.store.errors import StoreError
from monitor.store.filter_sql import check_capture_filter
from monitor.text import visible
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.mask import mask_numbers
from monitor.ui.screens.work import BrokenOff, Problem, WorkScreen
from monitor.ui.session import Session
from monitor.ui.which import MARKED, Which

FILTER, EVERYTHING = "filter", "everything"
_WHICH: Final = "The marked, what the filter leaves, the one under the cursor, those of its message, or all."
_HELP: Final = {
    Format.JSONL: "as JSON lines: one JSON object a line, as every --json prints it",
    Format.HAR: "as an HTTP Archive 1.2, for browsers and proxies",
    Format.CURL: "as a bash script that sends the same bytes again",
    Format.CSV: "as a table, for spreadsheets",
    Format.BUNDLE: "as one file for 'hooktop open' and 'hooktop import'",
}


class ExportScreen(WorkScreen):
    """Asks for which captures, form and file, and writes them."""

    TITLE = "Export"

    def __init__(self, session: Session, choices: Sequence[Which]) -> None:
        """``choices`` are those of the screen below. While that is masked the file is, too, unless somebody says
        otherwise."""
        super().__init__()
        self._session = session
        self._store = session.monitor.store
        self._filter = session.view.filter_text
        self._choices = {one.name: one for one in choices}
        self._stamp = f"{session.now().astimezone():%Y%m%d-%H%M%S}"
        self._mask = session.masked
        self._form_was = Format.JSONL

    def fields(self) -> list[Field]:
        """Which captures, in what form, masked or not, and where to."""
        which = [*self._choices, EVERYTHING]
        if self._filter and self._is_of_captures():
            which.insert(which.index(MARKED) + 1 if MARKED in which else 0, FILTER)
        yes = "yes" if self._mask else "no"
        return [
            Field("which", "What", _WHICH, tuple(which), free=False, default=which[0]),
            Field("form", "Form", "How they are written; what for is said below.", tuple(Format), free=False,
                  default=Format.JSONL),
            Field("mask", "Masked", "Replace numbers, names, texts and secrets, each always in the same way.",
                  ("no", "yes"), free=False, default=yes),
            Field("file", "File", "A new file, readable by you alone.", required=True,
                  default=f"hooktop-{self._stamp}{SUFFIXES[Format.JSONL]}"),
        ]  # fmt: skip

    def _is_of_captures(self) -> bool:
        """Whether captures can pass the filter: a mark that only messages bear leaves none."""
        try:
            check_capture_filter(parse_filter(self._filter))
        except FilterError:
            return False
        return True

    def changed(self, values: Mapping[str, str]) -> None:
        """The file's name follows the form, where nobody has chosen another end."""
        chosen = Format(values["form"])
        if chosen is not self._form_was:
            if values["file"].endswith(SUFFIXES[self._form_was]):
                self.fill_in("file", values["file"].removesuffix(SUFFIXES[self._form_was]) + SUFFIXES[chosen])
            self._form_was = chosen

    def note(self, values: Mapping[str, str]) -> Sequence[Sequence[Part]]:
        """Which captures, and whether the file may be shared."""
        said = f"captures that pass  {visible(mask_numbers(self._filter) if self._mask else self._filter, limit=60)}"
        chosen = self._choices.get(values["which"])
        what = chosen.what if chosen is not None else said if values["which"] == FILTER else "every capture"
        as_it_is = "not masked: share it with care"
        second: Part = ("masked: may be shared", "good") if values["mask"] == "yes" else (as_it_is, "warn")
        return [[(f"{what}, {_HELP[Format(values['form'])]}", "quiet")], [second]]

    async def work(self, values: Mapping[str, str]) -> str:
        """Write the file."""
        target = new_file(values["file"])
        chosen = self._choices.get(values["which"])
        text = self._filter if values["which"] == FILTER else ""
        wanted = parse_filter(text) if chosen is None else chosen.numbers
        masked = values["mask"] == "yes"
        try:
            written = await asyncio.to_thread(
                export, self._store.path, wanted, Format(values["form"]), target, masked=masked,
                hidden=self._session.hidden, progress=self._progress, cancelled=self.broken_off.is_set,
                busy=self._store.is_busy,
            )  # fmt: skip
        except Cancelled:
            raise BrokenOff from None
        except asyncio.CancelledError:
            self._session.breaks_off(unfinished("export", target))
            raise
        except (OSError, StoreError) as error:
            raise unwritten(error) from None
        state = "masked" if masked else "as they came"
        return f"Wrote {count(written, 'capture')}, {state}, to\n{target}"

    def _progress(self, now: Progress) -> None:
        self.tell(
            [(f"{now.looked_at:>4.0%}", "accent"), (f"  {count(now.written, 'capture')} written", "plain"),
             ("  esc breaks it off", "quiet")],
            [],
        )  # fmt: skip


def new_file(written: str) -> Path:
    """The file that was named in the field ``file``. Raises Problem where it is none."""
    target = expanded(written).absolute()
    try:
        folder = target.is_dir()
    except OSError as error:
        raise unwritten(error) from None
    if not written or folder:
        raise Problem("file", "Name a new file.")
    return target


def unfinished(work: str, target: Path) -> str:
    """What to say of a file when the end of the screens broke its writing off: nobody would see a note."""
    return f"The {work} ended early: {visible(target.name, limit=80)} was not written."


def unwritten(error: OSError | StoreError) -> Problem:
    """What to say of the field ``file`` when it could not be written."""
    if isinstance(error, FileExistsError):
        return Problem("file", "There is such a file already; choose another name.")
    if isinstance(error, OSError):
        return Problem("file", f"It cannot be written: {error.strerror or type(error).__name__}.")
    return Problem("file", str(error))
