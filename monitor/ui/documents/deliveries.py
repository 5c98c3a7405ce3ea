"""The deliveries of an event in the Summary tab: how often its sender tried, how long it waited, and the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.cells import cell_len

from monitor.model.attempt import is_success
from monitor.model.verdict import SIGNS
from monitor.store.deliveries import Delivery
from monitor.text import visible
from monitor.ui.documents.look import labelled, under
from monitor.ui.format import clock, count, gap
from monitor.ui.lines import Line, Part, line

MAX_SHOWN: Final = 12  # lines, the one that is shown in their middle


def deliveries(found: Sequence[Delivery], capture: int, width: int) -> Iterator[Line]:
    """The lines for the deliveries of a capture's event, in ``width`` cells; none where it came once.

    Where there is no room they begin at the left edge, then do without tenths of a second and with an answer's number.
    """
    place = next((n for n, one in enumerate(found) if one.capture == capture), None)
    if len(found) < 2 or place is None:
        return
    runs = [(answered, len(list(same))) for answered, same in groupby(one.answered for one in found)]
    answers = ", ".join(answered if many == 1 else f"{answered} ×{count(many)}" for answered, many in runs[:MAX_SHOWN])
    answers += " …" if len(runs) > MAX_SHOWN else ""
    number: Part = (f"{count(place + 1)} of {count(len(found))}", "strong")
    beside = labelled("delivery", number, (f"   answered {answers}", "quiet"))
    below = [labelled("delivery", number), labelled("answered", (answers, "quiet"))]
    yield from [beside] if _fits([beside], width) else below
    whole, short = (list(_rows(found, place, short=short)) for short in (False, True))
    forms = [under(*row) for row in whole], [line(*row, indent=2) for row in whole]
    yield from next((form for form in forms if _fits(form, width)), [line(*row, indent=2) for row in short])


def _fits(lines: Sequence[Line], width: int) -> bool:
    return all(cell_len(one.text) <= width for one in lines)


def _rows(found: Sequence[Delivery], place: int, *, short: bool) -> Iterator[list[Part]]:
    """A row for each delivery around that at ``place``: which, when, how long after the one before, its answer."""
    wide = max(len(f"#{one.capture}") for one in found) + 1
    first = max(min(place - MAX_SHOWN // 2, len(found) - MAX_SHOWN), 0)
    for n, one in enumerate(found[first : first + MAX_SHOWN], first):
        sign, _, role = SIGNS.get(one.verdict, ("·", visible(one.verdict, limit=20), "quiet"))
        waited = gap(one.at - found[n - 1].at) if n else "first"
        yield [
            ("▸ " if n == place else "  ", "accent"),
            (f"#{one.capture}".ljust(wide), "accent"),
            (clock(one.at, digits=0 if short else 1) + " ", "plain"),
            (waited.rjust(8), "strong" if n else "quiet"),
            (f" {sign} ", role),
            (one.answered.partition(" ")[0] if short else one.answered, "good" if is_success(one.answer) else "bad"),
        ]
