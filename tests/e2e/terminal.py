"""A program on a pseudo-terminal, its screen read through an emulated terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyte
from wcwidth import wcwidth

READ_S = 20.0  # for all that a program drew to be read after its end: on a busy machine that takes its time
# A frame of the screens stands between the first two where the terminal said that it knows them, as today's do: what is
# half drawn is not seen then, and not judged here.
FRAME, FRAME_END, ASKED_FRAMES, KNOWS_FRAMES = b"\x1b[?2026h", b"\x1b[?2026l", b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_CUT_SHORT = re.compile(rb"\x1b[^a-zA-Z]*\Z")  # the beginning of a sequence whose end is still to come
# Sequences that pyte takes for text: private CSI with > < = and requests with $ (kitty keys, mode reports).
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\??[0-9;]*\$[a-z]|\x1bP[^\x1b]*\x1b\\")


class Screen(pyte.Screen):
    """A screen that can be read in the middle of a frame.

    pyte leaves half of a wide character behind where the other half is written over; a terminal shows a blank there.
    """

    @property
    def display(self) -> list[str]:
        """The lines as text."""
        return ["".join(self._cells(line)) for line in range(self.lines)]

    def _cells(self, line: int) -> Iterator[str]:
        cells = [self.buffer[line][column].data for column in range(self.columns)]
        widths = [wcwidth(cell[:1]) for cell in cells]
        for cell, width, before, after in zip(cells, widths, [0, *widths], [*widths[1:], 0], strict=False):
            if width == 0:  # the second half of a wide character
                yield "" if before == 2 else " "
            else:
                yield " " if width == 2 and after != 0 else cell


class Terminal:
    """Runs ``hooktop`` with arguments on a terminal of its own; everything is ended by ``close``."""

    def __init__(
        self,
        arguments: list[str],
        environ: dict[str, str],
        *,
        size: tuple[int, int] = (120, 40),
        command: list[str] | None = None,
    ) -> None:
        self.columns, self.lines = size
        self.output = bytearray()
        self.screen: Any = Screen(*size)
        self._stream: Any = pyte.ByteStream(self.screen)
        self._coming = b""  # was read, and is no whole frame yet
        self._lock = threading.Lock()
        self._reading = threading.Event()
        self._reading.set()
        self.master, self.slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "monitor", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environ,
            start_new_session=True,
            cwd=Path(__file__).parent,
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as a window manager would."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def pause_reading(self) -> None:
        """Be a terminal that nobody reads."""
        self._reading.clear()

    def resume_reading(self) -> None:
        """Read again."""
        self._reading.set()

    def text(self) -> str:
        """The screen as text."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, wanted: str, seconds: float = 20) -> str:
        """Return the screen when it shows ``wanted`` (a regular expression). Raises AssertionError with the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.text()
            if re.search(wanted, shown):
                return shown
            if self.process.poll() is not None:
                self._ended.wait(READ_S)
                if re.search(wanted, self.text()):
                    return self.text()
                break
            time.sleep(0.02)
        raise AssertionError(f"no {wanted!r} on the screen (exit {self.process.poll()}):\n{self.text()}")

    def wait_gone(self, unwanted: str, seconds: float = 20) -> str:
        """Return the screen when it no longer shows ``unwanted``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.text()
            if not re.search(unwanted, shown):
                return shown
            time.sleep(0.02)
        raise AssertionError(f"{unwanted!r} is still on the screen:\n{self.text()}")

    def end(self, number: signal.Signals | None = None, seconds: float = 20) -> int:
        """Send a signal if one is given, wait for the program to end, give its exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._ended.wait(READ_S)
        return code

    def restored(self) -> bool:
        """Whether the terminal is as it was: settings, main screen, cursor shown, no mouse reports, no pasting mode."""
        modes = {"1049": False, "25": True, "1000": False, "1003": False, "1006": False, "2004": False}
        for found in re.finditer(rb"\x1b\[\?([0-9;]+)([hl])", bytes(self.output)):
            for mode in found[1].decode().split(";"):
                if mode in modes:
                    modes[mode] = found[2] == b"h"
        as_they_were = {"1049": False, "25": True, "1000": False, "1003": False, "1006": False, "2004": False}
        return modes == as_they_were and termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        """End the program and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reading.set()
        os.close(self.slave)
        self._thread.join(3)
        with contextlib.suppress(OSError):
            os.close(self.master)

    def _read(self) -> None:
        while True:
            self._reading.wait()
            try:
                if not select.select([self.master], [], [], 0.1)[0]:
                    if self.process.poll() is not None:
                        break
                    continue
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            if ASKED_FRAMES in self._coming + data:
                self.press(KNOWS_FRAMES.decode())
            with self._lock:
                self.output += data
                self._coming += data
                self._draw(self._whole())
        with self._lock:
            self._draw(len(self._coming))
        self._ended.set()

    def _whole(self) -> int:
        """How many of the bytes that came are whole frames and sequences."""
        opened = self._coming.rfind(FRAME)
        if opened >= 0 and self._coming.find(FRAME_END, opened) < 0:
            return opened
        cut = _CUT_SHORT.search(self._coming)
        return len(self._coming) if cut is None else cut.start()

    def _draw(self, upto: int) -> None:
        drawn, self._coming = self._coming[:upto], self._coming[upto:]
        self._stream.feed(_UNKNOWN.sub(b"", drawn))
