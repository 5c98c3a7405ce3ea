"""``hooktop webhooks add``, ``update``, ``remove``, ``mend`` and ``restore``: what changes something at a provider."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.changing import Manner, agreed, change, change_options
from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import FAILED, USAGE, fail, tell
from monitor.cli.output import Paint, say, say_json, table
from monitor.cli.registering import Chosen, Place, choosing, code_of, mending, registrations_at, troubles
from monitor.cli.types import LINES, Whole
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.admin.base import Admin
    from monitor.model.registration import Spec
    from monitor.services.registrations import Offer, Plan

NOTHING: Final = "There is nothing to put back."


@click.command(cls=Command)
@choosing
@change_options()
@click.option("--fields", is_flag=True, help="List the settings and their choices; register nothing.")
@click.argument("settings", nargs=-1, type=LINES, metavar="[NAME=VALUE]...")
@click.pass_context
def add(ctx: click.Context, chosen: Chosen, manner: Manner, fields: bool, settings: Sequence[str]) -> int:
    """Register a webhook with today's public URL. What is there already for the same is mended instead.

    First it is tried whether webhooks would arrive. Volt posts a test request while it is asked, so the receiver must
    be running. A signing key that is made (Bird) is kept where the receiver finds it; --show-key prints it.

    \b
    Examples:
      hooktop webhooks add --provider volt
      hooktop webhooks add --provider bird --fields
      hooktop webhooks add --provider bird event=sms.inbound filters=channelId=ID
      hooktop webhooks add --account shop topic=messages --dry-run
    """
    return asyncio.run(_add(globals_of(ctx), chosen, manner, fields, settings))


@click.command(cls=Command)
@choosing
@change_options()
@click.option("--activate/--deactivate", "active", default=None, help="Switch it on or off.")
@click.argument("webhook", metavar="ID")
@click.argument("settings", nargs=-1, type=LINES, metavar="[NAME=VALUE]...")
@click.pass_context
def update(
    ctx: click.Context, chosen: Chosen, manner: Manner, active: bool | None, webhook: str, settings: Sequence[str]
) -> int:
    """Change the settings of a webhook, or switch it on or off. ID may be the beginning of one; an empty VALUE clears.

    The address is not among the settings: 'hooktop webhooks mend' re-points a webhook to today's public URL.

    \b
    Examples:
      hooktop webhooks update 3f1c filters=messageStatus=delivered
      hooktop webhooks update 3f1c --deactivate
    """
    return asyncio.run(_update(globals_of(ctx), chosen, manner, active, webhook, settings))


@click.command(cls=Command)
@choosing
@change_options(address=False)
@click.argument("webhook", metavar="ID")
@click.pass_context
def remove(ctx: click.Context, chosen: Chosen, manner: Manner, webhook: str) -> int:
    """Remove a webhook at its provider, and want it no longer.

    It is saved first; 'hooktop webhooks restore' puts it back.

    \b
    Example:
      hooktop webhooks remove 3f1c
    """
    return asyncio.run(_remove(globals_of(ctx), chosen, manner, webhook))


@click.command(cls=Command)
@choosing
@change_options()
@click.option("--all", "every", is_flag=True, help="Everything that differs and is hooktop's own.")
@click.argument("webhook", metavar="[ID]", required=False)
@click.pass_context
def mend(ctx: click.Context, chosen: Chosen, manner: Manner, every: bool, webhook: str | None) -> int:
    """Re-point and mend one webhook, or all of hooktop's own.

    Afterwards it is as it is wanted, at today's public URL; what is not hooktop's is left alone.

    \b
    Examples:
      hooktop webhooks mend --all
      hooktop webhooks mend 3f1c --dry-run
    """
    if every is (webhook is not None):
        fail("Say which webhook to mend by its id, or --all.", USAGE)
    return asyncio.run(_mend(globals_of(ctx), chosen, manner, webhook))


@click.command(cls=Command)
@choosing
@change_options()
@click.option("--all", "every", is_flag=True, help="Everything that is listed.")
@click.option("--dismiss", is_flag=True, help="Do not put it back, and list it no more.")
@click.argument("number", metavar="[N]", type=Whole(1), required=False)
@click.pass_context
def restore(ctx: click.Context, chosen: Chosen, manner: Manner, every: bool, dismiss: bool, number: int | None) -> int:
    """Put back what hooktop has replaced or removed.

    Without a number and without --all it lists what there is.

    \b
    Examples:
      hooktop webhooks restore
      hooktop webhooks restore 12
      hooktop webhooks restore --all --dismiss
    """
    if every and number is not None:
        fail("Say which change to put back by its number, or --all, not both.", USAGE)
    if dismiss and not every and number is None:
        fail("Say which change to dismiss by its number, or --all.", USAGE)
    return asyncio.run(_restore(globals_of(ctx), chosen, manner, every, dismiss, number))


async def _add(options: Globals, chosen: Chosen, manner: Manner, fields: bool, settings: Sequence[str]) -> int:
    given = _given(settings)
    async with registrations_at(options, chosen) as place:
        account = place.one_account()
        panel, admin = place.registrations.panel(account.name), place.admin(account.name)
        if fields:
            _list_fields(admin, given, options, as_json=manner.as_json)
            return 0
        spec = _spec(admin, given, {}, panel.label)
        place.needed_url()
        if panel.trouble is not None:
            if not manner.dry_run:
                return troubles(place)
            tell(f"{panel.trouble} So what is there already is not known.")
        plan = place.registrations.plan_add(account.name, spec)
        return await change(options, place, [plan], f"{plan.title} Go on?", manner)


def _list_fields(admin: Admin, given: Spec, options: Globals, *, as_json: bool) -> None:
    from monitor.cli.webhook_lines import field_record, field_table

    fields = admin.fields(given)
    if as_json:
        say_json(*map(field_record, fields))
    elif fields:
        say(*field_table(fields, Paint(no_color=options.no_color)))
    else:
        tell("There is nothing to set: a webhook there has only its address, which is today's public URL.")


async def _update(
    options: Globals, chosen: Chosen, manner: Manner, active: bool | None, webhook: str, settings: Sequence[str]
) -> int:
    given = _given(settings)
    if bool(given) is (active is not None):
        fail("Say what to change: settings as NAME=VALUE, or --activate or --deactivate, one of the two.", USAGE)
    async with registrations_at(options, chosen) as place:
        if (code := troubles(place)) and not place.rows():
            return code
        row = place.row(webhook, code)
        if active is not None:
            plan = place.registrations.plan_active(row, active)
        else:
            before = row.found.spec if row.found is not None else row.wanted.spec if row.wanted is not None else {}
            spec = _spec(place.admin(row.account), given, before, place.registrations.panel(row.account).label)
            plan = place.registrations.plan_edit(row, spec)
        return await change(options, place, [plan], f"{plan.title} Go on?", manner)


async def _remove(options: Globals, chosen: Chosen, manner: Manner, webhook: str) -> int:
    async with registrations_at(options, chosen) as place:
        if (code := troubles(place)) and not place.rows():
            return code
        plan = place.registrations.plan_remove(place.row(webhook, code))
        return await change(options, place, [plan], f"{plan.title} Go on?", manner)


async def _mend(options: Globals, chosen: Chosen, manner: Manner, webhook: str | None) -> int:
    async with registrations_at(options, chosen) as place:
        place.needed_url()
        code = troubles(place)
        if webhook is not None:
            if code and not place.rows():
                return code
            plan = place.registrations.plan_mend(place.row(webhook, code))
            return await change(options, place, [plan], f"{plan.title} Go on?", manner)
        for row in place.rows():
            if row.by_hand is not None and row.mend is not None:
                tell(f"{row.account}: {row.subject}: {row.by_hand} When that is done: {mending(row)}")
        plans = place.registrations.plan_mend_all()
        if not plans:
            if not code:
                tell("There is nothing to mend.")
            return code
        for plan in plans if not manner.dry_run else ():
            tell(plan.title)
        return await change(options, place, plans, "Mend all of this?", manner) or code


async def _restore(
    options: Globals, chosen: Chosen, manner: Manner, every: bool, dismiss: bool, number: int | None
) -> int:
    async with registrations_at(options, chosen, refresh=not dismiss and (every or number is not None)) as place:
        offers = await place.registrations.restorable()
        chosen_all = (chosen.account, chosen.provider) == (None, None)  # else others are only not asked about
        out_of_reach = await place.registrations.out_of_reach() if chosen_all else None
        if not every and number is None:
            _list_offers(offers, options, out_of_reach, as_json=manner.as_json)
            return 0
        wanted = [offer for offer in offers if every or offer.record.id == number]
        if not wanted:
            if every:
                tell(out_of_reach or NOTHING)
                return 0
            fail(f"There is no change {number} to put back; 'hooktop webhooks restore' lists what there is.", FAILED)
        if dismiss:
            for offer in wanted:
                await place.registrations.dismiss(offer.record)
            tell(f"{len(wanted)} dismissed.")
            return 0
        plans = [_told(place.registrations.plan_restore(offer.record), place) for offer in wanted]
        if not manner.show_key and any(plan.key is not None for plan in plans):
            tell("--show-key prints a new signing key, once; without it the key is only kept here.")
        if every and not manner.dry_run:
            for plan in plans:
                tell(plan.title)
            if not agreed((), "Put all of this back?", yes=manner.yes, always=True):
                tell("Nothing was changed.")
                return 0
            manner = replace(manner, yes=True)
        return await change(options, place, plans, f"{plans[0].title} Go on?", manner)


def _told(plan: Plan, place: Place) -> Plan:
    """The plan; ends the command with what the provider said where it could not be asked."""
    panel = place.registrations.panel(plan.account)
    if panel.trouble is not None:
        fail(panel.trouble, code_of(panel.trouble_kind))
    return plan


def _list_offers(offers: Sequence[Offer], options: Globals, out_of_reach: str | None, *, as_json: bool) -> None:
    """``out_of_reach`` says what cannot be put back now."""
    from monitor.cli.webhook_lines import offer_record

    if as_json:
        say_json(*map(offer_record, offers))
    elif offers:
        rows = [(str(offer.record.id), offer.record.account, offer.sentence) for offer in offers]
        say(*table(("N", "ACCOUNT", "WHAT"), rows, paint=Paint(no_color=options.no_color)))
    if out_of_reach is not None:
        tell(out_of_reach)
    elif not offers and not as_json:
        tell(NOTHING)


def _given(settings: Sequence[str]) -> dict[str, str]:
    """The settings of the command line; of one that is given several times the values with commas."""
    found: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or "://" in name:
            fail(
                f"{visible(text, limit=80)!r} is no setting: write NAME=VALUE, such as event=sms.inbound; the address "
                "is always today's public URL, which --public-url names.",
                USAGE,
            )
        found[name] = f"{found[name]}, {value}" if found.get(name) else value
    return found


def _spec(admin: Admin, given: Spec, before: Spec, label: str) -> Spec:
    """The whole settings: those before, with those given. Ends the command for a setting that there is not."""
    spec = {**before, **given}
    fields = {field.name: field for field in admin.fields(spec)}
    for name in given:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"did you mean {near[0]}" if near else f"it has {', '.join(fields)}" if fields else "leave it out"
            fail(f"{label} has no setting {visible(name)!r} for a webhook; {hint}{'?' if near else '.'}", USAGE)
        field = fields[name]
        if not field.free and given[name] not in ("", *field.choices):
            fail(f"{name}: {visible(given[name])!r} is none of {', '.join(field.choices)}; choose one.", USAGE)
    if not before:
        spec = {**{name: field.default for name, field in fields.items() if field.default}, **spec}
    return {name: value for name, value in spec.items() if value}
