"""``hooktop run``: the receiver with its screens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.receiving import Choices, ephemeral_option, receiver_options, stored_sentence
from monitor.cli.responding import begin, respond_options
from monitor.cli.types import PER_MINUTE
from monitor.tunnels.programs import AUTO

if TYPE_CHECKING:
    from monitor.cli.stopping import Stop
    from monitor.config import Config
    from monitor.services.alerts import Alert, OnAlert
    from monitor.services.assemble import Assembly
    from monitor.services.drill import Rule
    from monitor.services.news import OnNews
    from monitor.services.webhooks import Webhooks
    from monitor.ui.app import HooktopApp

LOOKED_S: Final = 1.0  # seconds between two looks at whether the terminal is still there
NEWS_S: Final = 12  # seconds that news of other terminals is in sight
# Mouse reports, focus reports and bracketed paste off, kitty keys off, main screen, cursor shown.
RESET: Final = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m\r\n"
)


@click.command(cls=Command)
@receiver_options
@respond_options
@click.option("--read-only", is_flag=True, help="Only watch: every key that changes something is off.")
@click.option("--mask", is_flag=True, default=None, help="Mask numbers, names and texts, for a shared screen.")
@click.option(
    "--expect", type=PER_MINUTE, default=0, metavar="N/min", help="Say in red when fewer came in the last minute."
)
@ephemeral_option
@click.pass_context
def command(
    ctx: click.Context,
    choices: Choices,
    respond: Rule | None,
    read_only: bool,
    mask: bool | None,
    expect: int,
    ephemeral: bool,
) -> int:
    """Receive webhooks and show them on screens (the default command).

    A tunnel of ngrok, cloudflared or tailscale that runs and leads here is found by itself, unless a public URL is set
    (--tunnel auto); --tunnel NAME starts one, which ends with hooktop.

    Ends with q or ctrl+q; a signal ends it in order, too, with exit code 128 and the signal's number (130 for SIGINT).

    \b
    Examples:
      hooktop
      hooktop --port 9000 --public-url https://hooks.example.com
      hooktop --tunnel cloudflared --ephemeral
      hooktop run --enforce --mask
      hooktop --expect 10/min
    """
    need_terminal()
    if read_only and respond is not None:
        fail("A hooktop that only watches answers as ever; leave out --read-only, or --respond.", USAGE)
    choices = replace(choices, tunnel=choices.tunnel or AUTO)
    return asyncio.run(_run(globals_of(ctx), choices, respond, read_only, mask, expect, ephemeral))


def need_terminal() -> None:
    """End the command where no screens can be drawn."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("The screens need a terminal on both input and output; 'hooktop listen' works without one.", USAGE)
    if not sys.stderr.isatty():  # where Textual draws
        fail(
            "The screens are drawn on stderr, which leads elsewhere; leave out 2>, the log is beside the database.",
            USAGE,
        )
    if os.environ.get("TERM", "") in ("dumb", ""):
        fail("This terminal (TERM=dumb or none) cannot draw screens; 'hooktop listen' works without them.", USAGE)


async def _run(
    options: Globals,
    choices: Choices,
    respond: Rule | None,
    read_only: bool,
    mask: bool | None,
    expect: int,
    ephemeral: bool,
) -> int:
    from monitor.cli.ephemeral import remove_added
    from monitor.cli.history import database
    from monitor.cli.receiving import receiving
    from monitor.cli.stopping import UNPRESSED, Stop, on_signals
    from monitor.services.configfile import ConfigFile

    file, started = ConfigFile(options.config), datetime.now(UTC)
    config = file.load()
    check_look(config)
    path = database(options, config)
    stop = Stop()
    # Also before the screens and after them: what was started, and what is to be removed, must not be left behind.
    with on_signals(stop.ask, names=UNPRESSED):
        async with receiving(
            config, choices, path, read_only=read_only, mask=mask, expect=expect, file=file
        ) as assembly:
            if assembly.tunnel.state is not None and assembly.tunnel.state.trouble is not None:
                tell(assembly.tunnel.state.trouble)
            begin(assembly.monitor, respond, tell_end=False)
            code = await screens(assembly, options, stop)
            if ephemeral:
                await remove_added(assembly, started)
    tell(stored_sentence(assembly.monitor))
    return code


async def screens(
    assembly: Assembly,
    options: Globals,
    stop: Stop,
    webhooks: Webhooks | None = None,
    *,
    temporary: Callable[[], None] = lambda: None,
) -> int:
    """Show the screens until they end, or not at all where ``stop`` was asked for before; gives the exit code.

    ``webhooks`` are those of a demonstration; ``temporary`` removes what is not to stay, where the screens cannot end.
    """
    from monitor import garbage, paths, tasks
    from monitor.cli import logs
    from monitor.cli.stopping import exit_code, on_signals
    from monitor.secret import KeyringSecret, Secret
    from monitor.services.configfile import ConfigFile
    from monitor.services.webhooks import Webhooks
    from monitor.tunnels import children
    from monitor.ui import keymap
    from monitor.ui.app import HooktopApp

    settings = assembly.monitor.settings
    secrets = logs.secrets_of(assembly.config) + ([Secret(settings.token)] if settings.token else [])
    logs.to_file(assembly.monitor.store.path, secrets, options.verbose)
    chosen = None if settings.demo else paths.data_dir() / "screens.json"
    if webhooks is None and settings.receives:  # else no webhook is looked after, nor can an alert be told
        webhooks = Webhooks(
            assembly.monitor,
            assembly.keychain,
            assembly.registrations,
            file=ConfigFile(options.config) if assembly.news is None else assembly.news.file,
            tunnel=assembly.tunnel,
        )
    app = HooktopApp(
        assembly.monitor,
        simulator=assembly.simulator,
        replayer=assembly.replayer,
        webhooks=webhooks,
        alerts=assembly.alerts if settings.receives else None,
        preferences=chosen,
        hidden=[one.reveal() for one in secrets if not isinstance(one, KeyringSecret)],
        theme=assembly.config.ui.theme,
        actions=keymap.in_force(assembly.config.ui.keymap),
        on_shown=garbage.settle,
    )
    assembly.alerts.on_alert = _alerted(app)
    if assembly.news is not None:
        assembly.news.on_news = _told(app)
    ended_by: list[signal.Signals] = []

    def ask(number: signal.Signals) -> None:
        ended_by.append(number)
        app.exit(return_code=exit_code(number))

    with terminal_kept() as restore:

        def give_up(number: signal.Signals) -> None:
            restore()
            children.kill_all()
            temporary()
            os._exit(exit_code(number))  # what was answered is committed; the next start finds it in the log

        with on_signals(ask, at_latest=give_up):
            await asyncio.sleep(0)  # what was caught while all of this was loaded is told now
            if stop.asked:
                return exit_code(stop.signal)
            watch = tasks.start(_terminal_gone(lambda: ask(signal.SIGHUP)), "watch for the terminal's end")
            try:
                await app.run_async()
            finally:
                watch.cancel()
    if app.session.broken_off is not None and not settings.demo:  # of a demonstration nothing stays
        tell(app.session.broken_off)
    return exit_code(ended_by[0]) if ended_by else app.return_code or 0


def check_look(config: Config) -> None:
    """Raise ConfigError where the screens cannot be as the configuration says, before anything is received: for an
    unknown theme, and for keys as ``keymap.in_force`` does. Where it says nothing, Textual is not loaded for it."""
    from monitor.config import ConfigError

    theme = config.ui.theme
    if theme is not None:
        from monitor.ui import themes

        if theme not in themes.known():
            raise ConfigError(
                f"There is no theme {theme!r} ([ui] theme in the configuration); "
                f"choose one of {', '.join(themes.known())}."
            )
    if config.ui.keymap:
        from monitor.ui import keymap

        keymap.in_force(config.ui.keymap)


async def _terminal_gone(gone: Callable[[], None]) -> None:
    """Call ``gone`` when the terminal is no more. Mostly SIGHUP tells that, but not who was started by ``nohup`` or
    without a controlling terminal: the screens would then read its end again and again, for ever."""
    while sys.stdin.isatty():  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(LOOKED_S)
    gone()


def _told(app: HooktopApp) -> OnNews:
    """Shows what commands in other terminals have changed."""
    from monitor.ui.safety import toast

    def show(sentence: str, bad: bool) -> None:
        toast(app, sentence, severity="error" if bad else "information", timeout=NEWS_S)
        if not bad and (more := app.session.unproven()):
            toast(app, more, timeout=NEWS_S)

    return show


def _alerted(app: HooktopApp) -> OnAlert:
    """Rings, or shows a note; while numbers and texts are masked the note is without them."""
    from monitor.ui.safety import toast

    def show(alert: Alert) -> None:
        if alert.rule.bell:
            app.bell()
        else:
            toast(app, alert.said(masked=app.session.masked))

    return show


@contextlib.contextmanager
def terminal_kept() -> Iterator[Callable[[], None]]:
    """Put the terminal's settings back afterwards, however the screens ended.

    Gives a function that does so, and clears the terminal's modes, when they cannot end.
    """
    try:
        import termios
    except ImportError:  # Windows
        yield lambda: None
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def restore() -> None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(terminal, termios.TCSANOW, before)
            # What waits to be read is thrown away: this must not wait for a reader as the screens did.
            termios.tcflush(terminal, termios.TCOFLUSH)
            os.set_blocking(terminal, False)
            os.write(terminal, RESET)

    try:
        yield restore
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(terminal, termios.TCSANOW, before)
