"""JSON as text whose values are exchanged in place: what is not exchanged stays as it was written, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

# The keys on the way to a value; a list adds none.
Path: TypeAlias = tuple[str, ...]
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*+|[\[\]{},:]')


@dataclass(slots=True)
class _Level:
    """An object or a list that is open: whether a key comes next, and the key that its value belongs to."""

    is_object: bool
    at_key: bool
    key: str | None = None


def rewrite(
    text: str,
    *,
    key: Callable[[Path, str], str],
    value: Callable[[Path, str], str],
    number: Callable[[Path, str], str],
) -> str:
    """The JSON ``text`` with its keys, texts and numbers as the functions give them.

    Each gets the path and the decoded text, a number as it is written, and gives back what is to stand there. The text
    must be JSON that a parser has taken, and may be nested as deep as it likes. Blanks, order, double keys and the
    writing of whatever is the same afterwards stay.
    """
    out: list[str] = []
    levels: list[_Level] = []
    way: list[str] = []
    at = 0
    for token in _TOKEN.finditer(text):
        written = token[0]
        first = written[0]
        if first in "{[":
            levels.append(_Level(first == "{", first == "{"))
        elif first in "}]":
            closed = levels.pop()
            if closed.key is not None:
                way.pop()
        elif first == ",":
            level = levels[-1]
            level.at_key = level.is_object
        elif first == ":":
            levels[-1].at_key = False
        else:
            level = levels[-1] if levels else _Level(False, False)
            if first != '"':
                new = number(tuple(way), written)
            elif level.at_key:
                name = str(json.loads(written))
                if level.key is not None:
                    way.pop()
                new = _written(written, name, key(tuple(way), name))
                level.key = name
                way.append(name)
            else:
                old = str(json.loads(written))
                new = _written(written, old, value(tuple(way), old))
            if new != written:
                out += [text[at : token.start()], new]
                at = token.end()
    out.append(text[at:])
    return "".join(out)


def _written(before: str, old: str, new: str) -> str:
    if new == old:
        return before
    # What is in ASCII stays so; a lone surrogate has no other form.
    return json.dumps(new, ensure_ascii=before.isascii() or not _encodable(new))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
