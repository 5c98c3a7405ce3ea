"""What became of a capture that was passed on, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.output import GAP, Paint
from monitor.cli.whole import body_lines
from monitor.text import visible
from monitor.times import local_time
from monitor.ui import redact

if TYPE_CHECKING:
    from monitor.model.attempt import Attempt


def attempt_lines(attempts: Sequence[Attempt], paint: Paint) -> list[str]:
    """A line for each attempt, oldest first, and the last answer with its headers and the beginning of its body."""
    lines = ["", paint("Passed on", bold=True)]
    for attempt in attempts:
        when = local_time(attempt.at)
        said = f"  {when:%Y-%m-%d %H:%M:%S.%f}{GAP}{_outcome(attempt)}{GAP}{visible(attempt.url, limit=500)}"
        kind = "" if attempt.kind == "forward" else f"{GAP}{attempt.kind.value}"
        lines.append(said + kind + (", changed" if attempt.changed else ""))
        if attempt.failure is not None:
            more = f" ({visible(attempt.detail, limit=300)})" if attempt.detail else ""
            lines.append(f"    {attempt.failure.sentence}{more}")
    last = next((attempt for attempt in reversed(attempts) if attempt.status is not None), None)
    if last is None:
        return lines
    lines += ["", paint(f"Answer ({last.status}, {last.size} bytes)", bold=True)]
    lines += [f"  {visible(name)}: {visible(redact.header_value(name, value))}" for name, value in last.headers]
    lines += ["", *body_lines(last.body)]
    if last.size > len(last.body):
        lines.append(f"… {last.size - len(last.body)} more bytes, which were not kept")
    return lines


def _outcome(attempt: Attempt) -> str:
    if attempt.failure is not None:
        return f"✖ {attempt.failure.value}"
    return f"{'✔' if attempt.fine else '✖'} {attempt.status} in {(attempt.took_s or 0) * 1000:.0f} ms"
