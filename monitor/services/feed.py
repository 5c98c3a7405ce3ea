"""What the faces show of the stream: counts and rates, kept up to date without looking at the store."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from monitor.model.capture import Capture

SECONDS: Final = 60
RATE_OVER: Final = 5  # seconds that the shown rate is the mean of


class Feed:
    """Counts of what was stored and refused, and how much came in each of the last 60 seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: deque[int] = deque([0] * SECONDS, maxlen=SECONDS)
        self._second = self._begun = int(clock())
        self.verdicts: Counter[str] = Counter()
        self.providers: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.stored = 0  # in this run
        self.before = 0  # highest id when this run began
        self.newest = 0  # highest id seen
        self.last_at: datetime | None = None

    def begin(self, tallies: dict[tuple[str, str], int], newest: int) -> None:
        """Start from what the store already holds: captures by (provider, verdict), and the highest id."""
        for (provider, verdict), count in tallies.items():
            self.providers[provider] += count
            self.verdicts[verdict] += count
        self.before = self.newest = newest

    @property
    def total(self) -> int:
        """Captures in the store."""
        return sum(self.verdicts.values())

    def take_in(self, batch: Sequence[Capture]) -> None:
        """Count captures that were stored and came from elsewhere than the network."""
        for capture in batch:
            self.verdicts[capture.verdict.status.value] += 1
            self.providers[capture.provider] += 1

    def add(self, batch: Sequence[Capture]) -> None:
        """Count captures that were just committed."""
        self._turn()
        self._seconds[-1] += len(batch)
        self.stored += len(batch)
        self.take_in(batch)
        if batch:
            self.newest = max(self.newest, batch[-1].id)
            self.last_at = batch[-1].received_at

    def forget(self, tally: Mapping[tuple[str, str], int]) -> None:
        """Captures were let go, or judged anew: how many fewer there are of each (provider, verdict)."""
        for (provider, verdict), number in tally.items():
            self.providers[provider] -= number
            self.verdicts[verdict] -= number

    def refuse(self, status: int) -> None:
        """Count a request that was answered ``status`` and not stored."""
        self.refused[status] += 1

    def per_second(self) -> list[int]:
        """Captures in each of the last 60 seconds, oldest first; the last is the second under way."""
        self._turn()
        return list(self._seconds)

    def last_minute(self) -> int | None:
        """Captures of the last 60 seconds; None in the first minute."""
        seconds = self.per_second()
        return sum(seconds) if self._second - self._begun >= SECONDS else None

    def rate(self) -> float:
        """Captures a second, over the last five whole seconds."""
        return sum(self.per_second()[-RATE_OVER - 1 : -1]) / RATE_OVER

    def _turn(self) -> None:
        now = int(self._clock())
        for _ in range(min(now - self._second, SECONDS)):
            self._seconds.append(0)
        self._second = now
