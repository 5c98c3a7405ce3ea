"""Options that several commands have, said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import click

from monitor.cli.types import DURATION, PORT, Whole

Function: TypeAlias = Callable[..., Any]  # that a command calls
Option: TypeAlias = Callable[[Function], Function]

FILTER: Final = click.argument("words", metavar="[FILTER]", nargs=-1)
JSON_LINES: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
JSON_OBJECT: Final = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
PUBLIC_URL: Final = click.option(
    "--public-url", metavar="URL", help="Where the world reaches the receiver (default: that of the hooktop that "
    "runs, else the configured one, or a tunnel that leads to the receiver's port)."
)  # fmt: skip
POSTED_TO: Final = click.option(
    "--public-url", metavar="URL", help="The public URL that webhooks came to, which some schemes sign (default: the "
    "configured one, and all that hooktop has registered)."
)  # fmt: skip
RECEIVERS_PORT: Final = click.option(
    "--port",
    type=PORT,
    metavar="PORT",
    help="The receiver's port (default: that of the hooktop that runs, else the configured one).",
)
CSV: Final = click.option(
    "--csv", "as_csv", is_flag=True, help="CSV with a head line; no cell can be taken for a formula."
)


def limit_option(what: str) -> Option:
    """How many are listed: ``--limit``, 50 by default."""
    return click.option("--limit", type=Whole(1), default=50, show_default=True, metavar="N", help=what)


def since_option(what: str) -> Option:
    """From when on: ``--since``, in seconds."""
    return click.option("--since", type=DURATION, metavar="AGO", help=what)


def with_options(function: Function, *options: Option) -> Function:
    """The function with options, which the help names in this order."""
    for option in reversed(options):
        function = option(function)
    return function
