"""Bird's webhook subscriptions: what a form asks, what is wrong with one, and how the API writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from monitor.admin.base import UNCHANGED, AdminError, Field, Trouble
from monitor.admin.rest import filled, items_of, written
from monitor.jsonbody import Json
from monitor.model.registration import Change, Registration, Spec
from monitor.providers.fields import Fields
from monitor.secret import Secret
from monitor.text import visible

# The events of each service, and by which keys each can be filtered.
Events: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]

SERVICES: Final = ("channels", "conversations", "numbers", "payments")
MOST: Final = 5  # subscriptions for one combination of filters
_CHANNEL_KEYS: Final = ("channelId", "messageStatus", "interactionType", "platformId", "channelStatus", "status")
# What holds until available-webhooks was asked. email.inbound and sms.interaction were not seen, but follow the rule.
BUILT_IN: Final[Events] = {
    "channels": {
        f"{platform}.{what}": _CHANNEL_KEYS
        for platform in ("sms", "whatsapp", "email")
        for what in ("inbound", "outbound", "interaction")
    },
    "conversations": {f"conversation.{what}": ("channelId",) for what in ("created", "updated", "deleted")},
    "numbers": {},
    "payments": {},
}
_URL: Final = re.compile(r"https://([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(:[0-9]+)?(/[^\s]*)?")
_WORD: Final = re.compile(r"[!-+\--~]{1,200}")  # printable ASCII without blanks and commas
_MAX_EVENTS: Final = 200


def offered(results: Json) -> dict[str, dict[str, tuple[str, ...]]]:
    """The events in the ``results`` of available-webhooks; what cannot be read is left out."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for part in results if isinstance(results, list) else ():
        service = part.get("service") if isinstance(part, dict) else None
        events = part.get("events") if isinstance(part, dict) else None
        if service not in SERVICES or not isinstance(events, list):
            continue
        for event in events[:_MAX_EVENTS]:
            name = Fields(event).text("name") or ""
            if _WORD.fullmatch(name):
                keys = event.get("filterKeys")
                words = [key for key in keys if _is_word(key)] if isinstance(keys, list) else []
                found.setdefault(service, {})[name] = tuple(words)
    return found


def fields(spec: Spec, events: Events) -> tuple[Field, ...]:
    """The form: the events of the chosen service, and the filter keys of the chosen event."""
    service = spec.get("service") or SERVICES[0]
    known = events.get(service, {})
    every = dict.fromkeys(key for some in known.values() for key in some)
    keys = known.get(spec.get("event", "").strip(), tuple(every))
    by = f" by {', '.join(keys)}" if keys else ""
    return (
        Field(
            "service",
            "Service",
            "The part of Bird that the events come from.",
            SERVICES,
            free=False,
            required=True,
            default=SERVICES[0],
        ),
        Field("event", "Event", "One event for one webhook, such as sms.outbound.", tuple(known), required=True),
        Field("filters", "Filters", f"KEY=VALUE{by}; all must fit. Without one, every event comes.", many=True),
    )


def problems(spec: Spec, url: str | None) -> dict[str, str]:
    """What is wrong with a form, by Bird's own rules."""
    found: dict[str, str] = {}
    service = spec.get("service", "").strip()
    if service not in SERVICES:
        found["service"] = f"Bird has the services {', '.join(SERVICES)}; choose one."
    if not _WORD.fullmatch(spec.get("event", "").strip()):
        found["event"] = "An event is one word, such as sms.outbound; choose or type one."
    filters = filters_of(spec)
    if not all(key and value for key, value in filters):
        found["filters"] = "A filter is written KEY=VALUE, such as channelId=ID; separate several with commas."
    elif sum(key == "channelId" for key, _ in filters) > 1:
        found["filters"] = "Bird takes one channelId for a webhook; add a webhook for each channel."
    if not url:
        found["url"] = "There is no public address yet."
    elif not _URL.fullmatch(url):
        found["url"] = (
            "Bird takes https addresses with a host name and a path only, such as https://example.com/bird; "
            "use another public URL."
        )
    return found


def warnings(spec: Spec, url: str, listed: Iterable[Registration]) -> list[str]:
    """What to know before a subscription is added beside those ``listed``."""
    found = []
    port = (match[2] if (match := _URL.fullmatch(url)) else None) or ""
    if port:
        found.append(f"Not all of Bird's pages allow a port in an address; if Bird refuses this, leave out {port}.")
    filters = filters_of(spec)
    keys = [key for key, _ in filters]
    for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
        found.append(f"All filters must fit, so an event with {visible(key)} twice does not exist; nothing will come.")
    if any(key == "channelId" and not _is_uuid(value) for key, value in filters):
        found.append("A channelId is a UUID, which this one is not; nothing may come.")
    same = [other for other in listed if _event(other.spec) == _event(spec)]
    if sum(sorted(filters_of(other.spec)) == sorted(filters) for other in same) >= MOST:
        found.append(f"Bird keeps at most {MOST} webhooks for one event with the same filters, and has them already.")
    name = visible(" ".join(_event(spec)))
    if not filters and any(filters_of(other.spec) for other in same):
        found.append(f"There is a webhook for {name} with filters: what fits those may not come to this one.")
    if filters and any(not filters_of(other.spec) for other in same):
        found.append(
            f"There is a webhook for {name} without filters: what fits this one may not come to that any more."
        )
    return found


def subject(spec: Spec) -> str:
    """``channels sms.outbound``, and the filters in alphabetical order."""
    return " ".join([*_event(spec), *(f"{key}={value}" for key, value in sorted(filters_of(spec)))])


def creation(spec: Spec, url: str, key: Secret | None) -> dict[str, Any]:
    """The body that makes a subscription."""
    body: dict[str, Any] = {"service": _event(spec)[0], "event": _event(spec)[1], "url": url}
    if key:
        body["signingKey"] = key.reveal()
    if filters := _event_filters(spec):
        body["eventFilters"] = filters
    return body


def alteration(change: Change, target: Registration) -> dict[str, Any]:
    """The body that changes a subscription: of Bird's closed set of fields those that become others.

    Raises AdminError (UNSUPPORTED) for another service or event, and when nothing would change.
    """
    spec = change.spec or {}
    if any(name in spec and spec[name].strip() != target.spec.get(name, "") for name in ("service", "event")):
        raise AdminError(
            Trouble.UNSUPPORTED,
            "Bird cannot change a webhook's service or event; add one for the new event, then remove this one.",
        )
    body: dict[str, Any] = {}
    if change.url is not None:
        body["url"] = change.url
    if change.signing_key:
        body["signingKey"] = change.signing_key.reveal()
    if change.active is not None:
        body["status"] = "active" if change.active else "inactive"
    if ("event" in spec or "filters" in spec) and sorted(filters_of(spec)) != sorted(filters_of(target.spec)):
        body["eventFilters"] = _event_filters(spec)
    if not body:
        raise AdminError(Trouble.UNSUPPORTED, UNCHANGED)
    return body


def filters_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """The filters as pairs of key and value, each once."""
    parts = (item.partition("=") for item in items_of(spec.get("filters")))
    return tuple(dict.fromkeys((key.strip(), value.strip()) for key, _, value in parts))


def registration(value: Json) -> Registration | None:
    """A subscription as the API tells of it, its signing key dropped; None for what has no id."""
    seen = Fields(value)
    id_ = seen.filled("id")
    if id_ is None:
        return None
    filters = [f"{item.text('key') or ''}={item.text('value') or ''}" for item in seen.items("eventFilters")]
    spec = filled(service=seen.text("service"), event=seen.text("event"), filters=written(filters))
    return Registration(
        provider="bird",
        id=id_,
        url=seen.text("url") or "",
        subject=subject(spec),
        spec=spec,
        active={"active": True, "inactive": False}.get(seen.text("status") or ""),
        created_at=seen.time("createdAt"),
        updated_at=seen.time("updatedAt"),
        raw={name: part for name, part in value.items() if name != "signingKey"},
    )


def _event_filters(spec: Spec) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in filters_of(spec)]


def _event(spec: Spec) -> Sequence[str]:
    return [spec.get("service", "").strip(), spec.get("event", "").strip()]


def _is_word(text: Any) -> bool:
    return isinstance(text, str) and _WORD.fullmatch(text) is not None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
