"""As much of GraphQL as the look-alike needs: one operation, its fields with arguments, and answers cut to what was
selected. Fragments, directives and subscriptions are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from monitor.jsonbody import Json, parse

MAX_DEPTH: Final = 32
_SKIPPED: Final = re.compile(r"(?:[\s,\ufeff]|#[^\n\r]*)+")
_TOKEN: Final = re.compile(
    r'"(?:[^"\\\n\r]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?|\.\.\.|[_A-Za-z][_0-9A-Za-z]*|[!$()\[\]{}:=@|&]'
)
_CONSTANTS: Final[Mapping[str, Json]] = {"true": True, "false": False, "null": None}


class GraphqlError(Exception):
    """A document that cannot be carried out; ``line`` and ``column`` (from 1) are where, if that is known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Field:
    """A selected field: its name, the key of its answer, its arguments with variables put in, and what of it."""

    name: str
    key: str
    arguments: Mapping[str, Json]
    selection: tuple[Field, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Operation:
    """``query`` or ``mutation`` and its fields."""

    kind: str
    selection: tuple[Field, ...]


def parse_operation(text: str, variables: Mapping[str, Json]) -> Operation:
    """The operation of a document. Raises GraphqlError."""
    return _Parser(text, variables).operation()


def selected(value: Json, selection: tuple[Field, ...], kind: str) -> Json:
    """The value with the fields that were selected; ``kind`` is the type's name for errors. Raises GraphqlError."""
    if isinstance(value, list):
        return [selected(item, selection, kind) for item in value]
    if not isinstance(value, dict):
        return value
    if not selection:
        raise GraphqlError(f'A field of type "{kind}" must have a selection of subfields.')
    found = {}
    for field in selection:
        if field.name != "__typename" and field.name not in value:
            raise GraphqlError(f'Cannot query field "{field.name}" on type "{kind}".', field.line, field.column)
        found[field.key] = selected(value.get(field.name, kind), field.selection, field.name)
    return found


class _Parser:
    """Reads one document, token by token."""

    def __init__(self, text: str, variables: Mapping[str, Json]) -> None:
        self._text = text
        self._variables = variables
        self._position = 0
        self._begin = 0
        self._word = ""
        self._depth = 0
        self._next()

    def operation(self) -> Operation:
        kind = "query"
        if self._word != "{":
            kind = self._name()
            if kind not in ("query", "mutation"):
                self._fail()
            while self._word not in ("{", ""):  # the name, and the types of the variables
                self._next()
        found = Operation(kind, self._selection())
        if self._word:
            self._fail()
        return found

    def _selection(self) -> tuple[Field, ...]:
        self._deeper()
        self._take("{")
        fields = []
        while self._word != "}":
            fields.append(self._field())
        self._next()
        self._depth -= 1
        return tuple(fields)

    def _field(self) -> Field:
        line, column = self._place()
        key = name = self._name()
        if self._word == ":":
            self._next()
            name = self._name()
        arguments = self._members("(", ")") if self._word == "(" else {}
        selection = self._selection() if self._word == "{" else ()
        return Field(name, key, arguments, selection, line, column)

    def _members(self, opening: str, closing: str) -> dict[str, Json]:
        self._take(opening)
        found = {}
        while self._word != closing:
            name = self._name()
            self._take(":")
            found[name] = self._value()
        self._next()
        return found

    def _value(self) -> Json:
        word = self._word
        if word == "$":
            self._next()
            return self._variables.get(self._name())
        if word in ("{", "["):
            self._deeper()
            found = self._members("{", "}") if word == "{" else self._items()
            self._depth -= 1
            return found
        if not word or not (word[0] in '"-_' or word.isalnum()):
            self._fail()
        self._next()
        if word[0] == '"' or word[0] in "-0123456789":
            body = parse(word.encode("utf-8", "replace"))
            if not body.ok:
                raise GraphqlError("Syntax Error: a value cannot be read.")
            return body.value
        return _CONSTANTS.get(word, word)  # what is no constant is a value of an enum

    def _items(self) -> list[Json]:
        self._take("[")
        items = []
        while self._word != "]":
            items.append(self._value())
        self._next()
        return items

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise GraphqlError(f"The query is nested deeper than {MAX_DEPTH} levels.")

    def _name(self) -> str:
        word = self._word
        if not (word[:1].isalpha() or word[:1] == "_"):
            self._fail()
        self._next()
        return word

    def _take(self, wanted: str) -> None:
        if self._word != wanted:
            self._fail()
        self._next()

    def _next(self) -> None:
        if skipped := _SKIPPED.match(self._text, self._position):
            self._position = skipped.end()
        self._begin = self._position
        if self._position == len(self._text):
            self._word = ""
            return
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            self._word = self._text[self._position]
            self._fail()
        self._word, self._position = found[0], found.end()

    def _place(self) -> tuple[int, int]:
        before = self._text[: self._begin]
        return before.count("\n") + 1, self._begin - before.rfind("\n")

    def _fail(self) -> NoReturn:
        what = f'Unexpected "{self._word}".' if self._word else "Unexpected <EOF>."
        raise GraphqlError(f"Syntax Error: {what}", *self._place())
