"""What differs, as lines: two columns of values where there is room for them, else one below the other. Pure.

Colours and signs say the same: ``+`` only in the second, ``-`` only in the first, ``~`` in both and not alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Final

from monitor.model.capture import Capture
from monitor.model.compare import Comparison, Difference, Section, Sign
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, Reader
from monitor.ui.documents.summary import verdict_parts
from monitor.ui.format import count, day_clock
from monitor.ui.lines import Line, Part, line, wrap
from monitor.ui.mask import DOT, mask_numbers, telling
from monitor.ui.painted import cells

WIDE: Final = 96  # cells from which there are two columns
_GAP: Final = 2
_WIDEST_PATH: Final = 44
_ROLES: Final = {Sign.SAME: "quiet", Sign.ADDED: "good", Sign.REMOVED: "bad", Sign.CHANGED: "warn"}
_HIDDEN_VALUE: Final = DOT * 6
# What of a reading is nobody's secret; as in the list, which shows it under a mask, too.
_OPEN: Final = frozenset(
    {"event", "direction", "channel", "status", "provider_status", "mark", "occurred_at", "sent_at", "error.code",
     "error.carrier_code", "error.carrier", "error.source", "error.temporary"}
)  # fmt: skip


def comparison(found: Comparison, reader: Reader, width: int, old: Sequence[Part], new: Sequence[Part]) -> list[Line]:
    """A comparison in lines of ``width`` cells; ``old`` and ``new`` say what is compared."""
    lines: list[Line] = []
    shown = [(one, *_values(one, reader)) for one in found.listed]
    path = min(max((len(_path(one)) for one, _, _ in shown), default=0) + 2, _WIDEST_PATH, width // 3)
    wide = width >= WIDE
    column = (width - path - 2 * _GAP) // 2
    if wide:
        lines += _beside([("", "plain")], old, new, path, column)
    else:
        lines += [line(("- ", "bad"), *old, indent=2), line(("+ ", "good"), *new, indent=2)]
    notes = dict.fromkeys(Section, "")
    for section, note in found.notes:
        notes[section] += ("; " if notes[section] else "") + note
    by_section = {section: list(some) for section, some in groupby(shown, lambda entry: entry[0].section)}
    for section in Section:
        entries = by_section.get(section, [])
        if not entries and not notes[section]:
            continue
        lines += [BLANK, line((section.value, "accent"), (f"   {visible(notes[section])}", "quiet"), indent=3)]
        for one, before, after in entries:
            lines += _wide(one, before, after, path, column) if wide else _narrow(one, before, after, width)
    if found.cut:
        lines += [BLANK, line((f"… and more; these are the first {count(found.different, 'difference')}", "warn"))]
    if found.same:
        lines += [BLANK, line(("nothing differs", "strong"))]
    return lines


def capture_parts(capture: Capture) -> list[Part]:
    """What stands over the column of a capture."""
    return [
        (f"{capture.id}", "strong"),
        (f"  {visible(capture.provider, limit=40)}  ", "plain"),
        *verdict_parts(capture),
        (f"  {day_clock(capture.received_at, digits=3)}", "quiet"),
    ]


def _path(one: Difference) -> str:
    return visible(one.path, limit=300) or "(all of it)"


def _wide(one: Difference, before: str | None, after: str | None, path: int, column: int) -> Iterator[Line]:
    role = _ROLES[one.sign]
    left = [(f"{one.sign} ", role), (_path(one), "key" if one.sign is not Sign.SAME else "quiet")]
    old, new = _roles(one)
    yield from _beside(left, [(before or "", old)], [(after or "", new)], path, column)


def _narrow(one: Difference, before: str | None, after: str | None, width: int) -> Iterator[Line]:
    role = _ROLES[one.sign]
    named: list[Part] = [(f"{one.sign} ", role), (_path(one), "key" if one.sign is not Sign.SAME else "quiet")]
    old, new = _roles(one)
    if one.sign is not Sign.CHANGED:
        value = (before or "", old) if after is None or one.sign is Sign.SAME else (after, new)
        yield line(*named, ("  ", "plain"), value, indent=4)
    elif cells(beside := [*named, ("  ", "plain"), (before or "", old), (" → ", "faint"), (after or "", new)]) <= width:
        yield line(*beside)
    else:
        yield line(*named, indent=4)
        yield line(("    - ", old), (before or "", old), indent=6)
        yield line(("    + ", new), (after or "", new), indent=6)


def _roles(one: Difference) -> tuple[str, str]:
    return ("quiet", "quiet") if one.sign is Sign.SAME else ("bad", "good")


def _beside(left: Sequence[Part], old: Sequence[Part], new: Sequence[Part], path: int, column: int) -> Iterator[Line]:
    """A path and two values in columns, each wrapped in its own."""
    columns = [_wrapped(left, path), _wrapped(old, column), _wrapped(new, column)]
    for rows in zip_longest(*columns, fillvalue=[]):
        parts: list[Part] = []
        for row, wide in zip(rows, (path, column, column), strict=True):
            parts += [*row, (" " * (wide - cells(row) + _GAP), "plain")]
        yield line(*parts[:-1])


def _wrapped(parts: Sequence[Part], width: int) -> list[list[Part]]:
    """Parts as rows of at most so many cells."""
    whole = line(*parts)
    rows: list[list[Part]] = []
    for start, end in wrap(whole.text, width, 0):
        rows.append(
            [(whole.text[max(a, start) : min(b, end)], role) for a, b, role in whole.spans if a < end and b > start]
        )
    return rows


# --- values --------------------------------------------------------------------------------------------------------


def _values(one: Difference, reader: Reader) -> tuple[str | None, str | None]:
    """Both values as they may be seen; what differs and is hidden in both says so."""
    before, after = (None if value is None else _seen(one, value, reader) for value in (one.old, one.new))
    if one.sign is Sign.CHANGED and before == after:
        return before, f"{after} (not the same)"
    return before, after


def _seen(one: Difference, value: str, reader: Reader) -> str:
    if one.section is Section.HEADERS:
        value = redact.header_value(one.path, value)
    if one.section in (Section.HEADERS, Section.REQUEST, Section.ANSWER):
        value = redact.target(value, reader.token)
    if reader.masked:
        if (one.section is Section.REQUEST and one.path == "query" and value) or (
            one.section is Section.READING and one.path not in _OPEN and value != "null"
        ):
            value = _HIDDEN_VALUE
        elif one.section is Section.BODY:
            value = _masked(one.path, value)
        else:
            value = mask_numbers(value)
    return visible(value)


def _masked(path: str, value: str) -> str:
    """A value of a body under the mask: words of JSON and short numbers stay."""
    if path.startswith(("line ", "from byte ")):
        return _HIDDEN_VALUE
    if value[:1] == '"':
        return f'"{_HIDDEN_VALUE}"' if len(value) > 2 else value
    if value[:1] in ("{", "["):
        return f"{value[0]} {_HIDDEN_VALUE} {'}' if value[0] == '{' else ']'}" if len(value) > 2 else value
    return _HIDDEN_VALUE if telling(value) else value
