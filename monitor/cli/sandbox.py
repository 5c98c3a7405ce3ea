"""``hooktop sandbox``: the look-alike providers alone."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import INTERRUPTED, USAGE, fail, tell
from monitor.cli.output import Paint, json_line, say, table
from monitor.cli.types import PORT
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.account import Account
    from monitor.sandbox.apis.outbox import Exchange
    from monitor.sandbox.apis.server import ProviderSandbox

MAX_WAITING: Final = 1000  # lines
JOIN_S: Final = 1.0


@click.command(cls=Command)
@click.option("--port", type=PORT, default=0, metavar="PORT", help="The port (default: any that is free).")
@click.option("--fault", "faults", multiple=True, metavar="PROVIDER=NAME", help="Misbehave so from the start.")
@click.option(
    "--route", "routes", multiple=True, metavar="PUBLIC=LOCAL", help="Post what is registered below the address PUBLIC "
    "to LOCAL, as a tunnel does."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: addresses, then requests.")
@click.option("--list", "as_list", is_flag=True, help="List the faults, start nothing.")
@click.pass_context
def command(
    ctx: click.Context, port: int, faults: Sequence[str], routes: Sequence[str], as_json: bool, as_list: bool
) -> int:
    """Run look-alikes of the providers' APIs on this machine, for tests of other programs.

    Prints the environment variables to use them with (the credentials are samples), then a line for each request that
    comes or goes, as a comment, so that a shell can read all of it at any time. What is registered gets signed events;
    they are posted to this machine only. Change the faults while it runs with POST /_sandbox/PROVIDER {"fault": NAME},
    which holds until {"fault": null}; {"fault": "slow", "seconds": 3} says how late. Ends when it is interrupted (exit
    code 130) or told to end with SIGTERM (exit code 0).

    \b
    Examples:
      hooktop sandbox --list
      hooktop sandbox --port 8790 --fault bird=rate_limited
      hooktop sandbox --route https://hooks.example.com=http://127.0.0.1:8787
    """
    options = globals_of(ctx)
    if as_list:
        return _list(Paint(no_color=options.no_color))
    wanted = [_pair(text, "a fault", "bird=rate_limited") for text in faults]
    bases = dict(_pair(text, "a route", "https://hooks.example.com=http://127.0.0.1:8787") for text in routes)
    return asyncio.run(_serve(options, port, wanted, bases, as_json))


def _list(paint: Paint) -> int:
    from monitor.sandbox.apis.faults import ApiFault

    rows = [(fault.value, fault.only or "all", fault.does) for fault in ApiFault]
    say(*table(("FAULT", "PROVIDER", "WHAT HAPPENS"), rows, paint=paint))
    return 0


def _pair(text: str, what: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        fail(f"{visible(text)!r} is not {what}; write it as in {example}.", USAGE)
    return name, value


async def _serve(
    options: Globals, port: int, faults: Sequence[tuple[str, str]], bases: dict[str, str], as_json: bool
) -> int:
    from monitor.cli import logs
    from monitor.cli.stopping import Stop, on_signals
    from monitor.sandbox.apis.outbox import routed
    from monitor.sandbox.apis.server import FOREIGN, ProviderSandbox

    logs.to_stderr((), options.verbose)
    stop, paint = Stop(), Paint(no_color=options.no_color)

    lines = _Lines(stop.ask_from_thread)

    def told(exchange: Exchange) -> None:
        if as_json:
            lines.put(json_line(_request_record(exchange), terminal=sys.stdout.isatty()))
        else:
            text = _line(exchange, paint) + "\n"
            lines.put(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))

    with on_signals(stop.ask):
        sandbox = ProviderSandbox(route=routed(bases), seed=FOREIGN, port=port, on_exchange=told)
        for provider in dict.fromkeys(provider for provider, _ in faults):
            sandbox.fault(provider, *(name for of, name in faults if of == provider))
        async with sandbox:
            if as_json:
                lines.put(json_line(_sandbox_record(sandbox), terminal=sys.stdout.isatty()))
            else:
                variables = [pair for account in sandbox.accounts() for pair in _environment(account)]
                exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables)
                lines.put(exports.encode("ascii"))
                tell(f"The sandbox is at {sandbox.base_url}, with sample credentials as above; ctrl+c ends.")
            await stop.wait()
    lines.finish()
    return INTERRUPTED if stop.signal is signal.SIGINT else 0


class _Lines:
    """Prints from a thread of its own: whoever stops reading must not stop the sandbox, but loses lines."""

    def __init__(self, unread: Callable[[], None]) -> None:
        """``unread`` is called, from the thread, when nobody reads any more."""
        self._unread = unread
        self._queue: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="sandbox lines", daemon=True)
        self._thread.start()

    def put(self, data: bytes | None) -> None:
        """Print this, in its turn."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(data)

    def finish(self) -> None:
        """Print what waits, as long as that goes."""
        self.put(None)
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        from monitor.cli.printer import write

        try:
            while (data := self._queue.get()) is not None:
                write(data)
        except OSError:
            self._unread()


def _environment(account: Account) -> list[tuple[str, str]]:
    """The environment variables that say what an account does."""
    from monitor.account import SETTINGS
    from monitor.secret import Secret

    found = []
    for setting in SETTINGS[account.provider]:
        value = getattr(account, setting.field)
        if setting.many:
            value = next(iter(value), None)
        if value is not None:
            found.append((setting.variable, value.reveal() if isinstance(value, Secret) else value))
    return found


def _sandbox_record(sandbox: ProviderSandbox) -> dict[str, Any]:
    accounts = sandbox.accounts()
    return {
        "kind": "sandbox",
        "url": sandbox.base_url,
        "api_urls": {account.provider: account.api_url for account in accounts},
        "environment": dict(pair for account in accounts for pair in _environment(account)),
    }


def _request_record(exchange: Exchange) -> dict[str, Any]:
    return {
        "kind": "request",
        "direction": "out" if exchange.outgoing else "in",
        "provider": exchange.provider,
        "method": exchange.method,
        "url": exchange.url,
        "status": exchange.status,
        "seconds": round(exchange.took_s, 3),
        "note": exchange.note or None,
    }


def _line(exchange: Exchange, paint: Paint) -> str:
    """A request as a comment of the shell: what is printed is read by one, and a request may say anything."""
    arrow = "→" if exchange.outgoing else "←"
    good = exchange.status is not None and exchange.status < 400
    answer = paint("–" if exchange.status is None else str(exchange.status), "green" if good else "red")
    note = f"  {visible(exchange.note)}" if exchange.note else ""
    url = visible(exchange.url, limit=300)
    return f"# {arrow} {visible(exchange.method, limit=20)} {url}  {answer}  {exchange.took_s * 1000:.0f} ms{note}"
