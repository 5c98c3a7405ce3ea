"""The store as the rest of the program sees it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

from monitor import paths
from monitor.courtesy import courteous
from monitor.model.attempt import Attempt
from monitor.model.capture import Capture
from monitor.model.verdict import VerdictStatus
from monitor.store import intake, projection, retention, search, shapes
from monitor.store.attempts import insert as insert_attempts
from monitor.store.connection import T, prepare
from monitor.store.errors import NO_ROOM, StoreUnavailableError
from monitor.store.held import held_log
from monitor.store.lease import Lease
from monitor.store.reader import Reader
from monitor.store.reserve import Reserve, forget_some, give_all_back
from monitor.store.retention import RetentionReader
from monitor.store.rows import insert_rows, reading_row
from monitor.store.schema import READING_COLUMNS
from monitor.store.writer import Committed, Writer

REINDEX_BATCH = 100  # readings that are replaced at a time: captures wait meanwhile
Recounted: TypeAlias = Callable[[Mapping[tuple[str, str], int]], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reread:
    """How many captures were looked at, how many of them are read otherwise now, and how many more are verified."""

    captures: int
    changed: int
    verified: int = 0


class Store:
    """One database: a writer, and readers for whoever asks.

    ``open`` takes the right to write and prepares the file, ``start`` starts the writer, ``stop`` ends both.
    """

    def __init__(self, path: Path, lease: Lease, notice: str | None) -> None:
        self.path = path
        self.notice = notice
        self.reserve = Reserve(path)
        self._lease = lease
        self._writer: Writer | None = None
        self._followers: list[Committed] = []
        self._watchers: list[Callable[[str | None], None]] = []
        self._prune_followers: list[Recounted] = []
        self._reread_followers: list[Recounted] = []
        self.trouble: str | None = None
        self.held_log = 0  # bytes of the log that something which reads keeps from being written back

    @classmethod
    def open(cls, path: Path, *, trust_unproven: bool | None = None, making_room: bool = False) -> Store:
        """Take the lease and make the database ready: created, checked, migrated.

        ``trust_unproven`` is whether captures whose signature could not be checked are to move messages (None: as
        before); once there are messages only ``reread`` changes it. ``making_room`` gives the reserve up where the disk
        is full. ``notice`` says what the user should know. Raises StoreError with a sentence for the user.
        """
        path = paths.expanded(path)
        lease = Lease(path)
        lease.take()
        try:
            if making_room:
                Reserve(path).give_up_if_full()
            notice = prepare(path)
            if trust_unproven is not None:
                notice = projection.choose(path, trust_unproven) or notice
            return cls(path, lease, notice)
        except BaseException:
            lease.give_up()
            raise

    def start(self) -> None:
        """Start the writer; its callbacks go to the running event loop."""
        self._writer = Writer(self.path, self._committed, self._state)
        self._writer.start()

    async def stop(self) -> None:
        """Commit what waits and give up the lease."""
        if self._writer is not None:
            await self._writer.stop()
            self._writer = None
        self._lease.give_up()

    def tell(self, url: str, public_url: str | None, forward: str | None = None) -> None:
        """Let other programs that use this database know where this one receives, and passes captures on to."""
        self._lease.tell(url, public_url, forward)

    def add(self, capture: Capture) -> asyncio.Future[Capture]:
        """Commit a capture: the future holds it, with its id, once an fsync has made it durable.

        Raises StoreUnavailableError, at once or through the future.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        return self._writer.submit(capture)

    def keep(self, attempts: Sequence[Attempt], answers: Mapping[int, int] | None = None) -> asyncio.Future[None]:
        """Keep attempts behind the captures, without an fsync: the future is done when readers can see them.

        ``answers`` as in ``attempts.insert``. Raises StoreUnavailableError, at once or through the future.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        return self._writer.run(partial(insert_attempts, attempts=attempts, answers=answers), aside=True)

    def reader(self) -> Reader:
        """A new reading connection; close it. Raises StoreError."""
        return Reader(self.path)

    def follow(self, committed: Committed) -> None:
        """Call ``committed`` in the event loop with every batch right after its commit."""
        self._followers.append(committed)

    def watch(self, changed: Callable[[str | None], None]) -> None:
        """Call ``changed`` with the reason when commits begin to fail, and with None when they work again."""
        self._watchers.append(changed)

    def on_pruned(self, pruned: Recounted) -> None:
        """Call ``pruned`` in the event loop after captures were let go, with how many of each (provider, verdict)."""
        self._prune_followers.append(pruned)

    def on_reread(self, reread: Recounted) -> None:
        """Call ``reread`` in the event loop after readings were worked out anew, with how many captures fewer there are
        of each (provider, verdict)."""
        self._reread_followers.append(reread)

    @property
    def healthy(self) -> bool:
        """Whether a capture could be committed now, as far as is known."""
        return self._writer is not None and self._writer.alive and self.trouble is None

    @property
    def waiting(self) -> int:
        """How many captures wait for their commit."""
        return self._writer.waiting if self._writer is not None else 0

    def is_busy(self) -> bool:
        """Whether captures come: some were committed in the last second, or wait to be."""
        return self._writer is not None and self._writer.is_busy()

    async def take_in(self, captures: Iterable[Capture]) -> int:
        """Commit captures that come from elsewhere: all, or none where making one raises. Gives how many.

        The store's thread takes them, in one transaction. Whoever follows the commits hears nothing of them. Raises
        StoreUnavailableError.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        return int(await self._writer.run(partial(intake.put_all, captures=captures)))

    async def take_in_part(self, captures: Sequence[Capture]) -> None:
        """Commit a few captures that come from elsewhere, in a transaction of their own between those of others.

        Whoever follows the commits hears nothing of them. Raises StoreUnavailableError.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        await self._writer.run(partial(intake.put, captures=captures))

    async def reread(
        self,
        examine: Callable[[Capture], Capture],
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        made: Callable[[float], None] = lambda share: None,
        whole: bool = True,
        stop: Callable[[], bool] = lambda: False,
        trust_unproven: bool | None = None,
    ) -> Reread:
        """Work every reading out anew, and the messages and conversations from them; captures may come in meanwhile.

        ``examine`` gives a stored capture back with today's verdict and reading; it is called in a thread. ``progress``
        gets (captures done, all captures), then ``made`` how much of the messages is made again, 0 to 1. Without
        ``whole`` messages are left as they are where no reading has changed. No more are taken once ``stop`` says so.
        ``trust_unproven`` is as for ``open``. Raises StoreUnavailableError.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        writer = self._writer
        captures = changed = after = 0
        fewer: Counter[tuple[str, str]] = Counter()
        highest: int | None = None  # the highest id that was given, once what is made of readings is cleared

        async def clear() -> None:
            nonlocal highest
            # First, and nothing anew meanwhile: whatever ends this, all is made of the readings that there are then.
            writer.hold(True)
            highest = await writer.run(intake.highest)
            for job in (partial(projection.clear, trust_unproven=trust_unproven), search.clear, shapes.clear):
                await writer.run(job)

        try:
            if whole:
                await clear()
            with closing(self.reader()) as reader:
                last, total = reader.last_id(), sum(reader.tallies().values())
                while after < last and not stop():
                    page = await asyncio.to_thread(reader.page, after=after, limit=REINDEX_BATCH)
                    others = await asyncio.to_thread(_differing, page, examine, self.is_busy)
                    if others:
                        if highest is None:
                            await clear()
                        number, tally = await writer.step(partial(_replace_readings, captures=others))
                        changed += number
                        fewer.update(tally)
                    after = page[-1].id if page else last
                    captures += len(page)
                    # Some come meanwhile, and others are let go.
                    progress(min(captures, total) if after < last else total, total)
            if highest is not None:
                fewer.update(await writer.run(_recount))
                writer.hold(False)
                await self.caught_up(made)
                await writer.run(partial(intake.keep_highest, highest=highest))
                for follower in self._reread_followers:
                    _tell(follower, fewer)
        finally:
            writer.hold(False)
        proven = sum(number for (_, verdict), number in fewer.items() if verdict == VerdictStatus.VERIFIED)
        return Reread(captures, changed, -proven)

    async def prune(
        self,
        before: datetime,
        *,
        limit: int | None = None,
        unproven: bool = False,
        imported: bool = True,
        progress: Callable[[int], None] = lambda gone: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Let captures go that came before a time, with what was made of them; gives how many they were.

        A capture stays as long as its message was heard of since. ``limit`` stops after so many; ``unproven``
        takes only captures whose signature was not verified, without ``imported`` none that were imported.
        ``progress`` is told after each step, and no more are taken once ``stop`` says so. Raises StoreError.
        """
        if self._writer is None:
            raise StoreUnavailableError("the writer is not running")
        if limit is None:  # not for want of room: what is not folded yet may speak of a message that is old
            with suppress(StoreUnavailableError):
                await self.caught_up()
        gone = 0
        tally: Counter[tuple[str, str]] = Counter()
        try:
            with closing(RetentionReader(self.path)) as reader:
                low, last = 1, reader.last_id()
                while low <= last and (limit is None or gone < limit) and not stop():
                    ids, low = await asyncio.to_thread(
                        reader.expired, before, low, unproven=unproven, imported=imported
                    )
                    ids = ids if limit is None else ids[: limit - gone]
                    while ids and not stop():
                        number, told = await self._let_go(self._writer, ids[: retention.STEP])
                        del ids[:number]
                        tally.update(told)
                        gone += number
                        progress(gone)
        except Exception:
            self._pruned(tally)  # what is gone is gone, also where the rest is not
            raise
        self._pruned(tally)
        if gone:
            await self._give_back(self._writer)
        return gone

    async def _let_go(self, writer: Writer, ids: Sequence[int]) -> tuple[int, Mapping[tuple[str, str], int]]:
        """Delete these captures, or the first of them where the disk is full; gives how many, and of which kinds."""
        try:
            return len(ids), await writer.step(partial(retention.forget, ids=ids))
        except StoreUnavailableError as error:
            if str(error) not in NO_ROOM:
                raise
        number, tally = await writer.run(partial(forget_some, ids=ids, reserve=self.reserve))
        return number, tally

    async def _give_back(self, writer: Writer) -> None:
        """Give what was freed back to the system, a little at a time."""
        try:
            left = await writer.step(retention.give_back)
            while left > (left := await writer.step(retention.give_back)):
                pass
        except StoreUnavailableError as error:
            if str(error) not in NO_ROOM:
                raise
            await writer.run(partial(give_all_back, reserve=self.reserve))

    async def look_at_log(self) -> None:
        """Find out whether something keeps a log that has grown too large: see ``held_log``. Raises StoreError."""
        self.held_log = await asyncio.to_thread(held_log, self.path)

    async def caught_up(self, made: Callable[[float], None] = lambda share: None) -> None:
        """Return when messages, conversations and marks know of every capture that was committed before the call.

        ``made`` is told how much of that is done, 0 to 1. Raises StoreUnavailableError when they cannot be brought up
        to date.
        """
        reader, first = self.reader(), 0
        try:
            last = reader.last_id()
            while (mark := min(reader.watermark(), reader.learnt())) < min(last, reader.last_id()):  # may be let go
                if self._writer is None or not self._writer.alive or self._writer.stalled is not None:
                    reason = self._writer.stalled if self._writer is not None else None
                    raise StoreUnavailableError(reason or "the writer is not running")
                first = first or mark  # 0 is before all, also where ids begin far above it
                made((mark - first) / (last - first))
                await asyncio.sleep(0.02)
        finally:
            reader.close()

    def _committed(self, batch: Sequence[Capture]) -> None:
        for follower in self._followers:
            _tell(follower, batch)

    def _pruned(self, tally: Mapping[tuple[str, str], int]) -> None:
        for follower in self._prune_followers if tally else ():
            _tell(follower, tally)

    def _state(self, reason: str | None) -> None:
        self.trouble = reason
        for watcher in self._watchers:
            watcher(reason)


def _tell(follower: Callable[[T], None], news: T) -> None:
    try:
        follower(news)
    except Exception:  # the others are to hear of it all the same
        log.exception("a follower of the store failed")


def _differing(
    captures: Sequence[Capture], examine: Callable[[Capture], Capture], busy: Callable[[], bool]
) -> list[Capture]:
    """Those of which something else would be stored now, but for marks that were learnt, which are learnt again."""
    unmarked = (replace(capture, marks=shapes.unlearnt(capture.marks)) for capture in captures)
    anew = ((capture, examine(capture)) for capture in courteous(unmarked, busy))
    return [now for before, now in anew if reading_row(now) != reading_row(before)]


def _replace_readings(db: sqlite3.Connection, captures: Sequence[Capture]) -> tuple[int, Mapping[tuple[str, str], int]]:
    """Those of the captures that are still there; gives how many, and how many fewer there are of each (provider,
    verdict), below 0 for more."""
    marks = ", ".join("?" * len(captures))
    sql = f"SELECT id, provider, verdict FROM readings WHERE id IN ({marks})"  # noqa: S608 - only ?
    before = {number: (provider, verdict) for number, provider, verdict in db.execute(sql, [c.id for c in captures])}
    there = [capture for capture in captures if capture.id in before]
    insert_rows(db, "readings", READING_COLUMNS, [reading_row(capture) for capture in there])
    fewer = Counter(before.values())
    fewer.subtract((capture.provider, capture.verdict.status.value) for capture in there)
    db.executemany(intake.TALLY, [(*name, -number) for name, number in fewer.items() if number])
    return len(there), fewer


def _recount(db: sqlite3.Connection) -> Mapping[tuple[str, str], int]:
    """Count the captures anew; gives how many fewer there are of each (provider, verdict), below 0 for more."""
    kinds = "SELECT provider, verdict, captures FROM tallies"
    fewer = Counter({(provider, verdict): number for provider, verdict, number in db.execute(kinds)})
    db.execute("DELETE FROM tallies")
    db.execute("INSERT INTO tallies SELECT provider, verdict, count(*) FROM readings GROUP BY provider, verdict")
    fewer.subtract({(provider, verdict): number for provider, verdict, number in db.execute(kinds)})
    return fewer
