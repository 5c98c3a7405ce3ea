"""Child processes that are ended for certain, with all that they started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Sequence
from typing import Final, cast

from monitor.text import visible

GRACE_S: Final = 2.0
MAX_LINE: Final = 4096  # bytes; the rest of a longer line is dropped
_LAST_WORDS_S: Final = 1.0
# What these programs need to find their settings and the way out. Everything else stays here: it may be a secret.
_PASSED: Final = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SYSTEMROOT", "USERPROFILE", "APPDATA",
    "LOCALAPPDATA", "PATHEXT", "TEMP",
})  # fmt: skip


def environment(variables: Collection[str] = ()) -> dict[str, str]:
    """What of our environment such a program is given; ``variables`` are further names."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _PASSED or name in variables or name.startswith("LC_")
    }


_running: set[Child] = set()


def kill_all() -> None:
    """End all that runs, with what it started, where there is no time for anything else. From any thread."""
    for child in list(_running):
        child.kill()


class Child(asyncio.SubprocessProtocol):
    """A running program in a process group of its own."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""
        self._exited = asyncio.Event()
        self._closed = asyncio.Event()
        self._gone = False
        self._transport: asyncio.SubprocessTransport | None = None

    @classmethod
    async def start(
        cls, words: Sequence[str], on_line: Callable[[str], None], variables: Collection[str] = ()
    ) -> Child:
        """Start a program; ``on_line`` is told each line of its output and errors, made visible. Raises OSError."""
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(on_line),
            *words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(variables),
            start_new_session=True,  # so that it can be ended with all that it started
        )
        return child

    async def wait(self) -> int:
        """Wait until the program has ended and its last words were heard; gives its exit code."""
        await self._exited.wait()
        await _within(self._closed, _LAST_WORDS_S)  # a child of its own may hold its output open
        code = None if self._transport is None else self._transport.get_returncode()
        return -1 if code is None else code

    async def end(self, grace_s: float = GRACE_S) -> None:
        """End it and what it started: they are asked to, and after ``grace_s`` made to. Does nothing twice."""
        if self._gone:  # its number may be another's by now
            return
        try:
            try:
                if not self._exited.is_set():
                    self._signal(signal.SIGTERM)
                    await _within(self._exited, grace_s)
            finally:
                # Also when we were cancelled meanwhile, and for children that outlive the program.
                self.kill()
                self._gone = True
                _running.discard(self)
            await self._exited.wait()
            await _within(self._closed, _LAST_WORDS_S)
        finally:
            if self._transport is not None:
                self._transport.close()

    def kill(self) -> None:
        """End it and what it started at once."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The program runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        _running.add(self)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """The program has said something."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:MAX_LINE]
        for line in lines:
            self._say(line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Nothing more will be said."""
        rest, self._rest = self._rest, b""
        self._say(rest)

    def process_exited(self) -> None:
        """The program has ended."""
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The program has ended and all that it said was heard."""
        if self._transport is not None:
            self._transport.close()
        self._closed.set()

    def _say(self, line: bytes) -> None:
        if text := visible(line[:MAX_LINE].decode("utf-8", "backslashreplace").strip()):
            self._on_line(text)

    def _signal(self, number: signal.Signals) -> None:
        if self._transport is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._transport.get_pid(), number)
            else:
                self._transport.send_signal(number)


async def _within(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
