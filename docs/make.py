"""Makes ``commands.md`` and ``hooktop.1`` in this folder from the commands themselves, and a table in ``filters.md``.

python -m docs.make
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import click

from monitor.cli.app import DEFAULT, cli
from monitor.model.filter.fields import FIELDS
from monitor.store.filter_sql import MESSAGE_FIELDS

PAGE: Final = Path(__file__).parent / "commands.md"
FILTERS: Final = Path(__file__).parent / "filters.md"
MAN: Final = Path(__file__).parent / "hooktop.1"
PRECEDENCE: Final = """What a command line says goes over the environment, and that over `config.toml`: every option
has an environment twin, `--public-url` is `HOOKTOP_PUBLIC_URL`."""
EXITS: Final = {
    0: "it is done",
    1: "it failed; what was asked for is not there, or the system refused",
    2: "usage, configuration, port or database",
    3: "nothing came in time",
    4: "a verification failed",
    5: "a provider refused",
    130: "interrupted with ctrl+c",
}
HEAD: Final = f"""# Commands

<!-- made from the commands by python -m docs.make -->

Each command says the same with `--help`. Data goes to stdout, everything else to stderr.
{PRECEDENCE}
A filter is written as [Filters](filters.md) tells, in quotes where the shell would act on it. Ids
are `cap_12` or `12`, spans of time `90`, `90s`, `15m`, `2h`, `7d`. A database is written by one program at a time and
read by any number.

Every command ends with 0 when it is done, and with one sentence on stderr otherwise:

| exit code | means |
|---|---|
{chr(10).join(f"| {code} | {means} |" for code, means in EXITS.items() if code)}

Where a command's codes mean more than that, it says so below.
"""
# What the codes of a command mean beyond the table above; its help tells the rest.
CODES: Final[dict[str, dict[int, str]]] = {
    "run": {2: "also where there is no terminal", 143: "ended with SIGTERM"},
    "demo": {2: "also where there is no terminal", 143: "ended with SIGTERM"},
    "open": {1: "the file cannot be read, or is of no kind that it knows", 2: "also where there is no terminal"},
    "listen": {0: "`--count` or `--for` is reached, or SIGTERM"},
    "wait": {0: "all matches came", 3: "`--timeout` is over; no match is printed"},
    "show": {1: "there is no such capture, message or conversation"},
    "verify": {0: "everything verified", 4: "something did not"},
    "send": {1: "no receiver took it, or one answered 400 or more"},
    "replay": {1: "some got no answer, or are gone"},
    "sandbox": {0: "also after SIGTERM"},
    "webhooks list": {5: "a provider refused to tell", 1: "one could not be asked"},
    "webhooks drift": {1: "one could not be asked; with `--check` also when anything differs"},
    "webhooks rehearse": {1: "webhooks would not arrive"},
    "keys fetch": {1: "no key came, or another one than the trusted one"},
    "accounts test": {5: "a provider refused the credentials", 1: "one could not be asked"},
    "doctor": {0: "all is well", 1: "something is not"},
    "import": {1: "the file cannot be read or has a line that is no capture; nothing was added"},
}
_FIELDS: Final = re.compile(r"(<!-- fields: [^>]* -->\n).*?(<!-- /fields -->)", re.DOTALL)
_DEFAULT: Final = re.compile(r"\s*\(default:? ([^)]*)\)")


def commands(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, such as ``webhooks add``; a family stands before its members."""
    with click.Context(group) as context:
        names = group.list_commands(context)
    for name in names:
        command = cast(click.Command, group.get_command(context, name))
        yield " ".join((*before, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))


def context_of(words: str, command: click.Command) -> click.Context:
    """A context in which the command calls itself by its words."""
    return click.Context(command, info_name=f"hooktop {words}", **command.context_settings)


def told(command: click.Command) -> tuple[str, list[str]]:
    """What the command says of itself, and its examples."""
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\nExample")
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    lines = inspect.cleandoc(examples.partition("\n")[2]).replace("\n  ", " \\\n  ").splitlines()
    return "\n\n".join(part for part in paragraphs if part), lines


def _row(option: click.Option, context: click.Context) -> str:
    names, _ = option.get_help_record(context) or ("", "")
    extra: Any = option.get_help_extra(context)
    text = option.help or ""
    default = extra.get("default") or ("" if (found := _DEFAULT.search(text)) is None else found[1])
    text = _DEFAULT.sub("", text).strip()
    cells = (f"`{names}`", text, default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _options(words: str, command: click.Command, options: list[click.Option]) -> list[str]:
    context = context_of(words, command)
    return ["| option | does | default |", "|---|---|---|", *(_row(option, context) for option in options)]


def own_options(command: click.Command) -> list[click.Option]:
    """The options that not every command has."""
    return [param for param in command.params if isinstance(param, click.Option)]


def shared_options() -> list[click.Option]:
    """The options that every command has."""
    return [param for param in cli.get_params(context_of("", cli)) if isinstance(param, click.Option)]


def section(words: str, command: click.Command) -> str:
    """What the page says of one command."""
    text, examples = told(command)
    usage = command.collect_usage_pieces(context_of(words, command))
    lines = [f"{'###' if ' ' in words else '##'} hooktop {words}", "", text, ""]
    lines += ["    " + " ".join(("hooktop", words, *usage))]
    if words == DEFAULT:
        lines += ["", "`run` may be left out: `hooktop --port 9000` is `hooktop run --port 9000`."]
    if options := own_options(command):
        lines += ["", *_options(words, command, options)]
    if codes := CODES.get(words):
        told_codes = "; ".join(f"{code} {codes[code]}" for code in sorted(codes))
        lines += ["", f"Exit codes: {told_codes}."]
    if examples:
        lines += ["", "```sh", *examples, "```"]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    found = dict(commands())
    contents = "\n".join(f"- [`{name}`](#hooktop-{name}): {line}" for name, (_, line) in cli.members.items())
    shared = "\n".join(("## Options of every command", "", *_options("", cli, shared_options()))) + "\n"
    return "\n".join((HEAD, contents, "", shared, *(section(words, command) for words, command in found.items())))


def filters() -> str:
    """The page of filters with the table of today's fields."""
    rows = ["| field | holds | written | of messages, too |", "|---|---|---|---|"]
    for field in FIELDS.values():
        values = f": `{'` `'.join(field.choices)}`" if field.choices else ""
        too = "yes" if field.name in MESSAGE_FIELDS else ""
        rows.append(f"| `{field.name}` | {field.help}{values} | `{field.example}` | {too} |")
    table = "\n".join(rows) + "\n"
    return _FIELDS.sub(lambda found: found[1] + table + found[2], FILTERS.read_text("utf-8"))


if __name__ == "__main__":
    from docs.man import man_page

    PAGE.write_text(page(), "utf-8")
    MAN.write_text(man_page(), "utf-8")
    FILTERS.write_text(filters(), "utf-8")
