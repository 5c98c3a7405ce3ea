"""``hooktop demo``: the screens over simulated traffic."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.output import counted
from monitor.cli.receiving import Choices, check_target, forward_option, stored_sentence
from monitor.cli.run import need_terminal, screens
from monitor.cli.types import PORT, RATE

HISTORY: Final = 40  # events that are there when the screens open


@click.command(cls=Command)
@click.option("--port", type=PORT, metavar="PORT", help="The port (default 8787, or any that is free).")
@click.option("--rate", type=RATE, default=2.0, show_default=True, metavar="PER_S", help="Events a second.")
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same events.")
@click.option("--mask", is_flag=True, help="Mask numbers, names and texts.")
@forward_option("Pass the events on to your app: http://localhost:3000, or 3000 alone.")
@click.pass_context
def command(
    ctx: click.Context, port: int | None, rate: float, seed: int | None, mask: bool, forward: str | None
) -> int:
    """Try the screens with simulated live traffic of all providers.

    The events are signed with keys made for this demonstration and come in through real HTTP. The providers' APIs are
    simulated, too, so that webhooks can be registered and removed in view 4. Needs no network, no account and no
    configuration; the database is a temporary one, unless --db names another (HOOKTOP_DB and HOOKTOP_FORWARD do not
    count: they may name what you work with).

    \b
    Examples:
      hooktop demo
      hooktop demo --seed 7 --rate 20
      hooktop demo --forward http://localhost:3000
    """
    need_terminal()
    options = globals_of(ctx)
    if not any(each.get_parameter_source("db") is ParameterSource.COMMANDLINE for each in (ctx, ctx.find_root())):
        options.db = None
    if ctx.get_parameter_source("forward") is not ParameterSource.COMMANDLINE:
        forward = None
    if forward is not None:
        check_target(forward)
    choices = Choices(host="127.0.0.1", port=port, forward=forward)
    folder = Path(tempfile.mkdtemp(prefix="hooktop-demo-"))
    try:
        return asyncio.run(_demo(options, folder, choices, rate, seed, mask))
    finally:
        remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a temporary folder with its files; the report of a crash stays where the user was told it is."""
    with contextlib.suppress(OSError):  # a cleaner of temporary files may have been faster
        for file in folder.iterdir():
            if not file.name.startswith("hooktop-crash-"):
                file.unlink(missing_ok=True)
        folder.rmdir()


async def _demo(options: Globals, folder: Path, choices: Choices, rate: float, seed: int | None, mask: bool) -> int:
    from monitor import tasks
    from monitor.cli.errors import tell
    from monitor.cli.receiving import receiving
    from monitor.cli.stopping import UNPRESSED, Stop, on_signals
    from monitor.config import Config
    from monitor.services import demonstration

    database = options.db or folder / "demo.db"
    stop, ended = Stop(), asyncio.Event()
    choices = replace(choices, public_url=next(demonstration.addresses()))
    with on_signals(stop.ask, names=UNPRESSED):  # the demonstration must not be left behind
        async with receiving(Config(), choices, database, mask=mask, demo=folder) as assembly:
            webhooks = demonstration.webhooks_of(assembly)
            running = [
                tasks.start(assembly.simulator.traffic(rate, seed, ended, history=HISTORY), "demo traffic"),
                tasks.start(demonstration.providers(assembly, webhooks, folder, database), "demo providers"),
            ]
            try:
                code = await screens(assembly, options, stop, webhooks, temporary=partial(remove_folder, folder))
            finally:
                ended.set()
                for task in running:
                    task.cancel()
                await asyncio.wait(running)
    if options.db is not None:
        tell(stored_sentence(assembly.monitor))
    else:
        tell(f"The demonstration is over and removed, with {counted(assembly.monitor.feed.stored, 'capture')}.")
    return code
