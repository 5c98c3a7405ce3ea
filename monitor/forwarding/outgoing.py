"""The request that an app gets: the captured one, but for what belongs to the connection it came over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from monitor.config import TOKEN
from monitor.forwarding.target import Target
from monitor.model.capture import STAMP_HEADER, Request
from monitor.secret import Secret

CAPTURE_HEADER: Final = "X-Hooktop-Capture"
HOPS_HEADER: Final = "X-Hooktop-Hops"  # only where a hooktop passed it on before: how often with this time
Header: TypeAlias = tuple[str, str]
AddedHeader: TypeAlias = tuple[str, "str | Secret"]

# RFC 9110, section 7.6.1, and what is addressed to proxies. An expectation was met when the request was received.
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "host", STAMP_HEADER}
)
_CREDENTIALS: Final = frozenset({"authorization", "cookie"})  # they were meant for whom the provider sent them to
_BODIED: Final = frozenset({"POST", "PUT", "PATCH"})
_VALUE: Final = re.compile(r"[^\x00\r\n\u0100-\U0010ffff]*")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_TARGET: Final = re.compile(r"/[\x21-\x7e\x80-\xff]*")


class UnsendableError(Exception):
    """A request that cannot be written in HTTP; the text says what in it, and holds nothing foreign."""


def origin_form(request: Request) -> str:
    """Path and query as in ``POST /path?query``, also where the sender wrote a whole address or ``*``: what was
    captured never chooses the host."""
    path = request.path
    if not path.startswith("/"):
        _, scheme, rest = path.partition("://")
        path = "/" + (rest.partition("/")[2] if scheme else path)
    return f"{path}?{request.query}" if request.query else path


def address_form(request: Request) -> tuple[str, str | None]:
    """What follows the host in an address, and the whole target where that is another: an address ends at ``#``, and
    would go on with its host where a path does not begin with a slash (``@elsewhere``, ``.elsewhere``)."""
    path, mark, _ = origin_form(request).partition("#")
    return path, request.target if mark or path != request.target else None


def hops(request: Request) -> int:
    """How often a request was passed on before, by this hooktop or by others."""
    told = [int(value) for value in request.header_values(HOPS_HEADER.lower()) if _COUNT.fullmatch(value)]
    return max(len(request.header_values(CAPTURE_HEADER.lower())), *told, 0)


def head(request: Request, capture: int, target: Target, added: Sequence[AddedHeader] = ()) -> bytes:
    """Request line and headers for an app: those of the request in their order and with their values.

    Left out are the hop-by-hop headers, the mark of simulated events and, for other machines, the credentials that
    the provider sent. Host, Content-Length, the capture's number and the count of hops are the new ones; ``added``
    take the place of headers of their name. Raises UnsendableError.
    """
    path = target.with_path(origin_form(request))
    if not _TARGET.fullmatch(path):
        raise UnsendableError("its path has characters that do not belong in one")
    replaced = {name.lower() for name, _ in added}
    lines = [f"{_token(request.method, 'its method')} {path} HTTP/1.1"]
    if "host" not in replaced:
        lines.append(f"Host: {target.authority}")
    own = {CAPTURE_HEADER: str(capture)}
    if before := hops(request):
        own[HOPS_HEADER] = str(before + 1)
    dropped = {CAPTURE_HEADER.lower(), HOPS_HEADER.lower()}
    headers = _forwarded(request, _end_to_end(request, target, replaced | dropped))
    for name, value in (*headers, *own.items(), *added):
        text = value.reveal() if isinstance(value, Secret) else value
        if not _VALUE.fullmatch(text):
            raise UnsendableError("one of its headers has a line break or a character that no header can carry")
        lines.append(f"{_token(name, 'the name of one of its headers')}: {text}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _end_to_end(request: Request, target: Target, replaced: set[str]) -> list[Header]:
    named = {option.strip().lower() for value in request.header_values("connection") for option in value.split(",")}
    dropped = _HOP_BY_HOP | named | replaced | (frozenset() if target.on_this_machine else _CREDENTIALS)
    kept: list[Header] = []
    length = str(len(request.body))
    for name, value in request.headers:
        lower = name.lower()
        if lower == "content-length":
            if length:
                kept.append((name, length))
            length = ""
        elif lower not in dropped and not lower.startswith("proxy-"):
            kept.append((name, value))
    if length and (request.body or request.method in _BODIED):
        kept.append(("Content-Length", length))
    return kept


def _forwarded(request: Request, headers: list[Header]) -> list[Header]:
    """The headers with what a proxy tells: whom it came from, which host and scheme were asked for.

    What a tunnel has said already stays: only it knows.
    """
    names = [name.lower() for name, _ in headers]
    peer = (request.peer or "").rpartition(":")[0].strip("[]")
    if peer:
        if "x-forwarded-for" in names:
            last = len(names) - 1 - names[::-1].index("x-forwarded-for")
            headers[last] = (headers[last][0], f"{headers[last][1]}, {peer}")
        else:
            headers.append(("X-Forwarded-For", peer))
    if "x-forwarded-host" not in names and (host := request.header("host")):
        headers.append(("X-Forwarded-Host", host))
    if "x-forwarded-proto" not in names:
        headers.append(("X-Forwarded-Proto", "http"))
    return headers


def _token(text: str, what: str) -> str:
    if not TOKEN.fullmatch(text):
        raise UnsendableError(f"{what} has characters that do not belong in one")
    return text
