"""``hooktop webhooks``: what is registered at the providers, and how it differs from what is wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from monitor.cli.command import Globals, Group, globals_of
from monitor.cli.errors import FAILED, tell
from monitor.cli.options import JSON_LINES
from monitor.cli.output import Paint, say, say_json
from monitor.cli.registering import Chosen, Place, choosing, registrations_at, troubles
from monitor.cli.webhook_changes import add, mend, remove, restore, update

if TYPE_CHECKING:
    from monitor.model.drift import DriftRow


@click.group(cls=Group)
def command() -> None:
    """Webhooks at the providers: see, register, re-point and remove them.

    Each is registered with today's public URL: that of --public-url, the configured one, or that of a tunnel that
    leads to the receiver's port. What is replaced or removed is saved first and can be put back.

    \b
    Examples:
      hooktop webhooks list
      hooktop webhooks add --provider bird event=sms.inbound
      hooktop webhooks mend --all
    """


@command.command("list")
@choosing
@JSON_LINES
@click.pass_context
def list_(ctx: click.Context, chosen: Chosen, as_json: bool) -> int:
    """List what the providers have and what is wanted, with states.

    Exit code 5 when a provider refused to tell, 1 when one could not be asked.

    \b
    Examples:
      hooktop webhooks list
      hooktop webhooks list --provider bird --json
    """
    return asyncio.run(_list(globals_of(ctx), chosen, as_json))


@command.command()
@choosing
@JSON_LINES
@click.option("--check", is_flag=True, help="Exit code 1 when anything differs.")
@click.pass_context
def drift(ctx: click.Context, chosen: Chosen, as_json: bool, check: bool) -> int:
    """List only what differs from what is wanted, and why.

    \b
    Examples:
      hooktop webhooks drift
      hooktop webhooks drift --check && echo all is well
    """
    return asyncio.run(_drift(globals_of(ctx), chosen, as_json, check))


@command.command()
@choosing
@JSON_LINES
@click.pass_context
def rehearse(ctx: click.Context, chosen: Chosen, as_json: bool) -> int:
    """Try the way from the public URL to the receiver, hop by hop.

    Exit code 1 when webhooks would not arrive.

    \b
    Examples:
      hooktop webhooks rehearse
      hooktop webhooks rehearse --public-url https://hooks.example.com
    """
    return asyncio.run(_rehearse(globals_of(ctx), chosen, as_json))


for member in (add, update, remove, mend, restore):
    command.add_command(member)


async def _list(options: Globals, chosen: Chosen, as_json: bool) -> int:
    async with registrations_at(options, chosen) as place:
        rows = place.rows()
        _show(rows, options, as_json=as_json, kind="registration")
        if not rows and all(panel.trouble is None for panel in place.panels):
            tell("No webhook is registered, as far as is known; 'hooktop webhooks add' registers one.")
        if not as_json:
            await _hints(place)
        return troubles(place)


async def _hints(place: Place) -> None:
    """What cannot be seen in the list."""
    from monitor.store import lease

    for panel in place.panels:
        if panel.trouble is None and "list" in panel.cannot:
            tell(f"{panel.account}: {panel.cannot['list']}")
    if offers := await place.registrations.offers():
        run = "a run that did not end properly"
        if lease.told(place.database) is not None:  # which asks at its end
            run = f"the hooktop that runs, or of {run},"
        tell(f"{len(offers)} of the changes of {run} can be put back; 'hooktop webhooks restore' lists them.")


async def _drift(options: Globals, chosen: Chosen, as_json: bool, check: bool) -> int:
    from monitor.model.drift import FINE

    async with registrations_at(options, chosen) as place:
        rows = [row for row in place.rows() if row.state not in FINE]
        _show(rows, options, as_json=as_json, kind="drift")
        return troubles(place) or (FAILED if check and rows else 0)


def _show(rows: list[DriftRow], options: Globals, *, as_json: bool, kind: str) -> None:
    from monitor.cli.webhook_lines import row_record, row_table

    if as_json:
        say_json(*(row_record(row, kind) for row in rows))
    elif rows:
        say(*row_table(rows, Paint(no_color=options.no_color), why=kind == "drift"))


async def _rehearse(options: Globals, chosen: Chosen, as_json: bool) -> int:
    from monitor.cli.changing import rehearsed
    from monitor.cli.webhook_lines import hop_line, hop_record
    from monitor.tunnels.rehearsal import Hop

    paint = Paint(no_color=options.no_color)

    def told(hop: Hop) -> None:
        if as_json:
            say_json(hop_record(hop))
        else:
            say(hop_line(hop, paint))

    async with registrations_at(options, chosen, refresh=False, accounts_needed=False) as place:
        provider = place.accounts[0].provider if place.accounts else "generic"
        found = await rehearsed(place, provider, told)
        return 0 if found.ok else FAILED
