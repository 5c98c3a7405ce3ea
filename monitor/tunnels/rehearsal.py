"""The way from the internet to our port, tried hop by hop before a provider is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

from monitor.text import visible, visible_bytes
from monitor.tls import trusted
from monitor.tunnels.asking import Answer, AskError, Route, ask, is_link_local, is_public, resolve
from monitor.tunnels.pages import page_of
from monitor.urls import is_loopback, web_address

HOPS: Final = ("address", "DNS", "TCP", "TLS", "tunnel", "receiver", "local port")
DEADLINE_S: Final = 15.0
_HOP_S: Final = 6.0
_CONNECT_S: Final = 2.0  # for each address
_LOCAL_S: Final = 3.0  # kept for the last hop, which is tried in any case
_FEW_DAYS: Final = 7
_MAX_ADDRESSES: Final = 4
_TITLE: Final = re.compile(rb"<title[^>]{0,100}>([^<]{1,200})", re.IGNORECASE)


class HopStatus(StrEnum):
    """How a hop went."""

    OK = "ok"
    WARN = "warn"  # it works, but not for everybody or not for long
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Hop:
    """One part of the way (``name`` is one of ``HOPS``): what was seen, and what to do about it where there is need."""

    name: str
    status: HopStatus
    sentence: str
    took_s: float
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """All hops, in order."""

    hops: tuple[Hop, ...]
    took_s: float

    @property
    def problem(self) -> Hop | None:
        """The first hop that failed; None when a webhook would arrive."""
        return next((hop for hop in self.hops if hop.status is HopStatus.FAILED), None)

    @property
    def ok(self) -> bool:
        """Whether a webhook would arrive."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of a hop, before it is known how long it took."""

    status: HopStatus
    sentence: str
    remedy: str | None = None


def _nobody(_: Hop) -> None:
    """Nobody watches."""


async def rehearse(
    public_url: str,
    hook_path: str,
    *,
    local_url: str,
    expected: bytes,
    on_hop: Callable[[Hop], None] = _nobody,
    route: Route | None = None,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> Rehearsal:
    """Try the way from ``public_url`` to the receiver at ``local_url`` (both base addresses) with GETs alone.

    ``hook_path`` is where the webhooks will be sent; of it only the provider's name is used, what follows may be
    secret. ``expected`` is what the receiver answers to a GET there. ``on_hop`` is told each hop when it is over. With
    a ``route`` the address is a simulated one: nothing is looked up or encrypted, and the hops say so. Takes at most
    ``deadline_s`` seconds; never raises, and can be cancelled.
    """
    began = time.perf_counter()
    path = "/" + hook_path.strip("/").partition("/")[0]
    way = _Way(public_url.rstrip("/"), local_url.rstrip("/"), path, expected, route, tls)
    steps = (way.form, way.name, way.connection, way.certificate, way.tunnel, way.receiver, way.local_port)
    local_s = min(_LOCAL_S, deadline_s / 4)
    hops: list[Hop] = []
    broken: str | None = None
    for name, step in zip(HOPS, steps, strict=True):
        start = time.perf_counter()
        last = name == HOPS[-1]  # tried in any case: it tells which side is at fault
        left = local_s if last else min(_HOP_S, deadline_s - local_s - (start - began))
        if broken is not None and not last:
            seen = _Seen(HopStatus.SKIPPED, f"Not tried, since this failed before: {broken}.")
        else:
            seen = await _within(max(left, 0.0), step)
        if seen.status is HopStatus.FAILED and broken is None:
            broken = name
        hops.append(Hop(name, seen.status, seen.sentence, time.perf_counter() - start, seen.remedy))
        on_hop(hops[-1])
    return Rehearsal(tuple(hops), time.perf_counter() - began)


async def _within(seconds: float, step: Callable[[], Awaitable[_Seen]]) -> _Seen:
    try:
        async with asyncio.timeout(seconds):
            return await step()
    except TimeoutError:
        return _failed(f"No answer came within {seconds:.2g} s.", "Check the network, then try again.")


class _Way:
    """The hops, each of which uses what the ones before it found."""

    def __init__(
        self,
        base: str,
        local: str,
        path: str,
        expected: bytes,
        route: Route | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._base = base
        self._local = local
        self._path = path
        self._expected = expected
        self._route = route
        self._tls = tls
        self._parts: SplitResult = urlsplit("")
        self._host = ""
        self._addresses: list[str] = []

    async def form(self) -> _Seen:
        """Whether the address is one."""
        remedy = "Give the base address that the tunnel shows, such as https://hooks.example.com."
        try:
            self._parts = web_address(self._base, plain_http=True)
        except ValueError as error:
            return _failed(f"The public address cannot be used: {error}.", remedy)
        if self._parts.query:
            return _failed("The public address has a part after ?, where only a base address can stand.", remedy)
        self._host = self._parts.hostname or ""
        if self._route is None and is_loopback(self._host):
            sentence = f"{self._parts.netloc} is this machine's own address: no provider can reach it."
            return _Seen(HopStatus.WARN, sentence, "Start a tunnel and use its address.")
        return _ok(f"{self._parts.scheme}://{self._parts.netloc} is a proper address.")

    async def name(self) -> _Seen:
        """Where the name leads."""
        if self._route is not None:
            return _simulated("no name is looked up")
        try:
            self._addresses = await resolve(self._host, self._port)
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                return _failed(f"{self._host} cannot be looked up: no name server answers.", "Check the network.")
            return _failed(
                f"{self._host} has no address: no such name is known.",
                "Check the spelling; a new tunnel's name can take a minute to be known, a dead one's is gone.",
            )
        shown = ", ".join(self._addresses[:_MAX_ADDRESSES])
        inside = [address for address in self._addresses if not is_public(address)]
        if any(is_link_local(address) for address in inside):
            return _failed(f"{self._host} leads to {shown}, which is no host of the internet.", "Use another address.")
        if inside and not is_loopback(self._host):
            sentence = f"{self._host} leads to {shown} from here; {inside[0]} cannot be reached from the internet."
            return _Seen(HopStatus.WARN, sentence, "Make sure that the internet is given another address for it.")
        return _ok(f"{self._host} leads to {shown}.")

    async def connection(self) -> _Seen:
        """Whether somebody listens there. The address that answers is the one that is used from here on."""
        if self._route is not None:
            return _simulated("nothing is connected")
        for address in self._addresses[:_MAX_ADDRESSES]:
            with contextlib.suppress(OSError):  # also TimeoutError
                async with asyncio.timeout(_CONNECT_S):
                    _, writer = await asyncio.open_connection(address, self._port)
                writer.transport.abort()
                self._addresses = [address]
                return _ok(f"{address} takes connections on port {self._port}.")
        return _failed(
            f"{self._host} takes no connections on port {self._port}.",
            "Check that the tunnel runs, and that no firewall is between.",
        )

    async def certificate(self) -> _Seen:
        """Whether it is who it says."""
        if self._parts.scheme == "http":
            if self._route is not None or is_loopback(self._host):
                return _Seen(HopStatus.SKIPPED, "Plain http: there is no certificate.")
            sentence = "Plain http: everybody on the way can read and change what is sent, and providers ask for https."
            return _Seen(HopStatus.WARN, sentence, "Use an https:// address.")
        if self._route is not None:
            return _simulated("nothing is encrypted")
        try:
            _, writer = await asyncio.open_connection(
                self._addresses[0], self._port, ssl=self._tls or trusted(), server_hostname=self._host
            )
        except ssl.SSLCertVerificationError as error:
            said = visible(error.verify_message or "no reason given", limit=200).rstrip(".")
            return _failed(
                f"The certificate is not valid for {self._host}: {said}.",
                "Renew it or use the name that it is for; providers do not send to an address like this.",
            )
        except (OSError, ssl.SSLError) as error:
            kind = type(error).__name__
            return _failed(f"{self._host} makes no secure connection ({kind}).", "Check that the tunnel takes https.")
        peer = writer.get_extra_info("peercert")
        writer.transport.abort()
        days = int((ssl.cert_time_to_seconds(peer["notAfter"]) - time.time()) // 86400)
        sentence = f"The certificate is valid for {self._host}, {days} more days."
        return _ok(sentence) if days >= _FEW_DAYS else _Seen(HopStatus.WARN, sentence, "Renew it soon.")

    async def tunnel(self) -> _Seen:
        """Whether a request comes through to any program."""
        answer = await self._public("/healthz")
        if not isinstance(answer, Answer):
            return answer
        if (stopped := self._stopped(answer)) is not None:
            return stopped
        if answer.status == 503 and b"cannot commit" in answer.body:
            return _Seen(
                HopStatus.WARN,
                "The request came through, but hooktop cannot store anything now.",
                "Look at the status line: the disk may be full.",
            )
        if answer.status >= 500:
            return _failed(
                f"The request came back with {answer.status}: what is between could not pass it on.",
                "Check where the tunnel leads.",
            )
        return _ok("The request came through.")

    async def receiver(self) -> _Seen:
        """Whether the program at the other end is our receiver."""
        answer = await self._public(self._path)
        if not isinstance(answer, Answer):
            return answer
        if self._is_ours(answer):
            return _ok(f"hooktop answers at {self._path}.")
        return self._stopped(answer) or _failed(
            f"Another program answers at {self._path}: {_described(answer)}.",
            f"Let the tunnel lead to {self._local}, where hooktop listens.",
        )

    async def local_port(self) -> _Seen:
        """Whether our receiver answers without the way around the world."""
        remedy = "Start hooktop, or check its host and port."
        try:
            answer = await ask(self._local + self._path, deadline_s=_LOCAL_S)
        except AskError as error:
            return _failed(f"hooktop does not answer at {self._local}: {error}.", remedy)
        if self._is_ours(answer):
            return _ok(f"hooktop listens at {self._local}.")
        return _failed(f"Another program answers at {self._local}: {_described(answer)}.", remedy)

    @property
    def _port(self) -> int:
        return self._parts.port or (443 if self._parts.scheme == "https" else 80)

    async def _public(self, path: str) -> Answer | _Seen:
        """The answer to a GET through the public address, or why there is none."""
        try:
            if self._route is None:
                return await ask(self._base + path, address=self._addresses[0], tls=self._tls, deadline_s=_HOP_S)
            base = self._route(self._base)
            if base is None:
                return _failed("Simulated: no tunnel has this address any more.", "Use the address of today's tunnel.")
            return await ask(base.rstrip("/") + path, host=self._parts.netloc, deadline_s=_HOP_S)
        except AskError as error:
            return _failed(f"{self._host} gave no answer: {error}.", "Check that the tunnel runs.")

    def _stopped(self, answer: Answer) -> _Seen | None:
        """Why an answer is not from the other end of the tunnel, None where it may be."""
        if (page := page_of(self._host, answer)) is not None:
            return _failed(page.sentence, page.remedy)
        if answer.onward is not None:
            return _failed(
                f"{self._host} sends on to {answer.onward} ({answer.status}), where no provider follows.",
                "Use the address that it leads to, or log in where this network asks for it.",
            )
        if answer.status in (401, 403, 407, 511):
            return _failed(
                f"Somebody on the way asks for a login ({answer.status}).",
                "Let the tunnel pass requests without one, or log in where this network asks for it.",
            )
        return None

    def _is_ours(self, answer: Answer) -> bool:
        return answer.status == 200 and answer.body.strip() == self._expected.strip()


def _ok(sentence: str) -> _Seen:
    return _Seen(HopStatus.OK, sentence)


def _failed(sentence: str, remedy: str) -> _Seen:
    return _Seen(HopStatus.FAILED, sentence, remedy)


def _simulated(what: str) -> _Seen:
    return _Seen(HopStatus.SKIPPED, f"Simulated: {what}.")


def _described(answer: Answer) -> str:
    """An answer in a few words: its status, and the title or the beginning of its body."""
    found = _TITLE.search(answer.body)
    words = visible_bytes(b" ".join((found[1] if found else answer.body[:200]).split()), limit=60)
    return f"{answer.status} “{words}”" if words else f"{answer.status} without a body"
