"""``hooktop verify`` on a request that is given on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.providers.registry import registry
from tests.cli.processes import PROVIDERS, accounts, event, hooktop, listening, signed

URL = "https://hooks.example.com/hook"


def given(tmp_path: Path, provider: str) -> tuple[list[str], Path]:
    """The arguments for a right request of a provider, and a file with its key."""
    _, keys = accounts(tmp_path)
    body = tmp_path / "body"
    body.write_bytes(event(provider))
    headers = signed(provider, keys[provider], body.read_bytes(), URL)
    key = keys[provider]
    file = tmp_path / "volt.pem"
    if isinstance(key, bytes):
        file = tmp_path / "secret"
        file.write_bytes(key + b"\n")
    words = [word for name, value in headers for word in ("--header", f"{name}: {value}")]
    return ["verify", "--provider", provider, "--body", str(body), "--url", URL, *words], file


@pytest.mark.parametrize("provider", PROVIDERS)
def test_right_and_wrong(tmp_path: Path, provider: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, key = given(tmp_path, provider)
    assert run([*words, "--key-file", str(key)]) == 0
    out = capsys.readouterr().out
    assert "✔ verified" in out
    assert "✔ passed" in out
    changed = (tmp_path / "body").read_bytes().replace(b"{", b'{"added":1,', 1)
    (tmp_path / "body").write_bytes(changed)
    assert run([*words, "--key-file", str(key)]) == 4
    out = capsys.readouterr().out
    assert "✖ INVALID" in out
    assert "✖ failed" in out


def test_a_key_from_the_environment_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, key = given(tmp_path, "connectly")
    monkeypatch.setenv("MY_KEY", key.read_text())
    assert run([*words, "--key-env", "MY_KEY"]) == 0
    assert "MY_KEY" not in os.environ
    assert key.read_text().strip() not in "".join(capsys.readouterr())


def test_a_body_from_standard_input(tmp_path: Path) -> None:
    words, key = given(tmp_path, "oneroute")
    body = (tmp_path / "body").read_text("utf-8")
    words[words.index("--body") + 1] = "-"
    assert hooktop(*words, "--key-file", str(key), stdin=body).returncode == 0


def test_a_near_miss_is_named_and_stays_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, key = given(tmp_path, "bird")
    words[words.index("--url") + 1] = URL.replace("https", "http")
    assert run([*words, "--key-file", str(key)]) == 4
    out = capsys.readouterr().out
    assert "INVALID" in out
    assert "near miss" in out


def test_what_is_missing_or_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, key = given(tmp_path, "volt")
    (tmp_path / "junk").write_text("no key")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    cases = [
        (["verify"], "Name captures"),
        (["verify", "1", "--all"], "Name captures"),
        (["verify", "--body", "x"], "Name the provider"),
        (["verify", "--provider", "volt"], "Name the file with the body"),
        (["verify", "--provider", "volt", "1", "--body", "x"], "--provider is for a request given here"),
        (["verify", "--provider", "acme", "--body", str(tmp_path / "body")], "There is no provider 'acme'"),
        ([*words], "No key: name it with --key-file"),
        ([*words, "--key-file", "x", "--key-env", "y"], "--key-file and --key-env exclude each other"),
        ([*words, "--key-file", str(tmp_path / "none")], "The key file"),
        ([*words, "--key-file", str(tmp_path / "bytes")], "The key file"),
        ([*words, "--key-file", str(tmp_path / "junk")], "The public key cannot be read"),
        ([*words, "--key-env", "NOT_SET"], "The environment variable NOT_SET is not set"),
        ([*words, "--header", "no colon", "--key-file", str(key)], "A header is written as"),
        ([*words, "--url", "nonsense", "--key-file", str(key)], "The address of --url is none"),
        ([*words, "--url", "http://[x", "--key-file", str(key)], "The address of --url is none"),
        ([*words, "--body", str(tmp_path), "--key-file", str(key)], "The body"),
    ]
    for arguments, sentence in cases:
        assert run(arguments) == 2, arguments
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"hooktop: {sentence}"), err
        assert len(err.splitlines()) == 1


def test_no_option_takes_a_secret() -> None:
    """A secret in the arguments would show in the process list and the shell's history."""
    from tests.cli.test_command import commands

    names = [name for _, command in commands() for param in command.params for name in param.opts]
    assert not {"--secret", "--token", "--key", "--password", "--api-key", "--access-key"} & set(names)


def test_headers_by_their_twin_stand_one_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, key = given(tmp_path, "oneroute")
    headers = [words[index + 1] for index, word in enumerate(words) if word == "--header"]
    monkeypatch.setenv("HOOKTOP_HEADER", "\n".join(headers))
    assert run([*words[: words.index("--header")], "--key-file", str(key)]) == 0


@pytest.mark.parametrize("file", [True, False], ids=["named in the file", "in the environment alone"])
@pytest.mark.slow
def test_a_secret_of_the_environment_serves_a_whole_command(tmp_path: Path, own_machine: Path, file: bool) -> None:
    """Without ``--db`` the configuration says where the database is, too; reading it takes the secret out."""
    key = registry()["connectly"].local_key()
    assert isinstance(key, bytes)
    env = {"CONNECTLY_WEBHOOK_SECRET": key.decode()}
    config = own_machine / ".config" / "hooktop" / "config.toml"
    if file:
        config.parent.mkdir(parents=True)
        secret = 'webhook_secrets = ["env:CONNECTLY_WEBHOOK_SECRET"]'
        config.write_text(f'[accounts.c]\nprovider = "connectly"\n{secret}\n')
        config.chmod(0o600)
    with listening(env=env) as running:
        body = event("connectly")
        assert running.post("/connectly", body, signed("connectly", key, body, running.url)) == 200
        assert running.end() == 0
    assert "✔ verified" in hooktop("show", "1", env=env).stdout
    assert hooktop("verify", "1", env=env).returncode == 0
    assert hooktop("verify", "--all", env=env).returncode == 0
    assert hooktop("diff", "1", "1", env=env).returncode == 0
    assert "not set" not in hooktop("replay", "1", "--to", "http://127.0.0.1:1", env=env).stderr
    assert hooktop("reindex", env=env).returncode == 0
    assert hooktop("verify", "--all", env=env).returncode == 0
