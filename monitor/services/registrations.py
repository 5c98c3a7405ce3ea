"""Registrations: what is wanted at the providers, what they have, and every change that brings the two together."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from monitor import tasks
from monitor.admin.base import Admin, AdminError, ApiCall, Portal, Trouble
from monitor.model.capture import Capture, Source
from monitor.model.drift import FINE, DriftRow, State
from monitor.model.registration import ChangeRecord, ChangeState, Spec
from monitor.model.verdict import VerdictStatus
from monitor.services import ephemeral, plans, restoring
from monitor.services.changes import Work
from monitor.services.desk import Desk, Panel
from monitor.services.elsewhere import Elsewhere
from monitor.services.office import AskAlive, MakeAdmin, Office
from monitor.services.plans import Action, Confirm, Plan
from monitor.services.progress import OnProgress, Outcome, Progress, Step
from monitor.services.restoring import Offer
from monitor.services.settling import settle
from monitor.services.trying import Tested, tested
from monitor.store.errors import StoreError
from monitor.store.registrations import MAX_ADDRESSES
from monitor.text import visible
from monitor.times import utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitor.account import Account
    from monitor.config import Config
    from monitor.services.keychain import Keychain
    from monitor.services.reach import Reach
    from monitor.services.signingkeys import SigningKeys
    from monitor.store.registrations import RegistrationStore

__all__ = [
    "Action", "Confirm", "Offer", "OnProgress", "Outcome", "Panel", "Plan", "Portal", "Progress", "Registrations",
    "Step", "Tested", "Trouble",
]  # fmt: skip
KEPT_CALLS: Final = 200
ASKED_ANEW: Final = "asking for what was changed elsewhere"
SEEN_AGAIN: Final = timedelta(seconds=1)  # how often the time of the last verified delivery moves on
log = logging.getLogger(__name__)


def _nobody(_: Progress) -> None:
    """Nobody watches."""


def _client(account: Account, *, on_call: Callable[[ApiCall], None] | None = None) -> Admin:
    from monitor.admin.clients import admin_for  # loading it costs more than all else here

    return admin_for(account, on_call=on_call)


class Registrations:
    """The registrations of all accounts. What is read on each tick (``panels``, ``calls``) does no I/O.

    Use: ``await open()``, then ``refresh``, plans and ``carry_out`` at will. Plans are made at once from what is
    known, also on each key of a form; only ``refresh``, ``carry_out`` and ``test`` use the network.
    """

    def __init__(
        self,
        config: Config,
        reach: Reach,
        store: RegistrationStore,
        keychain: Keychain,
        signing: SigningKeys,
        *,
        make: MakeAdmin = _client,
        alive: AskAlive | None = None,
        read_only: bool = False,
        demo: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """``make`` makes the client of an account, ``alive`` tells whether an earlier address still leads anywhere;
        with ``demo`` simulated events count as events."""
        self.run: Final = secrets.token_hex(8)
        self.calls: Final[deque[ApiCall]] = deque(maxlen=KEPT_CALLS)
        self.version = 0  # another number whenever a panel or ``calls`` changed
        self._store = store
        self._keychain = keychain
        self._office = Office(
            reach, store, signing, make, self.run, alive, read_only, demo, now, self._called, self._changed
        )
        self._desks: dict[str, Desk] = {}
        self._former: dict[str, Desk] = {}  # of accounts that were taken out: a form may still be open on one
        self._works: list[Work] = []
        self._followers: list[Callable[[], None]] = []
        self._urls: dict[str, tuple[str, ...]] = {}
        self._elsewhere = Elsewhere(store)
        self._prepared = False
        self._preparing: asyncio.Task[None] | None = None
        self.configure(config)
        reach.follow(self._republish)

    @property
    def read_only(self) -> bool:
        """Whether every plan is refused."""
        return self._office.read_only

    async def open(self) -> None:
        """Read what is wanted and what was done, without the network, and make the clients. Raises StoreError."""
        await self.read()
        await self._prepare()

    async def read(self) -> None:
        """As ``open``, without the clients: as much as is needed to verify what comes in. May wait for the keyring.
        Raises StoreError."""
        await self._keychain.unlock()
        for desk in self._desks.values():
            await desk.read()
            desk.publish()

    async def catch_up(self) -> tuple[str, ...]:
        """Take in what other runs of hooktop want and have changed; gives the accounts. Has the providers asked anew
        that were asked before, and does not wait for what they answer. Raises StoreError."""
        changed = await self._elsewhere.look(self._desks.values(), self._office.now())
        for desk in changed:
            if desk.listed is not None:
                tasks.start(self._refresh(desk), ASKED_ANEW)
        return tuple(desk.name for desk in changed)

    def configure(self, config: Config) -> None:
        """Other accounts from now on; those that stay the same keep what is known. ``open`` again afterwards."""
        before, self._desks = self._desks, {}
        for account in config.accounts:
            known = before.get(account.name)
            same = known is not None and known.account == account
            self._desks[account.name] = known if known is not None and same else Desk(account, self._office)
        self._former |= before
        self._prepared, self._preparing = False, None
        self._changed()

    def panels(self) -> tuple[Panel, ...]:
        """The accounts in the order of the configuration; empty of rows until the clients are made, which this begins
        when nobody has yet."""
        if not self._prepared and self._preparing is None and self._desks:
            self._preparing = tasks.start(self._prepare(), "clients of the accounts")
        return tuple(desk.panel for desk in self._desks.values())

    def panel(self, account: str) -> Panel:
        """One account, as it was last where it is not there any more. Raises KeyError where it never was."""
        return self._desk(account).panel

    def admin(self, account: str) -> Admin | None:
        """The client of an account, for the fields of a form; None where the account lacks something (the panel says
        what). Raises KeyError."""
        return self._desk(account).admin

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever a panel or the log of calls has changed."""
        self._followers.append(changed)

    def committed(self, batch: Sequence[Capture]) -> None:
        """Captures that were just committed: probes, first events, keys that verified something."""
        office = self._office
        dirty: set[str] = set()
        for capture in batch:
            if capture.source is not Source.NETWORK and not (office.demo and capture.source is Source.SIMULATED):
                continue
            for work in self._works:
                if work.desk.provider == capture.provider:
                    work.came(capture)
            for desk in self._desks.values():
                if desk.provider == capture.provider and desk.came(capture.received_at):
                    dirty.add(desk.name)
            if capture.verdict.status is VerdictStatus.VERIFIED and capture.verdict.key is not None:
                known = capture.provider, capture.verdict.key
                last = office.verified.get(known)
                if last is None or capture.received_at - last >= SEEN_AGAIN:
                    office.verified[known] = capture.received_at
                    dirty |= {desk.name for desk in self._desks.values() if desk.provider == capture.provider}
        for name in dirty:
            self._desks[name].publish()

    def probes(self, account: str, registration: str) -> tuple[int, ...]:
        """The captures that came in from the provider while a registration (its id) was last asked for."""
        desk = self._desks.get(account)
        for record in reversed(desk.records if desk is not None else ()):
            if record.after is not None and record.after.id == registration and record.probes:
                return record.probes
        return ()

    def records(self, account: str) -> tuple[ChangeRecord, ...]:
        """What hooktop did for an account, oldest first, as it was last read."""
        desk = self._desks.get(account)
        return desk.records if desk is not None else ()

    async def refresh(self, account: str | None = None) -> None:
        """Ask the providers what they offer and have, all accounts at once; errors are in the panels. Never raises."""
        await asyncio.gather(*(self._refresh(desk) for desk in self._some(account)))

    async def test(self, account: str) -> Tested:
        """Try an account's credentials with a call that changes nothing. Raises KeyError."""
        desk = self._desks[account]
        async with self._at(desk, "testing the credentials"):
            found = await tested(desk, self.calls)
        return replace(found, took_s=desk.panel.took_s)

    def plan_add(self, account: str, spec: Spec) -> Plan:
        """Register ``spec`` at today's address; becomes the mending of what is there already. Raises KeyError."""
        return plans.add(self._desk(account), spec)

    def plan_mend(self, row: DriftRow) -> Plan:
        """The one change that mends a row; for what is ours and not wanted: adopt it, at today's address."""
        return plans.mend(self._desk(row.account), row)

    def plan_mend_all(self) -> tuple[Plan, ...]:
        """Everything wanted or left over that can be mended without touching what is not ours, each as a plan of its
        own; what a person has to do by hand is not among them."""
        made = [
            plans.mending(desk, row, row.mend)
            for desk in self._desks.values()
            for row in desk.rows
            if row.mend is not None and row.state not in FINE and row.state is not State.UNWANTED
        ]
        return tuple(plan for plan in made if plan.confirm is not Confirm.TYPE and plan.by_hand is None)

    def plan_active(self, row: DriftRow, active: bool) -> Plan:
        """Activate or deactivate what was found."""
        return plans.activate(self._desk(row.account), row, active)

    def plan_edit(self, row: DriftRow, spec: Spec) -> Plan:
        """Give what was found the settings ``spec``, which is whole."""
        return plans.edit(self._desk(row.account), row, spec)

    def plan_remove(self, row: DriftRow) -> Plan:
        """Remove what was found, and want it no longer; only the latter where nothing was found."""
        return plans.remove(self._desk(row.account), row)

    def plan_restore(self, record: ChangeRecord) -> Plan:
        """Put back what was there before a change, as far as the last ``refresh`` knows what is there now. Raises
        KeyError."""
        return restoring.plan(self._desk(record.account), record)

    async def carry_out(self, plan: Plan, on_progress: OnProgress | None = None) -> Outcome:
        """Save what is there, ask the provider, look what came of it. Whoever calls it has asked as ``confirm`` says.

        Raises nothing but CancelledError: a change that was cancelled on its way stays begun, and the next ``refresh``
        finds out what became of it.
        """
        desk = self._desks.get(plan.account)
        if desk is None:
            return Outcome(plan, ChangeState.FAILED, f"There is no account {visible(plan.account)} any more.")
        work = Work(desk, plan, on_progress or _nobody, self._again)
        async with self._at(desk, plan.title):
            self._works.append(work)
            try:
                return await work.carry_out()
            finally:
                self._works.remove(work)

    async def carry_out_all(self, plans_: Sequence[Plan]) -> tuple[Outcome, ...]:
        """Several plans: the accounts at once, one change after the other within an account."""
        outcomes: dict[int, Outcome] = {}

        async def one_account(account: str) -> None:
            for number, plan in enumerate(plans_):
                if plan.account == account:
                    outcomes[number] = await self.carry_out(plan)

        await asyncio.gather(*(one_account(account) for account in dict.fromkeys(plan.account for plan in plans_)))
        return tuple(outcomes[number] for number in range(len(plans_)))

    async def offers(self) -> tuple[Offer, ...]:
        """What to offer unasked, at the start and at the exit: addresses of others that gave way in this run, or in one
        that did not end properly, and changes whose answer nobody saw; nothing to who may not put it back. Raises
        StoreError."""
        if self.read_only:
            return ()
        records = await asyncio.to_thread(lambda: self._store.records(unclosed=True))
        return tuple(
            self._offer(record)
            for record in self._restorable(records)
            if restoring.worth_asking(record, self._desks[record.account].is_ours)
        )

    async def restorable(self, account: str | None = None) -> tuple[Offer, ...]:
        """Everything that can be put back, the latest first. Raises StoreError."""
        records = await asyncio.to_thread(lambda: self._store.records(account=account))
        return tuple(self._offer(record) for record in reversed(self._restorable(records)))

    async def out_of_reach(self) -> str | None:
        """What could be put back of accounts that are there no more, as a sentence; None where that is nothing. Raises
        StoreError."""
        records = await asyncio.to_thread(self._store.records)
        gone = (record for record in records if record.account not in self._desks)
        found = restoring.restorable(gone, lambda account, url: False)
        return restoring.out_of_reach(record.account for record in found) if found else None

    async def dismiss(self, record: ChangeRecord) -> None:
        """Never offer this again, nor another change to the same registration. Raises StoreError."""
        records = await asyncio.to_thread(lambda: self._store.records(account=record.account))
        await asyncio.to_thread(self._store.mark, restoring.chain(record, records), ChangeState.DISMISSED)
        for desk in self._some(record.account if record.account in self._desks else None):
            await desk.read()
            desk.publish()

    async def leave(self) -> None:
        """This run ends properly, after it has asked: its changes are not offered unasked again, nor those of earlier
        runs. Raises StoreError."""
        for run in {offer.record.run for offer in await self.offers()} | {self.run}:
            await asyncio.to_thread(self._store.close, run)

    async def remove_added(self, since: datetime) -> tuple[Outcome, ...]:
        """Remove what was added at or after ``since`` (``--ephemeral``), also by commands beside this run; what cannot
        be removed gives a failed outcome. Raises StoreError."""
        former = [desk for name, desk in self._former.items() if name not in self._desks]
        go, stay = await ephemeral.removals(self._desks.values(), former, since, self._refresh)
        return (*await self.carry_out_all(go), *stay)

    def _desk(self, account: str) -> Desk:
        """The desk of an account, also of one that was taken out, for which no plan is carried out. Raises KeyError."""
        return self._desks.get(account) or self._former[account]

    def _some(self, account: str | None) -> Iterable[Desk]:
        return [desk for name, desk in self._desks.items() if account in (None, name)]

    async def _prepare(self) -> None:
        for desk in list(self._desks.values()):
            await asyncio.to_thread(desk.prepare)
            desk.publish()
        self._prepared = True

    async def _refresh(self, desk: Desk) -> None:
        async with self._at(desk, "asking what is registered"):
            try:
                await desk.read()
                await desk.look()
                await settle(desk)
                await desk.look_back()
                desk.publish()
                await desk.look_around()
            except (AdminError, StoreError) as error:
                desk.failed(error)
            except Exception as error:
                log.error("listing the registrations of %s failed: %s", desk.provider, type(error).__name__)
                text = f"hooktop could not read what {desk.label} answered ({type(error).__name__}); see the log."
                desk.failed(AdminError(Trouble.UNINTELLIGIBLE, text))

    @asynccontextmanager
    async def _at(self, desk: Desk, what: str) -> AsyncIterator[None]:
        """One at a time for an account, with a word in the panel on what is under way."""
        async with desk.lock:
            desk.busy(what)
            try:
                yield
            finally:
                desk.busy(None)

    def _again(self, plan: Plan) -> Plan | None:
        """The plan that could get further after a refusal, since the list is another now."""
        desk = self._desks.get(plan.account)
        if desk is None:  # the account was taken out meanwhile
            return None
        if plan.restores is not None:
            found = restoring.plan(desk, plan.restores)
        elif plan.wants and plan.spec is not None:
            found = plans.add(desk, plan.spec)
        else:
            return None
        return found if found.possible and found.change != plan.change else None

    def _restorable(self, records: Iterable[ChangeRecord]) -> list[ChangeRecord]:
        known = (record for record in records if record.account in self._desks)
        return restoring.restorable(known, lambda account, url: self._desks[account].is_ours(url))

    def _offer(self, record: ChangeRecord) -> Offer:
        return restoring.offer(record, self._desks[record.account].label)

    def _called(self, call: ApiCall) -> None:
        self.calls.append(call)
        self._changed()

    def _republish(self) -> None:
        for desk in self._desks.values():
            desk.publish()

    def _changed(self) -> None:
        self.version += 1
        urls = self._registered()
        if urls != self._urls:
            self._urls = urls
            self._keychain.registered(urls)
        for follower in self._followers:
            follower()

    def _registered(self) -> dict[str, tuple[str, ...]]:
        """The addresses that deliveries may be signed for, by provider: ours first, and last those that were ours."""
        found: dict[str, dict[str, bool]] = {}
        for desk in self._desks.values():
            urls = found.setdefault(desk.provider, {})
            for registration in desk.history() if desk.found is None else desk.found:
                urls[registration.url] = desk.is_ours(registration.url)
            for record in reversed(desk.records):
                if record.after is not None:
                    urls.setdefault(record.after.url, False)
        return {
            provider: tuple(sorted(urls, key=lambda url: not urls[url])[:MAX_ADDRESSES])
            for provider, urls in found.items()
            if urls
        }
