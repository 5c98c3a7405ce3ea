"""Provider accounts in the configuration file: added, changed, removed and listed without showing a secret.

The file is edited as text, so that its owner's comments and order stay; an edit that would change anything else than
is meant is refused.
"""

from __future__ import annotations

import contextlib
import os
import secrets as randomness
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from monitor import paths, tomlfile
from monitor.account import SETTINGS, Account, Setting, accounts_from, key_form, settings_of
from monitor.config import Config, ConfigError, load, parse
from monitor.secret import Secret
from monitor.services import accounttext, keyring
from monitor.services.accounttext import Toml
from monitor.services.keyring import KeyringProblem

# What an account is made of, by the name of the setting; settings that are lists take a sequence. A secret is a
# ``Secret``, or as text ``env:NAME`` or ``keyring:NAME``, which is written as it is.
Value: TypeAlias = str | Secret
Values: TypeAlias = Mapping[str, Value | Sequence[Value]]
_Given: TypeAlias = Mapping[Setting, Sequence[Value]]
_REFERENCES: Final = (tomlfile.ENV, tomlfile.KEYRING)


@dataclass(frozen=True, slots=True)
class Written:
    """An account that was added or ``changed``, and where it is; ``in_keyring`` is None when it brought no secrets,
    ``why_file`` says why they are in the file and not in the keyring."""

    account: Account
    file: Path
    in_keyring: bool | None = None
    why_file: str | None = None
    changed: bool = False

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        name, of = self.account.name, " new" if self.changed else ""
        text = f"The account {name} is {'changed ' if self.changed else ''}in {self.file}"
        if self.in_keyring is None:
            return f"{text}."
        if self.in_keyring:
            return f"{text}, its{of} secrets are in the system's keyring."
        return f"{text} with its{of} secrets, readable by you alone. {self.why_file}"


@dataclass(frozen=True, slots=True)
class Shown:
    """An account as it may be shown: ``settings`` are the names and values that are set, secrets masked."""

    name: str
    provider: str
    settings: tuple[tuple[str, str], ...]


def listed(config: Config) -> tuple[Shown, ...]:
    """The accounts in order."""
    found = []
    for account in config.accounts:
        settings = ((setting.name, masked(account, setting)) for setting in settings_of(account.provider) or ())
        found.append(Shown(account.name, account.provider, tuple(pair for pair in settings if pair[1])))
    return tuple(found)


def masked(account: Account, setting: Setting) -> str:
    """A setting as it may be shown, empty where it is not set."""
    value = getattr(account, setting.field)
    return "" if value is None else _shown(setting, _several(value))


def _shown(setting: Setting, several: Sequence[Value]) -> str:
    if setting.field == "public_key" and key_form(str(several[0])) == "text":
        return "the key itself"
    return ", ".join(value.masked() if isinstance(value, Secret) else value for value in several)


def opened(account: Account) -> Account:
    """The account with its API secret at hand, where that rests in the keyring. Raises KeyringProblem."""
    return account if account.api_secret is None else replace(account, api_secret=keyring.opened(account.api_secret))


def add(file: Path, name: str, provider: str, values: Values, environ: Mapping[str, str]) -> Written:
    """Add an account to the file, which is made when it is missing.

    Secrets go to the system's keyring where that works, else into the file, whose mode is 0600. Raises ConfigError,
    and then nothing is changed.
    """
    if settings_of(provider) is None:
        raise ConfigError(f"There is no provider {provider!r}; accounts are for {', '.join(SETTINGS)}.")
    file = _real(file)
    _read_without(file, name)
    given = _lists(provider, values)

    def put(table: Toml) -> None:
        text, document = _read_without(file, name)  # the keyring may have taken its time
        _write(file, accounttext.with_account(text, name, table), _with(document, name, table))

    return _written(file, name, given, lambda write: _table(provider, given, write), put, environ)


def as_written(file: Path, name: str, environ: Mapping[str, str]) -> Shown:
    """An account as it stands in the file, whether what it refers to is there or not. Raises ConfigError where there is
    none that can be changed."""
    table = _table_of(_real(file), name, environ)
    settings = []
    for setting in settings_of(table["provider"]) or ():
        texts = [str(text) for text in _several(table.get(setting.name, ()))]
        hidden = [Secret(text) if setting.secret and not text.startswith(_REFERENCES) else text for text in texts]
        if hidden:
            settings.append((setting.name, _shown(setting, hidden)))
    return Shown(name, table["provider"], tuple(settings))


def change(file: Path, name: str, values: Values, environ: Mapping[str, str]) -> Written:
    """Change settings of an account in the file; those that are not named stay.

    What is given for a list is added to it; an empty value takes a setting away, in a list what was in it before.
    Secrets go where those of a new account go, and what takes no place any more leaves the keyring. Raises
    ConfigError, and then nothing is changed.
    """
    file = _real(file)
    before = _table_of(file, name, environ)
    provider = before["provider"]
    given = _lists(provider, values)
    emptied = {setting for setting, value in values.items() if not all(_several(value))}

    def table_of(write: Callable[[Secret], str]) -> Toml:
        kept = {setting: value for setting, value in before.items() if setting not in emptied}
        new = _table(provider, given, write)
        for setting in (setting.name for setting in given if setting.many):
            had = _several(kept.get(setting, ()))
            new[setting] = [*had, *(one for one in dict.fromkeys(new[setting]) if one not in had)]
        return {**kept, **new}

    def put(table: Toml) -> None:
        text, document = _read_with(file, name)
        if document["accounts"][name] != before:
            raise ConfigError(f"The account {name} was changed by somebody else at the same time; look and try again.")
        _write(file, accounttext.with_settings(text, name, table), _with(document, name, table))

    written = _written(file, name, given, table_of, put, environ)
    _tidy(file, name, before)
    return replace(written, changed=True)


def unseated(file: Path, environ: Mapping[str, str]) -> str | None:
    """That the first account in the file takes the place of those of the environment variables, as a sentence; None
    where it does not."""
    with contextlib.suppress(ConfigError):
        config = load(file, environ)
        return left_out(config) if len(config.accounts) == 1 else None
    return None


def left_out(config: Config) -> str | None:
    """Which environment variables make no account though they could, as a sentence; None where there are none."""
    if not config.left_out:
        return None
    return (
        f"The environment variables of {' and '.join(config.left_out)} make no account, since the configuration has "
        f"others; put it there, too: 'hooktop accounts add {config.left_out[0]}'."
    )


def remove(file: Path, name: str) -> None:
    """Take an account out of the file, and what was put into the keyring for it. Raises ConfigError."""
    file = _real(file)
    _read_with(file, name)
    with _alone(file):
        text, document = _read_with(file, name)
        _write(file, accounttext.without_account(text, name), _with(document, name, None))
    _tidy(file, name, document["accounts"][name])


def _real(file: Path) -> Path:
    real = Path(os.path.realpath(paths.expanded(file)))
    if real.exists() and not real.is_file():  # such as /dev/null, which others rely on
        raise ConfigError(f"{real} is no file and cannot be replaced by one; name another with --config.")
    return real


def _written(
    file: Path,
    name: str,
    given: _Given,
    table_of: Callable[[Callable[[Secret], str]], Toml],
    put: Callable[[Toml], None],
    environ: Mapping[str, str],
) -> Written:
    """Put secrets into the keyring, and then the table, in which ``table_of`` writes them, into the file."""
    # Everything is checked in memory before the first secret goes anywhere.
    table = table_of(Secret.reveal)
    account = _checked(file, name, table, environ)
    entries: list[str] = []
    in_keyring, why_file = None, None
    if any(isinstance(value, Secret) for several in given.values() for value in several):
        try:
            table = table_of(lambda secret: _into_keyring(name, secret, entries))
            in_keyring = True
        except KeyringProblem as error:
            in_keyring, why_file = False, str(error)
            _forget(entries)
    try:
        with _alone(file):
            put(table)
    except BaseException:
        _forget(entries)
        raise
    return Written(account, file, in_keyring, why_file)


def _tidy(file: Path, name: str, before: Toml) -> None:
    """Take out of the keyring what was put there for an account and no account in the file names any more."""
    with contextlib.suppress(ConfigError):  # who just wrote it may find it written anew
        _, document = _read(file)
        used = {entry for table in document.get("accounts", {}).values() for entry in _entries(table)}
        _forget([entry for entry in set(_entries(before)) - used if entry.startswith(f"{name}.")])


def _several(value: Value | Sequence[Value]) -> tuple[Value, ...]:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _lists(provider: str, values: Values) -> dict[Setting, tuple[Value, ...]]:
    """What was given for each setting, empty values left out."""
    settings = {setting.name: setting for setting in settings_of(provider) or ()}
    unknown = [name for name in values if name not in settings]
    if unknown:
        raise ConfigError(f"An account of {provider} has no {unknown[0]}; it has {', '.join(settings)}.")
    found = {}
    for name, setting in settings.items():
        several = tuple(value for value in _several(values.get(name, ())) if value)
        for value in several:
            if isinstance(value, Secret):
                if value.reveal().startswith(_REFERENCES):
                    raise ConfigError(f"{name} begins like a reference; give env:NAME or keyring:NAME as such.")
            elif setting.secret and not value.startswith(_REFERENCES):
                raise ConfigError(f"{name} is a secret: give env:NAME or keyring:NAME, or enter it when asked.")
        if len(several) > 1 and not setting.many:
            raise ConfigError(f"{name} takes one value; give one.")
        if several:
            found[setting] = several
    return found


def _table(provider: str, given: _Given, write: Callable[[Secret], str]) -> Toml:
    """The account as it stands in the file; ``write`` gives what to write for a secret."""
    table: Toml = {"provider": provider}
    for setting, several in given.items():
        written = [write(value) if isinstance(value, Secret) else value for value in several]
        if setting.field == "public_key" and key_form(written[0]) == "path" and not written[0].startswith(_REFERENCES):
            written[0] = os.path.abspath(paths.expanded(written[0]))
        table[setting.name] = written if setting.many else written[0]
    return table


def _checked(file: Path, name: str, table: Toml, environ: Mapping[str, str]) -> Account:
    new = file.with_name("new account")  # where relative paths start
    try:
        return parse(accounttext.rendered(name, table), new, environ).accounts[0]
    except ConfigError as error:
        reason = str(error).removeprefix(f"{new}, line ").partition(": ")[2]
        raise ConfigError(f"The account cannot be written: {reason}") from None


def _into_keyring(name: str, secret: Secret, entries: list[str]) -> str:
    entry = f"{name}.{randomness.token_hex(4)}"  # never an entry of another file that has such an account too
    entries.append(entry)
    keyring.store(entry, secret)
    return f"{tomlfile.KEYRING}{entry}"


def _forget(entries: Sequence[str]) -> None:
    for entry in entries:
        keyring.forget(entry)


def _entries(table: object) -> Iterator[str]:
    """The keyring entries that an account's table names."""
    for value in table.values() if isinstance(table, dict) else ():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and text.startswith(tomlfile.KEYRING):
                yield text.removeprefix(tomlfile.KEYRING).strip()


def _read(file: Path) -> tuple[str, Toml]:
    """The file's text, and what it says."""
    text = tomlfile.read(file) or ""
    tomlfile.TomlFile(file, text, {}).whole().table("accounts")  # raises the errors that people understand
    return text, tomllib.loads(text)


def _read_with(file: Path, name: str) -> tuple[str, Toml]:
    """As ``_read``, of a file that must have such an account."""
    text, document = _read(file)
    _account_in(file, document, name)
    return text, document


def _account_in(file: Path, document: Toml, name: str) -> object:
    """What a document has under the name of an account."""
    accounts: Toml = document.get("accounts", {})
    if name not in accounts:
        known = f"; there are {', '.join(accounts)}" if accounts else ""
        raise ConfigError(f"There is no account {name} in {file}{known}.")
    return accounts[name]


def _table_of(file: Path, name: str, environ: Mapping[str, str]) -> Toml:
    """What the file says of an account of a provider that is known."""
    _, document = _read(file)
    elsewhere: Sequence[Account] = ()
    if not document.get("accounts"):
        with contextlib.suppress(ConfigError):
            elsewhere = accounts_from(environ)
    if any(account.name == name for account in elsewhere):
        raise ConfigError(f"The account {name} comes from environment variables; change them.")
    table = _account_in(file, document, name)
    if not isinstance(table, dict) or settings_of(str(table.get("provider"))) is None:
        raise ConfigError(f"The account {name} in {file} is of no provider that hooktop knows; edit it by hand.")
    return table


def _read_without(file: Path, name: str) -> tuple[str, Toml]:
    """As ``_read``, of a file that must not have such an account yet."""
    text, document = _read(file)
    if name in document.get("accounts", {}):
        raise ConfigError(f"There is an account {name} in {file} already; remove it first or choose another name.")
    return text, document


def _with(document: Toml, name: str, table: Toml | None) -> Toml:
    """The document with one account added, or with None taken out; a table without accounts counts as none."""
    accounts = {key: value for key, value in document.get("accounts", {}).items() if key != name}
    if table is not None:
        accounts[name] = table
    return {**document, "accounts": accounts}


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other hooktops from changing the file between reading and writing it; its folder is made when missing."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(paths.alone(paths.private_dir(file.parent)))  # the folder, since the file is replaced
        except OSError as error:
            raise _unwritable(file, error) from None
        yield


def _unwritable(file: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{file} cannot be written ({error.strerror}); make its folder writable.")


def _write(file: Path, after: str | None, meant: Toml) -> None:
    """Write the edited text if it says exactly what is meant."""
    if after is None or not accounttext.parses(after) or _with(tomllib.loads(after), "", None) != meant:
        raise ConfigError(f"{file} is written in a way that hooktop cannot change safely; edit it by hand.")
    try:
        paths.replace_private(file, after.encode("utf-8"))
    except OSError as error:
        raise _unwritable(file, error) from None
