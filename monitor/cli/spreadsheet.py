"""CSV for spreadsheets: no cell can be taken for a formula."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from monitor.cli.output import write


def check_formats(ctx: click.Context, as_json: bool, as_csv: bool) -> None:
    """End the command when two formats were asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; choose one.", ctx)


def write_csv(rows: Sequence[Sequence[object]]) -> None:
    """Print rows as CSV; None is an empty cell."""
    from monitor.services.export.csv import lines

    write(lines(rows, terminal=sys.stdout.isatty()))
