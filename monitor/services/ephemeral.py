"""``--ephemeral``: what was registered while hooktop ran, and the plans that remove it when the run ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime

from monitor.admin.base import LIST
from monitor.model.registration import ChangeKind, ChangeState, Registration
from monitor.services import plans
from monitor.services.desk import BY_HAND, Desk
from monitor.services.plans import Action, Plan
from monitor.services.progress import Outcome
from monitor.text import visible


async def removals(
    desks: Iterable[Desk], former: Collection[Desk], since: datetime, refresh: Callable[[Desk], Awaitable[None]]
) -> tuple[list[Plan], list[Outcome]]:
    """The plans that remove what was added at or after ``since`` and is still there, and failed outcomes for what has
    to stay. ``former`` are of accounts that were taken out, ``refresh`` asks a provider what it has. Raises
    StoreError."""
    go: list[Plan] = []
    stay: list[Outcome] = []
    found: set[str] = set()
    for desk in former:
        await desk.read()
    for desk in desks:
        await desk.read()
        # An account that was given another name has what was added under the one before.
        before = [one for old in former if old.provider == desk.provider for one in _added(old, since)]
        if before or _added(desk, since):
            await refresh(desk)  # which also finds what was made without an answer
        renamed = [one for one in before if one.id not in found and desk.find(one.id) is not None]
        found |= {one.id for one in renamed}
        planned, impossible = _removals(desk, [*_added(desk, since), *renamed])
        go += planned
        stay += impossible
    for desk in former:
        stay += _out_of_reach(desk, since, found)
    return go, stay


def _added(desk: Desk, since: datetime) -> list[Registration]:
    """What was registered by this run, or at or after ``since`` by another, not counting what was put back. Where no
    answer came it has no id."""
    return [
        record.after
        for record in desk.records
        if record.kind is ChangeKind.ADD and record.undoes is None
        if record.run == desk.office.run or record.begun_at >= since
        if record.after is not None and record.after.id != BY_HAND
    ]


def _removals(desk: Desk, found: list[Registration]) -> tuple[list[Plan], list[Outcome]]:
    """As ``removals`` with one account, of what was ``found`` to be added."""
    ids = {one.id for one in found}
    planned = [plans.remove(desk, row) for row in desk.rows if row.found and row.found.id in ids]
    stay = [
        _stays(plan, plan.url, desk.panel.cannot.get(ChangeKind.REMOVE, ""))
        for plan in planned
        if plan.by_hand is not None
    ]
    if (why := desk.panel.trouble) is not None:  # what is there now is not known
        unseen = [one for one in _by_records(desk, found) if desk.find(one.id) is None]
        stay += [_stays(plans.impossible(desk, Action.REMOVE, one.subject, why), one.url, why) for one in unseen]
    elif not desk.lists:
        why = f"{desk.label} was asked for it and gave no answer. {desk.panel.cannot.get(LIST, '')}".strip()
        unsure = [(one, plans.impossible(desk, Action.REMOVE, one.subject, why)) for one in found if not one.id]
        stay += [_stays(plan, one.url, why, "may be registered") for one, plan in unsure]
    return [plan for plan in planned if plan.by_hand is None], stay


def _out_of_reach(desk: Desk, since: datetime, found: Collection[str]) -> list[Outcome]:
    """Failed outcomes for what was added with an account that was taken out, but for the ids ``found`` elsewhere."""
    why = f"There is no account {visible(desk.name)} any more to remove it with; do it by hand."
    return [
        _stays(plans.impossible(desk, Action.REMOVE, one.subject, why), one.url, why, "may be registered")
        for one in _by_records(desk, _added(desk, since))
        if one.id not in found
    ]


def _by_records(desk: Desk, found: list[Registration]) -> list[Registration]:
    """What was added as it is by the records now: where it leads, if it was not removed. What has no id is as it was
    asked for."""
    now = {one.id: one for one in desk.history()}
    return [now.get(one.id, one) for one in found if not one.id or one.id in now]


def _stays(plan: Plan, url: str | None, why: str, how: str = "stays registered") -> Outcome:
    return Outcome(plan, ChangeState.FAILED, f"{visible(url or '', limit=200)} {how}. {why}")
