"""A stand-in for the developer's app: takes HTTP on loopback, keeps every byte, and answers as a test wants it to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
Behaviour: TypeAlias = "bytes | Callable[[Call], Awaitable[None]]"


@dataclass
class Call:
    """One request as it came, and the way back. ``connection`` counts from 1."""

    head: bytes
    body: bytes
    connection: int
    writer: asyncio.StreamWriter

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, byte for byte."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def values(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class App:
    """A running app: where it is, what came, and how it answers from now on."""

    url: str
    port: int
    behaviour: Behaviour = OK
    calls: list[Call] = field(default_factory=list)
    connections: int = 0

    async def came(self, number: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(10):
            while len(self.calls) < number:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def app(
    behaviour: Behaviour = OK, *, tls: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1",
    read_body: bool = True,
) -> AsyncIterator[App]:  # fmt: skip
    """Run an app. Requests on one connection are taken one after another; ``read_body`` false: their heads only."""
    busy: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                call = Call(head, b"", connection, writer)
                lengths = call.values("content-length")
                if lengths and read_body:
                    call.body = await reader.readexactly(int(lengths[0]))
                running.calls.append(call)
                if isinstance(running.behaviour, bytes):
                    writer.write(running.behaviour)
                else:
                    await running.behaviour(call)
                if writer.is_closing():
                    return

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        writers.append(writer)
        busy.append(asyncio.get_running_loop().create_task(serve(reader, writer, running.connections)))

    server = await asyncio.start_server(connected, host, port, ssl=tls)
    bound = server.sockets[0].getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    running = App(f"http{'s' if tls else ''}://{shown}:{bound}", bound, behaviour)
    try:
        yield running
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await server.wait_closed()


def closing(data: bytes) -> Callable[[Call], Awaitable[None]]:
    """Answers with these bytes and closes the connection."""

    async def answer(call: Call) -> None:
        call.writer.write(data)
        call.writer.close()

    return answer


async def hang(call: Call) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def reset(call: Call) -> None:
    """Resets the connection."""
    call.writer.transport.abort()
