"""Keyrings as the optional package offers them: working, locked, forgetful, without a backend."""

from __future__ import annotations

from types import ModuleType


class KeyringLocked(Exception):
    """Named as the package names it."""


class NoKeyringError(RuntimeError):
    """Named as the package names it."""


class FakeKeyring(ModuleType):
    """The three functions of the package over a dict; ``trouble`` is raised by each."""

    def __init__(self, trouble: Exception | None = None, *, forgetful: bool = False) -> None:
        super().__init__("keyring")
        self.entries: dict[tuple[str, str], str] = {}
        self.trouble = trouble
        self.forgetful = forgetful

    def get_password(self, service: str, name: str) -> str | None:
        self._fail()
        return self.entries.get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        self._fail()
        if not self.forgetful:
            self.entries[service, name] = text

    def delete_password(self, service: str, name: str) -> None:
        self._fail()
        del self.entries[service, name]

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble
