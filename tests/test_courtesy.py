"""Long work gives way while there is something to receive, and only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from monitor.courtesy import REST, WORK_S, courteous


def working(items: int) -> Iterator[int]:
    """Items that each take some of the processor's time."""
    for item in range(items):
        until = time.thread_time() + WORK_S
        while time.thread_time() < until:
            pass
        yield item


def shares(*, busy: bool) -> float:
    """The processor's time of a thread that goes through the items, as a share of the time that it took."""
    found: list[float] = []

    def work() -> None:
        begun, used = time.monotonic(), time.thread_time()
        assert list(courteous(working(40), lambda: busy)) == list(range(40))
        found.append((time.thread_time() - used) / (time.monotonic() - begun))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def test_most_of_the_time_is_left_while_webhooks_come() -> None:
    assert shares(busy=True) < 1.2 / (1 + REST)  # however slow the machine is: a rest is as long as the work was
