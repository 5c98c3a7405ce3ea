"""Every call to a provider's API: when, what was asked with its secrets hidden, what came, how long it took."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.admin.base import ApiCall
from monitor.services.registrations import Registrations
from monitor.text import visible
from monitor.ui import copying
from monitor.ui.documents.body import excerpt_lines
from monitor.ui.documents.look import BLANK, Reader
from monitor.ui.format import cell_time, count, fit, pad
from monitor.ui.lines import Document, Line, Part, line
from monitor.ui.painted import cells
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.rows import Cursor, Listed

EVERY_S: Final = 0.2  # between two looks whether there is another
_LIMIT: Final = 20_000
_ROOMY: Final = 64  # cells from which there is room for whose account it was
_WIDE: Final = 90  # ... and for a long name of it
_ID: Final = re.compile(r"(?<=/)(?=[^/?]*[0-9])[^/?]{16,}")  # a long segment with a digit in it


def call_parts(call: ApiCall, width: int, reader: Reader, now: datetime) -> list[Part]:
    """One call as a row, after the cursor's cell."""
    good = call.status is not None and call.status < 400 and call.error is None
    answer = str(call.status) if call.status is not None else "–"
    role = "good" if good else "bad"
    roomy = width >= _ROOMY
    left: list[Part] = [
        (cell_time(call.at, now, 10 if roomy else 8) + " ", "quiet"), (f"{'✔' if good else '✖'} {answer:<4}", role),
        (f"{call.took_s * 1000:>6,.0f} ms ", "plain"),
        (pad(visible(call.account, limit=40), 14 if width >= _WIDE else 9) + " " if roomy else "", "info"),
        (pad(visible(call.method, limit=20), 7), "plain"),
    ]  # fmt: skip
    room = width - 2 - cells(left)
    url = reader.plain(visible(call.url, limit=400))
    if len(url) > room:  # the host is that of the account, and ids say little here
        url = _ID.sub("…", "/" + url.partition("://")[2].partition("/")[2])
        url = url if len(url) <= room else "…" + url[1 - room :]  # the end tells what was asked
    said = reader.plain(visible(call.error, limit=400)) if call.error else url
    return [*left, (fit(said, room), "bad" if call.error else "plain")]


def call_lines(call: ApiCall, reader: Reader) -> list[Line]:
    """One call in full."""
    head, blank, body = call.request.partition("\n\n")
    lines = [line(("Asked", "accent")), *_texts(head, reader)]
    lines += [BLANK, *_body(body, reader)] if blank else []
    status = "no answer" if call.status is None else f"answer {call.status}"
    lines += [BLANK, line(("Came", "accent"), (f"  {status} after {call.took_s * 1000:,.0f} ms", "quiet"))]
    if call.error is not None:
        lines.append(line((reader.plain(visible(call.error, limit=1_000)), "bad")))
    return [*lines, *_body(call.answer, reader)]


def _body(text: str, reader: Reader) -> list[Line]:
    """JSON laid out, but for a masked screen: there its numbers alone are hidden, so that addresses can be read."""
    laid_out = None if reader.masked else excerpt_lines(text, reader)
    return _texts(text, reader) if laid_out is None else laid_out


def _texts(text: str, reader: Reader) -> list[Line]:
    shown = reader.plain(visible(text, lines=True, limit=_LIMIT))
    return [line((one, "plain"), indent=2) for one in shown.split("\n")] if shown else []


class Calls(Listed[ApiCall]):
    """The calls, the latest first."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="calls")
        self._session = session

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One call."""
        return call_parts(self.entries[index], width, self._session.reader(), self._session.now())


class ApiLogScreen(Overlay[None]):
    """The calls, and below them the one under the cursor in full. Live."""

    CSS_PATH = "webhooks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L", "close", show=False),
        Binding("tab", "turn", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, session: Session, registrations: Registrations) -> None:
        super().__init__()
        self._session = session
        self._registrations = registrations
        self._shown: ApiCall | None = None

    def compose(self) -> ComposeResult:
        """One box: the calls, a note, the call in full."""
        with Vertical(classes="box", id="api-log") as box:
            box.border_title = heading("Calls to the providers")
            yield Calls(self._session)
            yield Plain(id="api-log-note")
            yield CallView()

    def on_mount(self) -> None:
        self.set_interval(EVERY_S, self._take)
        self._list.focus()
        self._take()

    @property
    def _list(self) -> Calls:
        return self.query_one(Calls)

    def _take(self) -> None:
        """Show calls that have come since; the cursor stays on its call, unless that is the latest and is not read."""
        listed, calls = self._list, list(reversed(self._registrations.calls))
        reads = self.query_one(CallView).has_focus
        listed.take_latest(calls, reads=reads)
        self.query_one("#api-log").set_class(not calls, "-empty")
        words = f"{count(len(calls), 'call')}, secrets hidden" if calls else "No call to a provider was made yet."
        self.query_one("#api-log-note", Plain).show(words)
        keys = "jk scroll, y copies it, esc goes back" if reads else "enter reads one, y copies it, esc closes"
        keys = keys if calls else "esc closes"
        self.query_one("#api-log").border_subtitle = heading(keys)
        self._follow()

    @on(Cursor.Moved)
    def _follow(self) -> None:
        call = self._list.entry
        if call is not None and call is not self._shown:
            self._shown = call
            self.query_one(CallView).show(Document(call_lines(call, self._session.reader())))

    @on(Cursor.Opened)
    def action_turn(self) -> None:
        """From the list to the call in full, or back."""
        view = self.query_one(CallView)
        (view if self._list.has_focus else self._list).focus()

    def action_copy(self) -> None:
        """The call in full to the clipboard, such as for the provider's support."""
        from monitor.ui.copy_menu import keep

        if self._shown is not None:
            keep(self.app, self._session, copying.call(self._shown, self._session.token))

    def action_close(self) -> None:
        """Out of the call in full, then out of this."""
        if self.query_one(CallView).has_focus:
            self._list.focus()
        else:
            self.dismiss(None)


class CallView(LinesView):
    """One call, with keys to move in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "go(1)", show=False),
        Binding("k,up", "go(-1)", show=False),
        Binding("pagedown,ctrl+d", "leaf(1)", show=False),
        Binding("pageup,ctrl+u", "leaf(-1)", show=False),
        Binding("g,home", "end(True)", show=False),
        Binding("G,end", "end(False)", show=False),
    ]

    def action_go(self, rows: int) -> None:
        """Move by lines."""
        self.move(rows)

    def action_leaf(self, pages: int) -> None:
        """Move by half pages."""
        self.move_pages(pages * 0.5)

    def action_end(self, top: bool) -> None:
        """To the first or the last line."""
        self.move_to_end(top=top)
