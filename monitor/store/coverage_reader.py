"""Counting kinds of events over the whole history, and listing what was new in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.model.attempt import AttemptKind
from monitor.model.event import moves
from monitor.model.reading import MAX_NAME
from monitor.model.shape import BASELINE
from monitor.model.verdict import IMPORTED, VerdictStatus
from monitor.store.attempts import FINE
from monitor.store.filter_sql import Where
from monitor.store.message_reader import MessageReader
from monitor.times import moment

MAX_KINDS: Final = 1_000
# What is surely not the provider's is of no kind of its, nor what the file that it was imported from says that of: in
# SQL what ``standing`` says.
_FORGED: Final = " OR ".join(
    f"r.verdict = '{status}' OR (r.verdict = 'unchecked' AND coalesce(r.reason, '') || ':' GLOB '{IMPORTED}{status}:*')"
    for status in VerdictStatus
    if not moves(status)
)
_HANDLED: Final = (
    "EXISTS (SELECT 1 FROM attempts a WHERE a.capture = r.id "  # noqa: S608 - constants
    f"AND a.kind = '{AttemptKind.FORWARD}' AND {FINE})"
)


@dataclass(frozen=True, slots=True)
class KindCount:
    """The captures of one kind: how many, how many of them simulated here, how many the app answered with 2xx, and when
    the last came."""

    provider: str
    event: str
    word: str | None
    captures: int
    simulated: int
    handled: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class NewField:
    """A field that was new when ``capture`` came; with ``word`` above 0 the hash of a value of it that was."""

    provider: str
    event: str
    local: bool
    path: str
    word: int
    capture: int
    at: datetime
    before: int


class CoverageReader(MessageReader):
    """A reading connection that counts kinds. ``kinds`` may take seconds over a long history: ask off the event
    loop."""

    def kinds(self, where: Where) -> list[KindCount]:
        """The kinds of the captures that pass a compiled filter, the most frequent first; what is replayed is no new
        one, what is forged or named without end none at all."""
        source = "readings r JOIN captures c ON c.id = r.id" if where.needs_captures else "readings r"
        sql = (
            "SELECT r.provider, r.event, substr(coalesce(r.provider_status, r.mark, r.direction), 1, ?), count(*), "  # noqa: S608 - compiled: constants and ?
            f"sum(r.source = 'simulated'), sum({_HANDLED}), max(r.received_at) FROM {source} "
            f"WHERE length(CAST(r.event AS BLOB)) <= ? AND NOT ({_FORGED}) "
            f"AND r.source <> 'replayed' AND ({where.sql}) "
            "GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT ?"
        )
        return [
            KindCount(provider, event, word, captures, simulated, handled, moment(last_at))
            for provider, event, word, captures, simulated, handled, last_at in self._all(
                sql, (MAX_NAME, 4 * MAX_NAME, *where.parameters, MAX_KINDS)
            )
        ]

    def news(self, where: Where, limit: int) -> list[NewField]:
        """What was new in captures that pass a compiled filter, the newest first."""
        captures = "JOIN captures c ON c.id = r.id" if where.needs_captures else ""
        sql = (
            "SELECT t.provider, t.event, t.local, f.path, f.word, f.capture, f.at, f.before FROM fields f "  # noqa: S608 - as above
            f"JOIN event_types t ON t.id = f.event_type JOIN readings r ON r.id = f.capture {captures} "
            f"WHERE f.new = 1 AND ({where.sql}) ORDER BY f.capture DESC, f.path, f.word LIMIT ?"
        )
        return [
            NewField(provider, event, bool(local), path, word, capture, moment(at), before)
            for provider, event, local, path, word, capture, at, before in self._all(sql, (*where.parameters, limit))
        ]

    def learning(self) -> int:
        """How many event types have taught too little so far for a field of theirs to be new."""
        return int(self._all("SELECT count(*) FROM event_types WHERE captures < ?", (BASELINE,))[0][0])
