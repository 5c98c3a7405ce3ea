"""Reading: what a provider says in a capture, in words that are the same for all providers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, cast

MAX_NAME: Final = 1_000  # characters of an id, a number, a word of the provider's: no documented one has 300


class Direction(StrEnum):
    """Which way a message went, seen from the business that owns the webhook."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Status(StrEnum):
    """The states of a message, common to all providers."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Media:
    """An attachment as the provider names it. ``type`` is the provider's word; the URL is never fetched."""

    type: str | None
    url: str | None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class MessageError:
    """Why a message failed, in the provider's own words. Codes are text: ``"0"`` is a code.

    ``temporary`` is true or false only where the provider's words say so.
    """

    code: str | None = None
    carrier_code: str | None = None
    carrier: str | None = None
    source: str | None = None
    title: str | None = None
    detail: str | None = None
    trace_id: str | None = None
    temporary: bool | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The provider-neutral meaning of a capture. None means that the provider did not say.

    ``message`` and ``conversation`` are keys that begin with the provider's name and a colon; ``aliases`` are further
    message keys (same form) under which the provider may speak of the same message. ``mark`` is something that
    happened to a message and is no stage of its delivery (read, opened, clicked, ...). The times are the provider's:
    ``occurred_at`` of this event, ``accepted_at`` when it took the message, ``sent_at`` when it handed it on,
    ``completed_at`` when it was final, ``valid_until`` when it gives up. ``facts`` are further named things it said.
    ``problems`` lists what could not be read.
    """

    event: str | None = None
    event_id: str | None = None
    message: str | None = None
    aliases: tuple[str, ...] = ()
    conversation: str | None = None
    direction: Direction | None = None
    channel: str | None = None
    status: Status | None = None
    provider_status: str | None = None
    mark: str | None = None
    from_: str | None = None
    to: str | None = None
    text: str | None = None
    media: tuple[Media, ...] = ()
    error: MessageError | None = None
    occurred_at: datetime | None = None
    accepted_at: datetime | None = None
    sent_at: datetime | None = None
    completed_at: datetime | None = None
    valid_until: datetime | None = None
    facts: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


NO_READING: Final = Reading()  # of a capture that says nothing
_NAMES: Final = (
    "event", "event_id", "message", "conversation", "channel", "provider_status", "mark", "from_", "to",
)  # fmt: skip
_ERROR_NAMES: Final = ("code", "carrier_code", "carrier", "source", "title", "trace_id")
_names: Final = attrgetter(*_NAMES)
_error_names: Final = attrgetter(*_ERROR_NAMES)


def bounded(reading: Reading) -> Reading:
    """A reading without names that have no end: anybody can send a megabyte of one, and each is kept many times over,
    in keys, indexes and lists. What is longer than ``MAX_NAME`` is left out, and a problem says so."""
    found = [name for name, value in zip(_NAMES, _names(reading), strict=True) if value and len(value) > MAX_NAME]
    aliases = tuple(alias for alias in reading.aliases if len(alias) <= MAX_NAME)
    error, wrong = reading.error, []
    if error is not None:
        pairs = zip(_ERROR_NAMES, _error_names(error), strict=True)
        wrong = [name for name, value in pairs if value and len(value) > MAX_NAME]
    if not found and not wrong and len(aliases) == len(reading.aliases):
        return reading
    told = [*(name.rstrip("_") for name in found), *(f"error.{name}" for name in wrong)]
    told += ["aliases"] if len(aliases) < len(reading.aliases) else []
    problems = (f"{name} has more than {MAX_NAME:,} characters and is left out" for name in told)
    left: dict[str, Any] = dict.fromkeys(found)
    left["error"] = error and replace(error, **cast(dict[str, Any], dict.fromkeys(wrong)))
    return replace(reading, aliases=aliases, problems=(*reading.problems, *problems), **left)
