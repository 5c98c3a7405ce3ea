"""A filter as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from monitor.model.filter.conditions import Condition
from monitor.model.filter.fields import Field


@dataclass(frozen=True, slots=True)
class Term:
    """Any value of the field meets the condition. ``name`` is what follows the dot of an OPEN field."""

    field: Field
    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Not:
    """The node does not hold."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """All nodes hold; with none it always holds."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the nodes holds."""

    nodes: tuple[Node, ...]


Node: TypeAlias = Term | Not | And | Or


def terms(node: Node) -> Iterator[Term]:
    """Every term of the tree."""
    match node:
        case Term():
            yield node
        case Not():
            yield from terms(node.node)
        case And() | Or():
            for child in node.nodes:
                yield from terms(child)
