"""A stranger's database, copied to be looked at: the file itself is only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from monitor.store.backup import backup
from monitor.store.connection import connect, connect_for_a_look, prepare
from monitor.store.errors import StoreError, reason_of
from monitor.store.schema import APPLICATION_ID, USER_VERSION
from monitor.store.soundness import wrong_value

# What SQLite would act on by itself: triggers, views, virtual tables. Ours are known; others are a stranger's.
_ACTIVE: Final = (
    "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'"
)
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
_COMPUTED: Final = "SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden > 0"


def copy_to_view(
    path: Path, target: Path, progress: Callable[[str, int, int], None] = lambda what, done, total: None
) -> None:
    """Copy the hooktop database at ``path`` to ``target``, which is new, and bring the copy up to date.

    A file that holds anything which SQLite would run, and hooktop did not make, or values that it never wrote is
    refused. ``progress`` gets what was done, and how much of how much. Raises StoreError.
    """
    with _new(target.with_name(f"{target.name}.plain")) as ours:
        _check(path, set(ours.execute(_ACTIVE).fetchall()))
        backup(path, target, partial(progress, "read"))
        if prepare(target) is not None:
            raise StoreError(f"The database {path} is damaged and cannot be shown.")
        try:
            with closing(connect(target, read_only=True)) as db:
                wrong = wrong_value(db, ours, partial(progress, "looked through"))
        except sqlite3.Error as error:
            raise StoreError(f"The database {path} cannot be read: {reason_of(error)}.") from error
    if wrong is not None:
        raise StoreError(
            f"The database {path} holds values that hooktop never wrote (in {wrong}) and cannot be shown as it is; "
            "'hooktop import --db NEW OLD' takes what can be read into another one."
        )


@contextmanager
def _new(path: Path) -> Iterator[sqlite3.Connection]:
    """A new database, which is removed again."""
    prepare(path)
    try:
        with closing(connect(path, read_only=True)) as db:
            yield db
    finally:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _check(path: Path, ours: set[Any]) -> None:
    try:
        with closing(connect_for_a_look(path)) as db:
            application, version = (
                db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            active = set(db.execute(_ACTIVE).fetchall()) - ours
            computed = [name for (name,) in db.execute(_TABLES) if db.execute(_COMPUTED, (name,)).fetchone()[0]]
    except sqlite3.Error as error:
        raise StoreError(f"The database {path} cannot be read: {reason_of(error)}.") from error
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; name one of hooktop's.")
    if version > USER_VERSION:
        raise StoreError(f"The database {path} was written by a newer hooktop; upgrade hooktop to look at it.")
    if active or computed:
        raise StoreError(
            f"The database {path} holds triggers, views or computed columns that hooktop did not make; ask for a "
            "bundle instead ('hooktop export --format bundle')."
        )
