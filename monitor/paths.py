"""Where hooktop keeps its files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import platformdirs

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: of two programs that change a file at once, one may lose its change
    fcntl = None

APP = "hooktop"


class NoHome(Exception):
    """The user has no home folder, as under a bare number in a container; its text is a sentence for them."""


def data_dir() -> Path:
    """The user's data folder for hooktop (database, local keys, log); not created. Raises NoHome."""
    return _below_home(platformdirs.user_data_dir)


def config_dir() -> Path:
    """The user's configuration folder for hooktop; not created. Raises NoHome."""
    return _below_home(platformdirs.user_config_dir)


def _below_home(folder: Callable[..., str]) -> Path:
    with contextlib.suppress(RuntimeError):
        found = folder(APP, appauthor=False)
        if not found.startswith("~"):  # where platformdirs does not say it: nobody wants a folder of that name
            return Path(found)
    raise NoHome(
        "this user has no home folder for hooktop's files; set HOME to a folder, or XDG_DATA_HOME and XDG_CONFIG_HOME."
    )


def default_db() -> Path:
    """``hooktop.db`` in the data folder."""
    return data_dir() / "hooktop.db"


def default_config() -> Path:
    """``config.toml`` in the configuration folder."""
    return config_dir() / "config.toml"


def expanded(path: Path | str) -> Path:
    """The path with the home folder in place of ``~`` or ``~NAME``; as it stands where there is no such home."""
    return Path(os.path.expanduser(path))


def state_of(path: Path) -> object:
    """Another value whenever the file may be another; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


def private_dir(path: Path) -> Path:
    """Create the folder, and those above it that are missing, with mode 0700 whatever the umask.

    Raises OSError.
    """
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    return path


def private_file(path: Path) -> Path:
    """Make sure that the file exists with mode 0600 whatever the umask, without changing its content.

    The mode is given at creation, so there is no moment at which others can open the file. Raises OSError.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if os.name == "posix":
            os.fchmod(fd, 0o600)
    finally:
        os.close(fd)
    return path


def replace_private(path: Path, data: bytes) -> None:
    """Put ``data`` in the file's place, with mode 0600 whatever the umask: readers see the old text or the new, whole.

    Folders that are missing are made with mode 0700. Raises OSError.
    """
    import tempfile  # loading it costs more than all else here

    private_dir(path.parent)
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 0600
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other programs that call this with the same file or folder waiting meanwhile. Raises OSError."""
    if fcntl is None:
        yield
        return
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
