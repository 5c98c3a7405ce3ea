"""How often a step of long work is taken while captures come."""

from __future__ import annotations

import time
from typing import Final

REST: Final = 6.0  # times as long as a step took is rested after it


class Pace:
    """Work in steps that gives way to captures: a step, the body of ``with``, is followed by a rest."""

    def __init__(self) -> None:
        self._begun = 0.0
        self._next = 0.0

    def due(self, now: float) -> float:
        """Seconds until the next step, 0 where it is due; ``now`` is on the monotonic clock."""
        return max(self._next - now, 0)

    def __enter__(self) -> None:
        self._begun = time.monotonic()

    def __exit__(self, *_: object) -> None:
        now = time.monotonic()
        self._next = now + REST * (now - self._begun)
