"""Posts simulated deliveries to a receiver over HTTP, in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from monitor.providers.registry import registry
from monitor.sandbox.deliveries import Delivery
from monitor.sandbox.envelope import seal
from monitor.sandbox.problems import SimulationProblem
from monitor.text import visible
from monitor.urls import onward, web_address

if TYPE_CHECKING:  # loading httpx costs 100 ms; it is done when the first request is
    import httpx

    from monitor.providers.keys import SigningKey

TIMEOUT_S = 10.0
AT_ONCE = 16  # requests that are under way at the same time
MAX_ANSWER = 64 * 1024  # bytes of an answer that are read to use its connection again; none of them are kept


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a delivery: the answer's HTTP status, and what is wrong where there is none or it sends on."""

    delivery: Delivery
    status: int | None
    error: str | None
    elapsed_s: float


class Sender:
    """Signs deliveries at the moment of sending and posts them. An asynchronous context manager.

    The target is ``base_url`` plus ``path(provider)``, which may be empty. ``keys`` gives the key to sign a provider's
    deliveries with, ``stamp`` the value that marks a body as simulated (None: unmarked). ``public_url`` gives what
    stands for ``base_url`` in what is signed, where the world knows the receiver under another address.
    Proxy settings of the environment are not used, redirects are not followed. Raises SimulationProblem for an address
    that is none (see ``web_address``; http:// is taken for every host).
    """

    def __init__(
        self,
        base_url: str,
        keys: Callable[[str], SigningKey],
        *,
        stamp: Callable[[bytes], str] | None = None,
        public_url: Callable[[], str | None] = lambda: None,
        path: Callable[[str], str] = "/{}".format,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._base = _checked(base_url)
        _checked(public_url() or base_url)
        self._public_url = public_url
        self._keys = keys
        self._stamp = stamp
        self._path = path
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(self, delivery: Delivery) -> Sent:
        """Sign and post one delivery. What goes wrong on the way is in the result, never raised.

        Raises KeyProblem, KeyError for an unknown provider, and what ``keys`` raises.
        """
        import httpx

        provider = registry()[delivery.provider]
        path = self._path(provider.name)
        key = self._keys(provider.name)
        public = _joined(self._public_url() or self._base, path)
        envelope = seal(delivery, provider, key, url=public, at=time.time(), stamp=self._stamp)
        status: int | None = None
        problem: str | None = None
        onward: str | None = None
        began = time.perf_counter()
        try:
            async with (
                asyncio.timeout(self._timeout_s),  # one deadline around all of it: httpx has one per read
                self._http().stream(
                    "POST", _joined(self._base, path), headers=envelope.headers, content=envelope.body
                ) as answer,
            ):
                status = answer.status_code
                if answer.has_redirect_location:
                    to = _target(answer)
                    onward = f"{self._host()} sends on to {to}, which is not followed; name where it is to go"
                await _drained(answer)
        except (TimeoutError, httpx.TimeoutException):
            problem = f"{self._host()} did not answer within {self._timeout_s:g} s; see whether it is busy or stopped"
        except httpx.ConnectError as error:
            why = visible(str(error), limit=200)
            problem = f"cannot connect to {self._host()} ({why}); start the receiver there or name another address"
            if "CERTIFICATE_VERIFY_FAILED" in why:
                why = why.partition("verify failed: ")[2].partition(" (_ssl")[0]
                problem = f"the certificate of {self._host()} is not valid ({why}); mend it or name another address"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"{self._host()} did not take the request ({type(error).__name__}); see its log and send again"
        return Sent(delivery, status, onward if status is not None else problem, time.perf_counter() - began)

    async def play(
        self,
        deliveries: Iterable[Delivery],
        *,
        pace: float | None = 1.0,
        on_sent: Callable[[Sent], None] | None = None,
        stop: asyncio.Event | None = None,
        count: int | None = None,
        at_once: int = AT_ONCE,
    ) -> int:
        """Post deliveries as their ``at`` comes; returns how many.

        ``pace`` 2 plays twice as fast, None as fast as the receiver answers. At most ``count`` are taken; ``at_once``
        are under way together (with 1 they arrive in order). When they are late because the receiver is slow, they
        follow without pause. ``stop`` ends it: nothing more is posted, what is under way is waited for. Cancelling
        breaks off what is under way. Raises what ``send`` and ``on_sent`` raise.
        """
        stop = stop or asyncio.Event()
        slots = asyncio.Semaphore(at_once)
        began = time.monotonic()
        posted = 0

        async def post(delivery: Delivery) -> None:
            try:
                sent = await self.send(delivery)
            finally:
                slots.release()
            if on_sent is not None:
                on_sent(sent)

        try:
            async with asyncio.TaskGroup() as group:
                for delivery in islice(deliveries, count):
                    if pace is not None:
                        await _until(stop, began + delivery.at / pace)
                    await slots.acquire()
                    if stop.is_set():
                        break
                    group.create_task(post(delivery), name=f"send {delivery.provider}/{delivery.scenario}")
                    posted += 1
        except ExceptionGroup as group_of:
            raise group_of.exceptions[0] from None
        return posted

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=self._timeout_s, headers={"accept-encoding": "gzip"}
            )
        return self._client

    def _host(self) -> str:
        return urlsplit(self._base).netloc


def _target(answer: httpx.Response) -> str:
    """Where a redirect leads, for people: without what may be a secret in it."""
    to = onward(str(answer.url), answer.headers["location"])
    return visible(f"{to.scheme}://{to.netloc}{to.path}", limit=200) if to is not None else "another place"


async def _drained(answer: httpx.Response) -> None:
    """Read what is left of a short answer, still compressed as it came; a long one is left, with its connection."""
    size = 0
    async for part in answer.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER:
            return


def _joined(base: str, path: str) -> str:
    return base.rstrip("/") + path if path else base


def _checked(url: str) -> str:
    """The address if it is one to post to."""
    try:
        web_address(url, plain_http=True)
    except ValueError as problem:
        raise SimulationProblem(
            f"cannot send to this address: {problem}; write it as in http://127.0.0.1:8787"
        ) from None
    return url


async def _until(stop: asyncio.Event, due: float) -> None:
    """Wait for the moment ``due`` (monotonic clock) or for the stop, whichever is first; always lets others run."""
    if (delay := due - time.monotonic()) <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(delay):
            await stop.wait()
    except TimeoutError:
        pass
