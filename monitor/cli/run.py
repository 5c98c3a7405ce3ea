"""``hooktop run``: the receiver with its screens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.receiving import Choices, receiver_options, stored_sentence

if TYPE_CHECKING:
    from monitor.services.assemble import Assembly


@click.command(cls=Command)
@receiver_options
@click.option("--read-only", is_flag=True, help="Only watch: every key that changes something is off.")
@click.option("--mask", is_flag=True, help="Mask numbers, names and texts, for a shared screen.")
@click.pass_context
def command(ctx: click.Context, choices: Choices, read_only: bool, mask: bool) -> int:
    """Receive webhooks and show them on screens (the default command).

    Ends with q or ctrl+q; a signal ends it in order, too, with exit code 128 and the signal's number (130 for SIGINT).

    \b
    Examples:
      hooktop
      hooktop --port 9000 --public-url https://hooks.example.com
      hooktop run --enforce --mask
    """
    need_terminal()
    return asyncio.run(_run(globals_of(ctx), choices, read_only, mask))


def need_terminal() -> None:
    """End the command where no screens can be drawn."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("The screens need a terminal on both input and output; 'hooktop listen' works without one.", USAGE)
    if os.environ.get("TERM", "") in ("dumb", ""):
        fail("This terminal (TERM=dumb or none) cannot draw screens; 'hooktop listen' works without them.", USAGE)


async def _run(options: Globals, choices: Choices, read_only: bool, mask: bool) -> int:
    from monitor.cli.history import database
    from monitor.cli.receiving import receiving
    from monitor.services.assemble import load_config

    config = load_config(options.config)
    async with receiving(config, choices, database(options, config), read_only=read_only, mask=mask) as assembly:
        code = await screens(assembly, options)
    tell(stored_sentence(assembly.monitor))
    return code


async def screens(assembly: Assembly, options: Globals) -> int:
    """Show the screens until they end; gives the exit code."""
    from monitor import paths
    from monitor.cli import logs
    from monitor.cli.stopping import exit_code, on_signals
    from monitor.ui.app import HooktopApp

    logs.to_file(assembly.monitor.store.path, logs.secrets_of(assembly.config), options.verbose)
    demo = assembly.monitor.settings.demo
    chosen = None if demo else paths.data_dir() / "screens.json"
    app = HooktopApp(assembly.monitor, simulator=assembly.simulator, preferences=chosen)
    theme = assembly.config.ui.theme
    if theme is not None:
        if theme not in app.available_themes:
            known = ", ".join(sorted(app.available_themes))
            fail(f"There is no theme {theme!r} ([ui] theme in the configuration); choose one of {known}.", USAGE)
        app.theme = theme
    ended_by: list[signal.Signals] = []

    def ask(number: signal.Signals) -> None:
        ended_by.append(number)
        app.exit(return_code=exit_code(number))

    with terminal_kept(), on_signals(ask):
        await app.run_async()
    return exit_code(ended_by[0]) if ended_by else app.return_code or 0


@contextlib.contextmanager
def terminal_kept() -> Iterator[None]:
    """Put the terminal's settings back afterwards, however the screens ended."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError, ValueError):  # the terminal may be gone
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
