"""Alerts: what the configuration asks to be told of, as it is stored.

An alert looks at the store and not at the captures that pass by, so a flood costs neither memory nor the receiver's
time; matches that come faster than one a second are counted and told with the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from monitor import config, tasks
from monitor.model.capture import Capture
from monitor.model.filter import Filter, FilterError, check_arriving, parse
from monitor.model.message import Message
from monitor.model.reading import Direction, MessageError, Reading
from monitor.services.alert_commands import Commands
from monitor.services.patience import AGES_EVERY_S, rest
from monitor.store.errors import StoreError
from monitor.store.filter_sql import (
    EVERYTHING,
    about_messages,
    check_any_filter,
    compile_filter,
    compile_message_filter,
)
from monitor.store.message_reader import MessageReader
from monitor.text import visible
from monitor.times import utc_now

LOOK_S: Final = 0.05  # between two looks at the store
EVERY_S: Final = 1.0  # between two alerts of one rule
MAX_KNOWN: Final = 50_000  # messages of which it is known that they match already
KEPT: Final = 200  # alerts that were told last
log = logging.getLogger(__name__)

OnAlert: TypeAlias = "Callable[[Alert], None]"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to be told. Everything in it is visible text.

    ``id`` is ``cap_12`` or the key of a message; ``suppressed`` is how many matches of the same rule were not told
    since the last one; ``number`` is that of the message, or of the capture where it tells of no message, in the store.
    """

    rule: config.Alert
    id: str
    provider: str
    status: str
    summary: str
    suppressed: int
    at: datetime
    number: int
    of_message: bool

    def said(self, *, masked: bool = False) -> str:
        """The alert in a few words; a masked one without numbers and texts."""
        more = f" (and {self.suppressed:,} more before)" if self.suppressed else ""
        return (f"{self.provider} {self.status} {self.id}" if masked else self.summary) + more

    @property
    def values(self) -> Mapping[str, str]:
        """What stands for the placeholders of a command."""
        return {
            "id": self.id, "provider": self.provider, "status": self.status, "summary": self.summary,
            "filter": self.rule.filter, "suppressed": str(self.suppressed),
        }  # fmt: skip


@dataclass(slots=True)
class Watch:
    """A rule, and what is known of it: whether it is ``on``, how many alerts were ``told``, and how many matches were
    not since (``suppressed``). ``learnt``: it is known which messages matched at first."""

    rule: config.Alert
    wanted: Filter
    messages: bool
    matching: dict[int, None] = field(default_factory=dict)  # numbers of the messages that match already
    since: int = 0  # ... where they are too many to be known: of no lower numbers
    learnt: bool = False
    told_at: float | None = None
    suppressed: int = 0
    told: int = 0
    on: bool = True


class Alerts:
    """Looks at what was committed and tells what passes the filter of a rule.

    A filter for messages alerts when a message begins to match, also where time alone lets it (``status:sent
    age>10m``), and for captures that tell of no message; any other alerts for every capture. All methods are called
    from one event loop.
    """

    def __init__(
        self,
        rules: Sequence[config.Alert],
        open_reader: Callable[[], MessageReader],
        on_alert: OnAlert | None = None,
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """``on_alert`` gets the alerts that are to ring or to show a note; commands are run here.

        Raises ConfigError for a filter that cannot be understood.
        """
        self.on_alert = on_alert
        self.commands = Commands()
        self.watches = [watch_of_rule(number, rule) for number, rule in enumerate(rules, 1)]
        self.recent: deque[Alert] = deque(maxlen=KEPT)  # what was told, the latest last
        self._open_reader = open_reader
        self._timer = timer
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reader: MessageReader | None = None
        self._captures = self._messages = 0
        self._ages_next = 0.0
        self._ending = False
        self._errors = 0

    @property
    def told(self) -> int:
        """How many alerts were told."""
        return sum(one.told for one in self.watches)

    @property
    def errors(self) -> int:
        """How many alerts could not be told, or commands failed."""
        return self._errors + self.commands.errors

    def start(self) -> None:
        """Look from now on: what is in the store already is no news. Raises StoreError."""
        if self.watches:
            self._begin()

    def _begin(self) -> None:
        self._reader = self._open_reader()
        self._captures = self._messages = self._reader.last_id()
        self._task = tasks.start(self._run(), "alerts")
        self._wake.set()  # to learn what matches already

    def add(self, rule: config.Alert) -> Watch:
        """Tell of this, too, from now on and until the program ends. Raises FilterError and StoreError."""
        one = _watch(rule)
        if self._task is None:
            self._begin()
        self.watches = [*self.watches, one]  # a look at the store may be going through the others
        self._wake.set()  # the next look learns what matches already
        return one

    def offer(self, batch: Sequence[Capture]) -> None:
        """Captures were committed; never waits."""
        if batch:
            self._wake.set()

    @property
    def seen(self) -> int:
        """The id of the last capture that was looked at with its message, and told of where it was to be."""
        return min(self._captures, self._messages)

    async def stop(self) -> None:
        """Look once more at what was committed, then no longer; commands that still run have a moment to end."""
        if self._task is not None:
            self._ending = True
            self._wake.set()
            await asyncio.wait([self._task])
            self._task = None
        await self.commands.stop()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _run(self) -> None:
        ending = False
        while not ending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._until_ages())
            self._wake.clear()
            ending = self._ending
            try:
                found, last, known, newest = await asyncio.to_thread(self._look)
                for watched, alert in found:
                    self._tell(watched, alert)
                self._captures, self._messages = max(last, self._captures), max(known, self._messages)
                if min(known, last) < newest:  # messages and marks come right behind the captures
                    self._wake.set()
            except Exception as error:  # the next look may do better
                reason = str(error) if isinstance(error, StoreError) else type(error).__name__
                self._ages_next = self._timer() + AGES_EVERY_S
                self._failed("alerts cannot look at the store: %s", reason)
            if not ending:
                await asyncio.sleep(LOOK_S)

    def _look(self) -> tuple[list[tuple[Watch, Alert]], int, int, int]:
        """What is to be told of what is new, the last capture that was looked at and that messages know of, and the
        newest."""
        reader = self._reader
        assert reader is not None  # noqa: S101 - started
        looked = time.perf_counter()
        newest, known, now = reader.last_id(), reader.watermark(), utc_now()
        last = min([newest, *(reader.newest(one.wanted) for one in self.watches)])
        found = []
        whole = known >= min(self._messages, newest)  # else the messages are being worked out anew
        aged = whole and self._timer() >= self._ages_next
        for one in self.watches:
            if whole and one.messages and not one.learnt:
                _learn(reader, one, self._messages, known)
            ids = self._new_captures(reader, one, last, now)
            begun, first = self._begun(reader, one, known, now) if one.messages else ([], None)
            if aged and one.learnt and _asks_ages(one):
                more, oldest = _aged(reader, one, known, now)
                begun, first = begun + more, first or oldest
            if not (one.on and (ids or first is not None)):
                continue
            if one.told_at is not None and self._timer() - one.told_at < EVERY_S:
                one.suppressed += len(ids) + len(begun)
                continue
            if first is not None:
                alert = _of_message(one, begun[0], first, now)
            elif (capture := reader.capture(ids[0])) is not None:
                alert = _of_capture(one, capture, now)
            else:
                continue
            one.told_at, one.suppressed = self._timer(), len(ids) + len(begun) - 1
            found.append((one, alert))
        if aged:
            self._ages_next = self._timer() + rest(time.perf_counter() - looked, AGES_EVERY_S)
        return found, last, known, newest

    def _until_ages(self) -> float | None:
        """Seconds until what time alone changes is looked at; None where no rule asks for it."""
        asked = any(map(_asks_ages, self.watches))
        return max(self._ages_next - self._timer(), LOOK_S) if asked else None

    def _new_captures(self, reader: MessageReader, one: Watch, last: int, now: datetime) -> Sequence[int]:
        if last <= self._captures:
            return []
        where = compile_filter(one.wanted, now)
        look = reader.matching_apart if one.messages else reader.matching
        return look(where, self._captures + 1, last)

    def _begun(self, reader: MessageReader, one: Watch, known: int, now: datetime) -> tuple[list[int], Message | None]:
        """The messages that changed and match now and did not before: their numbers, and the first as it was then."""
        begun: list[int] = []
        first = None
        if known <= self._messages:
            return begun, first
        for change in reader.changes(self._messages, known, compile_message_filter(one.wanted, now)):
            if change.message is None:
                one.matching.pop(change.number, None)
            elif change.number not in one.matching:
                one.matching[change.number] = None
                begun.append(change.number)
                first = first or change.message
        while len(one.matching) > MAX_KNOWN:
            del one.matching[next(iter(one.matching))]
        return begun, first

    def _tell(self, one: Watch, alert: Alert) -> None:
        if one.rule.command:
            if not self.commands.start(one.rule.command, alert.values):
                one.suppressed += alert.suppressed + 1
                return
        elif self.on_alert is not None:
            try:
                self.on_alert(alert)
            except Exception as error:  # whoever shows it must not keep the next one from being told
                self._failed("an alert could not be shown: %s", type(error).__name__)
                return
        one.told += 1
        self.recent.append(alert)

    def _failed(self, text: str, *values: object) -> None:
        self._errors += 1
        log.warning(text, *values)


def watch_of_rule(number: int, rule: config.Alert) -> Watch:
    """What watches for a rule of the configuration, counted from 1. Raises ConfigError."""
    try:
        return _watch(rule)
    except FilterError as error:
        raise config.ConfigError(
            f"The filter of [alerts {number}] in the configuration is wrong at column {error.column + 1}: "
            f"{error.message} {error.hint}".strip()
        ) from error


def _watch(rule: config.Alert) -> Watch:
    wanted = parse(rule.filter)
    check_any_filter(wanted)
    check_arriving(wanted)
    return Watch(rule, wanted, about_messages(wanted))


def _learn(reader: MessageReader, one: Watch, upto: int, known: int) -> None:
    """Learn which messages match already, of those that have not changed since the watermark was ``upto``."""
    found = _matching(reader, one, known, utc_now())
    if found is not None:  # what changes while it is read is asked for behind it: it is to be told
        changed = {number for number, _ in reader.touched_messages(upto, EVERYTHING)}
        _know(one, [number for number in found if number not in changed])
        one.learnt = True


def _know(one: Watch, found: Sequence[int]) -> None:
    one.matching = dict.fromkeys(found)
    one.since = found[0] if len(found) >= MAX_KNOWN else 0


def _matching(reader: MessageReader, one: Watch, known: int, now: datetime) -> list[int] | None:
    """The newest messages that match now, the oldest of them first; None as ``newest_messages``."""
    found = reader.newest_messages(compile_message_filter(one.wanted, now), MAX_KNOWN, known)
    return None if found is None else found[::-1]


def _asks_ages(one: Watch) -> bool:
    return one.messages and one.wanted.asks_ages


def _aged(reader: MessageReader, one: Watch, known: int, now: datetime) -> tuple[list[int], Message | None]:
    """The messages that match now with time alone: their numbers, and the first of them."""
    found = _matching(reader, one, known, now)
    if found is None:
        return [], None
    begun = [number for number in found if number > one.since and number not in one.matching]
    _know(one, found)
    return begun, reader.messages(begun[:1]).get(begun[0]) if begun else None


def _of_message(one: Watch, number: int, m: Message, now: datetime) -> Alert:
    status = "" if m.status is None else m.status.value
    summary = _summary(m.provider, status, m.direction, m.from_, m.to, m.error, m.text)
    return _alert(one, m.key, m.provider, status, summary, now, number, of_message=True)


def _of_capture(one: Watch, capture: Capture, now: datetime) -> Alert:
    r = capture.reading or Reading()
    status = r.status.value if r.status else capture.verdict.status.value
    summary = _summary(capture.provider, status, r.direction, r.from_, r.to, r.error, r.text, r.event or "")
    return _alert(one, f"cap_{capture.id}", capture.provider, status, summary, now, capture.id, of_message=False)


def _summary(
    provider: str,
    status: str,
    direction: Direction | None,
    from_: str | None,
    to: str | None,
    error: MessageError | None,
    text: str | None,
    event: str = "",
) -> str:
    party = f"from {from_}" if direction is Direction.INBOUND and from_ else f"to {to}" if to else ""
    code = " ".join(part for part in (error.code, error.carrier_code, error.title) if part) if error else ""
    said = " ".join(part for part in (provider, event, status, party, code) if part)
    return f"{said}: {text}" if text else said


def _alert(
    one: Watch, name: str, provider: str, status: str, summary: str, now: datetime, number: int, *, of_message: bool
) -> Alert:
    return Alert(
        one.rule, visible(name, limit=200), visible(provider, limit=40), status, visible(summary, limit=200),
        one.suppressed, now, number, of_message,
    )  # fmt: skip
