"""Drift: what is wanted at a provider beside what it has, row by row, with the one change that mends each.

Nothing here asks anybody: what is known comes in as ``Facts``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from monitor.model.registration import Change, ChangeKind, Registration, Spec, Wanted
from monitor.text import visible

SHOWN: Final = 200  # characters of foreign text in a sentence
_NO_ADDRESS: Final = "hooktop has no public address now; start a tunnel or set the public URL."


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
    found = list(facts.found or ())
    rows: list[DriftRow] = []
    done: set[str] = set()  # subjects for which something of ours does the job
    for wanted in facts.wanted:
        match = _match(facts, wanted.subject, found)
        if match is not None:
            found.remove(match)
            done.add(wanted.subject)
        rows.append(_wanted(facts, wanted, match))
    ours = [registration for registration in found if facts.ours(registration.url)]
    while ours:
        subject = ours[0].subject
        best = None if subject in done else _match(facts, subject, ours)
        taken = ours[0] if best is None else best
        rows.append(_left_over(facts, taken) if best is None else _unwanted(facts, taken))
        ours.remove(taken)
        done.add(subject)
    rows += (_foreign(facts, registration) for registration in found if not facts.ours(registration.url))
    return tuple(rows)


def _match(facts: Facts, subject: str, found: Sequence[Registration]) -> Registration | None:
    """What does a job best: ours, at today's address, active; of those alike the newest. Another's only where there can
    be but one."""
    able = [
        registration
        for registration in found
        if registration.subject == subject and (facts.exclusive or facts.ours(registration.url))
    ]
    return max(
        able,
        key=lambda registration: (
            facts.ours(registration.url),
            registration.url == facts.url,
            registration.active is not False,
            (key := facts.key(registration)) is None or key.known,
            registration.created_at.timestamp() if registration.created_at is not None else 0.0,
        ),
        default=None,
    )


def _wanted(facts: Facts, wanted: Wanted, match: Registration | None) -> DriftRow:
    if facts.found is None:
        return _row(facts, State.NOT_LISTED, "What the provider has is not known yet.", wanted=wanted)
    if match is None:
        return _missing(facts, wanted)
    state, why = _state(facts, wanted, match)
    if state in FINE or facts.url is None:
        return _row(facts, state, why, wanted=wanted, found=match)
    key = facts.key(match)
    new_key = key is not None and not key.known
    change = Change(
        ChangeKind.UPDATE,
        match.subject,
        spec=_differing(wanted, match),
        url=facts.url if match.url != facts.url else None,
        active=True if match.active is False else None,
        target=match,
    )
    cannot = facts.cannot(ChangeKind.UPDATE)
    if cannot is not None and change.url is not None and not (facts.exclusive and facts.lists):
        # A new one does the job as well; the old one is a row of its own then.
        change = Change(ChangeKind.ADD, wanted.subject, spec=wanted.spec, url=facts.url)
        new_key, cannot = facts.needs_key, facts.cannot(ChangeKind.ADD)
    return _row(facts, state, why, wanted=wanted, found=match, mend=change, new_key=new_key, by_hand=cannot)


def _missing(facts: Facts, wanted: Wanted) -> DriftRow:
    if facts.url is None:
        return _row(facts, State.NO_ADDRESS, _NO_ADDRESS, wanted=wanted)
    why = "The provider does not have it." if facts.lists else "hooktop has not registered it yet."
    if (at := facts.asked(wanted.subject)) is not None:
        why = f"It was asked for at {at:%Y-%m-%d %H:%M:%S} UTC and no answer came; look again before you ask anew."
    return _row(
        facts,
        State.MISSING,
        why,
        wanted=wanted,
        mend=Change(ChangeKind.ADD, wanted.subject, spec=wanted.spec, url=facts.url),
        new_key=facts.needs_key,
        by_hand=facts.cannot(ChangeKind.ADD),
    )


def _state(facts: Facts, wanted: Wanted, match: Registration) -> tuple[State, str]:
    """How a match stands, by what is worst of it."""
    if facts.url is None:
        return State.NO_ADDRESS, _NO_ADDRESS
    at = visible(match.url, limit=SHOWN)
    if match.url != facts.url:
        if not facts.ours(match.url):
            return State.ELSEWHERE, f"It points at {at}, which is not hooktop's."
        if facts.alive(match.url) is False:
            return State.DEAD_TUNNEL, f"Nothing answers at {at} any more."
        return State.ELSEWHERE, f"It points at {at}, not at today's address."
    if match.active is False:
        return State.INACTIVE, "It is switched off."
    key = facts.key(match)
    if key is not None and not key.known:
        return State.KEY_UNKNOWN, "hooktop has no signing key for it, so its deliveries cannot be verified."
    if _differing(wanted, match):
        return State.DIFFERS, f"It has other settings: {_listed(_differing(wanted, match) or {}, match)}."
    came = "something came to it" if facts.first_event(match) is not None else "nothing came to it yet"
    if not facts.lists:
        return State.BY_HAND, f"hooktop's own record says so, since the API lists nothing; {came}."
    words = [
        *(["active"] if match.active else []),
        *(["key known"] if key is not None else []),
        *(["verified"] if key is not None and key.verified_at is not None else []),
    ]
    return State.SAME, f"It is as wanted: {', '.join(words)}." if words else "It is as wanted."


def _differing(wanted: Wanted, match: Registration) -> dict[str, str] | None:
    """The settings that both name and that are not the same: what one of them leaves out is not known to differ."""
    both = {name: text for name, text in wanted.spec.items() if name in match.spec and match.spec[name] != text}
    return both or None


def _listed(fields: Spec, match: Registration) -> str:
    return ", ".join(
        f"{visible(name, limit=40)} is {visible(match.spec[name], limit=80)}, not {visible(text, limit=80)}"
        for name, text in fields.items()
    )


def _unwanted(facts: Facts, found: Registration) -> DriftRow:
    why = "This installation made it, and nobody wants it now: adopt it or remove it."
    change = None
    if facts.url is not None and found.url != facts.url and facts.cannot(ChangeKind.UPDATE) is None:
        change = Change(ChangeKind.UPDATE, found.subject, url=facts.url, target=found)
        if facts.alive(found.url) is False:
            why = "This installation made it, and nothing answers there any more: re-point it or remove it."
    return _row(facts, State.UNWANTED, why, found=found, mend=change)


def _left_over(facts: Facts, found: Registration) -> DriftRow:
    return _row(
        facts,
        State.LEFT_OVER,
        "This installation made it earlier, and another does its job now.",
        found=found,
        mend=Change(ChangeKind.REMOVE, found.subject, target=found),
        by_hand=facts.cannot(ChangeKind.REMOVE),
    )


def _foreign(facts: Facts, found: Registration) -> DriftRow:
    return _row(facts, State.NOT_OURS, "Somebody else made it; it is left alone.", found=found)


def _row(
    facts: Facts,
    state: State,
    why: str,
    *,
    wanted: Wanted | None = None,
    found: Registration | None = None,
    mend: Change | None = None,
    new_key: bool = False,
    by_hand: str | None = None,
) -> DriftRow:
    key = None if found is None else facts.key(found)
    return DriftRow(
        facts.account,
        facts.provider,
        wanted.subject if wanted is not None else found.subject if found is not None else "",
        wanted,
        found,
        facts.url,
        state,
        why,
        ours=found is not None and facts.ours(found.url),
        mend=mend,
        new_key=new_key,
        by_hand=by_hand,
        first_event_at=None if found is None else facts.first_event(found),
        verified_at=None if key is None else key.verified_at,
    )
