"""The tunnel to the receiver: one that runs already, or one that is started. Its address becomes the public one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from monitor import tasks
from monitor.services.reach import Reach
from monitor.text import visible
from monitor.tunnels.programs import AUTO, NONE, PROGRAMS
from monitor.tunnels.running import Tunnel, TunnelError, TunnelState

if TYPE_CHECKING:
    from monitor.tunnels.found import Found

LOOK_S: Final = 10.0  # between two looks at what runs
log = logging.getLogger(__name__)


async def running(port: int, known: str | None = None) -> Found | None:
    """A tunnel that somebody else has started, of those that lead to ``port`` where there are any, and of these that
    with the ``known`` address."""
    from monitor.tunnels.found import find

    return await find(port, known)


class PublicTunnel:
    """Keeps the public address that of a tunnel. A tunnel in trouble is a sentence in ``state``, never an error."""

    def __init__(
        self,
        reach: Reach,
        port: int,
        wanted: str = NONE,
        *,
        look: Callable[[int, str | None], Awaitable[Found | None]] = running,
        look_s: float = LOOK_S,
    ) -> None:
        """``wanted`` is ``AUTO``, ``NONE`` or the name of a program to start; ``port`` is the receiver's. ``look``
        finds what runs already, given the address that was found last, and is asked every ``look_s`` seconds."""
        self._reach = reach
        self._port = port
        self._wanted = wanted
        self._look = look
        self._look_s = look_s
        self._started: Tunnel | None = None
        self._task: asyncio.Task[None] | None = None
        self._followers: list[Callable[[TunnelState], None]] = []
        self._state: TunnelState | None = None

    @property
    def state(self) -> TunnelState | None:
        """How the tunnel does now; None while there is none."""
        return self._state

    @property
    def trouble(self) -> str | None:
        """Why it leads nowhere now, as a sentence; None when all is well, and where another public address was given
        since."""
        state = self._state
        return state.trouble if state is not None and state.url == self._reach.public_url else None

    def follow(self, changed: Callable[[TunnelState], None]) -> None:
        """Tell ``changed`` each new state from now on."""
        self._followers.append(changed)

    async def start(self) -> None:
        """Look for a tunnel or start one, once the receiver takes connections. Does not wait for the address."""
        if self._wanted == AUTO:
            self._task = tasks.start(self._watch(), "tunnel")
        elif self._wanted != NONE:
            self._started = Tunnel(PROGRAMS[self._wanted], self._port, changed=self._now)
            try:
                await self._started.start()
            except TunnelError as error:
                self._now(TunnelState(self._wanted, trouble=str(error)))

    async def stop(self) -> None:
        """End what was started, with all that it started itself; what was found runs on. That is told to nobody."""
        self._followers.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._started is not None:
            await self._started.stop()

    async def _watch(self) -> None:
        while True:
            try:
                self._saw(await self._look(self._port, self._state.url if self._state is not None else None))
            except Exception as error:  # the next look may do better
                log.error("looking for a tunnel failed: %s", type(error).__name__)
            await asyncio.sleep(self._look_s)

    def _saw(self, found: Found | None) -> None:
        if found is not None and found.port == self._port:
            self._now(TunnelState(found.program, found.url, running=True))
        elif self._state is not None and self._state.running:
            trouble = f"The tunnel of {self._state.program} that led here is gone; start it again."
            self._now(replace(self._state, running=False, trouble=trouble))

    def _now(self, state: TunnelState) -> None:
        before, self._state = self._state, state
        if state == before:
            return
        if state.running and state.url is not None and (before is None or state.url != before.url):
            self._reach.change(state.url)
        for follower in self._followers:
            follower(state)


def told(state: TunnelState) -> str:
    """How a tunnel does, as a sentence for people."""
    if state.trouble is not None:
        return state.trouble
    if state.url is None:
        return f"{state.program} is started; its address is not known yet."
    return f"The tunnel of {state.program} leads {visible(state.url)} here."
