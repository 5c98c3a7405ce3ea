"""Captures of simulated traffic: of all providers, signed with keys of the test's own, some of it faulty."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import islice
from pathlib import Path

from monitor.model.capture import STAMP_HEADER, Capture, Request
from monitor.providers.base import Keys
from monitor.providers.keys import SigningKey, verifying_key
from monitor.providers.registry import registry
from monitor.sandbox.deliveries import Delivery
from monitor.sandbox.envelope import seal
from monitor.sandbox.traffic import Traffic
from monitor.services.examine import Examiner
from tests.factory import START, FixedKeys, storing

PROVIDERS = ("volt", "bird", "connectly", "oneroute", "standard")
HOST = "hooks.example.net"


@cache
def signing_key(provider: str) -> SigningKey:
    """The key that the sample's webhooks of a provider are signed with."""
    return registry()[provider].local_key()


def examiner(*, keyless: bool = False) -> Examiner:
    """An examiner with the sample's keys, or with none."""
    urls = {name: f"https://{HOST}/{name}" for name in PROVIDERS}
    keys = {
        name: Keys((verifying_key(signing_key(name), "sample"),), (url,), f"https://{HOST}")
        for name, url in urls.items()
        if not keyless
    }
    return Examiner(registry(), FixedKeys(None, **keys), lambda body, value: False)


def deliveries(count: int, seed: int = 7, providers: Sequence[str] = PROVIDERS) -> list[Delivery]:
    """The first deliveries of simulated traffic."""
    return list(islice(Traffic(seed, [registry()[name] for name in providers], 4.0, START), count))


def captured(delivery: Delivery, judge: Examiner) -> Capture:
    """What a receiver makes of a delivery."""
    at = START + timedelta(seconds=delivery.at)
    url = f"https://{HOST}/{delivery.provider}"
    sealed = seal(delivery, registry()[delivery.provider], signing_key(delivery.provider), url=url, at=at.timestamp())
    headers = (
        ("host", HOST),
        *sealed.headers,
        (STAMP_HEADER, f"stamp-{delivery.provider}-0123456789abcdef"),
        ("authorization", "Bearer canary-token-of-the-sample"),
        ("content-length", str(len(sealed.body))),
    )
    request = Request("POST", f"/{delivery.provider}", "", headers, sealed.body, "127.0.0.1:51234")
    return judge.examine(request, received_at=at)


def captures(count: int, seed: int = 7) -> list[Capture]:
    """Captures of simulated traffic in the order of their arrival, with ids as an empty database gives them."""
    judge = examiner()
    made = [captured(delivery, judge) for delivery in deliveries(count, seed)]
    return [replace(capture, id=number) for number, capture in enumerate(made, 1)]


async def store(path: Path, found: Sequence[Capture]) -> None:
    """Commit captures, and fold what they say."""
    async with storing(path) as kept:
        await asyncio.gather(*[kept.add(capture) for capture in found])
        await kept.caught_up()
