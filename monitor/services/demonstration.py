"""The providers of the demonstration: look-alike APIs with accounts, and public addresses that are made up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor.jsonbody import Json
from monitor.services.localkeys import LocalKeys
from monitor.services.signingkeys import new_key
from monitor.services.webhooks import Webhooks
from monitor.store.registrations import RegistrationStore
from monitor.times import utc_now

if TYPE_CHECKING:
    from monitor.services.assemble import Assembly
    from monitor.services.office import AskAlive
    from monitor.services.reach import Reach
    from monitor.tunnels.asking import Route

AFTER_S: Final = 0.5  # the screens are drawn first
PREFIX: Final = "demo-"  # of the accounts: what is noted of them is never taken for that of real ones
# What is wanted from the start, by provider.
WANTED: Final[Mapping[str, tuple[Mapping[str, str], ...]]] = {
    "volt": ({},),
    "bird": (
        {"service": "channels", "event": "sms.outbound"},
        {"service": "channels", "event": "sms.inbound"},
        {"service": "channels", "event": "whatsapp.inbound"},
    ),
    "connectly": ({"topic": "messages", "type": "custom"},),
    "oneroute": ({},),
}


def addresses() -> Iterator[str]:
    """Made-up public addresses, without end."""
    while True:
        yield f"https://demo-{secrets.token_hex(2)}.hooktop.example"


def route_to(reach: Reach, local_url: str) -> Route:
    """Leads today's public address to the receiver, and all others nowhere."""

    def route(url: str) -> str | None:
        base = reach.public_url
        if base is None or not url.startswith(base) or url[len(base) : len(base) + 1] not in ("", "/", "?"):
            return None
        return local_url + url[len(base) :]

    return route


def alive_by(reach: Reach) -> AskAlive:
    """Only today's public address leads anywhere."""
    route = route_to(reach, "")

    async def alive(url: str) -> bool | None:
        return route(url) is not None

    return alive


def webhooks_of(assembly: Assembly) -> Webhooks:
    """What the view of webhooks stands on, with simulated addresses and without accounts so far."""
    monitor = assembly.monitor
    route = route_to(monitor.reach, monitor.url)
    return Webhooks(
        monitor,
        assembly.keychain,
        assembly.registrations,
        file=None,
        route=route,
        addresses=addresses(),
    )


async def providers(assembly: Assembly, webhooks: Webhooks, folder: Path, database: Path) -> None:
    """Run the look-alikes until this is cancelled. ``folder`` holds the demonstration's keys."""
    await asyncio.sleep(AFTER_S)
    for name in ("monitor.sandbox.apis.server", "monitor.admin.clients", "monitor.admin.bird", "httpx"):
        await asyncio.to_thread(import_module, name)
    from monitor.sandbox.apis.server import ProviderSandbox

    local, reach, registrations = LocalKeys(folder), assembly.monitor.reach, assembly.registrations
    route = route_to(reach, assembly.monitor.url)
    seed = await asyncio.to_thread(_registered, reach)
    async with ProviderSandbox(route=route, seed=seed, keys=local.signing_key, stamp=local.stamp) as sandbox:
        accounts = [replace(account, name=PREFIX + account.name) for account in sandbox.accounts()]
        webhooks.configure(replace(assembly.config, accounts=tuple(accounts)))
        await registrations.open()
        store, now = RegistrationStore(database), utc_now()
        for account in accounts:
            admin = registrations.admin(account.name)
            for spec in WANTED[account.provider] if admin is not None else ():
                subject = admin.subject(spec) if admin is not None else ""
                await asyncio.to_thread(store.want, account.name, account.provider, subject, spec, now)
        await registrations.read()
        await registrations.refresh()
        await asyncio.Event().wait()


def _registered(reach: Reach) -> dict[str, list[Mapping[str, Json]]]:
    """What is registered from the start, of ours and of others: as wanted, at an earlier address, switched off."""
    from monitor.sandbox.apis.server import FOREIGN

    key = new_key().reveal()
    bird, connectly = reach.hook_url("bird"), reach.hook_url("connectly")
    earlier = next(addresses()) + reach.hook_path("bird")
    ours = {"service": "channels", "signingKey": key}
    return {
        "volt": [*FOREIGN["volt"]],
        "bird": [
            {**ours, "event": "sms.outbound", "url": bird},
            {**ours, "event": "sms.inbound", "url": earlier},
            {**ours, "event": "whatsapp.inbound", "url": bird, "status": "inactive"},
            *FOREIGN["bird"],
        ],
        "connectly": [{"topic": "messages", "address": connectly}, *FOREIGN["connectly"]],
    }
