"""``hooktop backup``: a copy of the database."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli import written
from monitor.cli.command import Command, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import tell
from monitor.paths import expanded


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_context
def command(ctx: click.Context, file: Path, force: bool) -> None:
    """Copy the database to FILE, also while hooktop is running; the copy is consistent and readable by you alone.

    \b
    Examples:
      hooktop backup today.db
      hooktop captures --db today.db
    """
    from monitor.cli.history import needed
    from monitor.store.backup import backup

    path = needed(globals_of(ctx))
    written.check(expanded(file), path, force=force)
    with Counter() as counter:
        try:
            size = backup(
                path, file, lambda done, total: counter.say(f"{done / max(total, 1):.0%} copied"), replace=force
            )
        except FileExistsError:
            written.refuse(file)
    tell(f"Copied {path} to {file} ({size / 1024**2:,.1f} MB).")
