"""A running sandbox, a receiver for what it sends, and calls to its look-alikes with the sample credentials."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest

from monitor.account import Account
from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import SigningKey
from monitor.providers.registry import registry
from monitor.sandbox.apis import misbehave
from monitor.sandbox.apis.outbox import Exchange
from monitor.sandbox.apis.server import ProviderSandbox

PUBLIC = "https://hooks.example.com"
PROVIDERS = ("volt", "bird", "connectly", "oneroute")
SMS = {"service": "channels", "event": "sms.outbound", "url": f"{PUBLIC}/bird/hk-1"}
REGISTER = """mutation registerWebhook ($url: String!) {
    registerWebhook (url: $url) { id url createdAt lastUpdatedAt }
}"""


@cache
def key_of(provider: str) -> SigningKey:
    """One key of each provider for all tests: making an RSA key takes its time."""
    return registry()[provider].local_key()


@dataclass
class Hook:
    """A receiver on loopback that keeps what comes and answers with ``status``, or with 0 never."""

    url: str = ""
    status: int = 200
    requests: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)

    async def next(self) -> Request:
        """The next request, waiting for it."""
        return await asyncio.wait_for(self.requests.get(), 10)


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """A running receiver."""
    found = Hook()
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = [(n.lower(), v) for n, _, v in (line.partition(": ") for line in head[1:] if line)]
            body = await reader.readexactly(int(dict(headers).get("content-length", "0")))
            method, path, _ = head[0].split(" ")
            path, _, query = path.partition("?")
            found.requests.put_nowait(Request(method, path, query, tuple(headers), body, None))
            if found.status:
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % found.status)
            else:
                await reader.read()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            busy.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        for task in list(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


class Caller:
    """Calls to the look-alikes, with the sample credentials unless ``headers`` are given."""

    def __init__(self, sandbox: ProviderSandbox, client: httpx.AsyncClient, exchanges: list[Exchange]) -> None:
        self.sandbox = sandbox
        self.client = client
        self.exchanges = exchanges
        self._accounts = {account.provider: account for account in sandbox.accounts()}

    def account(self, provider: str) -> Account:
        """The sample account."""
        return self._accounts[provider]

    def credentials(self, provider: str) -> dict[str, str]:
        """The header that lets a call in."""
        secret = self.account(provider).api_secret
        assert secret is not None
        name, scheme = {
            "volt": ("authorization", "Bearer "),
            "bird": ("authorization", "AccessKey "),
            "connectly": ("x-api-key", ""),
            "oneroute": ("apikey", ""),
        }[provider]
        return {name: scheme + secret.reveal(), "accept-encoding": "identity"}

    async def call(self, provider: str, method: str, path: str = "", body: Any = None, **more: Any) -> httpx.Response:
        """One call; ``path`` follows the account's ``api_url``. The JSON is ASCII, so any text can be sent."""
        more.setdefault("headers", self.credentials(provider))
        content = None if body is None else json.dumps(body)
        return await self.client.request(method, self.sandbox.url(provider) + path, content=content, **more)

    async def volt(self, query: str, **variables: Any) -> Any:
        """What Volt's GraphQL answers with 200."""
        answer = await self.call("volt", "POST", "", {"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def bird(self, method: str, path: str = "", body: Any = None, *, short: bool = False) -> httpx.Response:
        """A call below ``webhook-subscriptions``."""
        account = self.account("bird")
        family = "" if short else f"/organizations/{account.organization_id}"
        return await self.call(
            "bird", method, f"{family}/workspaces/{account.workspace_id}/webhook-subscriptions{path}", body
        )

    async def connectly(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A call below the business."""
        return await self.call(
            "connectly", method, f"/v1/businesses/{self.account('connectly').business_id}{path}", body
        )


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Caller]:
    """A running sandbox and a caller."""
    exchanges: list[Exchange] = []
    options = {"keys": key_of, "event_after_s": None, "on_exchange": exchanges.append, **options}
    async with (
        ProviderSandbox(**options) as sandbox,
        httpx.AsyncClient(trust_env=False, timeout=10, follow_redirects=False) as client,
    ):
        yield Caller(sandbox, client, exchanges)


def when_waiting(monkeypatch: pytest.MonkeyPatch, told: Callable[[], None]) -> None:
    """Call ``told`` each time that a look-alike begins to wait where it should answer."""
    gone = misbehave._gone

    async def waiting(*arguments: Any) -> bool:
        told()
        return await gone(*arguments)

    monkeypatch.setattr(misbehave, "_gone", waiting)


def to(found: Hook) -> Callable[[str], str | None]:
    """The route from ``PUBLIC`` to a receiver; everything else is unreachable."""
    return lambda url: found.url + url.removeprefix(PUBLIC) if url.startswith(PUBLIC) else None


def verdict(provider: str, request: Request, key: str | bytes, url: str) -> VerdictStatus:
    """What a receiver says that has this key and is registered under this address."""
    found = registry()[provider]
    known = found.key(key if isinstance(key, str) else key.decode("ascii"), "test")
    return found.verify(request, parse(request.body), Keys((known,), urls=(url,)), time.time()).status
