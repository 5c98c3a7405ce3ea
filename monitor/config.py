"""The configuration: what ``config.toml`` and the environment say, checked, as plain data.

A mistake ends with one sentence that names the file and, where it can be known, the line: hooktop never starts with
defaults in place of what was meant. What a command line says goes over it, in the command line's own hands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeAlias

from monitor import paths, tomlfile
from monitor.secret import KeyringSecret, Secret
from monitor.tomlfile import ConfigError as ConfigError
from monitor.tomlfile import Section, TomlFile, Where

KeyForm: TypeAlias = Literal["text", "address", "path"]
MAX_BODY: Final = 256 * 1024 * 1024  # a single value of SQLite ends at 1 GB
MAX_STORE: Final = 2**46
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2: token
_OWN_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_KEY_TEXT: Final = re.compile(r"-----BEGIN|(?:ssh|ecdsa|sk)-|whpk_|M(?:II|Co)[A-Za-z0-9+/\s]{50,}={0,2}\Z")


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Where and how webhooks are received.

    ``max_body`` in bytes; ``tokens`` asks for the secret path token. ``trust_unproven``: what has no signature that
    could be checked (``unsigned``, ``no_key``, ``unchecked``) moves messages all the same, marked as unproven.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str | None = None
    enforce: bool = False
    max_body: int = 1024 * 1024
    tokens: bool = False
    trust_unproven: bool = True


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
    ``timeout`` is for the whole of a call. ``wait``: the provider gets the app's status for its answer.
    """

    url: str | None = None
    timeout: timedelta = timedelta(seconds=10)
    headers: tuple[tuple[str, Secret], ...] = ()
    rules: tuple[ForwardRule, ...] = ()
    wait: bool = False


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
class Account:
    """Credentials and settings for one provider; what a provider does not have is None.

    ``api_secret`` is what the provider's API asks for (token, access key, API key), ``signing_secrets`` what its
    webhooks are signed with, ``public_key`` a path, an address or a key's text (None: the provider's own address).
    """

    name: str
    provider: str
    api_url: str | None = None
    api_secret: Secret | None = None
    workspace_id: str | None = None
    organization_id: str | None = None
    business_id: str | None = None
    public_key: str | None = None
    signing_secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """What to do when a capture or a message passes ``filter``: ring, show a note, or run ``command``. One is set."""

    filter: str
    bell: bool = False
    toast: bool = False
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. ``variables`` are the environment variables that secrets in the file came from."""

    receiver: ReceiverConfig = ReceiverConfig()
    store: StoreConfig = StoreConfig()
    forward: ForwardConfig = ForwardConfig()
    ui: UiConfig = UiConfig()
    accounts: tuple[Account, ...] = ()
    alerts: tuple[Alert, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an account: its name in the file, the field of ``Account``, and its environment variable, which
    those of plug-ins do not have."""

    name: str
    field: str
    variable: str = ""
    secret: bool = False
    many: bool = False
    default: str | None = None


def _api_url(variable: str, default: str) -> Setting:
    return Setting("api_url", "api_url", variable, default=default)


# The settings of an account by provider, in the order in which people are asked for them.
SETTINGS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "volt": (
        Setting("token", "api_secret", "VOLT_API_TOKEN", secret=True),
        Setting("public_key", "public_key", "VOLT_PUBLIC_KEY"),
        _api_url("VOLT_API_URL", "https://api.respondflow.com/graphql"),
    ),
    "bird": (
        Setting("access_key", "api_secret", "BIRD_ACCESS_KEY", secret=True),
        Setting("workspace_id", "workspace_id", "BIRD_WORKSPACE_ID"),
        Setting("organization_id", "organization_id", "BIRD_ORGANIZATION_ID"),
        Setting("signing_keys", "signing_secrets", "BIRD_SIGNING_KEY", secret=True, many=True),
        _api_url("BIRD_API_URL", "https://api.bird.com"),
    ),
    "connectly": (
        Setting("api_key", "api_secret", "CONNECTLY_API_KEY", secret=True),
        Setting("business_id", "business_id", "CONNECTLY_BUSINESS_ID"),
        Setting("webhook_secrets", "signing_secrets", "CONNECTLY_WEBHOOK_SECRET", secret=True, many=True),
        _api_url("CONNECTLY_API_URL", "https://api.connectly.ai"),
    ),
    "oneroute": (
        Setting("api_key", "api_secret", "ONEROUTE_API_KEY", secret=True),
        Setting("secret_keys", "signing_secrets", "ONEROUTE_SECRET_KEY", secret=True, many=True),
        _api_url("ONEROUTE_API_URL", "https://api.oneroute.io"),
    ),
    "standard": (Setting("signing_secrets", "signing_secrets", "STANDARD_WEBHOOKS_SECRET", secret=True, many=True),),
}
PLUG_INS: Final = "hooktop.providers"  # the entry points of providers that other packages bring, each by its name
_OF_PLUG_INS: Final = (
    Setting("signing_secrets", "signing_secrets", secret=True, many=True),
    Setting("public_key", "public_key"),
)


def settings_of(provider: str) -> tuple[Setting, ...] | None:
    """The settings of an account of a provider, also of one that a plug-in brings; None where there is none such."""
    if provider in SETTINGS:
        return SETTINGS[provider]
    return _OF_PLUG_INS if entry_points(group=PLUG_INS, name=provider) else None


def secret_variables(config: Config | None = None) -> tuple[str, ...]:
    """The environment variables that may hold secrets: those of ``SETTINGS``, and those that the file names.

    Whoever has loaded the configuration removes them from the environment, so that no child process gets them.
    """
    own = (setting.variable for settings in SETTINGS.values() for setting in settings if setting.secret)
    return tuple(dict.fromkeys([*own, *(config.variables if config else ())]))


def key_form(text: str) -> KeyForm:
    """What a ``public_key`` setting is: a key's text, a web address or the path of a file."""
    text = text.strip()
    if _KEY_TEXT.match(text):
        return "text"
    return "address" if "://" in text[:12] else "path"


def load(path: Path | None, environ: Mapping[str, str], *, keyring: Callable[[str], str] | None = None) -> Config:
    """The configuration in the file at ``path``, or with None in the default place, where it may be missing.

    Accounts come from ``environ`` when the file has none. ``keyring`` reads ``keyring:NAME`` for settings that are no
    secrets; secrets keep the reference (``KeyringSecret``). Raises ConfigError.
    """
    file = Path(os.path.expanduser(path or paths.default_config()))
    text = tomlfile.read(file)
    if text is None and path is not None:
        raise ConfigError(f"There is no configuration {file}; create it, or name another file with --config.")
    return parse(text or "", file, environ, keyring=keyring)


def parse(text: str, file: Path, environ: Mapping[str, str], *, keyring: Callable[[str], str] | None = None) -> Config:
    """The configuration that ``text`` holds, as ``load``; relative paths in it start at the folder of ``file``."""
    source = TomlFile(file, text, environ, keyring)
    top = source.whole()
    accounts = _accounts(top.table("accounts"), file.parent)
    config = Config(
        _receiver(top.table("receiver")),
        _store(top.table("store"), file.parent),
        _forward(top.table("forward")),
        _ui(top.table("ui")),
        accounts or _from_environment(environ),
        tuple(_alert(section) for section in top.tables("alerts")),
        tuple(source.secret_variables),
    )
    top.end()
    return config


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
    )
    section.end()
    return found


def _store(section: Section, folder: Path) -> StoreConfig:
    plain = StoreConfig()
    path = section.text("path")
    found = StoreConfig(
        None if path is None else folder / os.path.expanduser(path),
        section.duration("keep", plain.keep),
        section.size("max_size", plain.max_size, MAX_STORE),
    )
    section.end()
    return found


def _forward(section: Section) -> ForwardConfig:
    headers: list[tuple[str, Secret]] = []
    table = section.table("headers")
    for name in table.keys():  # noqa: SIM118 - no mapping
        if not _HEADER.fullmatch(name):
            table.fail(name, "is no header name; letters, digits and hyphens make one")
        if name.lower() in _OWN_HEADERS:
            table.fail(name, "is written by hooktop itself; take the line out")
        value = table.secret(name)
        if value is not None:
            _sendable(table, name, value)
            headers.append((name, value))
    found = ForwardConfig(
        section.address("url", plain_http=True),
        section.duration("timeout", ForwardConfig().timeout),
        tuple(headers),
        tuple(_forward_rule(rule) for rule in section.tables("rules")),
        section.flag("wait", False),
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
    keys = [KeySetting(name, keymap.text(name) or "", keymap.named(name)) for name in keymap.keys()]  # noqa: SIM118
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
        section.fail(None, 'needs one of bell = true, toast = true and command = ["..."]')
    return Alert(wanted, bell, toast, command or ())


def _accounts(section: Section, folder: Path) -> tuple[Account, ...]:
    found = []
    for name in section.keys():  # noqa: SIM118 - no mapping
        if not _NAME.fullmatch(name):
            section.fail(name, "is no name for an account; letters, digits, - and _ make one")
        table = section.table(name)
        provider = table.text("provider")
        if provider is None:
            table.fail(None, f"needs a provider: {', '.join(SETTINGS)}")
        settings = settings_of(provider)
        if settings is None:
            near = get_close_matches(provider.lower(), SETTINGS, 1, 0.0)[0]
            table.fail("provider", f"is none that hooktop knows ({', '.join(SETTINGS)}); did you mean {near}?")
        found.append(_account(table, name, provider, settings, folder))
    return tuple(found)


def _account(section: Section, name: str, provider: str, settings: Iterable[Setting], folder: Path) -> Account:
    values: dict[str, str | Secret | tuple[Secret, ...] | None] = {}
    for setting in settings:
        if setting.many:
            values[setting.field] = section.secrets(setting.name)
        elif setting.secret:
            secret = values[setting.field] = section.secret(setting.name)
            if secret is not None:
                _sendable(section, setting.name, secret)
        elif setting.field == "api_url":
            values["api_url"] = section.address(setting.name) or setting.default
        elif setting.field == "public_key":
            values["public_key"] = _public_key(section, setting.name, folder)
        else:
            values[setting.field] = section.text(setting.name)
    section.end()
    return Account(name, provider, **values)  # type: ignore[arg-type]


def _public_key(section: Section, key: str, folder: Path) -> str | None:
    text = section.text(key)
    if text is None:
        return None
    if "PRIVATE KEY" in text:
        section.fail(key, "is a private key; hooktop needs the public one (never give a private key away)")
    form = key_form(text)
    if form == "address":
        return section.address(key)
    return text.strip() if form == "text" else str(folder / os.path.expanduser(text))


def _sendable(section: Section, key: str, secret: Secret) -> None:
    """Refuse a secret that no HTTP header can carry."""
    if not isinstance(secret, KeyringSecret) and not (secret.reveal().isascii() and secret.reveal().isprintable()):
        section.fail(key, "has a character that cannot be sent (a line break, or not ASCII); copy it anew")


class _Environment:
    """The environment variables of one provider as settings: values mean themselves."""

    secret_variables: tuple[str, ...] = ()

    def __init__(self, settings: Iterable[Setting]) -> None:
        self._variables = {setting.name: setting.variable for setting in settings}

    def named(self, where: Where) -> str:
        """The variable."""
        names = [self._variables[part] for part in where if part in self._variables]
        return f"The environment variable {''.join(names[:1])}"

    def fail(self, where: Where, what: str) -> NoReturn:
        """Raise ConfigError with the variable's name."""
        raise ConfigError(f"{self.named(where)} {what}.")

    def text(self, where: Where, written: str) -> str:
        """The text itself."""
        return written.strip()

    def secret(self, where: Where, written: str) -> Secret:
        """The secret itself."""
        return Secret(written.strip())


def _from_environment(environ: Mapping[str, str]) -> tuple[Account, ...]:
    found = []
    for provider, settings in SETTINGS.items():
        values: dict[str, str | list[str]] = {}
        for setting in settings:
            value = environ.get(setting.variable, "")
            if value.strip():
                values[setting.name] = [value] if setting.many else value
        if values:
            section = Section(_Environment(settings), (), values)
            found.append(_account(section, provider, provider, settings, Path()))
    return tuple(found)
