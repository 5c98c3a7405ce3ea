"""HTTP connections with deadlines: uvicorn has none for a request that does not come.

A silent or dripping client would live for ever and, with a limit on connections, shut real senders out
(https://github.com/Kludex/uvicorn/issues/157). So each connection has time limits, and each address a number of
connections past which its oldest stuck one makes room. ``Guard`` is that for either parser.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import h11
from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

IDLE_S: Final = 10.0  # until the first byte of the first request
REQUEST_S: Final = 15.0  # from the first byte of a request to the last of its body
HEADER_BYTES: Final = 32 * 1024
PER_ADDRESS: Final = 64  # connections that wait for their client
NEW_S: Final = 1.0  # for so long a connection is not taken for stuck: what it sends may be on its way
# A sender's next request must not meet our closing: Go, and so cloudflared, keeps a connection for 90 s
# (https://pkg.go.dev/net/http#DefaultTransport), and a POST that is reset is not sent again.
KEEP_ALIVE_S: Final = 95
# ASGI extensions, functions to call:
RESETTING: Final = "hooktop.reset"  # resets the connection
CLOSED: Final = "hooktop.closed"  # whether the connection is closed, so that no answer would arrive
CUT_OFF: Final = "hooktop.cut_off"  # whether the connection refused the request itself, which is counted there
_NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
TIMED_OUT: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
    b'Connection: close\r\n\r\n{"error":"too slow"}'
)
MALFORMED: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 29\r\n"
    b'Connection: close\r\n\r\n{"error":"malformed request"}'
)


class Connection(h11.Connection):
    """Gives the head of a response together with its body, so that an answer is one write to the socket, not two."""

    _head = b""

    def send(self, event: Any) -> Any:
        """The bytes to send for an event; none for a response's head, which come with what follows."""
        data = super().send(event)
        if isinstance(event, h11.Response):
            self._head = data or b""
            return b""
        if data is None or not self._head:
            return data
        head, self._head = self._head, b""
        return head + data


class Guard(ABC, asyncio.Protocol):
    """The times that ``sweep`` judges by, to be mixed in before one of uvicorn's protocols."""

    parser_name: ClassVar[str]
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    client: tuple[str, int] | None
    connections: set[Any]
    app: Any

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)  # type: ignore[call-arg]  # uvicorn's
        self.free = self.loop.time()  # since when it can take a request
        self.begun = 0.0  # when the first byte of the current request came, 0 between requests
        self.silent = True  # nothing has come yet
        self.cut_off = False  # what came was answered here: it is no HTTP, or too slow
        self._inner, self.app = self.app, self._served

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The app, told by extensions of what no ASGI message says."""
        scope["extensions"] = {
            RESETTING: self.reset, CLOSED: self.transport.is_closing, CUT_OFF: lambda: self.cut_off
        }  # fmt: skip
        if not self.cut_off:  # by what came together with its head
            await self._inner(scope, receive, send)
        if self.transport.is_closing():  # a request that came to its end without an answer would be answered 500
            while (await receive())["type"] != "http.disconnect":
                pass

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection; when too many of its address are stuck, the oldest of those goes.

        Requests under way do not count: behind a tunnel every sender has the same address.
        """
        super().connection_made(transport)
        address, now = self.client[0] if self.client else None, self.loop.time()
        stuck = [
            one
            for one in self.connections
            if isinstance(one, Guard)
            and one.client
            and one.client[0] == address
            and now - one.free > NEW_S
            and one.waits_for_client()
        ]
        if len(stuck) >= PER_ADDRESS:
            min(stuck, key=lambda one: one.begun or one.free).drop()

    def note(self) -> None:
        """Something has come: a request begins, unless one is under way."""
        if not self.begun:
            self.begun = self.loop.time()
            self.silent = False

    def note_end(self, more: bool) -> None:
        """A request is answered; the next begins anew, at once where ``more`` has come already."""
        self.free = self.loop.time()
        self.begun = self.free if more else 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: nothing refers to itself any more."""
        super().connection_lost(exc)
        self.app = self._inner

    @abstractmethod
    def waits_for_client(self) -> bool:
        """Whether nothing happens here until the client sends more."""

    def drop(self) -> None:
        """Close without a word."""
        self.transport.close()

    def cut(self, answer: bytes) -> None:
        """Answer, in place of the app, a request that will not be whole, and close."""
        self.cut_off = True
        self.transport.write(answer)
        self.transport.close()

    def reset(self) -> None:
        """End the connection so that the sender is told of a reset (RST), where the system can do that."""
        own = self.transport.get_extra_info("socket")
        if own is not None:
            with contextlib.suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def sweep(self, now: float, late: float) -> bool:
        """End the connection when it is over its time; true when a request was cut off with 408.

        ``late`` is for how long this loop had no time since the last sweep, seconds: the client is not charged for it.
        """
        self.free = min(now, self.free + late)
        self.begun = min(now, self.begun + late) if self.begun else 0.0
        if not self.waits_for_client() or self.transport.is_closing():
            return False
        if self.begun:
            if now - self.begun > REQUEST_S:
                # The app has answered nothing yet: it is still waiting for the body.
                self.cut(TIMED_OUT)
                return True
        elif self.silent and now - self.free > IDLE_S:
            self.drop()
        return False


class GuardedProtocol(Guard, H11Protocol):
    """uvicorn's h11 protocol under guard."""

    parser_name = "h11"

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = Connection(h11.SERVER, config.h11_max_incomplete_event_size or HEADER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Note when a request begins."""
        self.note()
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and count it. h11 is not asked: it would not answer a HEAD so."""
        cast(Starlette, self.config.app).state.refused(400)
        self.cut(MALFORMED)

    def on_response_complete(self) -> None:
        """Note when a request is answered."""
        self.note_end(bool(self.conn.trailing_data[0]))
        super().on_response_complete()

    def waits_for_client(self) -> bool:
        """Whether nothing happens here until the client sends more."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
