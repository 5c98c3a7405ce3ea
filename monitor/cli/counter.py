"""A line on stderr that says how far something long is."""

from __future__ import annotations

import sys
import time
from typing import Final

AFTER_S: Final = 0.5  # what is done sooner is not told of
EVERY_S: Final = 0.1


class Counter:
    """Shows its last text on one line of the terminal; a context manager that wipes it. Silent where there is none."""

    def __init__(self) -> None:
        self._due = time.monotonic() + AFTER_S
        self._shown = False

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print(f"\r{'':<60}", end="\r", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Show a text of hooktop's own, unless the last was shown a moment ago."""
        now = time.monotonic()
        if now >= self._due and sys.stderr.isatty():
            self._due = now + EVERY_S
            self._shown = True
            print(f"\r  {text:<58.58}", end="", file=sys.stderr, flush=True)
