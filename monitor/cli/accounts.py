"""``hooktop accounts``: provider credentials."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Globals, Group, globals_of
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.options import JSON_LINES
from monitor.cli.output import Paint, say, say_json, table
from monitor.cli.types import LINES
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.account import Setting
    from monitor.secret import Secret

_PEM_BEGINS: Final = "-----BEGIN"
_PEM_ENDS: Final = "-----END"


@click.group(cls=Group)
def command() -> None:
    """Provider accounts: what is asked of you when a webhook is to be verified or an API called.

    \b
    Examples:
      hooktop accounts list
      hooktop accounts add connectly
      hooktop accounts test
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; secrets are masked.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List accounts and their settings; of a secret only the last four characters.

    \b
    Example:
      hooktop accounts list --json
    """
    from monitor.services.accounts import listed
    from monitor.services.assemble import load_config

    options = globals_of(ctx)
    found = listed(load_config(options.config))
    if as_json:
        for account in found:
            settings = dict(account.settings)
            say_json({"kind": "account", "name": account.name, "provider": account.provider, "settings": settings})
    elif found:
        rows = [(a.name, a.provider, "  ".join(f"{name}={value}" for name, value in a.settings)) for a in found]
        say(*table(("ACCOUNT", "PROVIDER", "SETTINGS"), rows, paint=Paint(no_color=options.no_color)))
    else:
        tell("There are no accounts yet; 'hooktop accounts add volt' adds one.")


@command.command()
@click.argument("provider")
@click.option("--name", metavar="NAME", help="The account's name (default: the provider's).")
@click.option(
    "--set", "sets", multiple=True, type=LINES, metavar="SETTING=VALUE", help="A setting, instead of being asked; a "
    "secret as env:NAME or keyring:NAME only."
)  # fmt: skip
@click.pass_context
def add(ctx: click.Context, provider: str, name: str | None, sets: Sequence[str]) -> None:
    """Add an account: asks for its settings, for secrets without echo; an empty answer leaves a setting out.

    Secrets go to the system's keyring where there is one, else into the configuration file, readable by you alone.

    \b
    Examples:
      hooktop accounts add bird --name bird-eu
      hooktop accounts add connectly --set webhook_secrets=env:CONNECTLY_SECRET
    """
    from monitor.account import settings_of, with_accounts
    from monitor.admin.clients import WITHOUT_SECRET
    from monitor.services import accounts

    settings = settings_of(provider)
    if settings is None:
        fail(f"There is no provider {provider!r} with accounts; choose one of {', '.join(with_accounts())}.", USAGE)
    given = _given(sets) or {s.name: [answer] for s in settings if (answer := _ask(s))}
    if not given and provider not in WITHOUT_SECRET:
        fail("Nothing was entered, so no account was added; enter at least one setting.", USAGE)
    added = accounts.add(_file(globals_of(ctx)), name or provider, provider, given, os.environ)
    say(visible(added.sentence))
    if (said := accounts.unseated(added.file, os.environ)) is not None:
        tell(visible(said))


@command.command()
@click.argument("name")
@click.option(
    "--set", "sets", multiple=True, type=LINES, metavar="SETTING=VALUE", help="A setting, instead of being asked; a "
    "secret as env:NAME or keyring:NAME only. Of several values it is one more; nothing behind the = takes it away."
)  # fmt: skip
@click.pass_context
def change(ctx: click.Context, name: str, sets: Sequence[str]) -> None:
    """Change settings of an account: asks for each, for secrets without echo; an empty answer keeps what is there.

    A key that is entered where there can be several is added to them.

    \b
    Examples:
      hooktop accounts change bird-eu
      hooktop accounts change connectly --set webhook_secrets= --set webhook_secrets=env:CONNECTLY_SECRET
    """
    from monitor.account import settings_of
    from monitor.services import accounts

    file = _file(globals_of(ctx))
    was = accounts.as_written(file, name, os.environ)
    now = dict(was.settings)
    given = _given(sets) or {
        s.name: [answer] for s in settings_of(was.provider) or () if (answer := _ask(s, now.get(s.name)))
    }
    if given:
        say(visible(accounts.change(file, name, given, os.environ).sentence))
    else:
        tell("Nothing was entered, so nothing was changed.")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(ctx: click.Context, name: str, yes: bool) -> None:
    """Remove an account from the configuration, and its secrets from the keyring.

    \b
    Example:
      hooktop accounts remove bird-eu --yes
    """
    from monitor.services import accounts

    file = _file(globals_of(ctx))
    if not yes:
        if not sys.stdin.isatty():
            fail("Removing an account asks first, which needs a terminal; say --yes to do without.", USAGE)
        if not click.confirm(f"Remove the account {visible(name)} from {visible(str(file))}?", err=True):
            tell("Nothing was removed.")
            return
    accounts.remove(file, name)
    say(f"The account {visible(name)} is removed from {visible(str(file))}.")


@command.command()
@JSON_LINES
@click.argument("name", required=False)
@click.pass_context
def test(ctx: click.Context, as_json: bool, name: str | None) -> int:
    """Try the credentials of one account or of all, with calls that change nothing.

    Exit code 5 when a provider refused them, 1 when one could not be asked.

    \b
    Examples:
      hooktop accounts test
      hooktop accounts test bird-eu --json
    """
    return asyncio.run(_test(globals_of(ctx), name, as_json))


async def _test(options: Globals, name: str | None, as_json: bool) -> int:
    from monitor.cli.registering import Chosen, code_of, registrations_at, worst

    paint, codes = Paint(no_color=options.no_color), [0]
    async with registrations_at(options, Chosen(account=name), refresh=False) as place:
        tests = [place.registrations.test(account.name) for account in place.accounts]
        for account, tested in zip(place.accounts, await asyncio.gather(*tests), strict=True):
            asked = place.registrations.admin(account.name) is not None
            if not tested.ok and (asked or name is not None):
                codes.append(code_of(place.registrations.panel(account.name).trouble_kind) if asked else USAGE)
            if as_json:
                values = {"ok": tested.ok if asked else None, "sentence": tested.sentence}
                seconds = None if tested.took_s is None else round(tested.took_s, 3)
                head = {"kind": "account_test", "name": account.name, "provider": account.provider}
                say_json({**head, **values, "seconds": seconds})
            else:
                mark = paint("✔", "green") if tested.ok else paint("✖" if asked else "–", "red" if asked else None)
                say(f"{mark} {visible(account.name)}: {visible(tested.sentence)}")
    return worst(codes)


def _file(options: Globals) -> Path:
    from monitor import paths

    return options.config or paths.default_config()


def _given(sets: Sequence[str]) -> dict[str, list[str | Secret]]:
    """What ``--set`` names, or else is asked for, which takes a terminal."""
    given: dict[str, list[str | Secret]] = {}
    for text in sets:
        setting, equals, value = text.partition("=")
        if not equals:
            fail("A setting is written as NAME=VALUE, such as api_url=https://api.example.com.", USAGE)
        given.setdefault(setting.strip(), []).append(value.strip())
    if not sets and not sys.stdin.isatty():
        fail("Settings are asked for at a terminal only; give them with --set NAME=VALUE.", USAGE)
    return given


def _ask(setting: Setting, now: str | None = None) -> str | Secret | None:
    """What is entered for a setting; ``now`` is shown as what an empty answer keeps."""
    from monitor.secret import Secret

    label = setting.name.replace("_", " ")
    if now:
        label += f"{', one more' if setting.many else ''} (empty: {visible(now)} stays)"
    elif setting.default:
        label += f" (empty: {setting.default})"
    answer: str = click.prompt(label, default="", show_default=False, hide_input=setting.secret, err=True)
    while not setting.secret and _PEM_BEGINS in answer and _PEM_ENDS not in answer and not answer.endswith("\n"):
        # the rest of a key that is pasted, up to an empty line: a shell would run it
        answer += "\n" + click.prompt("", default="", prompt_suffix="", show_default=False, err=True)
    answer = answer.strip()
    if not answer:
        return None
    return Secret(answer) if setting.secret else answer
