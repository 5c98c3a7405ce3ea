"""What ``run``, ``demo`` and ``listen`` share: the options of the receiver, and its life around whatever shows it."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import on_command_line
from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.options import Function, Option, with_options
from monitor.cli.output import counted
from monitor.cli.types import ADDRESS, PORT
from monitor.tunnels.programs import AUTO, NONE, PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.services.alerts import Alert, OnAlert
    from monitor.services.assemble import Assembly
    from monitor.services.configfile import ConfigFile
    from monitor.services.monitor import Monitor


NO_APP: Final = "Waiting for your app needs its address; give it with --forward, or in [forward] of the configuration."
TUNNELLED: Final = frozenset({"127.0.0.1", "0.0.0.0"})  # noqa: S104 - what a tunnel program that we start reaches


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says of the receiver; None leaves it to the configuration, ``tunnel`` to the command."""

    host: str | None = None
    port: int | None = None
    public_url: str | None = None
    enforce: bool | None = None
    forward: str | None = None
    forward_wait: bool | None = None
    tunnel: str | None = None

    def over(self, config: Config) -> Config:
        """The configuration with what was chosen in place of what it says; ``forward`` in place of rules, too."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        url, wait = said.pop("forward", None), said.pop("forward_wait", config.forward.wait)
        forward = config.forward if url is None else replace(config.forward, url=url, rules=())
        if said.pop("tunnel", NONE) in PROGRAMS:
            said["public_url"] = None  # that of the configuration does not lead through this tunnel
        return replace(config, receiver=replace(config.receiver, **said), forward=replace(forward, wait=wait))


def receiver_options(function: Function) -> Function:
    """Adds the receiver's options to a command, which gets them as ``choices``."""

    @functools.wraps(function)
    def called(
        *args: Any,
        host: str | None,
        port: int | None,
        public_url: str | None,
        enforce: bool | None,
        forward: str | None,
        forward_wait: bool | None,
        tunnel: str | None,
        **others: Any,
    ) -> Any:
        if public_url is not None and tunnel in PROGRAMS:
            ctx = click.get_current_context()
            typed = [name for name in ("public_url", "tunnel") if on_command_line(ctx, name)]
            if len(typed) != 1:
                fail("A tunnel gives the receiver its public URL; say --public-url or --tunnel, not both.", USAGE)
            public_url, tunnel = (public_url, None) if typed == ["public_url"] else (None, tunnel)
        if public_url is not None:
            public_url = base_address(public_url)
        if forward is not None:
            check_target(forward)
        choices = Choices(host, port, public_url, enforce, forward, forward_wait, tunnel)
        return function(*args, choices=choices, **others)

    return with_options(
        called,
        click.option("--host", metavar="HOST", help="The address to listen on (default 127.0.0.1: this machine only)."),
        click.option("--port", type=PORT, metavar="PORT", help="The port (default 8787; 0 lets the system choose)."),
        click.option("--public-url", metavar="URL", help="Where the world reaches this receiver (a tunnel's address)."),
        click.option(
            "--tunnel", type=click.Choice([AUTO, NONE, *PROGRAMS]), metavar="NAME", help="The tunnel that gives the "
            f"public URL: one that runs already (auto), one that is started ({', '.join(PROGRAMS)}), or none."
        ),
        click.option(
            "--enforce", is_flag=True, default=None, help="Answer 401 where a signature is invalid, stale or missing."
        ),
        forward_option("Pass captures on to your app: http://localhost:3000, or 3000 alone."),
        click.option(
            "--forward-wait", is_flag=True, default=None, help="Answer the provider with your app's status, once it is "
            "there."
        ),
    )  # fmt: skip


def forward_option(what: str) -> Option:
    """The option ``--forward``."""
    return click.option("--forward", type=ADDRESS, metavar="URL", help=what)


def ephemeral_option(function: Function) -> Function:
    """Adds ``--ephemeral`` to a command."""
    return click.option(
        "--ephemeral", is_flag=True, help="At the end remove the webhooks that were registered meanwhile."
    )(function)


def base_address(text: str) -> str:
    """What ``--public-url`` says, without a slash at its end; ends the command where it is no base address."""
    from monitor.urls import web_address

    try:
        parts = web_address(text, plain_http=True)
    except ValueError as error:
        fail(f"The address of --public-url is not usable: {error}; give one such as https://hooks.example.com.", USAGE)
    if parts.query:
        fail("The address of --public-url is the receiver's base; leave out the part from ? on.", USAGE)
    return text.rstrip("/")


def waits_for_nobody(config: Config) -> bool:
    """Whether the provider is to get an app's status for its answer, and there is no app."""
    return config.forward.wait and config.forward.url is None and not config.forward.rules


def check_target(text: str) -> None:
    """End the command where ``--forward`` is no address that captures can be passed on to."""
    from monitor.forwarding.target import TargetProblem, target_of

    try:
        target_of(text)
    except TargetProblem as problem:
        fail(f"The address of --forward is not usable: {problem}; write it as in http://localhost:3000.", USAGE)


@contextlib.asynccontextmanager
async def receiving(
    config: Config,
    choices: Choices,
    database: Path,
    *,
    read_only: bool = False,
    mask: bool | None = None,
    expect: int = 0,
    demo: Path | None = None,
    on_alert: OnAlert | None = None,
    file: ConfigFile | None = None,
) -> AsyncIterator[Assembly]:
    """Receive as the configuration and the choices say, and tell the user what they should know before.

    ``demo`` is the folder of a demonstration, which has keys of its own and any port that is free; ``on_alert`` gets
    the alerts that are to be rung or shown; ``file`` is where the configuration is from.
    """
    from monitor.courtesy import switch_often
    from monitor.receiver.binding import ReceiverError, bind
    from monitor.store import lease

    switch_often()
    config = choices.over(config)
    if waits_for_nobody(config):
        fail(NO_APP, USAGE)
    receiver = config.receiver
    try:
        sock = bind(receiver.host, receiver.port)
    except ReceiverError:
        if demo is None or choices.port is not None:
            other = lease.told(database)
            if other is not None and other.url.endswith(f":{receiver.port}"):
                raise ReceiverError(
                    f"Another hooktop (pid {other.pid}) receives at {other.url} already; 'hooktop captures --follow' "
                    "shows what it receives. Stop it, or choose another port with --port and a database with --db."
                ) from None
            raise
        sock = bind(receiver.host, 0)
    if choices.tunnel in PROGRAMS and sock.getsockname()[0] not in TUNNELLED:
        sock.close()
        fail(
            f"A tunnel leads to 127.0.0.1, and with {receiver.host} as its host this receiver does not listen there; "
            "say --host 127.0.0.1, or leave --tunnel out.",
            USAGE,
        )
    # From here on whoever comes is taken in, when the rest is loaded.
    from monitor.providers.registry import BUILT_IN, registry
    from monitor.services.assemble import assembled
    from monitor.services.monitor import Settings
    from monitor.text import visible
    from monitor.urls import is_loopback

    settings = Settings(
        enforce=receiver.enforce,
        max_body=receiver.max_body,
        read_only=read_only,
        mask=config.ui.mask if mask is None else mask,  # HOOKTOP_MASK=0 weighs more than the configuration
        expect=expect,
        demo=demo is not None,
        fast=receiver.speed,
    )
    tunnel = choices.tunnel or NONE
    if tunnel == AUTO and receiver.public_url is not None:
        tunnel = NONE
    async with assembled(
        config, settings, sock, database, local_folder=demo, on_alert=on_alert, tunnel=tunnel, file=file
    ) as assembly:
        monitor = assembly.monitor
        if not is_loopback(monitor.host):
            tell(f"Warning: {monitor.url} is open to other machines; leave --host out to listen on this one only.")
        for target in monitor.forwards.targets if monitor.forwards else ():
            if not target.on_this_machine:
                plainly = "" if target.secure else ", and not encrypted on the way"
                tell(f"Warning: captures are passed on to another machine, {target.authority}{plainly}.")
        if brought := registry().names()[len(BUILT_IN) :]:
            names = ", ".join(visible(name, limit=40) for name in brought)
            tell(f"Provider plug-ins run with your rights: {names}.")
        if monitor.store.notice:
            tell(monitor.store.notice)
        yield assembly


def tell_alert(alert: Alert) -> None:
    """Ring, or say on stderr what the alert is about, where there are no screens."""
    if alert.rule.bell:
        if sys.stderr.isatty():
            print("\a", end="", file=sys.stderr, flush=True)
    else:
        tell(f"Alert: {alert.said()}")


def stored_sentence(monitor: Monitor) -> str:
    """What a run leaves behind, said when it ends."""
    return f"Stored {counted(monitor.feed.stored, 'capture')} in {monitor.store.path}."
