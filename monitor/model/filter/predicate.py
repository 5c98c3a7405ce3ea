"""A filter, and its tree as one function of a capture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from monitor.model.capture import Capture
from monitor.model.filter.conditions import Choice, How, Range, Text, text_test
from monitor.model.filter.errors import FilterError
from monitor.model.filter.expression import expression
from monitor.model.filter.fields import APP, Kind
from monitor.model.filter.nodes import And, Node, Not, Or, Term, terms
from monitor.times import microseconds

Predicate: TypeAlias = Callable[[Capture, int], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood: its text, its tree, and whether a capture matches."""

    text: str
    node: Node
    _predicate: Predicate = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_predicate", predicate(self.node))

    def matches(self, capture: Capture, now: datetime) -> bool:
        """Whether the capture matches at an aware time."""
        return self._predicate(capture, microseconds(now))

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, and so matches everything."""
        return self.node == And(())

    @property
    def asks_marks(self) -> bool:
        """Whether it asks for marks, some of which a capture gets only a moment after it was stored."""
        return any(term.field.name == "mark" for term in terms(self.node))

    @property
    def asks_ages(self) -> bool:
        """Whether it asks how old something is, so that other things pass though nothing came."""
        return any(term.field.kind is Kind.AGE for term in terms(self.node))

    @property
    def asks_app(self) -> bool:
        """Whether it asks what the app answered, which is known only once a capture was stored and passed on."""
        return any(term.field.name == APP for term in terms(self.node))

    @property
    def timeouts(self) -> int:
        """How many matches of its regular expressions took too long and count as none."""
        conditions = {term.condition for term in terms(self.node)}
        return sum(
            expression(one.value).timeouts for one in conditions if isinstance(one, Text) and one.how is How.REGEX
        )


def check_arriving(filter: Filter) -> None:
    """Raise FilterError for a filter of what arrives that asks for what is known only later: nothing would pass."""
    if filter.asks_app:
        raise FilterError(
            "What your app answered is known of stored captures only.",
            found.start() if (found := re.search(rf"\b{APP}\s*[:<>=]", filter.text, re.IGNORECASE)) else 0,
            "View 1, captures, stats, export and replay --filter take it.",
        )


def predicate(node: Node) -> Predicate:
    """The tree as a function of a capture and the time in microseconds since 1970."""
    match node:
        case Term():
            return _term(node)
        case Not():
            inner = predicate(node.node)
            return lambda capture, now: not inner(capture, now)
        case And():
            every = tuple(map(predicate, node.nodes))
            return lambda capture, now: all(one(capture, now) for one in every)
        case Or():
            some = tuple(map(predicate, node.nodes))
            return lambda capture, now: any(one(capture, now) for one in some)


def _term(term: Term) -> Predicate:
    read, name, condition = term.field.read, term.name, term.condition
    match condition:
        case Choice(values):
            return lambda capture, _: any(value in values for value in read(capture, name))
        case Text(how, wanted):
            test = text_test(how, wanted)
            return lambda capture, _: any(isinstance(value, str) and test(value) for value in read(capture, name))
        case Range():
            return lambda capture, now: any(
                isinstance(value, int) and condition.holds(value, now) for value in read(capture, name)
            )
