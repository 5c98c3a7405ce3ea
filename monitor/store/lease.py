"""The right to write a database: one program at a time, given up by the system when the program dies."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from monitor import paths
from monitor.store.errors import StoreError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: SQLite's own locks still keep two writers from harming each other
    fcntl = None


_BEGINS: Final = b"SQLite format 3\0"
LOOK_S: Final = 0.05  # more than ``told`` holds the lock for
MOST: Final = 8192  # bytes that are read of what another program wrote


@dataclass(frozen=True, slots=True)
class Told:
    """Where the program that has a lease receives: its address on this machine, and the public one if it has any.

    ``forward`` is where it passes captures on to, None where it does not, or by rules.
    """

    pid: str
    url: str
    public_url: str | None
    forward: str | None = None


def told(database: Path) -> Told | None:
    """What the program that has the lease of a database has told; None where no program has it, or it told nothing."""
    if fcntl is None:
        return None
    try:
        fd = os.open(_beside(database), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # somebody has it
        pid, url, public_url, forward, *_ = [*os.read(fd, MOST).decode("utf-8", "replace").split("\n"), "", "", "", ""]
        return Told(pid, url, public_url or None, forward or None) if url else None
    except OSError:  # nothing can be locked there
        return None
    else:
        return None
    finally:
        os.close(fd)


def _beside(database: Path) -> Path:
    return Path(f"{database}.lock")  # also of a folder such as / or ., which has no name


def refuse_other(database: Path) -> None:
    """Raise StoreError where some file was named by mistake: one that was never locked and does not begin as a database
    does is not a damaged one. Raises OSError where it cannot be read."""
    if not _beside(database).exists() and _is_other(database):
        raise StoreError(
            f"{database} is no database, and hooktop never used it here; name another file with --db, or look into it "
            "with 'hooktop open'."
        )


def _is_other(database: Path) -> bool:
    """Whether a file is there that does not begin as https://www.sqlite.org/fileformat2.html, section 1.3.1, says."""
    if not database.exists():
        return False
    if not database.is_file():  # to open a pipe waits until somebody writes into it
        return True
    with database.open("rb") as file:
        return file.read(len(_BEGINS)) not in (b"", _BEGINS)


class Lease:
    """A lock on ``NAME.lock`` beside the database, holding the writer's pid and what it tells others."""

    def __init__(self, database: Path) -> None:
        self._path = _beside(database)
        self._database = database
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lease. Raises StoreError naming the program that has it."""
        if self._database.is_dir():  # before a lock is left beside it
            raise StoreError(f"The database {self._database} is a folder; name a file with --db.")
        try:
            refuse_other(self._database)
            paths.private_dir(self._path.parent)
            paths.private_file(self._path)
            fd = os.open(self._path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise StoreError(
                f"The database {self._database} cannot be written ({error.strerror}); choose another place with --db."
            ) from error
        if fcntl is not None:
            try:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # it may be one that only looks whether somebody has it
                    time.sleep(LOOK_S)
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(fd, 32).decode("ascii", "replace").partition("\n")[0]
                os.close(fd)
                raise StoreError(
                    f"Another hooktop (pid {holder or 'unknown'}) is writing {self._database}; "
                    "stop it, or name another file with --db."
                ) from None
            except OSError as error:
                os.close(fd)
                raise StoreError(
                    f"The database {self._database} cannot be locked ({error.strerror}), as on some network drives; "
                    "choose another place with --db."
                ) from error
        with contextlib.suppress(OSError):  # a full disk: who has it is then not known
            os.ftruncate(fd, 0)
            os.write(fd, f"{os.getpid()}\n".encode("ascii"))
        self._fd = fd

    def tell(self, url: str, public_url: str | None, forward: str | None = None) -> None:
        """Let other programs know where this one receives, here and from the internet, and passes captures on to."""
        if self._fd is not None:
            data = f"{os.getpid()}\n{url}\n{public_url or ''}\n{forward or ''}\n".encode()
            with contextlib.suppress(OSError):  # a full disk: it has to be given to other programs then
                os.pwrite(self._fd, data, 0)
                os.ftruncate(self._fd, len(data))

    def give_up(self) -> None:
        """Let others write."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
