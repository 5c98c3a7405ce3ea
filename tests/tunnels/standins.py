"""Programs that stand in for tunnel programs: they say what the real ones say, and note who they are."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

WAIT_S = 20.0
_HEAD = """\
#!{python} -I
import os, signal, sys, time
FOLDER = {folder!r}
def note(name, text):
    with open(os.path.join(FOLDER, name), "a") as file:
        file.write(str(text) + "\\n")
def say(*lines):
    for line in lines:
        print(line, flush=True)
def linger():
    while True:
        time.sleep(60)
note("pids", os.getpid())
TURN = sum(1 for _ in open(os.path.join(FOLDER, "pids")))
"""
CLOUDFLARED = """
def box(url):
    width = 90
    for text in ("Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):", url):
        print("2026-01-31T12:00:00Z INF |  " + text.ljust(width) + "  |", file=sys.stderr, flush=True)
print("2026-01-31T12:00:00Z INF Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a "
      "quick way to experiment (https://www.cloudflare.com/website-terms/)", file=sys.stderr, flush=True)
print("2026-01-31T12:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...", file=sys.stderr, flush=True)
"""


class Standins:
    """A folder of programs, and what they noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()

    def write(self, executable: str, body: str, prelude: str = "") -> None:
        """Put a program into the folder. ``body`` is Python; it knows ``say``, ``note``, ``linger`` and ``TURN``."""
        path = self.programs / executable
        head = _HEAD.format(python=sys.executable, folder=str(self.folder))
        path.write_text(head + prelude + textwrap.dedent(body), encoding="utf-8")
        path.chmod(0o755)

    def noted(self, name: str) -> list[str]:
        """The lines that the programs noted under a name."""
        path = self.folder / name
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def pids(self) -> list[int]:
        """Every process that they were, or started."""
        return [int(line) for line in self.noted("pids") + self.noted("children")]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for whoever asks after it does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text("utf-8").rpartition(")")[2].split()[0] != "Z" if stat.parent.parent.exists() else True
    except OSError:
        return False


async def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)
