"""``hooktop doctor``: whether all is as it should be, and what to do where it is not."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import http.client
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import FAILED
from monitor.cli.options import PUBLIC_URL, RECEIVERS_PORT
from monitor.cli.output import GAP, Paint, counted, pad, say
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.services.registrations import Panel

SKEW: Final = timedelta(minutes=5)
WRITTEN: Final = datetime(2026, 1, 1, tzinfo=UTC)  # no clock is right that shows an earlier day


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` is what to do, None when all is well."""

    name: str
    text: str
    remedy: str | None = None


@click.command(cls=Command)
@PUBLIC_URL
@RECEIVERS_PORT
@click.pass_context
def command(ctx: click.Context, public_url: str | None, port: int | None) -> int:
    """Check configuration, port, public URL, database, accounts, webhooks, keys and clock, with what to do about each.

    Asks the APIs of the accounts, and changes nothing. Exit code 0 when all is well, 1 when something is not, 2 when
    the configuration cannot be used.

    \b
    Examples:
      hooktop doctor
      hooktop doctor --port 9000
    """
    from monitor.cli.history import database
    from monitor.cli.receiving import Choices, base_address
    from monitor.services.assemble import beside, load_config

    options = globals_of(ctx)
    paint = Paint(no_color=options.no_color)
    url = None if public_url is None else base_address(public_url)
    config = load_config(options.config)
    running = beside(config, database(options, config), port)
    running = replace(running, forward=config.forward)  # looked at as it is written
    told = url is None and running.receiver.public_url != config.receiver.public_url
    well = True
    for finding in _findings(options, Choices(port=port, public_url=url).over(running), told=told):
        well = well and finding.remedy is None
        mark = paint("✔ ok  ", "green") if finding.remedy is None else paint("✖ mend", "red")
        remedy = f": {finding.remedy}" if finding.remedy else ""
        say(GAP.join((mark, pad(finding.name, 13), visible(finding.text + remedy))))
    return 0 if well else FAILED


def _findings(options: Globals, config: Config, *, told: bool) -> Iterator[Finding]:
    from monitor import paths
    from monitor.cli.history import database
    from monitor.receiver.speed import described

    path = database(options, config)
    yield _configuration(options.config or paths.default_config())
    yield from _screens(config)
    yield from _rules(config)
    yield _port(config)
    yield Finding("receiver", f"requests are read by {described(config.receiver.speed)}")
    public_url, finding = asyncio.run(_public_url(config, told=told))
    yield finding
    yield from _database(path)
    yield from _trust(config, path)
    yield from asyncio.run(_accounts(config, path, public_url))
    yield from _keys(config, path)
    yield from _modes(
        "local keys", [paths.data_dir() / "local-keys.json"], "this installation's own, for simulated events"
    )
    yield _clock(path)


def _configuration(file: Path) -> Finding:
    return Finding("configuration", f"{file} is read" if file.exists() else f"there is no {file}; the defaults hold")


def _screens(config: Config) -> Iterator[Finding]:
    """Whether the screens can have the theme and the keys that are asked for."""
    from monitor.cli.run import check_look
    from monitor.config import ConfigError

    try:
        check_look(config)
    except ConfigError as error:
        yield Finding("screens", "cannot be drawn as the configuration says", str(error))


def _rules(config: Config) -> Iterator[Finding]:
    """Whether alerts and forwarding can begin as they are written: else no receiver starts."""
    from monitor.cli.receiving import NO_APP, waits_for_nobody
    from monitor.config import ConfigError
    from monitor.services.alerts import watch_of_rule
    from monitor.services.assemble import forwards_of

    try:
        for number, alert in enumerate(config.alerts, 1):
            watch_of_rule(number, alert)
    except ConfigError as error:
        yield Finding("alerts", "cannot be watched for", str(error))
    try:
        forwards_of(config, (config.receiver.host, config.receiver.port))
    except ConfigError as error:
        yield Finding("forward", "cannot be done as the configuration says", str(error))
    if waits_for_nobody(config):
        yield Finding("forward", "cannot be done as the configuration says", NO_APP)


def _port(config: Config) -> Finding:
    from monitor.receiver.binding import ReceiverError, bind

    host, port = config.receiver.host, config.receiver.port
    try:
        bind(host, port).close()
    except ReceiverError as error:
        if _served(host, port):
            return Finding("port", f"{port} on {host} is served by a running hooktop")
        return Finding("port", f"{port} on {host} cannot be used", str(error))
    return Finding("port", f"{port} on {host} is free")


def _served(host: str, port: int) -> bool:
    """Whether a hooktop answers there."""
    from monitor.receiver.app import GREETING

    try:
        with contextlib.closing(http.client.HTTPConnection(host, port, timeout=2)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read(len(GREETING)) == GREETING
    except (OSError, ValueError, http.client.HTTPException):  # ValueError: a host that is no name
        return False


async def _public_url(config: Config, *, told: bool) -> tuple[str | None, Finding]:
    """Today's public URL, and whether it leads to the receiver; ``told`` where the hooktop that runs has named it."""
    from monitor.receiver.app import GREETING
    from monitor.services.assemble import receiver_url
    from monitor.services.tunnel import running
    from monitor.tunnels.rehearsal import rehearse

    name, receiver = "public URL", config.receiver
    url, whose = receiver.public_url, "of the hooktop that runs" if told else "configured"
    if url is None:
        found = await running(receiver.port)
        if found is None:
            return None, Finding(name, "there is none; --tunnel starts a tunnel, and --public-url names an address")
        if found.port != receiver.port:
            where = f"{found.url} to {found.target}, not to port {receiver.port}"
            return None, Finding(name, f"there is none; {found.program} leads {where}")
        url, whose = found.url, f"{found.program}'s tunnel"
    if not await asyncio.to_thread(_served, receiver.host, receiver.port):
        return url, Finding(name, f"{url} ({whose}); whether it leads here is seen while hooktop runs")
    way = await rehearse(url, "/generic", local_url=receiver_url(config), expected=GREETING)
    if way.problem is not None:
        return url, Finding(
            name, f"{url} ({whose}) does not lead here: {way.problem.sentence.rstrip('.')}", way.problem.remedy
        )
    return url, Finding(name, f"{url} ({whose}) leads here")


def _database(path: Path) -> Iterator[Finding]:
    from monitor.cli.history import reading
    from monitor.store.errors import StoreError

    if not path.exists():
        folder = next(parent for parent in path.parents if parent.exists())
        if os.access(folder, os.W_OK | os.X_OK):
            yield Finding("database", f"{path} is not there yet; the first start begins it")
        else:
            yield Finding("database", f"{folder} cannot be written", "name another place with --db")
        return
    if path.is_dir():  # whose mode must not become that of a file
        yield Finding("database", f"{path} is a folder", "name a file with --db")
        return
    try:
        with reading(path) as reader:
            found = reader.check()
            number = sum(reader.tallies().values())
    except StoreError as error:
        yield Finding("database", f"{path} cannot be read", str(error))
    except Exception as error:  # SQLite's own, which only the store may name
        yield Finding(
            "database", f"{path} is no database of hooktop ({type(error).__name__})", "name another with --db"
        )
    else:
        if found == "ok" and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
            yield Finding(
                "database",
                f"{path} is sound, but cannot be written: nothing can be received there",
                f"name another with --db; 'hooktop open {path}' shows it",
            )
        elif found == "ok":
            yield Finding("database", f"{path} is sound and holds {counted(number, 'capture')}")
        else:
            remedy = f"stop hooktop, and 'hooktop import --db NEW {path}' takes what can be read into another one"
            yield Finding("database", f"{path} is damaged ({found})", remedy)
    for kept in sorted(path.parent.glob(f"{glob.escape(path.name)}.damaged-*[0-9]")):
        yield Finding("kept", f"{kept.name} was damaged; 'hooktop import' takes what can be read of it")
    yield from _log(path)
    sides = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", ".log")]
    yield from _modes("file modes", sides, "database readable by you alone")
    if os.name == "posix" and stat.S_IMODE(path.parent.stat().st_mode) & 0o022:
        yield Finding("folder", f"others can change {path.parent}", f"run chmod go-w {path.parent}")


def _log(path: Path) -> Iterator[Finding]:
    """Whether the log beside the database is another's, or larger than it gets by itself."""
    from monitor.store import lease
    from monitor.store.connection import LOG_LIMIT, has_foreign_log
    from monitor.store.held import log_size

    if lease.told(path) is None and has_foreign_log(path):  # where a hooktop writes, it has looked at its start
        yield Finding(
            "database log",
            f"{path}-wal is another's, or of a later time, and hides what {path.name} holds",
            "start hooktop, which puts it aside, or move it away",
        )
        return
    if (found := log_size(path)) > LOG_LIMIT:
        yield Finding(
            "database log",
            f"{path}-wal has {found >> 20:,} MiB and is not written back while a program reads an old state, or the "
            "disk is full",
            "end what else has the database open, such as a database browser, and see that there is room; a running "
            "hooktop then empties it",
        )


def _trust(config: Config, path: Path) -> Iterator[Finding]:
    from contextlib import closing

    from monitor.store.errors import StoreError
    from monitor.store.message_reader import MessageReader

    wanted = config.receiver.trust_unproven
    try:
        with closing(MessageReader(path)) as reader:
            if not reader.ready() or not reader.watermark() or reader.trusts_unproven() is wanted:
                return
    except StoreError:  # said of the database already
        return
    yield Finding(
        "messages",
        f"they were made with trust_unproven = {str(not wanted).lower()}, the configuration says otherwise",
        "run hooktop reindex while hooktop is stopped",
    )


def _modes(name: str, files: list[Path], well: str) -> Iterator[Finding]:
    there = [file for file in files if file.exists()]
    if os.name != "posix" or not there:
        return
    wide = [file for file in there if stat.S_IMODE(file.stat().st_mode) & 0o077]
    for file in wide:
        yield Finding(name, f"others can read {file}", f"run chmod 600 {file}")
    if not wide:
        yield Finding(name, well)


async def _accounts(config: Config, path: Path, public_url: str | None) -> list[Finding]:
    """The accounts, what their APIs say, and the webhooks that are not as they are wanted."""
    from monitor.admin.base import closed
    from monitor.services.accounts import left_out, listed
    from monitor.services.assemble import registrations_of
    from monitor.store.errors import StoreError

    if not config.accounts:
        return [Finding("accounts", "there are none: only simulated events verify; 'hooktop accounts add' adds one")]
    registrations = registrations_of(config, path, public_url)
    with contextlib.suppress(StoreError):  # said of the database already
        await registrations.open()
    await registrations.refresh()
    found: list[Finding] = []
    for account in listed(config):
        panel = registrations.panel(account.name)
        text = f"{account.name} ({account.provider}): {', '.join(name for name, _ in account.settings)}"
        admin = registrations.admin(account.name)
        doubt = admin.doubt if admin is not None else None
        if panel.trouble is not None and admin is None:  # it may be there for its keys alone
            found.append(Finding("account", f"{text}. {panel.trouble}"))
        elif panel.trouble is not None:
            found.append(Finding("account", text, panel.trouble))
        elif doubt is not None and not closed(doubt):  # as where the credentials are tested
            found.append(Finding("account", text, doubt.in_full))
        else:
            found.append(Finding("account", f"{text}; its API answers" if panel.took_s is not None else text))
        found += _webhooks(panel)
    if said := left_out(config):
        found.append(Finding("accounts", said.rstrip(".")))
    return found


def _webhooks(panel: Panel) -> Iterator[Finding]:
    from monitor.cli.registering import mending
    from monitor.model.drift import FINE, State

    unknown = frozenset({State.NO_ADDRESS, State.NOT_LISTED})
    for row in panel.rows:
        if row.state not in FINE | unknown:
            remedy = f"run {mending(row)}"
            if row.by_hand is not None:
                remedy = f"{row.by_hand.rstrip('.')}; when that is done, {remedy}"
            yield Finding("webhook", f"{row.account}, {row.subject}. {row.why.rstrip('.')}", remedy)
    fine = sum(row.state in FINE and row.wanted is not None for row in panel.rows)
    if fine:
        yield Finding("webhooks", f"{counted(fine, 'webhook')} of {panel.account} as wanted")


def _keys(config: Config, path: Path) -> Iterator[Finding]:
    from monitor.cli.keys import age, kind
    from monitor.services.assemble import keychain_of
    from monitor.services.keys import listed
    from monitor.store.errors import StoreError

    keychain = keychain_of(config, path)
    try:
        for key in listed(keychain):
            fetched = f", seen {age(key.fetched_at)}" if key.fetched_at else ""
            text = f"{key.provider} {kind(key)} {key.fingerprint[:15]} from {key.origin}{fetched}"
            if key.refused:
                yield Finding("key", f"{text} is not the one named, and not used")
                continue
            remedy = (
                None if key.in_use or key.trusted else f"if it is genuine: hooktop keys trust {key.fingerprint[:15]}"
            )
            yield Finding("key", text if remedy is None else f"{text} is not trusted", remedy)
    except StoreError:
        pass  # said of the database already
    used = {account.provider for account in config.accounts}
    for trouble in keychain.problems:
        if trouble.provider in used:
            yield Finding("key", f"{trouble.provider} {trouble.account or ''}".rstrip(), trouble.text)


def _clock(path: Path) -> Finding:
    now = datetime.now(UTC)
    remedy = "set it by network time; the age of signatures is judged by it"
    if now < WRITTEN:
        return Finding("clock", f"it shows {now:%Y-%m-%d %H:%M} UTC, which is past", remedy)
    newest = _newest(path)
    if newest is not None and newest > now + SKEW:
        return Finding(
            "clock", f"it shows {now:%Y-%m-%d %H:%M} UTC, before the newest capture ({newest:%Y-%m-%d %H:%M})", remedy
        )
    return Finding("clock", f"it shows {now:%Y-%m-%d %H:%M:%S} UTC")


def _newest(path: Path) -> datetime | None:
    from monitor.cli.history import reading

    if not path.exists():
        return None
    try:
        with reading(path) as reader:
            found = reader.recent(1)
    except Exception:  # said of the database already
        return None
    return found[0].received_at if found else None
