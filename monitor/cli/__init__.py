"""The command line: ``hooktop`` and its commands, each loaded only when it is called."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    import sys

    from monitor.cli.app import run

    sys.exit(run(sys.argv[1:]))
