"""A tunnel program that hooktop has started: its address, its end, and its start anew."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from monitor import tasks
from monitor.tunnels.children import GRACE_S, Child
from monitor.tunnels.programs import Program

URL_S: Final = 30.0
PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 60.0
MAX_LINES: Final = 20
MAX_SHOWN: Final = 300  # characters of a line
_WORDS: Final = 400  # characters of last words
_COMPLAINT: Final = re.compile(r"err|fail|denied|refused", re.IGNORECASE)


class TunnelError(Exception):
    """There is no tunnel; the text is a whole sentence: what, why, what to do."""


@dataclass(frozen=True, slots=True)
class TunnelState:
    """How a tunnel program does.

    ``url`` is the address that it gave last (None before the first), without a slash at its end; it leads to us only
    while ``running``. ``restarts`` counts how often it was started anew. ``trouble`` is a sentence, None when all is
    well. ``lines`` are its last, made visible.
    """

    program: str
    url: str | None = None
    running: bool = False
    restarts: int = 0
    trouble: str | None = None
    lines: tuple[str, ...] = ()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _nobody(_: TunnelState) -> None:
    """Nobody wants to know."""


class Tunnel:
    """Runs a tunnel program that leads to a local port. All methods are called from one event loop."""

    def __init__(
        self,
        program: Program,
        port: int,
        *,
        changed: Callable[[TunnelState], None] = _nobody,
        url_s: float = URL_S,
        pause_s: float = PAUSE_S,
        grace_s: float = GRACE_S,
    ) -> None:
        """``changed`` is told each new state, but not every line. ``url_s`` is how long the program may take for its
        address, ``pause_s`` the wait before the first new start (then twice as long each time, a minute at most),
        ``grace_s`` how long it has to end by itself."""
        self._program = program
        self._port = port
        self._changed = changed
        self._url_s = url_s
        self._pause_s = pause_s
        self._grace_s = grace_s
        self._state = TunnelState(program.name)
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._spoken = False  # the program that runs now has given its address
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> TunnelState:
        """How it does now."""
        return replace(self._state, lines=tuple(self._lines))

    async def start(self) -> None:
        """Start the program. Raises TunnelError where it is not installed or cannot be started."""
        child = await self._begin()
        self._task = tasks.start(self._supervise(child), f"tunnel {self._program.name}")
        self._tell(running=True)

    async def stop(self) -> None:
        """End the program and all that it started. Does nothing where none runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _begin(self) -> Child:
        program = self._program
        executable = shutil.which(program.executable)
        if executable is None:
            raise TunnelError(program.missing)
        self._spoken = False
        try:
            self._child = await Child.start([executable, *program.command(self._port)], self._heard, program.variables)
            return self._child
        except OSError as error:
            raise TunnelError(
                f"{program.name} cannot be started ({error.strerror or type(error).__name__}); "
                f"check that {program.executable} runs in a shell."
            ) from None

    async def _supervise(self, child: Child) -> None:
        try:
            await self._keep(child)
        finally:
            # Whatever happened, nothing of it is left.
            if self._child is not None:
                await self._child.end(self._grace_s)
            if self._state.running:
                self._tell(running=False, trouble=f"{self._program.name} was stopped.")

    async def _keep(self, child: Child) -> None:
        """See to it that the program runs; ends when it cannot give an address at all."""
        loop = asyncio.get_running_loop()
        pause = self._pause_s
        while True:
            began = loop.time()
            code = await self._end_of(child)
            if self._state.url is None:
                words = self._last_words()
                trouble = f"{self._program.name} ended before it gave an address ({_how(code)}){words}."
                self._tell(running=False, trouble=trouble)
                return
            if loop.time() - began > MAX_PAUSE_S:
                pause = self._pause_s
            why = f"{self._program.name} ended ({_how(code)})"
            while True:
                self._tell(running=False, trouble=f"{why}; it is started again in {pause:g} s.")
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)
                try:
                    child = await self._begin()
                    break
                except TunnelError as error:
                    why = str(error).removesuffix(".")
            # Until it has spoken the address is the old one's, which may lead nowhere.
            unknown = None if self._spoken else f"{self._program.name} was started again; its address is not known yet."
            self._tell(restarts=self._state.restarts + 1, trouble=unknown)

    async def _end_of(self, child: Child) -> int:
        """Wait for the end of a program and of what it started; gives its exit code."""
        late = asyncio.get_running_loop().call_later(self._url_s, self._complain)
        try:
            code = await child.wait()
        finally:
            late.cancel()
        await child.end(self._grace_s)
        return code

    def _heard(self, line: str) -> None:
        """A line of the program. Only the first address counts: what comes later may hold what strangers sent."""
        self._lines.append(line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + "…")
        if self._spoken or self._program.needle not in line:
            return
        if (found := self._program.url.search(line)) is not None:
            self._spoken = True
            self._tell(url=found[1], running=True)

    def _complain(self) -> None:
        if not self._spoken:
            self._tell(trouble=f"{self._program.name} gave no address within {self._url_s:g} s{self._last_words()}.")

    def _last_words(self) -> str:
        """What the program said in the end: its complaints where there are any."""
        lines = list(self._lines)
        chosen = [line for line in lines if _COMPLAINT.search(line)][-5:] or lines[-3:]
        words = " ".join(chosen)
        if len(words) > _WORDS:
            words = words[: _WORDS - 1] + "…"
        return f"; it said: {words.rstrip('.')}" if words else " and said nothing"

    def _tell(
        self,
        *,
        url: str | None = None,
        running: bool | None = None,
        restarts: int | None = None,
        trouble: str | None = None,
    ) -> None:
        before = self._state
        self._state = replace(
            before,
            url=before.url if url is None else url,
            running=before.running if running is None else running,
            restarts=before.restarts if restarts is None else restarts,
            trouble=trouble,
        )
        if self._state != before:
            self._changed(self.state)
