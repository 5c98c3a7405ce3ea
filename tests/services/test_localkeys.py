"""This installation's own keys, stamp and path token, in one private file that several processes share."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.providers.generic import Generic
from monitor.providers.keys import KeyProblem, SigningKey, signing_key_text
from monitor.providers.registry import Registry, registry
from monitor.services import localkeys
from monitor.services.localkeys import FILE_NAME, LocalKeys

NAMES = registry().names()


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    local = LocalKeys(tmp_path / "data")
    assert [local.verifying(name) for name in NAMES] == [None] * len(NAMES)
    assert not local.is_stamp(b"body", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_made_once_and_has_its_counterpart(tmp_path: Path, name: str) -> None:
    local = LocalKeys(tmp_path)
    first = signing_key_text(local.signing_key(name))
    assert signing_key_text(local.signing_key(name)) == first
    assert signing_key_text(LocalKeys(tmp_path).signing_key(name)) == first
    key = local.verifying(name)
    assert key is not None
    assert key.origin == "local"
    assert local.verifying(name) is key
    assert first not in repr(key)


class Plugged(Generic):
    """A plug-in that signs with the keys that it is told to."""

    name = "plugged"

    def __init__(self, makes: Callable[[], SigningKey]) -> None:
        self.local_key = makes  # type: ignore[method-assign]


def test_a_plug_in_that_signs_with_another_kind_of_key_gets_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(makes: Callable[[], SigningKey]) -> SigningKey:
        monkeypatch.setattr(localkeys, "registry", lambda: Registry([Plugged(makes)]))
        return LocalKeys(tmp_path).signing_key("plugged")

    assert of(lambda: b"first") == of(lambda: b"second") == b"first"
    key = of(Ed25519PrivateKey.generate)
    assert isinstance(key, Ed25519PrivateKey)
    assert signing_key_text(of(Ed25519PrivateKey.generate)) == signing_key_text(key)


def test_unknown_providers(tmp_path: Path) -> None:
    local = LocalKeys(tmp_path)
    with pytest.raises(KeyProblem, match="There is no provider 'nobody'; known are volt"):
        local.signing_key("nobody")
    assert local.verifying("nobody") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=100), other=st.binary(max_size=100), value=st.text(max_size=80))
def test_only_the_stamp_of_this_body_is_one(tmp_path: Path, body: bytes, other: bytes, value: str) -> None:
    local = LocalKeys(tmp_path)
    stamp = local.stamp(body)
    assert re.fullmatch(r"[0-9a-f]{64}", stamp)
    assert local.is_stamp(body, stamp)
    assert not local.is_stamp(body, stamp.upper()) or stamp.isdigit()
    assert local.is_stamp(other, stamp) is (other == body)
    assert local.is_stamp(body, value) is (value == stamp)


def test_no_other_installation_makes_the_same_stamp(tmp_path: Path) -> None:
    mine, theirs = LocalKeys(tmp_path / "mine"), LocalKeys(tmp_path / "theirs")
    assert mine.stamp(b"x") != theirs.stamp(b"x")
    assert not mine.is_stamp(b"x", theirs.stamp(b"x"))


def test_the_path_token_stays(tmp_path: Path) -> None:
    token = LocalKeys(tmp_path).path_token()
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    assert LocalKeys(tmp_path).path_token() == token
    assert LocalKeys(tmp_path / "other").path_token() != token


def test_what_another_process_makes_is_seen_while_running(tmp_path: Path) -> None:
    local = LocalKeys(tmp_path)
    assert local.verifying("bird") is None
    script = (
        "import sys, pathlib\n"
        "from monitor.services.localkeys import LocalKeys\n"
        "local = LocalKeys(pathlib.Path(sys.argv[1]))\n"
        "local.signing_key('bird')\n"
        "print(local.stamp(b'body'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert local.is_stamp(b"body", done.stdout.strip())
    assert local.verifying("bird") is not None


def test_two_that_make_keys_at_once_lose_none(tmp_path: Path) -> None:
    names = [name for name in NAMES if name != "volt"]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda name: signing_key_text(LocalKeys(tmp_path).signing_key(name)), names * 4))
    assert made == made[: len(names)] * 4
    assert set(json.loads((tmp_path / FILE_NAME).read_bytes())["keys"]) == set(names)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_file_is_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        local = LocalKeys(tmp_path / "data")
        local.stamp(b"x")
        local.signing_key("bird")
    finally:
        os.umask(before)
    folder = tmp_path / "data"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    (folder / FILE_NAME).chmod(0o644)
    assert LocalKeys(folder).is_stamp(b"x", local.stamp(b"x"))
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b"{}",
        b'{"keys": 3, "stamp": 4, "path_token": []}',
        b'{"keys": {"bird": 3}, "stamp": "short"}',
        b'{"keys": {"bird": "no key"}, "stamp": null}',
        b'{"keys": {"bird": "-----BEGIN PRIVATE KEY-----"}}',
    ],
)
def test_a_damaged_file_is_mended_when_something_is_made(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    local = LocalKeys(tmp_path)
    assert local.verifying("bird") is None
    assert not local.is_stamp(b"x", "0" * 64)
    local.signing_key("bird")
    assert local.verifying("bird") is not None
    assert local.is_stamp(b"x", local.stamp(b"x"))
    assert local.path_token() == LocalKeys(tmp_path).path_token()


def test_a_file_that_goes_away_while_running(tmp_path: Path) -> None:
    local = LocalKeys(tmp_path)
    stamp = local.stamp(b"x")
    (tmp_path / FILE_NAME).unlink()
    assert not local.is_stamp(b"x", stamp)
    assert local.stamp(b"x") != stamp


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    local = LocalKeys(tmp_path / "file" / "data")
    for make in (lambda: local.stamp(b""), local.path_token, lambda: local.signing_key("bird")):
        with pytest.raises(KeyProblem, match=r"^The local keys in .* cannot be written \(Not a directory\); make"):
            make()
    assert local.verifying("bird") is None
    assert not local.is_stamp(b"", "")
