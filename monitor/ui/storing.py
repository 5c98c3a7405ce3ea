"""From the keys that import, prune and judge anew to their boxes, and the import that goes on behind its own."""

from __future__ import annotations

import asyncio

from textual.app import App

from monitor.services.importing import Checked, Import
from monitor.services.imports.problem import ImportProblem
from monitor.store.errors import StoreError
from monitor.text import visible
from monitor.ui.format import count
from monitor.ui.safety import toast
from monitor.ui.screens.importing import ImportScreen
from monitor.ui.screens.prune import PruneScreen
from monitor.ui.screens.rejudge import RejudgeScreen
from monitor.ui.session import Session

SEEN_S = 15  # seconds that the end of an import is in sight


def prune(app: App[int], session: Session) -> None:
    """Ask which captures are to go."""
    if session.monitor.settings.read_only:
        toast(app, "Nothing can be deleted here: this monitor only watches.", severity="warning")
    else:
        app.push_screen(PruneScreen(session))


def rejudge(app: App[int], session: Session) -> None:
    """Ask whether everything is to be judged anew."""
    if session.monitor.settings.read_only:
        toast(app, "Nothing can be judged anew here: this monitor only watches.", severity="warning")
    elif not session.monitor.feed.total:
        toast(app, "Nothing is stored yet that could be judged anew.")
    else:
        app.push_screen(RejudgeScreen(session))


def import_file(app: App[int], session: Session) -> None:
    """Ask for a file, and take its captures in."""
    if session.monitor.settings.read_only:
        toast(app, "Nothing can be imported here: this monitor only watches.", severity="warning")
    elif session.importing is not None:
        toast(app, "A file is being imported; another can follow it.", severity="warning")
    else:
        busy = session.monitor.store.is_busy
        app.push_screen(ImportScreen(lambda work, checked: _begin(app, session, work, checked), busy))


def _begin(app: App[int], session: Session, work: Import, checked: Checked) -> None:
    session.importing = (0, checked.captures)
    app.run_worker(_import(app, session, work, checked), group="import")


async def _import(app: App[int], session: Session, work: Import, checked: Checked) -> None:
    name, taken = visible(work.found.path.name, limit=80), 0
    problem = None
    try:
        async for taken in work.run_beside(session.monitor):
            session.importing = (taken, checked.captures)
    except (ImportProblem, StoreError) as error:
        problem = str(error)
    except asyncio.CancelledError:  # the screens end: nobody would see a note
        again = "; imported again, they are there twice" if work.taken else ""
        session.breaks_off(
            f"The import of {name} ended early: {count(work.taken)} of its {count(checked.captures, 'capture')} "
            f"{'stays' if work.taken == 1 else 'stay'}{again}."
        )
        raise
    except OSError as error:
        problem = f"The file cannot be read: {error.strerror or type(error).__name__}."
    finally:
        session.importing = None
    if problem is None:
        said = f"Imported {count(taken, 'capture')} from {name}; their signatures are not checked."
        toast(app, said, timeout=SEEN_S)
    else:
        kept = f" {count(taken, 'capture')} of it {'stays' if taken == 1 else 'stay'}." if taken else ""
        toast(app, f"The import ended early: {problem}{kept}", severity="error", timeout=SEEN_S)
