"""Volt's GraphQL schema, in the form in which introspection tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from monitor.jsonbody import Json


@dataclass(frozen=True, slots=True)
class Offer:
    """A root field: its arguments, all of them texts and required, and its type."""

    arguments: tuple[str, ...]
    type: Json


Offered: TypeAlias = Mapping[str, Mapping[str, Offer]]  # by kind of operation and name


def _type(kind: str, name: str | None, fields: list[Json] | None = None, of: Json = None) -> Json:
    return {"kind": kind, "name": name, "description": None, "fields": fields, "ofType": of}


_STRING: Final = _type("SCALAR", "String")
_REQUIRED: Final = _type("NON_NULL", None, of=_STRING)


def _field(name: str, arguments: tuple[str, ...], kind: Json) -> Json:
    told = [{"name": each, "description": None, "type": _REQUIRED, "defaultValue": None} for each in arguments]
    return {
        "name": name,
        "description": None,
        "args": told,
        "type": kind,
        "isDeprecated": False,
        "deprecationReason": None,
    }


def _object(name: str, *fields: str) -> Json:
    return _type("OBJECT", name, [_field(field, (), _STRING) for field in fields])


WEBHOOK: Final = _object("Webhook", "id", "url", "createdAt", "lastUpdatedAt")
_MESSAGES: Final = _type("LIST", None, of=_object("Message", "id"))


def offered(*, rich: bool) -> Offered:
    """The root fields: what is documented, or all that a rich schema might have."""
    query = {"messages": Offer((), _MESSAGES)}
    mutation = {"registerWebhook": Offer(("url",), WEBHOOK)}
    if rich:
        query |= {"webhooks": Offer((), _type("LIST", None, of=WEBHOOK)), "webhook": Offer(("id",), WEBHOOK)}
        mutation |= {"updateWebhook": Offer(("id", "url"), WEBHOOK), "deleteWebhook": Offer(("id",), WEBHOOK)}
    return {"query": query, "mutation": mutation}


def told(offers: Offered) -> Json:
    """The answer to ``__schema``."""
    roots = {
        kind: _type("OBJECT", kind.title(), [_field(name, one.arguments, one.type) for name, one in fields.items()])
        for kind, fields in offers.items()
    }
    return {
        "queryType": roots["query"],
        "mutationType": roots["mutation"],
        "subscriptionType": None,
        "types": [*roots.values(), WEBHOOK, _STRING],
        "directives": [],
    }
