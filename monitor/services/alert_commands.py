"""Runs the commands of alerts: without a shell, few at a time, never for long, and without our secrets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from monitor import tasks
from monitor.text import visible

MAX_RUNNING: Final = 4
MAX_PLACEHOLDER: Final = 200  # characters
LIMIT_S: Final = 10.0
GRACE_S: Final = 1.0
# What a desktop or mail program needs. Everything else stays here: it may be a secret that we do not know of.
_PASSED: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS", "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PATHEXT",
)  # fmt: skip
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
log = logging.getLogger(__name__)


class Commands:
    """Starts commands and sees them end. All methods are called from one event loop."""

    def __init__(self, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> None:
        """``limit_s`` is after how many seconds a command is ended, ``grace_s`` how long ``stop`` waits for one."""
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._running: set[asyncio.Task[None]] = set()
        self.errors = 0  # commands that could not be started, failed, or had to be ended

    @property
    def running(self) -> int:
        """How many run now."""
        return len(self._running)

    def start(self, argv: Sequence[str], values: Mapping[str, str]) -> bool:
        """Run a command with ``{name}`` in its arguments replaced; false when too many run already.

        The program itself is as it was configured: what a stranger wrote never chooses what is run.
        """
        if len(self._running) >= MAX_RUNNING:
            return False
        words = [argv[0], *(filled(word, values) for word in argv[1:])]
        task = tasks.start(self._run(words), "alert command")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def stop(self) -> None:
        """Give what still runs a moment to end, then end it."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _run(self, words: Sequence[str]) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(os.environ),
                start_new_session=True,  # so that it can be ended with all that it started
            )
        except FileNotFoundError:
            self._failed("the command %s of an alert is not there: install it, or name another in the rule", words[0])
            return
        except (OSError, ValueError) as error:
            self._failed("the command %s of an alert could not be started: %s", words[0], type(error).__name__)
            return
        try:
            code = await asyncio.wait_for(process.wait(), self._limit_s)
        except TimeoutError:
            self._failed("the command %s of an alert was ended after %g s", words[0], self._limit_s)
        else:
            if code:
                self._failed("the command %s of an alert ended with exit code %d", words[0], code)
        finally:
            _kill(process)
            if process.returncode is None:
                await process.wait()

    def _failed(self, text: str, *values: object) -> None:
        self.errors += 1
        log.warning(text, *values)


def filled(word: str, values: Mapping[str, str]) -> str:
    """A word of a command with its placeholders replaced, once: what a value holds is no placeholder."""

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1])
        return found[0] if known is None else visible(known, limit=MAX_PLACEHOLDER)[:MAX_PLACEHOLDER]

    return _PLACEHOLDER.sub(value, word)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command."""
    return {name: value for name, value in ours.items() if name in _PASSED or name.startswith("LC_")}


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
