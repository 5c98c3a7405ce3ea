"""The overlay that writes captures into a file: which, in what form, masked or as they came."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.admin.base import Field
from monitor.model.filter import parse as parse_filter
from monitor.services.export.base import SUFFIXES, Format
from monitor.services.export.exporting import Cancelled, Progress, export
from monitor.store.errors import StoreError
from monitor.text import visible
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.widgets.form import Chooser, Form

FILTER, CAPTURE, EVERYTHING = "filter", "capture", "everything"
DONE_S: Final = 12
_HELP: Final = {
    Format.JSONL: "jsonl: one JSON object a line, as every --json prints it",
    Format.HAR: "har: HTTP Archive 1.2, for browsers and proxies",
    Format.CURL: "curl: a bash script that sends the same bytes again",
    Format.CSV: "csv: for spreadsheets",
    Format.BUNDLE: "bundle: one file for 'hooktop open' and 'hooktop import'",
}


class ExportScreen(Overlay[None]):
    """Asks, writes with its progress, and closes; esc breaks the writing off."""

    CSS_PATH = ["webhooks.tcss", "export.tcss"]  # noqa: RUF012 - Textual's; a form looks the same everywhere

    def __init__(
        self, database: Path, filter_text: str, capture: int | None, hidden: Sequence[str], now: datetime, *, mask: bool
    ) -> None:
        """``capture`` is the one under the cursor. ``hidden`` are secrets that may be in no masked file."""
        super().__init__()
        self._database = database
        self._filter = filter_text
        self._capture = capture
        self._hidden = hidden
        self._stamp = now.strftime("%Y%m%d-%H%M%S")
        self._mask = mask
        self._form_was = Format.JSONL
        self._cancel = threading.Event()
        self._writing = False

    def compose(self) -> ComposeResult:
        """The form, and what is going on."""
        with Vertical(classes="box", id="export") as box:
            box.border_title = heading("Export")
            box.border_subtitle = heading("enter writes, tab next field, esc closes")
            yield Form(self._fields(), {}, secrets=frozenset())
            yield Plain(id="export-note")

    def _fields(self) -> list[Field]:
        which = [
            *([FILTER] if self._filter else []),
            *([CAPTURE] if self._capture is not None else []),
            EVERYTHING,
        ]
        yes = "yes" if self._mask else "no"
        return [
            Field("which", "What", self._which_help(), tuple(which), free=False, default=which[0]),
            Field("form", "Form", "; ".join(_HELP.values()), tuple(Format), free=False, default=Format.JSONL),
            Field("mask", "Masked", "Replace numbers, names, texts and secrets, each always in the same way.",
                  ("no", "yes"), free=False, default=yes),
            Field("file", "File", "A new file, readable by you alone.", required=True,
                  default=f"hooktop-{self._stamp}{SUFFIXES[Format.JSONL]}"),
        ]  # fmt: skip

    def _which_help(self) -> str:
        return "filter: what passes the filter in force; capture: the one under the cursor; everything."

    @property
    def _values(self) -> dict[str, str]:
        return self.query_one(Form).values()

    def on_mount(self) -> None:
        self.query_one(Form).focus_field("which")
        self._note()

    @on(Form.Changed)
    @on(Chooser.Changed)
    def _changed(self) -> None:
        chosen = Format(self._values["form"])
        if chosen is not self._form_was:  # the file's name follows, where nobody has chosen another end
            for row in self.query_one(Form).rows:
                if row.field.name == "file" and row.text.endswith(SUFFIXES[self._form_was]):
                    row.put(row.text.removesuffix(SUFFIXES[self._form_was]) + SUFFIXES[chosen])
            self._form_was = chosen
        if not self._writing:
            self._note()

    def _note(self) -> None:
        which = self._values["which"]
        said = f"captures that pass  {visible(self._filter, limit=60)}"
        what = {FILTER: said, CAPTURE: f"capture {self._capture}", EVERYTHING: "every capture"}[which]
        masked = self._values["mask"] == "yes"
        as_it_is = "numbers, texts and headers as they came: share it with care"
        second: Part = ("masked: may be shared", "good") if masked else (as_it_is, "warn")
        self.query_one("#export-note", Plain).show_parts(((what, "quiet"),), (second,))

    @on(Form.Submitted)
    def _submitted(self) -> None:
        if self._writing:
            return
        values = self._values
        target = Path(values["file"]).expanduser().absolute()
        if not values["file"] or target.is_dir():
            self.query_one(Form).wrong({"file": "Name a new file."})
            self.query_one(Form).focus_problem()
            return
        self._writing = True
        self.run_worker(self._write(values, target), group="export")

    async def _write(self, values: dict[str, str], target: Path) -> None:
        which = values["which"]
        text = {FILTER: self._filter, CAPTURE: f"id:{self._capture}", EVERYTHING: ""}[which]
        masked = values["mask"] == "yes"
        loop = asyncio.get_running_loop()

        def progress(now: Progress) -> None:
            loop.call_soon_threadsafe(self._progress, now)

        wrong = None
        try:
            written = await asyncio.to_thread(
                export, self._database, parse_filter(text), Format(values["form"]), target, masked=masked,
                hidden=self._hidden, progress=progress, cancelled=self._cancel.is_set,
            )  # fmt: skip
        except Cancelled:
            return
        except FileExistsError:
            wrong = "There is such a file already; choose another name."
        except OSError as error:
            wrong = f"It cannot be written: {error.strerror or type(error).__name__}."
        except StoreError as error:
            wrong = str(error)
        if wrong is not None:
            self._writing = False
            form = self.query_one(Form)
            form.wrong({"file": wrong})
            form.focus_problem()
            return
        state = "masked" if masked else "as they came"
        many = "1 capture" if written == 1 else f"{count(written)} captures"
        toast(self.app, f"Wrote {many}, {state}, to\n{target}", timeout=DONE_S)
        self.dismiss(None)

    def _progress(self, now: Progress) -> None:
        if self.is_mounted:
            parts: tuple[Part, ...] = (
                (f"{now.looked_at:>4.0%}", "accent"), (f"  {count(now.written)} captures written", "plain"),
                ("  esc breaks it off", "quiet"),
            )  # fmt: skip
            self.query_one("#export-note", Plain).show_parts(parts, ())

    def action_close(self) -> None:
        """Close; what is being written is broken off, and its file is gone."""
        self._cancel.set()
        super().action_close()
