"""What the look-alikes send to the addresses that are registered with them. Nothing leaves this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from monitor import tasks
from monitor.jsonbody import Json, compact, parse
from monitor.providers.keys import SigningKey
from monitor.providers.registry import registry
from monitor.sandbox.cast import scene
from monitor.sandbox.deliveries import Delivery
from monitor.sandbox.envelope import seal
from monitor.sandbox.problems import SimulationProblem
from monitor.text import visible
from monitor.times import utc_now
from monitor.urls import is_loopback, web_address

if TYPE_CHECKING:  # loading httpx costs 100 ms; it is done when the first request is
    import httpx

TIMEOUT_S: Final = 5.0

Route: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that a look-alike answered or, with ``outgoing``, sent.

    ``status`` is None when there was no whole answer. ``note`` names the fault that spoilt it, or what was sent, or
    why there was no answer.
    """

    provider: str | None
    outgoing: bool
    method: str
    url: str
    status: int | None
    took_s: float
    note: str = ""


def routed(bases: Mapping[str, str] | None = None) -> Route:
    """The route by which public base addresses (``https://hooks.example.com``) lead to local ones; other addresses of
    this machine lead to themselves, and nothing leads to another machine.

    Raises SimulationProblem for a local address that is none."""
    for local in (bases or {}).values():
        if not _is_local(local):
            raise SimulationProblem(f"{visible(local)} is no address of this machine; write http://127.0.0.1:8787")
    pairs = sorted(
        ((public.rstrip("/"), local.rstrip("/")) for public, local in (bases or {}).items()),
        key=lambda pair: -len(pair[0]),
    )

    def route(url: str) -> str | None:
        for public, local in pairs:
            if url.startswith(public) and url[len(public) :][:1] in ("", "/", "?"):
                return local + url[len(public) :]
        return url

    return route


class Outbox:
    """Signs and posts. ``stop`` must be called at the end."""

    def __init__(
        self,
        keys: Callable[[str], SigningKey],
        *,
        route: Route | None = None,
        stamp: Callable[[bytes], str] | None = None,
        event_after_s: float | None = None,
        told: Callable[[Exchange], None] = lambda exchange: None,
    ) -> None:
        """``route`` gives the address to really post to, None where nobody is reached. ``stamp`` marks as simulated
        what is signed with ``keys``. ``event_after_s`` is how long after a registration its first event follows, None
        for none."""
        self._keys = keys
        self._route = route or routed()
        self._stamp = stamp
        self._event_after_s = event_after_s
        self._told = told
        self._client: httpx.AsyncClient | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Send nothing more."""
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.wait(self._waiting)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def follow_up(self, url: str, delivery: Delivery | None, key: SigningKey | None = None) -> None:
        """Send the first event of a registration a moment after the answer to it has left."""
        if self._event_after_s is None or delivery is None:
            return

        async def send(after_s: float) -> None:
            await asyncio.sleep(after_s)
            await self.post(url, delivery, key)

        task = tasks.start(send(self._event_after_s), "sandbox event")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def post(self, url: str, delivery: Delivery, key: SigningKey | None = None) -> int | None:
        """Sign a delivery, with the provider's own key unless another is given, and post it to where ``url`` leads;
        the status of the answer, None when there is none."""
        import httpx

        began = time.perf_counter()
        status, why = None, "nobody is reached there; --route leads it to this machine"
        target = self._target(url)
        if target is not None:
            stamp = self._stamp if key is None else None
            if key is None:
                key = await asyncio.to_thread(self._keys, delivery.provider)
            envelope = seal(delivery, registry()[delivery.provider], key, url=url, at=time.time(), stamp=stamp)
            if self._client is None:
                self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S)
            try:
                async with (
                    asyncio.timeout(TIMEOUT_S),
                    self._client.stream("POST", target, headers=envelope.headers, content=envelope.body) as answer,
                ):
                    status = answer.status_code
            except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
                why = f"no answer ({type(error).__name__})"
        note = delivery.scenario if status is not None else f"{delivery.scenario}: {why}"
        self._told(Exchange(delivery.provider, True, "POST", url, status, time.perf_counter() - began, note))
        return status

    def _target(self, url: str) -> str | None:
        """Where to post for a registered address; only this machine is ever posted to."""
        target = self._route(url)
        return target if target is not None and _is_local(target) else None


def _is_local(url: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        return is_loopback(web_address(url, plain_http=True).hostname or "")
    except ValueError:
        return False


def event(provider: str, fits: Callable[[dict[str, Json]], bool]) -> Delivery | None:
    """A believable event of a provider that has just happened, of those that fit; None when it has none."""
    now, seed = utc_now(), Random().getrandbits(64)
    for scenario in registry()[provider].scenarios:
        for index, simulated in enumerate(scenario.build(scene(Random(seed), now, provider))):
            body = parse(simulated.body).value
            if isinstance(body, dict) and fits(body):
                # Played again so much earlier that it is not told before it happened.
                begun = now - timedelta(seconds=simulated.after)
                told = scenario.build(scene(Random(seed), begun, provider))[index]
                return Delivery(0.0, provider, scenario.name, told.body, told.content_type)
    return None


def changed(delivery: Delivery, change: Callable[[dict[str, Json]], None]) -> Delivery:
    """The delivery with its body's JSON changed in place."""
    body = parse(delivery.body).value
    change(body)
    return replace(delivery, body=compact(body))
