"""Tunnels that already run on this machine, started by somebody else."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.jsonbody import Json, parse
from monitor.text import visible
from monitor.tunnels.children import Child
from monitor.urls import is_loopback, web_address

# Each takes the next port where one is taken.
NGROK_PORTS: Final = range(4040, 4045)
CLOUDFLARED_PORTS: Final = range(20241, 20246)
DEADLINE_S: Final = 3.0
_MAX_BYTES: Final = 256 * 1024
_MAX_LINES: Final = 2000
_PORT: Final = re.compile(r"[0-9]{1,5}")
_HERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what programs call any address of this machine


@dataclass(frozen=True, slots=True)
class Found:
    """A tunnel that runs. ``url`` is its public base address, without a slash at its end; ``target`` is where it says
    that it leads, and ``port`` the port of this machine that this is, None where it is none."""

    program: str
    url: str
    target: str
    port: int | None


async def find(
    port: int,
    known: str | None = None,
    *,
    ngrok_ports: Iterable[int] = NGROK_PORTS,
    cloudflared_ports: Iterable[int] = CLOUDFLARED_PORTS,
    deadline_s: float = DEADLINE_S,
) -> Found | None:
    """A running tunnel that leads to our ``port``, else one that leads elsewhere (its ``port`` is another), else None.
    Of several that lead to us it is the one with the ``known`` address: that is where providers may call already.

    Asks the local APIs of ngrok and cloudflared and the program tailscale; what does not answer in time or properly is
    as if it were not there.
    """
    answers = await asyncio.gather(
        *(_ngrok(at, deadline_s) for at in await _listened_on(ngrok_ports, deadline_s)),
        *(_cloudflared(at, deadline_s) for at in await _listened_on(cloudflared_ports, deadline_s)),
        _tailscale(deadline_s),
    )
    found = [tunnel for tunnels in answers for tunnel in tunnels]
    ours = [tunnel for tunnel in found if tunnel.port == port] or found[:1]
    return next((tunnel for tunnel in ours if tunnel.url == known), ours[0] if ours else None)


async def _ngrok(at: int, deadline_s: float) -> Sequence[Found]:
    """https://ngrok.com/docs/agent/api"""
    told = await _json(f"http://127.0.0.1:{at}/api/tunnels", deadline_s)
    tunnels = _list(told, "tunnels")
    return _kept(_found("ngrok", _text(one, "public_url"), _text(_dict(one, "config"), "addr")) for one in tunnels)


async def _cloudflared(at: int, deadline_s: float) -> Sequence[Found]:
    """cloudflared's metrics server: the host of a quick tunnel, and the rules that say where each host leads."""
    quick, config = await asyncio.gather(
        _json(f"http://127.0.0.1:{at}/quicktunnel", deadline_s), _json(f"http://127.0.0.1:{at}/config", deadline_s)
    )
    found: list[Found | None] = []
    for rule in _list(_dict(config, "config"), "ingress"):
        if _text(rule, "path"):
            continue  # a part of the host only
        host = _text(rule, "hostname") or _text(quick, "hostname")
        if host and "*" not in host:
            found.append(_found("cloudflared", f"https://{host}", _text(rule, "service")))
    return _kept(found)


async def _tailscale(deadline_s: float) -> Sequence[Found]:
    """What tailscale has open to the internet, in the background and in the foreground."""
    executable = shutil.which("tailscale")
    if executable is None:
        return ()
    lines: list[str] = []

    def keep(line: str) -> None:
        if len(lines) < _MAX_LINES:
            lines.append(line)

    try:
        child = await Child.start([executable, "funnel", "status", "--json"], keep)
    except OSError:
        return ()
    try:
        async with asyncio.timeout(deadline_s):
            code = await child.wait()
    except TimeoutError:
        return ()
    finally:
        await child.end(grace_s=0.2)
    text = "".join(lines)
    told = parse(text[text.find("{") : text.rfind("}") + 1].encode("utf-8")).value if code == 0 else None
    configs = [told, *_dict(told, "Foreground").values()]
    return _kept(
        _found("tailscale", f"https://{host}", _text(_dict(_dict(site, "Handlers"), "/"), "Proxy"))
        for config in configs
        for host, site in _dict(config, "Web").items()
        if _dict(config, "AllowFunnel").get(host) is True
    )


async def _listened_on(ports: Iterable[int], deadline_s: float) -> list[int]:
    """Those ports of this machine that take connections: mostly none, and then nothing needs to be asked or loaded."""
    ports = list(ports)
    answers = await asyncio.gather(*(_is_listened_on(port, deadline_s) for port in ports))
    return [port for port, answer in zip(ports, answers, strict=True) if answer]


async def _is_listened_on(port: int, deadline_s: float) -> bool:
    try:
        async with asyncio.timeout(deadline_s):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _json(url: str, deadline_s: float) -> Json:
    from monitor.tunnels.asking import AskError, ask  # loads httpx

    try:
        answer = await ask(url, deadline_s=deadline_s, limit=_MAX_BYTES)
    except AskError:
        return None
    return parse(answer.body).value if answer.status == 200 else None


def _found(program: str, url: str, target: str) -> Found | None:
    url = url.removesuffix("/").removesuffix(":443")
    try:
        parts = web_address(url)
    except ValueError:
        return None
    if parts.scheme != "https" or parts.query or not target:
        return None
    return Found(program, url, visible(target, limit=200), _port_of(target))


def _port_of(target: str) -> int | None:
    """The port of this machine that a target means (``http://localhost:80``, ``localhost:80``, ``80``), else None."""
    if _PORT.fullmatch(target):
        return int(target)
    try:
        parts = urlsplit(target if "://" in target else f"http://{target}")
        port = parts.port or 80
    except ValueError:
        return None
    host = parts.hostname or ""
    # We speak no TLS: a tunnel that does so to our port does not reach us.
    return port if parts.scheme == "http" and (host in _HERE or is_loopback(host)) else None


def _kept(found: Iterable[Found | None]) -> list[Found]:
    return [one for one in found if one is not None]


def _dict(value: Json, name: str) -> dict[str, Any]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _list(value: Json, name: str) -> list[Json]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []


def _text(value: Json, name: str) -> str:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else ""
