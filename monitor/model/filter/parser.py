"""From text to filter.

either = both {"or" both}
both   = factor {["and"] factor}
factor = ("not" | "-") factor | "(" either ")" | term
"""

from __future__ import annotations

from typing import Final

from monitor import jsonbody
from monitor.model.filter.errors import FilterError
from monitor.model.filter.lexer import Kind, Token, tokens
from monitor.model.filter.nodes import And, Node, Not, Or
from monitor.model.filter.predicate import Filter
from monitor.model.filter.terms import node_of

# Bounds that no written filter meets, so that neither this parser nor SQLite's runs out of stack.
MAX_LENGTH: Final = 5_000
MAX_TERMS: Final = 100
MAX_DEPTH: Final = 30

_STARTS: Final = frozenset({Kind.TERM, Kind.NOT, Kind.OPEN})
_SAID: Final = {
    Kind.AND: "and", Kind.OR: "or", Kind.NOT: "not", Kind.OPEN: "this parenthesis", Kind.CLOSE: "this parenthesis",
}  # fmt: skip


def parse(text: str) -> Filter:
    """The filter that a text describes; an empty one matches everything.

    Raises FilterError.
    """
    text = jsonbody.clean(text)
    try:
        return Filter(text, _Parser(text).filter())
    except FilterError as error:
        error.text = text
        raise


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise FilterError("The filter is too long.", MAX_LENGTH, f"Keep it to {MAX_LENGTH:,} characters.")
        self._tokens = tokens(text)
        self._at = 0
        count = 0
        for token in self._tokens:
            count += token.kind is Kind.TERM
            if count > MAX_TERMS:
                raise FilterError("The filter has too many terms.", token.start, f"Keep it to {MAX_TERMS} terms.")

    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, kind: Kind) -> Token | None:
        token = self._next()
        if token.kind is not kind:
            return None
        self._at += 1
        return token

    def filter(self) -> Node:
        """The whole filter."""
        if self._next().kind is Kind.END:
            return And(())
        node = self._either(None, 0)
        if self._next().kind is not Kind.END:
            raise FilterError("This parenthesis closes nothing.", self._next().start, "Remove it, or put it in quotes.")
        return node

    def _either(self, after: Token | None, depth: int) -> Node:
        nodes = [self._both(after, depth)]
        while word := self._take(Kind.OR):
            nodes.append(self._both(word, depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def _both(self, after: Token | None, depth: int) -> Node:
        nodes = [self._factor(after, depth)]
        while (word := self._take(Kind.AND)) or self._next().kind in _STARTS:
            nodes.append(self._factor(word, depth))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def _factor(self, after: Token | None, depth: int) -> Node:
        """One factor. ``after`` is the token that asked for it, None at the beginning."""
        if depth > MAX_DEPTH:
            raise FilterError("The filter is nested too deep.", self._next().start, "Write it with fewer parentheses.")
        if token := self._take(Kind.TERM):
            return node_of(token)
        if token := self._take(Kind.NOT):
            return Not(self._factor(token, depth + 1))
        if token := self._take(Kind.OPEN):
            node = self._either(token, depth + 1)
            if not self._take(Kind.CLOSE):
                raise FilterError("This parenthesis is not closed.", token.start, "Close it with ).")
            return node
        if after is not None:
            raise FilterError(f"No term follows {_SAID[after.kind]}.", after.start, "Write one, or quote the word.")
        raise FilterError(
            f"No term stands before {_SAID[self._next().kind]}.", self._next().start, "Write one, or quote the word."
        )
