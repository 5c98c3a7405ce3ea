"""``hooktop diff``: what differs between two captures."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.options import JSON_OBJECT
from monitor.cli.output import Paint, say, say_json, width
from monitor.cli.types import CAPTURE_ID
from monitor.text import visible
from monitor.ui import redact

if TYPE_CHECKING:
    from monitor.model.compare import Comparison, Difference

_BESIDE: Final = 72  # cells of two values that stand on one line
_COLORS: Final = {"+": "green", "-": "red", "~": "yellow"}


@click.command(cls=Command)
@click.argument("old", metavar="ID", type=CAPTURE_ID)
@click.argument("new", metavar="ID", type=CAPTURE_ID)
@click.option("--all", "everything", is_flag=True, help="Also what is the same.")
@JSON_OBJECT
@click.pass_context
def command(ctx: click.Context, old: int, new: int, everything: bool, as_json: bool) -> None:
    """Compare two captures: request line, headers, body by JSON path or by line, signature, answer and reading.

    What stands behind + is only in the second, behind - only in the first, behind ~ in both with another value.

    \b
    Examples:
      hooktop diff cap_12 cap_15
      hooktop diff 12 15 --json | jq '.differences[] | select(.section == "body")'
    """
    from monitor.cli.history import capture_of
    from monitor.model.compare import compare

    options = globals_of(ctx)
    captures = [capture_of(options, number) for number in (old, new)]
    found = compare(*captures, everything=everything)
    if as_json:
        say_json({"kind": "comparison", "old": old, "new": new, **comparison_record(found)})
        return
    say(*comparison_lines(found, Paint(no_color=options.no_color)))


def comparison_record(found: Comparison) -> dict[str, Any]:
    """A comparison for scripts. Values of JSON are texts of JSON."""
    return {
        "same": found.same,
        "differences": [
            {"section": one.section, "sign": one.sign, "path": one.path, "old": one.old, "new": one.new}
            for one in found.listed
        ],
        "notes": [{"section": section, "note": note} for section, note in found.notes],
        "cut": found.cut,
    }


def comparison_lines(found: Comparison, paint: Paint, *, indent: str = "") -> list[str]:
    """A comparison for people, section by section; credentials in headers are hidden."""
    lines: list[str] = []
    sections = list(dict.fromkeys([*(one.section for one in found.listed), *(section for section, _ in found.notes)]))
    by_section = {section: list(some) for section, some in groupby(found.listed, lambda one: one.section)}
    for section in sections:
        said = "; ".join(visible(note) for where, note in found.notes if where is section)
        lines.append(indent + paint(section.value, bold=True) + (f"  {said}" if said else ""))
        for one in by_section.get(section, ()):
            lines += [indent + line for line in _lines(one, paint)]
    if found.cut:
        lines.append(f"{indent}… and more; these are the first {found.different:,} differences")
    return lines or [indent + "nothing differs"]


def _lines(one: Difference, paint: Paint) -> list[str]:
    values = [None if value is None else visible(_shown(one, value)) for value in (one.old, one.new)]
    path = visible(one.path) or "(all of it)"
    there = [value for value in dict.fromkeys(values) if value is not None]
    color = _COLORS.get(one.sign)
    if one.old != one.new and len(there) == 1 and None not in values:
        there = [f"{there[0]} (hidden, and not the same)"]
    if sum(map(width, there)) <= _BESIDE:
        return [paint(f"  {one.sign} {path}  {' → '.join(there)}", color, dim=color is None)]
    signs = [sign for sign, value in zip("-+", values, strict=True) if value is not None]
    return [
        paint(f"  {one.sign} {path}", color, dim=color is None),
        *(paint(f"      {sign} {value}", _COLORS[sign]) for sign, value in zip(signs, there, strict=False)),
    ]


def _shown(one: Difference, value: str) -> str:
    return redact.header_value(one.path, value) if one.section == "headers" else value
