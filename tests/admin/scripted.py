"""A stand-in for a provider's API on loopback: it writes down what is asked, and answers as a test has scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.admin.server import http
from tests.corpora import provider_reference


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the socket; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"


@asynccontextmanager
async def scripted(*answers: bytes | Callable[[Asked], bytes]) -> AsyncIterator[tuple[str, list[Asked]]]:
    """Yields the address and the requests. Each gets the next answer; the last answer is a callable's, or none more."""
    asked: list[Asked] = []
    left = list(answers)
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked.append(Asked(method, target, headers, body))
        answer = http(b"nothing is scripted", "599 Nothing") if not left else left[0]
        if isinstance(answer, bytes):
            del left[:1]
        writer.write(answer if isinstance(answer, bytes) else answer(asked[-1]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.get_running_loop().create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await asyncio.gather(*tasks)
        await server.wait_closed()


def answer(value: Any = None, status: str = "200 OK", *headers: str) -> bytes:
    """An answer with a JSON body; with an empty one for None, with ``value`` itself when it is bytes."""
    body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
    return http(body, status, *headers)


def payload(name: str) -> bytes:
    """A payload file of the provider reference, such as ``bird/api_list_response.json``."""
    return (provider_reference() / "payloads" / name).read_bytes()
