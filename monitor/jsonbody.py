"""Request bodies read as JSON, behind guards.

A body comes from a stranger: it may be empty, not JSON, not UTF-8, nested without end, or hold numbers that Python
accepts and SQLite does not. ``parse`` never raises; what could not be read is said in ``problems``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

# A parsed JSON value. ``Any`` stays inside: readers go through ``Fields``, which checks each type.
Json: TypeAlias = Any

MAX_DEPTH: Final = 64
_BOM: Final = b"\xef\xbb\xbf"
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
# The pieces of a JSON text, or of its beginning: texts, signs, and what stands between them.
PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)
SURROGATE: Final = re.compile("[\ud800-\udfff]")  # half a character: no database and no file takes it


@dataclass(frozen=True, slots=True)
class Body:
    """What parsing a body gave. ``ok`` is false when it is not JSON that we read; then ``value`` is None.

    ``repeated`` are the names that an object of the body has more than once, where they were asked for.
    """

    value: Json
    ok: bool
    problems: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | str:
    # RFC 8259 sets no limit; SQLite and most readers hold 64 bits, and int() itself refuses 5,000 digits.
    if len(digits) < 19:
        return int(digits)
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits


_decode = json.JSONDecoder(parse_constant=_constant, parse_int=_integer).decode


def _noting(found: dict[str, None]) -> Callable[[str], Json]:
    """A decoder that puts into ``found`` the names that an object has more than once."""

    def made(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        if len(kept := dict(pairs)) < len(pairs):
            names = Counter(name for name, _ in pairs)
            found.update((name, None) for name, times in names.items() if times > 1)
        return kept

    return json.JSONDecoder(object_pairs_hook=made, parse_constant=_constant, parse_int=_integer).decode


def parse(data: bytes, *, repeats: bool = False) -> Body:
    """Read a body as JSON (RFC 8259). Never raises.

    Refused, with the reason in ``problems``: an empty body, invalid UTF-8, NaN and Infinity, nesting deeper than 64.
    Integers that do not fit 64 bits are read as text. ``repeats`` asks for the names that an object has more than once,
    which takes longer: readers differ in which of the values they take (section 4), we and most take the last.
    """
    if not data:
        return Body(None, False, ("empty body",))
    problems: tuple[str, ...] = ()
    if data.startswith(_BOM):
        data = data[3:]
        problems = ("starts with a byte order mark",)
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and depth(data) > MAX_DEPTH:
        return Body(None, False, (*problems, f"nested deeper than {MAX_DEPTH} levels"))
    found: dict[str, None] = {}
    decode = _noting(found) if repeats else _decode
    try:
        value = decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Body(None, False, (*problems, f"not UTF-8 at byte {error.start}"))
    except json.JSONDecodeError as error:
        return Body(None, False, (*problems, f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"))
    except (ValueError, RecursionError, OverflowError, MemoryError) as error:
        return Body(None, False, (*problems, f"not JSON: {str(error)[:80]}"))
    return Body(value, True, problems, tuple(found))


def depth(data: bytes) -> int:
    """How deep brackets nest outside strings; stops counting at the first level over ``MAX_DEPTH``."""
    level = deepest = 0
    for token in _TOKEN.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            level += 1
            if level > deepest:
                deepest = level
                if deepest > MAX_DEPTH:
                    break
        elif first != 0x22:
            level -= 1
    return deepest


def clean(text: str) -> str:
    """Text that SQLite and UTF-8 can hold: lone surrogates become U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def compact(value: Json) -> bytes:
    """The value as compact UTF-8 JSON in the manner of JavaScript's ``JSON.stringify``: no blanks, key order kept.

    Raises ValueError for lone surrogates, and for numbers that ``parse`` reads as infinite (``1e999``). Numbers such as
    ``1.0`` or ``1e3`` come out in Python's form.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def json_line(value: Json, *, terminal: bool = False) -> bytes:
    """One JSON object as a line of UTF-8; for a terminal in ASCII, since what it holds may be a control sequence.

    A lone surrogate stands as its escape, which is what JSON calls it too.
    """
    text = json.dumps(value, ensure_ascii=terminal, separators=(", ", ": "))
    return text.replace("\x7f", "\\u007f").encode("utf-8", "backslashreplace") + b"\n"
