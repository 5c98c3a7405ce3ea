"""The right to write a database: one program at a time, given up by the system when the program dies."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import ModuleType

from monitor import paths
from monitor.store.errors import StoreError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: SQLite's own locks still keep two writers from harming each other
    fcntl = None


class Lease:
    """A lock on ``NAME.lock`` beside the database, holding the writer's pid."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._database = database
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lease. Raises StoreError naming the program that has it."""
        try:
            paths.private_dir(self._path.parent)
            paths.private_file(self._path)
            fd = os.open(self._path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise StoreError(
                f"The database {self._database} cannot be written ({error.strerror}); choose another place with --db."
            ) from error
        if fcntl is not None:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = os.read(fd, 32).decode("ascii", "replace").strip()
                os.close(fd)
                raise StoreError(
                    f"Another hooktop (pid {holder or 'unknown'}) is writing {self._database}; "
                    "stop it, or name another file with --db."
                ) from None
        with contextlib.suppress(OSError):  # a full disk: who has it is then not known
            os.ftruncate(fd, 0)
            os.write(fd, f"{os.getpid()}\n".encode("ascii"))
        self._fd = fd

    def give_up(self) -> None:
        """Let others write."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
