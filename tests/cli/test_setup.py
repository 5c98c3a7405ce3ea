"""``accounts``, ``keys`` and ``doctor``."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from monitor import paths
from monitor.cli.app import run
from monitor.cli.doctor import _database
from monitor.store.message_reader import MessageReader
from tests.cli.processes import accounts as make_accounts
from tests.cli.processes import listening
from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal
from tests.factory import storing
from tests.ports import free_port
from tests.web import web

CANARY = "canary-9f0aa1b2c3d4"


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints."""
    assert run(list(words)) == code
    out, err = capsys.readouterr()
    return out, err


def test_accounts_come_and_go(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MY_SECRET", CANARY)
    assert "There are no accounts yet" in said(capsys, "accounts", "list")[1]
    assert "'hooktop accounts add bird'" in said(capsys, "accounts", "test", "bird", code=2)[1]
    out, _ = said(
        capsys, "accounts", "add", "connectly", "--name", "shop",
        "--set", "webhook_secrets=env:MY_SECRET", "--set", "business_id=b-1",
    )  # fmt: skip
    assert "The account shop is in" in out
    assert paths.default_config().stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("MY_SECRET", CANARY)  # a command that reads the configuration takes it out of the environment
    out, _ = said(capsys, "accounts", "list", "--json")
    assert "MY_SECRET" not in os.environ
    account = json.loads(out)
    assert (account["kind"], account["name"], account["provider"]) == ("account", "shop", "connectly")
    assert account["settings"]["webhook_secrets"] == "••••c3d4"
    monkeypatch.setenv("MY_SECRET", CANARY)
    assert CANARY not in said(capsys, "accounts", "list")[0]
    _, err = said(capsys, "accounts", "remove", "shop", code=2)
    assert "say --yes" in err
    assert "is removed" in said(capsys, "accounts", "remove", "shop", "--yes")[0]
    assert said(capsys, "accounts", "list", "--json") == ("", "")
    assert "There is no account shop" in said(capsys, "accounts", "remove", "shop", "--yes", code=2)[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "acme"], "There is no provider 'acme' with accounts"),
        (["add", "volt"], "Settings are asked for at a terminal only"),
        (["add", "volt", "--set", "token"], "A setting is written as NAME=VALUE"),
        (["add", "volt", "--set", f"token={CANARY}"], "Token is a secret"),
        (["add", "volt", "--set", "tokn=x"], "An account of volt has no tokn"),
    ],
)
def test_accounts_that_cannot_be_added(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = said(capsys, "accounts", *words, code=2)
    assert err.startswith(f"hooktop: {sentence}")
    assert CANARY not in err
    assert not paths.default_config().exists()


def test_an_account_is_changed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FIRST", "f")
    said(capsys, "accounts", "add", "bird", "--set", "signing_keys=env:FIRST", "--set", "workspace_id=w")
    monkeypatch.setenv("SECOND", CANARY)
    words = ["--set", "signing_keys=env:SECOND", "--set", "workspace_id="]
    out, _ = said(capsys, "accounts", "change", "bird", *words)
    assert out == f"The account bird is changed in {paths.default_config()}.\n"
    assert tomllib.loads(paths.default_config().read_text("utf-8"))["accounts"] == {
        "bird": {"provider": "bird", "signing_keys": ["env:FIRST", "env:SECOND"]}
    }
    assert "There is no account brd" in said(capsys, "accounts", "change", "brd", *words, code=2)[1]
    assert "at a terminal only" in said(capsys, "accounts", "change", "bird", code=2)[1]


def asked(home: Path, words: list[str], *answers: tuple[str, str]) -> str:
    """What a command shows that asks questions and gets these answers."""
    with Terminal(words, environment(home)) as terminal:
        for question, answer in answers:
            terminal.wait(re.escape(question))
            terminal.press(answer + "\r")
        assert terminal.end() == 0
        return bytes(terminal.output).decode()


def test_variables_that_make_no_account_beside_the_file_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left_out = "The environment variables of bird make no account, since the configuration has others"
    monkeypatch.setenv("HOOKTOP_PORT", str(free_port()))  # the usual one may be in use on this machine
    monkeypatch.setenv("BIRD_ACCESS_KEY", CANARY)
    monkeypatch.setenv("ONEROUTE_API_URL", "https://api.example.com")
    add = ["accounts", "add", "oneroute", "--set", "api_url=https://api.example.com"]
    assert left_out in said(capsys, *add)[1]
    for words, code in ((["doctor"], 0), (["webhooks", "list", "--provider", "bird"], 2)):
        monkeypatch.setenv("BIRD_ACCESS_KEY", CANARY)  # which leaves the environment once it is read
        assert left_out in "".join(said(capsys, *words, code=code))
    monkeypatch.delenv("BIRD_ACCESS_KEY", raising=False)
    assert "make no account" not in "".join(said(capsys, "doctor"))


def test_what_is_not_entered_stays(own_machine: Path) -> None:
    asked(own_machine, ["accounts", "add", "oneroute"], ("api key", "wrong"), ("secret keys", "first"), ("api url", ""))
    change = ["accounts", "change", "oneroute"]
    now, one_more = "api key (empty: •••• stays)", "secret keys, one more (empty: •••• stays)"
    shown = asked(own_machine, change, (now, CANARY), (one_more, ""), ("api url", ""))
    assert CANARY not in shown
    assert "The account oneroute is changed in" in shown
    (config,) = own_machine.rglob("config.toml")
    [account] = tomllib.loads(config.read_text("utf-8"))["accounts"].values()
    assert account == {"provider": "oneroute", "api_key": CANARY, "secret_keys": ["first"]}
    assert "so nothing was changed" in asked(own_machine, change, ("api key", ""), ("secret keys", ""), ("api url", ""))


def test_a_credential_is_changed_whose_variable_is_not_set(own_machine: Path) -> None:
    asked(own_machine, ["accounts", "add", "oneroute"], ("api key", "wrong"), ("secret keys", ""), ("api url", ""))
    (config,) = own_machine.rglob("config.toml")
    config.write_text(config.read_text("utf-8").replace("wrong", "env:NOT_SET"), "utf-8")
    answers = ("api key (empty: env:NOT_SET stays)", CANARY), ("secret keys", ""), ("api url", "")
    assert "The account oneroute is changed in" in asked(own_machine, ["accounts", "change", "oneroute"], *answers)


def test_secrets_are_asked_for_without_echo(own_machine: Path) -> None:
    answers = ("api key", CANARY), ("secret keys", CANARY), ("api url", "")
    shown = asked(own_machine, ["accounts", "add", "oneroute"], *answers)
    assert "The account oneroute is in" in shown
    assert CANARY not in shown
    (config,) = own_machine.rglob("config.toml")
    assert config.stat().st_mode & 0o777 == 0o600


def test_all_lines_of_a_public_key_that_is_pasted_are_the_answer(own_machine: Path) -> None:
    key = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
    pem = f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----"
    with Terminal(["accounts", "add", "volt"], environment(own_machine)) as terminal:
        for question, answer in (("token", ""), ("public key:", pem), ("fingerprint", ""), ("api url", "")):
            terminal.wait(question)
            terminal.press(answer.replace("\n", "\r") + "\r")
        assert terminal.end() == 0
    (config,) = own_machine.rglob("config.toml")
    assert tomllib.loads(config.read_text("utf-8"))["accounts"]["volt"]["public_key"] == pem


@pytest.mark.parametrize(
    ("provider", "questions", "code", "sentence"),
    [
        ("oneroute", ("api key", "secret keys", "api url"), 0, "The account oneroute is in"),
        ("volt", ("token", "public key", "fingerprint", "api url"), 2, "enter at least one setting"),
    ],
)
def test_an_account_without_settings_is_one_where_none_is_needed(
    own_machine: Path, provider: str, questions: tuple[str, ...], code: int, sentence: str
) -> None:
    with Terminal(["accounts", "add", provider], environment(own_machine)) as terminal:
        for question in questions:
            terminal.wait(question)
            terminal.press("\r")
        assert terminal.end() == code
        assert sentence in terminal.text()


def test_a_key_is_fetched_and_a_changed_one_waits_for_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        make_accounts(folder)
    key = {"now": (first / "volt.pem").read_bytes()}
    common = ["--db", str(tmp_path / "h.db"), "--config", str(tmp_path / "config.toml")]
    with web(lambda asked: (200, key["now"])) as (url, _):
        (tmp_path / "config.toml").write_text(f'[accounts.v]\nprovider = "volt"\npublic_key = "{url}/key.pem"\n')
        (tmp_path / "config.toml").chmod(0o600)
        assert "was not fetched yet" in said(capsys, "keys", "list", *common)[1]
        assert "trusted from now on" in said(capsys, "keys", "fetch", "volt", *common)[0]
        assert "unchanged" in said(capsys, "keys", "fetch", "volt", *common)[0]
        key["now"] = (second / "volt.pem").read_bytes()
        out, _ = said(capsys, "keys", "fetch", "volt", *common, code=1)
        assert "not the one trusted before" in out
        keys = [json.loads(line) for line in said(capsys, "keys", "list", "--json", *common)[0].splitlines()]
        assert [(k["provider"], k["type"], k["bits"], k["trusted"], k["in_use"]) for k in keys] == [
            ("volt", "RSA", 2048, True, True),
            ("volt", "RSA", 2048, False, False),
        ]
        assert "NOT TRUSTED" in said(capsys, "keys", "list", *common)[0]
        assert "hooktop keys trust" in said(capsys, "doctor", *common, code=1)[0]
        said(capsys, "keys", "trust", keys[1]["fingerprint"][:15], *common)
        assert said(capsys, "keys", "list", *common)[0].count("in use") == 2
        key["now"] = b"<html>404</html>"
        assert "HTML" in said(capsys, "keys", "fetch", "volt", *common, code=1)[1]
    assert "key.pem cannot be reached" in said(capsys, "keys", "fetch", "volt", *common, code=1)[1]
    assert "There is no provider 'acme'" in said(capsys, "keys", "fetch", "acme", *common, code=2)[1]
    assert "8 to 64 hex digits" in said(capsys, "keys", "trust", "xyz", *common, code=2)[1]


def test_a_doctor_finds_all_well_on_a_new_machine(capsys: pytest.CaptureFixture[str]) -> None:
    free = free_port()
    paths.private_dir(paths.config_dir())
    paths.private_file(paths.default_config()).write_text(f"[receiver]\nport = {free}\n")
    out, err = said(capsys, "doctor")
    assert err == ""
    assert all(line.startswith("✔ ok") for line in out.splitlines())
    assert f"{free} on 127.0.0.1 is free" in out
    assert not paths.default_db().exists()  # it changes nothing


def test_a_doctor_looks_where_the_receiver_was_told_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("HOOKTOP_PORT", str(port))
    monkeypatch.setenv("HOOKTOP_PUBLIC_URL", "https://hooks.example.com/")
    out, _ = said(capsys, "doctor")
    assert f"{port} on 127.0.0.1 is free" in out
    assert "https://hooks.example.com (configured); whether it leads here is seen while hooktop runs" in out
    assert "--public-url is not usable" in said(capsys, "doctor", "--public-url", "ftp://x", code=2)[1]


def test_a_doctor_says_that_the_public_url_is_of_the_hooktop_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common, url = ("--db", str(tmp_path / "h.db")), f"http://127.0.0.1:{free_port()}"
    with listening(*common, "--port", url.rpartition(":")[2], "--public-url", url):
        out, _ = said(capsys, "doctor", *common)
        assert f"{url} (of the hooktop that runs) leads here" in out
        assert f"{url} (configured) leads here" in said(capsys, "doctor", *common, "--public-url", url)[0]


def test_a_doctor_looks_at_the_rules_also_beside_a_hooktop_that_was_started_with_another_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[forward.rules]]\nfilter = "("\nurl = "http://127.0.0.1:1"\n', "utf-8")
    config.chmod(0o600)
    common = ("--config", str(config), "--db", str(tmp_path / "h.db"))
    with listening(*common, "--forward", "http://127.0.0.1:1"):
        assert "The filter of [forward.rules 1]" in said(capsys, "doctor", *common, code=1)[0]


@pytest.mark.slow
def test_a_doctor_names_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = tmp_path / "h.db"
    config = tmp_path / "config.toml"
    with listening("--db", str(database)) as running:
        running.post("/generic", b"1")
        running.next()
        port = running.url.rpartition(":")[2]
        config.write_text(f'[receiver]\nport = {port}\n[accounts.v]\nprovider = "volt"\npublic_key = "none.pem"\n')
        config.chmod(0o600)
        out, _ = said(capsys, "doctor", "--config", str(config), "--db", str(database), code=1)
        assert "is served by a running hooktop" in out
        assert "is sound and holds 1 capture" in out
        assert "none.pem" in out
    database.chmod(0o644)
    config.chmod(0o644)
    assert "chmod 600" in said(capsys, "doctor", "--config", str(config), code=2)[1]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config.write_text(f"[receiver]\nport = {taken.getsockname()[1]}\n")
        config.chmod(0o600)
        out, _ = said(capsys, "doctor", "--config", str(config), "--db", str(database), code=1)
    assert "✖ mend  port" in out
    assert f"run chmod 600 {database}" in out
    database.write_bytes(b"no database " * 1000)
    assert "✖ mend  database" in said(capsys, "doctor", "--db", str(database), code=1)[0]


async def test_a_doctor_says_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "h.db"
    async with storing(database):
        pass
    for fixed in (database, tmp_path):  # as on a file system for reading only, which no mode tells, and binds root, too
        with monkeypatch.context() as patched:
            patched.setattr(os, "access", lambda path, mode, fixed=fixed: path != fixed or mode == os.R_OK)
            found = list(_database(database))
        assert found[0].text == f"{database} is sound, but cannot be written: nothing can be received there"
        assert found[0].remedy is not None
    assert [one.remedy for one in _database(database)] == [None, None]


def test_messages_made_under_another_rule_are_named_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, config = str(tmp_path / "h.db"), tmp_path / "config.toml"
    config.write_text(f"[receiver]\nport = {free_port()}\ntrust_unproven = false\n")
    config.chmod(0o600)
    common = ("--config", str(config), "--db", database)
    body = b'{"event": "message.sent", "payload": {"id": "rf_1", "message_app_id": "1", "status": "sent"}}'
    with listening("--db", database) as running:
        running.post("/volt", body)
        worked_out(Path(database), 1)
    assert "run hooktop reindex" in said(capsys, "doctor", *common, code=1)[0]
    with listening(*common) as running:
        assert running.end() == 0
        assert "still move messages here; run hooktop reindex." in running.errors()
    assert "Worked out 1 capture" in said(capsys, "reindex", *common)[1]
    assert "trust_unproven" not in said(capsys, "doctor", *common)[0]
    assert "trust_unproven = false" in said(capsys, "doctor", "--db", database, code=1)[0]


def worked_out(database: Path, captures: int) -> None:
    """Wait until the messages of so many captures are there: that comes right behind the answer, not before it."""
    end = time.monotonic() + 20
    with closing(MessageReader(database)) as reader:
        while reader.watermark() < captures:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_the_name_of_a_file_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("[receiver]\nprot = 1\n")
    Path("mine.toml").chmod(0o600)
    assert said(capsys, "--config", "mine.toml", "accounts", "list", code=2)[1].startswith("hooktop: mine.toml, line 2")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[alerts]]\nfilter = "stat:x"\nbell = true\n', "cannot be watched for: The filter of [alerts 1]"),
        ("[forward]\nwait = true\n", "says: Waiting for your app needs its address"),
        ('[forward]\nrules = [{ filter = "(", url = "http://127.0.0.1:1" }]\n', "The filter of [forward.rules 1]"),
        ('[forward]\nurl = "http://0.0.0.0:3000"\n', "to the forward address: 0.0.0.0 is not the address of one"),
        ('[forward]\nurl = "http://localhost:8787"\n', "to the forward address: it is hooktop's own"),
        ('[receiver]\nhost = "a b"\n', "port           8787 on a b cannot be used: The host 'a b'"),
    ],
)  # fmt: skip
def test_a_doctor_tells_what_keeps_a_receiver_from_starting(
    written: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(written)
    config.chmod(0o600)
    assert told in said(capsys, "doctor", "--config", str(config), code=1)[0]
