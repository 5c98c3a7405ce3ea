"""``hooktop listen``: the receiver without screens."""

from __future__ import annotations

import asyncio
import math
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import INTERRUPTED, tell
from monitor.cli.filters import parse_capture_filter
from monitor.cli.output import Paint, counted, json_line
from monitor.cli.receiving import Choices, ephemeral_option, receiver_options, stored_sentence
from monitor.cli.responding import begin, respond_options
from monitor.cli.types import DURATION, Whole

if TYPE_CHECKING:
    from monitor.model.attempt import Attempt
    from monitor.model.capture import Capture
    from monitor.services.assemble import Assembly
    from monitor.services.drill import Rule
    from monitor.services.monitor import Monitor
    from monitor.tunnels.running import TunnelState

UNTAKEN_EVERY_S: Final = 1.0  # between two lines of what the app did not take


@click.command(cls=Command)
@receiver_options
@respond_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: listening, captures, summary.")
@click.option("--count", type=Whole(1), metavar="N", help="End after N captures.")
@click.option("--for", "seconds", type=DURATION, metavar="SECONDS", help="End after this long (90, 5m, 2h).")
@click.option("--filter", "filter_text", metavar="EXPR", help="Print (and count) only what passes this filter.")
@ephemeral_option
@click.pass_context
def command(
    ctx: click.Context,
    choices: Choices,
    respond: Rule | None,
    as_json: bool,
    count: int | None,
    seconds: float | None,
    filter_text: str | None,
    ephemeral: bool,
) -> int:
    """Receive webhooks without screens: each is stored, answered and printed as one line.

    With --json the first line is {"kind": "listening", "url": ...} as soon as connections are taken, then one object
    for each capture, and {"kind": "summary", "captures": N, ...} last; with --tunnel also one of the kind "tunnel"
    whenever that has changed. With --forward, stderr names captures that your app did not take (2xx), one a second at
    most. Ends at --count or --for, or when it is interrupted (exit code 130) or told to end with
    SIGTERM (exit code 0); always with the summary.

    \b
    Examples:
      hooktop listen
      hooktop listen --json --count 1 --for 30 --filter provider:volt
      hooktop listen --port 0 --json | jq .reading.status
      hooktop listen --tunnel cloudflared --ephemeral
      hooktop listen --respond 500 --respond-times 3 --respond-for provider:volt
    """
    options = globals_of(ctx)
    parse_capture_filter(filter_text or "", arriving=True)
    output = Output(as_json=as_json, paint=Paint(no_color=options.no_color))
    return asyncio.run(_listen(options, choices, respond, output, count, seconds, filter_text or "", ephemeral))


class Output:
    """How ``listen`` prints: for people, or as JSON."""

    def __init__(self, *, as_json: bool, paint: Paint) -> None:
        self.as_json = as_json
        self._paint = paint
        self._terminal = sys.stdout.isatty()

    def captures(self, batch: Sequence[Capture]) -> bytes:
        """The lines for captures."""
        if self.as_json:
            from monitor.model.record import capture_record

            return b"".join(json_line(capture_record(capture), terminal=self._terminal) for capture in batch)
        from monitor.cli.lines import line

        text = "".join(line(capture, self._paint) + "\n" for capture in batch)
        return text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")

    def record(self, value: dict[str, Any], sentence: str) -> bytes:
        """A JSON object; where people read, nothing: the sentence goes to stderr instead."""
        if self.as_json:
            return json_line(value, terminal=self._terminal)
        tell(sentence)
        return b""


class Untaken:
    """Says which captures the app did not take, and why: one a second, since an app may take none of very many."""

    def __init__(self, tell: Callable[[str], None] = tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._next = -math.inf
        self._untold = 0

    def __call__(self, attempt: Attempt) -> None:
        """Hear of an attempt."""
        from monitor.services.lane import LOGGED

        if attempt.fine or attempt.failure in LOGGED:
            return
        now = self._clock()
        if now < self._next:
            self._untold += 1
            return
        self._next = now + UNTAKEN_EVERY_S
        why = attempt.failure.sentence if attempt.failure is not None else f"it answered {attempt.status}"
        more = f" ({self._untold:,} more since the last one)" if self._untold else ""
        self._untold = 0
        self._tell(f"{urlsplit(attempt.url).netloc} did not take cap_{attempt.capture}: {why}{more}.")


async def _listen(
    options: Globals,
    choices: Choices,
    respond: Rule | None,
    output: Output,
    count: int | None,
    seconds: float | None,
    wanted: str,
    ephemeral: bool,
) -> int:
    from monitor import garbage
    from monitor.cli import logs, printer
    from monitor.cli.ephemeral import remove_added
    from monitor.cli.history import database
    from monitor.cli.receiving import receiving, tell_alert
    from monitor.cli.stopping import Stop, on_signals
    from monitor.services.configfile import ConfigFile

    file = ConfigFile(options.config)
    config = file.load()
    logs.to_stderr(logs.secrets_of(config), options.verbose)
    stop, started = Stop(), datetime.now(UTC)
    with on_signals(stop.ask):
        path = database(options, config)
        async with receiving(config, choices, path, on_alert=tell_alert, file=file) as assembly:
            monitor = assembly.monitor
            if assembly.news is not None:
                assembly.news.on_news = lambda sentence, bad: tell(sentence)
            begin(monitor, respond, tell_end=True)
            if monitor.forwards is not None:
                monitor.forwards.follow(Untaken())
            out = printer.Printer(
                monitor.reader,
                output.captures,
                parse_capture_filter(wanted),
                after=monitor.feed.before,  # what has come since is news, too
                newest=monitor.feed.newest,
                count=count,
                done=stop.ask_from_thread,
            )
            begun = time.monotonic()
            try:
                printer.write(output.record(*listening_record(monitor)))
            except BrokenPipeError:
                return 0
            monitor.store.follow(out.offer)
            assembly.tunnel.follow(lambda state: out.note(output.record(*tunnel_record(state))))
            if assembly.tunnel.state is not None:
                out.note(output.record(*tunnel_record(assembly.tunnel.state)))
            out.start()
            garbage.settle()
            await _tell_offers(assembly)
            await stop.wait(seconds)
            if ephemeral:
                await remove_added(assembly, started)
        # The receiver has stopped and everything is committed: what is printed now is complete.
        readable = await asyncio.to_thread(out.finish)
        if readable:
            again = _again(options, choices)
            printer.write(output.record(*_summary(monitor, again, out.printed, time.monotonic() - begun)))
    return INTERRUPTED if stop.signal is signal.SIGINT else 0


def listening_record(monitor: Monitor) -> tuple[dict[str, Any], str]:
    """Where the monitor listens, as a JSON object and as a sentence."""
    from monitor import __version__

    public = monitor.reach.public_url
    value = {
        "kind": "listening",
        "url": monitor.url,
        "public_url": public,
        "db": str(monitor.store.path),
        "version": __version__,
    }
    return value, f"Listening on {monitor.url}{f' (public: {public})' if public else ''}; ctrl+c ends."


async def _tell_offers(assembly: Assembly) -> None:
    """Say that what a run before this one changed can be put back."""
    if offers := await assembly.registrations.offers():
        number = counted(len(offers), "change")
        tell(f"A run that did not end properly left {number} that can be put back: see 'hooktop webhooks restore'.")


def tunnel_record(state: TunnelState) -> tuple[dict[str, Any], str]:
    """How the tunnel does, as a JSON object and as a sentence."""
    from monitor.services.tunnel import told

    value = {
        "kind": "tunnel",
        "program": state.program,
        "url": state.url,
        "running": state.running,
        "restarts": state.restarts,
        "trouble": state.trouble,
    }
    return value, told(state)


def _again(options: Globals, choices: Choices) -> str:
    """The command that sends again what the app did not take: of this database, to this app."""
    words: list[tuple[str, object]] = [("--db", options.db), ("--config", options.config), ("--to", choices.forward)]
    return shlex.join(["hooktop", "replay", "--not-taken", *(str(w) for name, of in words if of for w in (name, of))])


def _summary(monitor: Monitor, again: str, printed: int, seconds: float) -> tuple[dict[str, Any], str]:
    feed, sentence = monitor.feed, stored_sentence(monitor)
    if monitor.forwards is not None and monitor.forwards.untaken:
        sentence += (
            f" Your app did not take {counted(monitor.forwards.untaken, 'capture')}; "
            f"'{again}' sends again what it did not take."
        )
    value = {
        "kind": "summary",
        "captures": printed,
        "stored": feed.stored,
        "refused": {str(status): number for status, number in sorted(feed.refused.items())},
        "forwarded": dict(sorted(monitor.forwards.counts.items())) if monitor.forwards else {},
        "seconds": round(seconds, 3),
        "db": str(monitor.store.path),
    }
    return value, sentence
