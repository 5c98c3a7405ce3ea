"""One connection to an app: a request written byte for byte, its answer read with bounds. HTTP/1.1.

A client library would cost more time than receiving does (measured: 1.3 ms a request with httpx's transport, 0.1 ms
here), and forwarding shares the receiver's event loop. Nothing here is lenient: a connection is used again only after
an answer whose end is beyond doubt.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 64 * 1024  # bytes of a body that are kept
MAX_READ: Final = 4 * 1024 * 1024  # ... that are read
MAX_HEAD: Final = 64 * 1024
_AHEAD: Final = 256 * 1024  # bytes that wait to be read, from which on the app has to wait
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: .*)?", re.DOTALL)
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class BrokenOffError(Exception):
    """There is no whole answer; the text says why and holds nothing foreign."""


@dataclass(slots=True)
class Answer:
    """An answer as far as it has come; ``status`` is None before its head has.

    ``body`` is its beginning, ``size`` how much was read, ``took_s`` the time from the request being written to the
    last byte read.
    """

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    took_s: float | None = None

    def values(self, name: str) -> list[str]:
        """The values of a header (name in lower case), stripped."""
        return [value.strip() for key, value in self.headers if key.lower() == name]

    def take(self, part: bytes | bytearray) -> None:
        """Count a part of the body, and keep what there is room for."""
        self.size += len(part)
        if len(self.body) < KEPT:
            self.body += part[: KEPT - len(self.body)]


class Connection(asyncio.Protocol):
    """A connection for one exchange at a time."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._lost: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._clean = True  # no exchange has left anything behind
        self._heard_at = 0.0  # when bytes came last: the loop may be busy before they are looked at

    @classmethod
    async def open(cls, address: str, port: int, tls: ssl.SSLContext | None, host: str) -> Connection:
        """Connect to a numeric address; with ``tls`` its certificate must be one for ``host``. Raises OSError."""
        _, connection = await asyncio.get_running_loop().create_connection(
            cls, address, port, ssl=tls, server_hostname=host if tls else None
        )
        return connection

    @property
    def usable(self) -> bool:
        """Whether another request can be sent."""
        return self._clean and not (self._ended or self._buffer or self._transport.is_closing())

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    async def exchange(self, head: bytes, body: bytes, answer: Answer) -> None:
        """Send a request and read its answer into ``answer``, which holds what has come also when this fails.

        Reads no more than 4 MiB of a body. Raises BrokenOffError.
        """
        self._clean = False
        begun = time.perf_counter()
        self._transport.write(head + body)
        try:
            again = await self._read(answer)
        finally:
            answer.took_s = (self._heard_at if self._heard_at > begun else time.perf_counter()) - begun
        # What is left of the request, or came behind the answer, would be mixed up with the next exchange.
        self._clean = again and not self._buffer and not self._transport.get_write_buffer_size()

    # --- the answer ----------------------------------------------------------------------------------------------

    async def _read(self, answer: Answer) -> bool:
        """Read the answer; whether the connection may be used again."""
        status, newer = 0, True
        while status < 200:  # 100 Continue and the like come before the answer
            status, newer, headers = await self._head()
        answer.status, answer.headers = status, headers
        options = ",".join(answer.values("connection")).lower()
        again = newer and "close" not in [option.strip() for option in options.split(",")]
        if status in (204, 304):
            return again
        encodings, lengths = answer.values("transfer-encoding"), set(answer.values("content-length"))
        if encodings:
            if [one.lower() for one in encodings] != ["chunked"]:
                raise BrokenOffError("its answer comes in a transfer encoding that nobody asked for")
            return await self._chunks(answer) and again and not lengths
        if lengths:
            length = lengths.pop()
            if lengths or not _LENGTH.fullmatch(length):
                raise BrokenOffError("its answer says no clear length")
            return await self._part(answer, int(length)) and again
        while answer.size < MAX_READ and await self._some():
            self._hand_over(answer, len(self._buffer))
        return False

    async def _head(self) -> tuple[int, bool, list[tuple[str, str]]]:
        """The status, whether it is HTTP/1.1, and the headers of the next head."""
        found = _STATUS.fullmatch(await self._line(MAX_HEAD))
        if found is None:
            raise BrokenOffError("what it answers is not HTTP/1.1 (is it an https:// address?)")
        headers: list[tuple[str, str]] = []
        room = MAX_HEAD
        while line := await self._line(room):
            room -= len(line) + 2
            text = line.decode("latin-1")
            name, colon, value = text.partition(":")
            if text[0] in " \t" and headers:  # folded: obsolete, and still met
                headers[-1] = (headers[-1][0], f"{headers[-1][1]} {text.strip()}")
            elif not colon or not name.strip():
                raise BrokenOffError("its answer has a header that is none")
            else:
                headers.append((name.strip(), value.strip(" \t")))
        return int(found[2]), found[1] == b"1", headers

    async def _chunks(self, answer: Answer) -> bool:
        while True:
            found = _CHUNK.fullmatch(await self._line(MAX_HEAD))
            if found is None:
                raise BrokenOffError("its answer has a chunk without a length")
            length = int(found[1], 16)
            if not length:
                break
            if not await self._part(answer, length):
                return False
            if await self._line(MAX_HEAD):
                raise BrokenOffError("its answer has a chunk of another length than it says")
        room = MAX_HEAD
        while line := await self._line(room):  # trailers
            room -= len(line) + 2
        return True

    async def _part(self, answer: Answer, length: int) -> bool:
        """So many bytes of the body; false when it was left before its end because there were too many."""
        while length:
            if answer.size >= MAX_READ:
                return False
            if not await self._some():
                raise BrokenOffError("it closed the connection before the end of its answer")
            length -= self._hand_over(answer, length)
        return True

    def _hand_over(self, answer: Answer, most: int) -> int:
        size = min(most, len(self._buffer), MAX_READ - answer.size)  # one answer has one size, however it comes
        answer.take(self._buffer[:size])
        del self._buffer[:size]
        return size

    async def _line(self, room: int) -> bytes:
        """The next line, without its end."""
        at = self._buffer.find(b"\n")
        while at < 0:
            seen = len(self._buffer)
            if seen > room:
                break
            if not await self._some(more_than=seen):
                begun = "its answer" if seen else "an answer"
                raise BrokenOffError(f"it closed the connection before the end of {begun}")
            at = self._buffer.find(b"\n", seen)
        if at < 0 or at > room:
            raise BrokenOffError("the head of its answer is longer than 64 KiB")
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        return line.removesuffix(b"\r")

    async def _some(self, more_than: int = 0) -> bool:
        """Wait until there are more bytes than so many; false at the end. Raises BrokenOffError when it was no end."""
        while len(self._buffer) <= more_than:
            if self._lost is not None:
                raise BrokenOffError("the connection was reset")
            if self._ended:
                return False
            self._transport.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return True

    # --- what asyncio calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._heard_at = time.perf_counter()
        self._buffer += data
        if len(self._buffer) > _AHEAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The app says no more."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._ended = True
        self._lost = exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
