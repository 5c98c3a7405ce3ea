"""What the view of webhooks stands on: the registrations, the way to our port, and the accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from monitor.config import ConfigError
from monitor.services import accounts
from monitor.services.accounts import Values, Written
from monitor.services.registrations import Registrations

if TYPE_CHECKING:
    from monitor.account import Account
    from monitor.config import Config
    from monitor.services.configfile import ConfigFile
    from monitor.services.keychain import Keychain
    from monitor.services.monitor import Monitor
    from monitor.services.tunnel import PublicTunnel
    from monitor.tunnels.asking import Route
    from monitor.tunnels.rehearsal import Hop, Rehearsal

DEMO_ACCOUNTS: Final = "The demonstration has its own accounts; start hooktop without demo to add and change some."


class Webhooks:
    """The registrations of a running monitor, with what has to be asked and changed around them."""

    def __init__(
        self,
        monitor: Monitor,
        keychain: Keychain,
        registrations: Registrations,
        *,
        file: ConfigFile | None,
        route: Route | None = None,
        addresses: Iterator[str] | None = None,
        tunnel: PublicTunnel | None = None,
    ) -> None:
        """``file`` is the configuration that new accounts go to; None in a demonstration, which takes none. There
        ``route`` leads its simulated public addresses to the receiver, and ``addresses`` are more of them. ``tunnel``
        is the one that gives the public address, None where there cannot be one."""
        self.registrations = registrations
        self.tunnel = tunnel
        self._monitor = monitor
        self._keychain = keychain
        self._file = file
        self._route = route
        self._addresses = addresses

    @property
    def takes_accounts(self) -> bool:
        """Whether accounts can be added."""
        return self._file is not None

    @property
    def simulated(self) -> bool:
        """Whether the public addresses are made up."""
        return self._addresses is not None

    def proposal(self) -> str | None:
        """Another made-up public address, where the addresses are simulated."""
        return None if self._addresses is None else next(self._addresses)

    def configure(self, config: Config) -> None:
        """Other accounts from now on, for the registrations and for what is verified."""
        self._keychain.expect(config)
        self.registrations.configure(config)

    async def rehearse(self, provider: str, on_hop: Callable[[Hop], None]) -> Rehearsal:
        """Try the way from the public address to a provider's hook. Raises KeyProblem; can be cancelled."""
        from monitor.receiver.app import GREETING
        from monitor.tunnels.rehearsal import rehearse  # loads httpx

        monitor, reach = self._monitor, self._monitor.reach
        return await rehearse(
            reach.public_url or "",
            reach.hook_path(provider),
            local_url=monitor.url,
            expected=GREETING,
            on_hop=on_hop,
            route=self._route,
        )

    def unfetched(self) -> tuple[str, ...]:
        """The providers of which something came, have no key here and publish one; none in a demonstration."""
        if self._file is None:
            return ()
        return tuple(name for name in self._keychain.unfetched() if self._monitor.feed.providers[name])

    async def fetch_key(self, provider: str) -> tuple[str, ...]:
        """Fetch what a provider publishes; gives what came of it, in sentences. Raises KeysError and StoreError."""
        from monitor.services.keys import fetch  # loads httpx

        return tuple(found.sentence for found in await fetch(self._keychain, provider))

    async def look_for_keys(self) -> None:
        """Read anew what rests in files, and in the keyring where it could not be read."""
        await self._keychain.unlock()

    def unseated(self) -> str | None:
        """That the account that was added takes the place of others, as a sentence; None where it does not."""
        return None if self._file is None else accounts.unseated(self._file.path, self._file.environ)

    def account(self, name: str) -> Account | None:
        """The account of that name."""
        return next((account for account in self._keychain.config.accounts if account.name == name), None)

    async def check_change(self, name: str) -> None:
        """Raises ConfigError where an account is not one that can be changed here."""
        file = self._writable()
        await asyncio.to_thread(accounts.as_written, file.path, name, file.environ)

    async def add_account(self, name: str, provider: str, values: Values) -> Written:
        """Write an account to the configuration and use it at once. Raises ConfigError."""
        file = self._writable()
        return await self._use(await asyncio.to_thread(accounts.add, file.path, name, provider, values, file.environ))

    async def change_account(self, name: str, values: Values) -> Written:
        """Write other settings of an account to the configuration and use them at once. Raises ConfigError."""
        file = self._writable()
        return await self._use(await asyncio.to_thread(accounts.change, file.path, name, values, file.environ))

    def _writable(self) -> ConfigFile:
        if self._file is None:
            raise ConfigError(DEMO_ACCOUNTS)
        return self._file

    async def _use(self, written: Written) -> Written:
        config, name = self._keychain.config, written.account.name
        try:
            found = (await asyncio.to_thread(self._writable().load)).accounts
        except ConfigError:  # what else is in the file is no hindrance
            found = (*(account for account in config.accounts if account.name != name), written.account)
        self.configure(replace(config, accounts=found))
        await self.registrations.open()
        return written
