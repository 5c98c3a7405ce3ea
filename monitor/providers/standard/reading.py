"""What a Standard Webhooks event says: a type, a time and data whose meaning belongs to its sender."""

from __future__ import annotations

from typing import Final

from monitor.jsonbody import Body, clean
from monitor.model.capture import Request
from monitor.model.reading import Reading, Status
from monitor.providers.fields import Fields, of_body
from monitor.providers.standard.signature import PREFIXES

MAX_FACTS: Final = 16  # what is shown of the data; the body has the rest
MAX_FACT: Final = 200  # characters
# The new Bird platform (https://bird.com/docs/webhooks) signs as Standard Webhooks do and names events by channel; it
# is another system than the Bird whose webhooks hooktop manages.
_BIRD_EVENTS: Final = ("sms.", "email.", "whatsapp.", "voice.", "conversation.", "contact.")


def read(request: Request, body: Body) -> Reading:
    """The event, its time and the plain values of its data as facts. Never raises."""
    event_id = next((found for prefix in PREFIXES if (found := request.header(f"{prefix}-id"))), None)
    fields = of_body(body)
    if fields.value is None:
        return Reading(event_id=event_id, problems=tuple(fields.problems))
    event = fields.filled("type")
    data = fields.obj("data")
    facts = plain_facts(data)
    if event and event.startswith(_BIRD_EVENTS) and any(n == "workspace_id" and v.startswith("ws_") for n, v in facts):
        facts = [("label", "new Bird platform"), *facts]
    return Reading(
        event=event,
        event_id=event_id,
        status=Status.OTHER,
        occurred_at=fields.time("timestamp"),
        facts=tuple(facts),
        problems=tuple(fields.problems),
    )


def plain_facts(fields: Fields) -> list[tuple[str, str]]:
    """The first texts, numbers and flags of an object as named facts, in order, cut where they are long."""
    facts: list[tuple[str, str]] = []
    for name, value in (fields.value or {}).items():
        if isinstance(value, str | int | float):
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            facts.append((clean(name)[:MAX_FACT], clean(shown)[:MAX_FACT]))
        if len(facts) == MAX_FACTS:
            break
    return facts
