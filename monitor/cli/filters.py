"""Filters that were typed on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cli.errors import USAGE, fail

if TYPE_CHECKING:
    from monitor.model.filter import Filter


def parse_filter(text: str) -> Filter:
    """The filter; one that cannot be understood ends the command and points at the column."""
    from monitor.model.filter import FilterError, parse

    try:
        return parse(text)
    except FilterError as error:
        message = error.message.rstrip(".")
        hint = f" {error.hint}" if error.hint else ""
        fail(f"The filter is wrong at column {error.column + 1}: {message}.{hint}", USAGE, below=error.carets())
