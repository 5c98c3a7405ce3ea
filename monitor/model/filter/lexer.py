"""A filter's text as tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from monitor.model.filter.errors import FilterError
from monitor.text import visible


class Kind(Enum):
    """What a token is."""

    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    TERM = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a filter. ``start`` is its column.

    A TERM has a ``field`` (empty for a bare word), an ``operator`` (``:``, ``~``, ``=``, ``<``, ``<=``, ``>``,
    ``>=``) and a ``value`` that begins at ``value_start``. The value is raw: quotes are off, backslashes still there.
    """

    kind: Kind
    start: int
    field: str = ""
    operator: str = ":"
    value: str = ""
    value_start: int = 0


KEYWORDS: Final = {"and": Kind.AND, "or": Kind.OR, "not": Kind.NOT}
_FIELD: Final = re.compile(r'([^\W\d][^\s:<>=~"()]*)(:~|:?(?:<=|>=|[<>=])|:)')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_SIGNS: Final = {"(": Kind.OPEN, ")": Kind.CLOSE}
_PLAIN: Final = re.compile(r"[\w.+:@/-]+")
_SPECIAL: Final = re.compile(r'[\\*"]')


def tokens(text: str) -> list[Token]:
    """The tokens, the last one END. Raises FilterError."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in _SIGNS:
            found.append(Token(_SIGNS[char], at))
            at += 1
        elif char == "-":
            if not text[at + 1 : at + 2].strip():
                raise FilterError("Nothing follows the minus sign.", at, 'Write -word, or "-" for the sign itself.')
            found.append(Token(Kind.NOT, at))
            at += 1
        else:
            token, at = _term(text, at)
            found.append(token)
    return [*found, Token(Kind.END, len(text))]


def split_term(text: str, at: int = 0) -> tuple[str, str, int] | None:
    """The field name and operator that begin at a column, and where their value begins; None for a bare word."""
    found = _FIELD.match(text, at)
    if found is None:
        return None
    return found[1], found[2] if found[2] == ":" else found[2].lstrip(":"), found.end()


def quote(text: str) -> str:
    """The text as a filter value that stands for itself, in quotes where it needs them."""
    return text if _PLAIN.fullmatch(text) else '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'


def _term(text: str, start: int) -> tuple[Token, int]:
    field, operator, at = split_term(text, start) or ("", ":", start)
    if not field:
        if text[at] == "~":
            operator, at = "~", at + 1
        elif text[at] in ":<>=":
            raise FilterError(
                f"No field stands before {text[at]}.", at, "Write it without blanks (size>10k), or quote the word."
            )
    value, end = _value(text, at)
    if end == at:
        raise FilterError(
            f"{visible(text[start:at], limit=40)} has no value.",
            at,
            "Write it right behind, without a blank.",
        )
    if not field and operator == ":" and value.lower() in KEYWORDS and value == text[at:end]:
        return Token(KEYWORDS[value.lower()], start), end
    return Token(Kind.TERM, start, field, operator, value, at + (text[at] == '"')), end


def _value(text: str, start: int) -> tuple[str, int]:
    """The raw value at a column and where it ends: a quoted one, or all up to a blank or a foreign parenthesis."""
    if text.startswith('"', start):
        found = _QUOTED.match(text, start)
        if found is None:
            raise FilterError("This quote is not closed.", start, 'End the phrase with ", or write \\" for the sign.')
        end = found.end()
        if end < len(text) and text[end] != ")" and not text[end].isspace():
            raise FilterError("Something follows the closing quote.", end, "Put a blank behind the quote.")
        return found[1], end
    at = start
    opened: list[int] = []
    while at < len(text) and not text[at].isspace():
        if text[at] == "\\" and text[at + 1 : at + 2] in ("(", ")", "\\"):
            at += 1
        elif text[at] == "(":
            opened.append(at)
        elif text[at] == ")":
            if not opened:
                break
            opened.pop()
        at += 1
    if opened:
        raise FilterError("This parenthesis is not closed in its word.", opened[-1], "Put the value in quotes.")
    return text[start:at], at
