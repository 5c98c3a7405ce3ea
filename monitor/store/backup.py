"""A consistent copy of the database, made while a monitor writes it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from monitor import paths
from monitor.store.connection import connect_for_a_look
from monitor.store.errors import StoreError, reason_of
from monitor.store.lease import refuse_other

PAGES: Final = 2_000  # copied at a time; between them the writer is not held up


def backup(
    path: Path,
    target: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    replace: bool = False,
) -> int:
    """Copy the database at ``path`` to ``target``, which appears only when it is whole; gives its size in bytes.

    What is committed meanwhile may or may not be in the copy. ``progress`` gets pages (done, total); what it raises
    ends the copying. Without ``replace`` a file that is there stays: FileExistsError. Raises StoreError.
    """
    path, target = paths.expanded(path), paths.expanded(target)
    if not replace and os.path.lexists(target):
        raise FileExistsError(target)
    partial = target
    try:
        # A name that nobody else has: not the user, and no other program that copies to the same place.
        descriptor, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)  # mkstemp gives mode 0600
        os.close(descriptor)
        partial = Path(name)
        with closing(connect_for_a_look(path)) as db, closing(sqlite3.connect(partial)) as copy:
            # One read transaction for all of it: a commit in the middle must not make it begin anew.
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            db.backup(copy, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
            copy.execute("PRAGMA trusted_schema = OFF")  # as in connect: the check runs what the file asks for
            copy.execute("PRAGMA journal_mode = DELETE")
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(
                f"The copy of {path} is damaged ({found}); see what 'hooktop doctor' says of the database."
            )
        if not replace and os.path.lexists(target):  # came meanwhile
            raise FileExistsError(target)
        os.replace(partial, target)
        return target.stat().st_size
    except FileExistsError:
        raise
    except sqlite3.Error as error:
        with suppress(OSError):
            refuse_other(path)
        raise StoreError(f"The database {path} cannot be copied: {reason_of(error)}.") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}); choose another place.") from error
    finally:
        if partial != target:
            for suffix in ("", "-journal"):  # which SQLite leaves where it could not write
                with suppress(OSError):
                    partial.with_name(partial.name + suffix).unlink()
