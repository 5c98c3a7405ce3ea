"""A load generator: signed Volt deliveries over kept-alive connections, as fast as asked or as fast as answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from monitor.providers.registry import registry
from monitor.sandbox import cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PREPARED = 2000
Heard: TypeAlias = Callable[[bytes, int], None]


def new_key(folder: Path) -> tuple[RSAPrivateKey, Path]:
    """A throw-away RSA-2048 key and the file with its public half."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(65537, 2048)
    file = folder / "volt.pub"
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key, file


def prepare(key: RSAPrivateKey, count: int = PREPARED, sizes: Sequence[int] = (0,)) -> list[bytes]:
    """``count`` whole HTTP requests with different bodies and real signatures, about 800 bytes of JSON each, or as many
    as ``sizes`` says in turn."""
    volt = registry()["volt"]
    scenario = next(s for s in volt.scenarios if s.name == "delivered")
    rng = Random(1)
    requests: list[bytes] = []
    start = datetime.now(UTC)
    while len(requests) < count:
        for event in scenario.build(cast.scene(rng, start + timedelta(seconds=len(requests)))):
            body = event.body.ljust(sizes[len(requests) % len(sizes)])
            headers = volt.sign(body, key, url="", at=0)
            lines = [
                "POST /volt HTTP/1.1",
                "host: 127.0.0.1",
                "user-agent: benchmark",
                "content-type: application/json",
                f"content-length: {len(body)}",
                *(f"{name}: {value}" for name, value in headers),
            ]
            requests.append(("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body)
    return requests[:count]


@dataclass
class Result:
    """What a run gave: answers by status, seconds each took, and the seconds of the whole."""

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.elapsed if self.elapsed else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is complete."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0
        self.request = b""
        self.waiting = False  # for an answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._run.ready(self)

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._sent, self.request = due, request
        self.waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self.waiting = False
        assert self._transport is not None
        last = b"connection: close" in lower or head.startswith(b"HTTP/1.0")
        if last:
            self._transport.close()
        self._run.answered(self, int(head[9:12]), time.perf_counter() - self._sent, last=last)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(self)


class _Run:
    def __init__(
        self, address: tuple[str, int], requests: list[bytes], count: int, rate: float | None, heard: Heard | None
    ) -> None:
        self._address = address
        self._opening: set[asyncio.Task[None]] = set()
        self._made: list[_Connection] = []
        self.result = Result()
        self._requests = requests
        self._left = count
        self._open = count
        self._rate = rate
        self._heard = heard
        self._idle: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """One more connection."""
        _, connection = await asyncio.get_running_loop().create_connection(lambda: _Connection(self), *self._address)
        self._made.append(connection)

    def close(self) -> None:
        """End the connections."""
        for connection in self._made:
            connection.close()

    def ready(self, connection: _Connection) -> None:
        if self._rate is None:
            if self._left:
                self._next(connection, time.perf_counter())
        elif self._due:
            self._next(connection, self._due.popleft())
        else:
            self._idle.append(connection)

    def due(self, moment: float) -> None:
        """A request is due now: its time counts from here, whether or not a connection is free."""
        if self._idle:
            self._next(self._idle.popleft(), moment)
        else:
            self._due.append(moment)

    def _next(self, connection: _Connection, moment: float) -> None:
        self._left -= 1
        connection.send(self._requests[self._left % len(self._requests)], moment)

    def answered(self, connection: _Connection, status: int, seconds: float, *, last: bool) -> None:
        self.result.statuses[status] += 1
        self.result.times.append(seconds)
        if self._heard is not None:
            self._heard(connection.request, status)
        self._open -= 1
        if self._open == 0 and not self.done.done():
            self.done.set_result(None)
        elif last:  # some programs take one request a connection
            task = asyncio.get_running_loop().create_task(self.open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self.ready(connection)

    def lost(self, connection: _Connection) -> None:
        if connection.waiting and not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))


async def run(
    host: str,
    port: int,
    requests: list[bytes],
    *,
    count: int,
    connections: int = 16,
    rate: float | None = None,
    patience_s: float = 120,
    heard: Heard | None = None,
) -> Result:
    """Post ``count`` requests over ``connections``, as fast as they are answered or ``rate`` a second.

    ``heard`` is told each request that was answered, and with which status.
    With a rate, a request's time counts from when it was due, so waiting for a free connection is not hidden.
    """
    job = _Run((host, port), requests, count, rate, heard)
    begun = time.perf_counter()
    for _ in range(connections):
        await job.open()
    if rate is not None:
        for number in range(count):
            wait = begun + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            job.due(max(begun + number / rate, begun))
    await asyncio.wait_for(job.done, patience_s)
    job.result.elapsed = time.perf_counter() - begun
    job.close()
    return job.result
