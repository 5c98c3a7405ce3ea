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
from typing import Final, TypeVar

T = TypeVar("T")
KEPT: Final = 1 << 18  # bytes of what was drawn last


class Terminal:
    """Starts a program on a terminal, reads what it draws and types into it."""

    def __init__(self, command: Sequence[str], environ: dict[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self.begun = time.perf_counter()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        self.pid = self._process.pid
        self._drawn = bytearray()  # since the last key
        self._at = self.begun  # when the last of it came
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self.pid, signal.SIGTERM)  # a program that wraps another may not pass it on
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._stop.set()
        self._reader.join(2)
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Press keys."""
        with self._changed:
            self._drawn.clear()
        os.write(self._master, keys.encode("utf-8"))

    def until(self, seen: Callable[[bytes], T | None], seconds: float = 20) -> tuple[T, float]:
        """Wait until ``seen`` finds something in the bytes that were drawn since the last key; gives that and the
        moment. The bytes, not a picture made of them: to make one takes longer than what is measured.

        Raises TimeoutError.
        """
        end = time.perf_counter() + seconds
        with self._changed:
            while (found := seen(bytes(self._drawn))) is None:
                if time.perf_counter() > end:
                    raise TimeoutError(self._drawn.decode("utf-8", "replace"))
                self._changed.wait(0.5)
            return found, self._at

    def until_drawn(self, text: str) -> float:
        """Wait until a text, in one style, was drawn; gives the moment. Raises TimeoutError."""
        return self.until(lambda drawn: text.encode("utf-8") in drawn or None)[1]

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                if not select.select([self._master], [], [], 0.2)[0]:
                    continue
                data = os.read(self._master, 1 << 16)
                with self._changed:
                    self._at = time.perf_counter()
                    self._drawn += data
                    del self._drawn[:-KEPT]
                    self._changed.notify_all()
