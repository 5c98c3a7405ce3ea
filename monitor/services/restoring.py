"""Putting back what was there before: which changes can be taken back, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitor.model.drift import SHOWN
from monitor.model.registration import Change, ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.services.desk import BY_HAND, Desk
from monitor.services.plans import Action, Plan, impossible, named, nothing, planned, unasked
from monitor.text import visible


@dataclass(frozen=True, slots=True)
class Offer:
    """A registration that was replaced or removed and can be put back, with a sentence on what and how."""

    record: ChangeRecord
    sentence: str


def restorable(records: Iterable[ChangeRecord], is_ours: Callable[[str, str], bool]) -> list[ChangeRecord]:
    """The changes that can be taken back, oldest first: of several to one registration the first, which knows what was
    there before all of them. What was hooktop's own and is removed comes back as it was then, not as it began.

    ``is_ours`` tells of an account and an address whether this installation made it."""
    found: dict[tuple[str, str], ChangeRecord] = {}
    for record in sorted(records, key=lambda record: record.id):
        open_ = record.state in (ChangeState.BEGUN, ChangeState.DONE) and record.undoes is None
        if open_ and record.before is not None and record.before.id != BY_HAND:
            first = found.setdefault((record.account, record.before.id), record).before
            if record.kind is ChangeKind.REMOVE and first is not None and is_ours(record.account, first.url):
                found[record.account, record.before.id] = record
    return sorted(found.values(), key=lambda record: record.id)


def chain(record: ChangeRecord, records: Iterable[ChangeRecord]) -> list[int]:
    """The ids of a change and of all others to the same registration, which are settled with it."""
    if record.before is None:
        return [record.id]
    return [
        other.id
        for other in records
        if other.account == record.account
        and other.undoes is None
        and other.before is not None
        and other.before.id == record.before.id
        and other.state in (ChangeState.BEGUN, ChangeState.DONE)
    ]


def worth_asking(record: ChangeRecord, is_ours: Callable[[str], bool]) -> bool:
    """Whether to offer this unasked: nobody saw the answer, or an address of somebody else gave way."""
    return record.ended_at is None or (record.before is not None and not is_ours(record.before.url))


def offer(record: ChangeRecord, label: str) -> Offer:
    """The record with a sentence for people; ``label`` is the provider's name."""
    subject = record.before.subject if record.before is not None else record.subject
    what = f"{visible(subject, limit=SHOWN)} with {label} ({visible(record.account)})"
    at = visible(record.before.url, limit=SHOWN) if record.before is not None else ""
    when = f"{record.begun_at:%Y-%m-%d %H:%M} UTC"
    verb = "removed" if record.kind is ChangeKind.REMOVE else "changed"
    if record.state is ChangeState.BEGUN:
        return Offer(record, f"{what} at {at} was to be {verb} at {when}, and nobody knows whether it was.")
    return Offer(record, f"{what} was at {at} until hooktop {verb} it at {when}; it can be put back.")


def out_of_reach(accounts: Iterable[str]) -> str:
    """What to say of changes to accounts that are there no more: taken out, or under another name now."""
    names = list(dict.fromkeys(visible(account, limit=60) for account in accounts))
    when = "is an account of this name" if len(names) == 1 else "are accounts of these names"
    return f"What was replaced or removed of {', '.join(names)} can be put back once there {when} again."


def plan(desk: Desk, record: ChangeRecord) -> Plan:
    """Put back what was there before ``record``: by an update where it is still there in some form, else anew."""
    before, admin = record.before, desk.admin
    if before is None or record.state not in (ChangeState.BEGUN, ChangeState.DONE) or record.account != desk.name:
        return impossible(desk, Action.RESTORE, record.subject, "There is nothing of this change to put back.")
    if admin is None or desk.found is None:
        return impossible(desk, Action.RESTORE, record.subject, unasked(desk))
    now = desk.find(before.id)
    if now is None:  # another that does its job is no second time put beside it
        same = [other for other in desk.found if other.subject == before.subject]
        now = next((other for other in same if admin.exclusive or other.url == before.url), None)
    found = _back(desk, before, now)
    found = replace(found, restores=record, subject=before.subject)
    if desk.is_ours(before.url):
        wish = desk.wish(before.subject)
        return replace(found, wants=True, spec=wish.spec if wish is not None else before.spec)
    return replace(found, wants=False if admin.exclusive else None)


def _back(desk: Desk, before: Registration, now: Registration | None) -> Plan:
    what, at = named(desk, before.subject), visible(before.url, limit=SHOWN)
    if now is None:
        return _anew(desk, before, f"Register {what} at {at} again, as it was.")
    change = Change(
        ChangeKind.UPDATE,
        before.subject,
        url=before.url if now.url != before.url else None,
        active=before.active if before.active is not None and now.active is not before.active else None,
        spec=before.spec if now.spec != before.spec else None,
        target=now,
    )
    if (change.url, change.active, change.spec) == (None, None, None):
        return nothing(desk, Action.RESTORE, before.subject, f"Nothing is to be done: {what} is at {at}, as it was.")
    found = planned(desk, Action.RESTORE, change, title=f"Put {what} back to {at}, as it was.")
    if desk.office.signing.of(desk.provider, now.id) is not None and not desk.is_ours(before.url):
        return replace(found, warnings=("It keeps the signing key that hooktop gave it; the one before is not known.",))
    return found


def _anew(desk: Desk, before: Registration, title: str) -> Plan:
    needs_key = desk.admin is not None and desk.admin.needs_key
    change = Change(ChangeKind.ADD, before.subject, spec=before.spec, url=before.url, target=before)
    warnings = [f"{desk.label} gives it a new id."]
    if needs_key:
        whoever = f", which whoever verifies at {visible(before.url, limit=SHOWN)} needs"
        warnings.append(f"It gets a new signing key{'' if desk.is_ours(before.url) else whoever}.")
    if before.active is False:
        warnings.append("It was inactive and will be active; deactivate it afterwards.")
    found = planned(desk, Action.RESTORE, change, title=title, new_key=needs_key)
    if template := before.raw.get("template"):
        warnings.append(f"Its template ({visible(str(template), limit=SHOWN)}) is not put back: hooktop sends none.")
    return replace(found, warnings=tuple(warnings))
