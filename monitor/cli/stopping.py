"""How a long-running command is asked to end: by a signal, by its own limits, by whoever read its output."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Final

# In the manner of a shell a program that a signal ended gives 128 and the signal's number; 130 is SIGINT.
LIMIT_S: Final = 4.0
ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
UNPRESSED: Final = ("SIGTERM", "SIGHUP")  # those of them that no key sends


@contextlib.contextmanager
def on_signals(
    ask: Callable[[signal.Signals], None],
    *,
    names: Sequence[str] = ENDING,
    at_latest: Callable[[signal.Signals], None] | None = None,
) -> Iterator[None]:
    """Call ``ask`` in the running event loop for each signal that ends programs, instead of dying of it.

    Whatever draws on the terminal or writes the database can then finish in order. Where that takes longer than
    ``LIMIT_S``, ``at_latest`` is called from a thread of its own: a terminal that nobody reads can block the loop.
    """
    loop = asyncio.get_running_loop()
    timers: list[threading.Timer] = []

    def caught(number: int, _: FrameType | None) -> None:
        # Runs between two instructions of the main thread, also while the loop waits for a lock.
        loop.call_soon_threadsafe(ask, signal.Signals(number))
        if at_latest is not None and not timers:
            timers.append(threading.Timer(LIMIT_S, at_latest, (signal.Signals(number),)))
            timers[0].daemon = True
            timers[0].start()

    before = {}
    for name in names:
        number = getattr(signal, name, None)
        if number is not None and not _kept_away(number):
            with contextlib.suppress(ValueError):  # not the main thread: somebody else owns the signals
                before[number] = signal.signal(number, caught)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in timers:
            timer.cancel()


def _kept_away(number: signal.Signals) -> bool:
    """Whether whoever started this program keeps the signal from it: ``nohup`` does, for SIGHUP. A shell keeps SIGINT
    and SIGQUIT from what it runs in the background, where a script still ends it with them."""
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN


class Stop:
    """Asked to end: ``wait`` returns, and ``signal`` says by what, None where it was no signal."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.signal: signal.Signals | None = None

    def ask(self, number: signal.Signals | None = None) -> None:
        """End as soon as possible; the first who asks is remembered."""
        if not self._event.is_set():
            self.signal = number
            self._event.set()

    def ask_from_thread(self) -> None:
        """As ``ask``, from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has everything else
            self._loop.call_soon_threadsafe(self.ask)

    @property
    def asked(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until the end is asked for, at most so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


def exit_code(number: signal.Signals | None) -> int:
    """The exit code of a program that a signal ended, 0 without one."""
    return 0 if number is None else 128 + number
