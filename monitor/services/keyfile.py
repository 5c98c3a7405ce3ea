"""A file with keys: a JSON object with mode 0600 that commands and a running monitor share."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from monitor import paths

MAX_FILE: Final = 1024 * 1024  # bytes that are read


class KeyFile:
    """One such file; nothing is made before the first ``write``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> object:
        """Another value whenever the file may be another; None where there is none."""
        return paths.state_of(self.path)

    def read(self) -> dict[str, Any]:
        """What it holds. Others lose the right to read it. Raises OSError, and ValueError where it is no object."""
        with self.path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                os.fchmod(file.fileno(), 0o600)
            try:
                data = json.loads(file.read(MAX_FILE).decode("ascii"))
            except RecursionError:
                raise ValueError("nested too deep") from None
        if not isinstance(data, dict):
            raise ValueError("not an object")
        return data

    def write(self, data: Mapping[str, Any]) -> None:
        """Replace it whole. Raises OSError."""
        paths.replace_private(self.path, json.dumps(data, indent=1).encode("ascii"))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from changing it meanwhile. Raises OSError."""
        paths.private_dir(self.path.parent)
        lock = paths.private_file(self.path.with_name(f"{self.path.name}.lock"))
        with paths.alone(lock):
            yield
