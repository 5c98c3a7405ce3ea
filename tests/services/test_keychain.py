"""Which keys verify what: from accounts, files, fetched keys and the keyring; a bad one costs nobody the others."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from monitor import jsonbody, tasks
from monitor.account import Account
from monitor.config import Config, ReceiverConfig
from monitor.model.capture import Request
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import SigningKey, verifying_key
from monitor.providers.registry import registry
from monitor.secret import KeyringSecret, Secret
from monitor.services import keyring
from monitor.services.keychain import Keychain
from monitor.services.keyring import KeyringProblem
from monitor.services.localkeys import LocalKeys
from monitor.store.public_keys import PublicKeys
from tests.corpora import corpora

CANARY = "canary-51d0c7aa-do-not-show"
BODY = b'{"type":"messaging","id":"rfw_1","payload":{"event_type":"message.received"},"time":1649370064}'
AT = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def volt_key() -> RSAPrivateKey:
    key = registry()["volt"].local_key()
    assert isinstance(key, RSAPrivateKey)
    return key


def pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def keychain(
    tmp_path: Path,
    *accounts: Account,
    stored: PublicKeys | None = None,
    from_keyring: Callable[[str], str] = keyring.read,
) -> Keychain:
    config = Config(ReceiverConfig(public_url="https://hooks.example.com"), accounts=accounts)
    return Keychain(config, stored, LocalKeys(tmp_path / "local"), from_keyring=from_keyring)


def status(provider: str, key: SigningKey, keys: Keys) -> VerdictStatus:
    """The verdict on a request that was signed with ``key``."""
    now = time.time()
    url = f"https://hooks.example.com/{provider}"
    headers = registry()[provider].sign(BODY, key, url=url, at=now)
    request = Request("POST", f"/{provider}", "", (("host", "hooks.example.com"), *headers), BODY, None)
    return registry()[provider].verify(request, jsonbody.parse(BODY), keys, now).status


@pytest.mark.parametrize(
    ("provider", "text", "signing"),
    [
        ("bird", "  KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk=", b"KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk="),
        ("connectly", "w-secret", b"w-secret"),
        ("oneroute", "o-secret", b"o-secret"),
        ("standard", "whsec_" + base64.b64encode(b"0123456789abcdef").decode(), b"0123456789abcdef"),
    ],
)
def test_every_signing_secret_of_every_account_verifies(
    tmp_path: Path, provider: str, text: str, signing: bytes
) -> None:
    accounts = (
        Account("first", provider, signing_secrets=(Secret("of the first"),)),
        Account("second", provider, signing_secrets=(Secret("older"), Secret(text))),
        Account("third", provider, signing_secrets=(Secret(text),)),
        Account("fourth", "bird" if provider != "bird" else "connectly", signing_secrets=(Secret("foreign"),)),
    )
    chain = keychain(tmp_path, *accounts)
    keys = chain.keys(provider)
    assert [key.origin for key in keys.keys] == ["first", "second", "second"]
    assert keys.public_url == "https://hooks.example.com"
    assert keys.why_none is None
    assert status(provider, signing, keys) is VerdictStatus.VERIFIED
    assert status(provider, b"foreign", keys) is VerdictStatus.INVALID
    assert chain.keys(provider) is keys


@pytest.mark.parametrize(
    ("by", "form"),
    [*(("path", form) for form in ("pem", "pkcs1", "ssh", "der", "base64", "windows")),
     *(("text", form) for form in ("pem", "pkcs1", "ssh", "base64"))],
)  # fmt: skip
def test_a_public_key_by_path_or_text(tmp_path: Path, volt_key: RSAPrivateKey, by: str, form: str) -> None:
    public = volt_key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = {
        "pem": pem(volt_key).encode(),
        "pkcs1": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" somebody@example.com\n",
        "der": der,
        "base64": base64.encodebytes(der),
        "windows": b"\xef\xbb\xbf" + pem(volt_key).replace("\n", "\r\n").encode(),
    }[form]
    file = tmp_path / "volt.pub"
    file.write_bytes(data)
    setting = str(file) if by == "path" else data.decode()
    keys = keychain(tmp_path, Account("volt", "volt", public_key=setting)).keys("volt")
    assert keys.why_none is None
    assert status("volt", volt_key, keys) is VerdictStatus.VERIFIED


def test_fetched_keys_are_used_when_they_are_trusted(tmp_path: Path, volt_key: RSAPrivateKey) -> None:
    stored = PublicKeys(tmp_path / "hooktop.db")
    older = registry()["volt"].local_key()
    assert isinstance(older, RSAPrivateKey)
    chain = keychain(tmp_path, stored=stored)
    assert chain.keys("volt").why_none == "Volt's public key was not fetched yet: run hooktop keys fetch volt"
    assert [trouble.text for trouble in chain.problems] == [chain.keys("volt").why_none]
    assert status("volt", volt_key, chain.keys("volt")) is VerdictStatus.NO_KEY

    stored.add("volt", "sha256:1", pem(older), "https://example.com/key", AT)
    stored.add("volt", "sha256:2", pem(volt_key), "https://example.com/key", AT)
    assert chain.keys("volt").keys == ()  # until it is told
    chain.fetched()
    assert chain.problems == ()
    assert status("volt", older, chain.keys("volt")) is VerdictStatus.VERIFIED
    assert status("volt", volt_key, chain.keys("volt")) is VerdictStatus.INVALID

    stored.trust("volt", "sha256:2")
    chain.fetched()
    for key in (older, volt_key):
        assert status("volt", key, chain.keys("volt")) is VerdictStatus.VERIFIED


async def test_a_key_of_ones_own_keeps_fetched_ones_out(tmp_path: Path, volt_key: RSAPrivateKey) -> None:
    stored = PublicKeys(tmp_path / "hooktop.db")
    fetched = registry()["volt"].local_key()
    assert isinstance(fetched, RSAPrivateKey)
    stored.add("volt", "sha256:1", pem(fetched), "https://example.com/key", AT)
    own = Account("mine", "volt", public_key=pem(volt_key))
    chain = keychain(tmp_path, own, stored=stored)
    assert chain.key_urls("volt") == ()
    assert [key.origin for key in chain.keys("volt").keys] == ["mine"]
    other = Account("other", "volt", public_key="https://keys.example.com/volt?x=1")
    chain.expect(replace(chain.config, accounts=(own, other)))
    await chain.unlock()
    assert chain.key_urls("volt") == ("https://keys.example.com/volt?x=1",)
    assert {key.origin for key in chain.keys("volt").keys} == {"mine", "https://example.com/key"}


def test_local_keys_are_apart_and_seen_as_soon_as_they_are_made(tmp_path: Path) -> None:
    chain = keychain(tmp_path)
    assert chain.keys("bird").keys == ()
    assert chain.local_keys("bird").keys == ()
    signing = LocalKeys(tmp_path / "local").signing_key("bird")
    assert chain.keys("bird").keys == ()
    assert chain.local_keys("bird").keys == (verifying_key(signing, "local"),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "was not found"),
        (b"", "the public key is empty"),
        (b"<html><body>404</body></html>", "HTML page"),
        (b"-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----\n", "cannot be read"),
        (b"ssh-dss AAAA", "of the kind ssh-dss"),
        (b"\x00\xff" * 100, "cannot be read"),
        (b"x" * 100_000, "bytes long"),
    ],
)
def test_public_key_files_that_are_none(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "volt.pub"
    if content is not None:
        file.write_bytes(content)
    chain = keychain(tmp_path, Account("volt", "volt", public_key=str(file)))
    keys = chain.keys("volt")
    assert keys.keys == ()
    assert keys.why_none is not None
    assert says in keys.why_none
    assert [(trouble.provider, trouble.account) for trouble in chain.problems] == [("volt", "volt")]


def test_a_private_key_is_refused_and_not_shown(tmp_path: Path, volt_key: RSAPrivateKey) -> None:
    text = volt_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    chain = keychain(tmp_path, Account("volt", "volt", public_key=text))
    why = chain.keys("volt").why_none
    assert why is not None
    assert "this is a private key" in why
    assert text.splitlines()[1] not in repr(chain.problems)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path in (str(tmp_path), "a\0b", str(tmp_path / ("x" * 300))):
        chain = keychain(tmp_path, Account("volt", "volt", public_key=path))
        assert "the public key file" in (chain.keys("volt").why_none or "")


def test_one_bad_key_does_not_cost_the_others(tmp_path: Path) -> None:
    def from_keyring(name: str) -> str:
        if name == "locked":
            raise KeyringProblem("The keyring entry locked cannot be read: it is locked; unlock it and try again.")
        return {"good": "from the keyring"}[name]

    accounts = (
        Account("a", "bird", signing_secrets=(KeyringSecret("locked"), Secret(" "), KeyringSecret("bug"))),
        Account("b", "bird", signing_secrets=(KeyringSecret("good"),)),
        Account("c", "connectly", signing_secrets=(KeyringSecret("locked"),)),
    )
    chain = keychain(tmp_path, *accounts, from_keyring=from_keyring)
    keys = chain.keys("bird")
    assert keys.why_none is None
    assert status("bird", b"from the keyring", keys) is VerdictStatus.VERIFIED
    locked = "The keyring entry locked cannot be read: it is locked; unlock it and try again"
    assert chain.keys("connectly").why_none == locked
    told = [(trouble.provider, trouble.account, trouble.text) for trouble in chain.problems if trouble.account]
    assert told == [
        ("bird", "a", locked),
        ("bird", "a", "the signing secret is empty"),
        ("bird", "a", "a key cannot be used (KeyError)"),
        ("connectly", "c", locked),
    ]


async def test_the_keyring_is_asked_once_and_again_where_it_was_locked(tmp_path: Path) -> None:
    asked: list[str] = []
    locked = True

    def from_keyring(name: str) -> str:
        asked.append(name)
        if locked and name == "two":
            raise KeyringProblem("The keyring is locked; unlock it.")
        return f"the secret {name}"

    accounts = [Account(name, "connectly", signing_secrets=(KeyringSecret(name),)) for name in ("one", "two")]
    chain = keychain(tmp_path, *accounts, from_keyring=from_keyring)
    await chain.unlock()
    for _ in range(3):
        assert len(chain.keys("connectly").keys) == 1
        assert [trouble.text for trouble in chain.problems if trouble.account == "two"]
        chain.reached("https://other.example.com")
        chain.registered({})
    assert asked == ["one", "two"]
    locked = False
    await chain.unlock()
    assert len(chain.keys("connectly").keys) == 2
    assert asked == ["one", "two", "two"]
    chain.expect(chain.config)
    await chain.unlock()
    assert len(chain.keys("connectly").keys) == 2
    assert asked[3:] == ["one", "two"]


async def test_no_capture_waits_for_the_keyring_that_another_configuration_needs(tmp_path: Path) -> None:
    asked, asking, go_on = [], threading.Event(), threading.Event()

    def from_keyring(name: str) -> str:
        asked.append((name, threading.current_thread().name))
        if len(asked) > 1:
            asking.set()
            assert go_on.wait(20)
        return f"the secret {name}"

    before, added = (Account(name, "connectly", signing_secrets=(KeyringSecret(name),)) for name in ("one", "two"))
    chain = keychain(tmp_path, before, from_keyring=from_keyring)
    await chain.unlock()
    chain.expect(replace(chain.config, accounts=(before, added)))
    unlocking = tasks.start(chain.unlock(), "unlock")
    try:
        assert await asyncio.to_thread(asking.wait, 20)
        assert [key.origin for key in chain.keys("connectly").keys] == ["one"]
        assert chain.config.accounts == (before, added)
    finally:
        go_on.set()
        await unlocking
    assert [key.origin for key in chain.keys("connectly").keys] == ["one", "two"]
    assert [name for name, _ in asked] == ["one", "one", "two"]
    assert threading.main_thread().name not in {thread for _, thread in asked}


@pytest.mark.parametrize("setting", ["public_key", "fingerprint"])
async def test_fetched_keys_stay_in_use_until_those_of_another_configuration_are_read(
    tmp_path: Path, volt_key: RSAPrivateKey, setting: str
) -> None:
    stored = PublicKeys(tmp_path / "hooktop.db")
    stored.add("volt", "sha256:1", pem(volt_key), "fetched", AT)
    other = registry()["volt"].local_key()
    assert isinstance(other, RSAPrivateKey)
    own = {
        "public_key": Account("mine", "volt", public_key=pem(other)),
        "fingerprint": Account("mine", "volt", fingerprint=f"sha256:{'0' * 64}"),
    }
    chain = keychain(tmp_path, stored=stored)
    chain.expect(replace(chain.config, accounts=(own[setting],)))
    chain.fetched()
    assert [key.origin for key in chain.keys("volt").keys] == ["fetched"]
    await chain.unlock()
    assert [key.origin for key in chain.keys("volt").keys] == (["mine"] if setting == "public_key" else [])


def test_a_database_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "hooktop.db").write_bytes(b"no database" * 1000)
    chain = keychain(tmp_path, stored=PublicKeys(tmp_path / "hooktop.db"))
    assert "the database is damaged" in (chain.keys("volt").why_none or "")


def test_a_provider_that_nobody_knows(tmp_path: Path) -> None:
    assert keychain(tmp_path).keys("nobody") == Keys(public_url="https://hooks.example.com")


def test_no_form_of_it_shows_a_secret(tmp_path: Path) -> None:
    account = Account("a", "bird", api_secret=Secret(CANARY), signing_secrets=(Secret(CANARY),))
    bad = Account("v", "volt", public_key=f"-----BEGIN PUBLIC KEY-----\n{CANARY}\n-----END PUBLIC KEY-----")
    chain = keychain(tmp_path, account, bad)
    shown = f"{chain.keys('bird')!r} {chain.keys('volt')!r} {chain.problems!r} {account!r}"
    assert CANARY not in shown


def test_every_key_file_of_others_is_taken_or_told(tmp_path: Path) -> None:
    taken = set()
    files = [file for file in sorted((corpora() / "pyca-keys").iterdir()) if file.suffix in (".pub", ".pem", ".der")]
    assert len(files) >= 39
    for file in files:
        chain = keychain(tmp_path, Account("volt", "volt", public_key=str(file)))
        keys = chain.keys("volt")
        assert bool(keys.keys) is (keys.why_none is None)
        if keys.keys:
            taken.add(file.name)
    assert "DER_Serialization__rsa_public_key.der" in taken
    assert not any("dsa" in name.lower().split("rsa")[0] for name in taken)
