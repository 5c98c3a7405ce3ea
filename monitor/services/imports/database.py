"""A database of hooktop as a file of captures: also one that is damaged, as far as it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from monitor.model.capture import Capture
from monitor.services.imports import checks, records
from monitor.services.imports.problem import ImportProblem, Wrong
from monitor.store.errors import StoreError
from monitor.store.rows import headers_of
from monitor.store.salvage import Salvage, Salvaged
from monitor.times import microseconds, moment

NAMED: Final = 5  # runs of ids that a sentence names
_UNTIL: Final = microseconds(datetime(9000, 1, 1, tzinfo=UTC))


@dataclass(slots=True)
class Loss:
    """What could not be read of a database: ``said`` is how many captures it says that it holds, ``read`` how many
    were, ``ids`` runs (first, last) of those that are known to be lost."""

    said: int = 0
    read: int = 0
    ids: list[tuple[int, int]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many captures are lost."""
        return max(self.said - self.read, sum(last - first + 1 for first, last in self.ids))

    def add(self, number: int) -> None:
        """One more is lost."""
        if self.ids and self.ids[-1][1] == number - 1:
            self.ids[-1] = (self.ids[-1][0], number)
        else:
            self.ids.append((number, number))

    def sentence(self) -> str:
        """What to tell of it; empty where nothing is lost."""
        if not self.number:
            return ""
        runs = self.ids[:NAMED]
        named = [f"cap_{first}" if first == last else f"cap_{first} to cap_{last}" for first, last in runs]
        if named and sum(last - first + 1 for first, last in runs) < self.number:
            named.append("others")
        which = f" ({', '.join(named)})" if named else ""
        return f"{self.read:,} of {self.read + self.number:,} captures can be read, {self.number:,} lost{which}."


def captures(path: Path, loss: Loss) -> Iterator[Capture]:
    """The captures that can be read, imported and without readings; ``loss`` is told what cannot.

    Raises ImportProblem.
    """
    try:
        with closing(Salvage(path)) as salvage:
            loss.said = salvage.said() or 0
            for rows, lost in salvage.rows():
                gone = list(lost)
                for row in rows:
                    try:
                        capture = _capture_of(row)
                    except Wrong:
                        gone.append(row.id)
                    else:
                        loss.read += 1
                        yield capture
                for number in sorted(gone):
                    loss.add(number)
    except StoreError as error:
        raise ImportProblem(str(error)) from None


def _capture_of(row: Salvaged) -> Capture:
    """The capture of a row, believed no further than a line of a file is. Raises Wrong."""
    values = row._asdict()
    at = row.received_at
    if not isinstance(at, int) or not 0 <= at < _UNTIL:
        raise Wrong("received_at is no time")
    if not isinstance(row.headers, bytes) or not isinstance(row.body, bytes):
        raise Wrong("headers or body are not bytes")
    request = checks.request(
        checks.text(values, "method"),
        checks.text(values, "path"),
        checks.text(values, "query"),
        list(headers_of(row.headers)),
        row.body,
        checks.optional_text(values, "peer"),
    )
    claim = {"status": row.verdict, "reason": row.reason, "age_s": row.age_s}
    return records.imported(request, moment(at), checks.status({"status": row.answer}), claim)
