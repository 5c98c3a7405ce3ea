"""The deliveries of an event as text: how often its sender tried, and what it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.output import Paint, table
from monitor.times import local_time

if TYPE_CHECKING:
    from monitor.store.deliveries import Delivery


def delivery_lines(found: Sequence[Delivery], capture: int, paint: Paint) -> list[str]:
    """The lines for the deliveries of a capture's event; none where it came once."""
    if len(found) < 2:
        return []
    place = next((n for n, one in enumerate(found, 1) if one.capture == capture), 0)
    rows = []
    for n, one in enumerate(found):
        waited = f"+{(one.at - found[n - 1].at).total_seconds():,.2f} s" if n else ""
        at = f"{local_time(one.at):%Y-%m-%d %H:%M:%S.%f}"
        rows.append((f"cap_{one.capture}", at, waited, one.verdict, one.answered))
    heads = ("CAPTURE", "RECEIVED", "AFTER", "VERDICT", "ANSWER")
    lines = table(heads, rows, paint=paint)
    return ["", paint(f"Delivery {place:,} of {len(found):,} of the same event", bold=True), *(f"  {x}" for x in lines)]
