"""A value that must not be shown."""

from __future__ import annotations

import hashlib
from typing import Final

HIDDEN: Final = "••••"  # in the place of what is not shown


class Secret:
    """Wraps a secret text so that no repr, log line, traceback or format string shows it.

    ``reveal()`` is the only way to the text; call it where the value leaves for its own provider or enters a digest.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret text itself."""
        return self._text

    def masked(self) -> str:
        """``••••`` and the last four characters, or only the dots when the text is too short to spare four."""
        return HIDDEN + (self._text[-4:] if len(self._text) >= 12 else "")

    def fingerprint(self) -> str:
        """``sha256:`` and the first 8 hex digits of the SHA-256 of the text's UTF-8 bytes."""
        return fingerprint(self.reveal().encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        return f"Secret({self.masked()!r})"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not pickled")


class KeyringSecret(Secret):
    """A secret that stays in the system's keyring: only the entry's name is known here."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(f"keyring:{name}")

    @property
    def name(self) -> str:
        """The keyring entry's name."""
        return self._text.removeprefix("keyring:")

    def reveal(self) -> str:
        """Never gives the text: the keyring must be asked first. Raises LookupError."""
        raise LookupError(f"the keyring entry {self.name} was not asked for its text")

    def masked(self) -> str:
        """``keyring:`` and the entry's name, which is no secret."""
        return self._text


def fingerprint(data: bytes) -> str:
    """``sha256:`` and the first 8 hex digits of the SHA-256 of ``data``: names a key without showing it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()[:8]
