"""What is left behind when the screens fail: a report without local variables, messages or anything captured."""

from __future__ import annotations

import platform
import traceback
from datetime import datetime
from pathlib import Path
from typing import Final

import textual
from textual.worker import WorkerFailed

import monitor
from monitor.paths import private_file

# Their messages speak of names in the program; those of others may quote what was captured, or a secret.
_HARMLESS: Final = (AttributeError, NameError, ImportError, TypeError, RecursionError)


def report(error: BaseException, now: datetime) -> str:
    """The report: versions, and each exception of the chain with its stack, innermost last."""
    lines = [
        f"hooktop {monitor.__version__} stopped at {now.isoformat(timespec='seconds')}",
        f"Python {platform.python_version()}, Textual {textual.__version__}, {platform.system()}",
        "Messages that could quote captured data, and all variables, are left out.",
    ]
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        said = f": {current}" if isinstance(current, _HARMLESS) else ""
        lines += ["", type(current).__qualname__ + said]
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(current.__traceback__)
        ]
        inner = current.error if isinstance(current, WorkerFailed) else None  # a worker's own error is no cause of it
        current = inner or current.__cause__ or current.__context__
    return "\n".join(lines) + "\n"


def write_report(error: BaseException, folder: Path, now: datetime) -> Path | None:
    """Write the report into the folder (mode 0600); its path, or None when it cannot be written."""
    path = folder / f"hooktop-crash-{now:%Y%m%d-%H%M%S}.txt"
    try:
        private_file(path).write_text(report(error, now), "utf-8", "backslashreplace")
    except OSError:
        return None
    return path


def farewell(error: BaseException, path: Path | None) -> str:
    """The one sentence for the user."""
    where = f"a report without captured data is in {path}" if path else "no report could be written"
    failed = f"hooktop: the screens failed ({type(error).__name__}) and were closed"
    return f"{failed}; what was captured is stored, and {where}."
