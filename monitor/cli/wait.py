"""``hooktop wait``: until something happens, for scripts."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Command, Globals, globals_of, on_command_line
from monitor.cli.errors import TIMED_OUT, fail, tell
from monitor.cli.filters import parse_any_filter
from monitor.cli.output import Paint, say, say_json
from monitor.cli.receiving import Choices, receiver_options
from monitor.cli.types import DURATION, Whole

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.cli.waiting import Match
    from monitor.model.filter import Filter
    from monitor.store.message_reader import MessageReader

POLL_S: Final = 0.03


@click.command(cls=Command)
@click.argument("words", metavar="FILTER", nargs=-1, required=True)
@receiver_options
@click.option("--timeout", type=DURATION, metavar="S", help="Give up after this long (30, 5m) with exit code 3.")
@click.option("--count", type=Whole(1), default=1, show_default=True, metavar="N", help="Wait for N matches.")
@click.option("--listen", is_flag=True, help="Receive, too, instead of following a running hooktop.")
@click.option("--existing", is_flag=True, help="What is there already counts, too.")
@click.option("--json", "as_json", is_flag=True, help="Print each match as one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    choices: Choices,
    words: Sequence[str],
    timeout: float | None,
    count: int,
    listen: bool,
    existing: bool,
    as_json: bool,
) -> int:
    """Wait until a capture or a message passes the filter, print it and end with exit code 0.

    A message is what all webhooks about it say together, so a filter can ask for things that no single webhook has.
    What was there before does not count, and nothing is printed unless all N matches came in time. A webhook whose
    signature is wrong says nothing of its message; it counts where the filter is for captures, such as provider:bird.
    With --listen it first says where it listens: with --json as 'hooktop listen' does, in an object of its own.

    \b
    Examples:
      hooktop wait 'status:delivered to:"+1 (555) 555-0123"' --timeout 30 --json
      hooktop wait provider:bird verdict:verified --listen --port 9000 --timeout 1m
    """
    options = globals_of(ctx)
    wanted = parse_any_filter(" ".join(words), arriving=True)
    given = [field.name for field in fields(Choices) if on_command_line(ctx, field.name)]
    if given and not listen:
        option = "--" + given[0].replace("_", "-")
        raise click.UsageError(f"{option} is for a receiver of its own; add --listen, or leave it out.", ctx)
    told = options.verbose > 0 or sys.stderr.isatty()
    waiting = Waiting(wanted, count, timeout, existing, Paint(no_color=options.no_color), as_json, told)
    if listen:
        return asyncio.run(_listen(options, choices, waiting))
    from monitor.cli.history import database

    return waiting.follow(database(options))


class Waiting:
    """One wait: what for, how long, and how its matches are printed."""

    def __init__(
        self,
        wanted: Filter,
        count: int,
        timeout: float | None,
        existing: bool,
        paint: Paint,
        as_json: bool,
        told: bool,
    ) -> None:
        self._wanted = wanted
        self._count = count
        self._timeout = timeout
        self._existing = existing
        self._paint = paint
        self.as_json = as_json
        self._told = told
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._found: list[Match] = []
        self._look: Callable[[], list[Match]] | None = None

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def begin(self, reader: MessageReader, after: int) -> None:
        """Look from now on; ``after`` is the id of the last capture that is not news."""
        from monitor.cli.waiting import Watch

        watch = Watch(reader, self._wanted, after)
        self._look = watch.look
        if self._existing:
            self._found += watch.existing(self._count)
        if self._told:
            tell(f"Waiting for {self._wanted.text.strip()}; ctrl+c ends.")

    def done(self) -> bool:
        """Look once more; whether all matches are there."""
        if len(self._found) < self._count and self._look is not None:
            self._found += self._look()
        return len(self._found) >= self._count

    def follow(self, path: Path) -> int:
        """Follow what a running hooktop stores, also one that is only just starting; gives the exit code."""
        from monitor.cli.history import file_at
        from monitor.store.message_reader import MessageReader
        from monitor.times import utc_now

        pause, began = threading.Event(), utc_now()
        new = not path.exists()
        if new:
            tell(f"There is no database {path} yet; waiting for a hooktop that begins one.")
        told = new
        reader: MessageReader | None = None
        opened: tuple[int, int] | None = None
        with contextlib.ExitStack() as open_:
            while True:
                if reader is not None and file_at(path) not in (opened, None):
                    tell(f"There is another database {path} now; waiting for what comes into that one.")
                    open_.close()
                    reader, self._look, new = None, None, True
                    self._found.clear()
                if reader is None and (opened := file_at(path)) is not None:
                    with contextlib.ExitStack() as trial:
                        candidate = trial.enter_context(contextlib.closing(MessageReader(path)))
                        if candidate.ready():
                            open_.enter_context(trial.pop_all())
                            reader = candidate
                            # of one that was put in its place what came before is no news
                            self.begin(reader, reader.last_before(began) if new else reader.last_id())
                        elif not told:
                            tell(f"The database {path} is not of this version; waiting for a hooktop that makes it so.")
                            told = True
                if self.done() and reader is not None:
                    self.show(reader)
                    return 0
                if self.late:
                    self.give_up()
                pause.wait(POLL_S)

    def show(self, reader: MessageReader) -> None:
        """Print the matches."""
        from monitor.cli.lines import line
        from monitor.cli.message_history import Records
        from monitor.cli.message_lines import message_line
        from monitor.model.record import capture_record

        records = Records(reader, paint=self._paint, as_json=self.as_json)
        for match in self._found[: self._count]:
            if isinstance(match, tuple):
                if self.as_json:
                    say_json(records.record(*match))
                else:
                    say(message_line(match[1], self._paint, stuck_s=records.stuck(match[1])))
            elif self.as_json:
                say_json(capture_record(match))
            else:
                say(line(match, self._paint, dated=True))

    def give_up(self) -> None:
        """End the command, since the time is over."""
        came = f"; {len(self._found)} of {self._count} came" if self._found else ""
        fail(
            f"Nothing more passed the filter within {self._timeout:g} s{came}."
            if came
            else f"Nothing passed the filter within {self._timeout:g} s; 'hooktop captures' shows what came.",
            TIMED_OUT,
        )


async def _listen(options: Globals, choices: Choices, waiting: Waiting) -> int:
    from monitor.cli import logs
    from monitor.cli.history import database
    from monitor.cli.listen import listening_record, tunnel_record
    from monitor.cli.receiving import receiving
    from monitor.cli.stopping import Stop, exit_code, on_signals
    from monitor.services.configfile import ConfigFile
    from monitor.store.message_reader import MessageReader

    file = ConfigFile(options.config)
    config = file.load()
    logs.to_stderr(logs.secrets_of(config), options.verbose)
    path = database(options, config)
    stop = Stop()
    with on_signals(stop.ask):
        async with receiving(config, choices, path, file=file) as assembly:
            with contextlib.closing(MessageReader(path)) as reader:
                waiting.begin(reader, assembly.monitor.feed.before)  # what has come since counts

                def told(value: dict[str, Any], sentence: str) -> None:
                    if waiting.as_json:
                        say_json(value)
                    else:
                        tell(sentence)

                told(*listening_record(assembly.monitor))
                assembly.tunnel.follow(lambda state: told(*tunnel_record(state)))
                if assembly.tunnel.state is not None:
                    told(*tunnel_record(assembly.tunnel.state))
                while not (await asyncio.to_thread(waiting.done)):
                    if stop.asked:
                        tell("Interrupted.")
                        return exit_code(stop.signal)
                    if waiting.late:
                        waiting.give_up()
                    await stop.wait(POLL_S)
                waiting.show(reader)
    return 0
