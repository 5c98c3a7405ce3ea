"""Plans: what a change at a provider would do, before anybody has said yes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.admin.base import Portal
from monitor.model.registration import Change, ChangeRecord, Spec


class Action(StrEnum):
    """What a plan is, for titles and JSON."""

    ADD = "add"
    REPLACE = "replace"  # an address that is not ours gives way
    REPOINT = "repoint"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    NEW_KEY = "new_key"
    EDIT = "edit"
    ADOPT = "adopt"  # wanted from now on; nothing is asked of the provider
    REMOVE = "remove"
    RESTORE = "restore"


class Confirm(StrEnum):
    """How strongly to ask before a plan is carried out."""

    NONE = "none"
    YES = "yes"  # yes or no, no unless said otherwise
    TYPE = "type"  # ``Plan.typed`` must be typed


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, to be shown before.

    ``change`` is None when the provider's API is not asked: then ``by_hand`` says where a person does it, or nothing
    is to be done there at all. ``request`` is the exact request as HTTP text, secrets masked. ``loses`` says what will
    be lost. ``typed`` is what must be typed with ``Confirm.TYPE``. ``problems`` are by the field of the form, ``url``
    for the address and "" for the whole; with any of them the plan cannot be carried out. ``spec`` is what is wanted
    afterwards, None when nothing is. ``key`` is the fingerprint of the signing key that is set with it.
    """

    account: str
    provider: str
    action: Action
    subject: str
    title: str
    change: Change | None
    request: str = ""
    loses: str | None = None
    confirm: Confirm = Confirm.NONE
    typed: str | None = None
    warnings: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    by_hand: Portal | None = None
    url: str | None = None
    spec: Spec | None = None
    restores: ChangeRecord | None = None
    key: str | None = None

    @property
    def possible(self) -> bool:
        """Whether it can be carried out."""
        return not self.problems
