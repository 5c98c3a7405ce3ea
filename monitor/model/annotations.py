"""Whether values have the types that our annotations say: those of a plug-in or of a stranger's database may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from itertools import repeat
from math import isfinite
from types import UnionType
from typing import Any, get_args, get_type_hints

from monitor.jsonbody import SURROGATE


class WrongType(Exception):
    """A value is not of the type that its member has; the text names the member and shows no value."""


def look_through(given: object, kind: Any, name: str) -> None:
    """Raises WrongType where ``given``, called ``name``, or anything in it is not of the type ``kind`` or cannot be
    stored."""
    parts = get_args(kind)
    if isinstance(kind, UnionType):  # all of ours are something or None
        if given is not None:
            look_through(given, parts[0], name)
    elif parts:  # a tuple; a list does as well
        endless = parts[-1] is Ellipsis
        if not isinstance(given, tuple | list) or not (endless or len(given) == len(parts)):
            raise WrongType(f"{name} is {_what(given)}")
        for place, (item, one) in enumerate(zip(given, repeat(parts[0]) if endless else parts, strict=False)):
            look_through(item, one, f"{name}.{place}")
    elif not _is(given, kind):
        raise WrongType(f"{name} is {_what(given)}")
    else:
        for member, hint in _members(kind).items():
            look_through(getattr(given, member), hint, member)


def _is(given: object, kind: type) -> bool:
    if kind is float:
        return isinstance(given, int | float) and isfinite(given) and not isinstance(given, bool)
    if kind is int:
        return isinstance(given, int) and not isinstance(given, bool)
    if isinstance(given, datetime) and given.utcoffset() is None:
        return False
    return isinstance(given, kind) and not (isinstance(given, str) and SURROGATE.search(given))


def _what(given: object) -> str:
    """What a value is, for whoever made it."""
    if isinstance(given, datetime):
        return "a time without a zone"
    if isinstance(given, str) and SURROGATE.search(given):
        return "a text with half a character"
    return f"of the type {type(given).__name__}"


@cache
def _members(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind) if is_dataclass(kind) else {}
