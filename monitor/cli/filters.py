"""Filters that were typed on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

from monitor.cli.errors import USAGE, fail
from monitor.times import earlier

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.filter import Filter, FilterError


def parse_filter(text: str) -> Filter:
    """The filter; one that cannot be understood ends the command and points at the column."""
    from monitor.model.filter import FilterError, parse

    try:
        return parse(text)
    except FilterError as error:
        refuse(error)


def parse_capture_filter(text: str, *, arriving: bool = False) -> Filter:
    """As ``parse_filter``, for captures alone: what only messages bear ends the command, too; and what is known only
    later, where they are looked at as they arrive."""
    from monitor.store.filter_sql import check_capture_filter

    return _checked(text, check_capture_filter, arriving=arriving)


def parse_any_filter(text: str, *, arriving: bool = False) -> Filter:
    """As ``parse_capture_filter``, for captures or messages: what neither can pass ends the command."""
    from monitor.store.filter_sql import check_any_filter

    return _checked(text, check_any_filter, arriving=arriving)


def parse_message_filter(text: str) -> Filter:
    """As ``parse_filter``, for messages: what only captures have ends the command, too."""
    from monitor.store.filter_sql import compile_message_filter

    return _checked(text, lambda wanted: compile_message_filter(wanted, datetime.now(UTC)))


def _checked(text: str, check: Callable[[Filter], object], *, arriving: bool = False) -> Filter:
    from monitor.model.filter import FilterError, check_arriving

    wanted = parse_filter(text)
    try:
        check(wanted)
        if arriving:
            check_arriving(wanted)
    except FilterError as error:
        error.text = text
        refuse(error)
    return wanted


def not_before(wanted: Filter, since: float | None) -> Filter:
    """The filter, for what is not older than so many seconds (None: of any age)."""
    if since is None:
        return wanted
    begin = earlier(datetime.now(UTC), timedelta(seconds=since))
    before = f"({wanted.text}) " if wanted.text.strip() else ""
    return parse_filter(f"{before}received>={begin:%Y-%m-%dT%H:%M:%S.%fZ}")


def refuse(error: FilterError) -> NoReturn:
    """End the command with what is wrong with the filter, and where."""
    message = error.message.rstrip(".")
    hint = f" {error.hint}" if error.hint else ""
    fail(f"The filter is wrong at column {error.column + 1}: {message}.{hint}", USAGE, below=error.carets())
