"""Whether an address that is registered somewhere still leads anywhere."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from monitor.tunnels.asking import AskError, Route, ask, is_public, resolve
from monitor.tunnels.pages import PageKind, page_of, service_of
from monitor.urls import web_address

DEADLINE_S: Final = 6.0
# Where a machine that is in a tailnet sees the others of it, whatever the internet sees.
_TAILNET: Final = (ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("fd7a:115c:a1e0::/48"))


class AliveState(StrEnum):
    """What an address leads to."""

    ANSWERS = "answers"
    DEAD = "dead"  # a tunnel that is gone
    UNRESOLVABLE = "unresolvable"  # a name that is not known
    UNREACHABLE = "unreachable"  # nobody answers, or not properly; perhaps it is our network
    OTHER = "other"  # something that is not the other end: a page, a redirect, a place that is not asked


@dataclass(frozen=True, slots=True)
class Alive:
    """What came of asking. ``service`` is the tunnel service that the address belongs to, None for others."""

    state: AliveState
    sentence: str
    service: str | None = None


async def alive(
    url: str,
    *,
    route: Route | None = None,
    private: bool = False,
    tls: ssl.SSLContext | None = None,
    deadline_s: float = DEADLINE_S,
) -> Alive:
    """Ask an address with one GET whether it leads anywhere.

    Only the first part of its path is asked for: what follows may be secret. A name that leads to this machine or this
    network is not asked unless ``private``, and the addresses looked at are the ones used: the address may have been
    written by a stranger. With a ``route`` nothing is looked up or asked; it says what leads anywhere. Never raises.
    """
    try:
        parts = web_address(url, plain_http=True)
    except ValueError as error:
        return Alive(AliveState.OTHER, f"The address cannot be used: {error}.")
    host = parts.hostname or ""
    service = service_of(host)
    if route is not None:
        leads = route(f"{parts.scheme}://{parts.netloc}") is not None
        return _answers(host, service) if leads else _dead(host, service)
    first = parts.path.strip("/").partition("/")[0]
    try:
        async with asyncio.timeout(deadline_s):
            try:
                addresses = await resolve(host, parts.port or 443)
            except OSError as error:
                return _unknown(host, service, error)
            inside = next((one for one in addresses if not (private or _may_ask(one, service))), None)
            if inside is not None:
                return Alive(AliveState.OTHER, f"{host} leads to {inside}, which is not of the internet.", service)
            return await _asked(f"{parts.scheme}://{parts.netloc}/{first}", host, service, addresses, tls, deadline_s)
    except TimeoutError:
        return Alive(AliveState.UNREACHABLE, f"{host} did not answer within {deadline_s:g} s.", service)


async def _asked(
    url: str, host: str, service: str | None, addresses: list[str], tls: ssl.SSLContext | None, deadline_s: float
) -> Alive:
    failure = "it has no address"
    tried = addresses[:2]
    for address in tried:
        try:
            answer = await ask(url, address=address, tls=tls, deadline_s=deadline_s / len(tried))
        except AskError as error:
            failure = str(error)
            continue
        if (page := page_of(host, answer)) is not None:
            state = AliveState.DEAD if page.kind is PageKind.DEAD else AliveState.OTHER
            return Alive(state, page.sentence, page.service)
        if answer.onward is not None:
            return Alive(AliveState.OTHER, f"{host} sends on to {answer.onward}.", service)
        return _answers(host, service)
    return Alive(AliveState.UNREACHABLE, f"{host} gave no answer: {failure}.", service)


def _answers(host: str, service: str | None) -> Alive:
    return Alive(AliveState.ANSWERS, f"{host} answers.", service)


def _dead(host: str, service: str | None) -> Alive:
    return Alive(AliveState.DEAD, f"{service or 'Nobody'} knows no running tunnel with the address {host}.", service)


def _unknown(host: str, service: str | None, error: OSError) -> Alive:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Alive(AliveState.UNREACHABLE, f"{host} cannot be looked up: no name server answers.", service)
    # A tunnel service takes the name of a tunnel that has ended out of the world.
    return (
        _dead(host, service)
        if service is not None
        else Alive(AliveState.UNRESOLVABLE, f"{host} has no address: no such name is known.")
    )


def _may_ask(address: str, service: str | None) -> bool:
    if is_public(address):
        return True
    ip = ipaddress.ip_address(address.partition("%")[0])
    return service == "Tailscale" and any(ip in network for network in _TAILNET)
