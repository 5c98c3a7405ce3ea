"""One GET to an address that may do anything, and where a name leads."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import httpx

from monitor import __version__
from monitor.admin.http import reason, redirect_target
from monitor.tls import trusted
from monitor.urls import in_address

MAX_BYTES: Final = 16 * 1024
# Where a simulated public address leads: a local base address, or None when it leads nowhere any more.
Route: TypeAlias = Callable[[str], str | None]


class AskError(Exception):
    """No answer came; the text is a part of a sentence that says why (``there is no connection to it``)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case, the beginning of the body, and the host that a redirect names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    onward: str | None = None


async def ask(
    url: str,
    *,
    address: str | None = None,
    host: str | None = None,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = 5.0,
    limit: int = MAX_BYTES,
) -> Answer:
    """GET ``url``, at the IP ``address`` where one is given, in the name of ``host`` where it is another's.

    No redirects, no proxies, no compression, no credentials; ``limit`` bytes of the body are read and ``deadline_s``
    is for the whole call. Raises AskError.
    """
    parts = urlsplit(url)
    target = url if address is None else urlunsplit(parts._replace(netloc=_at(address, parts.port)))
    headers = {
        "Host": host or parts.netloc,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": f"hooktop/{__version__}",
    }
    verify = (tls or trusted()) if parts.scheme == "https" else False
    try:
        async with (
            asyncio.timeout(deadline_s),  # httpx's own timeouts begin anew with every byte that drips in
            httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=deadline_s) as client,
            client.stream("GET", target, headers=headers, extensions={"sni_hostname": parts.hostname or ""}) as answer,
        ):
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) >= limit:
                    break
            onward = redirect_target(url, answer) if 300 <= answer.status_code < 400 else None
            return Answer(answer.status_code, dict(answer.headers), bytes(body[:limit]), onward)
    except (TimeoutError, httpx.TimeoutException):
        raise AskError(f"it did not answer within {deadline_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AskError(reason(error)) from None


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, each once, in the system's order. Raises OSError (mostly socket.gaierror).

    Cancelling it does not wait for the resolver: the loop's own threads are waited for at the program's end, and one
    that asks a dead name server would hold it up.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | None) -> None:
        if found.done():
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def look_up() -> None:
        addresses: list[str] = []
        failure: OSError | None = None
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except OSError as error:
            failure = error
        except UnicodeError:
            failure = socket.gaierror(socket.EAI_NONAME, "no such name")
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    return await found


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's, not of this machine, this network or a group."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


def is_link_local(address: str) -> bool:
    """Whether an IP address is one that only the next machine knows; clouds keep their secrets there."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_link_local


def _at(address: str, port: int | None) -> str:
    host = in_address(address)
    return host if port is None else f"{host}:{port}"
