"""Why messages failed, the most frequent reason first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.model.filter import quote
from monitor.services.messages import failure_groups
from monitor.store.stats_reader import FailureGroup
from monitor.text import visible
from monitor.ui.documents.look import Reader
from monitor.ui.format import count, day_or_clock, fit, pad
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.rows import Cursor, Listed

FRAME: Final = 4  # rows of the box around the groups: its border, the note, a blank
BARE: Final = 3  # ... without any: no blank
_COUNT: Final = 14  # cells of number and share
_CODE: Final = 16


def filter_for(group: FailureGroup) -> str:
    """The filter that leaves the messages of a group."""
    terms = ["status:failed", f"provider:{quote(group.provider)}"]
    codes = (group.code, group.carrier_code)
    terms += [f"error:{quote(code)}" for code in (codes if any(codes) else (group.title,)) if code]
    if group.carrier:
        terms.append(f"carrier:{quote(group.carrier)}")
    return " ".join(terms)


def group_parts(group: FailureGroup, whole: int, width: int, part: int, now: datetime, reader: Reader) -> list[Part]:
    """One of the two rows of a group, ``part`` 0 or 1, of ``whole`` messages that failed."""
    if part == 0:
        share = f"{group.messages / max(whole, 1):.0%}"
        code = visible(group.carrier_code or group.code or "no code", limit=40)
        left: list[Part] = [
            (count(group.messages).rjust(7), "strong"), (f"{share:>6} ", "quiet"), (pad(code, _CODE), "bad"),
        ]  # fmt: skip
        title, role = reader.prose(group.title) if group.title else ("no words given", "quiet")
        return [*left, (" ", "plain"), (fit(title, width - 3 - cells(left)), role)]
    said = [visible(group.provider, limit=40)]
    said += [visible(group.carrier, limit=80)] if group.carrier else []
    said += [f"code {visible(group.code, limit=40)}"] if group.code and group.carrier_code else []
    seen = f"{day_or_clock(group.first_at, now)} – {day_or_clock(group.last_at, now)}"
    room = width - 2 - _COUNT - len(seen) - 2
    return [
        (" " * _COUNT, "plain"),
        (pad(" · ".join(said) + f" · such as {visible(group.example, limit=120)}", room), "quiet"),
        ("  ", "plain"),
        (seen, "faint"),
    ]


class Groups(Listed[FailureGroup]):
    """The groups, two rows each."""

    tall = 2

    def __init__(self, session: Session) -> None:
        super().__init__(id="groups")
        self._session = session

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One row of a group."""
        whole = sum(group.messages for group in self.entries)
        return group_parts(self.entries[index], whole, width, part, self._session.now(), self._session.reader())


class FailuresScreen(Overlay[str]):
    """Gives the filter for the group chosen, or None."""

    CSS_PATH = "failures.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "close", show=False)]

    def __init__(self, session: Session, filter_text: str) -> None:
        super().__init__()
        self._session = session
        self._filter = filter_text

    def compose(self) -> ComposeResult:
        """One box with the groups."""
        with Vertical(classes="box", id="failures") as box:
            words = self._session.filter_words(self._filter)
            box.border_title = heading("Failures by reason" + (f" in {words}" if words is not None else ""))
            box.border_subtitle = heading("esc closes")
            yield Groups(self._session)
            yield Plain("Looking for failed messages", id="failures-note")

    def on_mount(self) -> None:
        self.query_one(Groups).focus()
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        note, groups = self.query_one("#failures-note", Plain), self.query_one(Groups)
        try:
            found = await asyncio.to_thread(failure_groups, self._session.monitor, self._filter, self._session.now())
        except Exception as error:  # a store that fails costs this box, not the screens
            note.show(f"The failures cannot be read ({type(error).__name__}); the status line says how the store is.")
            return
        groups.entries = found
        groups.changed()
        box = self.query_one("#failures")
        groups.display = bool(found)
        box.styles.height = FRAME + len(found) * groups.tall if found else BARE
        if found:
            box.border_subtitle = heading("enter shows the messages, esc closes")
        failed = sum(group.messages for group in found)
        none = "No message that passes the filter has failed." if self._filter else "No message has failed."
        note.show(f"{count(failed, 'failed message')}, {count(len(found), 'reason')}" if found else none)

    @on(Cursor.Opened)
    def _opened(self) -> None:
        group = self.query_one(Groups).entry
        self.dismiss(filter_for(group) if group is not None else None)
