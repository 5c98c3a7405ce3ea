"""What could be typed next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from monitor.model.filter.fields import FIELDS, ORDERED, Field, Kind
from monitor.model.filter.lexer import KEYWORDS, quote, split_term

_PIECE: Final = re.compile(r'[^\s()"]*"(?:[^"\\]|\\.)*+"?|[^\s()]+|[\s()]', re.DOTALL)
_COMPARISONS: Final = ("<", ">", "<=", ">=", "=")


@dataclass(frozen=True, slots=True)
class Completion:
    """A replacement of the columns ``start`` to ``end`` by ``text``, and what it means."""

    start: int
    end: int
    text: str
    help: str


def complete(text: str, cursor: int, *, values: Callable[[str], Iterable[str]]) -> list[Completion]:
    """What the piece that ends at the cursor could become: fields, comparisons, values or keywords.

    ``values`` gives the known values of a field that has no closed list (``provider``, ``event``, ...), by its name.
    """
    written = text[:cursor]
    piece = ""
    for found in _PIECE.finditer(written):
        piece = found[0]
    piece = "" if piece.isspace() or piece in ("(", ")") else piece.lstrip("-")
    start = len(written) - len(piece)
    term = split_term(piece)
    if term is None:
        return [Completion(start, len(written), *one) for one in _beginnings(piece.lower())]
    name, operator, value_start = term
    field = FIELDS.get(name.partition(".")[0].lower())
    if field is None or operator not in (":", "="):
        return []
    begun = piece[value_start:].lstrip('"').casefold()
    known = field.choices or (() if field.kind in ORDERED else sorted(set(values(name))))
    return [
        Completion(start + value_start, len(written), quote(value), field.help)
        for value in known
        if value.casefold().startswith(begun)
    ]


def _beginnings(begun: str) -> Iterator[tuple[str, str]]:
    for field in FIELDS.values():
        if field.name == begun and field.kind in ORDERED:
            yield from ((f"{field.name}{comparison}", field.help) for comparison in _COMPARISONS)
        elif field.name.startswith(begun):
            yield field.name + _operator(field), f"{field.help}, such as {field.example}"
    if begun:
        yield from ((word, "joins terms") for word in KEYWORDS if word.startswith(begun))


def _operator(field: Field) -> str:
    term = split_term(field.example)
    return "." if field.kind is Kind.OPEN or term is None else term[1]
