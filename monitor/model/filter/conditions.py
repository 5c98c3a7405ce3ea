"""What a term asks of a field's value. The predicate and the store's SQL both go by these."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from monitor.model.filter.expression import expression


@dataclass(frozen=True, slots=True)
class Choice:
    """The value is exactly one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The value is a whole number from ``low`` to ``high``, both included; None leaves a side open.

    With ``age`` the bounds are microseconds before now, else as they stand.
    """

    low: int | None = None
    high: int | None = None
    age: bool = False

    def at(self, now: int) -> tuple[int | None, int | None]:
        """The bounds at a time in microseconds since 1970."""
        if not self.age:
            return self.low, self.high
        return None if self.high is None else now - self.high, None if self.low is None else now - self.low

    def holds(self, value: int, now: int) -> bool:
        """Whether a value is within the bounds at a time."""
        low, high = self.at(now)
        return (low is None or value >= low) and (high is None or value <= high)


class How(StrEnum):
    """How a text is looked at. The comparisons are those of numbers."""

    LIKE = "like"  # the whole text, ignoring case; * stands for any characters
    REGEX = "regex"
    PHONE = "phone"  # as LIKE, on the digits of a phone number
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    AT_LEAST = ">="
    MORE = ">"


@dataclass(frozen=True, slots=True)
class Text:
    """The value is a text that passes ``text_test(how, value)``."""

    how: How
    value: str


Condition: TypeAlias = Choice | Range | Text

_PIECES: Final = re.compile(r'\\[\\*"()]|\*|[^\\*]+|\\')
_SPECIAL: Final = re.compile(r"[\\*]")
_PHONE: Final = re.compile(r"(?:[A-Za-z]+:)?([0-9 ().+\-]*)")
_NOT_DIGIT: Final = re.compile(r"[^0-9]+")
NUMBER: Final = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?")
_COMPARE: Final[dict[How, Callable[[float, float], bool]]] = {
    How.LESS: operator.lt,
    How.AT_MOST: operator.le,
    How.EQUAL: operator.eq,
    How.AT_LEAST: operator.ge,
    How.MORE: operator.gt,
}


def pieces(pattern: str) -> list[str]:
    """The literal texts between the wildcards of a pattern. A backslash takes the meaning of the next sign away."""
    found = [""]
    for piece in _PIECES.findall(pattern):
        if piece == "*":
            found.append("")
        else:
            found[-1] += piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
    return found


def pattern(literals: Sequence[str]) -> str:
    """The reverse of ``pieces``."""
    return "*".join(_SPECIAL.sub(r"\\\g<0>", literal) for literal in literals)


def phone_digits(text: str) -> str | None:
    """The digits of a text that is written like a phone number, None for other texts.

    ``(0)`` is left out: nobody dials it from abroad (ITU-T E.123).
    """
    found = _PHONE.fullmatch(text)
    return _NOT_DIGIT.sub("", found[1].replace("(0)", "")) if found else None


def subscriber(digits: str) -> str:
    """A number's digits without the zeros that lead out of the country (00) or the area (0)."""
    return digits.lstrip("0")


@lru_cache(maxsize=256)
def text_test(how: str, value: str) -> Callable[[str], bool]:
    """The test of a Text condition."""
    match how:
        case How.REGEX:
            return expression(value)
        case How.LIKE:
            like = _like([piece.casefold() for piece in pieces(value)])
            return lambda text: like(text.casefold())
        case How.PHONE:
            number = _like(pieces(value))
            return lambda text: (digits := phone_digits(text)) is not None and number(subscriber(digits))
    compare, bound = _COMPARE[How(how)], _number(value)

    def test(text: str) -> bool:
        return NUMBER.fullmatch(text) is not None and compare(_number(text), bound)

    return test


def _like(literals: Sequence[str]) -> Callable[[str], bool]:
    if len(literals) == 1:
        return literals[0].__eq__
    first, *middle, last = literals

    def test(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for literal in middle:  # the leftmost place for each leaves the most room for the next: no backtracking
            at = text.find(literal, at, end)
            if at < 0:
                return False
            at += len(literal)
        return True

    return test


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
