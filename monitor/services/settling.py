"""What became of changes: noted when the answer comes, and found out from the list when none came."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from monitor.admin.masking import mask
from monitor.jsonbody import parse
from monitor.model.registration import Change, ChangeKind, ChangeRecord, ChangeState, Registration, Spec
from monitor.secret import Secret
from monitor.services.desk import Desk
from monitor.services.restoring import chain
from monitor.services.signingkeys import SigningKeyProblem

SETTLED_AFTER: Final = timedelta(seconds=60)  # until then a provider may be at work on what it did not answer
log = logging.getLogger(__name__)


def meant(provider: str, change: Change, id_: str) -> Registration | None:
    """The registration that a change is to lead to; None for a removal."""
    if change.kind is ChangeKind.REMOVE:
        return None
    if change.kind is ChangeKind.ADD or change.target is None:
        return Registration(provider, id_, change.url or "", change.subject, change.spec or {})
    target = change.target
    return replace(
        target,
        url=change.url or target.url,
        subject=change.subject,
        active=target.active if change.active is None else change.active,
        spec={**target.spec, **(change.spec or {})},
    )


def essence(registration: Registration) -> tuple[str, bool | None, Spec]:
    """What of a registration a change can change and a list can show."""
    return registration.url, registration.active, registration.spec


def seen(
    record: ChangeRecord, found: Sequence[Registration], known: Collection[str] = ()
) -> tuple[bool, Registration | None]:
    """Whether a list shows that a change was made, and what is there now; ``known`` are the ids of what was asked for
    by itself since then."""
    before, after = record.before, record.after
    if record.kind is ChangeKind.ADD or before is None:
        # Nothing like it was there when it was asked for: that was looked at first.
        made = [
            one
            for one in found
            if after is not None and (one.subject, one.url) == (after.subject, after.url) and one.id not in known
        ]
        return (True, made[-1]) if made else (False, None)
    now = next((one for one in found if one.id == before.id), None)
    if record.kind is ChangeKind.REMOVE:
        return now is None, None
    return now is None or essence(now) != essence(before), now


async def settle(desk: Desk) -> None:
    """Find out from the list what became of changes that got no answer. Raises StoreError."""
    if not desk.lists or desk.listed is None:
        return
    store, now = desk.office.store, desk.office.now()
    # Asked for twice and made once, it has the key of the one that it is known to come from.
    made = {other.after.id: other.id for other in desk.records if _made(other) and other.after is not None}
    uncertain = desk.uncertain()
    for record in uncertain:
        done, after = seen(record, desk.listed, {id_ for id_, by in made.items() if by > record.id})
        if done:
            await asyncio.to_thread(store.end, record.id, ChangeState.DONE, without_secrets(after), None)
            await follow_up(desk, record, after)
            await _wish(desk, record, after)
        elif now - record.begun_at > SETTLED_AFTER:
            await asyncio.to_thread(store.end, record.id, ChangeState.FAILED, None, None)
            await give_up(desk, record)
    await desk.read()
    if uncertain:  # what is told of them by now is from this list
        desk.overtaken = False


def _made(record: ChangeRecord) -> bool:
    """Whether a record tells the id of what it led to."""
    return record.kind is ChangeKind.ADD and record.state not in (ChangeState.BEGUN, ChangeState.FAILED)


async def follow_up(desk: Desk, record: ChangeRecord, after: Registration | None, key: Secret | None = None) -> None:
    """A change was made: its ``key``, where that is known, belongs to the registration, and what it took back is
    settled. Raises StoreError."""
    signing, now = desk.office.signing, desk.office.now()
    try:
        if after is not None:
            own = None if key is None else key.fingerprint()
            await asyncio.to_thread(signing.tie, desk.name, record.subject, after.id, record.begun_at, now, own)
        elif record.before is not None:
            await asyncio.to_thread(signing.retire, desk.provider, record.before.id, now)
    except SigningKeyProblem as problem:
        log.warning("a signing key is not noted as used: %s", problem)
    if record.undoes is not None:
        undone = next((other for other in desk.records if other.id == record.undoes), None)
        settled = chain(undone, desk.records) if undone is not None else []
        await asyncio.to_thread(desk.office.store.mark, settled, ChangeState.UNDONE)


async def _wish(desk: Desk, record: ChangeRecord, after: Registration | None) -> None:
    """Want what the plan of a change wanted, as far as its record tells: else mending would undo it. Raises
    StoreError."""
    store, before, subject = desk.office.store, record.before, record.subject
    if before is None or not (desk.is_ours(before.url) or (desk.admin is not None and desk.admin.exclusive)):
        return
    if record.kind is ChangeKind.REMOVE or record.undoes is not None:
        if not any(one.subject == subject and desk.is_ours(one.url) for one in desk.listed or ()):
            await asyncio.to_thread(store.unwant, desk.name, subject)
    elif after is not None and after.subject == subject != before.subject and desk.wish(before.subject) is not None:
        await asyncio.to_thread(store.want, desk.name, desk.provider, subject, after.spec, desk.office.now())
        await asyncio.to_thread(store.unwant, desk.name, before.subject)


async def give_up(desk: Desk, record: ChangeRecord, key: Secret | None = None) -> None:
    """A change was not made: its ``key``, where that is known, is of no use."""
    signing, now = desk.office.signing, desk.office.now()
    try:
        own = None if key is None else key.fingerprint()
        await asyncio.to_thread(signing.give_up, desk.name, record.subject, record.begun_at, now, own)
    except SigningKeyProblem as problem:
        log.warning("a signing key is not noted as useless: %s", problem)


def without_secrets(registration: Registration | None) -> Registration | None:
    """The registration as it may be kept: a second look, after the client's, at the names of what is in it."""
    if registration is None:
        return None
    raw = parse(mask(json.dumps(dict(registration.raw), default=str)).encode("utf-8", "replace")).value
    return replace(registration, raw=raw if isinstance(raw, dict) else {}, note="")
