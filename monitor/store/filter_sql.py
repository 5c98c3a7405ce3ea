"""A filter as the WHERE clause of a query over ``readings r``, with ``captures c`` joined where it is needed, or over
``messages r``.

Every value is a bound parameter; the SQL itself is put together from the constants of this module. Plain SQL is used
where it says exactly what the predicate says. Everything else goes through one SQL function that calls the predicate's
own helpers: ``register`` makes it known to a connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from monitor.model.capture import Request
from monitor.model.filter import FilterError
from monitor.model.filter.conditions import Choice, How, Range, Text, pieces, text_test
from monitor.model.filter.fields import FINAL, body_values, fact_values
from monitor.model.filter.nodes import And, Node, Not, Or, Term, terms
from monitor.model.filter.predicate import Filter
from monitor.model.message import Mark
from monitor.store import search
from monitor.store.rows import headers_of
from monitor.times import microseconds


@dataclass(frozen=True, slots=True)
class Where:
    """An expression for WHERE with its parameters. ``needs_captures`` says whether it looks at ``captures c``;
    ``search`` is what the search index is asked first, where it can help; ``digests`` whether messages without an id
    may pass beside those that it finds."""

    sql: str
    parameters: list[object]
    needs_captures: bool
    search: str | None = None
    digests: bool = False


EVERYTHING: Final = Where("TRUE", [], False)


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a value is stored: an SQL expression, and how its texts are packed (a key of ``_UNPACK``); ``within`` is
    what a condition on it stands in, where another table has it."""

    sql: str
    packed: str = ""
    within: str = "{}"


def last_attempt(value: str, capture: str) -> str:
    """An expression for a value of the last attempt ``a`` of a capture, which is an expression for its id; NULL where
    there was none."""
    return f"(SELECT {value} FROM attempts a WHERE a.capture = {capture} ORDER BY a.id DESC LIMIT 1)"  # noqa: S608


Columns: TypeAlias = Mapping[str, tuple[_Column, ...]]
_FINAL: Final = ", ".join(f"'{status.value}'" for status in FINAL)
_CAPTURES: Final[Columns] = {
    "": (
        *map(_Column, ("r.text", "r.sender", "r.recipient", "r.message", "r.conversation", "r.event_id", "r.event")),
        _Column("r.aliases", "list"),
    ),
    "provider": (_Column("r.provider"),),
    "verdict": (_Column("r.verdict"),),
    "status": (_Column("r.status"),),
    "event": (_Column("r.event"),),
    "from": (_Column("r.sender"),),
    "to": (_Column("r.recipient"),),
    "party": (_Column("r.sender"), _Column("r.recipient")),
    "text": (_Column("r.text"),),
    "error": (
        _Column(
            "CASE WHEN r.error THEN coalesce(r.error_code, iif(r.carrier_code IS NULL, r.error_title, NULL), '') END"
        ),
        _Column("r.carrier_code"),
    ),
    "carrier": (_Column("r.carrier"),),
    "direction": (_Column("r.direction"),),
    "channel": (_Column("r.channel"),),
    "size": (_Column("r.size"),),
    "age": (_Column("r.received_at"),),
    "received": (_Column("r.received_at"),),
    "latency": (
        _Column(f"(coalesce(r.completed_at, CASE WHEN r.status IN ({_FINAL}) THEN r.occurred_at END) - r.accepted_at)"),
    ),
    "mark": (_Column("r.mark"), _Column("r.marks", "list")),
    "message": (_Column("r.message"), _Column("r.aliases", "list")),
    "conversation": (_Column("r.conversation"),),
    "media": (_Column("r.media", "media"),),
    "key": (_Column("r.key"),),
    "scheme": (_Column("r.scheme"),),
    "reason": (_Column("r.reason"),),
    "near_miss": (_Column("r.near_miss"),),
    "problem": (_Column("r.problems", "list"),),
    "id": (_Column("r.id"),),
    "source": (_Column("r.source"),),
    "method": (_Column("c.method"),),
    "path": (_Column("c.path"),),
    "query": (_Column("c.query"),),
    "peer": (_Column("c.peer"),),
    "answer": (_Column("c.answer"),),
    "app": (_Column(last_attempt("iif(a.failure IS NULL, a.status, 0)", "r.id")),),
    "body": (_Column("c.body", "body"),),
    "header": (_Column("c.headers", "headers"),),
    "fact": (_Column("r.facts", "facts"),),
}
# A message has its last change for a time, all of its marks, and nothing of the requests that told of it.
_MESSAGES: Final[Columns] = {
    **{
        name: _CAPTURES[name]
        for name in (
            "provider", "status", "from", "to", "party", "text", "error", "carrier", "direction", "channel", "age",
            "received", "message", "media",
        )
    },
    # by each name of its conversation: an event may know a party by another name than the conversation is shown under
    "conversation": (
        _Column("k.key", within="r.conversation_id IN (SELECT k.conversation FROM conversation_keys k WHERE {})"),
    ),
    "": (
        *map(_Column, ("r.text", "r.sender", "r.recipient", "r.message", "r.conversation")),
        _Column("r.aliases", "list"),
    ),
    "latency": (_Column("CAST(round(r.total_s * 1000000) AS INTEGER)"),),
    "mark": (_Column("r.marks", "list"),),
}  # fmt: skip
MESSAGE_FIELDS: Final = frozenset(_MESSAGES)  # the names of the fields that messages have
_OF_ANY: Final = frozenset({"provider", "age", "received"})  # what every capture has, whatever it tells of
# The texts in a stored value; the second argument is the name after the dot of the field.
_UNPACK: Final[dict[str, Callable[[Any, str], Iterable[str | None]]]] = {
    "": lambda stored, _: (stored,),
    "list": lambda stored, _: json.loads(stored),
    "media": lambda stored, _: [item[0] for item in json.loads(stored)],
    "facts": lambda stored, name: fact_values(json.loads(stored), name),
    "headers": lambda stored, name: Request("", "", "", headers_of(stored), b"").header_values(name.lower()),
    "body": body_values,
}
MARKS: Final = frozenset(mark.value for mark in Mark)
_LIKE_SIGNS: Final = str.maketrans({"%": "\\%", "_": "\\_", "\\": "\\\\"})


def compile_filter(filter: Filter, now: datetime) -> Where:
    """The filter over captures as it stands at an aware time, which ages are counted from."""
    parameters: list[object] = []
    sql = _node(filter.node, _CAPTURES, microseconds(now), parameters)
    looked_at = {column.sql for term in terms(filter.node) for column in _CAPTURES[term.field.name]}
    return Where(sql, parameters, any(column.startswith("c.") for column in looked_at), search.wanted(filter.node))


def compile_message_filter(filter: Filter, now: datetime) -> Where:
    """The filter over messages as it stands at an aware time. Raises FilterError for what only captures have."""
    for term in terms(filter.node):
        if term.field.name not in _MESSAGES:
            raise FilterError(
                f"{term.field.name} can be asked of captures only, not of messages.",
                max(filter.text.lower().find(term.field.name), 0),
                f"Messages have {', '.join(name for name in _MESSAGES if name)}.",
            )
    parameters: list[object] = []
    sql = _node(filter.node, _MESSAGES, microseconds(now), parameters)
    asked = search.wanted(filter.node, messages=True)
    return Where(sql, parameters, False, asked, search.asks_digest(filter.node))


def check_capture_filter(filter: Filter) -> None:
    """Raise FilterError for a mark that messages bear and captures never do: nothing would ever pass."""
    for term in terms(filter.node):
        found = term.condition
        if term.field.name == "mark" and isinstance(found, Text) and found.how is How.LIKE and found.value in MARKS:
            raise FilterError(
                f"{found.value} is noticed of messages, not of captures.",
                max(filter.text.lower().find("mark"), 0),
                f"'hooktop messages mark:{found.value}' and view 2 list them.",
            )


def check_any_filter(filter: Filter) -> None:
    """As ``check_capture_filter``, for a filter that may speak of messages: raise FilterError where it asks for such a
    mark and for something that only captures have."""
    if not about_messages(filter):
        check_capture_filter(filter)


def about_messages(filter: Filter) -> bool:
    """Whether a filter speaks of what became of messages: it asks for something that messages have, for more than who
    sent when, and for nothing that only captures have."""
    fields = {term.field.name for term in terms(filter.node)}
    return bool(fields - _OF_ANY) and fields <= MESSAGE_FIELDS


def register(connection: sqlite3.Connection) -> None:
    """Make the function that compiled filters call known to a connection."""
    connection.create_function("filter_text", 5, _filter_text, deterministic=True)


def _filter_text(packed: str, name: str, how: str, value: str, stored: Any) -> bool:
    if stored is None:  # SQLite asks in a result column also where what stands before the AND has said no
        return False
    test = text_test(how, value)
    return any(text is not None and test(text) for text in _UNPACK[packed](stored, name))


def _node(node: Node, columns: Columns, now: int, parameters: list[object]) -> str:
    match node:
        case Term():
            return _any(
                column.within.format(_column(column, node, now, parameters)) for column in columns[node.field.name]
            )
        case Not():
            # What is unknown does not match, so its opposite does: NOT alone would leave NULL unknown.
            return f"({_node(node.node, columns, now, parameters)} IS NOT TRUE)"
        case And():
            return f"({' AND '.join([_node(child, columns, now, parameters) for child in node.nodes] or ['TRUE'])})"
        case Or():
            return _any(_node(child, columns, now, parameters) for child in node.nodes)


def _any(parts: Iterable[str]) -> str:
    return f"({' OR '.join(parts)})"


def _column(column: _Column, term: Term, now: int, parameters: list[object]) -> str:
    match term.condition:
        case Choice(values):
            parameters += values
            return f"{column.sql} IN ({', '.join('?' * len(values))})"
        case Range():
            bounds = zip((">=", "<="), term.condition.at(now), strict=True)
            known = [(sign, bound) for sign, bound in bounds if bound is not None]
            parameters += [bound for _, bound in known]
            return " AND ".join(f"{column.sql} {sign} ?" for sign, bound in known) or f"{column.sql} IS NOT NULL"
        case Text(how, value):
            return _text(column, term.name, how, value, parameters)


def _text(column: _Column, name: str, how: How, value: str, parameters: list[object]) -> str:
    literals = pieces(value)
    if how is How.LIKE and not column.packed and literals == ["", ""]:
        return f"{column.sql} IS NOT NULL"
    call = [column.packed, name, how.value, value]
    if how is How.PHONE:
        # Whatever is written between them, the digits come in this order: SQLite passes over nearly all other numbers.
        parameters += ["%" + "%".join("".join(literals)) + "%", *call]
        return f"{column.sql} LIKE ? AND filter_text(?, ?, ?, ?, {column.sql})"
    if how is not How.LIKE or column.packed or "\0" in value:
        parameters += call
        return f"{column.sql} IS NOT NULL AND filter_text(?, ?, ?, ?, {column.sql})"
    # LIKE knows the case of ASCII only and stops at a NUL. A text with neither has as many bytes as characters up to
    # its first NUL; SQLite looks at such a text without asking Python.
    parameters += ["%".join(literal.casefold().translate(_LIKE_SIGNS) for literal in literals), *call]
    return (
        f"CASE WHEN length({column.sql}) = length(CAST({column.sql} AS BLOB)) THEN {column.sql} LIKE ? ESCAPE '\\'"
        f" WHEN {column.sql} IS NOT NULL THEN filter_text(?, ?, ?, ?, {column.sql}) END"
    )
