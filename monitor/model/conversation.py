"""Conversation: the messages between the same parties, and what else a provider tells of them.

A provider may know one party by two names and give now the one, now the other. ``aliases_of`` finds such pairs in an
event, ``known_aliases`` keeps them, and ``canonical`` gives the one key under which the conversation goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from monitor.model.event import Event, moves, occurrences
from monitor.model.message import Message
from monitor.model.reading import Direction, Reading, Status

MAX_PARTIES: Final = 8  # of each side
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of one conversation key, in sum.

    ``parties`` are the customers first, then the business. ``last_*`` and ``status`` are those of the newest message;
    without messages, ``last_at`` is that of the newest event. ``provider_status`` is the provider's own word about the
    conversation. ``unread`` counts the inbound messages that came after somebody looked, None where nobody says when.
    ``unproven`` counts the messages of which nothing is backed by a signature or by trust: they count nowhere else.
    """

    key: str
    provider: str
    parties: tuple[str, ...]
    channel: str | None
    messages: int
    unread: int | None
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
    return [pair for pair in pairs if pair[0] != pair[1]]


def known_aliases(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a table for ``canonical``: the same for every order of the pairs, and never a circle."""
    known: dict[str, str] = {}
    for alias, key in sorted(set(pairs)):
        if alias not in known and canonical(key, known) != alias:
            known[alias] = key
    return known


def canonical(key: str, aliases: Mapping[str, str]) -> str:
    """The key under which a conversation goes."""
    seen = {key}
    while (other := aliases.get(key)) is not None and other not in seen:
        seen.add(other)
        key = other
    return key


def conversation_of(of: Message | Event, aliases: Mapping[str, str] = _NOTHING) -> str | None:
    """The key of the conversation that a message, or an event about a conversation, belongs to; None for neither.

    Events of a message (a status, an interaction) belong where their message does: ask with the message. Where a
    conversation event cannot be tied to parties, the provider's own id of the conversation is its key.
    """
    if isinstance(of, Message):
        return of.conversation and canonical(of.conversation, aliases)
    own = of.reading.conversation or _own_key(of.provider, dict(of.reading.facts))
    return own and canonical(own, aliases)


def fold_conversation(
    key: str, messages: Sequence[Message], events: Iterable[Event] = (), *, looked_at: datetime | None = None
) -> Conversation:
    """The conversation of these messages and conversation events, in whatever order they are given.

    Events that may not move anything (``event.moves``) are left out. ``looked_at`` is when somebody last looked at it
    (our clock).
    """
    backed = sorted((message for message in messages if message.backed), key=_message_order)
    lines = _centre_lines(events)
    newest = backed[-1] if backed else None
    unread = None
    if looked_at is not None:
        unread = sum(message.direction is Direction.INBOUND and message.first_at > looked_at for message in backed)
    return Conversation(
        key=key,
        provider=key.partition(":")[0],
        parties=_parties(backed),
        channel=next((message.channel for message in reversed(backed) if message.channel), None),
        messages=len(backed),
        unread=unread,
        last_text=newest.text if newest else None,
        last_direction=newest.direction if newest else None,
        last_at=newest.happened_at if newest else lines[-1].at if lines else None,
        status=newest.status if newest else None,
        provider_status=next((line.provider_status for line in reversed(lines) if line.provider_status), None),
        failed=sum(message.status is Status.FAILED for message in backed),
        unproven=len(messages) - len(backed),
    )


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


def _parties(messages: Sequence[Message]) -> tuple[str, ...]:
    """Who takes part, as written by the provider: the customers, then the business."""
    customers: dict[str, None] = {}
    businesses: dict[str, None] = {}
    for message in messages:
        inbound = message.direction is Direction.INBOUND
        for side, party in ((customers, message.from_ if inbound else message.to),
                            (businesses, message.to if inbound else message.from_)):  # fmt: skip
            if party and len(side) < MAX_PARTIES:
                side.setdefault(party)
    return tuple(dict.fromkeys((*customers, *businesses)))


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
