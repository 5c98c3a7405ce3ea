"""Which values of a JSON object, a form or a header are private, told by their names."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from itertools import pairwise
from typing import Final

from monitor.model.jsontext import Path


class Kind(Enum):
    """What a value is likely to be."""

    SECRET = auto()  # a token, a key, a signature: nothing of it may stay
    TEXT = auto()  # what people write to each other
    PARTY = auto()  # a person's name, number or address
    PLACE = auto()  # where somebody is; numbers tell it, too
    PARTY_ID = auto()  # a provider's name for somebody, which may be their number, and stays where it is a UUID
    TIME = auto()
    ID = auto()
    FREE = auto()  # anything: numbers, addresses and sentences in it are private


_SECRETS: Final = frozenset(
    {
        "accesskey", "apikey", "auth", "authorization", "bearer", "cookie", "cookies", "credential", "credentials",
        "hmac", "jwt", "otp", "passcode", "passphrase", "passwd", "password", "pin", "pwd", "secret", "secrets",
        "session", "sig", "sign", "signature", "signatures", "stamp", "token", "tokens",
    }
)  # fmt: skip
_SECRET_PAIRS: Final = frozenset(
    {
        ("access", "key"), ("api", "key"), ("auth", "code"), ("encryption", "key"), ("idempotency", "key"),
        ("one", "time"), ("private", "key"), ("security", "code"), ("signing", "key"), ("verification", "code"),
    }
)  # fmt: skip
_TEXTS: Final = frozenset(
    {
        "answer", "attachment", "body", "callback", "caption", "comment", "content", "data", "description", "detail",
        "feedback", "file", "filename", "headline", "html", "label", "message", "note", "payload", "preview",
        "question", "quote", "quoted", "reason", "remark", "reply", "response", "subject", "summary", "text", "title",
        "transcript", "value",
    }
)  # fmt: skip
_PARTIES: Final = frozenset(
    {
        "addr", "address", "agent", "assignee", "author", "birth", "birthdate", "birthday", "brand", "callee",
        "caller", "cell", "city", "client", "company", "contact", "contactname", "customer", "customername",
        "displayname", "dob", "email", "family", "fax", "firm", "first", "firstname", "from", "fullname", "given",
        "handle", "identifiervalue", "last", "lastname", "login", "mail", "middle", "mobile", "msisdn", "name",
        "nickname", "number", "operator", "organisation", "organization", "originator", "owner", "participant",
        "patient", "person", "phone", "postal", "postcode", "profilename", "pushname", "receiver", "recipient",
        "screenname", "sender", "sendername", "street", "subscriber", "surname", "tel", "telephone", "to", "user",
        "username", "waid", "whatsapp", "zip",
    }
)  # fmt: skip
_PLACES: Final = frozenset(
    {"coordinate", "geo", "geohash", "lat", "latitude", "lng", "location", "lon", "long", "longitude"}
)
# Names of these are no names of people.
_THINGS: Final = frozenset(
    {"carrier", "country", "currency", "event", "locale", "network", "scheme", "status", "template", "type", "zone"}
)
_TIMES: Final = frozenset(
    {"activity", "at", "created", "date", "expires", "expiry", "on", "time", "timestamp", "ts", "until", "updated"}
)
_IDS: Final = frozenset({"guid", "hash", "id", "ref", "reference", "sha", "sid", "ulid", "uuid"})
# What stands below these is written by people, or secret, whatever it is called.
_HOLDERS: Final = {
    **dict.fromkeys(("credential", "secret", "cookie"), Kind.SECRET),
    **dict.fromkeys(("param", "parameter", "placeholder", "variable"), Kind.TEXT),
}
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


@lru_cache(maxsize=4096)
def kind_of(path: Path) -> Kind:
    """The kind of the value at the end of a path of names, such as those of ``jsontext.rewrite``."""
    if not path:
        return Kind.TEXT
    for name in path[:-1]:
        held = _HOLDERS.get(_one("".join(_words(name))))
        if held is not None:
            return held
    words = _words(path[-1])
    if not words:
        return Kind.FREE
    if not _SECRETS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words)):
        return Kind.SECRET
    joined, last = _one("".join(words)), _one(words[-1])
    if joined in _PARTIES:  # among them a birth date, which is no time of an event
        return Kind.PARTY
    if last in _TIMES:
        return Kind.TIME
    if last in _PLACES:
        return Kind.PLACE
    if last in _PARTIES and words[0] not in _THINGS:
        return Kind.PARTY
    if last in _IDS:
        whose = words[-2:-1] or (_words(path[-2])[-1:] if len(path) > 1 else [])
        return Kind.PARTY_ID if whose and _one(whose[0]) in _PARTIES else Kind.ID
    return Kind.TEXT if last in _TEXTS else Kind.FREE


def _words(name: str) -> list[str]:
    """The words of a name: ``fromNumber``, ``from_number`` and ``From-Number`` have the same two."""
    return [word.lower() for word in _WORDS.findall(name)]


def _one(word: str) -> str:
    """The word, in the singular where that is only a letter less."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
