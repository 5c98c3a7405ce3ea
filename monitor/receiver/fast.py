"""httptools for requests of the plainest form; everything else is h11's.

httptools is quick and takes nearly anything: floods of headers, two hosts, odd framing. So it is fed nothing but heads
that are whole, of a form that h11 takes, too, and takes for the same, and bodies of a known length. Where ``PLAIN`` or
``_length`` finds anything else, or httptools objects, the connection goes over to h11 with that request and all that
follow: every refusal is h11's, and every request of an unusual form.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from monitor.receiver.protocol import HEADER_BYTES, Guard, GuardedProtocol

# A whole head (RFC 9112): no bare line ends, no folded lines, no controls, no empty values, no blanks behind one, no
# characters in the address that parsers may see differently. Nothing is tried twice: time is linear in the length.
PLAIN: Final = re.compile(
    rb"(?:POST|PUT|PATCH|DELETE) "
    rb"/(?:[A-Za-z0-9._~%:@=-]++/)*+[A-Za-z0-9._~%:@=-]*+(?:\?[A-Za-z0-9._~%:@=&+,/-]*+)?+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t ]*+[!-~\x80-\xff]++(?:[\t ]++[!-~\x80-\xff]++)*+\r\n){1,100}+\r\n"
)
# These decide where a request ends or what becomes of the connection. httptools takes the last for ``connection``.
UNUSUAL: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"})
ONCE: Final = frozenset({b"host", b"content-length", b"connection"})
LENGTH: Final = re.compile(rb"[0-9]{1,10}")


class _NotPlainError(Exception):
    """This request is for h11."""


class Joined:
    """A transport that sends the head of an answer together with its body: one write to the socket, not two."""

    def __init__(self, plain: asyncio.Transport) -> None:
        self.plain = plain
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send, unless it is a head."""
        if data.endswith(b"\r\n\r\n"):
            self._head = data
        else:
            self.plain.write(self._head + data)
            self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


class FastProtocol(Guard, HttpToolsProtocol):
    """uvicorn's httptools protocol under guard, which is fed one plain request after the other."""

    parser_name = "httptools"
    _rest = b""  # what has come of later requests
    _missing = 0  # bytes of the body that are still to come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection."""
        super().connection_made(cast(asyncio.Transport, Joined(transport)))

    def data_received(self, data: bytes) -> None:
        """Take in what belongs to the request under way or, where there is none, to the next one."""
        self.note()
        self._rest += data
        self._go_on()

    def on_headers_complete(self) -> None:
        """Begin a request. Raises _NotPlainError, and nothing has begun."""
        self._missing = self._length()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Note when a request is answered, and go on with the next, if any."""
        self.note_end(bool(self._rest))
        super().on_response_complete()
        if self._rest:
            self.loop.call_soon(self._go_on)  # not at once: the parser may be at work below us

    def waits_for_client(self) -> bool:
        """Whether nothing happens here until the client sends more."""
        return self._missing > 0 or not self._is_busy()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]  # it may be

    def _go_on(self) -> None:
        """Give the parser its next part of what has come."""
        if self.transport.is_closing():
            return
        if self._rest and not self._missing and not self._is_busy():
            self._begin()
        if self._rest and self._missing:
            part, self._rest = self._rest[: self._missing], self._rest[self._missing :]
            self._missing -= len(part)
            self.parser.feed_data(part)
        if self._rest and not self.transport.is_closing():
            self.flow.pause_reading()  # until this request is answered

    def _begin(self) -> None:
        data, self._rest = self._rest, b""
        self._unset_keepalive_if_required()
        plain = PLAIN.match(data, 0, HEADER_BYTES)
        if plain is None:
            self._hand_over(data)
            return
        try:
            self.parser.feed_data(data[: plain.end()])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._hand_over(data)
        else:
            self._rest = data[plain.end() :]

    def _length(self) -> int:
        """How long the body of the request is whose head was read. Raises _NotPlainError."""
        once = {}
        for name, value in self.headers:
            if name in ONCE:
                if name in once:
                    raise _NotPlainError
                once[name] = value
            elif name in UNUSUAL:
                raise _NotPlainError
        length = once.get(b"content-length", b"0")
        if (
            b"host" not in once
            or not LENGTH.fullmatch(length)
            or once.get(b"connection", b"close").lower() not in (b"close", b"keep-alive")
        ):
            raise _NotPlainError
        return int(length)

    def _hand_over(self, data: bytes) -> None:
        """Have h11 read this and what comes after it on this connection."""
        follower = GuardedProtocol(self.config, self.server_state, self.app_state, self.loop)
        follower.free, follower.begun, follower.silent = self.free, self.begun, False
        self.connections.discard(self)
        del self.parser  # which refers to us, and so does the next
        self.app = self._inner
        transport = cast(Joined, self.transport).plain
        transport.set_protocol(follower)
        super(Guard, follower).connection_made(transport)  # no new one, that another would have to make room for
        follower.data_received(data)
