"""What is written behind a field's name, as a condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import Final

from monitor.model.filter.conditions import (
    NUMBER,
    Choice,
    Condition,
    How,
    Range,
    Text,
    pattern,
    phone_digits,
    pieces,
    subscriber,
    text_test,
)
from monitor.model.filter.errors import FilterError
from monitor.model.filter.expression import ExpressionProblem, expression
from monitor.model.filter.fields import ANYWHERE, FIELDS, ORDERED, Field, Kind
from monitor.model.filter.lexer import Token
from monitor.model.filter.nodes import Node, Or, Term
from monitor.model.message import Mark
from monitor.text import visible
from monitor.times import UNITS, microseconds

MIN_PHONE_DIGITS: Final = 5
_ANY: Final = ["", ""]  # the pieces of a lone *
_LARGEST: Final = 2**62  # so that a sum with any time still fits the 64 bits of SQLite

_SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_AMOUNT: Final = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_DURATION: Final = re.compile(f"{_AMOUNT}({'|'.join(UNITS)})")
_SIZE: Final = re.compile(_AMOUNT + "(?:([kmg])(?:i?b)?|b)?")
_COUNT: Final = re.compile("[0-9]{1,18}")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
# How long a written time lasts, by how many of hour, minute, second and fraction are there.
_LASTS: Final = (UNITS["d"], UNITS["h"], UNITS["m"], UNITS["s"], 1)
_WRITTEN: Final = {
    Kind.NUMBER: "a whole number, such as 12",
    Kind.SIZE: "a size, such as 500, 10k or 1M",
    Kind.DURATION: "a duration, such as 500ms, 5s, 2m, 2h or 3d",
    Kind.AGE: "a duration, such as 500ms, 5s, 2m, 2h or 3d",
    Kind.TIME: "a time, such as 2026-01-31 or 2026-01-31T12:30",
}


def node_of(token: Token) -> Node:
    """The node of a TERM token. Raises FilterError."""
    if not token.field:
        return _anywhere(token)
    field, name = _field(token)
    if field.kind in ORDERED:
        return Term(field, name, _range(field, token))
    if token.operator == "~":
        return Term(field, name, _matching(field, token))
    if field.kind is Kind.OPEN and token.operator != ":":
        return Term(field, name, _compared(token))
    if token.operator not in (":", "="):
        raise FilterError(
            f"{field.name} cannot be compared with {token.operator}.", token.start, f"Such as {field.example}."
        )
    literals = pieces(token.value)
    plain = len(literals) == 1
    if field.name == "mark" and plain and literals[0].casefold() == Mark.STUCK:
        raise FilterError(
            "stuck cannot be asked for: it comes with time, not with a capture.",
            token.value_start,
            "'o' among the messages, or hooktop messages --sort stuck, lists what is stuck; status:sent age>10m finds "
            "what was sent and has not ended.",
        )
    if field.kind is Kind.CLOSED:
        return Term(field, name, _chosen(field, token, literals))
    if field.kind is Kind.NAME and plain:
        return Term(field, name, Choice((literals[0].lower(),)))
    if field.kind is Kind.PROSE and plain and token.operator == ":":
        return Term(field, name, _like(["", *literals, ""]))
    term = Term(field, name, _like(literals))
    return _or_phone(term, field, _number(literals)) if field.kind is Kind.PARTY else term


def _field(token: Token) -> tuple[Field, str]:
    first, dot, rest = token.field.partition(".")
    field = FIELDS.get(first.lower())
    if field and field.kind is Kind.OPEN:
        if rest:
            return field, rest
        raise FilterError(f"{field.name} needs a name behind a dot.", token.start, f"Such as {field.example}.")
    if field and not dot:
        return field, ""
    near = get_close_matches(first.lower(), FIELDS, 1)
    raise FilterError(
        f"There is no field {visible(token.field, limit=40)}.",
        token.start,
        f"Did you mean {near[0]}?" if near else "Put it in quotes to search for the words.",
    )


def _anywhere(token: Token) -> Node:
    """A bare word or phrase: sought in text, parties and ids; if it looks like a phone number, in their digits too."""
    if token.operator == "~":
        return Term(ANYWHERE, "", _matching(ANYWHERE, token))
    literals = pieces(token.value)
    if len(literals) > 1:
        return Term(ANYWHERE, "", _like(literals))
    digits = subscriber(phone_digits(literals[0]) or "")
    return _or_phone(
        Term(ANYWHERE, "", _like(["", *literals, ""])),
        FIELDS["party"],
        ["", digits, ""] if len(digits) >= MIN_PHONE_DIGITS else None,
    )


def _or_phone(term: Term, field: Field, digits: Sequence[str] | None) -> Node:
    return Or((term, Term(field, "", Text(How.PHONE, pattern(digits))))) if digits else term


def _number(literals: Sequence[str]) -> list[str] | None:
    """The digits that a party's number must have, as pieces; None when the value is not written like a number.

    A number that does not begin with + may lack its country: then it is what the whole number ends with.
    """
    first, *rest = [phone_digits(literal) for literal in literals]
    if first is None or None in rest:
        return None
    digits = [subscriber(first), *(piece or "" for piece in rest)]
    if rest:
        return digits if any(digits) else None
    if len(digits[0]) < MIN_PHONE_DIGITS:
        return None
    return digits if literals[0].lstrip().startswith("+") else ["", *digits]


def _like(literals: Sequence[str]) -> Text:
    return Text(How.LIKE, pattern(literals))


def _matching(field: Field, token: Token) -> Condition:
    try:
        test = expression(token.value)
    except ExpressionProblem as problem:
        raise FilterError(
            f"This regular expression cannot be used: {problem}.",
            token.value_start + problem.position,
            "Correct it, or use the wildcard * instead.",
        ) from problem
    if field.kind is Kind.CLOSED:
        return Choice(tuple(choice for choice in field.choices if test(choice)))
    return Text(How.REGEX, token.value)


def _chosen(field: Field, token: Token, literals: list[str]) -> Choice:
    if field.name == "direction" and token.value.lower() in ("in", "out"):
        literals = [*literals, ""]
    test = text_test(How.LIKE, pattern(literals))
    found = tuple(choice for choice in field.choices if test(choice))
    if not found:
        if field.absent and token.value.lower() == field.absent:
            said = f"{field.absent} is where no {field.name} was told."
            raise FilterError(said, token.value_start, f"-{field.name}:* finds those.")
        near = get_close_matches(token.value.lower(), field.choices, 1, 0.5)
        raise FilterError(
            f"{field.name} is never {visible(token.value, limit=40)}.",
            token.value_start,
            f"Did you mean {near[0]}?" if near else f"It is one of {', '.join(field.choices)}.",
        )
    return Choice(found)


def _compared(token: Token) -> Text:
    """A comparison with what an OPEN field holds: of numbers, or of texts with ``=`` where the value is no number."""
    if NUMBER.fullmatch(token.value):
        return Text(How(token.operator), token.value)
    if token.operator == "=":
        return _like(pieces(token.value))
    raise FilterError(
        f"{token.operator} needs a number here.",
        token.value_start,
        f"Such as {visible(token.field)}{token.operator}10.",
    )


def _range(field: Field, token: Token) -> Range:
    if token.operator == "~":
        raise FilterError(f"{field.name} is not a text.", token.start, f"Such as {field.example}.")
    if token.operator in (":", "=") and pieces(token.value) == _ANY:
        return Range(0 if field.kind is Kind.DURATION else None)
    first, last = _bounds(field.kind, token)
    if token.operator == ":" and field.kind in (Kind.DURATION, Kind.AGE):
        raise FilterError(
            f"{field.name} needs a comparison.",
            token.start,
            f"Write {field.name}<{token.value} or {field.name}>{token.value}.",
        )
    low: int | None = first if token.operator in (":", "=", ">=") else last + 1 if token.operator == ">" else None
    high: int | None = last if token.operator in (":", "=", "<=") else first - 1 if token.operator == "<" else None
    if field.kind is Kind.DURATION:  # a negative one is two clocks that disagree, not a latency
        low = max(low or 0, 0)
    return Range(low, high, age=field.kind is Kind.AGE)


def _bounds(kind: Kind, token: Token) -> tuple[int, int]:
    """The first and the last whole number that a written value stands for: a day is from midnight to midnight."""
    text = token.value
    bounds = _time(text.upper()) if kind is Kind.TIME else _amount(kind, text.lower())
    if bounds is None:
        shown = _WRITTEN[kind]
        raise FilterError(
            f"{visible(text, limit=40)} is not {shown.partition(',')[0]}.", token.value_start, f"Write {shown}."
        )
    if bounds[1] > _LARGEST:
        raise FilterError(f"{text} is too large.", token.value_start, "Write a smaller one.")
    return bounds


def _amount(kind: Kind, text: str) -> tuple[int, int] | None:
    if kind is Kind.NUMBER:
        return (int(text), int(text)) if _COUNT.fullmatch(text) else None
    if kind is Kind.SIZE:
        found = _SIZE.fullmatch(text)
        amount = Fraction(found[1]) * _SIZES[found[2] or ""] if found else None
    else:
        parts = _DURATION.findall(text)
        whole = parts and "".join(map("".join, parts)) == text
        amount = sum((Fraction(count) * UNITS[unit] for count, unit in parts), Fraction()) if whole else None
    return None if amount is None else (round(amount), round(amount))


def _time(text: str) -> tuple[int, int] | None:
    found = _TIME.fullmatch(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found is None:
        return None
    start = microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return start, start + _LASTS[sum(part is not None for part in found.groups())] - 1
