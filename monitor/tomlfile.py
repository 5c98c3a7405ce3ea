"""A TOML file of settings, read strictly: each value is asked for by name and kind, and a mistake names its line.

No message shows a value, since any value may be a secret.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from monitor.secret import KeyringSecret, Secret
from monitor.times import span
from monitor.urls import web_address

# A parsed TOML value. ``Any`` stays inside: ``Section`` checks each type.
Toml: TypeAlias = Any
Where: TypeAlias = tuple[str | int, ...]  # the keys and list positions that lead to a value

MAX_FILE: Final = 1024 * 1024
ENV: Final = "env:"
KEYRING: Final = "keyring:"
_SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kmgt]?)(?:i?b)?", re.IGNORECASE)
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_KINDS: Final = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class ConfigError(Exception):
    """The configuration cannot be used; the text is a whole sentence: where, what is wrong, what to do."""


class Source(Protocol):
    """Where settings come from: says where a mistake is, and what a written text stands for."""

    def named(self, where: Where) -> str:
        """The setting at ``where`` as the subject of a sentence that says what is wrong with it."""

    def fail(self, where: Where, what: str) -> NoReturn:
        """Raise ConfigError: the subject and ``what`` make the sentence."""

    def text(self, where: Where, written: str) -> str:
        """The text that is meant by what is written."""

    def secret(self, where: Where, written: str) -> Secret:
        """The secret that is meant by what is written."""


def read(file: Path) -> str | None:
    """The text of a private settings file, None when there is none.

    Raises ConfigError when it cannot be read, is not text, or could be read by others.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if os.name == "posix" and mode & 0o077 and not stat.S_ISCHR(mode):  # /dev/null keeps nothing to read
                raise ConfigError(
                    f"{file} can be read or changed by others (mode {stat.S_IMODE(mode):04o}); "
                    f"run: chmod 600 {shlex.quote(str(file))} (then start hooktop again)."
                )
            data = opened.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name is possible"
        raise ConfigError(f"{file} cannot be read ({reason}); mend that, or name another file with --config.") from None
    if len(data) > MAX_FILE:
        raise ConfigError(f"{file} is larger than 1 MiB; that is no configuration: name another file with --config.")
    try:
        return data.decode("utf-8-sig")  # some editors put a byte order mark before the text
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}, line {line}: this is not UTF-8 text; save the file as UTF-8.") from None


class TomlFile:
    """One file's text as settings; texts may be ``env:NAME`` or ``keyring:NAME``."""

    def __init__(
        self, file: Path, text: str, environ: Mapping[str, str], keyring: Callable[[str], str] | None = None
    ) -> None:
        """``keyring`` reads an entry for settings that are no secrets; secrets keep the entry's name."""
        self.file = file
        self.secret_variables: list[str] = []  # the variables that secrets were taken from
        self._text = text
        self._environ = environ
        self._keyring = keyring

    def whole(self) -> Section:
        """The file's top level. Raises ConfigError when it is not TOML."""
        try:
            return Section(self, (), tomllib.loads(self._text))
        except tomllib.TOMLDecodeError as error:
            what = str(error)
            place = _PLACE.search(what)
            last = self._text.count("\n", 0, len(self._text.rstrip())) + 1
            line = place[1] if place is not None and place[1] else last
            what = _PLACE.sub("", what)
            raise ConfigError(
                f"{self.file}, line {line}: this is not TOML ({what}); mend it there (text stands in double quotes)."
            ) from None
        except (ValueError, RecursionError):
            raise ConfigError(f"{self.file} holds a number or nesting beyond all use; take it out.") from None

    def named(self, where: Where) -> str:
        """File, line and setting."""
        line = line_of(self._text, where)
        place = f"{self.file}, line {line}" if line else f"{self.file}"
        return f"{place}: {_subject(where)}".rstrip()

    def fail(self, where: Where, what: str) -> NoReturn:
        """Raise ConfigError with file, line and setting."""
        raise ConfigError(f"{self.named(where)} {what}{'' if what.endswith('?') else '.'}")

    def text(self, where: Where, written: str) -> str:
        """The written text, or what the named variable or keyring entry holds."""
        if written.startswith(ENV):
            return self._variable(where, written.removeprefix(ENV))
        if written.startswith(KEYRING):
            if self._keyring is None:
                self.fail(where, "cannot be read from the keyring here; write it out or use env:NAME")
            return self._keyring(written.removeprefix(KEYRING))
        return written

    def secret(self, where: Where, written: str) -> Secret:
        """The written text without blanks around it, or the variable's; a keyring entry keeps its name."""
        if written.startswith(KEYRING):
            name = written.removeprefix(KEYRING).strip()
            if not name:
                self.fail(where, "names no keyring entry; write keyring:NAME")
            return KeyringSecret(name)
        if written.startswith(ENV):
            name = written.removeprefix(ENV)
            written = self._variable(where, name)
            self.secret_variables.append(name)
        return Secret(written.strip())

    def _variable(self, where: Where, name: str) -> str:
        if not _VARIABLE.fullmatch(name):
            self.fail(where, "names no environment variable after env:; write env:NAME")
        value = self._environ.get(name)
        if value is None:
            self.fail(where, f"takes its value from the environment variable {name}, which is not set; set it")
        return value


class Section:
    """One table of settings. A setting that is not there reads as None or the default given.

    ``end`` must be called last: it refuses what nobody asked for.
    """

    def __init__(self, source: Source, where: Where, values: Mapping[str, Toml]) -> None:
        self._source = source
        self._where = where
        self._values = values
        self._known: list[str] = []

    def fail(self, key: str | None, what: str) -> NoReturn:
        """Raise ConfigError about a setting of this table, or about the table."""
        self._source.fail(self._where if key is None else (*self._where, key), what)

    def named(self, key: str) -> str:
        """A setting of this table as the subject of a sentence, for what is only found wrong later."""
        return self._source.named((*self._where, key))

    def names(self) -> Iterator[str]:
        """The names in the table."""
        return iter(self._values)

    def has(self, key: str) -> bool:
        """Whether the setting is there."""
        return key in self._values

    def end(self) -> None:
        """Refuse names that were not asked for, with the nearest that was."""
        for key in self._values:
            if key not in self._known:
                near = get_close_matches(key.lower(), self._known, 1, 0.0)
                self.fail(key, f"is not a setting; did you mean {near[0]}?" if near else "is not a setting")

    def text(self, key: str) -> str | None:
        """A text, not empty."""
        value = self._take(key, (str,), "text in quotes")
        if value is None:
            return None
        text = self._source.text((*self._where, key), value)
        if not text.strip():
            self.fail(key, "is empty; write a value or take the line out")
        return text

    def address(self, key: str, *, plain_http: bool = False) -> str | None:
        """A web address that passes ``urls.web_address``."""
        text = self.text(key)
        if text is not None:
            try:
                web_address(text, plain_http=plain_http)
            except ValueError as error:
                self.fail(key, f"is no usable address: {error}")
        return text

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, (bool,), "true or false (without quotes)")
        return default if value is None else bool(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        needed = f"a whole number from {low} to {high}"
        value = self._take(key, (int,), needed)
        if value is None:
            return default
        if not low <= value <= high:
            self.fail(key, f"must be {needed}")
        return int(value)

    def duration(self, key: str, default: timedelta) -> timedelta:
        """A span such as ``"30d"``, ``"1h30m"``, ``"500ms"``, or a number of seconds; more than nothing."""
        needed = 'a duration such as "30d", "12h" or "10s"'
        value = self._take(key, (str, int, float), needed)
        if value is None:
            return default
        found: timedelta | None
        if isinstance(value, str):
            found = span(self._source.text((*self._where, key), value))
        else:
            try:
                found = timedelta(seconds=float(value))
            except (OverflowError, ValueError):  # ValueError: TOML knows nan
                found = None
        if found is None or found <= timedelta():
            self.fail(key, f"must be {needed}")
        return found

    def size(self, key: str, default: int, high: int) -> int:
        """A size such as ``"2GB"`` (1024 to the step, as in filters), or a number of bytes; from 1 to ``high``."""
        needed = 'a size such as "2GB" or "500k"'
        value = self._take(key, (str, int), needed)
        if value is None:
            return default
        if isinstance(value, str):
            found = _SIZE.fullmatch(self._source.text((*self._where, key), value))
            value = int(float(found[1]) * _SIZES[found[2].lower()]) if found else 0
        if value < 1:
            self.fail(key, f"must be {needed}")
        if value > high:
            self.fail(key, f"is too large: at most {high} bytes")
        return int(value)

    def secret(self, key: str) -> Secret | None:
        """A secret that an HTTP header can carry, not empty; one in the keyring is not asked for."""
        value = self._take(key, (str,), "text in quotes")
        if value is None:
            return None
        secret = self._secret(key, (*self._where, key), value)
        if not isinstance(secret, KeyringSecret) and not (secret.reveal().isascii() and secret.reveal().isprintable()):
            self.fail(key, "has a character that cannot be sent (a line break, or not ASCII); copy it anew")
        return secret

    def secrets(self, key: str) -> tuple[Secret, ...]:
        """A list of secrets, which may be any text."""
        return tuple(self._secret(key, where, written) for where, written in self._list(key))

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, not empty."""
        if not self.has(key):
            self._known.append(key)
            return None
        found = tuple(self._source.text(where, written) for where, written in self._list(key))
        if not found:
            self.fail(key, 'must be a list with at least one text: ["..."]')
        return found

    def table(self, key: str) -> Section:
        """A table within; empty when it is not there."""
        value = self._take(key, (dict,), "a table")
        return Section(self._source, (*self._where, key), value or {})

    def tables(self, key: str) -> list[Section]:
        """The tables of a ``[[key]]`` list."""
        value = self._take(key, (list,), f"a list of tables, each begun with [[{key}]]") or []
        for item in value:
            if not isinstance(item, dict):
                self.fail(key, f"must be a list of tables, each begun with [[{key}]]")
        return [Section(self._source, (*self._where, key, place), item) for place, item in enumerate(value)]

    def _take(self, key: str, kinds: tuple[type, ...], needed: str) -> Toml:
        self._known.append(key)
        value = self._values.get(key)
        if value is not None and type(value) not in kinds:
            self.fail(key, f"must be {needed}, not {_KINDS.get(type(value), 'a date or time')}")
        return value

    def _list(self, key: str) -> Iterator[tuple[Where, str]]:
        needed = 'a list of texts: ["...", "..."]'
        for place, item in enumerate(self._take(key, (list,), needed) or ()):
            if not isinstance(item, str):
                self.fail(key, f"must be {needed}")
            yield (*self._where, key, place), item

    def _secret(self, key: str, where: Where, written: str) -> Secret:
        secret = self._source.secret(where, written)
        if not secret:
            self.fail(key, "is empty; write the secret, env:NAME or keyring:NAME")
        return secret


def line_of(text: str, where: Where) -> int | None:
    """The line (from 1) on which the value that ``where`` leads to is set, None when that cannot be told.

    Asks the parser itself: the line after which the value is there, and before which it was not.
    """
    names = [part for part in where if isinstance(part, str)]
    if not names:
        return None
    lines = text.replace("\r\n", "\n").split("\n")  # as the parser does: half a line end is a mistake to it
    for begin in (number for number, line in enumerate(lines) if names[-1] in line):
        if _leads(lines[:begin], where) is not False:
            continue
        for end in range(begin + 1, len(lines) + 1):
            found = _leads(lines[:end], where)
            if found:
                return begin + 1
            if found is False:
                break
    return None


def _leads(lines: list[str], where: Where) -> bool | None:
    try:
        value: Toml = tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return None
    for part in where:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _subject(where: Where) -> str:
    """How people name a setting: ``[accounts.bird] signing_keys``, ``[alerts 2] filter``."""
    if len(where) > 2 and isinstance(where[-1], int):
        where = where[:-1]  # the list is named, not its element
    split = len(where) if where and isinstance(where[-1], int) else len(where) - 1
    heading = "".join(f" {part + 1}" if isinstance(part, int) else f".{_shown(part)}" for part in where[:split])
    setting = "".join(_shown(str(part)) for part in where[split:])
    return f"[{heading[1:]}] {setting}".strip() if heading else setting


def _shown(name: str) -> str:
    return name if _BARE.fullmatch(name) else repr(name)
