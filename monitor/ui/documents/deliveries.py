"""The deliveries of an event in the Summary tab: how often its sender tried, how long it waited, and the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from monitor.store.deliveries import Delivery
from monitor.text import visible
from monitor.ui.documents.look import labelled, under
from monitor.ui.format import VERDICTS, clock, count, gap
from monitor.ui.lines import Line, Part

MAX_SHOWN: Final = 12  # lines, the one that is shown in their middle


def deliveries(found: Sequence[Delivery], capture: int) -> Iterator[Line]:
    """The lines for the deliveries of a capture's event; none where it came once."""
    place = next((n for n, one in enumerate(found) if one.capture == capture), None)
    if len(found) < 2 or place is None:
        return
    runs = [(answered, len(list(same))) for answered, same in groupby(one.answered for one in found)]
    answers = ", ".join(answered if many == 1 else f"{answered} ×{count(many)}" for answered, many in runs[:MAX_SHOWN])
    answers += " …" if len(runs) > MAX_SHOWN else ""
    yield labelled(
        "delivery", (f"{count(place + 1)} of {count(len(found))}", "strong"), (f"   answered {answers}", "quiet")
    )
    wide = max(len(f"#{one.capture}") for one in found) + 1
    first = max(min(place - MAX_SHOWN // 2, len(found) - MAX_SHOWN), 0)
    for n, one in enumerate(found[first : first + MAX_SHOWN], first):
        sign, _, role = VERDICTS.get(one.verdict, ("·", visible(one.verdict, limit=20), "quiet"))
        waited = gap(one.at - found[n - 1].at) if n else "first"
        parts: list[Part] = [
            ("▸ " if n == place else "  ", "accent"),
            (f"#{one.capture}".ljust(wide), "accent"),
            (clock(one.at, digits=1) + " ", "plain"),
            (waited.rjust(8), "strong" if n else "quiet"),
            (f" {sign} ", role),
            (one.answered, "good" if 200 <= one.answer < 300 else "bad"),
        ]
        yield under(*parts)
