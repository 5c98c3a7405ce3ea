"""What commands in other terminals change while this program runs: keys that are fetched or trusted, accounts, and
webhooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from monitor import tasks
from monitor.account import Account
from monitor.config import ConfigError
from monitor.services.configfile import ConfigFile
from monitor.services.keychain import Keychain
from monitor.services.registrations import Registrations
from monitor.store.errors import StoreError
from monitor.text import visible

OnNews: TypeAlias = Callable[[str, bool], None]
LOOK_S: Final = 2.0  # between two looks
SETTLE_S: Final = 0.2  # an editor may have emptied the file or moved it away, and be writing it
KEYS: Final = "The public keys that may be used have changed."
WAITS: Final = "Another public key of {} was fetched and is not used; hooktop keys list shows it."
log = logging.getLogger(__name__)


def _nobody(sentence: str, bad: bool) -> None:
    """Nobody wants to know."""


class News:
    """Looks for such changes and obeys them. ``on_news`` is told each in a sentence; ``bad`` where it cannot be."""

    def __init__(self, keychain: Keychain, registrations: Registrations, file: ConfigFile) -> None:
        """``file`` is where the accounts of ``keychain`` are from."""
        self._keychain = keychain
        self._registrations = registrations
        self.file = file
        self._state = file.state()
        self._keys = self._fetched()
        self._task: asyncio.Task[None] | None = None
        self.on_news: OnNews = _nobody

    def start(self) -> None:
        """Look from now on."""
        self._task = tasks.start(self._watch(), "news of other terminals")

    async def stop(self) -> None:
        """Look no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:  # a look that failed is not the last
                log.error("news of other terminals cannot be had: %s", type(error).__name__)

    async def look(self) -> None:
        """Look once."""
        keys = await asyncio.to_thread(self._fetched)
        if keys is not None and keys != self._keys:
            before, self._keys = self._keys or frozenset(), keys
            self._keychain.fetched()
            new = keys ^ before
            if any(trusted for *_, trusted in new):
                self.on_news(KEYS, False)
            for provider in sorted({provider for provider, _, trusted in new & keys if not trusted}):
                self.on_news(WAITS.format(visible(provider, limit=60)), False)
        state = await asyncio.to_thread(self.file.state)
        if state != self._state:
            await asyncio.sleep(SETTLE_S)
            if await asyncio.to_thread(self.file.state) == state:  # else the next look reads it
                self._state = state
                await self._read_accounts()
        if changed := await self._registrations.catch_up():
            names = ", ".join(visible(name, limit=60) for name in changed)
            self.on_news(f"The webhooks of {names} were changed in another terminal.", False)

    async def _read_accounts(self) -> None:
        try:
            accounts = (await asyncio.to_thread(self.file.load)).accounts
        except ConfigError as error:
            self.on_news(f"The accounts stay as they were: {error}", True)
            return
        said = differences(self._keychain.config.accounts, accounts)
        if not said:
            return
        config = replace(self._keychain.config, accounts=accounts)
        self._keychain.expect(config)
        self._registrations.configure(config)
        try:
            await self._registrations.open()
        except StoreError as error:
            log.warning("the registrations cannot be read: %s", error)
        self.on_news(f"The accounts have changed: {said}.", False)

    def _fetched(self) -> frozenset[tuple[str, str, bool]] | None:
        """The public keys in the database; None where it cannot be read."""
        stored = self._keychain.public_keys
        try:
            rows = stored.rows() if stored is not None else []
        except StoreError:
            return None
        return frozenset((row.provider, row.fingerprint, row.trusted) for row in rows)


def differences(before: Sequence[Account], after: Sequence[Account]) -> str:
    """How accounts differ from those before, in words; empty where they do not."""
    old, new = ({account.name: account for account in accounts} for accounts in (before, after))
    words = (
        ("added", [name for name in new if name not in old]),
        ("removed", [name for name in old if name not in new]),
        ("changed", [name for name in new if name in old and new[name] != old[name]]),
    )
    return "; ".join(f"{', '.join(visible(name, limit=60) for name in names)} {word}" for word, names in words if names)
