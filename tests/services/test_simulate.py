"""Mixed traffic as a demonstration has it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from monitor import tasks
from monitor.jsonbody import parse
from monitor.providers.keys import SigningKey
from monitor.providers.registry import registry
from monitor.services.simulate import Simulator
from monitor.times import utc_now
from tests.factory import make_request
from tests.services.sample import signing_key
from tests.web import web

HISTORY = 40


class Local:
    """Keys of the tests, and no mark."""

    def signing_key(self, provider: str) -> SigningKey:
        return signing_key(provider)

    def stamp(self, body: bytes) -> str:
        return ""


async def test_what_is_there_from_the_start_has_happened_lately() -> None:
    for seed in (54, 7):  # which by chance take twice as long as others, and half as long
        stop = asyncio.Event()
        with web(lambda asked: (200, b"")) as (url, seen):
            simulator = Simulator(registry(), Local(), url)
            playing = tasks.start(simulator.traffic(0.01, seed, stop, history=HISTORY), "traffic")
            while len(seen) < HISTORY:
                await asyncio.sleep(0.01)
            stop.set()
            await playing
        readings = [
            registry()[asked.target.strip("/")].read(make_request(asked.body), parse(asked.body))
            for asked in seen[:HISTORY]
        ]
        times = [reading.occurred_at for reading in readings if reading.occurred_at is not None]
        assert len(times) > HISTORY // 2
        assert timedelta() < utc_now() - max(times) < timedelta(minutes=1)
