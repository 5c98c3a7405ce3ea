"""The signing keys that hooktop makes: where they rest, whose they are, and that they verify at once."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.account import Account
from monitor.config import Config
from monitor.secret import Secret, fingerprint
from monitor.services.keychain import Keychain
from monitor.services.localkeys import LocalKeys
from monitor.services.signingkeys import FILE_NAME, KEPT_FOR, SigningKeyProblem, SigningKeys, new_key
from tests.services.keyrings import FakeKeyring, KeyringLocked, NoKeyringError

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CANARY = Secret("c2FtcGxlLWNhbmFyeS1rZXktb2YtMzItYnl0ZXMhISE=")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    found = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", found)
    return found


def test_a_new_key_has_the_form_of_the_documented_example() -> None:
    keys = {new_key().reveal() for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {44}
    assert all(key.endswith("=") for key in keys)


def test_without_a_keyring_a_key_rests_in_a_private_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = SigningKeys(tmp_path / "data").keep("bird-eu", "bird", "sms", CANARY, T0)
    finally:
        os.umask(before)
    assert not made.in_keyring
    path = tmp_path / "data" / FILE_NAME
    assert CANARY.reveal() in path.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        assert SigningKeys(tmp_path / "data").made() == (made,)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600  # read by others no longer
    assert CANARY.reveal() not in repr(made)
    assert made.fingerprint == fingerprint(CANARY.reveal().encode())


def test_with_a_keyring_only_its_entry_is_in_the_file(tmp_path: Path, ring: FakeKeyring) -> None:
    keys = SigningKeys(tmp_path)
    made = keys.keep("bird-eu", "bird", "sms", CANARY, T0)
    assert made.in_keyring
    assert list(ring.entries.values()) == [CANARY.reveal()]
    assert CANARY.reveal() not in (tmp_path / FILE_NAME).read_text()
    assert SigningKeys(tmp_path).made("bird")[0].text() == CANARY.reveal()
    assert keys.made("volt") == ()


@pytest.mark.parametrize("trouble", [KeyringLocked(), NoKeyringError()])
def test_a_keyring_that_takes_nothing_is_no_loss(tmp_path: Path, ring: FakeKeyring, trouble: Exception) -> None:
    ring.trouble = trouble
    made = SigningKeys(tmp_path).keep("bird-eu", "bird", "sms", CANARY, T0)
    assert made.text() == CANARY.reveal()


def test_a_key_becomes_the_registration_s_and_the_one_before_is_kept_for_a_while(
    tmp_path: Path, ring: FakeKeyring
) -> None:
    keys = SigningKeys(tmp_path)
    first = keys.keep("bird-eu", "bird", "sms", new_key(), T0)
    assert keys.of("bird", "sub-1") is None
    keys.tie("bird-eu", "sms", "sub-1", T0 + SECOND, T0)  # made before it was asked for: not this one's
    assert keys.of("bird", "sub-1") is None
    keys.tie("bird-eu", "sms", "sub-1", T0, T0)
    now = keys.of("bird", "sub-1")
    assert now is not None
    assert now.fingerprint == first.fingerprint
    assert keys.of("volt", "sub-1") is None

    second = keys.keep("bird-eu", "bird", "sms", new_key(), T0 + SECOND)
    keys.tie("bird-eu", "sms", "sub-1", T0 + SECOND, T0 + SECOND)
    now = keys.of("bird", "sub-1")
    assert now is not None
    assert now.fingerprint == second.fingerprint
    assert [key.fingerprint for key in keys.made()] == [second.fingerprint, first.fingerprint]
    assert [key.retired_at for key in keys.made()] == [None, T0 + SECOND]

    keys.keep("bird-eu", "bird", "other", new_key(), T0 + KEPT_FOR)
    assert len(keys.made()) == 3  # both still verify what is sent again
    assert len(ring.entries) == 3
    keys.keep("bird-eu", "bird", "other", new_key(), T0 + SECOND + KEPT_FOR)
    assert first.fingerprint not in [key.fingerprint for key in keys.made()]
    assert len(ring.entries) == 3


def test_keys_that_are_of_no_use_are_retired(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    keys.keep("bird-eu", "bird", "sms", new_key(), T0)
    keys.tie("bird-eu", "sms", "sub-1", T0, T0)
    keys.keep("bird-eu", "bird", "sms", new_key(), T0 + SECOND)
    keys.give_up("bird-eu", "sms", T0 + SECOND, T0 + SECOND)
    keys.give_up("bird-eu", "unheard of", T0, T0)
    assert keys.of("bird", "sub-1") is not None
    keys.retire("bird", "sub-1", T0 + SECOND)
    keys.retire("bird", "unheard of", T0)
    assert keys.of("bird", "sub-1") is None
    assert [key.retired_at for key in keys.made()] == [T0 + SECOND, T0 + SECOND]


def test_of_two_that_are_made_at_once_each_becomes_its_own_registration_s(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    prints = [keys.keep("bird-eu", "bird", "sms", new_key(), T0).fingerprint for _ in range(3)]
    keys.give_up("bird-eu", "sms", T0, T0, prints[0])
    for registration, print_ in (("sub-2", prints[2]), ("sub-1", prints[1])):
        keys.tie("bird-eu", "sms", registration, T0, T0, print_)
    found = {registration: keys.of("bird", registration) for registration in ("sub-1", "sub-2")}
    assert {name: key and key.fingerprint for name, key in found.items()} == {"sub-1": prints[1], "sub-2": prints[2]}
    assert [key.retired_at for key in keys.made()] == [None, None, T0]


def test_another_process_s_keys_are_seen(tmp_path: Path) -> None:
    keys, other = SigningKeys(tmp_path), SigningKeys(tmp_path)
    assert keys.made() == ()
    state = keys.state()
    made = other.keep("bird-eu", "bird", "sms", CANARY, T0)
    assert keys.state() != state
    assert keys.made() == (made,)
    keys.keep("bird-eu", "bird", "mms", new_key(), T0)
    assert len(other.made()) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": 1}', "[" * 9999, '{"keys": "\u00fc"}'])
def test_a_file_that_cannot_be_read_is_told_and_never_overwritten(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    keys = SigningKeys(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert keys.made() == keys.made() == ()
    assert len(caplog.records) == 1
    with pytest.raises(SigningKeyProblem, match="cannot be written"):
        keys.keep("bird-eu", "bird", "sms", CANARY, T0)
    assert path.read_text("utf-8") == text
    assert keys.of("bird", "sub-1") is None
    keys.retire("bird", "sub-1", T0)


def test_a_keyring_entry_is_taken_back_when_the_file_cannot_be_written(tmp_path: Path, ring: FakeKeyring) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(SigningKeyProblem):
        SigningKeys(tmp_path).keep("bird-eu", "bird", "sms", CANARY, T0)
    assert ring.entries == {}


def test_entries_of_another_form_are_left_out(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    made = keys.keep("bird-eu", "bird", "sms", CANARY, T0)
    path = tmp_path / FILE_NAME
    good = json.loads(path.read_text())["keys"][0]
    bad = [{**good, name: value} for name in good for value in (None, 1, [], "x" if name.endswith("_at") else {})]
    path.write_text(json.dumps({"keys": [*bad, 1, None, good]}))
    assert SigningKeys(tmp_path).made()[0] == made
    assert {key.account for key in SigningKeys(tmp_path).made()} == {"bird-eu"}


async def test_a_key_verifies_as_soon_as_it_is_made(tmp_path: Path, ring: FakeKeyring) -> None:
    keys = SigningKeys(tmp_path)
    config = Config(accounts=(Account("bird-eu", "bird", signing_secrets=(Secret("sample-older-key"),)),))
    chain = Keychain(config, None, LocalKeys(tmp_path), signing=keys)
    assert [key.origin for key in chain.keys("bird").keys] == ["bird-eu"]
    SigningKeys(tmp_path).keep("bird-eu", "bird", "sms", CANARY, T0)  # by a command beside this monitor
    found = chain.keys("bird").keys
    assert [key.origin for key in found] == ["bird-eu", "bird-eu, made by hooktop"]
    assert found[1].secret == CANARY.reveal().encode()
    assert chain.keys("connectly").keys == ()
    assert chain.problems == () or all(trouble.provider != "bird" for trouble in chain.problems)
    ring.trouble = KeyringLocked()
    chain.expect(chain.config)
    await chain.unlock()
    assert len(chain.keys("bird").keys) == 1  # a locked keyring costs nobody the others
    assert any("locked" in trouble.text for trouble in chain.problems)
