"""What other runs of hooktop want and change at the providers, as the database that they share tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from monitor.model.registration import ChangeState
from monitor.services.desk import Desk
from monitor.services.settling import SETTLED_AFTER
from monitor.store.registrations import RegistrationStore


class Elsewhere:
    """Finds the accounts for which another run than ``run`` has done something since the last look."""

    def __init__(self, store: RegistrationStore, run: str) -> None:
        self._store = store
        self._run = run
        self._state: str | None = None

    async def look(self, desks: Iterable[Desk], now: datetime) -> list[Desk]:
        """Have the desks read it; gives those whose webhooks may be others now, which a refusal does not do. None of
        them while a change is under way, which would be taken for one without an answer. Raises StoreError."""
        state = await asyncio.to_thread(self._store.state, now - SETTLED_AFTER)
        if state in (None, self._state):
            return []
        changed = []
        for desk in list(desks):
            if desk.lock.locked():  # it may be writing what is wanted itself: the next look has it
                state = self._state
                continue
            async with desk.lock:
                wanted, done = desk.wanted, self._done(desk)
                await desk.read()
                new = self._done(desk) - done
                if new or desk.wanted != wanted:
                    await desk.look_back()  # a test request may have been the first event
                    desk.publish()
                if desk.wanted != wanted or any(became is not ChangeState.FAILED for _, became in new):
                    changed.append(desk)
        self._state = state
        return changed

    def _done(self, desk: Desk) -> set[tuple[int, ChangeState]]:
        """How far the changes of others came."""
        return {(record.id, record.state) for record in desk.records if record.run != self._run}
