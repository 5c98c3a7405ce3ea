"""What all commands share: global options before or after the command, environment twins, help in one shape."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from monitor.config import Config

_ANSWERED: Final = "monitor.cli.globals"
HELP: Final = {"help_option_names": ["-h", "--help"]}


@dataclass(slots=True)
class Globals:
    """The options that every command takes. ``db`` and ``config`` are None where the defaults hold.

    ``loaded`` is what ``monitor.cli.history.config_of`` has read.
    """

    db: Path | None = None
    config: Path | None = None
    no_color: bool = False
    verbose: int = 0
    loaded: Config | None = None


def globals_of(ctx: click.Context) -> Globals:
    """The global options of this call, wherever they stood."""
    found: Globals = ctx.meta.setdefault(_ANSWERED, Globals())
    return found


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # A command without the option must not undo what stood before it (or in the environment, read by the root).
    if value is not None and value is not False and value != 0:
        setattr(globals_of(ctx), str(param.name), value)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from monitor import __version__

        click.echo(f"hooktop {__version__}")
        ctx.exit()


def _global_options(*, root: bool) -> list[click.Option]:
    """New global options; only those of the root read the environment."""

    def option(*names: str, twin: bool = True, **more: Any) -> click.Option:
        env = twin_of(names) if root and twin else None
        return click.Option(names, expose_value=False, envvar=env, **more)

    path = click.Path(path_type=Path)
    return [
        option("--db", type=path, metavar="PATH", callback=_keep, help="The database (default: in your data folder)."),
        option(
            "--config", type=path, metavar="PATH", callback=_keep, help="The configuration (default: config.toml in "
            "your configuration folder).",
        ),
        option("--no-color", is_flag=True, callback=_keep, help="No colours; NO_COLOR does the same."),
        option("-v", "--verbose", count=True, callback=_keep, help="Say more; -vv shows where an error arose."),
        option("--version", is_flag=True, twin=False, is_eager=True, callback=_version, help="Show the version."),
    ]  # fmt: skip


GLOBAL_FLAGS: Final = frozenset({"--no-color", "-v", "--verbose", "--version", "-h", "--help"})
GLOBAL_WITH_VALUE: Final = frozenset({"--db", "--config"})


def twin_of(names: Sequence[str]) -> str:
    """The environment variable that stands for an option: ``--public-url`` is ``HOOKTOP_PUBLIC_URL``."""
    longest = max(names, key=len)
    return "HOOKTOP_" + longest.lstrip("-").replace("-", "_").upper()


class _Shared(click.Command):
    """Adds the global options, the environment twins and a help that lists the two kinds of options apart."""

    root = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", dict(HELP))
        super().__init__(*args, **kwargs)
        for param in self.params:
            if isinstance(param, click.Option) and param.envvar is None:
                param.envvar = twin_of([name for name in param.opts if name.startswith("--")] or param.opts)
        self._globals = _global_options(root=self.root)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        return [*params[:-1], *self._globals, params[-1]] if self.get_help_option(ctx) else [*params, *self._globals]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and (isinstance(param, click.Option) or record[1]):
                (own if param in self.params else shared).append(record)
        if own:
            with formatter.section("Options"):
                formatter.write_dl(own)
        with formatter.section("Global options"):
            formatter.write_dl(shared)


def on_command_line(ctx: click.Context, name: str) -> bool:
    """Whether an option or argument was typed, and does not come from the environment."""
    said = ctx.params.get(name) not in (None, ())
    return said and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


# Of these a command takes one: what the command line says of it puts out what the environment says of the other.
_ALTERNATIVES: Final = (
    ("as_json", "as_csv"), ("as_json", "raw"), ("rate", "burst"), ("rate", "timed"), ("rate", "speed"),
    ("key_file", "key_env"), ("older_than", "keep"), ("numbers", "text"), ("numbers", "not_taken"),
    ("numbers", "every"), ("numbers", "provider"), ("every", "provider"),
)  # fmt: skip


class Command(_Shared):
    """One command. Where it takes a filter as ``words``, a term with a minus, such as -provider:volt, is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = self._parsed(ctx, args)
        options = {param.name: param for param in self.params if isinstance(param, click.Option)}
        for pair in _ALTERNATIVES:
            for said, other in (pair, pair[::-1]):
                from_environment = ctx.get_parameter_source(other) is ParameterSource.ENVIRONMENT
                if from_environment and on_command_line(ctx, said):
                    ctx.params[other] = False if options[other].is_flag else None
                    ctx.set_parameter_source(other, ParameterSource.DEFAULT)
        return rest

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(param.name == "words" for param in self.params):
            end = args.index("--") if "--" in args else len(args)
            args = [part for word in args[:end] for part in _negated(word)] + args[end:]
        return super().parse_args(ctx, args)


_NEGATED: Final = re.compile(r"-(?=\(|[A-Za-z][\w.-]*[:=<>])")  # no option is written so: its long form has two dashes


def _negated(word: str) -> list[str]:
    found = _NEGATED.match(word)
    return ["not", word[found.end() :]] if found else [word]


class Group(_Shared, click.Group):
    """A family of commands, each in a module of its own that is loaded when it is called.

    ``members`` gives for each name the module (its attribute ``command`` is the command) and one line of help.
    """

    command_class = Command

    def __init__(self, *args: Any, members: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("no_args_is_help", False)  # a missing command is an error like any other: one sentence
        super().__init__(*args, **kwargs)
        self.members = members or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.members, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.members:
            command: click.Command = importlib.import_module(self.members[cmd_name][0]).command
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:  # completion has nothing to say then
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"see '{ctx.command_path} --help'"
            raise click.UsageError(f"There is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, line) for name, (_, line) in self.members.items()]
        for name in super().list_commands(ctx):
            command = super().get_command(ctx, name)
            rows.append((name, command.get_short_help_str(80) if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        _Shared.format_options(self, ctx, formatter)
