"""What ``wait`` waits for: captures and messages that pass a filter, as they arrive and change."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from monitor.cli.history import newest
from monitor.model.event import moves
from monitor.model.filter import Filter, FilterError
from monitor.model.verdict import standing
from monitor.services.patience import rest
from monitor.store.filter_sql import Where, about_messages, compile_filter, compile_message_filter
from monitor.store.message_reader import Order

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.model.message import Message
    from monitor.store.message_reader import MessageReader

STALLED_S: Final = 1.0
MAX_PASSING: Final = 100_000  # messages that are known to pass a filter for ages, the newest of them

Match: TypeAlias = "Capture | tuple[int, Message]"  # a message with its number in the database


class Watch:
    """Looks for what passes a filter.

    A filter that asks for something only captures have, or only who sent when, is one for captures. Any other is tried
    on messages and on captures: what a message came to may be overtaken before anybody sees it, its capture remains.
    Where both pass, the message stands for its captures; each message counts once. A capture that may not move its
    message (``event.moves``) does not count for it. A message may come to pass a filter for ages with time alone.
    """

    def __init__(self, reader: MessageReader, wanted: Filter, after: int) -> None:
        """``after`` is the id of the last capture that is not news."""
        self._reader = reader
        self._wanted = wanted
        self._captures = self._messages = after
        self._seen: set[int] = set()  # numbers of messages that were given
        self._version = -1
        self._behind: float | None = None  # since when messages do not know of the newest captures
        self._for_messages = about_messages(wanted)
        self._forbid = self._for_messages and not reader.trusts_unproven()
        self._passing: Sequence[int] | None = None  # what passed when ages were looked at last
        self._ages_next = -math.inf

    def look(self) -> list[Match]:
        """What passes and was not given yet, in the order in which it came."""
        return self._aged() + self._news()

    def _news(self) -> list[Match]:
        version = self._reader.version()
        if version == self._version and self._behind is None:
            return []
        self._version = version
        last = self._reader.newest(self._wanted)
        if not self._for_messages:
            return self._given(last, [])
        known = self._reader.watermark()
        stalled = self._stalled(last, known)
        messages = self._changed(known)
        return self._given(last if stalled else min(last, known), messages)

    def _aged(self) -> list[Match]:
        """The messages that pass now and did not before, though nothing was said of them."""
        if not (self._for_messages and self._wanted.asks_ages) or time.monotonic() < self._ages_next:
            return []
        begun = time.monotonic()
        where = self._message_where()
        if where is None:
            return []
        before, passing = self._passing, self._reader.newest_messages(where, MAX_PASSING, self._messages)
        self._ages_next = time.monotonic() + rest(time.monotonic() - begun)
        if passing is None:
            return []
        self._passing = passing
        if before is None:
            return []
        oldest = before[-1] if len(before) >= MAX_PASSING else 0
        known = self._seen.union(before)
        begun_now = sorted(number for number in passing if number > oldest and number not in known)
        self._seen.update(begun_now)
        found = self._reader.messages(begun_now)
        return [(number, found[number]) for number in begun_now if number in found]

    def existing(self, count: int) -> list[Match]:
        """The newest of what is there already, oldest first; ask before the first ``look``."""
        messages: list[tuple[int, Message]] = []
        where = self._message_where()
        if self._for_messages and where is not None:
            found = self._reader.messages(self._reader.message_ids(Order.NEWEST, where, count))
            messages = sorted(found.items())
        self._seen.update(number for number, _ in messages)
        captures = self._existing_captures(count, count - len(messages))
        return _in_order(captures, [(message.captures[-1], (number, message)) for number, message in messages])[-count:]

    def _existing_captures(self, count: int, enough: int) -> list[Capture]:
        """The newest captures that pass and count: ``enough`` of them, or all; ``count`` at least are tried."""
        seen = frozenset(self._seen)
        while True:
            ids = newest(self._reader, self._wanted, count)
            self._seen = set(seen)
            captures = self._unseen(ids)
            if len(captures) >= enough or len(ids) < count:
                return captures
            count *= 4  # those that do not count, such as forged ones, must not hide one behind them

    def _message_where(self) -> Where | None:
        try:
            return compile_message_filter(self._wanted, datetime.now(UTC))
        except FilterError:
            return None

    def _stalled(self, last: int, known: int) -> bool:
        """Whether captures must not wait for messages any longer."""
        if known >= last:
            self._behind = None
        elif self._behind is None or known > self._messages:
            self._behind = time.monotonic()
        return self._behind is not None and time.monotonic() - self._behind > STALLED_S

    def _changed(self, known: int) -> list[tuple[int, tuple[int, Message]]]:
        where = self._message_where()
        if known <= self._messages or where is None:
            return []
        changes = self._reader.changes(self._messages, known, where)
        self._messages = known
        found = []
        for one in changes:
            if one.message is not None and one.number not in self._seen:
                self._seen.add(one.number)
                found.append((one.touched, (one.number, one.message)))
        return found

    def _given(self, upto: int, messages: Sequence[tuple[int, tuple[int, Message]]]) -> list[Match]:
        captures: list[Capture] = []
        if upto > self._captures:
            where = compile_filter(self._wanted, datetime.now(UTC))
            captures = self._unseen(self._reader.matching(where, self._captures + 1, upto))
            self._captures = upto
        return _in_order(captures, messages)

    def _unseen(self, ids: Sequence[int]) -> list[Capture]:
        """The captures with these ids, without those for which a message stands."""
        found = []
        for number in ids:
            capture = self._reader.capture(number)
            if capture is None:
                continue
            message, _ = self._reader.links(number) if self._for_messages else (None, None)
            if message is not None:
                counts = standing(capture.verdict.status, capture.verdict.reason)
                if message in self._seen or not moves(counts, forbid_unproven=self._forbid):
                    continue
                self._seen.add(message)
            found.append(capture)
        return found


def _in_order(captures: Sequence[Capture], messages: Sequence[tuple[int, tuple[int, Message]]]) -> list[Match]:
    placed: list[tuple[int, Match]] = [(capture.id, capture) for capture in captures]
    placed += messages
    return [match for _, match in sorted(placed, key=lambda pair: pair[0])]
