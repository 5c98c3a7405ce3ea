"""CSV for spreadsheets: no cell can be taken for a formula."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from typing import Final

import click

from monitor.cli.output import write
from monitor.text import visible

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet calculate a cell instead of showing it


def check_formats(ctx: click.Context, as_json: bool, as_csv: bool) -> None:
    """End the command when two formats were asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; choose one.", ctx)


def write_csv(rows: Sequence[Sequence[object]]) -> None:
    """Print rows as CSV; None is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    write(text.getvalue().encode("utf-8", "backslashreplace"))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if sys.stdout.isatty():
        text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
