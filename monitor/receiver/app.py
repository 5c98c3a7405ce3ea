"""The receiver's routes: what is taken, what is refused, and with which answer.

The answer never echoes what was received, and leaves only when the request was handed on and stored.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.applications import Starlette

from monitor import tasks
from monitor.model.capture import GIVEN_UP, LEFT, RESET, Request
from monitor.receiver.protocol import CLOSED, CUT_OFF, RESETTING
from monitor.urls import in_address

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

STORED: Final = b'{"status":"stored"}'
GREETING: Final = b"hooktop is listening. POST webhooks here.\n"
HOOK_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
RETRY_AFTER_S: Final = 5
_AGAIN: Final = [(b"retry-after", b"%d" % RETRY_AFTER_S)]


class RefusedError(Exception):
    """The request is not stored: not now (503 and 429: the sender should come again), or not from there."""

    def __init__(self, reason: str, status: int = 503) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request to be stored, and whether it carried the path token (None where none is asked for)."""

    request: Request
    token: bool | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: an HTTP status, or ``RESET`` for a connection that is reset without an answer.

    With ``held`` it leaves when that is done; a sender who leaves before cancels it. ``missed`` is called where the
    sender was gone before its answer.
    """

    status: int
    held: asyncio.Future[None] | None = None
    missed: Callable[[], None] = lambda: None


Accept: TypeAlias = Callable[[Arrival], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the receiver takes. ``max_body`` in bytes; ``token`` is the secret last path segment, None for none."""

    providers: frozenset[str]
    max_body: int = 1024 * 1024
    token: str | None = None


class Hooks:
    """The one endpoint, as a plain ASGI callable: Starlette's request object would cost more than all else here."""

    def __init__(
        self, rules: Rules, accept: Accept, healthy: Callable[[], bool], refused: Callable[[int], None]
    ) -> None:
        """``accept`` stores an arrival and gives what to answer, or raises RefusedError; ``refused`` is told the status
        of every request that was not stored."""
        self._rules = rules
        self._accept = accept
        self._healthy = healthy
        self._refused = refused
        self._token = None if rules.token is None else rules.token.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one HTTP request."""
        if scope["type"] != "http":
            return
        method: str = scope["method"]
        path: bytes = scope["raw_path"]
        is_hook = method in HOOK_METHODS
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        length = chunked = None
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = value
        if length is not None and chunked is not None:
            # RFC 9112 section 6.3: both at once is how one request is smuggled inside another.
            await self._refuse(send, 400)
            return
        token = self._token_of(path) if is_hook else None
        if token is False:
            await self._refuse(send, 404)
            return
        if length is not None and int(length) > self._rules.max_body:
            await self._refuse(send, 413)
            return
        try:
            body = await self._body(receive)
        except asyncio.CancelledError:  # hooktop ends, and the rest has not come in time
            await self._refuse(send, GIVEN_UP, _AGAIN)
            return
        if scope["extensions"][CUT_OFF]():
            return
        if body is None:
            self._refused(LEFT)
            return
        if len(body) > self._rules.max_body:
            await self._refuse(send, 413)
            return
        if not is_hook:  # answered now that it is whole: a body that comes after its answer would be nobody's
            await self._show(method, path, send)
            return
        peer = scope.get("client")
        request = Request(
            method,
            path.decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]),
            body,
            None if peer is None else f"{in_address(peer[0])}:{peer[1]}",
        )
        try:
            reply = await self._accept(Arrival(request, token))
        except RefusedError as error:
            await self._refuse(send, error.status, _AGAIN if error.status in (429, 503) else None)
            return
        except asyncio.CancelledError:  # hooktop ends, and it is not known whether this will be stored
            await self._refuse(send, GIVEN_UP, _AGAIN)
            return
        if (reply.held is not None and not await _waited(reply.held, receive)) or scope["extensions"][CLOSED]():
            reply.missed()
            return
        if reply.status == RESET:
            scope["extensions"][RESETTING]()
            return
        await _answer(send, reply.status, STORED, b"application/json")

    def _token_of(self, path: bytes) -> bool | None:
        """True or False where a token is asked for: right only as the last path segment."""
        if self._token is None:
            return None
        return hmac.compare_digest(path.rstrip(b"/").rpartition(b"/")[2], self._token)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, a little more than ``max_body`` at most, or None when the sender left before its end."""
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return body
        parts, size = [body], len(body)
        while size <= self._rules.max_body:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part: bytes = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if not message.get("more_body", False):
                break
        return b"".join(parts)

    async def _show(self, method: str, path: bytes, send: Send) -> None:
        if method not in ("GET", "HEAD"):
            await _answer(send, 405, b"", b"text/plain", [(b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE")])
            return
        if path == b"/healthz":
            healthy = self._healthy()
            status, text = (200, b"ok\n") if healthy else (503, b"the store cannot commit\n")
        elif path == b"/" or path[1:].decode("latin-1") in self._rules.providers:
            status, text = 200, GREETING
        else:
            status, text = 404, b"nothing here\n"
        await _answer(send, status, text, b"text/plain; charset=utf-8")  # of which HEAD gets the head

    async def _refuse(self, send: Send, status: int, more: list[tuple[bytes, bytes]] | None = None) -> None:
        self._refused(status)
        # What was not read of the body would be taken for the next request: the connection ends here.
        headers = [*(more or []), (b"connection", b"close")]
        await _answer(send, status, REFUSALS[status], b"application/json", headers)


REFUSALS: Final = {
    400: b'{"error":"malformed request"}',
    403: b'{"error":"not from this page"}',
    404: b'{"error":"not found"}',
    413: b'{"error":"body too large"}',
    421: b'{"error":"another host"}',
    429: b'{"error":"too many requests"}',
    503: b'{"error":"cannot store now"}',
}


async def _waited(held: asyncio.Future[None], receive: Receive) -> bool:
    """Wait for what holds an answer up; false when the sender left first."""
    gone = tasks.start(_gone(receive), "watch for a sender who leaves")
    try:
        await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
        return held.done()
    finally:
        gone.cancel()
        held.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = more or []
    if status in (204, 205, 304):  # by their meaning without a body
        body = b""
    if status != 204:  # which has no length either (RFC 9110, section 8.6)
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def build(rules: Rules, accept: Accept, healthy: Callable[[], bool], refused: Callable[[int], None]) -> Starlette:
    """The ASGI app. Slashes are never redirected: a redirect would go to the host that the sender names."""
    app = Starlette()
    app.router.redirect_slashes = False
    app.router.default = Hooks(rules, accept, healthy, refused)  # a route would leave out targets such as ``*``
    app.middleware_stack = app.router  # Starlette's own catch errors, as uvicorn does; they would cost 7 us a request
    return app
