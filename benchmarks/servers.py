"""The programs under test, each in a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass
class Server:
    """A running program and where it listens."""

    port: int
    pid: int


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, seconds: float = 20) -> None:
    """Return when something accepts on the port. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 0.5):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def environment(folder: Path, key: Path) -> dict[str, str]:
    """A clean environment with one Volt account whose key is ``key``."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "VOLT_PUBLIC_KEY": str(key),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def hook(request):
    await request.body()
    return JSONResponse({"status": "stored"})
app = Starlette(routes=[Route("/{provider}", hook, methods=["POST"])])
uvicorn.run(
    app, host="127.0.0.1", port=int(sys.argv[1]), http="h11", loop="asyncio", log_level="error", access_log=False
)
"""


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    """Starlette that reads the body and answers: what any receiver on this stack pays."""
    port = free_port()
    with _process([sys.executable, "-c", BARE, str(port)], dict(os.environ)) as process:
        wait_for(port)
        yield Server(port, process.pid)


@contextlib.contextmanager
def listen(folder: Path, key: Path) -> Iterator[Server]:
    """``hooktop listen``: verified and on the disk before each answer, no screens."""
    command = [sys.executable, "-m", "monitor", "listen", "--json", "--port", "0", "--db", str(folder / "listen.db")]
    with _process(command, environment(folder, key), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        drain = threading.Thread(target=_drain_pipe, args=(process.stdout.fileno(),), daemon=True)
        drain.start()
        yield Server(port, process.pid)


@contextlib.contextmanager
def screens(folder: Path, key: Path, size: tuple[int, int] = (120, 40)) -> Iterator[Server]:
    """``hooktop`` with its screens on a pseudo-terminal that is read all the time."""
    import fcntl
    import struct
    import termios

    port = free_port()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    command = [sys.executable, "-m", "monitor", "--port", str(port), "--db", str(folder / "screens.db")]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment(folder, key), start_new_session=True
    )
    os.close(slave)
    stop = threading.Event()
    drain = threading.Thread(target=_drain_terminal, args=(master, stop), daemon=True)
    drain.start()
    try:
        wait_for(port)
        yield Server(port, process.pid)
    finally:
        _end(process)
        stop.set()
        drain.join(2)
        os.close(master)


@contextlib.contextmanager
def _process(
    command: list[str], environ: dict[str, str], stdout: int | None = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environ, stdout=stdout, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _drain_pipe(fd: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(fd, 1 << 20):
            pass


def _drain_terminal(master: int, stop: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not stop.is_set():
            if select.select([master], [], [], 0.2)[0]:
                os.read(master, 1 << 16)
