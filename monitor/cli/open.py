"""``hooktop open``: a file of captures on the screens, to look at only."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.counter import Counter
from monitor.cli.demo import remove_folder
from monitor.cli.importing import begun, looked_at, taken_in
from monitor.cli.run import check_look, need_terminal, screens
from monitor.paths import expanded

if TYPE_CHECKING:
    from monitor.config import Config

FOR_EVER: Final = timedelta(days=365 * 1000)  # how long the captures of a file are kept while it is open


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mask", is_flag=True, default=None, help="Mask numbers, names and texts, for a shared screen.")
@click.pass_context
def command(ctx: click.Context, file: Path, mask: bool | None) -> int:
    """Look at FILE (a bundle, JSON lines, HAR or a hooktop database) on the screens.

    Nothing is received, sent or changed: the file is read into a temporary database, which is removed at the end.

    \b
    Examples:
      hooktop open from-a-colleague.hooktop
      hooktop open yesterday.db
    """
    need_terminal()
    folder = Path(tempfile.mkdtemp(prefix="hooktop-open-"))
    try:
        return asyncio.run(_open(globals_of(ctx), expanded(file), folder, mask))
    finally:
        remove_folder(folder)


async def _open(options: Globals, file: Path, folder: Path, mask: bool | None) -> int:
    from monitor.cli.stopping import UNPRESSED, Stop, on_signals
    from monitor.receiver.binding import bind
    from monitor.services.assemble import assembled, load_config
    from monitor.services.monitor import Settings

    config = load_config(options.config)
    check_look(config)
    database = folder / "opened.db"
    stop = Stop()
    with on_signals(stop.ask, names=UNPRESSED):  # the copy must not be left behind
        with Counter() as counter:
            await _read(file, database, counter)
        settings = Settings(read_only=True, mask=config.ui.mask if mask is None else mask, opened=file.name)
        # Bound and never listened on: what runs the screens has an address, and nobody reaches it.
        sock = bind("127.0.0.1", 0)
        async with assembled(_quiet(config), settings, sock, database, local_folder=folder, alive=None) as assembly:
            return await screens(assembly, options, stop, temporary=partial(remove_folder, folder))


async def _read(file: Path, database: Path, counter: Counter) -> None:
    from monitor.services.imports.files import Kind
    from monitor.store.viewing import copy_to_view

    if looked_at(file).kind is not Kind.DATABASE:
        await taken_in(begun(file, counter), database, "Nothing is shown.")
        return
    await asyncio.to_thread(
        copy_to_view, file, database, lambda what, done, total: counter.say(f"{done / max(total, 1):.0%} {what}")
    )


def _quiet(config: Config) -> Config:
    """A configuration that asks for nothing but looks: no account, no alert, no forward, and no capture goes."""
    from monitor.config import Config as Plain

    plain = Plain()
    return replace(plain, ui=config.ui, store=replace(plain.store, keep=FOR_EVER, max_size=2**62))
