"""What ``run``, ``demo`` and ``listen`` share: the options of the receiver, and its life around whatever shows it."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.output import counted
from monitor.cli.types import PORT

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.services.alerts import Alert, OnAlert
    from monitor.services.assemble import Assembly
    from monitor.services.monitor import Monitor

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says of the receiver; None leaves it to the configuration."""

    host: str | None = None
    port: int | None = None
    public_url: str | None = None
    enforce: bool | None = None

    def over(self, config: Config) -> Config:
        """The configuration with what was chosen in place of what it says."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(config, receiver=replace(config.receiver, **said))


def receiver_options(function: F) -> F:
    """Adds the receiver's options to a command, which gets them as ``choices``."""

    @functools.wraps(function)
    def called(
        *args: Any, host: str | None, port: int | None, public_url: str | None, enforce: bool, **others: Any
    ) -> Any:
        if public_url is not None:
            public_url = _base_address(public_url)
        return function(*args, choices=Choices(host, port, public_url, enforce or None), **others)

    for option in (
        click.option("--enforce", is_flag=True, help="Answer 401 where a signature is invalid, stale or missing."),
        click.option("--public-url", metavar="URL", help="Where the world reaches this receiver (a tunnel's address)."),
        click.option("--port", type=PORT, metavar="PORT", help="The port (default 8787; 0 lets the system choose)."),
        click.option("--host", metavar="HOST", help="The address to listen on (default 127.0.0.1: this machine only)."),
    ):
        called = option(called)
    return called  # type: ignore[return-value]


def _base_address(text: str) -> str:
    from monitor.urls import web_address

    try:
        parts = web_address(text, plain_http=True)
    except ValueError as error:
        fail(f"The address of --public-url is not usable: {error}; give one such as https://hooks.example.com.", USAGE)
    if parts.query:
        fail("The address of --public-url is the receiver's base; leave out the part from ? on.", USAGE)
    return text.rstrip("/")


@contextlib.asynccontextmanager
async def receiving(
    config: Config,
    choices: Choices,
    database: Path,
    *,
    read_only: bool = False,
    mask: bool = False,
    demo: Path | None = None,
    on_alert: OnAlert | None = None,
) -> AsyncIterator[Assembly]:
    """Receive as the configuration and the choices say, and tell the user what they should know before.

    ``demo`` is the folder of a demonstration, which has keys of its own and any port that is free; ``on_alert`` gets
    the alerts that are to be rung or shown.
    """
    from monitor.receiver.server import ReceiverError, bind
    from monitor.services.assemble import assembled
    from monitor.services.monitor import Settings
    from monitor.urls import is_loopback

    config = choices.over(config)
    receiver = config.receiver
    try:
        sock = bind(receiver.host, receiver.port)
    except ReceiverError:
        if demo is None or choices.port is not None:
            raise
        sock = bind(receiver.host, 0)
    settings = Settings(
        enforce=receiver.enforce,
        max_body=receiver.max_body,
        read_only=read_only,
        mask=mask or config.ui.mask,
        demo=demo is not None,
    )
    async with assembled(config, settings, sock, database, local_folder=demo, on_alert=on_alert) as assembly:
        monitor = assembly.monitor
        if not is_loopback(monitor.host):
            tell(f"Warning: {monitor.url} is open to other machines; leave --host out to listen on this one only.")
        if monitor.store.notice:
            tell(monitor.store.notice)
        if config.without_effect:
            tell(f"Warning: this version does not act on {', '.join(config.without_effect)} of the configuration.")
        yield assembly


def tell_alert(alert: Alert) -> None:
    """Ring, or say on stderr what the alert is about, where there are no screens."""
    if alert.rule.bell:
        if sys.stderr.isatty():
            print("\a", end="", file=sys.stderr, flush=True)
    else:
        more = f" (and {alert.suppressed:,} more before)" if alert.suppressed else ""
        tell(f"Alert: {alert.summary}{more}")


def stored_sentence(monitor: Monitor) -> str:
    """What a run leaves behind, said when it ends."""
    return f"Stored {counted(monitor.feed.stored, 'capture')} in {monitor.store.path}."
