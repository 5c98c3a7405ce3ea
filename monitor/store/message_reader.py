"""Reading messages and conversations: windows of the lists, one in full, a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from monitor.model.conversation import Bubble, CentreLine, Conversation, bubbles
from monitor.model.lifecycle import fold
from monitor.model.message import Message
from monitor.model.reading import Direction, Status
from monitor.store import projection, search
from monitor.store.filter_sql import Where
from monitor.store.message_rows import SELECT_BRIEFLY, SELECT_MESSAGE, beginning, message_of
from monitor.store.reader import Reader
from monitor.store.rows import unpack
from monitor.store.schema import MESSAGE_COLUMNS, USER_VERSION
from monitor.times import microseconds, moment


class Order(StrEnum):
    """What stands first in a list of messages."""

    NEWEST = "newest"
    SLOWEST = "slowest"
    STUCK = "stuck"
    FAILED = "failed"


# The newest are the ones heard of last; numbers follow that, so the newest need no index of their own.
_ORDERS: Final = {
    Order.NEWEST: ("TRUE", "r.id DESC"),
    Order.SLOWEST: ("r.total_s IS NOT NULL", "r.total_s DESC, r.id DESC"),
    Order.STUCK: ("r.final = 0", "r.id DESC"),
    Order.FAILED: ("r.status = 'failed'", "r.id DESC"),
}
Place: TypeAlias = tuple[int, int]  # of a message in its conversation: when it happened (in microseconds), its number
FIRST_PLACE: Final[Place] = (-(2**63), 0)
MAX_THREAD: Final = 500
MAX_UNREAD: Final = 100
MAX_NARROW: Final = 5_000  # captures whose messages are looked up by number
_MESSAGES_OF: Final = (
    "SELECT DISTINCT k.message FROM readings x JOIN message_keys k ON k.key = "
    "coalesce(x.message, x.provider || ':sha256:' || printf('%016x', x.digest)) "
    "WHERE x.id IN (SELECT value FROM json_each(?))"
)
_WITHOUT_ID: Final = f"SELECT message FROM message_keys WHERE key GLOB '*{search.DIGEST}*'"  # noqa: S608 - a constant
_TOUCHED: Final = MESSAGE_COLUMNS.index("touched")
CONVERSATION: Final = (
    "SELECT id, key, provider, parties, channel, messages, unproven, failed, last_text, last_direction, last_at, "
    "status FROM conversations"
)
_CONVERSATION_BRIEFLY: Final = CONVERSATION.replace("last_text", beginning("last_text"))


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation in sum. ``id`` is its number in this database; texts are foreign and not yet made visible."""

    id: int
    key: str
    provider: str
    parties: tuple[str, ...]
    channel: str | None
    messages: int
    unproven: int
    failed: int
    last_text: str | None
    last_direction: str | None
    last_at: datetime
    status: str | None

    def conversation(self, provider_status: str | None = None) -> Conversation:
        """As the model's plain data. ``provider_status`` is what the thread has last of the provider's own word."""
        return Conversation(
            key=self.key,
            provider=self.provider,
            parties=self.parties,
            channel=self.channel,
            messages=self.messages,
            last_text=self.last_text,
            last_direction=Direction(self.last_direction) if self.last_direction else None,
            last_at=self.last_at,
            status=Status(self.status) if self.status else None,
            provider_status=provider_status,
            failed=self.failed,
            unproven=self.unproven,
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a conversation, oldest first, with how many messages lie before and behind it. ``begins`` is the place
    of its first message, None where it has none."""

    items: list[Bubble | CentreLine]
    begins: Place | None
    earlier: int
    later: int


@dataclass(frozen=True, slots=True)
class Change:
    """A message that changed in the step that took the watermark to ``touched``; ``message`` is None where the changed
    message does not pass the filter that was asked with."""

    number: int
    touched: int
    message: Message | None


class MessageReader(Reader):
    """A reading connection that also knows messages and conversations."""

    def message_ids(self, order: Order, where: Where, limit: int) -> list[int]:
        """The numbers of the messages that pass a compiled filter, first in the order first."""
        only, by = _ORDERS[order]
        where = self._narrowed(where)
        sql = f"SELECT r.id FROM messages r WHERE {only} AND ({where.sql}) ORDER BY {by} LIMIT ?"  # noqa: S608 - compiled: constants and ?
        return [row[0] for row in self._all(sql, (*where.parameters, limit))]

    def newest_messages(self, where: Where, limit: int, known: int) -> list[int] | None:
        """The numbers of the newest messages that pass a compiled filter, newest first; None where messages are being
        worked out anew, with other numbers, since the watermark was ``known``."""
        found = self.message_ids(Order.NEWEST, where, limit)
        return found if self.watermark() >= known else None

    def touched_messages(self, after: int, where: Where) -> list[tuple[int, bool]]:
        """The messages that changed since the watermark was at ``after``, and whether each passes a compiled filter."""
        # Left alone SQLite walks through all messages for the sake of their order.
        sql = (
            f"SELECT r.id, ({where.sql}) IS TRUE FROM messages r INDEXED BY messages_touched "  # noqa: S608 - as above
            "WHERE r.touched > ? ORDER BY r.id"
        )
        return [(row[0], bool(row[1])) for row in self._all(sql, (*where.parameters, after))]

    def changes(self, after: int, upto: int, where: Where) -> list[Change]:
        """The messages whose last change is behind ``after`` and not behind ``upto`` (watermarks), in that order.

        What they are and whether they pass the compiled filter is of one moment.
        """
        sql = (
            f"{SELECT_MESSAGE.replace(' FROM', f', ({where.sql}) IS TRUE FROM')} "
            "WHERE r.touched > ? AND r.touched <= ? ORDER BY r.touched, r.id"
        )
        return [
            Change(values[0], values[_TOUCHED], message_of(values[:-1]) if values[-1] else None)
            for values in self._all(sql, (*where.parameters, after, upto))
        ]

    def changed_conversations(
        self, after: int, upto: int, where: Where, *, every: bool = False
    ) -> list[ConversationRow]:
        """The conversations whose last change is behind ``after`` and not behind ``upto`` (watermarks), in that order.

        Those in which a message passes a compiled filter, or ``every`` one, also those without messages.
        """
        inside = f"EXISTS (SELECT 1 FROM messages r WHERE r.conversation_id = conversations.id AND ({where.sql}))"  # noqa: S608 - as above
        sql = f"{CONVERSATION} WHERE touched > ? AND touched <= ? AND (? OR {inside}) ORDER BY touched, id"
        return [conversation_of(values) for values in self._all(sql, (after, upto, every, *where.parameters))]

    def waits(self, captures: int) -> Mapping[str, list[float]]:
        """By provider, the seconds from sent to final of the messages that began among the newest ``captures``."""
        found: dict[str, list[float]] = {}
        for provider, seconds in self._all(
            "SELECT provider, sent_to_final_s FROM messages "
            "WHERE id > (SELECT coalesce(max(id), 0) FROM messages) - ? AND sent_to_final_s IS NOT NULL",
            (captures,),
        ):
            found.setdefault(provider, []).append(seconds)
        return found

    def ready(self) -> bool:
        """Whether messages and conversations can be read: false for a file of an older or a newer hooktop, or one that
        is only just being made."""
        return bool(self._all("PRAGMA user_version")[0][0] == USER_VERSION)

    def message_ids_between(self, where: Where, low: int, high: int) -> list[int]:
        """The numbers from ``low`` to ``high`` of messages that pass a compiled filter, in ascending order."""
        where = self._narrowed(where)
        sql = f"SELECT r.id FROM messages r WHERE r.id BETWEEN ? AND ? AND ({where.sql}) ORDER BY r.id"  # noqa: S608 - as above
        return [row[0] for row in self._all(sql, (low, high, *where.parameters))]

    def _narrowed(self, where: Where) -> Where:
        """The filter with the messages that can pass it by their numbers, where the search index knows few captures."""
        if where.search is None:
            return where
        with self._using() as db:
            upto = search.upto(db)
            if upto is None:
                return where
            asked = (where.search, 1, upto, 1, upto, MAX_NARROW + 1)
            captures = [row[0] for row in db.execute(f"{search.NAMED} LIMIT ?", asked)]
            if len(captures) > MAX_NARROW:  # so many that one is soon found without
                return where
            numbers = [row[0] for row in db.execute(_MESSAGES_OF, (json.dumps(captures),))]
        digests = f" OR r.id IN ({_WITHOUT_ID})" if where.digests else ""
        sql = f"(r.id IN (SELECT value FROM json_each(?)) OR r.touched > ?{digests}) AND ({where.sql})"  # noqa: S608 - as above
        return replace(where, sql=sql, parameters=[json.dumps(numbers), upto, *where.parameters], search=None)

    def last_message(self) -> int:
        """The highest number of a message, 0 when there is none."""
        return int(self._all("SELECT coalesce(max(id), 0) FROM messages")[0][0])

    def messages(self, numbers: Sequence[int], *, briefly: bool = False) -> dict[int, Message]:
        """Messages by number; those that are gone are missing. ``briefly``: with the beginnings of long texts only."""
        found: dict[int, Message] = {}
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            marks = ",".join("?" * len(part))
            for values in self._all(f"{SELECT_BRIEFLY if briefly else SELECT_MESSAGE} WHERE r.id IN ({marks})", part):
                found[values[0]] = message_of(values)
        return found

    def message_number(self, key: str) -> int | None:
        """The number of the message that a key or an alias names, or None."""
        found = self._all("SELECT message FROM message_keys WHERE key = ?", (key,))
        return int(found[0][0]) if found else None

    def matching_apart(self, where: Where, low: int, high: int) -> list[int]:
        """As ``matching``, of the captures that tell of no message."""
        return self.matching(replace(where, sql=f"{projection.APART} AND ({where.sql})"), low, high)

    def links(self, capture: int) -> tuple[int | None, int | None]:
        """The numbers of the message and of the conversation that a capture belongs to, None where there is none."""
        found = self._all("SELECT message, provider, digest FROM readings WHERE id = ?", (capture,))
        if not found:
            return None, None
        key, provider, digest = found[0]
        # A message without an id of its own goes under its body's digest (see projection).
        number = self.message_number(key or f"{provider}:sha256:{digest & (2**64 - 1):016x}")
        if number is None:
            sql = "SELECT max(conversation) FROM conversation_events WHERE capture = ?"
            return None, self._all(sql, (capture,))[0][0]
        return number, self._all("SELECT max(conversation_id) FROM messages WHERE id = ?", (number,))[0][0]

    def message(self, number: int) -> Message | None:
        """One message in full, folded from everything that was said of it, or None."""
        with self._using() as db:
            events = projection.message_events(db, number)
            forbid = not projection.trusts_unproven(db)
        return fold(events, forbid_unproven=forbid) if events else None

    def trusts_unproven(self) -> bool:
        """Whether captures whose signature could not be checked move the messages."""
        with self._using() as db:
            return projection.trusts_unproven(db)

    def conversations(self, limit: int, *, briefly: bool = False) -> list[ConversationRow]:
        """The conversations, the one with the newest message first. ``briefly`` as for ``messages``."""
        sql = f"{_CONVERSATION_BRIEFLY if briefly else CONVERSATION} ORDER BY last_at DESC, id DESC LIMIT ?"
        return [conversation_of(values) for values in self._all(sql, (limit,))]

    def conversations_with(self, where: Where, limit: int, *, briefly: bool = False) -> list[ConversationRow]:
        """The conversations in which a message passes a compiled filter, newest first. ``briefly`` as for
        ``messages``."""
        where = self._narrowed(where)
        inside = f"SELECT r.conversation_id FROM messages r WHERE {where.sql}"  # noqa: S608 - as above
        sql = f"{_CONVERSATION_BRIEFLY if briefly else CONVERSATION} WHERE id IN ({inside}) "
        rows = self._all(f"{sql} ORDER BY last_at DESC, id DESC LIMIT ?", (*where.parameters, limit))
        return [conversation_of(values) for values in rows]

    def conversation(self, number: int) -> ConversationRow | None:
        """One conversation, or None."""
        found = self._all(f"{CONVERSATION} WHERE id = ?", (number,))
        return conversation_of(found[0]) if found else None

    def conversation_number(self, key: str) -> int | None:
        """The number of the conversation that a key names, or None."""
        found = self._all("SELECT conversation FROM conversation_keys WHERE key = ?", (key,))
        return int(found[0][0]) if found else None

    def conversation_touched(self, number: int) -> int:
        """The watermark at which a conversation last changed, 0 when it is gone."""
        return int(self._all("SELECT coalesce(max(touched), 0) FROM conversations WHERE id = ?", (number,))[0][0])

    def unread(self, number: int, since: datetime) -> int:
        """How many of a conversation's newest messages are inbound and arrived after ``since``; MAX_UNREAD at most."""
        sql = (
            "SELECT count(*) FROM (SELECT direction, first_at, unproven_count < capture_count AS backed FROM messages "
            "WHERE conversation_id = ? ORDER BY happened_at DESC LIMIT ?) "
            "WHERE direction = 'inbound' AND backed AND first_at > ?"
        )
        return int(self._all(sql, (number, MAX_UNREAD, microseconds(since)))[0][0])

    def thread(self, number: int, limit: int = MAX_THREAD) -> list[Bubble | CentreLine]:
        """The newest messages of a conversation with what happened to it, oldest first."""
        return self.stretch(number, limit=limit).items

    def stretch(
        self, number: int, begins: Place | None = None, limit: int = MAX_THREAD, *, briefly: bool = False
    ) -> Stretch:
        """So many messages of a conversation from a place on (None: the newest), with what happened to it meanwhile.

        ``briefly`` as for ``messages``.
        """
        select = SELECT_BRIEFLY if briefly else SELECT_MESSAGE
        inside, place = "r.conversation_id = ?", "(r.happened_at, r.id)"
        if begins is None:
            sql = f"{select} WHERE {inside} ORDER BY r.happened_at DESC, r.id DESC LIMIT ?"
            rows = self._all(sql, (number, limit))[::-1]
        else:
            sql = f"{select} WHERE {inside} AND {place} >= (?, ?) ORDER BY r.happened_at, r.id LIMIT ?"
            rows = self._all(sql, (number, *begins, limit))
        messages = [message_of(values) for values in rows]
        earlier = later = 0
        first: Place | None = None
        if rows:
            first, last = ((microseconds(messages[at].happened_at), rows[at][0]) for at in (0, -1))
            sql = f"SELECT count(*) FROM messages r WHERE {inside} AND {place}"  # noqa: S608 - constants and ?
            earlier = self._all(f"{sql} < (?, ?)", (number, *first))[0][0]
            later = self._all(f"{sql} > (?, ?)", (number, *last))[0][0]
        with self._using() as db:
            lines = projection.conversation_events(
                db, number, limit,
                since=messages[0].happened_at if earlier else None, until=messages[-1].happened_at if later else None,
            )  # fmt: skip
        return Stretch(bubbles(messages, lines), first, earlier, later)

    def further(self, number: int, place: Place, messages: int) -> Place:
        """The place so many messages further on in a conversation, or back where that is negative; the last or the
        first where it has no more."""
        sign, order = (">=", "") if messages > 0 else ("<=", " DESC")
        sql = (
            "SELECT happened_at, id FROM messages WHERE conversation_id = ? "  # noqa: S608 - constants and ?
            f"AND (happened_at, id) {sign} (?, ?) ORDER BY happened_at{order}, id{order} LIMIT ?"
        )
        found = self._all(sql, (number, *place, abs(messages) + 1))
        return tuple(found[-1]) if found else place


def conversation_of(values: Sequence[Any]) -> ConversationRow:
    """A row of ``CONVERSATION``."""
    number, key, provider, parties, channel, messages, unproven, failed, text, direction, last_at, status = values
    return ConversationRow(
        number, key, provider, tuple(unpack(parties)), channel, messages, unproven, failed, text, direction,
        moment(last_at), status,
    )  # fmt: skip
