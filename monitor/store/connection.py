"""Opening the database: modes, checks, migrations."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from monitor import paths
from monitor.store.errors import StoreError, reason_of
from monitor.store.frames import can_belong
from monitor.store.schema import APPLICATION_ID, USER_VERSION

T = TypeVar("T")
BUSY_TIMEOUT_S: Final = 5.0
LOG_LIMIT: Final = 64 * 1024 * 1024  # bytes of the log that may stay when it was written back
QUICK_CHECK_BYTES: Final = 64 * 1024 * 1024  # larger files are checked when asked (doctor): the check reads it all
SETTLED_S: Final = 0.05  # more than a file system's clock may lag: what is written later bears another time


def connect(path: Path, *, read_only: bool, without_log: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode (transactions are begun by hand), safe against a hostile file.

    ``without_log`` is for a file that nobody writes: what is in the log beside it is not seen. Raises sqlite3.Error.
    """
    without_log = without_log or (read_only and _cannot_change(path))
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}{'&immutable=1' if without_log else ''}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    db.text_factory = _text
    try:
        # A file from a stranger must not run functions through its views and triggers, nor misread its cells.
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        if read_only:
            db.execute("PRAGMA query_only = ON")
        else:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA wal_autocheckpoint = 0")  # the writer checkpoints between commits, not inside one
            db.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _text(data: bytes) -> str:
    """A text of the file: no check of SQLite finds a byte that is none, which would end a query with all its rows."""
    return data.decode("utf-8", "replace")


def _cannot_change(path: Path) -> bool:
    """Whether a database lies without a log where nothing is written: SQLite would begin a log to read it, too."""
    try:
        fixed = hasattr(os, "statvfs") and bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False
    return fixed and not path.with_name(f"{path.name}-wal").exists()


def lies_still(path: Path) -> bool:
    """Whether a database without a log lies in a folder that is not ours to write: SQLite could read it no other way
    than as a file that nobody writes. For one look at it: a log that its owner begins later would not be seen."""
    return not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()


def connect_for_a_look(path: Path) -> sqlite3.Connection:
    """A connection that reads, for one look, also of a database that ``lies_still``. Raises sqlite3.Error."""
    return connect(path, read_only=True, without_log=lies_still(path))


def committed(db: sqlite3.Connection, job: Callable[[sqlite3.Connection], T]) -> T:
    """What ``job`` gives, in a transaction of its own; it is rolled back when anything goes wrong.

    IMMEDIATE: a deferred BEGIN that later writes gets BUSY_SNAPSHOT at once, whatever the timeout.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        result = job(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result


def prepare(path: Path) -> str | None:
    """Make the database at ``path`` ready for use: folder and file modes, checks, WAL, migrations.

    Gives a notice for the user when a damaged file was moved aside and a new one begun, or a log that is not its own,
    else None. Raises StoreError.
    """
    try:
        if path.is_symlink():
            raise StoreError(f"The database {path} is a symbolic link; name the real file with --db.")
        existed = path.exists() and path.stat().st_size > 0
        for suffix in ("", "-wal", "-shm"):
            side = path.with_name(path.name + suffix)
            if not suffix or side.exists():
                paths.private_file(side)
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be written ({error.strerror}); choose another place with --db."
        ) from error
    notice = None
    try:
        if existed and (log := _foreign_log(path)) is not None:
            notice = (
                "The log beside the database is another's, or of a later time, and was left out; "
                f"it is kept as {log.name}."
            )
        _initialise(path, existed=existed)
    except sqlite3.DatabaseError as error:
        if not (existed and _is_damage(error)):
            why = f"{reason_of(error)}; mend that, or choose another place with --db"
            raise StoreError(f"The database {path} cannot be opened: {why}.") from error
        aside = _move_aside(path)
        _initialise(path, existed=False)
        notice = (
            f"The database was damaged and is kept as {aside.name}; a new one was begun. What can be read of it comes "
            f"back with: hooktop import --db {shlex.quote(str(path))} {shlex.quote(str(aside))}"
        )
    return notice


def has_foreign_log(path: Path) -> bool:
    """Whether the log beside a database that nobody writes is not its own; False where that cannot be told."""
    try:
        return _log_is_anothers(path)
    except (sqlite3.Error, OSError):
        return False


def _log_is_anothers(path: Path) -> bool:
    """Whether the log beside a database is not its own. One that changes meanwhile is in use, so it counts as its own.

    Only reads: a connection that may write would take the log's pages over when it is closed. Raises sqlite3.Error and
    OSError.
    """
    log = path.with_name(f"{path.name}-wal")
    try:
        seen = [paths.state_of(path), paths.state_of(log)]
        if not log.stat().st_size or _is_own(path, log):
            return False
        time.sleep(SETTLED_S)
        return not _is_own(path, log) and [paths.state_of(path), paths.state_of(log)] == seen
    except FileNotFoundError:  # there is none, or who had the database open has just written it back
        return False


def _foreign_log(path: Path) -> Path | None:
    """Put the log beside a database aside where it is not its own; gives the name that it has then. Raises
    sqlite3.Error."""
    if not _log_is_anothers(path):
        return None
    aside = path.with_name(f"{path.name}.log-{_stamp()}")
    try:
        os.replace(path.with_name(f"{path.name}-wal"), aside)
    except FileNotFoundError:  # who had the database open has just written it back
        return None
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)  # an index of it, made anew from any log
    return aside


def _is_own(path: Path, log: Path) -> bool:
    """Whether a log is that of the database beside it: it does not make it unsound, can belong to it, and has the same
    captures."""
    if path.stat().st_size > QUICK_CHECK_BYTES:
        return can_belong(path, log, _pages(path))
    if not _is_sound(path, without_log=True):  # as a crash leaves it that comes while the log is taken over
        return True
    return _is_sound(path) and can_belong(path, log, _pages(path)) and _agrees(path)


def _is_sound(path: Path, *, without_log: bool = False) -> bool:
    try:
        with contextlib.closing(connect(path, read_only=True, without_log=without_log)) as db:
            asked = ("PRAGMA application_id", "PRAGMA quick_check(1)")
            return [db.execute(pragma).fetchone()[0] for pragma in asked] == [APPLICATION_ID, "ok"]
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return False
        raise


def _pages(path: Path) -> int:
    with contextlib.closing(connect(path, read_only=True)) as db:
        return int(db.execute("PRAGMA page_count").fetchone()[0])


def _agrees(path: Path) -> bool:
    """Whether the captures are the same with the log and without it: no id is given twice, and none is changed."""
    try:
        before = _times(path, without_log=True)
    except sqlite3.DatabaseError as error:
        if _is_damage(error):  # it was sound just now, so somebody writes the log back
            return True
        raise
    return all(before.get(number, at) == at for number, at in _times(path).items())


def _times(path: Path, *, without_log: bool = False) -> dict[int, int]:
    """When each capture came."""
    with contextlib.closing(connect(path, read_only=True, without_log=without_log)) as db:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'captures'").fetchone() is None:
            return {}
        return dict(db.execute("SELECT id, received_at FROM captures"))


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _initialise(path: Path, *, existed: bool) -> None:
    if not existed:
        paths.private_file(path)
    db = connect(path, read_only=False)
    try:
        if not existed:  # elsewhere it would write, and a damaged file is kept as it is
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        application, version = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if existed and path.stat().st_size <= QUICK_CHECK_BYTES:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise _corrupt(str(found))
        if existed and is_foreign(db):
            raise StoreError(f"{path} is a database of another program; name a new file with --db.")
        if version > USER_VERSION:
            raise StoreError(
                f"The database {path} was written by a newer hooktop (format {version}, known here: {USER_VERSION}); "
                "upgrade hooktop or name another file with --db."
            )
        if application != APPLICATION_ID:  # before there are tables: a start that is killed begins anew at the next
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA journal_mode = WAL")
        if version < USER_VERSION:
            if existed and version:
                _backup(db, path, version)
            _migrate(db)
            db.execute(f"PRAGMA user_version = {USER_VERSION}")
    finally:
        db.close()


def _migrate(db: sqlite3.Connection) -> None:
    from sqlite_utils import Database

    from monitor.store.migrations import migrations

    migrations.apply(Database(db))


def is_foreign(db: sqlite3.Connection) -> bool:
    """Whether a database is another program's: it has tables, and not our mark. Raises sqlite3.Error."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    return application != APPLICATION_ID and db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _backup(db: sqlite3.Connection, path: Path, version: int) -> None:
    target = paths.private_file(path.with_name(f"{path.name}.format-{version}.bak"))
    with contextlib.closing(sqlite3.connect(target)) as copy:
        db.backup(copy)


def _corrupt(finding: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(finding)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{_stamp()}")
    for suffix in ("", "-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            os.replace(side, aside.with_name(aside.name + suffix))
    return aside


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
