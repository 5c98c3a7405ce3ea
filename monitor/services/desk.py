"""One account at work: the client of its API, what was listed and done, and the panel that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from monitor.account import Account, settings_of
from monitor.admin.base import DEADLINE_S, LIST, Admin, AdminError, ApiCall, Portal, Trouble
from monitor.model.drift import DriftRow, Facts, KeyFact, drift
from monitor.model.registration import Change, ChangeKind, ChangeRecord, ChangeState, Registration, Wanted
from monitor.providers.keys import KeyProblem
from monitor.providers.registry import registry
from monitor.secret import KeyringSecret, Secret
from monitor.services import accounts
from monitor.services.keyring import KeyringProblem
from monitor.services.office import Office
from monitor.services.signingkeys import new_key
from monitor.store.errors import StoreError

FRESH_S: Final = 5.0  # a list that is no older is not asked for again before a change
QUIET_S: Final = 60.0  # for which a provider's wish to be left alone is obeyed at most
BY_HAND: Final = "by hand"  # the id of a registration that a person made where there is no API
_SEALED: Final = Secret("…")  # in the place of a secret that the keyring was not asked for yet


@dataclass(frozen=True, slots=True)
class Panel:
    """An account as it is shown; plain data that is replaced whole when something changes.

    ``credential`` is masked. ``took_s`` is how long the last call to the API took, ``trouble`` the sentence when it
    failed and ``trouble_kind`` why; ``rows`` are then those of ``refreshed_at``. ``busy`` says what is under way, None
    when nothing is. ``cannot`` gives the sentence why an operation (``list``, ``add``, ``update``, ``remove``) is not
    offered.
    """

    account: str
    provider: str
    label: str
    credential: str
    host: str
    portal: Portal | None
    cannot: Mapping[str, str]
    rows: tuple[DriftRow, ...] = ()
    took_s: float | None = None
    trouble: str | None = None
    trouble_kind: Trouble | None = None
    refreshed_at: datetime | None = None
    busy: str | None = None


def _credential(account: Account) -> str:
    """What lets hooktop in at the API, masked; of a provider without one, what it signs with."""
    settings = settings_of(account.provider) or ()
    of_api = [setting for setting in settings if setting.field == "api_secret"]
    return next(filter(None, (accounts.masked(account, setting) for setting in of_api or settings)), "none")


class Desk:
    """Keeps what is known of one account. ``lock`` is held by whoever asks its API."""

    def __init__(self, account: Account, office: Office) -> None:
        self.account = account
        self.office = office
        self.lock = asyncio.Lock()
        self.listed: tuple[Registration, ...] | None = None
        self.wanted: tuple[Wanted, ...] = ()
        self.records: tuple[ChangeRecord, ...] = ()
        self.in_flight: int | None = None  # the record of a change that is being asked for
        self.outdated = False  # a change was asked for since the list was read
        self.overtaken = False  # another run has changed something since then, or may have
        self._quiet_until = 0.0  # on the loop's clock: the provider asked not to be asked before
        self.draft_key = new_key()  # what the next registration gets, so that a form shows one key
        self._admin: Admin | None = None
        self._prepared = False
        self._opened = False
        self._others: dict[int, ChangeState] | None = None  # how far the changes of other runs came
        self._alive: dict[str, bool | None] = {}
        self._known: dict[str, tuple[Registration, datetime]] = {}  # registered by the records, since when
        self._first: dict[tuple[str, datetime], datetime] = {}  # when something first came, by id and since when
        self._took_s: float | None = None
        self._trouble: AdminError | StoreError | None = None
        self._refreshed_at: datetime | None = None
        self._busy: str | None = None
        self.panel = self._panel()

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.account.provider

    @property
    def label(self) -> str:
        """The provider's name for people."""
        known = registry().get(self.provider)
        return known.label if known is not None else self.provider

    @property
    def admin(self) -> Admin | None:
        """The client, perhaps with its secret still in the keyring; None where the account lacks something, which the
        panel tells."""
        self.prepare()
        return self._admin

    @property
    def unasked(self) -> bool:
        """Whether the provider has no API, so that its address is set by hand."""
        failed = self._trouble
        return self._admin is None and isinstance(failed, AdminError) and failed.kind is Trouble.UNSUPPORTED

    @property
    def lists(self) -> bool:
        """Whether the API tells what is registered."""
        return self._admin is not None and self._admin.cannot(LIST) is None

    @property
    def rows(self) -> tuple[DriftRow, ...]:
        """The rows as they were last worked out."""
        return self.panel.rows

    @property
    def found(self) -> tuple[Registration, ...] | None:
        """What the provider has; where it lists nothing, what the records say. None when nobody has looked."""
        return self.listed if self.lists else tuple(self.history())

    @property
    def fresh(self) -> bool:
        """Whether the list is recent enough to act upon: one from before a change is not, nor one from later than now,
        since the clock was set back."""
        at = self._refreshed_at
        if self.listed is None or at is None or self.outdated:
            return False
        return 0 <= (self.office.now() - at).total_seconds() < FRESH_S

    def prepare(self) -> None:
        """Make the client. The first one of all takes some 150 ms, since what it needs is loaded."""
        if not self._prepared:
            sealed = isinstance(self.account.api_secret, KeyringSecret)
            account = replace(self.account, api_secret=_SEALED) if sealed else self.account
            try:
                self._admin = self.office.make(account, on_call=self.answered)
                self._opened = not sealed
            except AdminError as error:
                self._trouble = error
            self._prepared = True

    def find(self, id_: str) -> Registration | None:
        """What was found with this id."""
        return next((registration for registration in self.found or () if registration.id == id_), None)

    def wish(self, subject: str) -> Wanted | None:
        """What is wanted for a subject."""
        return next((wanted for wanted in self.wanted if wanted.subject == subject), None)

    def history(self) -> list[Registration]:
        """What the provider has by the records alone, oldest first."""
        return [registration for registration, _ in self._known.values()]

    @property
    def url(self) -> str | None:
        """Today's address; None without one, and when it cannot be made."""
        try:
            return self.office.reach.hook_url(self.provider)
        except KeyProblem:
            return None

    def uncertain(self) -> list[ChangeRecord]:
        """The changes that were asked for without an answer."""
        begun = ChangeState.BEGUN
        return [record for record in self.records if record.state is begun and record.id != self.in_flight]

    def is_ours(self, url: str) -> bool:
        """Whether this installation made an address; False when that cannot be told."""
        try:
            return self.office.reach.is_ours(url)
        except KeyProblem:
            return False

    @property
    def took_s(self) -> float | None:
        """How long the last call to the API took."""
        return self._took_s

    def busy(self, what: str | None) -> None:
        """Show what is under way."""
        self._busy = what
        self.publish()

    def failed(self, error: AdminError | StoreError) -> None:
        """Show a trouble."""
        self._trouble = error
        self.publish()

    def leave_alone(self, seconds: float) -> None:
        """The provider asks to wait so long."""
        self._quiet_until = asyncio.get_running_loop().time() + min(seconds, QUIET_S)

    @property
    def quiet_s(self) -> float:
        """How long the provider is still to be left alone, 0 when it is not."""
        return max(self._quiet_until - asyncio.get_running_loop().time(), 0.0)

    def publish(self) -> None:
        """Work out the panel anew, without asking anybody."""
        self.panel = self._panel()
        self.office.changed()

    async def client(self, *, anew: bool = False) -> Admin:
        """The client with its secret at hand, for which the keyring may have to be unlocked; ``anew`` makes one that
        has learnt nothing yet. Raises AdminError."""
        if self._admin is not None and self._opened and not anew:
            return self._admin
        try:
            account = await asyncio.to_thread(accounts.opened, self.account)
        except KeyringProblem as error:
            raise AdminError(Trouble.AUTH, str(error)) from None
        admin = await asyncio.to_thread(lambda: self.office.make(account, on_call=self.answered))
        self._admin, self._prepared, self._opened = admin, True, True
        return admin

    async def read(self) -> None:
        """Read what is wanted and what was done. Raises StoreError."""
        store = self.office.store
        self.wanted = tuple(await asyncio.to_thread(store.wanted, self.name))
        self.records = tuple(await asyncio.to_thread(lambda: store.records(account=self.name)))
        self._known = _registered(self.records)
        self._look_at_others()

    def _look_at_others(self) -> None:
        """See whether another run has changed something since it was last read: not where it was refused, nor where a
        change of its own is taken back or dismissed from here."""
        run, before = self.office.run, self._others
        self._others = {record.id: record.state for record in self.records if record.run != run}
        if before is not None:
            new = [(id_, state) for id_, state in self._others.items() if before.get(id_) is not state]
            self.overtaken |= any(
                state is ChangeState.DONE or (id_ not in before and state is not ChangeState.FAILED)
                for id_, state in new
            )

    async def look(self, deadline_s: float = DEADLINE_S, *, anew: bool = False) -> None:
        """Ask the provider what it offers and has; ``anew`` as if for the first time. Raises AdminError."""
        admin = await self.client(anew=anew)
        try:
            async with asyncio.timeout(deadline_s):
                await admin.learn()
                if admin.cannot(LIST) is None:
                    # What moves on from page to page while they are read is told twice, and is one all the same.
                    self.listed = tuple({one.id: one for one in await admin.list()}.values())
        except TimeoutError:
            raise AdminError(
                Trouble.UNREACHABLE, f"{admin.host} did not answer within {deadline_s:g} s; try again later."
            ) from None
        self._refreshed_at = self.office.now()
        self._trouble, self.outdated, self.overtaken = None, False, False

    def apply(self, change: Change, after: Registration | None) -> None:
        """What the list would show after a change, until it is asked for again."""
        if self.listed is not None:
            gone = change.target.id if change.target is not None and change.kind is not ChangeKind.ADD else None
            kept = [one for one in self.listed if one.id not in (gone, after and after.id)]
            self.listed = (*kept, *([after] if after is not None else []))

    async def look_around(self) -> None:
        """Ask whether anything answers at earlier addresses."""
        url = self.url
        old = {one.url for one in self.found or () if one.url != url and self.is_ours(one.url)}
        if self.office.alive is not None:
            known = await asyncio.gather(*(self.office.alive(address) for address in old), return_exceptions=True)
            found = zip(old, known, strict=True)
            self._alive = {address: None if isinstance(one, BaseException) else one for address, one in found}

    async def look_back(self) -> None:
        """Find out what came first where nothing is listed. Raises StoreError."""
        store, demo = self.office.store, self.office.demo
        for awaited in self._awaited():
            at = await asyncio.to_thread(store.first_event, self.provider, awaited[1], simulated=demo)
            if at is not None:
                self._first[awaited] = at

    def came(self, at: datetime) -> bool:
        """Something of the provider came at this time; whether that is the first."""
        news = [awaited for awaited in self._awaited() if awaited[1] <= at]
        self._first.update(dict.fromkeys(news, at))
        return bool(news)

    def _awaited(self) -> list[tuple[str, datetime]]:
        """The registrations, by id and since when, to which nothing has come yet as far as is known."""
        if self.lists:
            return []
        return [(id_, since) for id_, (_, since) in self._known.items() if (id_, since) not in self._first]

    def answered(self, call: ApiCall) -> None:
        """A call to the API is over."""
        self._took_s = call.took_s
        self.office.on_call(call)

    def _panel(self) -> Panel:
        account, admin = self.account, self._admin
        failed = self._trouble
        trouble = failed.in_full if isinstance(failed, AdminError) else None if failed is None else str(failed)
        try:
            path = self.office.reach.hook_path(self.provider)
            if self.unasked and trouble is not None:  # whoever sets it by hand has to know it
                trouble = f"{trouble.removesuffix('.')}: {self.url or f'the public URL with {path} behind it'}"
        except KeyProblem as error:
            trouble = str(error)
        operations = (LIST, *ChangeKind) if admin is not None else ()
        return Panel(
            account=account.name,
            provider=account.provider,
            label=self.label,
            credential=_credential(account),
            host=admin.host if admin is not None else "",
            portal=admin.portal if admin is not None else None,
            cannot={str(name): why for name in operations if (why := admin.cannot(name)) is not None} if admin else {},
            rows=drift(self._facts(admin)) if admin is not None else (),
            took_s=self._took_s,
            trouble=trouble,
            trouble_kind=failed.kind if isinstance(failed, AdminError) else None,
            refreshed_at=self._refreshed_at,
            busy=self._busy,
        )

    def facts(self, wanted: Sequence[Wanted]) -> Facts | None:
        """What is known, were this wanted; None without a client."""
        return None if self._admin is None else replace(self._facts(self._admin), wanted=wanted)

    def _facts(self, admin: Admin) -> Facts:
        ours: dict[str, bool] = {}
        asked = {record.subject: record.begun_at for record in self.uncertain() if record.kind is ChangeKind.ADD}

        def is_ours(url: str) -> bool:
            if url not in ours:
                ours[url] = self.is_ours(url)
            return ours[url]

        def first_event(registration: Registration) -> datetime | None:
            known = self._known.get(registration.id)
            return None if known is None else self._first.get((registration.id, known[1]))

        return Facts(
            account=self.name,
            provider=self.provider,
            url=self.url,
            wanted=self.wanted,
            found=self.found,
            ours=is_ours,
            lists=self.lists,
            exclusive=admin.exclusive,
            needs_key=admin.needs_key,
            cannot=admin.cannot,
            alive=self._alive.get,
            key=self._key if admin.needs_key else lambda registration: None,
            first_event=first_event,
            asked=asked.get,
        )

    def _key(self, registration: Registration) -> KeyFact:
        """What is known of a registration's key: one that was made for it, else the account's own may be it."""
        verified = self.office.verified
        made = self.office.signing.of(self.provider, registration.id)
        if made is not None:
            return KeyFact(True, verified.get((self.provider, made.fingerprint)))
        if not self.account.signing_secrets:
            return KeyFact(False)
        own = {key.fingerprint for key in self.office.signing.made(self.provider)}
        times = [at for (provider, key), at in verified.items() if provider == self.provider and key not in own]
        return KeyFact(True, max(times, default=None))


def _registered(records: Sequence[ChangeRecord]) -> dict[str, tuple[Registration, datetime]]:
    """What is registered by the records, by id, and since when."""
    found: dict[str, tuple[Registration, datetime]] = {}
    for record in records:
        if record.state in (ChangeState.BEGUN, ChangeState.FAILED):
            continue
        if record.state is ChangeState.DISMISSED and record.ended_at is None:  # nobody knows
            continue
        if record.before is not None:
            found.pop(record.before.id, None)
        if record.after is not None:
            found[record.after.id] = record.after, record.begun_at
    return found
