"""Servers on loopback that answer by path, over http and https, and certificates for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.certificates import certificate


def page(body: bytes | str, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP answer."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + data


def told(value: Any) -> bytes:
    """A whole HTTP answer with JSON."""
    return page(json.dumps(value), "200 OK", "Content-Type: application/json")


@dataclass(slots=True)
class Served:
    """Where a server listens, and the heads of the requests that came."""

    port: int
    heads: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.heads]

    @property
    def methods(self) -> set[str]:
        return {head.split()[0] for head in self.heads}


@asynccontextmanager
async def serving(
    answers: Mapping[str, bytes | None], tls: ssl.SSLContext | None = None, default: bytes | None = page("", "404 No")
) -> AsyncIterator[Served]:
    """A server that gives the answer for each path, else ``default``; None is none at all, for ever."""
    seen = Served(0)
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(1)
            if first == b"\x16":  # TLS, of which it knows nothing
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            seen.heads.append(head)
            answer = answers.get(head.split()[1], default)
            if answer is None:
                await asyncio.sleep(3600)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # a connection that was only tried
        finally:
            writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        busy.add(task)
        task.add_done_callback(busy.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in list(busy):
            task.cancel()
        await asyncio.gather(*list(busy), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 2)


def certified(folder: Path, name: str = "localhost", days: int = 60) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for a name that is valid for some more days: what a server shows, and what a client trusts."""
    path = certificate(folder, name, days)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))
    return shown, trusting
