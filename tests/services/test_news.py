"""What commands in other terminals change is obeyed by the program that runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.account import Account
from monitor.providers.keys import SigningKey
from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.secret import Secret
from monitor.services import news as module
from monitor.services.assemble import assembled
from monitor.services.configfile import ConfigFile
from monitor.services.desk import Desk
from monitor.services.monitor import Settings
from monitor.services.news import News, differences
from monitor.services.registrations import Registrations
from monitor.store.public_keys import PublicKeys
from monitor.store.registrations import RegistrationStore
from tests.cli.processes import Listening, event, hooktop, listening, signed
from tests.factory import START

WAIT_S = 20
SECRET = b"sample-secret-of-a-test"
ACCOUNT = '[accounts.{}]\nprovider = "volt"\n'


def posted(running: Listening, provider: str, key: SigningKey) -> str:
    """Post a signed webhook; gives its verdict."""
    body = event(provider)
    assert running.post(f"/{provider}", body, signed(provider, key, body, f"{running.url}/{provider}")) == 200
    capture = running.next()
    assert capture is not None
    return str(capture["verdict"]["status"])


def until(wanted: str, running: Listening, provider: str, key: SigningKey) -> None:
    """Post until the verdict is this."""
    end = time.monotonic() + WAIT_S
    while (verdict := posted(running, provider, key)) != wanted:
        assert time.monotonic() < end, verdict
        time.sleep(0.2)


def test_a_key_that_was_fetched_is_used_at_once(tmp_path: Path) -> None:
    key = registry()["volt"].local_key()
    with listening("--db", str(tmp_path / "h.db")) as running:
        assert posted(running, "volt", key) == "no_key"
        assert not isinstance(key, bytes)
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        PublicKeys(tmp_path / "h.db").add("volt", registry()["volt"].key(pem, "a test").id, pem, "a test", START)
        until("verified", running, "volt", key)
        running.end()
        assert "The public keys that may be used have changed." in running.errors()


@pytest.mark.slow
def test_an_account_that_was_added_is_used_and_one_that_was_removed_no_longer(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("", "utf-8")
    config.chmod(0o600)
    env = {"SAMPLE_SECRET": SECRET.decode()}
    with listening("--config", str(config), "--db", str(tmp_path / "h.db"), env=env) as running:
        assert posted(running, "connectly", SECRET) == "no_key"
        words = ("accounts", "add", "connectly", "--set", "webhook_secrets=env:SAMPLE_SECRET")
        done = hooktop("--config", str(config), *words, env=env)
        assert done.returncode == 0, done.stderr
        until("verified", running, "connectly", SECRET)
        config.write_text("[receiver]\nport = true\n", "utf-8")  # the editor was not finished
        time.sleep(3)
        assert posted(running, "connectly", SECRET) == "verified"
        config.write_text("", "utf-8")
        until("no_key", running, "connectly", SECRET)
        running.end()
        said = running.errors()
        assert "The accounts have changed: connectly added." in said
        assert "The accounts stay as they were: " in said
        assert "The accounts have changed: connectly removed." in said
        assert SECRET.decode() not in said


@pytest.mark.slow
def test_secrets_of_the_environment_are_there_when_the_file_is_read_again(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[accounts.connectly]\nprovider = "connectly"\nwebhook_secrets = ["env:SAMPLE_SECRET"]\n', "utf-8"
    )
    config.chmod(0o600)
    env = {"SAMPLE_SECRET": SECRET.decode()}
    with listening("--config", str(config), "--db", str(tmp_path / "h.db"), env=env) as running:
        assert posted(running, "connectly", SECRET) == "verified"
        with config.open("a", encoding="utf-8") as file:
            file.write('[accounts.volt]\nprovider = "volt"\n')
        time.sleep(3)
        assert posted(running, "connectly", SECRET) == "verified"
        running.end()
        assert running.errors().endswith("The accounts have changed: volt added.\n")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([], [], ""),
        (["a"], ["a"], ""),
        (["a"], ["a", "b"], "b added"),
        (["a", "b", "c"], ["a!", "d", "e"], "d, e added; b, c removed; a changed"),
    ],
)
def test_differences(before: list[str], after: list[str], said: str) -> None:
    old, new = (
        [Account(name[0], "connectly", signing_secrets=(Secret(name),)) for name in names] for names in (before, after)
    )
    assert differences(old, new) == said


def test_a_name_of_an_account_cannot_act_on_the_terminal() -> None:
    assert "\x1b" not in differences([], [Account("\x1b[2J", "volt")])


class Looking:
    """A program that looks for news in a configuration, and what it said of them."""

    def __init__(self, config: Path, news: News, registrations: Registrations) -> None:
        self.config = config
        self.news = news
        self.registrations = registrations
        self._said: list[str] = []
        news.on_news = lambda sentence, bad: self._said.append(sentence)

    async def told(self) -> list[str]:
        """What was said since the last call, one sentence at least."""
        async with asyncio.timeout(10):
            while not self._said:
                await asyncio.sleep(0.01)
        told, self._said = self._said, []
        return told


@asynccontextmanager
async def looking(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looking]:
    """A program that looks again and again at a configuration with this text."""
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    config = folder / "config.toml"
    config.write_text(text, "utf-8")
    config.chmod(0o600)
    file = ConfigFile(config)
    async with assembled(
        file.load(), Settings(), bind("127.0.0.1", 0), folder / "h.db", local_folder=folder, file=file
    ) as assembly:
        assert assembly.news is not None
        yield Looking(config, assembly.news, assembly.registrations)


async def test_a_look_that_failed_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = asyncio.Event()

    class Once(ConfigFile):
        def state(self) -> object:
            if not failed.is_set():
                failed.set()
                raise RuntimeError("for once")
            return super().state()

    async with looking(tmp_path, "", monkeypatch) as at:
        at.news.file = Once(at.config)
        await asyncio.wait_for(failed.wait(), 10)
        at.config.write_text(ACCOUNT.format("volt"), "utf-8")
        assert await at.told() == ["The accounts have changed: volt added."]


async def test_a_key_that_is_not_trusted_is_told_as_unused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(tmp_path, ACCOUNT.format("volt"), monkeypatch) as at:
        keys = PublicKeys(tmp_path / "h.db")
        for name, said in (("first", module.KEYS), ("second", module.WAITS.format("volt"))):
            keys.add("volt", name, "no PEM", "a test", START)
            assert await at.told() == [said]
        keys.trust("volt", "second")
        assert await at.told() == [module.KEYS]


async def test_a_file_is_read_once_it_is_written_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(tmp_path, ACCOUNT.format("volt"), monkeypatch) as at:
        at.config.write_text("", "utf-8")  # as editors do first
        await asyncio.sleep(0.1)
        at.config.write_text(ACCOUNT.format("volt") + ACCOUNT.format("other"), "utf-8")
        assert await at.told() == ["The accounts have changed: other added."]
        at.config.chmod(0o644)
        [refused] = await at.told()
        assert refused.startswith(f"The accounts stay as they were: {at.config} can be read or changed by others")
        at.config.write_text("", "utf-8")
        assert refused in await at.told()
        at.config.chmod(0o600)
        assert await at.told() == ["The accounts have changed: volt, other removed."]


async def test_webhooks_that_another_terminal_changes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(tmp_path, ACCOUNT.format("volt"), monkeypatch) as at:
        RegistrationStore(tmp_path / "h.db").want("volt", "volt", "webhook", {}, START)
        assert await at.told() == ["The webhooks of volt were changed in another terminal."]


async def test_no_news_waits_for_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(desk: Desk) -> None:
        if desk.listed is not None:
            await asyncio.Event().wait()
        desk.listed = ()

    monkeypatch.setattr(Desk, "look", look)
    async with looking(tmp_path, ACCOUNT.format("volt"), monkeypatch) as at:
        await at.registrations.refresh()
        RegistrationStore(tmp_path / "h.db").want("volt", "volt", "webhook", {}, START)
        assert await at.told() == ["The webhooks of volt were changed in another terminal."]
        at.config.write_text(ACCOUNT.format("volt") + ACCOUNT.format("other"), "utf-8")
        assert await at.told() == ["The accounts have changed: other added."]
