"""``hooktop sandbox``: a process that other programs call."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.cli.app import run
from monitor.config import load
from tests.cli.processes import WAIT_S, hooktop, listening

REGISTER = "mutation ($url: String!) { registerWebhook (url: $url) { id } }"


class Sandbox:
    """A running ``hooktop sandbox``."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "sandbox", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self) -> str:
        """The next line that it prints."""
        return self._lines.get(timeout=WAIT_S)

    def record(self) -> dict[str, Any]:
        """The next object that it prints."""
        found: dict[str, Any] = json.loads(self.line())
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait; gives the exit code and what it wrote to stderr."""
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@contextlib.contextmanager
def sandbox(*arguments: str) -> Iterator[Sandbox]:
    """A sandbox that is ended afterwards."""
    running = Sandbox(*arguments)
    try:
        yield running
    finally:
        running.close()


@pytest.mark.slow
def test_another_program_uses_it_by_the_environment(tmp_path: Path) -> None:
    with (
        listening("--db", str(tmp_path / "h.db")) as receiver,
        sandbox(
            "--json", "--fault", "bird=rate_limited", "--route", f"https://hooks.example.com={receiver.url}"
        ) as api,
    ):
        first = api.record()
        assert first["kind"] == "sandbox"
        accounts = {account.provider: account for account in load(None, first["environment"]).accounts}
        assert {name: account.api_url for name, account in accounts.items()} == first["api_urls"]
        volt = accounts["volt"]
        assert volt.api_secret is not None
        assert volt.api_url is not None
        with httpx.Client(trust_env=False) as client:
            answer = client.post(
                volt.api_url,
                json={"query": REGISTER, "variables": {"url": "https://hooks.example.com/volt"}},
                headers={"Authorization": f"Bearer {volt.api_secret.reveal()}"},
            )
            assert answer.json() == {"data": {"registerWebhook": {"id": "2"}}}
            assert client.get(first["api_urls"]["bird"] + "/%1b[2J").status_code == 429
        probe, event = receiver.next(), receiver.next()
        assert probe is not None
        assert event is not None
        assert (probe["provider"], event["provider"]) == ("volt", "volt")
        told = [api.record() for _ in range(4)]
        assert told[0] == {
            "kind": "request",
            "direction": "out",
            "provider": "volt",
            "method": "POST",
            "url": "https://hooks.example.com/volt",
            "status": 200,
            "seconds": told[0]["seconds"],
            "note": "probe",
        }
        assert [(one["direction"], one["status"]) for one in told[1:]] == [("in", 200), ("in", 429), ("out", 200)]
        assert told[2]["note"] == "rate_limited"
        assert api.end() == (0, "")


def test_for_people() -> None:
    with sandbox() as api:
        variables = {}
        for _ in range(14):
            export, assignment = shlex.split(api.line())
            assert export == "export"
            name, _, value = assignment.partition("=")
            variables[name] = value
        assert variables["VOLT_PUBLIC_KEY"].startswith("ssh-rsa ")
        with httpx.Client(trust_env=False) as client:
            assert client.get(variables["CONNECTLY_API_URL"] + "/%1b[2J").status_code == 404
            assert client.get(variables["CONNECTLY_API_URL"] + "/$(touch%20me);`id`%0aid").status_code == 404
        # What is printed is read by a shell, also after requests came: they are comments to it.
        assert api.line().startswith("# ← GET /connectly/␛[2J  404  ")
        assert shlex.split(api.line(), comments=True) == []
        code, said = api.end(signal.SIGINT)
        assert code == 130
        url = variables["CONNECTLY_API_URL"].removesuffix("/connectly")
        assert said == f"hooktop: The sandbox is at {url}, with sample credentials as above; ctrl+c ends.\n"


@pytest.mark.slow
def test_a_reader_that_stops_reading_does_not_stop_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    with (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "sandbox", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=errors,
        )
    os.close(write)
    try:
        first = b""
        while not first.endswith(b"\n"):
            first += os.read(read, 1)
        url = json.loads(first)["api_urls"]["oneroute"]
        with httpx.Client(trust_env=False) as client:
            for _ in range(200):  # of 700 bytes each, into a pipe that holds 64 KiB
                assert client.get(f"{url}/{'x' * 500}").status_code == 401
        process.terminate()
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read)


def test_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["FAULT", "PROVIDER", "WHAT", "HAPPENS"]
    assert any(line.startswith("rate_limited") and "429" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fault", "slow"], "'slow' is not a fault; write it as in bird=rate_limited."),
        (["--fault", "nobody=slow"], 'There is no provider "nobody" here; choose one of volt, bird,'),
        (["--fault", "volt=long_only"], 'Volt has no fault "long_only"; choose one of unauthorized,'),
        (["--route", "x"], "'x' is not a route; write it as in https://hooks.example.com=http://127.0.0.1:8787."),
        (["--route", "https://a.example=https://b.example"], "is no address of this machine"),
    ],
)  # fmt: skip
def test_wishes_that_cannot_be_met(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", *arguments]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hooktop("sandbox", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"hooktop: Port {port} is in use by another program; choose another, or leave it out for one that is free.\n"
    )
