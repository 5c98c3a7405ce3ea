"""From the keys that replay and compare to their screens: which captures are meant, and what is edited first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.message import Message

from monitor import tasks
from monitor.store.errors import StoreError
from monitor.ui.format import count
from monitor.ui.safety import toast
from monitor.ui.which import Which, which

if TYPE_CHECKING:
    from textual.app import App

    from monitor.model.capture import Capture, Request
    from monitor.ui.screens.base import MonitorScreen
    from monitor.ui.screens.replay import ReplayOrder
    from monitor.ui.session import Session

TROUBLE_S = 15  # seconds that a failure stays in sight


class ReplayAsked(Message):
    """The capture that is shown is to be sent again."""


class CompareAsked(Message):
    """The capture that is shown is to be compared with another."""


def replay(screen: MonitorScreen) -> None:
    """Ask how the capture of a screen, or those marked or filtered, are to be sent again, and do it."""
    from monitor.ui.screens.replay import ReplayScreen

    session, app = screen.session, screen.app
    replayer = session.replayer
    if replayer is None or session.monitor.settings.read_only:
        toast(app, "Replaying is off: this monitor only watches.", severity="warning")
        return
    choices, view = which(screen), session.view
    try:
        capture = session.inspector.capture(choices[0].numbers[0]) if choices else None
    except StoreError as error:
        toast(app, str(error), severity="error", timeout=TROUBLE_S)
        return
    if capture is None:
        toast(app, "There is no capture to replay.", severity="warning")
        return
    every = "of the list" if not view.filter_text else "that the filter leaves"
    if len(view) > 1:
        choices.append(Which("all", f"all {every}: {count(len(view), 'capture')}", view.ids()))
    default = replayer.default_url(capture)
    demo = session.monitor.url if session.monitor.settings.demo else None

    def chosen(order: ReplayOrder | None) -> None:
        if order is not None:
            session.replay_to = order.wish.to
            screen.run_worker(_begin(screen, order), group="replay", exit_on_error=False)

    to = session.replay_to or default or demo or ""
    left = " that the filter leaves" if view.filter_text else ""
    more = partial(_not_taken, session.monitor.store.path, view.ids(), left)
    app.push_screen(ReplayScreen(replayer, choices, more, to, default, masked=session.masked), chosen)


def _not_taken(path: Path, among: Sequence[int], left: str) -> Which | None:
    """Those in the list that the app did not take, None where there are none. Raises StoreError."""
    from monitor.store.attempts import AttemptReader

    with closing(AttemptReader(path)) as reader:
        found = [n for n in reader.not_taken() if (at := bisect_left(among, n)) < len(among) and among[at] == n]
    return Which("not taken", f"not taken by your app: {count(len(found), 'capture')}{left}", found) if found else None


async def _begin(screen: MonitorScreen, order: ReplayOrder) -> None:
    from monitor.services.replay import loses_signature
    from monitor.ui.screens.replay import AnswersScreen

    app, session = screen.app, screen.session
    edited, note = None, ""
    if order.edit:
        try:
            capture = session.inspector.capture(order.numbers[0])
        except StoreError as error:
            toast(app, str(error), severity="error", timeout=TROUBLE_S)
            return
        if capture is None:
            toast(app, "The capture was let go meanwhile.", severity="warning")
            return
        edited = await _edited(app, session, capture)
        if edited is None:
            return
        if loses_signature(capture, edited) and not order.wish.resign:
            note = "The body was edited: its signature no longer verifies."
    if session.replayer is not None:
        app.push_screen(AnswersScreen(session, session.replayer, order, edited, note))


async def _edited(app: App[int], session: Session, capture: Capture) -> Request | None:
    """What the user makes of a request in the editor, which has the terminal meanwhile; captures go on coming in."""
    edited, problem = None, None
    try:
        with app.suspend():
            session.editing = tasks.start(_in_editor(capture), "the user's editor")
            try:
                edited, problem = await session.editing
            finally:
                session.editing = None
    except SuspendNotSupported:
        problem = "This terminal cannot be lent to an editor; 'hooktop replay --edit' does without the screens."
    if problem is not None:
        toast(app, problem, severity="error", timeout=TROUBLE_S)
    elif edited is None:
        toast(app, "Nothing was changed, so nothing was sent.")
    return edited


async def _in_editor(capture: Capture) -> tuple[Request | None, str | None]:
    """The edited request, or why there is none, to be told when the screens are back."""
    from monitor.services.editing import EditProblem
    from monitor.services.editor import edit

    try:
        return await edit(capture.request, capture.id), None
    except EditProblem as error:
        return None, str(error)


def compare(screen: MonitorScreen) -> None:
    """Mark the capture of a screen, or compare it with the one marked last."""
    from monitor.ui.screens.compare import CompareScreen

    session, app, number = screen.session, screen.app, screen.capture_number
    if number is None:
        toast(app, "There is no capture to compare.", severity="warning")
        return
    others = [marked for marked in session.marks if marked != number]
    if others:
        old, new = sorted((others[-1], number))
        session.marks.clear()
        screen.restyle()
        app.push_screen(CompareScreen(session, old, new))
        return
    session.marks[number] = None
    screen.restyle()
    words = f"Marked #{number}: go to another capture and press {session.key('compare')} to compare them."
    toast(app, words, timeout=3)


def mark(screen: MonitorScreen) -> None:
    """Mark the capture of a screen for a replay or a comparison, or no longer."""
    marks, number = screen.session.marks, screen.capture_number
    if number is None:
        toast(screen.app, "There is no capture to mark.", severity="warning")
        return
    if number in marks:
        del marks[number]
    else:
        marks[number] = None
    screen.restyle()
