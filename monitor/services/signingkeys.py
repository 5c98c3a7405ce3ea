"""The signing keys that hooktop makes for new registrations: what the provider's deliveries are verified with.

A key rests in the system's keyring where that works, else in ``signing-keys.json`` (mode 0600) in the data folder,
which in any case says what each key is for. Keys of registrations that are gone are kept for a while, since a provider
sends again what it has signed before. Commands and a running monitor share the file.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from monitor import tomlfile
from monitor.config import ConfigError
from monitor.secret import Secret
from monitor.services import keyring
from monitor.services.keyfile import KeyFile
from monitor.services.keyring import KeyringProblem

FILE_NAME: Final = "signing-keys.json"
KEY_BYTES: Final = 32
KEPT_FOR: Final = timedelta(days=7)  # Bird sends again for a day at most
log = logging.getLogger(__name__)


class SigningKeyProblem(ConfigError):
    """A signing key cannot be kept; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was made for a registration.

    ``fingerprint`` names it as verdicts do. ``registration`` is the provider's id, None until that is known;
    ``retired_at`` is when the registration got another key or was removed. ``rest`` is where the key is: its text, or
    ``keyring:NAME``.
    """

    account: str
    provider: str
    subject: str
    fingerprint: str
    made_at: datetime
    rest: Secret = field(repr=False)
    registration: str | None = None
    retired_at: datetime | None = None

    @property
    def in_keyring(self) -> bool:
        """Whether it rests in the system's keyring."""
        return self.rest.reveal().startswith(tomlfile.KEYRING)

    def text(self, from_keyring: Callable[[str], str] = keyring.read) -> str:
        """The key itself. Raises KeyringProblem."""
        rest = self.rest.reveal()
        return from_keyring(rest.removeprefix(tomlfile.KEYRING)) if self.in_keyring else rest


def new_key() -> Secret:
    """A new random key in base64, which is the form of Bird's own example."""
    return Secret(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"))


class SigningKeys:
    """The keys that this installation made. What reads never raises; what writes raises SigningKeyProblem."""

    def __init__(self, folder: Path, *, in_keyring: bool = True) -> None:
        """``folder`` is hooktop's data folder; nothing is made in it yet. New keys go to the system's keyring unless
        ``in_keyring`` is false."""
        self._file = KeyFile(folder / FILE_NAME)
        self._in_keyring = in_keyring
        self._state: object = None
        self._made: tuple[MadeKey, ...] = ()
        self._lock = threading.RLock()

    def made(self, provider: str | None = None) -> tuple[MadeKey, ...]:
        """The keys of a provider or of all, the latest first. The file is read only when it has changed."""
        with self._lock:
            if (state := self.state()) != self._state:
                self._made, self._state = (), state
                try:
                    self._made = _made(self._file.read()) if state is not None else ()
                except (OSError, ValueError) as error:  # told once: until it changes, it is not read again
                    log.warning("%s cannot be read (%s)", FILE_NAME, type(error).__name__)
            return tuple(key for key in reversed(self._made) if provider in (None, key.provider))

    def state(self) -> object:
        """Another value whenever the keys may be others."""
        return self._file.state()

    def of(self, provider: str, registration: str) -> MadeKey | None:
        """The key that a registration has now, whatever its account was called then; None when none was made for
        it."""
        return next((key for key in self.made() if _in_use(key, provider, registration)), None)

    def keep(self, account: str, provider: str, subject: str, key: Secret, at: datetime) -> MadeKey:
        """Keep a key that is about to be given to a provider; it is on the disk when this returns.

        May wait until the user has unlocked the keyring. Raises SigningKeyProblem.
        """
        entry, rest = f"signing.{account}.{secrets.token_hex(4)}", key
        if self._in_keyring:
            with contextlib.suppress(KeyringProblem):
                keyring.store(entry, key)
                rest = Secret(tomlfile.KEYRING + entry)
        made = MadeKey(account, provider, subject, key.fingerprint(), at, rest)
        try:
            self._change(lambda keys: (*_still_of_use(keys, at), made))
        except SigningKeyProblem:
            _forget(made)
            raise
        return made

    def tie(
        self,
        account: str,
        subject: str,
        registration: str,
        since: datetime,
        at: datetime,
        fingerprint: str | None = None,
    ) -> None:
        """The key that was made for the subject at or after ``since``, if any, is the registration's now; the one that
        it had is retired. ``fingerprint`` says which it is, where that is known: another program may make one, too."""

        def tied(keys: tuple[MadeKey, ...]) -> tuple[MadeKey, ...]:
            free = [key for key in keys if _is_free(key, account, subject, since, fingerprint)]
            if not free:
                return keys
            return tuple(
                replace(key, registration=registration)
                if key is free[0]
                else _retired(key, free[0].provider, registration, at)
                for key in keys
            )

        if any(_is_free(key, account, subject, since, fingerprint) for key in self.made()):
            self._change(tied)

    def give_up(
        self, account: str, subject: str, since: datetime, at: datetime, fingerprint: str | None = None
    ) -> None:
        """The keys that were made for the subject at or after ``since`` and belong to no registration are retired: all,
        or that with the ``fingerprint``."""

        def is_free(key: MadeKey) -> bool:
            return _is_free(key, account, subject, since, fingerprint)

        if any(map(is_free, self.made())):
            self._change(lambda keys: tuple(replace(key, retired_at=at) if is_free(key) else key for key in keys))

    def retire(self, provider: str, registration: str, at: datetime) -> None:
        """The registration is gone; its keys are kept for a while."""
        if self.of(provider, registration) is not None:
            self._change(lambda keys: tuple(_retired(key, provider, registration, at) for key in keys))

    def _change(self, change: Callable[[tuple[MadeKey, ...]], tuple[MadeKey, ...]]) -> None:
        try:
            with self._lock, self._file.alone():
                try:
                    before = _made(self._file.read())
                except FileNotFoundError:
                    before = ()
                after = change(before)
                if after != before:
                    self._file.write({"keys": [_plain(key) for key in after]})
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "what is in it cannot be read"
            raise SigningKeyProblem(
                f"The signing keys in {self._file.path} cannot be written ({reason}); mend or move away the file."
            ) from None
        kept = {key.rest for key in after}
        for key in before:
            if key.rest not in kept:
                _forget(key)


def _forget(key: MadeKey) -> None:
    if key.in_keyring:
        keyring.forget(key.rest.reveal().removeprefix(tomlfile.KEYRING))


def _is_free(key: MadeKey, account: str, subject: str, since: datetime, fingerprint: str | None) -> bool:
    own = (key.account, key.subject) == (account, subject) and key.made_at >= since
    return own and fingerprint in (None, key.fingerprint) and key.registration is None and key.retired_at is None


def _in_use(key: MadeKey, provider: str, registration: str) -> bool:
    return (key.provider, key.registration) == (provider, registration) and key.retired_at is None


def _retired(key: MadeKey, provider: str, registration: str, at: datetime) -> MadeKey:
    return replace(key, retired_at=at) if _in_use(key, provider, registration) else key


def _still_of_use(keys: tuple[MadeKey, ...], now: datetime) -> Iterator[MadeKey]:
    return (key for key in keys if key.retired_at is None or now - key.retired_at < KEPT_FOR)


def _plain(key: MadeKey) -> dict[str, str]:
    data = {
        "account": key.account,
        "provider": key.provider,
        "subject": key.subject,
        "fingerprint": key.fingerprint,
        "made_at": key.made_at.isoformat(),
        "registration": key.registration,
        "retired_at": None if key.retired_at is None else key.retired_at.isoformat(),
        "key": key.rest.reveal(),
    }
    return {name: value for name, value in data.items() if value is not None}


def _made(data: Mapping[str, Any]) -> tuple[MadeKey, ...]:
    """The keys in the file; what in it is of another form is left out. Raises ValueError where it has no keys."""
    if not isinstance(data.get("keys"), list):
        raise ValueError("no keys")
    return tuple(key for item in data["keys"] if (key := _key(item)) is not None)


def _key(item: object) -> MadeKey | None:
    if not isinstance(item, dict):
        return None
    names = ("account", "provider", "subject", "fingerprint")
    account, provider, subject, print_ = (item.get(name) for name in names)
    rest, registration = item.get("key"), item.get("registration")
    if not all(isinstance(text, str) for text in (account, provider, subject, print_, rest)):
        return None
    with contextlib.suppress(ValueError, TypeError):
        retired_at = item.get("retired_at")
        return MadeKey(
            str(account),
            str(provider),
            str(subject),
            str(print_),
            _time(item.get("made_at")),
            Secret(str(rest)),
            registration if isinstance(registration, str) else None,
            None if retired_at is None else _time(retired_at),
        )
    return None


def _time(text: object) -> datetime:
    at = datetime.fromisoformat(text) if isinstance(text, str) else None
    if at is None or at.tzinfo is None:
        raise ValueError("no time")
    return at.astimezone(UTC)
