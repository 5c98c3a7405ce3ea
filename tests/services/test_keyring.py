"""The system's keyring, in all the states in which machines have it."""

from __future__ import annotations

import importlib
import sys

import pytest

from monitor.config import ConfigError
from monitor.secret import KeyringSecret, Secret
from monitor.services import keyring
from monitor.services.keyring import KeyringProblem
from tests.services.keyrings import FakeKeyring, KeyringLocked, NoKeyringError

CANARY = "canary-2f9c6d11-do-not-show"


def use(monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring | None) -> None:
    monkeypatch.setitem(sys.modules, "keyring", fake)


def test_an_entry_goes_in_and_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeKeyring()
    use(monkeypatch, fake)
    keyring.store("bird", Secret(CANARY))
    assert fake.entries == {("hooktop", "bird"): CANARY}
    assert keyring.read("bird") == CANARY
    assert keyring.opened(KeyringSecret("bird")) == Secret(CANARY)
    assert keyring.opened(Secret("other")) == Secret("other")
    assert keyring.forget("bird")
    assert not keyring.forget("bird")
    with pytest.raises(
        KeyringProblem, match=r"^The keyring has no entry bird; store it with: keyring set hooktop bird"
    ):
        keyring.read("bird")


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        (None, "its package is not installed; install hooktop with the extra 'keyring'"),
        (FakeKeyring(KeyringLocked(CANARY)), "it is locked; unlock it and try again"),
        (FakeKeyring(NoKeyringError(CANARY)), "there is no working backend for it on this machine"),
        (FakeKeyring(OSError(CANARY)), "its backend failed (OSError)"),
    ],
)
def test_trouble_is_told_without_what_the_backend_says(
    monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring | None, says: str
) -> None:
    use(monkeypatch, fake)
    for act in (lambda: keyring.read("bird"), lambda: keyring.store("bird", Secret(CANARY))):
        with pytest.raises(KeyringProblem) as caught:
            act()
        assert says in str(caught.value)
        assert str(caught.value).endswith(".")
        assert CANARY not in str(caught.value)
        assert isinstance(caught.value, ConfigError)
    assert not keyring.forget("bird")


def test_a_backend_that_forgets_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeKeyring(forgetful=True))
    with pytest.raises(KeyringProblem, match="no working backend"):
        keyring.store("bird", Secret(CANARY))


def test_with_the_package_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("keyring", reason="the extra 'keyring' is not installed")
    backend = importlib.import_module("keyring.backend")
    errors = importlib.import_module("keyring.errors")
    null = importlib.import_module("keyring.backends.null")
    entries: dict[tuple[str, str], str] = {}

    class Memory(backend.KeyringBackend):  # type: ignore[name-defined,misc]  # loaded just now
        priority = 1
        locked = False

        def get_password(self, service: str, username: str) -> str | None:
            if self.locked:
                raise errors.KeyringLocked(CANARY)
            return entries.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            entries[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            if entries.pop((service, username), None) is None:
                raise errors.PasswordDeleteError("not there")

    memory, before = Memory(), package.get_keyring()
    try:
        package.set_keyring(memory)
        keyring.store("bird", Secret(CANARY))
        assert keyring.read("bird") == CANARY
        assert keyring.forget("bird")
        assert not keyring.forget("bird")
        memory.locked = True
        with pytest.raises(KeyringProblem, match="it is locked"):
            keyring.read("bird")
        package.set_keyring(null.Keyring())
        with pytest.raises(KeyringProblem, match="no working backend"):
            keyring.store("bird", Secret(CANARY))
    finally:
        package.set_keyring(before)
