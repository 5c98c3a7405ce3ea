"""Listing, fetching and trusting verification keys, with a server that publishes one over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from monitor.account import Account
from monitor.config import Config
from monitor.providers.keys import SigningKey, verifying_key
from monitor.secret import Secret
from monitor.services import keys
from monitor.services.keychain import Keychain
from monitor.services.keys import Fetched, KeysError, KnownKey
from monitor.services.localkeys import LocalKeys
from monitor.store.public_keys import Fetch, PublicKeys
from tests.admin.server import http, served

CANARY = "canary-0be7cc53-do-not-show"
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rsa(bits: int = 2048) -> tuple[SigningKey, bytes]:
    """A key, and the public half as it is published."""
    key = generate_private_key(public_exponent=65537, key_size=bits)
    return key, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" volt\n"


FIRST, FIRST_TEXT = rsa()
SECOND, SECOND_TEXT = rsa()


@asynccontextmanager
async def publishing(tmp_path: Path, body: bytes, status: str = "200 OK") -> AsyncIterator[Keychain]:
    """A keychain whose one account takes Volt's key from a server that answers with ``body``."""
    async with served(http(body, status)) as (url, _):
        account = Account("volt", "volt", api_secret=Secret(CANARY), public_key=f"{url}?t={CANARY}")
        yield Keychain(Config(accounts=(account,)), PublicKeys(tmp_path / "hooktop.db"), LocalKeys(tmp_path / "local"))


async def fetch(tmp_path: Path, body: bytes, at: datetime = AT) -> tuple[Fetched, Keychain]:
    async with publishing(tmp_path, body) as keychain:
        [found] = await keys.fetch(keychain, "volt", now=lambda: at)
    return found, keychain


async def test_the_first_key_is_trusted_a_changed_one_waits(tmp_path: Path) -> None:
    first, keychain = await fetch(tmp_path, FIRST_TEXT)
    assert first.outcome is Fetch.NEW
    assert (first.key.kind, first.key.bits, first.key.trusted, first.key.in_use) == ("RSA", 2048, True, True)
    assert first.key.fingerprint.startswith(verifying_key(FIRST, "").id)
    assert len(first.key.fingerprint) == len("sha256:") + 64
    assert first.sentence.endswith("the first for volt and trusted from now on.")
    assert [key.id for key in keychain.keys("volt").keys] == [verifying_key(FIRST, "").id]

    again, _ = await fetch(tmp_path, FIRST_TEXT, AT + timedelta(hours=1))
    assert again.outcome is Fetch.UNCHANGED
    assert again.sentence.endswith(" is unchanged.")

    changed, keychain = await fetch(tmp_path, SECOND_TEXT, AT + timedelta(hours=2))
    assert changed.outcome is Fetch.CHANGED
    assert not changed.key.in_use
    assert changed.sentence.endswith(f"run: hooktop keys trust {changed.key.fingerprint}")
    assert [key.id for key in keychain.keys("volt").keys] == [verifying_key(FIRST, "").id]
    assert [(key.fingerprint, key.trusted, key.in_use) for key in keys.listed(keychain)] == [
        (first.key.fingerprint, True, True),
        (changed.key.fingerprint, False, False),
    ]

    trusted = keys.trust(keychain, changed.key.fingerprint[:15])
    assert trusted == KnownKey(
        "volt", changed.key.fingerprint, "RSA", 2048, changed.key.origin, AT + timedelta(hours=2), True, True
    )
    used = {key.id for key in keychain.keys("volt").keys}
    assert used == {verifying_key(FIRST, "").id, verifying_key(SECOND, "").id}
    later, _ = await fetch(tmp_path, SECOND_TEXT)
    assert later.outcome is Fetch.UNCHANGED


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the public key is empty"),
        (b"<!doctype html><html>not found</html>", "this is an HTML page"),
        (FIRST_TEXT[:200], "cannot be read"),
        (b"-----BEGIN PUBLIC KEY-----\nMIIBIjANBg\n-----END PUBLIC KEY-----\n", "cannot be read"),
        (b"\x00\xff\xfe" * 50, "cannot be read"),
        (rsa(1024)[1].replace(b"ssh-rsa", b"ssh-dss"), "of the kind ssh-dss"),
        (
            Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "this is a private key",
        ),
    ],
    ids=["empty", "page", "cut off", "no key", "bytes", "another kind", "private"],
)
async def test_what_is_no_public_key_changes_nothing(tmp_path: Path, body: bytes, says: str) -> None:
    await fetch(tmp_path, FIRST_TEXT)
    async with publishing(tmp_path, body) as keychain:
        with pytest.raises(KeysError) as caught:
            await keys.fetch(keychain, "volt")
        assert says in str(caught.value)
        assert str(caught.value).endswith("; the keys known before stay in use.")
        assert CANARY not in str(caught.value)
        assert [key.id for key in keychain.keys("volt").keys] == [verifying_key(FIRST, "").id]


async def test_an_outage_leaves_the_known_key_in_use(tmp_path: Path) -> None:
    await fetch(tmp_path, FIRST_TEXT)
    async with publishing(tmp_path, b"<html>", "404 Not Found") as keychain:
        with pytest.raises(KeysError, match="answered 404, not with a public key") as caught:
            await keys.fetch(keychain, "volt")
    with pytest.raises(KeysError, match="there is no connection"):
        await keys.fetch(keychain, "volt")
    assert CANARY not in str(caught.value)
    [known] = keys.listed(keychain)
    assert (known.in_use, known.fetched_at) == (True, AT)


async def test_ed25519_keys_and_der(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    found, _ = await fetch(tmp_path, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert (found.key.kind, found.key.bits) == ("Ed25519", 256)


async def test_every_address_of_the_accounts_is_fetched(tmp_path: Path) -> None:
    async with served(http(FIRST_TEXT)) as (one, _), served(http(SECOND_TEXT)) as (two, _):
        accounts = (
            Account("a", "volt", public_key=one),
            Account("b", "volt", public_key=two),
            Account("c", "volt", public_key=one),
            Account("d", "volt", public_key=FIRST_TEXT.decode()),
        )
        keychain = Keychain(Config(accounts=accounts), PublicKeys(tmp_path / "hooktop.db"), LocalKeys(tmp_path))
        found = await keys.fetch(keychain, "volt")
    assert [(item.key.origin, item.outcome) for item in found] == [(one, Fetch.NEW), (two, Fetch.CHANGED)]


async def test_what_cannot_be_fetched(tmp_path: Path) -> None:
    stored, local = PublicKeys(tmp_path / "hooktop.db"), LocalKeys(tmp_path)
    keychain = Keychain(Config(), stored, local)
    with pytest.raises(KeysError, match="There is no provider 'vlot'; known are volt, bird"):
        await keys.fetch(keychain, "vlot")
    with pytest.raises(KeysError, match="Bird publishes no key; add its signing secret"):
        await keys.fetch(keychain, "bird")
    own = Account("mine", "volt", public_key=FIRST_TEXT.decode())
    with pytest.raises(KeysError, match="brings a public key of its own"):
        await keys.fetch(Keychain(Config(accounts=(own,)), stored, local), "volt")
    with pytest.raises(KeysError, match="kept in a database"):
        await keys.fetch(Keychain(Config(), None, local), "volt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fingerprint", ["", "sha256:", "1234567", "sha256:xyzxyzxyz", "0" * 65])
def test_fingerprints_that_are_none(tmp_path: Path, fingerprint: str) -> None:
    keychain = Keychain(Config(), PublicKeys(tmp_path / "hooktop.db"), LocalKeys(tmp_path))
    with pytest.raises(KeysError, match="A fingerprint is sha256: and 8 to 64 hex digits"):
        keys.trust(keychain, fingerprint)


def test_a_fingerprint_must_name_one_key(tmp_path: Path) -> None:
    stored = PublicKeys(tmp_path / "hooktop.db")
    for end in "ab":
        stored.add("volt", "sha256:" + "0" * 63 + end, "unreadable", "https://example.com/", AT)
    keychain = Keychain(Config(), stored, LocalKeys(tmp_path))
    with pytest.raises(KeysError, match="Several fetched keys have the fingerprint sha256:00000000;"):
        keys.trust(keychain, "00000000")
    with pytest.raises(KeysError, match="No fetched key has the fingerprint sha256:11111111;"):
        keys.trust(keychain, "SHA256:11111111")
    assert keys.trust(keychain, "sha256:" + "0" * 63 + "B").trusted
    assert [(key.kind, key.in_use) for key in keys.listed(keychain)] == [("unreadable", False)] * 2
    assert len(keychain.problems) == 2


def test_the_list_has_every_key_and_no_secret(tmp_path: Path) -> None:
    local = LocalKeys(tmp_path)
    local.signing_key("bird")
    secret = Secret(CANARY)
    config = Config(accounts=(Account("bird-eu", "bird", signing_secrets=(secret,)),))
    stored = PublicKeys(tmp_path / "hooktop.db")
    found = keys.listed(Keychain(config, stored, local))
    assert [(key.provider, key.origin, key.kind, key.bits, key.in_use) for key in found] == [
        ("bird", "bird-eu", "secret", None, True),
        ("bird", "local", "secret", None, True),
    ]
    assert found[0].fingerprint == secret.fingerprint()
    assert CANARY not in repr(found)
    without = Keychain(replace(config, accounts=()), None, LocalKeys(tmp_path / "other"))
    assert keys.listed(without) == []
