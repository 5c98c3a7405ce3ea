"""``hooktop keys``: what signatures are verified with."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click

from monitor.cli.command import Globals, Group, globals_of
from monitor.cli.errors import FAILED, USAGE, fail, tell
from monitor.cli.options import JSON_LINES
from monitor.cli.output import Paint, say, say_json, table
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.services.keychain import Keychain
    from monitor.services.keys import KeysError, KnownKey


@click.group(cls=Group)
def command() -> None:
    """Verification keys: those of your accounts, those that providers publish, and hooktop's own for simulated events.

    \b
    Examples:
      hooktop keys list
      hooktop keys fetch volt
    """


@command.command("list")
@JSON_LINES
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List keys by fingerprint with their age and where they come from; never a key itself.

    \b
    Example:
      hooktop keys list --json
    """
    from monitor.services.keys import listed

    options = globals_of(ctx)
    keychain = _keychain(options)
    found = listed(keychain)
    if as_json:
        say_json(*map(_record, found))
        return
    heads = ("PROVIDER", "KEY", "KIND", "STATE", "FETCHED", "FROM")
    rows = [(k.provider, k.fingerprint, kind(k), _state(k), age(k.fetched_at), k.origin) for k in found]
    say(*table(heads, rows, paint=Paint(no_color=options.no_color)))
    for trouble in keychain.problems:
        tell(f"{trouble.provider}: {trouble.text}.")


@command.command()
@click.argument("provider")
@click.pass_context
def fetch(ctx: click.Context, provider: str) -> int:
    """Fetch the public key that a provider publishes. The first is trusted; another one is not used until you say so.

    Where your accounts name a fingerprint (public_key_fingerprint), that alone decides.

    \b
    Example:
      hooktop keys fetch volt
    """
    from monitor.services.keys import KeysError
    from monitor.services.keys import fetch as fetch_keys

    try:
        found = asyncio.run(fetch_keys(_keychain(globals_of(ctx)), provider))
    except KeysError as error:
        _refuse(error)
    say(*(visible(item.sentence) for item in found))
    return FAILED if any(not item.key.trusted for item in found) else 0


@command.command()
@click.argument("fingerprint")
@click.pass_context
def trust(ctx: click.Context, fingerprint: str) -> None:
    """Use a fetched key that is not the one trusted before; 8 digits of its fingerprint are enough.

    Make sure first that it is genuine: ask the provider, or compare it with what others see. Stored captures are
    judged anew by V on the screens, or by 'hooktop reindex'.

    \b
    Example:
      hooktop keys trust sha256:1a2b3c4d
    """
    from monitor.services.keys import KeysError
    from monitor.services.keys import trust as trust_key

    try:
        key = trust_key(_keychain(globals_of(ctx)), fingerprint)
    except KeysError as error:
        _refuse(error)
    say(f"The {visible(key.kind)} key {key.fingerprint} of {visible(key.provider)} is trusted from now on.")


def _keychain(options: Globals) -> Keychain:
    from monitor.cli.history import database
    from monitor.services.assemble import keychain_of, load_config

    config = load_config(options.config)
    return keychain_of(config, database(options, config))


def kind(key: KnownKey) -> str:
    """``RSA 2048``, ``secret``."""
    return key.kind if key.bits is None else f"{key.kind} {key.bits}"


def age(moment: datetime | None) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return ""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def _state(key: KnownKey) -> str:
    if key.in_use:
        return "in use"
    if key.refused:
        return "NOT THE ONE NAMED"
    return "at rest" if key.trusted else "NOT TRUSTED"


def _record(key: KnownKey) -> dict[str, Any]:
    from monitor.model.record import rfc3339

    return {
        "kind": "key",
        "provider": key.provider,
        "fingerprint": key.fingerprint,
        "type": key.kind,
        "bits": key.bits,
        "origin": key.origin,
        "fetched_at": rfc3339(key.fetched_at),
        "trusted": key.trusted,
        "in_use": key.in_use,
        "refused": key.refused,
    }


def _refuse(error: KeysError) -> NoReturn:
    """End the command with what is wrong."""
    from monitor.services.keys import KeysUsageError

    fail(str(error), USAGE if isinstance(error, KeysUsageError) else FAILED)
