"""``hooktop`` as processes of their own, as users run it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.corpora import ROOT


def environment(home: Path, **more: str) -> dict[str, str]:
    """A clean environment whose home is ``home``: nothing of the developer's machine is seen or touched."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        **more,
    }


def run(arguments: list[str], environ: dict[str, str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Listening:
    """A running ``hooktop listen --json``."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.url: str = ready["url"]
        self.port = int(self.url.rpartition(":")[2])

    def records(self) -> Iterator[dict[str, Any]]:
        """What it prints, line by line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)


@contextlib.contextmanager
def listening(
    db: Path,
    environ: dict[str, str],
    *arguments: str,
    before: list[str] | None = None,
    python: Sequence[str] = ("-m", "monitor"),
) -> Iterator[Listening]:
    """Start a receiver on a free port; it is killed at the end if it still runs.

    ``before`` is a program that runs it, ``python`` what Python is told to run.
    """
    command = [*(before or []), sys.executable, *python, "listen", "--json", "--port", "0", "--db", str(db)]
    process = subprocess.Popen([*command, *arguments], env=environ, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        yield Listening(process, json.loads(process.stdout.readline()))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
