"""Registrations: webhooks that exist at a provider or are wanted there, and the changes that make the two one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from monitor.secret import Secret

# What a registration is for, by the names of the provider's fields (``service``, ``topic``, ...), without its address.
# A list is written with commas, a flag as ``yes`` or ``no``; a field that is empty is left out.
Spec: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Registration:
    """A webhook as a provider's API tells of it.

    ``id`` is the provider's own. ``subject`` says in one line what is sent to it (``channels sms.outbound``): a
    registration and a wish with one subject do the same job. ``active`` is None where the provider knows no such
    state. ``raw`` is the provider's object without its secrets: enough to put the registration back. ``note`` is what
    the provider said besides, as a sentence for people, when it had just been asked to change it.
    """

    provider: str
    id: str
    url: str
    subject: str
    spec: Spec = field(default_factory=dict)
    active: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A registration that the user wants; its address is always today's. ``id`` is 0 until the store has kept it."""

    id: int
    account: str
    provider: str
    subject: str
    spec: Spec
    since: datetime


class ChangeKind(StrEnum):
    """What a change does at the provider."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to ask a provider for.

    ADD registers ``spec`` with the address ``url``; its ``target`` is what was there before, when that is put back.
    UPDATE and REMOVE are about ``target``; UPDATE sets what is not None of ``url``, ``active``, ``spec`` (the fields
    that may change) and ``signing_key``.
    """

    kind: ChangeKind
    subject: str
    spec: Spec | None = None
    url: str | None = None
    active: bool | None = None
    signing_key: Secret | None = None
    target: Registration | None = None


class ChangeState(StrEnum):
    """How far a change came."""

    BEGUN = "begun"  # asked for; whether it happened is not known (also after a crash)
    DONE = "done"
    FAILED = "failed"  # the provider refused: nothing changed
    UNDONE = "undone"  # put back as it was
    DISMISSED = "dismissed"  # the user does not want it put back


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """A change as the store keeps it, so that it can be taken back.

    ``before`` is what was there (None: nothing), ``after`` what came of it (None: nothing), and as long as that is not
    known what was asked for. ``ended_at`` is when the answer came, None also where only a later list showed what had
    become of it. ``run`` names the run of hooktop that asked; ``undoes`` the record that this one took back. ``probes``
    are the captures that came in from the provider meanwhile.
    """

    id: int
    account: str
    provider: str
    kind: ChangeKind
    subject: str
    before: Registration | None
    after: Registration | None
    begun_at: datetime
    ended_at: datetime | None
    state: ChangeState
    run: str
    undoes: int | None = None
    probes: tuple[int, ...] = ()
