"""``hooktop send``: to a running hooktop, to somebody else's server, to nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.providers.registry import registry
from tests.cli.processes import Listening, hooktop, listening
from tests.web import web


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Listening]:
    """A running hooktop."""
    with listening("--db", str(tmp_path / "h.db")) as found:
        yield found


@pytest.mark.slow
def test_every_provider_is_signed_and_labelled_local(running: Listening) -> None:
    for provider in registry():
        if not provider.scenarios:
            continue
        scenario = provider.scenarios[0].name
        done = hooktop("send", provider.name, scenario, "--count", "1", "--to", running.url)
        assert done.returncode == 0, done.stderr
        assert "200" in done.stdout
        assert done.stderr == f"hooktop: Sent 1 event of {provider.name} {scenario}: 1 × 200.\n"
        capture = running.next()
        assert capture is not None
        assert (capture["provider"], capture["source"]) == (provider.name, "simulated")
        assert capture["verdict"]["status"] == "verified"


@pytest.mark.slow
def test_wishes(running: Listening) -> None:
    words = ("send", "connectly", "inbound-text", "--to", running.url, "--seed", "7", "--rate", "500")
    assert hooktop(*words, "--count", "3", "--set", "message.text=from the test").returncode == 0
    captures = [running.next() for _ in range(3)]
    assert [c["reading"]["text"] for c in captures if c] == ["from the test"] * 3
    assert hooktop(*words, "--count", "1", "--bad-signature").returncode == 0
    capture = running.next()
    assert capture is not None
    assert capture["verdict"]["status"] == "invalid"
    assert hooktop(*words, "--count", "1", "--duplicate").returncode == 0
    first, second = running.next(), running.next()
    assert first is not None
    assert second is not None
    assert first["request"]["body"] == second["request"]["body"]


@pytest.mark.slow
def test_a_burst_with_a_field_that_nobody_knows(running: Listening) -> None:
    words = ("send", "volt", "delivered", "--to", running.url, "--count", "30", "--burst", "--unknown-field")
    done = hooktop(*words)
    assert done.stderr == "hooktop: Sent 30 events of volt delivered: 30 × 200.\n"
    captures = [running.next() for _ in range(30)]
    assert all(c is not None and '"hooktop_unknown"' in c["request"]["body"] for c in captures)
    assert hooktop(*words, "--rate", "5").returncode == 2


def test_an_address_with_a_path_is_posted_to_as_it_is() -> None:
    with web(lambda asked: (500, b"")) as (url, seen):
        done = hooktop("send", "volt", "delivered", "--count", "1", "--to", f"{url}/api/hooks")
    assert done.returncode == 1
    assert "1 × 500" in done.stderr
    [asked] = seen
    assert asked.target == "/api/hooks"
    assert json.loads(asked.body)


def test_a_receiver_that_sends_on_has_taken_nothing() -> None:
    with web(lambda asked: (308, b""), "https://app.example.com/hooks") as (url, seen):
        done = hooktop("send", "volt", "delivered", "--count", "5", "--to", url)
    assert done.returncode == 1
    assert "sends on to https://app.example.com/hooks, which is not followed" in done.stderr
    assert len(seen) == 1


def test_nobody_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert run(["send", "volt", "delivered", "--count", "5", "--to", f"http://127.0.0.1:{port}"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err.startswith(f"hooktop: Cannot connect to 127.0.0.1:{port}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["volt"], "Name a scenario of volt"),
        (["volt", "delivred"], 'Volt has no scenario "delivred"; did you mean delivered?'),
        (["acme", "x"], 'There are no simulated events of "acme"'),
        (["acme"], "There are no simulated events of 'acme'; choose one of volt,"),
        (["acme", "--list"], "There are no simulated events of 'acme'"),
        (["volt", "delivered", "--to", "ftp://x"], "Cannot send to this address"),
        (["volt", "delivered", "--to", "http://[x"], "Cannot send to this address"),
        (["volt", "delivered", "--set", "nonsense"], '"nonsense" is not path=value'),
        (["volt", "delivered", "--rate", "0"], "Invalid value for '--rate'"),
    ],
)
def test_wishes_that_cannot_be_met(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hooktop: {sentence}")
    assert len(err.splitlines()) == 1


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", "--list"]) == 0
    everything = capsys.readouterr().out.splitlines()
    assert everything[0].split() == ["PROVIDER", "SCENARIO", "WHAT", "HAPPENS"]
    assert len(everything) == 1 + sum(len(provider.scenarios) for provider in registry())
    assert run(["send", "--list", "bird"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} == {"bird"}
