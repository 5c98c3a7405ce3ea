"""Messages and conversations, folded from the readings right behind the commits.

A projection can be dropped and built again: ``advance`` takes the next readings behind the watermark, finds the
messages that they speak of, folds each of those anew from everything said of it, and moves the watermark, all in one
transaction. What was said again and again is a count in ``message_events``, so a flood of repeats costs one row.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from monitor.model.capture import Capture, Source
from monitor.model.conversation import aliases_of, conversation_of
from monitor.model.event import Event, moves
from monitor.model.lifecycle import fold
from monitor.model.message import Message
from monitor.model.reading import NO_READING, Reading, Status
from monitor.model.verdict import VerdictStatus, standing
from monitor.store.connection import connect
from monitor.store.conversation_sums import Sums
from monitor.store.message_rows import message_row
from monitor.store.rows import digest_of, insert_rows, reading_of
from monitor.store.schema import MESSAGE_COLUMNS, READING_COLUMNS
from monitor.times import microseconds, moment

log = logging.getLogger(__name__)
_64_BITS: Final = 2**64 - 1
KEPT_EVENTS: Final = 4096
MAX_EVENTS: Final = 300  # different things said of one message that are folded; a provider says a dozen
READINGS: Final = f"SELECT {', '.join(READING_COLUMNS)} FROM readings"  # noqa: S608 - constant names
# Where there is more than is folded, what a stranger can send without end does not push out what is proven.
_NEVER_MOVES: Final = ", ".join(f"'{status.value}'" for status in VerdictStatus if not moves(status))
_SAID_OF: Final = (
    "SELECT capture, captures, last_at FROM message_events WHERE message = ? "  # noqa: S608 - constant names
    f"ORDER BY verdict <> 'verified', verdict IN ({_NEVER_MOVES}), capture LIMIT ?"
)
_LINES: Final = (
    f"{READINGS} WHERE id IN (SELECT capture FROM conversation_events WHERE conversation = ?) "  # noqa: S608 - constant names
    "AND coalesce(occurred_at, received_at) BETWEEN ? AND ? ORDER BY id DESC LIMIT ?"
)
_FIRST, _LAST = -(2**63), 2**63 - 1
_SAID: Final = (
    "INSERT INTO message_events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message, digest, verdict) DO UPDATE SET "
    "capture = CASE WHEN (excluded.first_at, excluded.capture) < (first_at, capture) "
    "THEN excluded.capture ELSE capture END, captures = captures + excluded.captures, "
    "first_at = min(first_at, excluded.first_at), "
    "last_at = max(last_at, excluded.last_at)"
)
# What the message of a reading is known by: ``r`` is the reading.
KEY: Final = "coalesce(r.message, r.provider || ':sha256:' || printf('%016x', r.digest))"
# That a reading tells of no message: it has no key, and ``_is_message`` is false of it.
APART: Final = (
    "r.message IS NULL AND NOT (r.conversation IS NOT NULL AND r.direction IS NOT NULL AND (coalesce(r.text, '') <> '' "
    f"OR r.media IS NOT NULL OR r.status IS NULL OR r.status = '{Status.RECEIVED}'))"
)
_TABLES: Final = (
    "messages", "message_keys", "message_events", "conversations", "conversation_keys", "conversation_events",
    "conversation_ties",
)  # fmt: skip


class Events:
    """What captures say, by their ids. The newest are kept in memory: a message is folded anew with each of its
    captures, and reading the earlier ones back each time would cost more than the fold."""

    def __init__(self, size: int = KEPT_EVENTS) -> None:
        self._size = size
        self._kept: dict[int, Event] = {}

    def keep(self, captures: Iterable[Capture]) -> None:
        """Remember captures that were just committed."""
        for capture in captures:
            reading = capture.reading or NO_READING
            verdict = capture.verdict
            self._kept[capture.id] = _event(
                capture.id,
                capture.received_at,
                capture.provider,
                capture.source,
                standing(verdict.status, verdict.reason),
                reading,
                digest_of(capture.request.body),
                verdict.age_s,
            )
        while len(self._kept) > self._size:
            del self._kept[next(iter(self._kept))]

    def forget(self) -> None:
        """Read all from the database again: it was changed."""
        self._kept.clear()

    def get(self, db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Event]:
        """The events of these captures."""
        found = {number: event for number in numbers if (event := self._kept.get(number)) is not None}
        missing = [number for number in numbers if number not in found]
        for start in range(0, len(missing), 500):
            part = missing[start : start + 500]
            for values in db.execute(f"{READINGS} WHERE id IN ({', '.join('?' * len(part))})", part):
                found[values[0]] = event_of(values)
        return found


def event_of(values: Sequence[Any]) -> Event:
    """A row of ``READING_COLUMNS`` as what is folded."""
    v = dict(zip(READING_COLUMNS, values, strict=True))
    return _event(
        v["id"], moment(v["received_at"]), v["provider"], Source(v["source"]),
        standing(VerdictStatus(v["verdict"]), v["reason"]), reading_of(v), v["digest"], v["age_s"],
    )  # fmt: skip


def _event(
    number: int, received_at: datetime, provider: str, source: Source, verdict: VerdictStatus, reading: Reading,
    digest: int, age_s: float | None,
) -> Event:  # fmt: skip
    if reading.message is None and _is_message(reading):
        # OneRoute gives its messages no id (oneroute.md, section 6): the body stands for one.
        reading = replace(reading, message=f"{provider}:sha256:{digest & _64_BITS:016x}")
    return Event(number, received_at, provider, source, verdict, reading, digest, age_s)


def _is_message(reading: Reading) -> bool:
    """Whether a reading is of a message itself, which may hold neither text nor media: a sticker, a location. What has
    another status than received may be the report on one."""
    if reading.conversation is None or reading.direction is None:
        return False
    return bool(reading.text or reading.media) or reading.status in (None, Status.RECEIVED)


def watermark(db: sqlite3.Connection) -> int:
    """The id of the last capture that the messages and conversations know of."""
    return int(db.execute("SELECT upto FROM watermark").fetchone()[0])


def trusts_unproven(db: sqlite3.Connection) -> bool:
    """Whether captures whose signature could not be checked move messages (see ``event.moves``): that is chosen when
    the messages are begun, and holds for all of them."""
    return bool(db.execute("SELECT trust_unproven FROM watermark").fetchone()[0])


def choose(path: Path, trust_unproven: bool) -> str | None:
    """Let a database without messages begin them under this rule; gives a notice where there are some under another.

    Raises sqlite3.Error.
    """
    with closing(connect(path, read_only=False)) as db:
        db.execute("UPDATE watermark SET trust_unproven = ? WHERE upto = 0", (trust_unproven,))
        if trusts_unproven(db) is trust_unproven:
            return None
    words = "without a signature that could be checked"
    return f"Captures {words} still {'do not ' if trust_unproven else ''}move messages here; run hooktop reindex."


def clear(db: sqlite3.Connection, *, trust_unproven: bool | None = None) -> None:
    """Forget all messages and conversations; ``advance`` builds them again, under another rule where one is given."""
    for table in _TABLES:
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - constant names
    db.execute("UPDATE watermark SET upto = 0, trust_unproven = coalesce(?, trust_unproven)", (trust_unproven,))


def advance(db: sqlite3.Connection, limit: int, events: Events) -> int:
    """Take in the next readings, ``limit`` at most, inside the transaction that is open; gives how many they were."""
    next_ones = db.execute("SELECT id FROM readings WHERE id > ? ORDER BY id LIMIT ?", (watermark(db), limit))
    numbers = [number for (number,) in next_ones]
    if not numbers:
        return 0
    last = numbers[-1]
    messages: set[int] = set()
    sums = Sums()
    found, forbid = events.get(db, numbers), not trusts_unproven(db)
    for event in map(found.__getitem__, numbers):
        if event.source is Source.REPLAYED:  # nobody has said it again
            continue
        moving = moves(event.verdict, forbid_unproven=forbid)
        if event.reading.message is not None:
            messages.add(_file(db, event, sums, moving=moving))
        elif moving:
            _centre_line(db, event, sums)
        if moving:
            for alias, key in aliases_of(event, _tie(db, event)):
                _join_conversations(db, alias, key, event.capture, sums)
    for number in sorted(messages):
        refold(db, number, last, events, sums, forbid=forbid)
    sums.write(db, last)
    db.execute("UPDATE watermark SET upto = ?", (last,))
    return len(numbers)


def message_events(db: sqlite3.Connection, number: int, events: Events | None = None) -> list[Event]:
    """Everything that was said of a message."""
    said = db.execute(_SAID_OF, (number, MAX_EVENTS)).fetchall()
    found = (events or Events(0)).get(db, [capture for capture, _, _ in said])
    return [
        event if captures == 1 else replace(event, count=captures, last_at=moment(last_at))
        for capture, captures, last_at in said
        if (event := found.get(capture)) is not None
    ]


def conversation_events(
    db: sqlite3.Connection, number: int, limit: int, *, since: datetime | None = None, until: datetime | None = None
) -> list[Event]:
    """What happened to a conversation itself, the newest ``limit`` between two times."""
    between = (_FIRST if since is None else microseconds(since), _LAST if until is None else microseconds(until))
    return [event_of(values) for values in db.execute(_LINES, (number, *between, limit))]


def _file(db: sqlite3.Connection, event: Event, sums: Sums, *, moving: bool) -> int:
    """Note what a reading says under the message it speaks of; gives the message's number."""
    keys = named(event, moving=moving)
    marks = ", ".join("?" * len(keys))
    known = db.execute(f"SELECT DISTINCT message FROM message_keys WHERE key IN ({marks})", keys).fetchall()  # noqa: S608 - only ?
    # A message bears the number of the capture that spoke of it first.
    number, *others = sorted(int(number) for (number,) in known) or [event.capture]
    for other in others:  # this reading shows that two messages are one
        _merge_messages(db, other, number, sums)
    db.executemany("INSERT OR IGNORE INTO message_keys VALUES (?, ?)", [(key, number) for key in keys])
    at = microseconds(event.received_at)
    db.execute(_SAID, (number, event.digest, event.verdict.value, event.capture, 1, at, at))
    return number


def named(event: Event, *, moving: bool) -> list[str]:
    """The keys that an event gives its message: what may be forged is filed, and joins nothing."""
    aliases = event.reading.aliases if moving else ()
    return [key for key in (event.reading.message, *aliases) if key is not None]


def _merge_messages(db: sqlite3.Connection, other: int, number: int, sums: Sums) -> None:
    """Let one message have what another had."""
    db.execute("UPDATE message_keys SET message = ? WHERE message = ?", (number, other))
    for said in db.execute("SELECT * FROM message_events WHERE message = ?", (other,)).fetchall():
        db.execute(_SAID, (number, *said[1:]))
    db.execute("DELETE FROM message_events WHERE message = ?", (other,))
    sums.count(db, other, -1)
    db.execute("DELETE FROM messages WHERE id = ?", (other,))


def refold(db: sqlite3.Connection, number: int, touched: int, events: Events, sums: Sums, *, forbid: bool) -> bool:
    """Fold a message anew from all that is said of it; false where that is nothing. ``touched`` is the watermark that
    it bears from then on, ``forbid`` whether what is not proven may move it."""
    try:
        said = message_events(db, number, events)
        if said:  # else it was merged into another meanwhile, or let go
            _write(db, number, fold(said, forbid_unproven=forbid), touched, sums)
        return bool(said)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        # One message that cannot be folded must not keep all others from being seen.
        log.error("message %s cannot be folded: %s", number, type(error).__name__)
        return True


def _write(db: sqlite3.Connection, number: int, message: Message, touched: int, sums: Sums) -> None:
    conversation = None
    if message.conversation is not None:
        conversation = _conversation(db, message.conversation, number)
        for own in _tied_to(db, message.key, message.aliases):
            conversation = _join_conversations(db, own, message.conversation, number, sums)
    row = message_row(message, number, conversation, touched)
    sums.count(db, number, -1)
    insert_rows(db, "messages", MESSAGE_COLUMNS, [row])
    sums.count(db, number, 1)


def _conversation(db: sqlite3.Connection, key: str, number: int) -> int:
    """The number of the conversation that a key names; a new one bears ``number``, unless another has it: the message
    of that number may have been taken to belong there before."""
    known = db.execute("SELECT conversation FROM conversation_keys WHERE key = ?", (key,)).fetchone()
    if known is not None:
        return int(known[0])
    if db.execute("SELECT 1 FROM conversation_keys WHERE conversation = ?", (number,)).fetchone() is not None:
        number = 1 + int(db.execute("SELECT max(conversation) FROM conversation_keys").fetchone()[0])
    db.execute("INSERT INTO conversation_keys VALUES (?, ?, FALSE)", (key, number))
    return number


def _join_conversations(db: sqlite3.Connection, alias: str, key: str, number: int, sums: Sums) -> int:
    """Two keys are one conversation; gives its number."""
    own = _conversation(db, key, number)
    db.execute("INSERT OR IGNORE INTO conversation_keys VALUES (?, ?, TRUE)", (alias, own))
    db.execute("UPDATE conversation_keys SET passing = TRUE WHERE key = ?", (alias,))
    one, other = sorted((own, _conversation(db, alias, number)))
    if one != other:
        db.execute("UPDATE conversation_keys SET conversation = ? WHERE conversation = ?", (one, other))
        db.execute("UPDATE messages SET conversation_id = ? WHERE conversation_id = ?", (one, other))
        db.execute("UPDATE OR IGNORE conversation_events SET conversation = ? WHERE conversation = ?", (one, other))
        sums.join(db, one, other)
    sums.touch(one)
    return one


def _tie(db: sqlite3.Connection, event: Event) -> dict[str, str]:
    """The conversation of the message that a conversation event names, by the message's key.

    The event may come before the message: the tie is kept for ``_tied_to``.
    """
    tie = tied(event.provider, dict(event.reading.facts))
    if event.reading.conversation is not None or tie is None:
        return {}
    key = tie[0]
    db.execute("INSERT OR IGNORE INTO conversation_ties VALUES (?, ?)", tie)
    known = db.execute(
        "SELECT conversation FROM messages WHERE id = (SELECT message FROM message_keys WHERE key = ?)", (key,)
    ).fetchone()
    return {key: known[0]} if known is not None and known[0] is not None else {}


def tied(provider: str, facts: Mapping[str, str]) -> tuple[str, str] | None:
    """The keys of the message and of the conversation that a conversation event names together, None where it does
    not."""
    last, own = facts.get("last_message_id"), facts.get("conversation_id")
    return None if last is None or own is None else (f"{provider}:{last}", f"{provider}:{own}")


def _tied_to(db: sqlite3.Connection, key: str, aliases: Iterable[str]) -> list[str]:
    """The provider's own names of the conversation that a message is in, as conversation events gave them."""
    keys = [key, *aliases]
    sql = f"SELECT conversation FROM conversation_ties WHERE message IN ({', '.join('?' * len(keys))}) ORDER BY 1"  # noqa: S608 - only ?
    return [own for (own,) in db.execute(sql, keys)]


def _centre_line(db: sqlite3.Connection, event: Event, sums: Sums) -> None:
    """File what is said of a conversation itself."""
    key = conversation_of(event)
    if key is None:
        return
    number = _conversation(db, key, event.capture)
    db.execute("INSERT OR IGNORE INTO conversation_events VALUES (?, ?)", (number, event.capture))
    sums.touch(number)
