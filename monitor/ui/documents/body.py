"""The Body tab: JSON laid out and foldable, or the bytes as they came.

The layout is made from the tokens of the text itself, not from parsed values: numbers, duplicate keys and the order
stay what the sender wrote. Meant to run off the event loop for all but small bodies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from monitor import jsonbody
from monitor.text import visible, visible_bytes
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, NAMED, Reader, mixed_note
from monitor.ui.format import count, size
from monitor.ui.lines import MAX_LINE, Document, Line, Part, line
from monitor.ui.mask import DOT, telling

DRAWN: Final = 64 * 1024  # bytes of a body that are drawn
_INDENT: Final = "  "


def body(data: bytes, reader: Reader, *, raw: bool, encoding: str | None = None) -> Document:
    """The document of the Body tab. ``encoding`` is what the Content-Encoding header claims."""
    notes: list[Line] = []
    if encoding and encoding.lower() != "identity":
        notes.append(line((f"encoded: {visible(encoding, limit=40)}, {size(len(data))}; shown as it came", "warn")))
    parsed = jsonbody.parse(data, repeats=True)
    notes += [line((visible(problem, limit=300), "warn")) for problem in parsed.problems]
    if parsed.repeated:
        names = ", ".join(visible(name, limit=40) for name in parsed.repeated[:NAMED])
        more = " …" if len(parsed.repeated) > NAMED else ""
        notes.append(line((f"said more than once, the last counts: {names}{more}", "warn")))
    if b"\\u" in data or not data.isascii():
        notes += mixed_note(_texts(parsed.value, [DRAWN]) if parsed.ok else [_start(data)], reader)
    if len(data) > DRAWN:
        notes.append(line((f"the first {size(DRAWN)} of {size(len(data))}; y copies all of it", "warn")))
    if notes:
        notes.append(BLANK)
    if not data:
        return Document(notes)
    if reader.masked and (raw or not parsed.ok):
        return Document([*notes, line(("hidden while the screen is masked", "faint"))])
    if raw or not parsed.ok:
        return Document([*notes, *_raw(data)])
    return _pretty(data, notes, reader)


def _texts(value: jsonbody.Json, left: list[int]) -> Iterator[str]:
    """The texts and names in a parsed value as they stand, until ``left`` has no characters left."""
    if isinstance(value, str):
        yield value[: left[0]]
        left[0] = max(left[0] - len(value), 0)
    elif isinstance(value, dict | list):
        for one in value:
            if left[0]:
                yield from _texts(one, left)
                if isinstance(value, dict):
                    yield from _texts(value[one], left)


def _start(data: bytes) -> str:
    return data[:DRAWN].decode("utf-8", "replace")


def _raw(data: bytes) -> Iterator[Line]:
    for text in visible_bytes(data[:DRAWN], lines=True).split("\n"):
        for start in range(0, max(len(text), 1), MAX_LINE):
            yield line((text[start : start + MAX_LINE], "plain"))


def _pretty(data: bytes, notes: list[Line], reader: Reader) -> Document:
    """Lay out a body that is known to parse; only its first part is looked at."""
    lines = list(notes)
    folds = _lay_out(data[: DRAWN + 3].decode("utf-8-sig", "ignore")[:DRAWN], lines, reader)
    if len(data) > DRAWN:
        lines += [BLANK, line((f"… {count(len(data) - DRAWN, 'byte')} more", "warn"))]
    return Document(lines, folds)


def excerpt_lines(text: str, reader: Reader) -> list[Line] | None:
    """JSON laid out, or what ``visible`` left of it with ``…`` at its end; None for what is neither."""
    start = text.removesuffix("…")
    cut, data = start != text, start.encode()
    if not start.startswith(("{", "[")) or jsonbody.depth(data) > jsonbody.MAX_DEPTH:
        return None
    if not cut and not jsonbody.parse(data).ok:
        return None
    lines: list[Line] = []
    _lay_out(start, lines, reader)
    return [*lines, line(("…", "quiet"))] if cut else lines


def _lay_out(text: str, lines: list[Line], reader: Reader) -> dict[int, int]:
    """Append the lines of a text that is JSON or its beginning; gives what can be folded: first line, line after it."""
    folds: dict[int, int] = {}
    open_lines: list[int] = []
    parts: list[Part] = []

    def end_line() -> None:
        indent = _INDENT * len(open_lines)
        lines.append(line((indent, "plain"), *parts, indent=len(indent) + 2))
        parts.clear()

    pieces = jsonbody.PIECE.findall(redact.body(text))
    for index, piece in enumerate(pieces):
        follows = pieces[index + 1] if index + 1 < len(pieces) else ""
        if piece in "{[":
            parts.append((piece, "quiet"))
            if follows not in ("}", "]"):
                end_line()
                open_lines.append(len(lines) - 1)
        elif piece in "}]":
            if index and pieces[index - 1] in "{[":
                parts.append((piece, "quiet"))
            else:
                if parts:
                    end_line()
                parts.append((piece, "quiet"))
                if open_lines:  # the rest of what is no JSON may close more than was opened
                    folds[open_lines.pop()] = len(lines)
        elif piece == ",":
            parts.append((",", "quiet"))
            end_line()
        elif piece == ":":
            parts.append((": ", "quiet"))
        else:
            parts.append(_value(piece, reader, key=follows == ":"))
    if parts:
        end_line()
    return folds


def _value(token: str, reader: Reader, *, key: bool) -> Part:
    if token[0] != '"':
        if reader.masked and telling(token):
            return DOT * 6, "number"
        return visible(token, limit=MAX_LINE), "keyword" if token in ("true", "false", "null") else "number"
    if key:
        return _readable(token), "key"
    return (f'"{DOT * 6}"' if reader.masked and len(token) > 2 else _readable(token)), "string"


def _readable(token: str) -> str:
    r"""A JSON string with letters instead of their escapes; quotes, backslashes and newlines stay escaped."""
    if "\\u" in token and len(token) < DRAWN:
        try:
            token = json.dumps(json.loads(token, strict=False), ensure_ascii=False)
        except ValueError:
            return visible(token, limit=MAX_LINE)
    return visible(token, limit=MAX_LINE)
