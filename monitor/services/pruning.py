"""Deleting old captures because somebody asks for it: what would go, before it goes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monitor.services.retention import EVER
from monitor.store.retention import RetentionReader
from monitor.times import earlier


@dataclass(frozen=True, slots=True)
class Prunable:
    """What would go: ``number`` of ``whole`` captures, those that came ``before`` a time (None: none go)."""

    before: datetime | None
    number: int
    whole: int


def prunable(path: Path, now: datetime, *, older_than: timedelta | None = None, keep: int | None = None) -> Prunable:
    """What goes of a database: what is older than a span, or all but the newest ``keep``; one of them is given.

    A capture stays as long as its message was heard of since. Reads the history: call it off the event loop. Raises
    StoreError.
    """
    with closing(RetentionReader(path)) as reader:
        before: datetime | None = EVER
        if older_than is not None:
            before = earlier(now, older_than)
        elif keep:
            before = reader.time_of_newest(keep)
        number = 0 if before is None else reader.expired_count(before)
        return Prunable(before, number, sum(reader.tallies().values()))
