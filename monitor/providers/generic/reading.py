"""What can be said of a webhook whose sender nobody here knows: the name of its event, no more."""

from __future__ import annotations

from typing import Final

from monitor.jsonbody import Body, clean
from monitor.model.capture import Request
from monitor.model.reading import Reading

# Headers and top-level keys in which senders name the event; a header is set by the platform, so it goes first.
_EVENT_HEADERS: Final = (
    "x-github-event",
    "x-gitlab-event",
    "x-gitea-event",
    "x-event-key",  # Bitbucket
    "x-shopify-topic",
    "x-event-type",
    "ce-type",  # CloudEvents in binary mode
)
_EVENT_KEYS: Final = ("type", "event", "event_type", "eventType", "event_name", "topic")
_ID_HEADERS: Final = ("x-github-delivery", "x-gitlab-event-uuid", "x-shopify-webhook-id", "ce-id")
MAX_EVENT: Final = 200  # characters; what is longer is no name of an event


def read(request: Request, body: Body) -> Reading:
    """The event as a header or a common key names it, and the id of the delivery. Never raises."""
    event = next((found for name in _EVENT_HEADERS if (found := request.header(name))), None)
    value = body.value if isinstance(body.value, dict) else {}
    for key in _EVENT_KEYS:
        found = value.get(key)
        if event is None and isinstance(found, str) and 0 < len(found) <= MAX_EVENT:
            event = clean(found)
    event_id = next((found for name in _ID_HEADERS if (found := request.header(name))), None)
    return Reading(event=event, event_id=event_id, problems=body.problems)
