"""What the commands about registrations share: which accounts and which address are meant, and what is there."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Globals
from monitor.cli.errors import FAILED, REFUSED, USAGE, fail, tell
from monitor.cli.history import database, reading
from monitor.cli.options import PUBLIC_URL, RECEIVERS_PORT, Function, with_options
from monitor.text import visible

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.account import Account
    from monitor.admin.base import Admin, Trouble
    from monitor.config import Config
    from monitor.model.drift import DriftRow
    from monitor.services.registrations import Panel, Registrations

RECENT: Final = 500  # captures that may show that a key verifies something
# The provider said no; in what else may go wrong it was not asked, or nobody knows.
SAID_NO: Final = frozenset({"auth", "refused", "not_found", "conflict", "rate_limited"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command line says of accounts and addresses; None leaves it open."""

    provider: str | None = None
    account: str | None = None
    public_url: str | None = None
    port: int | None = None


def choosing(function: Function) -> Function:
    """Adds the options that say which accounts and which address are meant, given to the command as ``chosen``."""

    @functools.wraps(function)
    def called(
        *args: Any, provider: str | None, account: str | None, public_url: str | None, port: int | None, **others: Any
    ) -> Any:
        from monitor.cli.receiving import base_address

        if public_url is not None:
            public_url = base_address(public_url)
        return function(*args, chosen=Chosen(provider, account, public_url, port), **others)

    return with_options(
        called,
        click.option("--provider", metavar="PROVIDER", help="The accounts of one provider only."),
        click.option("--account", metavar="NAME", help="One account only."),
        PUBLIC_URL,
        RECEIVERS_PORT,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Registrations at hand: those of the chosen accounts, for a receiver at ``public_url``."""

    registrations: Registrations
    accounts: tuple[Account, ...]
    config: Config
    database: Path
    public_url: str | None
    port: int

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The accounts as they are known now."""
        return self.registrations.panels()

    def rows(self) -> list[DriftRow]:
        """The rows of all accounts."""
        return [row for panel in self.panels for row in panel.rows]

    def needed_url(self) -> str:
        """Today's address; ends the command where there is none."""
        if self.public_url is None:
            fail(
                "There is no public URL: give it with --public-url, set public_url under [receiver] in the "
                f"configuration, or start a tunnel that leads to port {self.port}, such as with "
                "'hooktop --tunnel cloudflared'.",
                USAGE,
            )
        return self.public_url

    def admin(self, account: str) -> Admin:
        """The client of an account; ends the command where that lacks something."""
        found = self.registrations.admin(account)
        if found is None:
            fail(self.registrations.panel(account).trouble or "The account cannot be used.", USAGE)
        return found

    def one_account(self) -> Account:
        """The account that is meant; ends the command where it may be several."""
        if len(self.accounts) > 1:
            names = ", ".join(visible(account.name) for account in self.accounts)
            fail(f"There are several accounts ({names}); say which with --account NAME.", USAGE)
        return self.accounts[0]

    def row(self, wanted: str, unasked: int = 0) -> DriftRow:
        """The row with this id, the beginning of an id, or this subject; ends the command where there is none, with the
        exit code ``unasked`` where accounts could not be asked."""
        from monitor.model.drift import State

        rows = self.rows()
        found = [row for row in rows if row.found is not None and row.found.id == wanted]
        of_subject = [row for row in rows if row.subject == wanted]
        nameless = {row.account for row in of_subject if row.found is None}  # nothing but the subject names those rows
        found = found or [row for row in of_subject if row.found is None or row.account not in nameless]
        found = found or [row for row in rows if row.found is not None and wanted and row.found.id.startswith(wanted)]
        shown = visible(wanted, limit=100)
        if unasked and all(row.state is State.NOT_LISTED for row in found):
            fail(f"Whether there is a webhook {shown!r} is not known, since not every account could be asked.", unasked)
        if not found:
            fail(f"There is no webhook {shown!r}; 'hooktop webhooks list' shows the ids.", FAILED)
        if len(found) > 1:
            names = ", ".join(f"{visible(row.account)} {visible(row.found.id if row.found else '')}" for row in found)
            fail(f"{shown!r} may be several webhooks ({names}); give the whole id, and --account where needed.", USAGE)
        return found[0]


@contextlib.asynccontextmanager
async def registrations_at(
    options: Globals, chosen: Chosen, *, refresh: bool = True, accounts_needed: bool = True
) -> AsyncIterator[Place]:
    """The registrations of the chosen accounts; with ``refresh`` the providers are asked what they have. Where no
    account is there at all it ends the command if there have to be some (``accounts_needed``).

    What was changed through them is noted as of a run that has ended properly. Raises ConfigError and StoreError.
    """
    from monitor.cli import logs
    from monitor.services.assemble import beside, load_config, registrations_of
    from monitor.store.registrations import RegistrationStore

    config = load_config(options.config)
    logs.to_stderr(logs.secrets_of(config), options.verbose)
    accounts = _accounts(config, chosen) if config.accounts or accounts_needed else ()
    path = database(options, config)
    config = beside(config, path, chosen.port)
    port = config.receiver.port if chosen.port is None else chosen.port
    url = chosen.public_url or config.receiver.public_url or await _tunnel(port)
    config = replace(config, accounts=accounts, receiver=replace(config.receiver, public_url=url, port=port))
    registrations = registrations_of(config, path)
    await registrations.open()
    place = Place(registrations, accounts, config, path, url, port)
    if refresh:
        await asyncio.to_thread(_recent, place)
        await registrations.refresh()
    yield place
    if any(record.run == registrations.run for one in accounts for record in registrations.records(one.name)):
        await asyncio.to_thread(RegistrationStore(path).close, registrations.run)


async def _tunnel(port: int) -> str | None:
    """The address of a tunnel that runs and leads to the receiver's port."""
    from monitor.services.tunnel import running

    found = await running(port) if port else None
    if found is None or found.port != port:
        return None
    tell(f"The public URL is that of {found.program}'s tunnel to port {port}: {found.url}")
    return found.url


def _accounts(config: Config, chosen: Chosen) -> tuple[Account, ...]:
    from monitor.services.accounts import left_out

    if not config.accounts:
        from monitor.account import with_accounts

        possible = with_accounts()
        # an account's name is the provider's unless another was given
        wanted = chosen.provider or (chosen.account if chosen.account in possible else "volt")
        if wanted not in possible:
            fail(f"There is no provider {visible(wanted)!r}; there are {', '.join(possible)}.", USAGE)
        fail(f"There are no accounts yet; 'hooktop accounts add {wanted}' adds one.", USAGE)
    names = ", ".join(visible(account.name) for account in config.accounts)
    if chosen.account is not None and chosen.account not in {account.name for account in config.accounts}:
        fail(f"There is no account {visible(chosen.account)!r}; there are {names}.", USAGE)
    found = tuple(
        account
        for account in config.accounts
        if chosen.account in (None, account.name) and chosen.provider in (None, account.provider)
    )
    if not found:
        known = ", ".join(dict.fromkeys(account.provider for account in config.accounts))
        said = f"There is no such account of {visible(chosen.provider or '')!r}; there are accounts of {known}."
        fail(f"{said} {left_out(config) or ''}".rstrip(), USAGE)
    return found


def _recent(place: Place) -> None:
    """Tell of the newest captures, so that it is known which keys verify something."""
    if place.database.exists():
        with reading(place.database) as reader:
            place.registrations.committed(reader.recent(RECENT))


def mending(row: DriftRow) -> str:
    """The command that mends one row, or notes that a person has."""
    which = row.found.id if row.found is not None else row.subject
    return f"hooktop webhooks mend {shlex.quote(which)} --account {shlex.quote(row.account)}"


def code_of(kind: Trouble | None) -> int:
    """The exit code for a failed call."""
    return REFUSED if kind is not None and kind.value in SAID_NO else FAILED


def worst(codes: Sequence[int]) -> int:
    """The exit code of several: that a provider refused is said first."""
    return REFUSED if REFUSED in codes else max(codes, default=0)


def troubles(place: Place) -> int:
    """Say which accounts could not be asked; gives the exit code."""
    codes: list[int] = []
    lacking = 0
    for panel in place.panels:
        if panel.trouble is None:
            continue
        tell(f"{panel.account}: {panel.trouble}")
        if place.registrations.admin(panel.account) is None:  # it was never meant to be asked, perhaps
            lacking += 1
        else:
            codes.append(code_of(panel.trouble_kind))
    return USAGE if lacking == len(place.panels) else worst(codes)
