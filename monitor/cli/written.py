"""The file that a command writes: what it must not be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from monitor.cli.errors import USAGE, fail


def check(target: Path, database: Path, *, force: bool) -> None:
    """End the command where the target is not to be written, or with ``force`` not to be replaced."""
    if target.is_dir():
        fail(f"{target} is a folder; name a file in it.", USAGE)
    if not os.path.lexists(target):
        return
    if target.exists() and not target.is_file():  # a device or a pipe, which others rely on
        fail(f"{target} is no file and cannot be replaced by one; name another.", USAGE)
    if not force:
        refuse(target)
    if target.exists() and target.samefile(database):
        fail(f"{target} is the database itself, which is not to be replaced; name another file.", USAGE)


def refuse(target: Path) -> NoReturn:
    """End the command since there is such a file."""
    fail(f"There is a file {target} already; name another, or say --force to replace it.", USAGE)
