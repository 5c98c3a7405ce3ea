"""The command line: ``hooktop`` and its commands, each loaded only when it is called."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    import os
    import sys

    from monitor import garbage

    garbage.begin()

    # As git does for a stream that is closed; else the next file that is opened would take its number.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - to the end of the process

    try:
        from monitor.cli.app import run
    except KeyboardInterrupt:  # loading takes long enough for it, most of all where a script calls one after another
        print("hooktop: Interrupted.", file=sys.stderr)
        sys.exit(130)

    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # a terminal that was closed: Python would try once more and end with 120 for it
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
