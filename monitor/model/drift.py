"""Drift: what is wanted at a provider beside what it has, row by row, with the one change that mends each.

Nothing here asks anybody: what is known comes in as ``Facts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from monitor.model.registration import Change, ChangeKind, Registration, Wanted
from monitor.text import visible

_SHOWN: Final = 200  # characters of foreign text in a sentence


class State(StrEnum):
    """How a row stands. The first nine are about what is wanted, the last three about what nobody asked for."""

    SAME = "same"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"  # it points at another address than today's
    DEAD_TUNNEL = "dead_tunnel"  # as before, and nothing answers there any more
    INACTIVE = "inactive"
    KEY_UNKNOWN = "key_unknown"  # hooktop has no key that its deliveries could be verified with
    DIFFERS = "differs"  # other settings than wanted
    BY_HAND = "by_hand"  # the API does not list it: known from hooktop's own record alone
    NO_ADDRESS = "no_address"  # hooktop has no public address to point it at
    NOT_LISTED = "not_listed"  # nobody has looked yet
    UNWANTED = "unwanted"  # made by this installation, and not among what is wanted
    LEFT_OVER = "left_over"  # made by this installation, beside another that does the job
    NOT_OURS = "not_ours"  # left alone

    @property
    def label(self) -> str:
        """The state in words."""
        return _LABELS.get(self, self.value.replace("_", " "))


_LABELS: Final = {
    State.ELSEWHERE: "points elsewhere",
    State.DEAD_TUNNEL: "points at a dead tunnel",
    State.NO_ADDRESS: "no public address",
    State.NOT_LISTED: "not listed yet",
    State.UNWANTED: "not wanted",
}
FINE: Final = frozenset({State.SAME, State.BY_HAND, State.NOT_OURS})  # nothing to mend


@dataclass(frozen=True, slots=True)
class KeyFact:
    """What is known of the key that a registration's deliveries are signed with."""

    known: bool
    verified_at: datetime | None = None  # when a delivery was last verified with it


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one account.

    ``url`` is today's address, None without one. ``found`` is what the provider has, None when nobody has looked;
    with ``lists`` false it is hooktop's own record of what was done. ``ours`` knows an address that this installation
    made, ``alive`` whether something answers there (None: not known), ``key`` the key of a registration (None where
    the provider takes none from us), ``first_event`` when something first came to it, ``asked`` when a registration
    for a subject was asked for without an answer. ``cannot`` says why the API does not offer a kind of change.
    """

    account: str
    provider: str
    url: str | None
    wanted: Sequence[Wanted]
    found: Sequence[Registration] | None
    ours: Callable[[str], bool]
    lists: bool = True
    exclusive: bool = False
    needs_key: bool = False
    cannot: Callable[[ChangeKind], str | None] = lambda kind: None
    alive: Callable[[str], bool | None] = lambda url: None
    key: Callable[[Registration], KeyFact | None] = lambda registration: None
    first_event: Callable[[Registration], datetime | None] = lambda registration: None
    asked: Callable[[str], datetime | None] = lambda subject: None


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One row: what is wanted, what was found, and the difference.

    ``url`` is today's address, ``why`` a sentence. ``mend`` is the one change that makes the two one, None where there
    is none; ``new_key`` says that it takes a signing key that is still to be made, ``by_hand`` why a person has to do
    it instead of the API. ``ours`` tells whether this installation made what was found. The times are those of the
    first event that came and of the last delivery that was verified.
    """

    account: str
    provider: str
    subject: str
    wanted: Wanted | None
    found: Registration | None
    url: str | None
    state: State
    why: str
    ours: bool
    mend: Change | None = None
    new_key: bool = False
    by_hand: str | None = None
    first_event_at: datetime | None = None
    verified_at: datetime | None = None

    @property
    def key(self) -> str:
        """What names the row as long as it is there."""
        return f"{self.account}/{self.found.id}" if self.found is not None else f"{self.account}//{self.subject}"


def drift(facts: Facts) -> tuple[DriftRow, ...]:
    """The rows of an account: what is wanted in its order, then what else is ours, then what is not."""
    raise NotImplementedError
