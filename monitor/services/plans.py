"""Plans: what a change at a provider would do, before anybody has said yes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from monitor.admin.base import AdminError, Portal, Trouble
from monitor.model.drift import SHOWN, DriftRow, State, drift
from monitor.model.registration import Change, ChangeKind, ChangeRecord, Registration, Spec, Wanted
from monitor.services.desk import Desk
from monitor.text import visible
from monitor.urls import hostname

READ_ONLY: Final = "hooktop runs read-only, so nothing is changed at a provider; start it without --read-only."
_ASKED: Final = "It was asked for before and no answer came; look again, or there may be two of it."


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

    ``change`` is None when nothing is done at the provider. ``request`` is the exact request as HTTP text, secrets
    masked; it is empty where no API is asked: with ``by_hand`` a person does the change there, with the address
    ``url``. ``loses`` says what will be lost. ``typed`` is what must be typed with ``Confirm.TYPE``. ``problems`` are
    by the field of the form, ``url`` for the address and "" for the whole; with any of them the plan cannot be carried
    out. ``wants`` tells whether ``subject`` is wanted afterwards, with ``spec`` and in the place of ``instead_of``;
    None leaves that as it is. ``key`` is the fingerprint of the signing key that is set with it.
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
    wants: bool | None = None
    instead_of: str | None = None
    restores: ChangeRecord | None = None
    key: str | None = None

    @property
    def possible(self) -> bool:
        """Whether it can be carried out."""
        return not self.problems


def add(desk: Desk, spec: Spec) -> Plan:
    """Register ``spec`` at today's address; what is there already for the same is mended instead."""
    admin = desk.admin
    if admin is None:
        return impossible(desk, Action.ADD, "", desk.panel.trouble or "The account cannot be used.")
    spec = {name: text for name, text in spec.items() if text}
    subject = admin.subject(spec)
    since = desk.office.now()
    wish = Wanted(0, desk.name, desk.provider, subject, spec, since)
    facts = desk.facts([*(wanted for wanted in desk.wanted if wanted.subject != subject), wish])
    row = next(row for row in drift(facts) if row.wanted == wish) if facts is not None else None
    if row is None or row.state is State.NOT_LISTED:
        new = Change(ChangeKind.ADD, subject, spec=spec, url=desk.url)
        plan = planned(desk, Action.ADD, new, spec=spec, wants=True, new_key=admin.needs_key)
    elif row.mend is not None:
        plan = mending(desk, row, _with(row.mend, spec))
    elif row.state is State.NO_ADDRESS:
        plan = nothing(desk, Action.ADD, subject, f"Register {visible(subject)}.", spec=spec)
    elif desk.wish(subject) is None:
        plan = nothing(desk, Action.ADOPT, subject, _adopting(desk, subject), spec=spec)
    else:
        plan = impossible(desk, Action.ADD, subject, f"{visible(subject, limit=SHOWN)} is registered already.")
    found = {**plan.problems, **admin.problems(spec, desk.url)}
    stays = _kept(row.found, spec) if row is not None and row.found is not None and plan.possible else ()
    return replace(plan, problems=found, warnings=(*_warnings(desk, spec, plan), *stays))


def _kept(found: Registration, spec: Spec) -> tuple[str, ...]:
    """A warning of the settings that stay as they are, since ``spec`` leaves them out."""
    kept = [f"{visible(name)} {visible(text, limit=SHOWN)}" for name, text in found.spec.items() if name not in spec]
    return (f"It keeps the settings that this leaves out: {', '.join(kept)}; edit it to clear them.",) if kept else ()


def _with(change: Change, spec: Spec) -> Change:
    """The change, with those settings too that are asked for and that the target has otherwise or not at all."""
    target = change.target
    if change.kind is not ChangeKind.UPDATE or target is None:
        return change
    return replace(change, spec={name: text for name, text in spec.items() if target.spec.get(name) != text} or None)


def mend(desk: Desk, row: DriftRow) -> Plan:
    """The one change that mends a row; what is ours and not wanted is adopted, at today's address."""
    current = _current(desk, row)
    if current is None:
        return _gone(desk, Action.EDIT, row)
    if current.mend is not None:
        return mending(desk, current, current.mend)
    if current.state is State.UNWANTED and current.found is not None:
        title = _adopting(desk, current.subject)
        return nothing(desk, Action.ADOPT, current.subject, title, spec=current.found.spec)
    return impossible(desk, Action.EDIT, current.subject, f"There is nothing to mend: {small(current.why)}")


def activate(desk: Desk, row: DriftRow, active: bool) -> Plan:
    """Activate or deactivate what was found."""
    action = Action.ACTIVATE if active else Action.DEACTIVATE
    current = _current(desk, row)
    if current is None or current.found is None:
        return _gone(desk, action, row)
    target = current.found
    change = Change(ChangeKind.UPDATE, target.subject, active=active, target=target)
    plan = planned(desk, action, change)
    if target.active is None:
        return replace(plan, problems={"": f"{desk.label} does not switch its webhooks on and off; remove it instead."})
    if target.active is active:
        return replace(plan, problems={"": f"It is {'active' if active else 'inactive'} already."})
    return plan


def edit(desk: Desk, row: DriftRow, spec: Spec) -> Plan:
    """Give what was found the settings ``spec``, and want them."""
    admin, current = desk.admin, _current(desk, row)
    if admin is None or current is None:
        return _gone(desk, Action.EDIT, row)
    spec = {name: text for name, text in spec.items() if text}
    subject, target = admin.subject(spec), current.found
    if desk.found is None:
        return impossible(desk, Action.EDIT, current.subject, unasked(desk))
    if target is None:
        plan = nothing(desk, Action.EDIT, subject, f"Want {named(desk, subject)} instead.", spec=spec)
    else:
        change = Change(ChangeKind.UPDATE, subject, spec=spec, target=target)
        wants = True if current.wanted is not None else None
        plan = planned(desk, Action.EDIT, change, spec=spec, wants=wants)
    found = {**plan.problems, **admin.problems(spec, None if target is None else target.url)}
    found.pop("url", None)  # which is not edited here
    if subject != current.subject and desk.wish(subject) is not None:
        found[""] = f"{visible(subject, limit=SHOWN)} is wanted already; mend that one instead."
    instead = current.subject if subject != current.subject and current.wanted is not None else None
    return replace(plan, problems=found, warnings=_warnings(desk, spec, plan), instead_of=instead)


def remove(desk: Desk, row: DriftRow) -> Plan:
    """Remove what was found and want it no longer; only the latter where nothing was found."""
    current = _current(desk, row)
    if current is None:
        return _gone(desk, Action.REMOVE, row)
    if desk.found is None:  # it may well be there
        return impossible(desk, Action.REMOVE, current.subject, unasked(desk))
    if current.found is None:
        title = f"Want {named(desk, current.subject)} no longer."
        return replace(nothing(desk, Action.REMOVE, current.subject, title), wants=False)
    target = current.found
    change = Change(ChangeKind.REMOVE, target.subject, target=target)
    # Of several with one subject only the one that does the job is what was wanted.
    return planned(desk, Action.REMOVE, change, wants=False if current.wanted is not None else None)


def mending(desk: Desk, row: DriftRow, change: Change) -> Plan:
    """The change that mends a row, as a plan."""
    wanted = row.wanted.spec if row.wanted is not None else row.found.spec if row.found is not None else {}
    if change.kind is ChangeKind.ADD:
        plan = planned(desk, Action.ADD, change, spec=wanted, wants=True, new_key=row.new_key)
        asked = any(record.after is not None and record.after.url == change.url for record in _asked(desk, plan))
        return replace(plan, warnings=(_ASKED,), confirm=Confirm.YES) if asked else plan
    if change.kind is ChangeKind.REMOVE:
        return planned(desk, Action.REMOVE, change)
    if change.url is not None:
        action = Action.REPOINT if row.ours else Action.REPLACE
    elif change.active is not None:
        action = Action.ACTIVATE
    else:
        action = Action.EDIT if change.spec else Action.NEW_KEY
    return planned(desk, action, change, spec=wanted, wants=True, new_key=row.new_key)


def planned(
    desk: Desk,
    action: Action,
    change: Change,
    *,
    spec: Spec | None = None,
    wants: bool | None = None,
    new_key: bool = False,
    title: str | None = None,
) -> Plan:
    """A plan for a change, with all that has to be said before it."""
    if new_key:
        change = replace(change, signing_key=desk.draft_key)
    plan = Plan(
        account=desk.name,
        provider=desk.provider,
        action=action,
        subject=change.subject,
        title=title or _title(desk, action, change),
        change=change,
        url=change.url or (change.target.url if change.target is not None else None),
        spec=spec,
        wants=wants,
        key=change.signing_key.fingerprint() if change.signing_key else None,
        **_asking(desk, change),
    )
    request, by_hand, problem = "", None, desk.panel.trouble or "The account cannot be used."
    if desk.admin is not None:
        try:
            request, problem = desk.admin.request(change).shown(), ""
        except AdminError as error:
            problem = str(error)
            if error.kind is Trouble.UNSUPPORTED and desk.admin.cannot(change.kind) is not None:
                by_hand, problem = desk.admin.portal, ""
    problems = {"": READ_ONLY} if desk.office.read_only else {"": problem} if problem else {}
    if desk.admin is not None and change.url is not None and action is not Action.RESTORE:
        target = change.target.spec if change.target is not None else {}
        why = desk.admin.problems({**target, **(change.spec or {})}, change.url).get("url")
        problems |= {"url": why} if why else {}
    loses = _loses(desk, change, saved=by_hand is None)
    return replace(plan, request=request, by_hand=by_hand, loses=loses, problems=problems)


def _asking(desk: Desk, change: Change) -> dict[str, Any]:
    """How strongly to ask: what is not ours is named, what cannot be had back is confirmed."""
    target = change.target
    if target is None or change.kind is ChangeKind.ADD:
        return {}
    if not desk.is_ours(target.url):
        exclusive = desk.admin is not None and desk.admin.exclusive
        typed = target.subject if exclusive else hostname(target.url) or target.subject
        return {"confirm": Confirm.TYPE, "typed": visible(typed, limit=SHOWN)}
    if change.kind is ChangeKind.REMOVE or change.signing_key is not None or change.active is False:
        return {"confirm": Confirm.YES}
    return {}


def _loses(desk: Desk, change: Change, *, saved: bool) -> str | None:
    """What will be lost, as far as somebody could miss it."""
    target = change.target
    if target is None or change.kind is ChangeKind.ADD:
        return None
    at, what = visible(target.url, limit=SHOWN), visible(target.subject, limit=SHOWN)
    kept = " What is there now is saved and can be put back." if saved else ""
    if change.kind is ChangeKind.REMOVE:
        return f"{at} gets {what} no longer.{kept}"
    lost: list[str] = []
    if change.url is not None and not desk.is_ours(target.url):
        lost.append(f"{at} gets {what} no longer: {visible(change.url, limit=SHOWN)} takes its place.{kept}")
    if change.active is False:
        lost.append(f"{at} gets {what} no longer, until it is activated again.")
    if change.signing_key is not None:
        lost.append("The signing key that it has now is replaced and cannot be had back.")
    return " ".join(lost) or None


def _title(desk: Desk, action: Action, change: Change) -> str:
    what = named(desk, change.subject)
    url = visible(change.url or "", limit=SHOWN)
    at = visible(change.target.url, limit=SHOWN) if change.target is not None else ""
    match action:
        case Action.ADD:
            return f"Register {what} at {url}."
        case Action.REPLACE:
            return f"Replace the address of {what}, {at}, by {url}."
        case Action.REPOINT:
            return f"Re-point {what} to {url}."
        case Action.ACTIVATE | Action.DEACTIVATE:
            return f"{action.value.capitalize()} {what} at {at}."
        case Action.NEW_KEY:
            return f"Give {what} at {at} a new signing key."
        case Action.REMOVE:
            return f"Remove {what} at {at}."
        case _:
            return f"Change the settings of {what} at {at}."


def nothing(desk: Desk, action: Action, subject: str, title: str, *, spec: Spec | None = None) -> Plan:
    """A plan that asks nothing of the provider."""
    problems = {"": READ_ONLY} if desk.office.read_only else {}
    wants = True if spec is not None else None
    return Plan(desk.name, desk.provider, action, subject, title, None, problems=problems, spec=spec, wants=wants)


def impossible(desk: Desk, action: Action, subject: str, why: str) -> Plan:
    """A plan that cannot be carried out, with the sentence that says why."""
    title = f"{action.value.replace('_', ' ').capitalize()} {named(desk, subject)}."
    return Plan(desk.name, desk.provider, action, subject, title, None, problems={"": why})


def unasked(desk: Desk) -> str:
    """Why it is not known what the provider has."""
    return desk.panel.trouble or f"{desk.label} was not asked yet what it has; refresh first."


def _gone(desk: Desk, action: Action, row: DriftRow) -> Plan:
    return impossible(desk, action, row.subject, "The list has changed and this is not in it any more; look again.")


def _current(desk: Desk, row: DriftRow) -> DriftRow | None:
    """The row as it is now: only what was just listed is acted upon."""
    return next((now for now in desk.rows if now.key == row.key), None)


def _warnings(desk: Desk, spec: Spec, plan: Plan) -> tuple[str, ...]:
    url = desk.url
    if desk.admin is None or url is None:
        return ()
    found = list(desk.admin.warnings(spec, url, plan.change.target)) if plan.change is not None else []
    return (*found, *([_ASKED] if _asked(desk, plan) else []))


def _asked(desk: Desk, plan: Plan) -> list[ChangeRecord]:
    """What was asked for the same before, without an answer."""
    return [record for record in desk.uncertain() if record.subject == plan.subject]


def _adopting(desk: Desk, subject: str) -> str:
    return f"Want {named(desk, subject)} from now on; it is registered already."


def named(desk: Desk, subject: str) -> str:
    """What a registration is for and with whom, for people."""
    return f"{visible(subject, limit=SHOWN) or 'a webhook'} with {desk.label} ({visible(desk.name)})"


def small(sentence: str) -> str:
    """A sentence that goes on behind a colon."""
    return sentence[:1].lower() + sentence[1:]
