"""The columns of the list of messages: which ones fit, and what a row says in them. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from monitor.model.message import Mark, Message
from monitor.model.reading import Direction, Status
from monitor.text import visible
from monitor.ui.columns import Look, fitting, party_text, time_text
from monitor.ui.format import STATUS_ROLES, failed, fit, fit_status, pad, short_span, short_took
from monitor.ui.lines import Part
from monitor.ui.mask import mask_text
from monitor.ui.painted import cells
from monitor.ui.stages import LONG, SHORT, bar, inbound

LABELS: Final = {
    "time": "when", "provider": "provider", "party": "party", "text": "text", "bar": "steps", "total": "total",
    "status": "status", "marks": "noticed",
}  # fmt: skip
# In this order columns come in, and grow, as long as there is room: (column, width).
_STEPS: Final = (
    ("time", 8), ("party", 15), ("bar", SHORT), ("status", 12), ("provider", 9), ("total", 6), ("text", 10),
    ("text", 14), ("status", 13), ("bar", LONG), ("party", 18), ("text", 24), ("time", 10), ("marks", 12),
    ("time", 11), ("text", 40), ("marks", 20), ("party", 22), ("status", 16),
)  # fmt: skip
_LIMIT: Final = 200
# What is said of marks, the gravest first; shown as words or, where there is no room, as one sign.
WORDS: Final[dict[Mark, tuple[str, str]]] = {
    Mark.CONFLICT: ("conflict", "bad"),
    Mark.REGRESSION: ("regression", "warn"),
    Mark.OUT_OF_ORDER: ("out of order", "warn"),
    Mark.LATE: ("late", "warn"),
    Mark.CLOCK_SKEW: ("clock skew", "warn"),
    Mark.DUPLICATE: ("duplicate", "quiet"),
    Mark.UNPROVEN: ("unproven", "quiet"),
}


@lru_cache(maxsize=64)
def layout(width: int) -> tuple[tuple[str, int], ...]:
    """The columns of a list of ``width`` cells."""
    return fitting(width, LABELS, _STEPS, ("text", "party"), spared="marks")


def heading(width: int) -> str:
    """The labels over the columns."""
    return " " + " ".join(pad(LABELS[name], wide, right=name == "total") for name, wide in layout(width))


def row_parts(message: Message, width: int, look: Look, now: datetime, stuck: float | None) -> list[Part]:
    """A row as parts that fill the columns, after the cursor's cell; ``stuck`` is for how many seconds."""
    parts: list[Part] = []
    columns = layout(width)
    worded = any(name == "marks" for name, _ in columns)
    for name, wide in columns:
        if parts:
            parts.append((" ", "plain"))
        match name:
            case "time":
                parts.append((time_text(message.first_at, look, now, wide), "quiet"))
            case "provider":
                parts.append((pad(visible(message.provider, limit=40), wide), "plain"))
            case "party":
                parts += _party(message, look, wide)
            case "text":
                parts.append((_text(message, look, wide), "quiet"))
            case "bar":
                parts += bar(message, wide)
            case "total":
                text = short_took(message.latency.total_s, about=message.latency.about)
                parts.append((pad(text, wide, right=True), "plain"))
            case "status":
                parts += _status(message, stuck, wide, worded)
            case "marks":
                parts += _marks(message, wide)
    return parts


def status_of(message: Message, stuck: float | None = None) -> Part:
    """The state with the error's code, or for how long it is stuck."""
    if stuck is not None:
        return f"STUCK {short_span(stuck)}", "chip"
    if message.status is Status.FAILED:
        error = message.error
        return failed(*(error.carrier_code, error.code) if error else ()), "bad"
    if message.status is None:
        return ("no status", "quiet") if message.backed else ("not proven", "quiet")
    return message.status.value, "info" if message.status is Status.READ else STATUS_ROLES[message.status]


def noticed(message: Message) -> list[Part]:
    """The words for a message's marks, the gravest first."""
    found: list[Part] = []
    for mark, (word, role) in WORDS.items():
        if mark in message.marks:
            found.append((f"×{message.duplicates + 1}" if mark is Mark.DUPLICATE else word, role))
    return found


def _party(message: Message, look: Look, wide: int) -> list[Part]:
    came = inbound(message)
    party = message.from_ if came else message.to or message.from_
    arrow: Part = (
        ("← ", "info") if came else ("→ ", "quiet") if message.direction is Direction.OUTBOUND else ("  ", "quiet")
    )
    if not party:
        return [arrow, (pad("", wide - 2), "plain")]
    return [arrow, (party_text(party, wide - 2, look), "plain")]


def _text(message: Message, look: Look, wide: int) -> str:
    if message.text:
        text = mask_text(message.text) if look.masked else visible(message.text, limit=_LIMIT)
        return pad(f"“{fit(text, wide - 2)}”", wide)
    if message.media:
        return pad("▪ " + visible(message.media[0].type or "attachment", limit=40), wide)
    return pad("", wide)


def _status(message: Message, stuck: float | None, wide: int, worded: bool) -> list[Part]:
    text, role = status_of(message, stuck)
    grave = any(role in ("bad", "warn") for _, role in noticed(message))
    parts: list[Part] = [(fit_status(text, wide), role)]
    if grave and not worded:
        parts = [(fit_status(text, wide - 2), role), (" !", "warn")]
    return [*parts, (" " * (wide - cells(parts)), "plain")]


def _marks(message: Message, wide: int) -> list[Part]:
    parts: list[Part] = []
    for word, role in noticed(message):
        cost = len(word) + (2 if parts else 0)
        if cost > wide:
            break
        parts += [("  " if parts else "", "plain"), (word, role)]
        wide -= cost
    return [*parts, (" " * wide, "plain")]
