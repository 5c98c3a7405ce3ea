"""Registrations over the look-alike APIs, without and with a receiver that their requests reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.account import Account
from monitor.config import Config, ReceiverConfig
from monitor.model.drift import DriftRow, State
from monitor.receiver.binding import bind
from monitor.sandbox.apis.outbox import routed
from monitor.sandbox.apis.server import FOREIGN, ProviderSandbox
from monitor.services.assemble import Assembly, assembled
from monitor.services.keychain import Keychain
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Settings
from monitor.services.office import AskAlive
from monitor.services.reach import Reach
from monitor.services.registrations import ASKED_ANEW, Outcome, Plan, Progress, Registrations
from monitor.services.signingkeys import SigningKeys
from monitor.store.registrations import RegistrationStore
from tests.sandbox.apis import PUBLIC, hook, key_of

NEXT = "https://next.example.com"  # tomorrow's public address
SMS = {"service": "channels", "event": "sms.outbound"}
MESSAGES = {"topic": "messages", "type": "custom"}
DELIVERY = {"topic": "delivery_status"}


@dataclass
class World:
    """A sandbox, and a service that asks it."""

    sandbox: ProviderSandbox
    registrations: Registrations
    reach: Reach
    folder: Path
    config: Config

    def row(self, account: str, state: State | None = None, subject: str | None = None) -> DriftRow:
        """The only row of an account in a state, for a subject."""
        rows = self.rows(account)
        found = [row for row in rows if state in (None, row.state) and subject in (None, row.subject)]
        assert len(found) == 1, rows
        return found[0]

    def rows(self, account: str) -> tuple[DriftRow, ...]:
        """The rows of an account."""
        return self.registrations.panel(account).rows

    def states(self, account: str) -> list[str]:
        """The states of an account's rows."""
        return [row.state.value for row in self.rows(account)]

    async def do(self, plan: Plan, steps: list[Progress] | None = None) -> Outcome:
        """Carry out a plan that must be possible."""
        assert plan.possible, plan.problems
        return await self.registrations.carry_out(plan, None if steps is None else steps.append)

    def again(self, **more: Any) -> Registrations:
        """The service as another run of hooktop would have it."""
        return service(self.folder, self.config, self.reach, **more)


def service(folder: Path, config: Config, reach: Reach, **more: Any) -> Registrations:
    """A service on the database in ``folder``, without a monitor."""
    signing = SigningKeys(folder)
    keychain = Keychain(config, None, LocalKeys(folder), signing=signing)
    return Registrations(config, reach, RegistrationStore(folder / "hooktop.db"), keychain, signing, **more)


@asynccontextmanager
async def world(
    folder: Path,
    *,
    public_url: str | None = PUBLIC,
    foreign: bool = True,
    accounts: Callable[[Sequence[Account]], Sequence[Account]] = lambda accounts: accounts,
    alive: AskAlive | None = None,
    read_only: bool = False,
) -> AsyncIterator[World]:
    """The look-alikes of all providers and a service, nothing asked yet; what they send is answered with 200."""
    async with (
        hook() as receiver,
        ProviderSandbox(
            seed=FOREIGN if foreign else {}, keys=key_of, event_after_s=None, route=lambda url: receiver.url
        ) as api,
    ):
        config = Config(ReceiverConfig(public_url=public_url), accounts=tuple(accounts(api.accounts())))
        reach = Reach(public_url, None, LocalKeys(folder))
        registrations = service(folder, config, reach, alive=alive, read_only=read_only)
        await registrations.open()
        yield World(api, registrations, reach, folder, config)


@asynccontextmanager
async def receiving(folder: Path, *, event_after_s: float | None = 0.0) -> AsyncIterator[tuple[World, Assembly]]:
    """The look-alikes and a whole monitor that their requests to ``PUBLIC`` and ``NEXT`` reach."""
    sock = bind("127.0.0.1", 0)
    own = f"http://127.0.0.1:{sock.getsockname()[1]}"
    route = routed({PUBLIC: own, NEXT: own})
    async with ProviderSandbox(seed=FOREIGN, keys=key_of, event_after_s=event_after_s, route=route) as api:
        config = Config(ReceiverConfig(public_url=PUBLIC), accounts=api.accounts())
        async with assembled(
            config, Settings(), sock, folder / "hooktop.db", local_folder=folder, alive=None
        ) as assembly:
            yield World(api, assembly.registrations, assembly.monitor.reach, folder, config), assembly


async def caught_up(registrations: Registrations) -> tuple[str, ...]:
    """What another run has changed, once the providers were asked for it."""
    found = await registrations.catch_up()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == ASKED_ANEW))
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
