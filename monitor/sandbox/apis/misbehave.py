"""Between a look-alike API and its callers: spoils the answers as its switches say."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from monitor.sandbox.apis.base import LookAlike, answer
from monitor.sandbox.apis.faults import ApiFault

if TYPE_CHECKING:
    from asyncio import Transport

    from starlette.types import Message, Receive, Scope, Send

ELSEWHERE: Final = "/_sandbox/elsewhere"
DRIP_S: Final = 0.25
BOMB: Final = 64 * 1024 * 1024
CHUNK: Final = b'{"id":"' + b"0" * 65536 + b'"},'
PAGE: Final = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
GATEWAY: Final = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"
# Clears the screen, sets a title, answers to whoever pastes; then a byte that begins a sequence in some terminals.
CONTROL: Final = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"
_REFUSALS: Final = {
    ApiFault.UNAUTHORIZED: (401, "the credentials are not valid"),
    ApiFault.FORBIDDEN: (403, "the credentials do not allow this"),
    ApiFault.NOT_FOUND: (404, "there is no such thing"),
    ApiFault.CONFLICT: (409, "it exists already"),
    ApiFault.RATE_LIMITED: (429, "too many requests"),
    ApiFault.SERVER_ERROR: (500, "something went wrong on our side"),
    ApiFault.UNAVAILABLE: (503, "we are down for maintenance"),
}
_WAIT: Final = {ApiFault.RATE_LIMITED: "7", ApiFault.UNAVAILABLE: "30"}
log = logging.getLogger(__name__)


class Misbehaving:
    """A look-alike's app behind its switches. ``transport_of`` gives the connection of a request."""

    def __init__(self, api: LookAlike, transport_of: Callable[[Scope], Transport | None]) -> None:
        self._api = api
        self._app = api.app()
        self._transport_of = transport_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or not."""
        fault = self._api.switches.spoiling
        if fault is None:
            await self._app(scope, receive, send)
            return
        instead = await self._instead(fault, scope)
        if instead is not None:
            await instead(scope, receive, send)
        elif fault in (ApiFault.HANG, ApiFault.RESET, ApiFault.ESCAPES):
            transport = self._transport_of(scope)
            if transport is not None and fault is ApiFault.RESET:
                _reset(transport)
            if transport is not None and fault is ApiFault.ESCAPES:
                transport.write(_with_escapes(self._api))
                transport.close()
            await _gone(receive)
        else:
            await self._spoilt(fault, scope, receive, send)

    async def _instead(self, fault: ApiFault, scope: Scope) -> Response | None:
        """What answers in place of the API."""
        if fault in _REFUSALS:
            status, message = _REFUSALS[fault]
            wait = {"Retry-After": _WAIT[fault]} if fault in _WAIT else None
            return answer(self._api.error(status, message), status, wait)
        if fault is ApiFault.HTML:
            return HTMLResponse(PAGE)
        if fault is ApiFault.REDIRECT:
            # localhost is another host than 127.0.0.1, and whoever follows is seen there.
            return RedirectResponse(f"http://localhost:{scope['server'][1]}{ELSEWHERE}", 307)
        if fault is ApiFault.BOMB:
            packed = await asyncio.to_thread(_bomb)
            return Response(packed, headers={"Content-Encoding": "gzip"}, media_type="application/json")
        if fault is ApiFault.HUGE:
            return StreamingResponse(_huge(), media_type="application/json")
        return None

    async def _spoilt(self, fault: ApiFault, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request carried out, then spoil the answer."""
        kept = await self._carried_out(scope, receive)
        body = bytes(kept.body)
        if fault is ApiFault.DONE_THEN_HANG:
            await _gone(receive)
        elif fault is ApiFault.SLOW:
            if not await _gone(receive, self._api.switches.seconds):
                await kept(scope, receive, send)
        elif fault is ApiFault.BAD_GATEWAY:
            await HTMLResponse(GATEWAY, 502)(scope, receive, send)
        elif fault is ApiFault.EMPTY:
            await Response(status_code=kept.status_code)(scope, receive, send)
        elif fault is ApiFault.NOT_JSON:
            half = body[: len(body) // 2] or b"{"
            status = 200 if kept.status_code == 204 else kept.status_code
            await Response(half, status, media_type="application/json")(scope, receive, send)
        elif not body:
            await kept(scope, receive, send)  # there is nothing to break off
        else:
            await send({"type": "http.response.start", "status": kept.status_code, "headers": kept.raw_headers})
            if fault is ApiFault.TRUNCATED:
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                if (transport := self._transport_of(scope)) is not None:
                    transport.close()
                await _gone(receive)
                return
            for index in range(len(body)):
                last = index == len(body) - 1
                await send({"type": "http.response.body", "body": body[index : index + 1], "more_body": not last})
                if not last and await _gone(receive, DRIP_S):
                    return

    async def _carried_out(self, scope: Scope, receive: Receive) -> Response:
        """What the API answers, before anybody sees it."""
        status, headers, body = 500, [], b""

        async def keep(message: Message) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, keep)
        kept = Response(body, status)
        kept.raw_headers = headers
        return kept


async def _gone(receive: Receive, seconds: float | None = None) -> bool:
    """Wait until the caller has gone, at most so long; whether it has."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False


def _reset(transport: Transport) -> None:
    """Close a connection as a crash does, with RST."""
    held: Any = transport.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _with_escapes(api: LookAlike) -> bytes:
    """A whole answer as bytes: no server library sends such a reason."""
    body = bytes(answer(api.error(400, f"the url {CONTROL} is refused")).body)
    reason = CONTROL.encode("latin-1", "ignore")
    head = [b"HTTP/1.1 400 No" + reason, b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, b"Connection: close", b"", body])


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * BOMB)


async def _huge() -> AsyncIterator[bytes]:
    yield b'{"results":['
    for _ in range(BOMB // len(CHUNK)):
        yield CHUNK
    yield b"{}]}"
