"""The monitor: receiver, store and feed, started and stopped as one. Both faces sit on it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from monitor import tasks
from monitor.model.capture import LEFT
from monitor.model.verdict import VerdictStatus
from monitor.providers.registry import registry
from monitor.receiver.app import Arrival, RefusedError, Reply, Rules, build
from monitor.receiver.server import Receiver
from monitor.services.drill import Drill, Why
from monitor.services.feed import Feed
from monitor.store.errors import StoreUnavailableError
from monitor.times import utc_now
from monitor.urls import in_address

if TYPE_CHECKING:
    from monitor.model.capture import Capture
    from monitor.services.examine import Examiner
    from monitor.services.forwards import Forwards
    from monitor.services.gate import Gate
    from monitor.services.reach import Reach
    from monitor.store.reader import Reader
    from monitor.store.store import Store

# What --enforce turns away, and with which answer; it is stored all the same.
TURNED_AWAY: Final = 401
REJECTED: Final = frozenset({VerdictStatus.INVALID, VerdictStatus.STALE, VerdictStatus.MISSING})
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a monitor runs. ``max_body`` in bytes; ``token`` is the secret last path segment, None for none; ``opened``
    is the name of a file that is only looked at: then nothing is received. ``fast``: with the extra ``speed``.
    ``expect``: how many captures a minute are expected, 0 for any."""

    enforce: bool = False
    max_body: int = 1024 * 1024
    token: str | None = None
    read_only: bool = False
    mask: bool = False
    demo: bool = False
    opened: str | None = None
    fast: bool = True
    expect: int = 0

    @property
    def receives(self) -> bool:
        """Whether anything is to come in: nothing does where a file is only looked at."""
        return self.opened is None


class Monitor:
    """Takes requests on a bound socket, examines and stores them, counts them.

    Use: ``await start()``, then the feed and readers at will, then ``await stop()``.
    """

    def __init__(
        self,
        store: Store,
        examiner: Examiner,
        sock: socket.socket,
        settings: Settings,
        reach: Reach,
        *,
        forwards: Forwards | None = None,
        gate: Gate | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.store = store
        self.forwards = forwards
        self.settings = settings
        self.reach = reach
        self.feed = Feed()
        self.drill = Drill()
        self.examiner = examiner
        self.host, self.port = sock.getsockname()[:2]
        self._sock = sock
        self._gate = gate
        self._now = now
        self._receiver: Receiver | None = None

    @property
    def url(self) -> str:
        """Where it listens, for programs on this machine."""
        return f"http://{in_address(self.host)}:{self.port}"

    @property
    def receiving(self) -> bool:
        """Whether connections are taken now."""
        return self._receiver is not None and self._receiver.alive

    @property
    def restarts(self) -> int:
        """How often the receiver ended and was started again."""
        return self._receiver.restarts if self._receiver is not None else 0

    async def start(self) -> None:
        """Start the writer and the receiver. Raises ReceiverError and StoreError, each a sentence for the user."""
        with closing(self.store.reader()) as reader:
            self.feed.begin(reader.tallies(), reader.last_id())
        self.store.follow(self.feed.add)
        self.store.on_pruned(self.feed.forget)
        self.store.on_reread(self.feed.forget)
        if self.forwards is not None:
            self.forwards.start(self.store.keep, self._turns_away)
            self.store.follow(self.forwards.offer)
        self.store.start()
        if not self.settings.receives:
            self._sock.close()  # nobody is to wait there
            return
        rules = Rules(frozenset(registry().names()), self.settings.max_body, self.settings.token)
        app = build(rules, self._accept, lambda: self.store.healthy, self.feed.refuse)
        self._receiver = Receiver(self._sock, app, self.feed.refuse, fast=self.settings.fast)
        await self._receiver.start()

    async def stop(self) -> None:
        """Stop receiving, commit what is on its way, give the store back."""
        self.drill.end(Why.STOPPED)  # so that no answer is held up
        if self._receiver is not None:
            await self._receiver.stop()
            self._receiver = None
        self._sock.close()
        if self.forwards is not None:
            await self.forwards.stop()
        await self.store.stop()

    def reader(self) -> Reader:
        """A new reading connection to the store; the caller closes it."""
        return self.store.reader()

    async def _accept(self, arrival: Arrival) -> Reply:
        capture = self.examiner.examine(arrival.request, received_at=self._now(), token=arrival.token)
        if self._gate is not None and (refusal := self._gate.refuses(capture)) is not None:
            raise RefusedError("turned away", refusal)
        rule = None
        if self._turns_away(capture):
            capture = replace(capture, answer=TURNED_AWAY)
        elif (rule := self.drill.take(capture)) is not None:
            capture = replace(capture, answer=rule.status)
        try:
            capture = await self.store.add(capture)
        except StoreUnavailableError as error:
            if rule is not None:
                self.drill.give_back(rule)
            raise RefusedError(str(error)) from error
        if rule is not None:
            if self.forwards is not None:
                self.forwards.answered(capture)
            return Reply(rule.status, self.drill.answer(rule), partial(self._missed, capture.id))
        status = capture.answer if self.forwards is None else await self.forwards.answer(capture)
        return Reply(status, missed=partial(self._missed, capture.id))

    def _turns_away(self, capture: Capture) -> bool:
        return self.settings.enforce and capture.verdict.status in REJECTED

    def _missed(self, number: int) -> None:
        """Keep that the sender of a capture was gone before its answer."""
        if self.forwards is not None:
            self.forwards.missed(number)
        else:
            tasks.start(self._keep_missed(number), "keep that a sender was gone")

    async def _keep_missed(self, number: int) -> None:
        try:
            await self.store.keep((), {number: LEFT})
        except StoreUnavailableError as error:
            log.warning("it could not be kept that the sender of capture %d was gone: %s", number, error)
