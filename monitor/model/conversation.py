"""Conversation: the messages between the same parties, and what else a provider tells of them.

A provider may know one party by two names and give now the one, now the other. ``aliases_of`` finds such pairs in an
event; the store joins what they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from monitor.model.event import Event, moves, occurrences
from monitor.model.message import Message
from monitor.model.reading import Direction, Reading, Status

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_PHONE: Final = re.compile(r"[0-9]{7,15}")  # of E.164, without its plus


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of one conversation key, in sum.

    ``parties`` are the customers first, then the business. ``last_*`` and ``status`` are those of the newest message;
    without messages, ``last_at`` is that of the newest event. ``provider_status`` is the provider's own word about the
    conversation. ``unproven`` counts the messages of which nothing is backed by a signature or by trust: they count
    nowhere else.
    """

    key: str
    provider: str
    parties: tuple[str, ...]
    channel: str | None
    messages: int
    last_text: str | None
    last_direction: Direction | None
    last_at: datetime | None
    status: Status | None
    provider_status: str | None
    failed: int
    unproven: int


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message in a thread, at its time in the provider's clock, else at its arrival."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class CentreLine:
    """Something that happened to the conversation itself; ``count`` captures told of it, the first is ``capture``."""

    at: datetime
    event: str
    provider_status: str | None
    capture: int
    count: int
    verified: bool


def aliases_of(event: Event, conversations: Mapping[str, str] = _NOTHING) -> list[tuple[str, str]]:
    """Pairs of conversation keys that this event shows to be one: the passing name first, then the lasting one.

    ``conversations`` gives the conversation of a message by the message's key: an event that names a message of it ties
    its own conversation id to that. Ask only of events that move something: a forged one would join what is apart.
    """
    reading, provider = event.reading, event.provider
    facts = dict(reading.facts)
    if reading.conversation is None:
        return _own_id(reading, provider, facts, conversations)
    place, comma, _ = reading.conversation.partition(",")
    inbound = reading.direction is Direction.INBOUND
    names = [facts.get("sender_user_id" if inbound else "recipient_user_id")]  # Connectly: id first, user id at times
    if "contact_id" in facts:
        names.append(reading.from_ if inbound else reading.to)  # Bird: at times the identifier without the contact id
    pairs = [(f"{place},{name}", reading.conversation) for name in names if comma and name]
    if comma:  # Connectly: numbers with a plus and without it
        pairs.append((_with_pluses(reading.conversation), reading.conversation))
    return [pair for pair in pairs if pair[0] != pair[1]]


def conversation_of(event: Event) -> str | None:
    """The key of the conversation that an event about a conversation belongs to, None for an event about anything else.

    Where it cannot be tied to parties, the provider's own id of the conversation is the key.
    """
    return event.reading.conversation or _own_key(event.provider, dict(event.reading.facts))


def bubbles(messages: Iterable[Message], events: Iterable[Event] = ()) -> list[Bubble | CentreLine]:
    """The thread: messages and what happened to the conversation, oldest first.

    Messages that may be forged are among them (``Message.backed`` is false), at the time of their arrival.
    """
    lines: list[tuple[tuple[datetime, int, int, str], Bubble | CentreLine]] = [
        (_message_order(message), Bubble(message.happened_at, message)) for message in messages
    ]
    lines += [((line.at, line.capture, 0, line.event), line) for line in _centre_lines(events)]
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def _message_order(message: Message) -> tuple[datetime, int, int, str]:
    return message.happened_at, message.captures[0], 1, message.key


def _with_pluses(key: str) -> str:
    """The key with all phone numbers in the one form that they can be compared in."""
    provider, colon, parties = key.partition(":")
    return provider + colon + ",".join(f"+{one}" if _PHONE.fullmatch(one) else one for one in parties.split(","))


def _own_key(provider: str, facts: Mapping[str, str]) -> str | None:
    number = facts.get("conversation_id")
    return number and f"{provider}:{number}"


def _own_id(
    reading: Reading, provider: str, facts: Mapping[str, str], conversations: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Bird's conversation events: tied by their last message, else by the channel and the contact who sent it."""
    own, last, channel = _own_key(provider, facts), facts.get("last_message_id"), facts.get("channel_id")
    if own is None:
        return []
    known = conversations.get(f"{provider}:{last}") if last else None
    if known is None and channel and reading.from_ and facts.get("last_message_sender") == "contact":
        known = f"{provider}:{channel},{reading.from_}"
    return [(own, known)] if known and known != own else []


def _centre_lines(events: Iterable[Event]) -> list[CentreLine]:
    found = [
        CentreLine(
            at=said.event.reading.occurred_at or said.event.received_at,
            event=said.event.reading.event or "event",
            provider_status=dict(said.event.reading.facts).get("conversation_status"),
            capture=said.event.capture,
            count=said.count,
            verified=said.verified,
        )
        for said in occurrences(event for event in events if moves(event.verdict))
    ]
    return sorted(found, key=lambda line: (line.at, line.capture, line.event))
