"""Registrations, plans and hops as lines for people and as JSON objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from monitor.cli.output import GAP, Paint, pad, table
from monitor.model.record import rfc3339
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.admin.base import Field
    from monitor.model.drift import DriftRow
    from monitor.secret import Secret
    from monitor.services.registrations import Offer, Outcome, Plan
    from monitor.tunnels.rehearsal import Hop

SHOWN: Final = 200  # characters of foreign text in a cell
_COLORS: Final = {"same": "green", "not_ours": None, "by_hand": None, "missing": "red", "dead_tunnel": "red"}
_MARKS: Final = {"ok": ("✔", "green"), "warn": ("!", "yellow"), "failed": ("✖", "red"), "skipped": ("–", None)}


def row_table(rows: Sequence[DriftRow], paint: Paint, *, why: bool) -> list[str]:
    """The lines of a list: where each points, or with ``why`` what is wrong with it."""
    heads = ("ACCOUNT", "ID", "WEBHOOK", "STATE", "WHY" if why else "ADDRESS")
    cells = [
        (
            row.account,
            _short(row.found.id if row.found is not None else "–"),
            _short(row.subject),
            row.state.label,
            row.why if why else _short(row.found.url if row.found is not None else "–"),
        )
        for row in rows
    ]
    return table(heads, cells, paint=paint)


def row_record(row: DriftRow, kind: str) -> dict[str, Any]:
    """A row as a JSON object; ``kind`` is ``registration`` or ``drift``."""
    found, wanted = row.found, row.wanted
    spec = found.spec if found is not None else wanted.spec if wanted is not None else {}
    return {
        "kind": kind,
        "account": row.account,
        "provider": row.provider,
        "id": None if found is None else found.id,
        "subject": row.subject,
        "url": None if found is None else found.url,
        "state": row.state.value,
        "why": row.why,
        "wanted": wanted is not None,
        "wanted_url": row.url,
        "ours": row.ours,
        "active": None if found is None else found.active,
        "settings": dict(spec),
        "created_at": rfc3339(None if found is None else found.created_at),
        "updated_at": rfc3339(None if found is None else found.updated_at),
        "first_event_at": rfc3339(row.first_event_at),
        "verified_at": rfc3339(row.verified_at),
        "mend": None if row.mend is None else row.mend.kind.value,
        "by_hand": row.by_hand,
    }


def plan_lines(plan: Plan) -> list[str]:
    """What a plan would do: a sentence, and the exact request."""
    lines = [plan.title]
    if plan.by_hand is not None:
        lines.append(f"By hand: {plan.by_hand.where}{f', {plan.by_hand.url}' if plan.by_hand.url else ''}: {plan.url}")
    if plan.key is not None:
        lines.append(f"The signing key is made anew when it is done; this one ({plan.key}) is an example.")
    if plan.request:
        lines += ["", *plan.request.split("\n")]
    return [visible(line) for line in lines]


def change_record(plan: Plan, outcome: Outcome | None = None, key: Secret | None = None) -> dict[str, Any]:
    """A plan, or what came of it, as a JSON object; ``key`` is a signing key that is to be shown."""
    after = None if outcome is None else outcome.registration
    target = None if plan.change is None else plan.change.target
    known = after or target
    return {
        "kind": "change",
        "account": plan.account,
        "provider": plan.provider,
        "action": plan.action.value,
        "subject": plan.subject,
        "state": "planned" if outcome is None else outcome.state.value,
        "sentence": plan.title if outcome is None else outcome.sentence,
        "id": known.id if known is not None and known.id else None,
        "url": after.url if after is not None else plan.url,
        "active": None if after is None else after.active,
        "request": plan.request or None,
        "by_hand": None if plan.by_hand is None else plan.by_hand.where,
        "loses": plan.loses,
        "warnings": list(plan.warnings),
        "key": plan.key,
        "signing_key": None if key is None else key.reveal(),
        "probes": [] if outcome is None else list(outcome.probes),
        "error": None if outcome is None or outcome.kind is None else _error(outcome),
    }


def _error(outcome: Outcome) -> dict[str, Any]:
    return {
        "code": None if outcome.kind is None else outcome.kind.value,
        "status": outcome.status,
        "said": outcome.said or None,
        "trace_id": outcome.trace_id,
        "retry_after_s": outcome.retry_after_s,
    }


def offer_record(offer: Offer) -> dict[str, Any]:
    """Something that can be put back as a JSON object."""
    record = offer.record
    return {
        "kind": "offer",
        "number": record.id,
        "account": record.account,
        "provider": record.provider,
        "subject": record.subject,
        "change": record.kind.value,
        "state": record.state.value,
        "url": None if record.before is None else record.before.url,
        "at": rfc3339(record.begun_at),
        "sentence": offer.sentence,
    }


def field_table(fields: Sequence[Field], paint: Paint) -> list[str]:
    """The lines of a form."""
    rows = [
        (field.name, "yes" if field.required else "no", field.default or "–", field.help, ", ".join(field.choices))
        for field in fields
    ]
    return table(("FIELD", "NEEDED", "DEFAULT", "WHAT IT IS", "CHOICES"), rows, paint=paint)


def field_record(field: Field) -> dict[str, Any]:
    """A field of a form as a JSON object."""
    return {
        "kind": "field",
        "name": field.name,
        "required": field.required,
        "default": field.default or None,
        "choices": list(field.choices),
        "others": field.free,
        "many": field.many,
        "help": field.help,
    }


def hop_line(hop: Hop, paint: Paint) -> str:
    """A hop of a rehearsal as a line."""
    mark, color = _MARKS[hop.status.value]
    remedy = f" {hop.remedy}" if hop.remedy else ""
    took = f"{hop.took_s * 1000:.0f} ms"
    return GAP.join((paint(mark, color), pad(hop.name, 10), pad(took, 8), visible(hop.sentence + remedy)))


def hop_record(hop: Hop) -> dict[str, Any]:
    """A hop of a rehearsal as a JSON object."""
    return {
        "kind": "hop",
        "name": hop.name,
        "status": hop.status.value,
        "sentence": hop.sentence,
        "remedy": hop.remedy,
        "seconds": round(hop.took_s, 3),
    }


def _short(text: str) -> str:
    return visible(text, limit=SHOWN)
