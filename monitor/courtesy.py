"""Long work in a thread that leaves the interpreter to the event loop.

A thread that never waits takes half of Python's time, and after each of its system calls the event loop waits until
that thread hands the interpreter over: at 200 webhooks a second an answer then takes seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")
SWITCH_S: Final = 0.0005  # Python's own are 5 ms
WORK_S: Final = 0.004  # at a stretch, about as long as Python lets one thread go on
REST: Final = 4.0  # times as long as was worked


def switch_often() -> None:
    """Have threads hand the interpreter over more often than Python lets them. Call it before receiving."""
    sys.setswitchinterval(SWITCH_S)


def courteous(items: Iterable[T], busy: Callable[[], bool]) -> Iterator[T]:
    """The same items; while there is something to receive (``busy``), with a rest after each few of them."""
    begun = time.monotonic()
    for item in items:
        yield item
        worked = time.monotonic() - begun
        if worked > WORK_S:
            if busy():
                time.sleep(REST * worked)
            begun = time.monotonic()
