"""A public key that the configuration names by its fingerprint (threat T4), fetched over real HTTP."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.account import Account
from monitor.cli.app import run
from monitor.config import Config, ConfigError, parse
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.keys import verifying_key, whole_fingerprint
from monitor.providers.registry import registry
from monitor.services import keys
from monitor.services.examine import Examiner
from monitor.services.keychain import Keychain
from monitor.services.keys import KeysError
from monitor.services.localkeys import LocalKeys
from monitor.store.public_keys import Fetch, PublicKeys
from tests.admin.server import http, served
from tests.factory import START, make_request
from tests.web import web

BODY = b'{"type":"messaging","id":"rfw_1","payload":{"event_type":"message.received"},"time":1649370064}'


def pair() -> tuple[RSAPrivateKey, str, bytes]:
    """A key, its fingerprint, and the public half as it is published."""
    key = registry()["volt"].local_key()
    assert isinstance(key, RSAPrivateKey)
    published = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key, whole_fingerprint(verifying_key(key, "test")), published


REAL, REAL_PRINT, REAL_TEXT = pair()
SWAPPED, SWAPPED_PRINT, SWAPPED_TEXT = pair()


@asynccontextmanager
async def publishing(tmp_path: Path, body: bytes, fingerprint: str | None = None) -> AsyncIterator[Keychain]:
    """A keychain whose one account takes Volt's key from a server that answers with ``body``."""
    async with served(http(body)) as (url, _):
        account = Account("v", "volt", public_key=url, fingerprint=fingerprint)
        yield Keychain(Config(accounts=(account,)), PublicKeys(tmp_path / "h.db"), LocalKeys(tmp_path / "local"))


def verdict(keychain: Keychain, key: RSAPrivateKey) -> Verdict:
    """The verdict on a request that was signed with ``key``."""
    signed = registry()["volt"].sign(BODY, key, url="", at=time.time())
    request = make_request(BODY)
    request = replace(request, headers=(*request.headers, *signed))
    return Examiner(registry(), keychain, lambda *_: False).examine(request, received_at=START).verdict


async def test_t4_a_key_that_the_configuration_does_not_name_is_never_used(tmp_path: Path) -> None:
    async with publishing(tmp_path, SWAPPED_TEXT, REAL_PRINT) as keychain:
        [found] = await keys.fetch(keychain, "volt")
        assert (found.outcome, found.key.trusted, found.key.in_use) == (Fetch.OTHER, False, False)
        assert "the configuration names another (public_key_fingerprint)" in found.sentence
        [known] = keys.listed(keychain)
        assert (known.fingerprint, known.trusted, known.in_use, known.refused) == (SWAPPED_PRINT, False, False, True)
        on_screen = verdict(keychain, SWAPPED)
        assert on_screen.status is VerdictStatus.NO_KEY
        assert f"the public key {SWAPPED_PRINT} from {known.origin} is not used" in on_screen.reason
        with pytest.raises(KeysError, match="The configuration names another key for volt"):
            keys.trust(keychain, SWAPPED_PRINT)
        assert verdict(keychain, SWAPPED).status is VerdictStatus.NO_KEY


async def test_t4_the_key_that_is_named_is_used_at_once_and_stays_in_use_when_another_comes(tmp_path: Path) -> None:
    async with publishing(tmp_path, SWAPPED_TEXT) as keychain:  # before anything was named: trusted, being the first
        await keys.fetch(keychain, "volt")
        assert verdict(keychain, SWAPPED).status is VerdictStatus.VERIFIED
    async with publishing(tmp_path, REAL_TEXT, REAL_PRINT) as keychain:
        assert verdict(keychain, SWAPPED).status is VerdictStatus.NO_KEY
        [found] = await keys.fetch(keychain, "volt")
        assert (found.outcome, found.key.in_use) == (Fetch.NEW, True)
        assert verdict(keychain, REAL).status is VerdictStatus.VERIFIED
        assert verdict(keychain, SWAPPED).status is VerdictStatus.INVALID
        [again] = await keys.fetch(keychain, "volt")
        assert again.outcome is Fetch.UNCHANGED
        assert keychain.problems == ()
    async with publishing(tmp_path, SWAPPED_TEXT, REAL_PRINT) as keychain:
        [swapped] = await keys.fetch(keychain, "volt")
        assert swapped.outcome is Fetch.OTHER
        assert verdict(keychain, REAL).status is VerdictStatus.VERIFIED
        assert verdict(keychain, SWAPPED).status is VerdictStatus.INVALID
        assert [SWAPPED_PRINT in trouble.text for trouble in keychain.problems] == [True]


async def test_t4_the_fingerprint_is_reckoned_from_the_key_and_not_taken_from_the_database(tmp_path: Path) -> None:
    async with publishing(tmp_path, REAL_TEXT, REAL_PRINT) as keychain:
        await keys.fetch(keychain, "volt")
        with closing(sqlite3.connect(tmp_path / "h.db")) as db, db:
            db.execute("UPDATE public_keys SET text = ?", (SWAPPED_TEXT.decode(),))
        keychain.fetched()
        assert verdict(keychain, SWAPPED).status is VerdictStatus.NO_KEY
        assert SWAPPED_PRINT in keychain.problems[0].text


def test_t4_a_key_in_a_file_must_be_the_named_one_too(tmp_path: Path) -> None:
    file = tmp_path / "volt.pem"
    file.write_bytes(SWAPPED_TEXT)
    account = Account("v", "volt", public_key=str(file), fingerprint=REAL_PRINT)
    keychain = Keychain(Config(accounts=(account,)), None, LocalKeys(tmp_path / "local"))
    assert verdict(keychain, SWAPPED).status is VerdictStatus.NO_KEY
    file.write_bytes(REAL_TEXT)
    keychain.fetched()
    assert verdict(keychain, REAL).status is VerdictStatus.VERIFIED


@pytest.mark.parametrize("written", ["sha256:1a2b3c4d", "0" * 64, "sha256:" + "g" * 64, "sha1:" + "0" * 40])
def test_t4_what_is_no_whole_fingerprint_is_a_mistake(tmp_path: Path, written: str) -> None:
    text = f'[accounts.v]\nprovider = "volt"\npublic_key_fingerprint = "{written}"\n'
    with pytest.raises(ConfigError, match=r"line 3: \[accounts\.v\] public_key_fingerprint is no fingerprint"):
        parse(text, tmp_path / "config.toml", {})
    right = parse(text.replace(written, REAL_PRINT.upper().replace("SHA", "sha")), tmp_path / "config.toml", {})
    assert right.accounts[0].fingerprint == REAL_PRINT
    [account] = parse("", tmp_path / "config.toml", {"VOLT_PUBLIC_KEY_FINGERPRINT": REAL_PRINT}).accounts
    assert account.fingerprint == REAL_PRINT


def test_t4_the_commands_say_why_a_key_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    common = ["--db", str(tmp_path / "h.db"), "--config", str(config)]
    with web(lambda asked: (200, SWAPPED_TEXT)) as (url, _):
        config.write_text(
            f'[accounts.v]\nprovider = "volt"\npublic_key = "{url}"\npublic_key_fingerprint = "{REAL_PRINT}"\n'
        )
        config.chmod(0o600)
        assert run(["keys", "fetch", "volt", *common]) == 1
        assert "If this one is genuine, name it there." in capsys.readouterr().out
    assert run(["keys", "list", *common]) == 0
    out, err = capsys.readouterr()
    assert "NOT THE ONE NAMED" in out
    assert f"volt: the public key {SWAPPED_PRINT} from {url}" in err
    assert run(["keys", "trust", SWAPPED_PRINT, *common]) == 1
    assert "names another key for volt" in capsys.readouterr().err
    assert run(["doctor", *common]) == 1
    out = capsys.readouterr().out
    assert "is not the one named, and not used" in out
    assert "keys trust" not in out
