"""What other runs of hooktop want and change at the providers, as the database that they share tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from monitor.services.desk import Desk
from monitor.services.settling import SETTLED_AFTER
from monitor.store.registrations import RegistrationStore


class Elsewhere:
    """Finds the accounts for which another run has done something since the last look."""

    def __init__(self, store: RegistrationStore) -> None:
        self._store = store
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
                wanted = desk.wanted
                await desk.read()
                if desk.overtaken or desk.wanted != wanted:
                    desk.overtaken = False
                    await desk.look_back()  # a test request may have been the first event
                    changed.append(desk)
                desk.publish()
        self._state = state
        return changed
