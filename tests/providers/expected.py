"""Compares a reading with what the payload index expects of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.model.reading import MessageError, Reading

# Keys of an index entry's ``expected`` whose value stands in a field of the reading of another name.
_FIELDS = {"event_type": "event", "from": "from_", "to": "to"}
_PLAIN = ("direction", "channel", "status", "provider_status", "mark", "text")
_ERROR = ("code", "carrier_code", "carrier", "source", "title", "detail", "trace_id")


def check_reading(entry: dict[str, Any], reading: Reading) -> None:
    """Raises AssertionError naming the keys in which ``reading`` differs from the entry's ``expected``.

    A null must read as empty (None, an empty text or no items). A key that is absent is not determined and not looked
    at. Keys are compared with the provider's name and a colon before them; times to the millisecond.
    """
    differing = [
        f"{key}: expected {wanted!r}, read {got!r}"
        for key, wanted in entry["expected"].items()
        for got in [_read(entry, reading, key)]
        if not _equal(_wanted(entry, key), got)
    ]
    assert not differing, f"{entry['file']}: " + "; ".join(differing)


def _wanted(entry: dict[str, Any], key: str) -> Any:
    """The expected value in the form in which a reading holds it."""
    value, provider = entry["expected"][key], entry["provider"]
    if key == "message_key":
        if value is None and provider == "connectly" and entry["expected"].get("direction") == "inbound":
            value = f"sha256:{entry['sha256']}"  # its inbound messages carry no id: the key is the hash of the raw body
        return value and f"{provider}:{value}"
    if key == "message_key_alternates":
        return [f"{provider}:{item}" for item in value or ()]
    if key == "conversation_key":
        joined = ",".join(value) if isinstance(value, list) else value
        return joined and f"{provider}:{joined}"
    if key == "event_time":
        return value and datetime.fromisoformat(value)
    if key == "error":
        # a dictionary of nulls and no error at all say the same
        return {name: item for name, item in (value or {}).items() if item is not None} or None
    return str(value).lower() if isinstance(value, bool) else value


def _read(entry: dict[str, Any], reading: Reading, key: str) -> Any:
    facts = dict(reading.facts)
    if key in _FIELDS:
        return getattr(reading, _FIELDS[key])
    if key in _PLAIN:
        return getattr(reading, key)
    match key:
        case "message_key":
            return reading.message
        case "message_key_alternates":
            return list(reading.aliases)
        case "conversation_key":
            return reading.conversation
        case "event_time":
            moment = reading.occurred_at
            return moment and moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
        case "media":
            shapes = entry["expected"]["media"] or []
            if any(isinstance(shape, str) for shape in shapes):
                return [item.url for item in reading.media]
            return [{"type": item.type, "url": item.url} for item in reading.media]
        case "error":
            names = (entry["expected"]["error"] or {}).keys()
            if not names and reading.error is not None:
                return reading.error
            return {name: item for name in names if (item := _error(reading, facts, name)) is not None} or None
        case _:
            return facts.get(key)


def _error(reading: Reading, facts: dict[str, str], name: str) -> str | None:
    """One part of an error: a field of the error, of the reading, or a fact (``error_type`` or ``type``)."""
    if name in _ERROR:
        value: str | None = getattr(reading.error or MessageError(), name)
        return value
    if name == "provider_status":
        return reading.provider_status
    return facts.get(f"error_{name}", facts.get(name))


def _equal(wanted: Any, got: Any) -> bool:
    return (not got) if wanted is None else bool(wanted == got)
