"""The way to one app: a bounded queue, a few workers, and patience with an app that is down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from monitor import tasks
from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.outgoing import origin_form
from monitor.forwarding.target import Target
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import Capture
from monitor.times import utc_now

QUEUE: Final = 1_000  # captures that wait for one app
QUEUE_BYTES: Final = 64 * 1024 * 1024  # ... and what their bodies may take of memory
WORKERS: Final = 8  # exchanges with one app that are under way at once
RETRY_S: Final = 0.3  # between two looks whether an app that was down is there again
_DOWN: Final = frozenset({Failure.REFUSED, Failure.UNREACHABLE, Failure.UNTRUSTED, Failure.FORBIDDEN})
LOGGED: Final = _DOWN | {Failure.DOWN}  # what the log says, once for all of them
log = logging.getLogger(__name__)

Done: TypeAlias = Callable[[Attempt], None]


class Lane:
    """Captures on their way to one target, sent in the order of their arrival. Called from one event loop.

    While the app is down one capture now and then is tried, and the others are told so: no connection is made for
    them, and nothing is tried again. What comes while one is tried waits for what becomes of it.
    """

    def __init__(self, target: Target, forwarder: Forwarder, done: Done) -> None:
        """``done`` gets one attempt for every capture that was put, whatever became of it."""
        self.target = target
        self._forwarder = forwarder
        self._done = done
        self._queue: deque[Capture] = deque()
        self._bytes = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._down: Failure | None = None
        self._retry_at = 0.0
        self._looked = asyncio.Event()  # cleared while one capture is tried at an app that was down
        self._looked.set()

    @property
    def waiting(self) -> int:
        """How many captures wait for a worker."""
        return len(self._queue)

    def put(self, capture: Capture) -> None:
        """Send a capture as soon as there is a worker for it. Never waits."""
        size = len(capture.request.body)
        if len(self._queue) >= QUEUE or (self._queue and self._bytes + size > QUEUE_BYTES):
            self.skip(capture, Failure.DROPPED)
            return
        self._queue.append(capture)
        self._bytes += size
        if sum(not worker.done() for worker in self._workers) < WORKERS:  # one that has ended takes nothing more
            worker = tasks.start(self._work(), f"forward to {self.target.authority}")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def skip(self, capture: Capture, why: Failure) -> None:
        """Say that a capture is not sent."""
        url = self.target.address(self.target.with_path(origin_form(capture.request)))
        self._done(Attempt(capture.id, AttemptKind.FORWARD, url, utc_now(), failure=why))

    def clear(self, why: Failure) -> None:
        """Give up what waits."""
        while self._queue:
            self.skip(self._next(), why)

    async def end(self, seconds: float) -> None:
        """Send what waits for so long, then give it up."""
        if self._workers:
            await asyncio.wait(self._workers, timeout=seconds)
        self.clear(Failure.ENDED)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    def _next(self) -> Capture:
        capture = self._queue.popleft()
        self._bytes -= len(capture.request.body)
        return capture

    async def _work(self) -> None:
        while self._queue:
            if not self._looked.is_set() and (rest := self._retry_at - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._looked.wait(), rest)
                continue
            capture = self._next()
            if looks := self._down is not None:
                if time.monotonic() < self._retry_at:
                    self.skip(capture, Failure.DOWN)
                    await asyncio.sleep(0)
                    continue
                self._retry_at = time.monotonic() + RETRY_S  # the other workers need not look, too
                self._looked.clear()
            try:
                attempt = await self._forwarder.pass_on(capture, self.target.url)
            except asyncio.CancelledError:
                self.skip(capture, Failure.ENDED)
                raise
            except Exception as error:  # whatever one capture meets, the next one is sent
                log.exception("forwarding failed")
                attempt = Attempt(
                    capture.id, AttemptKind.FORWARD, self.target.url, utc_now(), failure=Failure.BROKEN,
                    detail=type(error).__name__,
                )  # fmt: skip
            # An older exchange that fails meanwhile tells of the app as it was, not of what the look will find.
            if looks or self._looked.is_set() or attempt.failure not in _DOWN:
                self._judge(attempt)
                self._looked.set()
            self._done(attempt)

    def _judge(self, attempt: Attempt) -> None:
        """Note whether the app is there, and log when that changes."""
        down = attempt.failure if attempt.failure in _DOWN else None
        if down is not None:
            self._retry_at = time.monotonic() + RETRY_S
        if down is not self._down:
            if down is not None:
                log.warning("%s takes no captures: %s", self.target.authority, down.sentence)
            elif self._down is not None:
                log.warning("%s takes captures again", self.target.authority)
            self._down = down
