"""``hooktop`` as a process of its own, and the requests that tests send to it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import httpx

from monitor.providers.keys import SigningKey, signing_key_text
from monitor.providers.registry import registry
from monitor.sandbox.cast import scene
from tests.factory import START

WAIT_S = 30.0


def hooktop(
    *arguments: str, stdin: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        env={**os.environ, **(env or {})},
        timeout=WAIT_S,
        check=False,
    )


def done_with(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of a process behind."""
    if process.poll() is None:
        process.kill()
    process.wait(WAIT_S)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class Listening:
    """``hooktop listen --json`` on a free port."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "listen", "--json", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        first = self.next()
        if first is None:
            errors = self.errors()
            self.close()
            raise AssertionError(errors)
        self.first = first
        self.url: str = first["url"]

    def next(self) -> dict[str, Any] | None:
        """The next object it prints, None at the end."""
        return self._lines.get(timeout=WAIT_S)

    def rest(self) -> list[dict[str, Any]]:
        """All it prints until its end."""
        return list(iter(self.next, None))

    def post(self, path: str, body: bytes = b"{}", headers: Sequence[tuple[str, str]] = ()) -> int:
        """Post to it; gives the status."""
        with httpx.Client(trust_env=False) as client:
            return client.post(self.url + path, content=body, headers=list(headers)).status_code

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    def errors(self) -> str:
        """What it wrote to stderr, read to the end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        """Leave nothing behind."""
        done_with(self.process)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                self._lines.put(json.loads(line))
        self._lines.put(None)


@contextlib.contextmanager
def listening(*arguments: str, env: dict[str, str] | None = None) -> Iterator[Listening]:
    """A ``listen`` that is ended afterwards."""
    running = Listening(*arguments, env=env)
    try:
        yield running
    finally:
        running.close()


PROVIDERS = ("volt", "bird", "connectly", "oneroute")


def accounts(folder: Path) -> tuple[Path, dict[str, SigningKey]]:
    """A configuration with an account of each provider, and the keys that their webhooks are signed with."""
    keys = {name: registry()[name].local_key() for name in PROVIDERS}
    public = folder / "volt.pem"
    volt: Any = keys["volt"]
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public.write_bytes(volt.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    names = {"bird": "signing_keys", "connectly": "webhook_secrets", "oneroute": "secret_keys"}
    lines = ["[accounts.volt]", 'provider = "volt"', f'public_key = "{public}"']
    for name, setting in names.items():
        secret = keys[name]
        assert isinstance(secret, bytes), signing_key_text(secret)
        lines += [f"[accounts.{name}]", f'provider = "{name}"', f'{setting} = ["{secret.decode("ascii")}"]']
    config = folder / "config.toml"
    config.write_text("\n".join(lines) + "\n", "utf-8")
    config.chmod(0o600)
    return config, keys


def event(provider: str) -> bytes:
    """The body of a believable event."""
    scenario = registry()[provider].scenarios[0]
    return scenario.build(scene(Random(1), START, provider))[0].body


def signed(provider: str, key: SigningKey, body: bytes, url: str) -> list[tuple[str, str]]:
    """The headers of a real delivery."""
    return [("content-type", "application/json"), *registry()[provider].sign(body, key, url=url, at=time.time())]
