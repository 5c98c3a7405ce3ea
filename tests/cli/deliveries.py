"""Real, signed webhooks of Volt to a running receiver: what the lifecycle of a message is made of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from monitor.providers.registry import registry
from monitor.store.message_reader import MessageReader
from tests.cli.processes import WAIT_S, Listening, accounts, done_with, hooktop, signed
from tests.volt import Webhooks


class Volt(Webhooks):
    """Volt as a receiver meets it: an account whose key the receiver knows, and the webhooks of messages."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.config, self.keys = accounts(folder)

    def post(self, url: str, *told: bytes, forged: bool = False) -> None:
        """Deliver webhooks to a receiver; a forged one is signed with a key that nobody knows."""
        for body in told:
            key = registry()["volt"].local_key() if forged else self.keys["volt"]
            headers = signed("volt", key, body, url + "/volt")
            assert httpx.post(url + "/volt", content=body, headers=headers, trust_env=False).status_code == 200


class Place:
    """A receiver with its database, and Volt, whose key it knows."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        """``settings`` is added to the configuration."""
        self.volt = Volt(folder)
        with self.volt.config.open("a", encoding="utf-8") as config:
            config.write(settings)
        self.database = str(folder / "h.db")
        self.running = Listening("--db", self.database, "--config", str(self.volt.config))

    def post(self, *bodies: bytes, forged: bool = False) -> None:
        """Let webhooks come in, and wait until messages know of them."""
        self.volt.post(self.running.url, *bodies, forged=forged)
        with closing(MessageReader(Path(self.database))) as reader:
            until = time.monotonic() + WAIT_S
            while reader.watermark() < reader.last_id():
                assert time.monotonic() < until
                time.sleep(0.005)

    def records(self, *words: str) -> list[dict[str, Any]]:
        """What a command prints as JSON."""
        done = hooktop(*words, "--json", "--db", self.database)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def text(self, *words: str) -> str:
        """What a command prints for people."""
        done = hooktop(*words, "--db", self.database)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


class Process:
    """A command that runs on while the test goes on."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
        )

    def line(self) -> str:
        """The next line on stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def told(self) -> str:
        """The next line on stderr."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode()

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Wait for its end, asked for with a signal or not; gives exit code, stdout and stderr."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, out.decode(), err.decode()

    def close(self) -> None:
        """Leave nothing behind."""
        done_with(self.process)
