"""The look-alike APIs of all providers on one port of this machine."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from monitor.jsonbody import Json
from monitor.providers.registry import registry
from monitor.sandbox.apis import outbox
from monitor.sandbox.apis.base import ApiProblem, LookAlike, Row, answer, read_object
from monitor.sandbox.apis.bird import Bird
from monitor.sandbox.apis.connectly import Connectly
from monitor.sandbox.apis.faults import Switches, known
from monitor.sandbox.apis.misbehave import ELSEWHERE, Misbehaving
from monitor.sandbox.apis.oneroute import OneRoute
from monitor.sandbox.apis.outbox import Exchange, Outbox
from monitor.sandbox.apis.volt import Volt
from monitor.sandbox.problems import SimulationProblem

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from monitor.account import Account
    from monitor.providers.keys import SigningKey

HOST: Final = "127.0.0.1"
EVENT_AFTER_S: Final = 0.5
END_S: Final = 2.0
# What somebody else has registered: whoever tidies up must leave it alone.
FOREIGN: Final[Mapping[str, tuple[Mapping[str, Json], ...]]] = {
    "volt": ({"url": "https://example.com/webhooks"},),
    "bird": (
        {"service": "channels", "event": "email.outbound", "url": "https://example.com/hooks/bird"},
        {
            "service": "conversations",
            "event": "conversation.updated",
            "url": "https://example.com/crm",
            "status": "inactive",
        },
    ),
    "connectly": (
        {
            "topic": "delivery_status",
            "address": "https://example.com/hooks/delivery",
            "configuration": {
                "echo": False,
                "channelTypes": ["whatsapp"],
                "filters": [{"field": "campaign_name", "expression": "summer-promo-*"}],
            },
        },
    ),
}
log = logging.getLogger(__name__)


class ProviderSandbox:
    """Serves the look-alikes inside the running event loop. An asynchronous context manager.

    What is registered is kept in memory. Nothing is posted to another machine.
    """

    def __init__(
        self,
        *,
        route: outbox.Route | None = None,
        seed: Mapping[str, Iterable[Mapping[str, Json]]] | None = None,
        port: int = 0,
        keys: Callable[[str], SigningKey] | None = None,
        stamp: Callable[[bytes], str] | None = None,
        event_after_s: float | None = EVENT_AFTER_S,
        on_exchange: Callable[[Exchange], None] = lambda exchange: None,
    ) -> None:
        """``route`` gives the address to really post to for a registered one, None where nobody is reached (default:
        addresses of this machine, see ``routed``). ``seed`` is what is registered from the start, in the provider's
        own form (``FOREIGN`` is an example). ``keys`` gives the key that a provider signs its events with, in a
        thread, since making one takes up to half a second (default: new ones); a Bird subscription's events are
        signed with its own. ``stamp`` marks as simulated what is signed with ``keys``. ``event_after_s`` is how long
        after a registration its first event follows, None for none. ``on_exchange`` is told of every request that
        came or went. Port 0 lets the system choose."""
        self._keys = keys or _new_keys()
        self._outbox = Outbox(self._keys, route=route, stamp=stamp, event_after_s=event_after_s, told=on_exchange)
        self._on_exchange = on_exchange
        self._apis: dict[str, LookAlike] = {
            api.name: api(Switches(api.name), self._outbox) for api in (Volt, Bird, Connectly, OneRoute)
        }
        for provider, rows in (seed or {}).items():
            self._apis[provider].seed(rows)
        self._routes = Starlette(
            routes=[
                Route(ELSEWHERE, _elsewhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
                Route("/_sandbox/{provider}", self._control, methods=["GET", "POST"]),
                *(Mount(f"/{name}", app=Misbehaving(api, self._transport_of)) for name, api in self._apis.items()),
            ]
        )
        self._routes.router.redirect_slashes = False
        self._port = port
        self._server: asyncio.Server | None = None
        self._state = ServerState()

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises SimulationProblem when the port is taken."""
        await asyncio.to_thread(self._keys, "volt")  # ``accounts`` needs it at once
        sock = _bound(self._port)
        self._port = sock.getsockname()[1]
        config = uvicorn.Config(self._serve, **_OPTIONS)
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(partial(H11Protocol, config, self._state, {}), sock=sock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections():
            connection.transport.abort()
        if self._state.tasks:
            _, left = await asyncio.wait(list(self._state.tasks), timeout=END_S)
            for task in left:
                task.cancel()
        await self._outbox.stop()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._port}"

    def url(self, provider: str) -> str:
        """The ``api_url`` of an account with that provider."""
        return f"{self.base_url}/{provider}{self._apis[provider].url_path}"

    def accounts(self) -> tuple[Account, ...]:
        """An account of each provider, named as it, with sample credentials and what verifies its events; only once it
        listens."""
        return tuple(api.account(self.url(name), self._keys(name)) for name, api in self._apis.items())

    def fault(self, provider: str, *faults: str, seconds: float | None = None) -> None:
        """Switch these faults on and a provider's others off; ``seconds`` is how late a slow answer is.

        Raises SimulationProblem for a provider or a fault that there is not."""
        self._api(provider).switches.set(faults, seconds)

    def registrations(self, provider: str) -> list[Row]:
        """What is registered now, in the provider's own form, signing keys included."""
        return [dict(row) for row in self._api(provider).rows.values()]

    def _api(self, provider: str) -> LookAlike:
        api = self._apis.get(provider)
        if api is None:
            raise SimulationProblem(f'there is no provider "{provider}" here; choose one of {", ".join(self._apis)}')
        return api

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that comes in; told to ``on_exchange`` when it is over."""
        status: int | None = None
        began = time.perf_counter()
        api = self._apis.get(scope["path"].lstrip("/").partition("/")[0])
        note = ", ".join(sorted(api.switches.on)) if api is not None else ""

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._routes(scope, receive, watched)
        except Exception as error:
            log.error("the sandbox failed on a %s: %s", scope["method"], type(error).__name__)
            if status is None:
                await Response(status_code=500)(scope, receive, watched)
        finally:
            query = scope["query_string"].decode("latin-1")
            path = f"{scope['path']}?{query}" if query else scope["path"]
            took_s = time.perf_counter() - began
            self._on_exchange(
                Exchange(None if api is None else api.name, False, scope["method"], path, status, took_s, note)
            )

    def _transport_of(self, scope: Scope) -> asyncio.Transport | None:
        """The connection that a request came on."""
        client = tuple(scope["client"])
        return next((one.transport for one in self._connections() if one.client == client), None)

    def _connections(self) -> list[H11Protocol]:
        return [one for one in self._state.connections if isinstance(one, H11Protocol)]

    async def _control(self, request: Request) -> Response:
        """Tell what is switched on at a provider and, with POST, change it first."""
        try:
            api = self._api(request.path_params["provider"])
            if request.method == "POST":
                asked = await read_object(request)
                wanted, seconds = asked.get("fault"), asked.get("seconds")
                faults = [] if wanted is None else wanted if isinstance(wanted, list) else [wanted]
                if not all(isinstance(name, str) for name in faults) or not isinstance(seconds, int | float | None):
                    raise SimulationProblem('send {"fault": NAME}, a list of names, or null, with "seconds" a number')
                api.switches.set(faults, seconds)
        except SimulationProblem as problem:
            return answer({"error": str(problem)}, 400)
        except ApiProblem as problem:
            return answer({"error": str(problem)}, problem.status)
        return answer(
            {
                "provider": api.name,
                "fault": sorted(api.switches.on),
                "seconds": api.switches.seconds,
                "known": {fault.value: fault.does for fault in known(api.name)},
            }
        )


async def _elsewhere(_: Request) -> Response:
    return answer({"error": "nobody should have followed a redirect to here"})


def _new_keys() -> Callable[[str], SigningKey]:
    """Keys that are made when they are first asked for."""
    return cache(lambda provider: registry()[provider].local_key())


def _bound(port: int) -> socket.socket:
    """A socket of this machine alone. Raises SimulationProblem."""
    # With the protocol named asyncio turns Nagle's algorithm off, which would cost 40 ms an answer.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        why = (
            "is in use by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise SimulationProblem(f"port {port} {why}; choose another, or leave it out for one that is free") from None
    return sock


_OPTIONS: Final[dict[str, Any]] = {
    "interface": "asgi3",
    "ws": "none",
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "date_header": False,
    "proxy_headers": False,
}
