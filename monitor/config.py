"""The configuration: what ``config.toml`` and the environment say, checked, as plain data.

A mistake ends with one sentence that names the file and, where it can be known, the line: hooktop never starts with
defaults in place of what was meant. What a command line says goes over it, in the command line's own hands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from monitor import paths, tomlfile
from monitor.account import SETTINGS, Account, accounts_from, accounts_in
from monitor.secret import Secret
from monitor.tomlfile import ConfigError as ConfigError
from monitor.tomlfile import Section, TomlFile
from monitor.urls import is_host

MAX_BODY: Final = 256 * 1024 * 1024  # a single value of SQLite ends at 1 GB
MAX_STORE: Final = 2**46
MAX_RATE: Final = 1_000_000
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2: what a header or a method is named
_OWN_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Where and how webhooks are received.

    ``max_body`` in bytes; ``tokens`` asks for the secret path token. ``trust_unproven``: what has no signature that
    could be checked (``unsigned``, ``no_key``, ``unchecked``) moves messages all the same, marked as unproven.
    ``speed``: with what the extra of that name brings, where it is installed. ``allowed_hosts``: besides our own, the
    names that web pages may send from and under, ``*`` for all. ``unproven_rate``: requests per second and sender that
    nobody can verify, 0 for any.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str | None = None
    enforce: bool = False
    max_body: int = 1024 * 1024
    tokens: bool = False
    trust_unproven: bool = True
    speed: bool = True
    allowed_hosts: tuple[str, ...] = ()
    unproven_rate: int = 0


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where captures are kept (None: the default place), how long, and how large in bytes the database may grow."""

    path: Path | None = None
    keep: timedelta = timedelta(days=30)
    max_size: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class ForwardRule:
    """Captures that pass ``filter`` are passed on to ``url``."""

    filter: str
    url: str


@dataclass(frozen=True, slots=True)
class ForwardConfig:
    """Where captures are passed on to, with which headers added.

    The first of ``rules`` that a capture passes says where; what passes none goes to ``url``, or nowhere without one.
    ``timeout`` is for the whole of a call. ``wait``: the provider gets the app's status for its answer. ``ca_file``
    has certificates of the user's own that an app's may be signed with.
    """

    url: str | None = None
    timeout: timedelta = timedelta(seconds=10)
    headers: tuple[tuple[str, Secret], ...] = ()
    rules: tuple[ForwardRule, ...] = ()
    wait: bool = False
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class KeySetting:
    """Other keys for an action of the screens, parted by blanks. ``named`` is how a mistake in it begins."""

    action: str
    keys: str
    named: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class UiConfig:
    """The screens: a theme's name, other keys for actions, whether parties and texts are masked."""

    theme: str | None = None
    keymap: tuple[KeySetting, ...] = ()
    mask: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """What to do when a capture or a message passes ``filter``: ring, show a note, or run ``command``. One is set."""

    filter: str
    bell: bool = False
    toast: bool = False
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. ``variables`` are the environment variables that secrets in the file came from,
    ``left_out`` the providers whose own variables make no account since the file has accounts of others."""

    receiver: ReceiverConfig = ReceiverConfig()
    store: StoreConfig = StoreConfig()
    forward: ForwardConfig = ForwardConfig()
    ui: UiConfig = UiConfig()
    accounts: tuple[Account, ...] = ()
    alerts: tuple[Alert, ...] = ()
    variables: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def secret_variables(config: Config | None = None) -> tuple[str, ...]:
    """The environment variables that may hold secrets: those of ``SETTINGS``, and those that the file names.

    Whoever has loaded the configuration removes them from the environment, so that no child process gets them.
    """
    own = (setting.variable for settings in SETTINGS.values() for setting in settings if setting.secret)
    return tuple(dict.fromkeys([*own, *(config.variables if config else ())]))


def load(path: Path | None, environ: Mapping[str, str], *, keyring: Callable[[str], str] | None = None) -> Config:
    """The configuration in the file at ``path``, or with None in the default place, where it may be missing.

    Accounts come from ``environ`` when the file has none. ``keyring`` reads ``keyring:NAME`` for settings that are no
    secrets; secrets keep the reference (``KeyringSecret``). Raises ConfigError.
    """
    file = paths.expanded(path or paths.default_config())
    text = tomlfile.read(file)
    if text is None and path is not None:
        raise ConfigError(f"There is no configuration {file}; create it, or name another file with --config.")
    return parse(text or "", file, environ, keyring=keyring)


def parse(text: str, file: Path, environ: Mapping[str, str], *, keyring: Callable[[str], str] | None = None) -> Config:
    """The configuration that ``text`` holds, as ``load``; relative paths in it start at the folder of ``file``."""
    source = TomlFile(file, text, environ, keyring)
    top = source.whole()
    accounts = accounts_in(top.table("accounts"), file.parent)
    config = Config(
        _receiver(top.table("receiver")),
        _store(top.table("store"), file.parent),
        _forward(top.table("forward"), file.parent),
        _ui(top.table("ui")),
        accounts or accounts_from(environ),
        tuple(_alert(section) for section in top.tables("alerts")),
        tuple(source.secret_variables),
        _left_out(accounts, environ),
    )
    top.end()
    return config


def _left_out(accounts: Sequence[Account], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The providers of which there would be an account, had the file none."""
    if not accounts:
        return ()
    there = {account.provider for account in accounts}
    try:
        return tuple(account.provider for account in accounts_from(environ) if account.provider not in there)
    except ConfigError:  # what does not count may be wrong
        return ()


def _receiver(section: Section) -> ReceiverConfig:
    plain = ReceiverConfig()
    public_url = section.address("public_url", plain_http=True)
    if public_url is not None and "?" in public_url:
        section.fail("public_url", "must be the receiver's base address, without a part after ?")
    found = ReceiverConfig(
        section.text("host") or plain.host,
        section.whole("port", plain.port, 0, 65535),
        public_url and public_url.rstrip("/"),
        section.flag("enforce", plain.enforce),
        section.size("max_body", plain.max_body, MAX_BODY),
        section.flag("tokens", plain.tokens),
        section.flag("trust_unproven", plain.trust_unproven),
        section.flag("speed", plain.speed),
        _hosts(section, "allowed_hosts"),
        section.whole("unproven_rate", plain.unproven_rate, 0, MAX_RATE),
    )
    section.end()
    return found


def _hosts(section: Section, key: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in section.texts(key) or ())
    for name in names:
        if name != "*" and not is_host(name):
            section.fail(key, 'must be a list of host names such as ["app.example.com"], or ["*"] for all')
    return names


def _store(section: Section, folder: Path) -> StoreConfig:
    plain = StoreConfig()
    found = StoreConfig(
        _beside(folder, section.text("path")),
        section.duration("keep", plain.keep),
        section.size("max_size", plain.max_size, MAX_STORE),
    )
    section.end()
    return found


def _beside(folder: Path, path: str | None) -> Path | None:
    return None if path is None else folder / paths.expanded(path)


def _forward(section: Section, folder: Path) -> ForwardConfig:
    headers: list[tuple[str, Secret]] = []
    table = section.table("headers")
    for name in table.names():
        if not TOKEN.fullmatch(name):
            table.fail(name, "is no header name; letters, digits and hyphens make one")
        if name.lower() in _OWN_HEADERS:
            table.fail(name, "is written by hooktop itself; take the line out")
        value = table.secret(name)
        if value is not None:
            headers.append((name, value))
    found = ForwardConfig(
        section.address("url", plain_http=True),
        section.duration("timeout", ForwardConfig().timeout),
        tuple(headers),
        tuple(_forward_rule(rule) for rule in section.tables("rules")),
        section.flag("wait", False),
        _beside(folder, section.text("ca_file")),
    )
    section.end()
    return found


def _forward_rule(section: Section) -> ForwardRule:
    wanted, url = section.text("filter"), section.address("url", plain_http=True)
    section.end()
    if wanted is None or url is None:
        section.fail(None, 'needs a filter and a url, such as filter = "provider:volt" url = "http://127.0.0.1:3000"')
    return ForwardRule(wanted, url)


def _ui(section: Section) -> UiConfig:
    keymap = section.table("keymap")
    keys = [KeySetting(name, keymap.text(name) or "", keymap.named(name)) for name in keymap.names()]
    found = UiConfig(section.text("theme"), tuple(keys), section.flag("mask", False))
    section.end()
    return found


def _alert(section: Section) -> Alert:
    wanted = section.text("filter")
    bell, toast, command = section.flag("bell", False), section.flag("toast", False), section.texts("command")
    section.end()
    if wanted is None:
        section.fail(None, 'needs a filter, such as filter = "status:failed"')
    if bell + toast + (command is not None) != 1:
        section.fail(None, 'needs exactly one of bell = true, toast = true and command = ["..."]')
    return Alert(wanted, bell, toast, command or ())
