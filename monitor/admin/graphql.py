"""What a GraphQL schema tells of webhooks: the operations that it offers beside registration, and how to write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from monitor.admin.base import LIST
from monitor.jsonbody import Json
from monitor.model.registration import ChangeKind

# The fields of a webhook that Volt documents.
DOCUMENTED: Final = ("id", "url", "createdAt", "lastUpdatedAt")

# The questions to a schema, which change nothing: what it offers and with which arguments, then what that gives.
CAPABILITIES: Final = """\
query Caps {
  __schema {
    queryType { fields { name args { name type { kind name ofType { kind name ofType { kind name } } } } } }
    mutationType { fields { name args { name type { kind name ofType { kind name ofType { kind name } } } } } }
  }
  __type(name: "Webhook") { fields { name } }
}"""
RESULTS: Final = """\
query Results {
  __schema {
    queryType { fields { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }
    mutationType { fields { name type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }
  }
}"""

_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_NAMES: Final[Mapping[str, tuple[str, re.Pattern[str]]]] = {
    LIST: ("query", re.compile(r"(?:list|get|all|my|registered)?_?webhooks|webhook_?list", re.IGNORECASE)),
    ChangeKind.UPDATE: ("mutation", re.compile(r"(?:update|edit|change)_?webhook", re.IGNORECASE)),
    ChangeKind.REMOVE: ("mutation", re.compile(r"(?:unregister|delete|remove)_?webhook", re.IGNORECASE)),
}
# What an argument is filled with, by its name in lower case.
_FILLED: Final = {"id": "id", "webhookid": "id", "webhook_id": "id", "url": "url"}
_NEEDED: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    LIST: (frozenset(),),
    ChangeKind.UPDATE: (frozenset({"id", "url"}),),
    ChangeKind.REMOVE: (frozenset({"id"}), frozenset({"url"})),
}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: its name, its type as GraphQL writes it, and what fills it (``id`` or ``url``)."""

    name: str
    type: str
    filled_by: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A field of a schema that hooktop can use. ``selection`` are the fields asked of what it gives; none where that
    is no object."""

    kind: str
    name: str
    arguments: tuple[Argument, ...]
    selection: tuple[str, ...] = DOCUMENTED

    @property
    def text(self) -> str:
        """The GraphQL text."""
        declared = ", ".join(f"${given.name}: {given.type}" for given in self.arguments)
        passed = ", ".join(f"{given.name}: ${given.name}" for given in self.arguments)
        head = f"{self.kind} {self.name} {f'({declared}) ' if declared else ''}{{"
        call = f"    {self.name}{f' ({passed})' if passed else ''}"
        asked = [f"{call} {{", *(f"        {name}" for name in self.selection), "    }"] if self.selection else [call]
        return "\n".join([head, *asked, "}"])

    def body(self, **values: str) -> str:
        """The JSON of a request for it, with its arguments filled from ``values`` (``id``, ``url``)."""
        filled: dict[str, str | int] = {}
        for given in self.arguments:
            value = values[given.filled_by]
            whole = given.type.rstrip("!") == "Int" and re.fullmatch(r"-?[0-9]{1,10}", value, re.ASCII)
            filled[given.name] = int(value) if whole else value
        return question(self.text, filled)


def question(text: str, variables: Mapping[str, Json] | None = None) -> str:
    """The JSON of a GraphQL request."""
    return json.dumps({"query": text, **({"variables": variables} if variables else {})}, separators=(",", ":"))


def candidates(schema: Json) -> list[str]:
    """The names of the fields that look like an operation on webhooks, in the ``data`` of ``CAPABILITIES``."""
    return [
        field["name"]
        for kind, pattern in _NAMES.values()
        for field in _fields(schema, kind)
        if pattern.fullmatch(field["name"])
    ]


def offered(schema: Json, results: Json) -> tuple[dict[str, Operation], dict[str, str]]:
    """The operations that can be used, by ``LIST`` or the kind of change, and why others of the schema cannot.

    ``schema`` is the ``data`` of ``CAPABILITIES``, ``results`` that of ``RESULTS``; where the latter is silent, a field
    is taken to give webhooks, as registration does.
    """
    found: dict[str, Operation] = {}
    why: dict[str, str] = {}
    for use, (kind, pattern) in _NAMES.items():
        types = {field["name"]: field.get("type") for field in _fields(results, kind)}
        for field in _fields(schema, kind):
            name = field["name"]
            if use in found or not pattern.fullmatch(name):
                continue
            arguments = _arguments(field.get("args"), use)
            selection = _selection(types.get(name), schema, use)
            if arguments is None:
                why[use] = f"its schema has {name}, with arguments that hooktop does not know"
            elif selection is None:
                why[use] = f"its schema has {name}, with results that hooktop does not know"
            else:
                found[use] = Operation(kind, name, arguments, selection)
                why.pop(use, None)
    return found, why


def _fields(schema: Json, kind: str) -> Iterator[dict[str, Json]]:
    """The fields of the queries or mutations that have a proper name: names go into the text that is sent."""
    root = _member(_member(schema, "__schema"), f"{kind}Type")
    yield from _named(_member(root, "fields"))


def _arguments(args: Json, use: str) -> tuple[Argument, ...] | None:
    """The arguments to fill, or None where one that must be filled, or that is needed, is not known."""
    known: dict[str, Argument] = {}
    for arg in _named(args):
        kind = _member(arg, "type")
        filled_by = _FILLED.get(arg["name"].lower())
        written = _scalar(kind)
        if filled_by is not None and written is not None:
            known.setdefault(filled_by, Argument(arg["name"], written, filled_by))
        elif _member(kind, "kind") == "NON_NULL":
            return None
    required = {name for name, given in known.items() if given.type.endswith("!")}
    for needed in _NEEDED[use]:
        if needed <= known.keys() and (use != LIST or not required):
            return tuple(known[name] for name in sorted(needed | required))
    return None


def _selection(kind: Json, schema: Json, use: str) -> tuple[str, ...] | None:
    """What to ask of the result; None where it cannot be read."""
    while isinstance(kind, dict) and _member(kind, "ofType") is not None:
        kind = kind["ofType"]
    name = _member(kind, "name")
    if name not in (None, "Webhook"):
        if use == LIST:
            return None
        return () if _member(kind, "kind") in ("SCALAR", "ENUM") else ("__typename",)
    told = {field["name"] for field in _named(_member(_member(schema, "__type"), "fields"))}
    if told and not {"id", "url"} <= told:
        return None
    return tuple(field for field in DOCUMENTED if not told or field in told)


def _scalar(kind: Json) -> str | None:
    """The type of an argument as GraphQL writes it, where it takes one plain value."""
    mark = ""
    if _member(kind, "kind") == "NON_NULL":
        kind, mark = _member(kind, "ofType"), "!"
    name = _member(kind, "name")
    if _member(kind, "kind") != "SCALAR" or not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return name + mark


def _named(items: Json) -> Iterator[dict[str, Json]]:
    for item in items if isinstance(items, list) else ():
        name = _member(item, "name")
        if isinstance(name, str) and _NAME.fullmatch(name):
            yield item


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None
