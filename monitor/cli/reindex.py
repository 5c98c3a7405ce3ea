"""``hooktop reindex``: every verdict and reading anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.options import POSTED_TO
from monitor.cli.output import counted

if TYPE_CHECKING:
    from monitor.config import Config


@click.command(cls=Command)
@POSTED_TO
@click.pass_context
def command(ctx: click.Context, public_url: str | None) -> int:
    """Work out every verdict, reading and message anew from the captures, with the keys and settings of today.

    The captures themselves are never changed. Needs the database for itself: in a running hooktop V does the same.

    \b
    Examples:
      hooktop reindex
      hooktop reindex --public-url https://hooks.example.com
    """
    from monitor.cli.history import config_at, database

    options = globals_of(ctx)
    path = database(options)
    if not path.exists():
        tell(f"There is no database {path} yet; nothing is to be done.")
        return 0
    return asyncio.run(_reindex(path, config_at(options, public_url)))


async def _reindex(path: Path, config: Config) -> int:
    from monitor.services.assemble import examiner_of
    from monitor.store.errors import StoreUnavailableError
    from monitor.store.store import Store

    examiner = examiner_of(config, path)
    store = Store.open(path)
    try:
        if store.notice:
            tell(store.notice)
        store.start()
        with Counter() as counter:
            done = await store.reread(
                examiner.again,
                lambda done, total: counter.say(f"{done:,} of {total:,}"),
                made=lambda share: counter.say(f"messages and conversations: {share:.0%}"),
                trust_unproven=config.receiver.trust_unproven,
            )
    except StoreUnavailableError as error:
        fail(f"The captures in {path} cannot all be worked out anew: {error}; mend that and reindex again.", USAGE)
    finally:
        await store.stop()
    tell(f"Worked out {counted(done.captures, 'capture')} anew in {path}; {done.changed:,} of them changed.")
    return 0
