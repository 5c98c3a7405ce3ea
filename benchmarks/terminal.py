"""A program on a pseudo-terminal that is read all the time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import pyte


class Terminal:
    """Starts a program on a terminal, reads what it draws and types into it."""

    def __init__(
        self, command: Sequence[str], environ: dict[str, str], size: tuple[int, int] = (120, 40), *,
        watched: bool = False,
    ) -> None:  # fmt: skip
        """``watched``: what is drawn is kept as a picture, which costs this process time."""
        self.begun = time.perf_counter()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        self.pid = self._process.pid
        self._picture = pyte.Screen(*size) if watched else None
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stop.set()
        self._reader.join(2)
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode("utf-8"))

    def lines(self) -> list[str]:
        """The picture."""
        assert self._picture is not None
        with self._changed:
            return list(self._picture.display)

    def until(self, seen: Callable[[list[str]], bool], seconds: float = 20) -> float:
        """Wait until the picture, a list of lines, is as wanted; gives the moment. Raises TimeoutError."""
        assert self._picture is not None
        end = time.perf_counter() + seconds
        with self._changed:
            while not seen(self._picture.display):
                if time.perf_counter() > end:
                    raise TimeoutError("\n".join(self._picture.display))
                self._changed.wait(0.5)
        return time.perf_counter()

    def _read(self) -> None:
        stream = pyte.ByteStream(self._picture) if self._picture is not None else None
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                if not select.select([self._master], [], [], 0.2)[0]:
                    continue
                data = os.read(self._master, 1 << 16)
                if stream is not None:
                    with self._changed:
                        stream.feed(data)
                        self._changed.notify_all()
