"""``hooktop import``: the captures of a file into the database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import FAILED, USAGE, fail, tell
from monitor.cli.output import counted
from monitor.paths import expanded

if TYPE_CHECKING:
    from monitor.services.importing import Import
    from monitor.services.imports.files import Found


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, file: Path) -> int:
    """Add the captures of FILE (JSON lines, HAR, a bundle or a database) to the database: all of them, or none.

    They are labelled imported and keep the time at which they came. What a file says of signatures is shown and not
    believed; what the captures mean is read anew. Of a damaged database, such as one that hooktop has put aside, what
    can still be read is added, and you are told what is lost. Needs the database for itself: stop a running hooktop
    first, or look at the file with 'hooktop open'.

    \b
    Examples:
      hooktop import failed.jsonl
      hooktop import --db case.db from-a-colleague.hooktop
    """
    from monitor.cli.history import database
    from monitor.services.assemble import load_config

    options = globals_of(ctx)
    config = load_config(options.config)
    return asyncio.run(_import(expanded(file), database(options, config)))


async def _import(file: Path, path: Path) -> int:
    with Counter() as counter:
        work = begun(file, counter)
        number = await taken_in(work, path, "Nothing was imported.")
    if said := work.loss.sentence():
        tell(f"The database {file} is damaged: {said}")
    tell(f"Imported {counted(number, 'capture')} from {file} into {path}; their signatures are not checked.")
    return 0


def looked_at(file: Path) -> Found:
    """What kind of file it is; ends the command with a sentence where it is none with captures."""
    from monitor.services.imports.files import look_at
    from monitor.services.imports.problem import ImportProblem

    try:
        return look_at(file)
    except ImportProblem as problem:
        fail(str(problem), FAILED)
    except OSError as error:
        fail(f"The file {file} cannot be read ({error.strerror}); name another.", FAILED)


def begun(file: Path, counter: Counter) -> Import:
    """The import of a file, not yet under way; ends the command with a sentence where it cannot be one."""
    from monitor.services.importing import Import

    return Import(looked_at(file), lambda number: counter.say(f"{counted(number, 'capture')} read"))


async def taken_in(work: Import, path: Path, otherwise: str) -> int:
    """Import into the database; gives how many captures. Where the file is wrong the command ends with a sentence,
    and what that means (``otherwise``)."""
    from monitor.services.imports.problem import ImportProblem
    from monitor.store.errors import StoreUnavailableError
    from monitor.store.store import Store

    store = Store.open(path)
    try:
        if store.notice:
            tell(store.notice)
        store.start()
        return await work.run(store)
    except ImportProblem as problem:
        fail(f"{problem} {otherwise}", FAILED)
    except StoreUnavailableError as error:
        fail(f"The database {path} cannot take the captures: {error}; mend that and try again. {otherwise}", USAGE)
    finally:
        await store.stop()
