"""The system's keyring: where secrets rest when there is one.

The package is an optional extra, and a machine without a desktop often has no backend for it: everything here says so
in a sentence and never shows a secret.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from monitor.config import ConfigError
from monitor.secret import KeyringSecret, Secret

SERVICE: Final = "hooktop"


class KeyringProblem(ConfigError):
    """The keyring cannot be used; the text says why and what to do."""


def read(name: str) -> str:
    """The text of an entry. Raises KeyringProblem; may wait until the user has unlocked the keyring."""
    keyring = _package()
    try:
        found = keyring.get_password(SERVICE, name)
    except Exception as error:  # every backend has exceptions of its own
        raise KeyringProblem(f"The keyring entry {name} cannot be read: {_reason(error)}.") from None
    if not isinstance(found, str) or not found:
        raise KeyringProblem(
            f"The keyring has no entry {name}; store it with: keyring set {SERVICE} {name}, or add the account again."
        )
    return found


def opened(secret: Secret) -> Secret:
    """The secret itself where it is only a reference to the keyring. Raises KeyringProblem."""
    return Secret(read(secret.name)) if isinstance(secret, KeyringSecret) else secret


def store(name: str, secret: Secret) -> None:
    """Keep a secret as an entry, and read it back: some backends forget in silence. Raises KeyringProblem."""
    keyring = _package()
    try:
        keyring.set_password(SERVICE, name, secret.reveal())
        kept = keyring.get_password(SERVICE, name)
    except Exception as error:  # as above
        raise KeyringProblem(f"The keyring takes no entry: {_reason(error)}.") from None
    if kept != secret.reveal():
        raise KeyringProblem("The keyring takes no entry: there is no working backend for it on this machine.")


def forget(name: str) -> bool:
    """Remove an entry; whether that was done."""
    try:
        _package().delete_password(SERVICE, name)
    except Exception:  # as above; an entry that is gone already is no trouble
        return False
    return True


def _package() -> ModuleType:
    try:
        return importlib.import_module("keyring")
    except ImportError:
        raise KeyringProblem(
            "The keyring cannot be used: its package is not installed; install hooktop with the extra 'keyring'."
        ) from None


def _reason(error: Exception) -> str:
    """Why, by the name of the exception: its text belongs to the backend and may hold anything."""
    kind = type(error).__name__
    if kind == "KeyringLocked":
        return "it is locked; unlock it and try again"
    if kind in ("NoKeyringError", "InitError"):
        return "there is no working backend for it on this machine"
    return f"its backend failed ({kind})"
