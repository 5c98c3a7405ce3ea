"""``hooktop doctor``: whether all is as it should be, and what to do where it is not."""

from __future__ import annotations

import http.client
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import FAILED
from monitor.cli.output import GAP, Paint, counted, pad, say
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.config import Config

SKEW: Final = timedelta(minutes=5)
WRITTEN: Final = datetime(2026, 1, 1, tzinfo=UTC)  # no clock is right that shows an earlier day


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` is what to do, None when all is well."""

    name: str
    text: str
    remedy: str | None = None


@click.command(cls=Command)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Check configuration, port, database, keys, accounts and clock: one line each, with what to do about it.

    Changes nothing. Exit code 0 when all is well, 1 when something is not, 2 when the configuration cannot be used.

    \b
    Example:
      hooktop doctor
    """
    from monitor.services.assemble import load_config

    options = globals_of(ctx)
    paint = Paint(no_color=options.no_color)
    config = load_config(options.config)
    well = True
    for finding in _findings(options, config):
        well = well and finding.remedy is None
        mark = paint("✔ ok  ", "green") if finding.remedy is None else paint("✖ mend", "red")
        remedy = f": {finding.remedy}" if finding.remedy else ""
        say(GAP.join((mark, pad(finding.name, 13), visible(finding.text + remedy))))
    return 0 if well else FAILED


def _findings(options: Globals, config: Config) -> Iterator[Finding]:
    from monitor import paths
    from monitor.cli.history import database

    path = database(options, config)
    yield _configuration(options.config or paths.default_config())
    if config.without_effect:
        names = ", ".join(config.without_effect)
        yield Finding("configuration", f"this version does not act on {names}", "take that out of the file")
    yield _port(config)
    yield from _database(path)
    yield from _accounts(config)
    yield from _keys(config, path)
    yield from _modes(
        "local keys", [paths.data_dir() / "local-keys.json"], "this installation's own, for simulated events"
    )
    yield _clock(path)


def _configuration(file: Path) -> Finding:
    return Finding("configuration", f"{file} is read" if file.exists() else f"there is no {file}; the defaults hold")


def _port(config: Config) -> Finding:
    from monitor.receiver.app import GREETING
    from monitor.receiver.server import ReceiverError, bind

    host, port = config.receiver.host, config.receiver.port
    try:
        bind(host, port).close()
    except ReceiverError as error:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", "/")
            if connection.getresponse().read(len(GREETING)) == GREETING:
                return Finding("port", f"{port} on {host} is served by a running hooktop")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return Finding("port", f"{port} on {host} cannot be used", str(error))
    return Finding("port", f"{port} on {host} is free")


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
        if found == "ok":
            yield Finding("database", f"{path} is sound and holds {counted(number, 'capture')}")
        else:
            remedy = "copy the file, then start hooktop, which keeps it aside and begins a new one"
            yield Finding("database", f"{path} is damaged ({found})", remedy)
    sides = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", ".log")]
    yield from _modes("file modes", sides, "database readable by you alone")
    if os.name == "posix" and stat.S_IMODE(path.parent.stat().st_mode) & 0o022:
        yield Finding("folder", f"others can change {path.parent}", f"run chmod go-w {path.parent}")


def _modes(name: str, files: list[Path], well: str) -> Iterator[Finding]:
    there = [file for file in files if file.exists()]
    if os.name != "posix" or not there:
        return
    wide = [file for file in there if stat.S_IMODE(file.stat().st_mode) & 0o077]
    for file in wide:
        yield Finding(name, f"others can read {file}", f"run chmod 600 {file}")
    if not wide:
        yield Finding(name, well)


def _accounts(config: Config) -> Iterator[Finding]:
    from monitor.services.accounts import listed

    found = listed(config)
    if not found:
        yield Finding("accounts", "there are none: only simulated events verify; 'hooktop accounts add' adds one")
    for account in found:
        settings = ", ".join(name for name, _ in account.settings)
        yield Finding("account", f"{account.name} ({account.provider}): {settings}")


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
