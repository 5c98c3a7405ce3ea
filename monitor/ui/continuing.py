"""A program that was stopped from outside (kill -STOP, a shell's job control) and goes on.

Textual begins its terminal mode anew at every SIGCONT, also where it had not left it: with two readers of the keys the
program could not end any more. And a shell that had the terminal meanwhile leaves it with settings of its own, in which
keys come only with the next enter.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from monitor.ui.format import long_span
from monitor.ui.safety import toast

if TYPE_CHECKING:
    from textual.app import App

BEAT_S: Final = 0.25
GAP_S: Final = 1.0  # what is shorter is not worth a word


def watch(app: App[int]) -> None:
    """From now on draw the screens anew when the program goes on, and say how long it was stopped."""
    driver: Any = app._driver  # its names are private to Textual, so: nothing is done where they are not as known
    resume = getattr(driver, "_sigcont_application", None)
    if resume is None or signal.getsignal(signal.SIGCONT) != resume:
        return
    import termios  # who has SIGCONT has it

    settings = termios.tcgetattr(driver.fileno)
    loop = asyncio.get_running_loop()
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        last = time.monotonic()

    def goes_on(*_: object) -> None:
        if not driver._auto_restart:  # an editor has the terminal
            return
        if driver._must_signal_resume:  # it was left before the stop
            resume()
        elif _in_front(driver.fileno):
            with contextlib.suppress(termios.error):  # the terminal may be gone
                termios.tcsetattr(driver.fileno, termios.TCSANOW, settings)
        loop.call_soon_threadsafe(tell, time.monotonic() - last)

    def tell(gap: float) -> None:
        app.screen.refresh()
        if gap >= GAP_S:
            said = f"hooktop was stopped for {long_span(gap)}: what came meanwhile is answered only now."
            toast(app, said, severity="warning", timeout=20)

    app.set_interval(BEAT_S, beat)
    signal.signal(signal.SIGCONT, goes_on)


def _in_front(terminal: int) -> bool:
    """Whether the terminal is this program's, and not that of a shell or another program."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # no terminal controls this program, so no shell does
        return True
