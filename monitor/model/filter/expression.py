"""Regular expressions that cannot hang.

The standard library's engine may backtrack for longer than anybody lives. The ``regex`` package stops a match after a
given time; it is loaded when the first expression is used.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from typing import Any, Final

MATCH_SECONDS: Final = 0.02
MAX_LENGTH: Final = 500
MAX_REPEATS: Final = 10_000
# The least number of repeats in ``x{n}`` or ``x{n,m}``: the engine unrolls them, which takes memory no timeout guards.
_COUNTED: Final = re.compile(r"\{([0-9]{1,500})[,}]")


class ExpressionProblem(ValueError):
    """A text that is no regular expression we use. ``position`` is where in it, from 0."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.position = position


class Expression:
    """A regular expression, sought anywhere in a text, ignoring case.

    A match that takes longer than its time counts as none, and in ``timeouts``. Each time-out shortens the time of
    those to come, so that a bomb costs a long stream of captures a fraction of a second in all.
    """

    __slots__ = ("_search", "timeouts")

    def __init__(self, text: str) -> None:
        """Raises ExpressionProblem."""
        if len(text) > MAX_LENGTH:
            raise ExpressionProblem(f"it is longer than {MAX_LENGTH} characters", MAX_LENGTH)
        if prod(max(int(count), 1) for count in _COUNTED.findall(text)) > MAX_REPEATS:
            raise ExpressionProblem(f"its counted repeats come to more than {MAX_REPEATS:,}", text.index("{"))
        import regex

        try:
            self._search: Any = regex.compile(text, regex.IGNORECASE).search
        except regex.error as error:
            raise ExpressionProblem(error.msg, error.pos or 0) from error
        except RecursionError as error:
            raise ExpressionProblem("it is nested too deep") from error
        self.timeouts = 0

    def __call__(self, text: str) -> bool:
        """Whether the text holds a match."""
        try:
            return self._search(text, timeout=MATCH_SECONDS / (1 + self.timeouts)) is not None
        except TimeoutError:
            self.timeouts += 1
            return False


@lru_cache(maxsize=256)
def expression(text: str) -> Expression:
    """The one Expression of a text, so that time-outs are counted together. Raises ExpressionProblem."""
    return Expression(text)
