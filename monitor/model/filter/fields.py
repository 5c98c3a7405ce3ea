"""The fields a filter can ask about, and where a capture keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum, auto
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias

from monitor import jsonbody
from monitor.jsonbody import Json
from monitor.model.capture import Capture, Source
from monitor.model.reading import NO_READING, Direction, Reading, Status
from monitor.model.verdict import VerdictStatus
from monitor.times import microseconds

Value: TypeAlias = str | int | None


class Kind(Enum):
    """What a field holds, and so how its values are written and compared."""

    CLOSED = auto()  # one of a known list
    NAME = auto()  # a word in lower case from a list that grows
    WORD = auto()  # a text that is compared as a whole
    PROSE = auto()  # a text that is searched
    PARTY = auto()  # a phone number, address or name
    NUMBER = auto()
    SIZE = auto()  # bytes
    DURATION = auto()  # microseconds
    AGE = auto()  # a time, asked for by its distance from now
    TIME = auto()  # microseconds since 1970
    OPEN = auto()  # needs a name after a dot: header.user-agent


ORDERED: Final = frozenset({Kind.NUMBER, Kind.SIZE, Kind.DURATION, Kind.AGE, Kind.TIME})


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name, an example of its use, what it means, and how to read it from a capture.

    ``read`` gives every value the capture has, None for those unknown; its second argument is the name after the dot
    of an OPEN field. ``choices`` are the values of a CLOSED one, ``absent`` is what lists call it where it has none.
    """

    name: str
    kind: Kind
    example: str
    help: str
    read: Callable[[Capture, str], Iterable[Value]]
    choices: tuple[str, ...] = ()
    absent: str = ""


# Where a message's way ends; what comes later (read, opened) happened to it and says nothing of its delivery.
FINAL: Final = (Status.DELIVERED, Status.FAILED)
APP: Final = "app"
_MICROSECOND: Final = timedelta(microseconds=1)


def _of(capture: Capture) -> Reading:
    return capture.reading or NO_READING


def _reading(get: Callable[[Reading], Iterable[Value]]) -> Callable[[Capture, str], Iterable[Value]]:
    return lambda capture, _: get(_of(capture))


def _latency(reading: Reading) -> tuple[Value]:
    end = reading.completed_at or (reading.occurred_at if reading.status in FINAL else None)
    return (None if end is None or reading.accepted_at is None else (end - reading.accepted_at) // _MICROSECOND,)


def _error(reading: Reading) -> tuple[Value, ...]:
    if (error := reading.error) is None:
        return ()
    # Its reason stands for a code where there is none (OneRoute), else the empty one, so that error:* finds it.
    reason = None if error.carrier_code else error.title
    return (error.code or reason or "", error.carrier_code)


def _choices(closed: type[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for member in closed)


def fact_values(facts: Iterable[Sequence[str]], name: str) -> list[str]:
    """The values of the facts of one name, ignoring its case."""
    return [value for key, value in facts if key.casefold() == name.casefold()]


def body_values(body: bytes, path: str) -> list[str]:
    """What stands in a JSON body under a path of keys and list indexes (``payload.parts.0.type``), as texts.

    A step that is no index looks into every element of a list, and a list at the end stands for its elements. Texts
    are themselves, all else is compact JSON. Nothing when the body is no JSON.
    """
    found = [_parsed(body)]
    for step in path.split("."):
        found = list(chain.from_iterable(_step(value, step) for value in found))
    return [
        item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, separators=(",", ":"))
        for value in found
        for item in (value if isinstance(value, list) else (value,))
    ]


@lru_cache(maxsize=4)
def _parsed(body: bytes) -> Json:
    return jsonbody.parse(body).value


def _step(value: Json, step: str) -> list[Json]:
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if not isinstance(value, list):
        return []
    if step.isascii() and step.isdecimal() and len(step) < 10:
        return value[int(step) : int(step) + 1]
    return [item[step] for item in value if isinstance(item, dict) and step in item]


# fmt: off
FIELDS: Final = {field.name: field for field in (
    Field("provider", Kind.NAME, "provider:volt", "who sent it", lambda c, _: (c.provider,)),
    Field("verdict", Kind.CLOSED, "verdict:invalid", "what is known of the signature", lambda c, _: (c.verdict.status,),
          _choices(VerdictStatus)),
    Field("status", Kind.CLOSED, "status:failed", "state of the message", _reading(lambda r: (r.status,)),
          _choices(Status), absent="unknown"),
    Field("event", Kind.WORD, "event:message.*", "event type in the provider's words", _reading(lambda r: (r.event,))),
    Field("from", Kind.PARTY, "from:+1555*", "sender", _reading(lambda r: (r.from_,))),
    Field("to", Kind.PARTY, "to:5550123", "recipient", _reading(lambda r: (r.to,))),
    Field("party", Kind.PARTY, "party:5550123", "sender or recipient", _reading(lambda r: (r.from_, r.to))),
    Field("text", Kind.PROSE, 'text:"spam filter"', "words of the message", _reading(lambda r: (r.text,))),
    Field("error", Kind.WORD, "error:40002", "code of the provider or the carrier, else the reason; * for any error",
          _reading(_error)),
    Field("carrier", Kind.WORD, "carrier:t-mobile*", "carrier that refused it",
          _reading(lambda r: (r.error.carrier if r.error else None,))),
    Field("direction", Kind.CLOSED, "direction:out", "in or out", _reading(lambda r: (r.direction,)),
          _choices(Direction)),
    Field("channel", Kind.WORD, "channel:sms", "channel", _reading(lambda r: (r.channel,))),
    Field("size", Kind.SIZE, "size>10k", "bytes of the body (1k is 1024)", lambda c, _: (len(c.request.body),)),
    Field("age", Kind.AGE, "age<2h", "time since it came", lambda c, _: (microseconds(c.received_at),)),
    Field("received", Kind.TIME, "received>=2026-01-31", "when it came; UTC unless it ends in an offset",
          lambda c, _: (microseconds(c.received_at),)),
    Field("latency", Kind.DURATION, "latency>5s", "from accepted to final", _reading(_latency)),
    Field("mark", Kind.WORD, "mark:duplicate", "what was noticed", lambda c, _: (_of(c).mark, *c.marks)),
    Field("message", Kind.WORD, "message:volt:4031*", "key of the message",
          _reading(lambda r: (r.message, *r.aliases))),
    Field("conversation", Kind.WORD, "conversation:bird:*", "key of the conversation",
          _reading(lambda r: (r.conversation,))),
    Field("media", Kind.WORD, "media:image*", "type of an attachment", _reading(lambda r: [m.type for m in r.media])),
    Field("key", Kind.WORD, "key:sha256:1a2b*", "fingerprint of the key that matched", lambda c, _: (c.verdict.key,)),
    Field("scheme", Kind.WORD, "scheme:rsa*", "signature scheme", lambda c, _: (c.verdict.scheme,)),
    Field("reason", Kind.PROSE, "reason:header", "words of the verdict's reason", lambda c, _: (c.verdict.reason,)),
    Field("near_miss", Kind.PROSE, "near_miss:https", "what would have matched", lambda c, _: (c.verdict.near_miss,)),
    Field("problem", Kind.PROSE, "problem:*", "what could not be read", _reading(lambda r: r.problems)),
    Field("id", Kind.NUMBER, "id:12", "number of the capture", lambda c, _: (c.id,)),
    Field("source", Kind.CLOSED, "source:replayed", "how it came to be here", lambda c, _: (c.source,),
          _choices(Source)),
    Field("method", Kind.WORD, "method:put", "HTTP method", lambda c, _: (c.request.method,)),
    Field("path", Kind.WORD, "path:/volt*", "path as it was sent", lambda c, _: (c.request.path,)),
    Field("query", Kind.WORD, "query:*debug=1*", "query as it was sent", lambda c, _: (c.request.query,)),
    Field("peer", Kind.WORD, "peer:127.0.0.1:*", "address of the socket", lambda c, _: (c.request.peer,)),
    Field("answer", Kind.NUMBER, "answer>=400", "HTTP status we answered with; 0: reset, 499: the sender was gone",
          lambda c, _: (c.answer,)),
    Field(APP, Kind.NUMBER, "app>=400", "HTTP status your app answered with last; 0: it gave no answer",
          lambda c, _: ()),  # the store alone knows
    Field("body", Kind.OPEN, "body.payload.parts>1", "what the JSON body holds under a path",
          lambda c, path: body_values(c.request.body, path)),
    Field("header", Kind.OPEN, "header.user-agent:~resty", "a request header",
          lambda c, name: c.request.header_values(name.lower())),
    Field("fact", Kind.OPEN, "fact.campaign:spring", "what else the provider said",
          lambda c, name: fact_values(_of(c).facts, name)),
)}
# fmt: on
# What a bare word is sought in; it has no name that could be written, so it stands outside the table.
ANYWHERE: Final = Field(
    "",
    Kind.PROSE,
    "hello",
    "text, parties and ids",
    _reading(lambda r: (r.text, r.from_, r.to, r.message, *r.aliases, r.conversation, r.event_id, r.event)),
)
