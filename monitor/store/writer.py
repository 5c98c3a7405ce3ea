"""The one writer: captures that wait together are committed together, then everybody is told.

A thread of its own, so that an fsync never stops the event loop. Whatever is queued while one commit runs is the next
commit: under load the batches grow by themselves and one fsync serves many requests. What comes in one turn of the
event loop is handed over at its end: waking the thread for each capture would have it ask for the interpreter's lock,
and commit a batch of one, in the middle of that turn.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from monitor.model.capture import GIVEN_UP, Capture
from monitor.store import projection, shapes
from monitor.store.catching_up import advance
from monitor.store.connection import committed, connect
from monitor.store.errors import StoreUnavailableError, reason_of
from monitor.store.intake import put
from monitor.store.outage import MOVED, Outage
from monitor.store.pace import Pace

MAX_WAITING: Final = 2000  # past this the receiver answers 503: memory stays bounded when the disk does not keep up
MAX_BATCH: Final = 512
PROJECT_STEP: Final = 8  # readings a step: captures wait meanwhile, and larger steps cost no less for each
QUIET_S: Final = 0.02  # without a commit for so long, there is time for a step
LAST_S: Final = 1.0  # for messages and conversations to be brought up to date at the end
BUSY_S: Final = 1.0  # after a commit more are taken to come
BATCH_BYTES: Final = 8 * 1024 * 1024  # of bodies; a commit is as large as its bodies, and so is what it adds to the log
LOG_BYTES: Final = 16 * 1024 * 1024  # from which on the log is written back
LEAST_ROOM: Final = 64 * 1024  # that a commit has to find, whatever its size: a page of each table, and of the log
ROW_BYTES: Final = 1024  # of log that a changed row costs, about

_UNBINDABLE: Final = (sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError)  # a value, not the disk
ENDED: Final = "the writer has ended"

Committed: TypeAlias = Callable[[Sequence[Capture]], None]
Job: TypeAlias = Callable[[sqlite3.Connection], Any]
log = logging.getLogger(__name__)


class Writer:
    """Commits captures in the order in which they were submitted. All methods are called from one event loop."""

    def __init__(self, path: Path, on_commit: Committed, on_state: Callable[[str | None], None]) -> None:
        """``on_commit`` gets every batch after its commit, ``on_state`` the reason when commits begin to fail and None
        when they work again; both are called in the event loop of ``start``."""
        self._path = path
        self._on_commit = on_commit
        self._on_state = on_state
        self._gathered: list[tuple[Capture, asyncio.Future[Capture]]] = []  # in this turn of the loop
        self._waiting: deque[tuple[Capture, asyncio.Future[Capture]]] = deque()
        self._jobs: deque[tuple[Job, asyncio.Future[Any], bool]] = deque()
        self._steps: deque[tuple[Job, asyncio.Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._failing: str | None = None
        self._outage = Outage()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log_bytes = 0  # since the last checkpoint, about
        self._held = False  # whether messages and conversations wait to be brought up to date
        self._behind = True  # a crash may have left messages and conversations behind
        self._events = projection.Events()
        self._shapes = shapes.Shapes()
        self._committed_at = 0.0
        self._file: os.stat_result | None = None  # the file that is written, whatever stands at its path by now
        self._last: int | None = None  # the highest id that was given, None where it has to be looked up
        self._projecting, self._stepping = Pace(), Pace()
        self.stalled: str | None = None  # why messages and conversations cannot be brought up to date
        self.alive = False

    def start(self) -> None:
        """Start the thread; its callbacks go to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self.alive = True
        self._thread.start()

    def submit(self, capture: Capture) -> asyncio.Future[Capture]:
        """Queue a capture. The future gives it back with its id once it is committed with an fsync, or raises
        StoreUnavailableError. Raises it at once when too many wait or the writer is gone."""
        if not self.alive or self._loop is None:
            raise StoreUnavailableError("the writer is not running")
        if self.waiting >= MAX_WAITING:
            raise StoreUnavailableError(f"{MAX_WAITING} captures are waiting for the disk")
        future: asyncio.Future[Capture] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append((capture, future))
        return future

    def run(self, job: Job, *, aside: bool = False) -> asyncio.Future[Any]:
        """Run ``job`` with the writing connection between two commits, inside a transaction of its own.

        ``aside`` is for what may be lost in a crash and touches no readings: it is not synced.
        """
        with self._wake:  # held over both: the thread may be about to end
            future = self._promise()
            self._jobs.append((job, future, aside))
            self._wake.notify()
        return future

    def step(self, job: Job) -> asyncio.Future[Any]:
        """Run ``job``, one step of long work that at most takes readings away, as ``run`` does but when there is time
        for it: while captures come only a part of the time is, so that answers do not wait. It is not synced."""
        with self._wake:
            future = self._promise()
            self._steps.append((job, future))
            self._wake.notify()
        return future

    def hold(self, held: bool) -> None:
        """Make nothing of what is committed until told otherwise: it is going to be another."""
        with self._wake:
            self._held = held
            self._wake.notify()

    def _promise(self) -> asyncio.Future[Any]:
        if not self.alive or self._loop is None:
            raise StoreUnavailableError("the writer is not running")
        return self._loop.create_future()

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        with self._wake:
            if self.alive:
                self._waiting.extend(gathered)
                self._wake.notify()
                return
        if gathered:
            self._failed([future for _, future in gathered], self._failing or ENDED)

    async def stop(self) -> None:
        """Commit what waits, checkpoint, end the thread."""
        if self._thread is None:
            return
        self._hand_over()
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    @property
    def waiting(self) -> int:
        """How many captures wait for their commit."""
        return len(self._gathered) + len(self._waiting)

    def is_busy(self) -> bool:
        """Whether captures come: some were committed in the last second, or wait to be."""
        return self.waiting > 0 or time.monotonic() - self._committed_at < BUSY_S

    def _run(self) -> None:
        try:
            self._file = os.stat(self._path)  # before it is opened: what is put there meanwhile is another
            db = connect(self._path, read_only=False)
        except (sqlite3.Error, OSError) as error:
            reason = _why_not_opened(error)
            self._die(reason)
            self._refuse_the_rest(reason)
            return
        try:
            while True:
                with self._wake:
                    while not (self._waiting or self._jobs or self._closing or self._pause() == 0):
                        self._wake.wait(self._pause())
                    batch = self._next_batch()
                    job = self._jobs.popleft() if self._jobs else None
                    if self._closing and not batch and job is None:
                        break
                if batch:
                    self._commit(db, batch)
                if job is not None:
                    self._do(db, *job)
                now = time.monotonic()
                if self._outage.due(now) == 0 and self._outage.is_over(db, self._path.parent) and not self._has_moved():
                    self._outage.end()
                    self._call(self._work_again)
                if self._may_project() and self._rest(self._projecting, now) == 0:
                    with self._projecting:
                        self._project(db)
                if self._steps and self._rest(self._stepping, now) == 0:
                    with self._stepping:
                        self._do(db, *self._steps.popleft(), aside=True)
                self._checkpoint(db)
            # Commands that read the history later have nobody who would do it.
            last = time.monotonic() + LAST_S
            while self._may_project() and time.monotonic() < last:
                self._project(db)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            log.warning("closing the database: %s", error)
        except Exception as error:
            log.exception("the store's writer ended")
            self._die(type(error).__name__)
        finally:
            db.close()
            self._refuse_the_rest(ENDED)

    def _next_batch(self) -> list[tuple[Capture, asyncio.Future[Capture]]]:
        batch: list[tuple[Capture, asyncio.Future[Capture]]] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].request.body)
        return batch

    def _commit(self, db: sqlite3.Connection, batch: list[tuple[Capture, asyncio.Future[Capture]]]) -> None:
        if self._has_moved():
            self._fail(batch, MOVED)
            return
        try:
            # Asked inside the transaction, whose lock may have been long in coming.
            stored = committed(db, lambda db: put(db, [_as_answered(*item) for item in batch], self._last))
        except Exception as error:
            self._last = None
            if isinstance(error, sqlite3.Error) and not isinstance(error, _UNBINDABLE):
                self._fail(batch, reason_of(error))
                return
            # One row that SQLite cannot hold must not cost the others; its request is kept all the same.
            log.warning("a capture could not be stored with its reading: %s", type(error).__name__)
            if len(batch) > 1:
                for item in batch:
                    self._commit(db, [item])
                return
            capture, future = batch[0]
            if capture.reading is None:
                self._fail(batch, str(error))
                return
            self._commit(db, [(replace(capture, reading=None, marks=("unreadable",)), future)])
            return
        self._log_bytes += sum(len(capture.request.body) + 2 * ROW_BYTES for capture in stored)
        self._last = stored[-1].id
        self._outage.end()
        self._events.keep(stored)
        self._behind = True
        self._committed_at = time.monotonic()
        self._call(self._committed, [future for _, future in batch], stored)

    def _has_moved(self) -> bool:
        """Whether another file stands at the path, or none: with a log SQLite goes on writing what nobody can read."""
        try:
            return self._file is not None and not os.path.samestat(self._file, os.stat(self._path))
        except FileNotFoundError:
            return True
        except OSError:  # which tells nothing
            return False

    def _committed(self, futures: list[asyncio.Future[Capture]], stored: list[Capture]) -> None:
        for future, capture in zip(futures, stored, strict=True):
            if not future.done():
                future.set_result(capture)
        self._work_again()
        self._on_commit(stored)

    def _work_again(self) -> None:
        if self._failing is not None:
            self._failing = None
            self._on_state(None)

    def _fail(self, batch: list[tuple[Capture, asyncio.Future[Capture]]], reason: str) -> None:
        size = LEAST_ROOM + sum(2 * (len(capture.request.body) + ROW_BYTES) for capture, _ in batch)  # log and database
        self._outage.begin(reason, size)
        self._call(self._failed, [future for _, future in batch], reason)

    def _failed(self, futures: list[asyncio.Future[Capture]], reason: str) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(StoreUnavailableError(reason))
        if self._failing != reason:
            self._failing = reason
            self._on_state(reason)

    def _die(self, reason: str) -> None:
        self.alive = False
        self._call(self._failed, [], reason)

    def _refuse_the_rest(self, reason: str) -> None:
        """Take nothing more, and let nobody wait for what will not be done."""
        with self._wake:
            self.alive = False
            left, promised = list(self._waiting), [one[1] for one in (*self._jobs, *self._steps)]
            self._waiting.clear()
            self._jobs.clear()
            self._steps.clear()
        if left:
            self._fail(left, reason)
        for future in promised:
            self._call(_reject, future, StoreUnavailableError(reason))

    def _do(self, db: sqlite3.Connection, job: Job, future: asyncio.Future[Any], aside: bool) -> None:
        if self._has_moved():  # and what was read at the path, as what is to go, may be another file's
            self._call(_reject, future, StoreUnavailableError(MOVED))
            return
        changes = db.total_changes
        if aside:
            db.execute("PRAGMA synchronous = NORMAL")
        try:
            result = committed(db, job)
        except Exception as error:
            reason = reason_of(error) if isinstance(error, sqlite3.Error) else str(error)
            self._call(_reject, future, StoreUnavailableError(reason))
        else:
            self._log_bytes += (db.total_changes - changes) * ROW_BYTES
            if not aside:
                self._behind = True  # a job may have changed readings
                self._last = None  # or have added captures
                self._events.forget()
                self._shapes.forget()
            self._call(_resolve, future, result)
        finally:
            if aside:
                db.execute("PRAGMA synchronous = FULL")

    def _pause(self) -> float | None:
        """Seconds until the next step of what gives way to captures, or the next try, 0 for now, None for none."""
        now = time.monotonic()
        paces = [self._projecting] * self._may_project() + [self._stepping] * bool(self._steps)
        look = self._outage.due(now)
        return min((*(self._rest(pace, now) for pace in paces), *([] if look is None else [look])), default=None)

    def _rest(self, pace: Pace, now: float) -> float:
        """Seconds until its next step: at once where no captures come."""
        quiet = not self._waiting and now - self._committed_at > QUIET_S
        return 0 if quiet else pace.due(now)

    def _may_project(self) -> bool:
        return self._behind and not self._held

    def _project(self, db: sqlite3.Connection) -> None:
        """Bring messages and conversations a step further, in a transaction that need not be synced: after a power
        loss they are behind again, and catch up."""
        changes = db.total_changes
        db.execute("PRAGMA synchronous = NORMAL")
        try:
            done = committed(db, lambda db: advance(db, PROJECT_STEP, self._events, self._shapes))
        except Exception as error:
            self._shapes.forget()  # which may know what was rolled back
            self.stalled = reason_of(error) if isinstance(error, sqlite3.Error) else type(error).__name__
            log.error("messages cannot be brought up to date: %s", self.stalled)
            done = 0
        else:
            self.stalled = None
            self._log_bytes += (db.total_changes - changes) * ROW_BYTES
        finally:
            db.execute("PRAGMA synchronous = FULL")
        self._behind = done > 0

    def _checkpoint(self, db: sqlite3.Connection) -> None:
        """Write the log back when it is due; while captures wait it may grow to three times its size before that."""
        if self._log_bytes < (3 * LOG_BYTES if self._waiting else LOG_BYTES):
            return
        self._log_bytes = 0
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:  # a full disk: commits may still find room in the log, and readers go on
            log.warning("the log cannot be written back: %s", reason_of(error))

    def _call(self, function: Callable[..., None], *args: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)


def _as_answered(capture: Capture, future: asyncio.Future[Capture]) -> Capture:
    """The capture with the answer that its sender got, where nobody waits for its commit any more."""
    return replace(capture, answer=GIVEN_UP) if future.cancelled() else capture


def _why_not_opened(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return MOVED
    return reason_of(error) if isinstance(error, sqlite3.Error) else str(error.strerror)


def _resolve(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _reject(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
