"""``--ephemeral``: what was registered while hooktop ran, and the plans that remove it when the run ends."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from monitor.admin.base import LIST
from monitor.model.registration import ChangeKind, ChangeState, Registration
from monitor.services import plans
from monitor.services.changes import Outcome
from monitor.services.desk import BY_HAND, Desk
from monitor.services.plans import Action, Plan
from monitor.text import visible


def added(desk: Desk, since: datetime) -> list[Registration]:
    """What was registered by this run, or at or after ``since`` by another, not counting what was put back. Where no
    answer came it has no id."""
    return [
        record.after
        for record in desk.records
        if record.kind is ChangeKind.ADD and record.undoes is None
        if record.run == desk.office.run or record.begun_at >= since
        if record.after is not None and record.after.id != BY_HAND
    ]


def removals(desk: Desk, found: list[Registration]) -> tuple[list[Plan], list[Outcome]]:
    """The plans that remove what was added and is still there, and failed outcomes for what has to stay."""
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


def out_of_reach(desk: Desk, since: datetime, found: Collection[str]) -> list[Outcome]:
    """Failed outcomes for what was added with an account that was taken out, but for the ids ``found`` elsewhere."""
    why = f"There is no account {visible(desk.name)} any more to remove it with; do it by hand."
    return [
        _stays(plans.impossible(desk, Action.REMOVE, one.subject, why), one.url, why, "may be registered")
        for one in _by_records(desk, added(desk, since))
        if one.id not in found
    ]


def _by_records(desk: Desk, found: list[Registration]) -> list[Registration]:
    """What was added as it is by the records now: where it leads, if it was not removed. What has no id is as it was
    asked for."""
    now = {one.id: one for one in desk.history()}
    return [now.get(one.id, one) for one in found if not one.id or one.id in now]


def _stays(plan: Plan, url: str | None, why: str, how: str = "stays registered") -> Outcome:
    return Outcome(plan, ChangeState.FAILED, f"{visible(url or '', limit=200)} {how}. {why}")
