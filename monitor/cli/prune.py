"""``hooktop prune``: let old captures go."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.output import counted
from monitor.cli.types import DURATION, Whole


@click.command(cls=Command)
@click.option("--older-than", type=DURATION, metavar="SPAN", help="Captures that came before, such as 7d or 12h.")
@click.option("--keep", type=Whole(min=0), metavar="N", help="All but the newest N captures.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def command(ctx: click.Context, older_than: float | None, keep: int | None, yes: bool) -> int:
    """Delete old captures for good, with what is known of their messages, and give their space back.

    A capture stays as long as its message was heard of since, so that no message loses a part of its way. Needs the
    database for itself; a running hooktop deletes by itself what [store] keep and max_size do not allow.

    \b
    Examples:
      hooktop prune --older-than 7d
      hooktop prune --keep 10000 --yes
    """
    from monitor.cli.history import database

    if (older_than is None) == (keep is None):
        fail("Say what is to go: --older-than 7d, or --keep N for all but the newest N.", USAGE)
    path = database(globals_of(ctx))
    if not path.exists():
        tell(f"There is no database {path} yet; nothing is to be done.")
        return 0
    return asyncio.run(_prune(path, older_than, keep, yes))


async def _prune(path: Path, older_than: float | None, keep: int | None, yes: bool) -> int:
    from monitor.services.pruning import prunable
    from monitor.store.errors import StoreUnavailableError
    from monitor.store.store import Store

    store = Store.open(path, making_room=True)
    try:
        if store.notice:
            tell(store.notice)
        span = timedelta(seconds=older_than) if older_than is not None else None
        found = prunable(path, datetime.now(UTC), older_than=span, keep=keep)
        before, number, whole = found.before, found.number, found.whole
        if before is None or not number:
            tell(f"Nothing is to go: all of the {counted(whole, 'capture')} stay.")
            return 0
        if not yes:
            if not sys.stdin.isatty():
                fail("Deleting asks first, which needs a terminal; say --yes to do without.", USAGE)
            if not click.confirm(f"Delete {counted(number, 'capture')} of {whole:,} for good?", err=True):
                tell("Nothing was deleted.")
                return 0
        store.start()
        with Counter() as counter:
            gone = await store.prune(before, progress=lambda gone: counter.say(f"{gone:,} of {number:,} deleted"))
    except StoreUnavailableError as error:
        fail(f"The captures in {path} cannot all be deleted: {error}; mend that and prune again.", USAGE)
    finally:
        await store.stop()
    left = whole - gone
    tell(
        f"Deleted {counted(gone, 'capture')}; {counted(left, 'capture')} {'is' if left == 1 else 'are'} left in {path}."
    )
    return 0
