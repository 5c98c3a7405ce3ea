"""Registrations: what is wanted at the providers, what they have, and every change that brings the two together."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from monitor.admin.base import Admin, ApiCall, Portal, Trouble
from monitor.config import Account, Config
from monitor.model.capture import Capture
from monitor.model.drift import DriftRow
from monitor.model.registration import ChangeRecord, ChangeState, Registration, Spec
from monitor.secret import Secret
from monitor.services.plans import Plan


class Alive(Protocol):
    """Asks whether a hooktop answers at an address."""

    def __call__(self, url: str) -> Awaitable[bool | None]:
        """False when surely nothing does, None when that cannot be told."""


class MakeAdmin(Protocol):
    """Makes the client of an account's API."""

    def __call__(self, account: Account, *, on_call: Callable[[ApiCall], None] | None = None) -> Admin: ...


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
    portal: Portal
    cannot: Mapping[str, str]
    rows: tuple[DriftRow, ...] = ()
    took_s: float | None = None
    trouble: str | None = None
    trouble_kind: Trouble | None = None
    refreshed_at: datetime | None = None
    busy: str | None = None


class Step(StrEnum):
    """How far a change came."""

    LOOKING = "looking"  # the list is asked for, before or after
    SAVED = "saved"  # what was there is in the database
    KEY_KEPT = "key_kept"
    ASKING = "asking"  # the request is on its way
    PROBE = "probe"  # a request of the provider came in meanwhile
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step, for people; ``capture`` is the id of a probe."""

    step: Step
    sentence: str
    capture: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a plan. ``state`` is DONE, FAILED (nothing changed) or BEGUN (nobody knows).

    ``sentence`` says it for people, ``said`` is the provider's own word and ``trace_id`` what its support asks for.
    ``key`` is a new signing key, to be shown once. ``next`` is the plan that would get further, to be asked for anew.
    ``probes`` are the captures that came in from the provider meanwhile.
    """

    plan: Plan
    state: ChangeState
    sentence: str
    registration: Registration | None = None
    kind: Trouble | None = None
    status: int | None = None
    said: str = ""
    trace_id: str | None = None
    retry_after_s: float | None = None
    key: Secret | None = None
    next: Plan | None = None
    probes: tuple[int, ...] = ()
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A registration that was replaced or removed and can be put back, with a sentence on what and how."""

    record: ChangeRecord
    sentence: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What a harmless call said of an account's credentials."""

    account: str
    ok: bool
    sentence: str
    took_s: float | None = None


OnProgress = Callable[[Progress], None]


class Registrations:
    """The registrations of all accounts. What is read on each tick (``panels``, ``calls``) does no I/O.

    Plans are made at once from what is known, also on each key of a form; ``carry_out`` is what asks the provider.
    Only ``carry_out``, ``refresh`` and ``test`` use the network.
    """

    calls: deque[ApiCall]  # the latest calls to the APIs, oldest first
    run: str  # the name of this run of hooktop in the records
    version: int  # another number whenever a panel or ``calls`` changed
    read_only: bool

    async def open(self) -> None:
        """Read what is wanted and what was done, without the network. Raises StoreError."""
        raise NotImplementedError

    def configure(self, config: Config) -> None:
        """Other accounts from now on; those that stay keep what is known of them."""
        raise NotImplementedError

    def panels(self) -> tuple[Panel, ...]:
        """The accounts in the order of the configuration."""
        raise NotImplementedError

    def panel(self, account: str) -> Panel:
        """One account. Raises KeyError."""
        raise NotImplementedError

    def admin(self, account: str) -> Admin:
        """The client of an account, for the fields of a form (``fields``, ``subject``). Raises KeyError."""
        raise NotImplementedError

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever a panel or the log of calls has changed."""
        raise NotImplementedError

    def committed(self, batch: Sequence[Capture]) -> None:
        """Captures that were just committed: probes, first events, keys that verified something."""
        raise NotImplementedError

    def probes(self, account: str, registration: str) -> tuple[int, ...]:
        """The captures that came in while a registration (its id) was asked for."""
        raise NotImplementedError

    async def refresh(self, account: str | None = None) -> None:
        """Ask the providers what they offer and have, all accounts at once; errors are in the panels. Never raises."""
        raise NotImplementedError

    async def test(self, account: str) -> Tested:
        """Try an account's credentials with a call that changes nothing. Raises KeyError."""
        raise NotImplementedError

    def plan_add(self, account: str, spec: Spec) -> Plan:
        """Register ``spec`` at today's address; becomes the mending of what is there already. Raises KeyError."""
        raise NotImplementedError

    def plan_mend(self, row: DriftRow) -> Plan:
        """The one change that mends a row; for what is ours and not wanted: adopt it, at today's address."""
        raise NotImplementedError

    def plan_mend_all(self, account: str | None = None) -> tuple[Plan, ...]:
        """Everything that can be mended without touching what is not ours, each as a plan of its own."""
        raise NotImplementedError

    def plan_repoint_all(self, account: str | None = None) -> tuple[Plan, ...]:
        """Everything of ours that points at another address than today's."""
        raise NotImplementedError

    def plan_active(self, row: DriftRow, active: bool) -> Plan:
        """Activate or deactivate what was found."""
        raise NotImplementedError

    def plan_edit(self, row: DriftRow, spec: Spec) -> Plan:
        """Change the settings of what was found to ``spec``."""
        raise NotImplementedError

    def plan_remove(self, row: DriftRow) -> Plan:
        """Remove what was found, and want it no longer; only the latter where nothing was found."""
        raise NotImplementedError

    def plan_restore(self, record: ChangeRecord) -> Plan:
        """Put back what was there before a change."""
        raise NotImplementedError

    async def carry_out(self, plan: Plan, on_progress: OnProgress | None = None) -> Outcome:
        """Save what is there, ask the provider, look what came of it. Whoever calls it has asked as ``confirm`` says.

        Raises nothing but CancelledError: a change that was cancelled on its way stays begun.
        """
        raise NotImplementedError

    async def carry_out_all(self, plans: Sequence[Plan], on_progress: OnProgress | None = None) -> tuple[Outcome, ...]:
        """Several plans: the accounts at once, one change after the other within an account."""
        raise NotImplementedError

    async def offers(self) -> tuple[Offer, ...]:
        """What to offer unasked, at the start and at the exit: changes of this run, and of one that did not end
        properly. Raises StoreError."""
        raise NotImplementedError

    async def restorable(self, account: str | None = None) -> tuple[Offer, ...]:
        """Everything that can be put back, the latest first. Raises StoreError."""
        raise NotImplementedError

    async def dismiss(self, record: ChangeRecord) -> None:
        """Never offer this again. Raises StoreError."""
        raise NotImplementedError

    async def leave(self) -> None:
        """This run ends properly, after it has asked: its changes are not offered unasked again. Raises StoreError."""
        raise NotImplementedError

    async def remove_added(self, on_progress: OnProgress | None = None) -> tuple[Outcome, ...]:
        """Remove what this run added (``--ephemeral``)."""
        raise NotImplementedError
