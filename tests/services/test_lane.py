"""The queue before one app and its workers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.target import target_of
from monitor.model.attempt import Attempt, AttemptKind
from monitor.model.capture import Capture
from monitor.services.lane import WORKERS, Lane
from tests.factory import make_capture

URL = "http://127.0.0.1:3000/"


class Together(Forwarder):
    """A forwarder of which all answers that are waited for come in one turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.get_running_loop().create_future()

    async def pass_on(self, capture: Capture, url: str, **_: Any) -> Attempt:
        await asyncio.shield(self.answered)
        return Attempt(capture.id, AttemptKind.FORWARD, url, datetime.now(UTC), status=200)


async def test_what_comes_when_all_workers_have_just_ended_is_sent() -> None:
    forwarder, done = Together(), list[int]()
    lane = Lane(target_of(URL), forwarder, lambda attempt: done.append(attempt.capture))
    for number in range(1, WORKERS + 1):
        lane.put(make_capture(number))
    await asyncio.sleep(0)
    forwarder.answered.set_result(None)
    async with asyncio.timeout(20):
        while len(done) < WORKERS:  # the moment in which they have ended and nobody has been told yet
            await asyncio.sleep(0)
        lane.put(make_capture(WORKERS + 1))
        while lane.waiting:
            await asyncio.sleep(0)
    await lane.end(20)
    assert done == list(range(1, WORKERS + 2))
