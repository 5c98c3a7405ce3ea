"""Believable events in the manner of Standard Webhooks: an account that is made, an invoice that is paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from monitor.jsonbody import Json
from monitor.providers.base import Scenario, Scene, SimulatedEvent
from monitor.providers.scenes import new_uuid, posted, zulu


def _event(scene: Scene, after: float, kind: str, data: dict[str, Json], held: float = 0.0) -> SimulatedEvent:
    """One event; it happened a moment before it was signed, and was signed ``held`` seconds before it is posted."""
    happened = scene.start + timedelta(seconds=after - held - scene.rng.uniform(0.05, 0.3))
    return posted(after, {"type": kind, "timestamp": zulu(happened), "data": data}, signed_before=held)


def _signup(scene: Scene) -> list[SimulatedEvent]:
    user = {"id": f"usr_{new_uuid(scene.rng)}", "name": scene.customer.name, "email": scene.customer.email}
    return [
        _event(scene, 0.4, "user.created", {**user, "verified": False}),
        _event(scene, scene.rng.uniform(2, 6), "user.updated", {**user, "verified": True}),
    ]


def _invoice(scene: Scene) -> list[SimulatedEvent]:
    invoice = {
        "id": f"inv_{new_uuid(scene.rng)}",
        "customer_email": scene.customer.email,
        "amount_cents": scene.rng.randrange(500, 50_000),
        "currency": "EUR",
    }
    return [
        _event(scene, 0.4, "invoice.created", {**invoice, "paid": False}),
        _event(scene, scene.rng.uniform(3, 8), "invoice.paid", {**invoice, "paid": True}),
    ]


def _duplicate(scene: Scene) -> list[SimulatedEvent]:
    """A sender that had no answer in time posts the same event again, with the same id."""
    first = _event(scene, 0.4, "user.deleted", {"id": f"usr_{new_uuid(scene.rng)}", "email": scene.customer.email})
    return [first, SimulatedEvent(first.after + scene.rng.uniform(4, 6), first.body)]


def _stale(scene: Scene) -> list[SimulatedEvent]:
    """A request that was held back on the way: its signed time is out of tolerance when it arrives."""
    data = {"id": f"inv_{new_uuid(scene.rng)}", "days": 14}
    return [_event(scene, 0.4, "invoice.overdue", data, held=scene.rng.uniform(1800, 7200))]


# Which events there are is the sender's own affair: none is documented.
SCENARIOS: Final = (
    Scenario("signup", "an account is made and then verified", _signup, weight=3, documented=False),
    Scenario("invoice", "an invoice is written and paid", _invoice, weight=3, documented=False),
    Scenario("duplicate", "the same event posted twice", _duplicate, documented=False),
    Scenario("stale", "signed longer ago than the tolerance allows", _stale, documented=False),
)
