"""``hooktop``: its commands, and how a call ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from monitor.cli.command import GLOBAL_FLAGS, GLOBAL_WITH_VALUE, Group, globals_of
from monitor.cli.errors import ended

DEFAULT: Final = "run"
COMPLETE: Final = "_HOOKTOP_COMPLETE"  # set by the shell code of ``hooktop completion``
COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("monitor.cli.run", "Receive webhooks and show them on screens (the default command)."),
    "demo": ("monitor.cli.demo", "Try the screens with simulated live traffic; touches no real data."),
    "listen": ("monitor.cli.listen", "Receive webhooks without screens, one line or JSON object each."),
    "captures": ("monitor.cli.captures", "List what was captured, newest last."),
    "messages": ("monitor.cli.messages", "List what became of every message, newest last."),
    "conversations": ("monitor.cli.conversations", "List who talks with whom, newest last."),
    "wait": ("monitor.cli.wait", "Wait until a capture or a message passes a filter, for scripts."),
    "stats": ("monitor.cli.stats", "Show rates, verdicts, latencies, and why messages failed."),
    "coverage": ("monitor.cli.coverage", "Show which kinds of events have come, which not, and what is new in them."),
    "show": ("monitor.cli.show", "Show one capture, message or conversation in full."),
    "verify": ("monitor.cli.verify", "Check signatures again, or one that never passed through hooktop."),
    "send": ("monitor.cli.send", "Send signed, simulated events to a receiver."),
    "replay": ("monitor.cli.replay", "Send stored captures again, as they came or edited, and see the answers."),
    "diff": ("monitor.cli.diff", "Compare two captures."),
    "sandbox": ("monitor.cli.sandbox", "Run look-alikes of the providers' APIs, for tests of other programs."),
    "webhooks": ("monitor.cli.webhooks", "List, register, re-point, remove and restore webhooks at the providers."),
    "keys": ("monitor.cli.keys", "List, fetch and trust verification keys."),
    "accounts": ("monitor.cli.accounts", "List, add, change, remove and test provider accounts."),
    "reindex": ("monitor.cli.reindex", "Work out every verdict and reading anew from the captures."),
    "export": ("monitor.cli.export", "Write captures as JSON lines, HAR, curl, CSV or a bundle, masked or not."),
    "import": ("monitor.cli.importing", "Add the captures of a file to the database."),
    "open": ("monitor.cli.open", "Look at a file of captures on the screens, without changing anything."),
    "prune": ("monitor.cli.prune", "Delete old captures for good."),
    "backup": ("monitor.cli.backup", "Copy the database, also while hooktop is running."),
    "doctor": ("monitor.cli.doctor", "Check port, database, keys and accounts; say what to mend."),
    "completion": ("monitor.cli.completion", "Print the shell code that completes hooktop's commands."),
}


class Root(Group):
    """The group of all commands; what names none of them belongs to ``run``."""

    root = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        if not (ctx.resilient_parsing and position_of_command(words) == len(words)):  # completion: nothing named yet
            words = with_default(words)
        return super().parse_args(ctx, words)


def position_of_command(words: Sequence[str]) -> int:
    """The index of the first word that is no global option, or the number of words."""
    position = 0
    while position < len(words):
        word = words[position]
        if word in GLOBAL_WITH_VALUE:
            position += 2
        elif word in GLOBAL_FLAGS or word.partition("=")[0] in GLOBAL_WITH_VALUE or set(word[1:]) == {"v"}:
            position += 1
        else:
            break
    return min(position, len(words))


def with_default(words: Sequence[str]) -> list[str]:
    """The words with ``run`` put in where they name no command: ``--db x --port 1`` is ``--db x run --port 1``."""
    position = position_of_command(words)
    if position < len(words):
        named = not words[position].startswith("-")
    else:
        named = not {"-h", "--help", "--version"}.isdisjoint(words)
    return list(words) if named else [*words[:position], DEFAULT, *words[position:]]


HELP_TEXT: Final = """Top for webhooks: receive the webhooks of messaging platforms, say of each whether its signature
is real and if not why, and follow what became of every message.

\b
Examples:
  hooktop demo                        look around with simulated traffic
  hooktop                             receive on http://127.0.0.1:8787
  hooktop listen --json --count 1     receive one capture in a script
  hooktop wait status:delivered       wait until a message arrived

Every option has an environment twin: --port is HOOKTOP_PORT. Exit codes: 0 done, 1 failure, 2 usage, configuration,
port or database, 3 nothing came in time, 4 a verification failed, 5 a provider refused, 130 interrupted.
"""

cli = Root(name="hooktop", members=COMMANDS, help=HELP_TEXT)


def run(args: Sequence[str]) -> int:
    """Run the command line with these arguments; gives the exit code, raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal in the C locale must not cost the output
    if asked := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "hooktop", COMPLETE, asked)
    verbose = 0
    try:
        with cli.make_context("hooktop", list(args)) as ctx:
            try:
                code = cli.invoke(ctx)
            finally:
                verbose = globals_of(ctx).verbose
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
    except BrokenPipeError:
        # Whoever read our output has had enough (head, a closed pager): no error, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        return ended(error, verbose)
