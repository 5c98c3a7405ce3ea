"""An account: credentials and settings for one provider, which there are, and where they are read from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeAlias

from monitor import paths
from monitor.secret import Secret
from monitor.tomlfile import ConfigError, Section, Where

KeyForm: TypeAlias = Literal["text", "address", "path"]
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_FINGERPRINT: Final = re.compile(r"sha256:[0-9a-f]{64}")
_KEY_TEXT: Final = re.compile(r"-----BEGIN|(?:ssh|ecdsa|sk)-|whpk_|M(?:II|Co)[A-Za-z0-9+/\s]{50,}={0,2}\Z")


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials and settings for one provider; what a provider does not have is None.

    ``api_secret`` is what the provider's API asks for (token, access key, API key), ``signing_secrets`` what its
    webhooks are signed with, ``public_key`` a path, an address or a key's text (None: the provider's own address),
    ``fingerprint`` the SHA-256 (``sha256:`` and 64 hex digits) of the one public key that may be used,
    ``business_numbers`` the numbers that messages of the business come from, parted by commas.
    """

    name: str
    provider: str
    api_url: str | None = None
    api_secret: Secret | None = None
    workspace_id: str | None = None
    organization_id: str | None = None
    business_id: str | None = None
    business_numbers: str | None = None
    public_key: str | None = None
    fingerprint: str | None = None
    signing_secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an account: its name in the file, the field of ``Account``, and its environment variable, which
    those of plug-ins do not have. ``many``: a list of secrets."""

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
        Setting("public_key_fingerprint", "fingerprint", "VOLT_PUBLIC_KEY_FINGERPRINT"),
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
        Setting("business_numbers", "business_numbers", "CONNECTLY_BUSINESS_NUMBERS"),
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
    Setting("public_key_fingerprint", "fingerprint"),
)


def settings_of(provider: str) -> tuple[Setting, ...] | None:
    """The settings of an account of a provider, also of one that a plug-in brings; None where there is none such."""
    if provider in SETTINGS:
        return SETTINGS[provider]
    return _OF_PLUG_INS if entry_points(group=PLUG_INS, name=provider) else None


def with_accounts() -> tuple[str, ...]:
    """The providers that can have accounts, those of plug-ins last."""
    return (*SETTINGS, *sorted({one.name for one in entry_points(group=PLUG_INS)} - SETTINGS.keys()))


def key_form(text: str) -> KeyForm:
    """What a ``public_key`` setting is: a key's text, a web address or the path of a file."""
    text = text.strip()
    if _KEY_TEXT.match(text):
        return "text"
    return "address" if "://" in text[:12] else "path"


def accounts_in(section: Section, folder: Path) -> tuple[Account, ...]:
    """The accounts that a table of them holds; relative paths in it start at ``folder``. Raises ConfigError."""
    found = []
    for name in section.names():
        if not _NAME.fullmatch(name):
            section.fail(name, "is no name for an account; letters, digits, - and _ make one")
        table = section.table(name)
        provider = table.text("provider")
        if provider is None:
            table.fail(None, f"needs a provider: {', '.join(with_accounts())}")
        settings = settings_of(provider)
        if settings is None:
            known = with_accounts()
            near = get_close_matches(provider.lower(), known, 1, 0.0)[0]
            table.fail("provider", f"is none that hooktop knows ({', '.join(known)}); did you mean {near}?")
        found.append(_account(table, name, provider, settings, folder))
    return tuple(found)


def accounts_from(environ: Mapping[str, str]) -> tuple[Account, ...]:
    """The accounts that the variables of ``SETTINGS`` make: one for each provider of which one is set. Raises
    ConfigError."""
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


def _account(section: Section, name: str, provider: str, settings: Iterable[Setting], folder: Path) -> Account:
    values: dict[str, str | Secret | tuple[Secret, ...] | None] = {}
    for setting in settings:
        if setting.many:
            values[setting.field] = section.secrets(setting.name)
        elif setting.secret:
            values[setting.field] = section.secret(setting.name)
        elif setting.field == "api_url":
            values["api_url"] = section.address(setting.name) or setting.default
        elif setting.field == "public_key":
            values["public_key"] = _public_key(section, setting.name, folder)
        elif setting.field == "fingerprint":
            values["fingerprint"] = _fingerprint(section, setting.name)
        else:
            values[setting.field] = section.text(setting.name)
    section.end()
    return Account(name, provider, **values)  # type: ignore[arg-type]  # SETTINGS names the fields


def _public_key(section: Section, key: str, folder: Path) -> str | None:
    text = section.text(key)
    if text is None:
        return None
    if "PRIVATE KEY" in text:
        section.fail(key, "is a private key; hooktop needs the public one (never give a private key away)")
    form = key_form(text)
    if form == "address":
        return section.address(key)
    return text.strip() if form == "text" else str(folder / paths.expanded(text))


def _fingerprint(section: Section, key: str) -> str | None:
    text = section.text(key)
    if text is None:
        return None
    text = text.strip().lower()
    if not _FINGERPRINT.fullmatch(text):
        section.fail(key, "is no fingerprint: that is sha256: and 64 hex digits, as hooktop keys list shows it")
    return text


class _Environment:
    """The environment variables of one provider as settings: values mean themselves."""

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
