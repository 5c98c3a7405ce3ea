"""Where captures may be passed on to: addresses that a person typed, checked, and pinned for the run.

No address ever comes from what was captured. A name is resolved once and its addresses are kept; when none of them
can be connected to, it is resolved again and may then not lead further in than before: a name that pointed into the
world cannot come to point at this machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from monitor.urls import in_address, is_loopback, web_address

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_NETWORKS: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local: the metadata services of most clouds
        "fe80::/10",
        "fd00:ec2::254/128",  # metadata: AWS
        "fd20:ce::254/128",  # Google Cloud
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
    )
)
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last 32 bits are an IPv4 address


class TargetProblem(ValueError):
    """An address that nothing is sent to; the text says why and shows nothing of it but numeric addresses."""


class Inwards(IntEnum):
    """How far into the user's own machines an address leads."""

    WORLD = 0
    NETWORK = 1
    MACHINE = 2


@dataclass(frozen=True, slots=True)
class Target:
    """An address to pass captures on to.

    ``host`` is without brackets. ``path`` is the path and query that everything is sent to; empty where the address
    has none, and then each capture's own path and query are used.
    """

    url: str
    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: the port is left out where it is the scheme's own."""
        host = in_address(self.host)
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Whether it is spelled as an address of this machine."""
        return is_loopback(self.host) or _is_localhost(self.host)

    def with_path(self, own: str) -> str:
        """The path and query for a capture whose own are ``own``."""
        return self.path or own

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http{'s' if self.secure else ''}://{self.authority}"

    def address(self, path: str) -> str:
        """The whole address with this path and query."""
        return self.origin + path


def target_of(text: str) -> Target:
    """The target that was typed. Raises TargetProblem.

    http and https; no user names, no odd spellings of numeric hosts (127.1, 0x7f000001, ::ffff:127.0.0.1), no address
    of a metadata service.
    """
    try:
        parts = web_address(text, plain_http=True)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise TargetProblem(str(error)) from None
    if _numeric(host) is not None:
        inwards(host)
    secure = parts.scheme == "https"
    path = parts.path
    if parts.query:
        path = f"{path or '/'}?{parts.query}"
    return Target(text, secure, host, parts.port or (443 if secure else 80), path)


def inwards(address: str) -> Inwards:
    """How far in a numeric address leads. Raises TargetProblem for one that nothing is sent to."""
    ip = _numeric(address)
    if ip is None:
        raise TargetProblem(f"{address} is no address that can be checked")
    if ip in _TRANSLATED:  # what a network without IPv4 calls addresses that have no other
        return inwards(str(_last_bits(ip)))
    inner = _disguised(ip)
    if inner is not None:
        raise TargetProblem(f"{ip} is another address in disguise ({inner})")
    if any(ip in network for network in _NETWORKS) or ip.is_link_local:
        raise TargetProblem(f"{ip} is where machines ask for their own secrets or settings")
    if ip.is_loopback:
        return Inwards.MACHINE
    if ip.is_unspecified or ip.is_multicast or (ip.version == 4 and ip.is_reserved):
        raise TargetProblem(f"{ip} is not the address of one machine")
    return Inwards.WORLD if ip.is_global else Inwards.NETWORK


def _is_localhost(host: str) -> bool:
    """Whether a name is that of this machine, such as ``shop.localhost``: some apps tell their tenants by it."""
    return host == "localhost" or host.endswith(".localhost")


def _numeric(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _disguised(ip: IpAddress) -> IpAddress | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if 1 < int(ip) < 2**32:
        return _last_bits(ip)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _last_bits(ip: IpAddress) -> IpAddress:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as the system knows them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class Pin:
    """The addresses of one target: found once, checked, and kept until none of them answers."""

    def __init__(self, target: Target, resolve: Resolve = system_resolve) -> None:
        self._target = target
        self._resolve = resolve
        self._found: tuple[str, ...] = ()
        self._bound: Inwards | None = None  # how far in its addresses may lead

    async def addresses(self) -> tuple[str, ...]:
        """The addresses to connect to, in this order. Raises TargetProblem, and OSError where the name has none."""
        if not self._found:
            self._found = self._checked(await self._ask())
        return self._found

    def prefer(self, address: str) -> None:
        """Try this address first: it has answered."""
        if self._found and self._found[0] != address:
            self._found = (address, *(other for other in self._found if other != address))

    def lose(self) -> None:
        """None of the addresses could be connected to: ask for them again next time."""
        self._found = ()

    async def _ask(self) -> Sequence[str]:
        host = self._target.host
        if _numeric(host) is not None:
            return [host]
        if _is_localhost(host):  # never asked of a resolver (RFC 6761); some apps listen on one of the two only
            return ["127.0.0.1", "::1"]
        found = await self._resolve(host, self._target.port)
        if not found:
            raise OSError("the name has no address")
        return found

    def _checked(self, found: Sequence[str]) -> tuple[str, ...]:
        reached = {inwards(address) for address in found}
        if Inwards.MACHINE in reached and len(reached) > 1:
            raise TargetProblem("its name leads to this machine and to others at once")
        if self._bound is not None and max(reached) > self._bound:
            raise TargetProblem(
                f"its name led {_WHERE[self._bound]} before and now leads {_WHERE[max(reached)]}; "
                "start hooktop again if that is right"
            )
        self._bound = max(reached) if self._bound is None else self._bound
        return tuple(dict.fromkeys(found))


_WHERE: Final = {
    Inwards.WORLD: "into the world",
    Inwards.NETWORK: "into this network",
    Inwards.MACHINE: "to this machine",
}
