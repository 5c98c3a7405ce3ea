"""The programs under test, each in a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.terminal import Terminal

HOST = "127.0.0.1"
SLOW_SYNC_US = 5000
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@dataclass
class Server:
    """A running program and where it listens."""

    port: int
    pid: int


def slow_sync() -> tuple[str, ...]:
    """What a command is begun with for each of its syncs to take 5 ms; nothing where there is no strace."""
    strace, calls = shutil.which("strace"), "fsync,fdatasync"
    if strace is None:
        return ()
    return (strace, "-qq", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "--seccomp-bpf",
            "-e", f"inject={calls}:delay_enter={SLOW_SYNC_US}")  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def memory(pid: int) -> float:
    """Megabytes that a process holds now; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def processor(pid: int) -> float:
    """Seconds of the processor that a program has taken, its children's not counted; Linux only."""
    user, system = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def wait_for(port: int, seconds: float = 20) -> None:
    """Return when something accepts on the port. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 0.5):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def environment(folder: Path, key: Path, *, speed: bool = False) -> dict[str, str]:
    """A clean environment with one Volt account whose key is ``key``; ``speed``: with the extra of that name."""
    config = folder / ("speed.toml" if speed else "plain.toml")
    config.write_text(f"[receiver]\nspeed = {str(speed).lower()}\n", "utf-8")
    config.chmod(0o600)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "HOOKTOP_CONFIG": str(config),
        "VOLT_PUBLIC_KEY": str(key),
        **TERMINAL,
    }


@contextlib.contextmanager
def bare(*stack: str) -> Iterator[Server]:
    """Starlette that reads the body and answers: what any receiver on this stack pays, by default h11 on asyncio."""
    with program("bare", *stack) as server:
        yield server


@contextlib.contextmanager
def least(
    folder: Path, key: Path, *, each: bool = False, fast: bool = False, wrap: Sequence[str] = ()
) -> Iterator[Server]:
    """As little as keeps hooktop's promise; ``each``: with a commit for each request, ``fast``: httptools, uvloop."""
    name = "each" if each else "group"
    path = folder / f"least-{name}-{free_port()}.db"
    with program("least", str(key), str(path), name, *(["fast"] if fast else []), wrap=wrap) as server:
        yield server


@contextlib.contextmanager
def drawn(folder: Path, key: Path) -> Iterator[tuple[Server, Terminal]]:
    """As little as keeps hooktop's promise and shows what comes, on a pseudo-terminal that is read all the time."""
    port = free_port()
    path = folder / f"drawn-{port}.db"
    command = [sys.executable, "-m", "benchmarks.programs.drawn", str(port), str(key), str(path)]
    with Terminal(command, dict(os.environ) | TERMINAL) as terminal:
        wait_for(port)
        yield Server(port, terminal.pid), terminal


@contextlib.contextmanager
def app() -> Iterator[Server]:
    """An app that answers in 1 ms."""
    with program("app") as server:
        yield server


@contextlib.contextmanager
def program(name: str, *arguments: str, wrap: Sequence[str] = ()) -> Iterator[Server]:
    """One of ``benchmarks.programs``, listening."""
    port = free_port()
    command = [*wrap, sys.executable, "-m", f"benchmarks.programs.{name}", str(port), *arguments]
    with _process(command, dict(os.environ)) as process:
        wait_for(port)
        yield Server(port, process.pid)


@contextlib.contextmanager
def peer(command: Sequence[str], port: int) -> Iterator[Server]:
    """Another program, told to listen on ``port``."""
    with _process(list(command), dict(os.environ)) as process:
        wait_for(port)
        yield Server(port, process.pid)


@contextlib.contextmanager
def listen(
    folder: Path,
    key: Path,
    *options: str,
    name: str = "listen",
    wrap: Sequence[str] = (),
    speed: bool = False,
    only_kept: bool = False,
) -> Iterator[Server]:
    """``hooktop listen``: verified and on the disk before each answer, each printed as JSON, no screens. ``only_kept``:
    nothing is printed, nor made of what is on the disk."""
    database = str(folder / f"{name}{'-kept' if only_kept else ''}.db")
    module = "benchmarks.programs.kept" if only_kept else "monitor"
    command = [*wrap, sys.executable, "-m", module, "listen", "--json", "--port", "0", "--db", database, *options]
    command += ["--filter", "event:never"] * only_kept
    with _process(command, environment(folder, key, speed=speed), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        drain = threading.Thread(target=_drain_pipe, args=(process.stdout.fileno(),), daemon=True)
        drain.start()
        yield Server(port, process.pid)


@contextlib.contextmanager
def screens(
    folder: Path, key: Path, *options: str, name: str = "screens", size: tuple[int, int] = (120, 40),
    wrap: Sequence[str] = (), speed: bool = False,
) -> Iterator[tuple[Server, Terminal]]:  # fmt: skip
    """``hooktop`` with its screens on a pseudo-terminal that is read all the time, when they are drawn."""
    port = free_port()
    command = [
        *wrap,
        sys.executable,
        "-m",
        "monitor",
        "--port",
        str(port),
        "--db",
        str(folder / f"{name}.db"),
        *options,
    ]
    with Terminal(command, environment(folder, key, speed=speed), size) as terminal:
        wait_for(port)
        terminal.until_drawn("quit")
        yield Server(port, terminal.pid), terminal


@contextlib.contextmanager
def _process(
    command: list[str], environ: dict[str, str], stdout: int | None = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environ, stdout=stdout, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)  # a program that wraps another may not pass it on
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _drain_pipe(fd: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(fd, 1 << 20):
            pass
