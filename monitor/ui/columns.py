"""The columns of the live list: which ones fit, and what a row says in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from monitor.model.capture import LOCAL_MARK, Source
from monitor.model.reading import Direction, Status
from monitor.model.verdict import SIGNS
from monitor.store.reader import Row
from monitor.text import visible
from monitor.ui.format import (
    STATUS_ROLES,
    answered,
    cell_time,
    failed,
    failure_sign,
    fit,
    fit_status,
    pad,
    short_span,
    size,
    tail,
)
from monitor.ui.lines import Part
from monitor.ui.mask import DOT, mask_party, mask_text

LABELS: Final = {
    "time": "time", "verdict": "verdict", "provider": "provider", "event": "event", "party": "party",
    "status": "status", "app": "app", "text": "text",
}  # fmt: skip
# In this order columns come in, and grow, as long as there is room: (column, width).
_STEPS: Final = (
    ("time", 8), ("verdict", 1), ("provider", 9), ("event", 9), ("status", 9), ("party", 15), ("status", 10),
    ("event", 15), ("verdict", 11), ("status", 12), ("event", 17), ("time", 10), ("text", 16), ("event", 24),
    ("time", 11), ("status", 16), ("party", 22),
)  # fmt: skip
# Where captures are passed on, what the app said comes right behind what a row cannot do without.
_STEPS_WITH_APP: Final = (*_STEPS[:6], ("app", 3), *_STEPS[6:])
_FOREIGN_LIMIT: Final = 200
_NUMBER: Final = frozenset(f"+0123456789{DOT}")
_TAGS: Final[dict[str, str]] = {Source.SIMULATED: "LOCAL", Source.REPLAYED: "REPLAY", Source.IMPORTED: "IMPORT"}
_ARROWS: Final[dict[str | None, tuple[str, str]]] = {
    Direction.INBOUND: ("←", "info"),
    Direction.OUTBOUND: ("→", "quiet"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are to be written: relative times counted from ``now``, masked, in a demo (where all is local), with
    what the app answered."""

    relative: bool = False
    masked: bool = False
    demo: bool = False
    app: bool = False


def fitting(
    width: int, order: Iterable[str], steps: Iterable[tuple[str, int]], growing: Iterable[str], spared: str = ""
) -> tuple[tuple[str, int], ...]:
    """The columns that fit a list of ``width`` cells, left to right as in ``order``, with their widths.

    One cell at the left edge is the cursor's, one at the right stays empty, and one blank stands before each further
    column. Columns come in, and grow, by ``steps`` until one has no room, other than ``spared``. What is left goes to
    the first of ``growing`` that is there, else to the column that came in last.
    """
    widths: dict[str, int] = {}
    room = width - 2
    for name, wanted in steps:
        cost = wanted - widths[name] if name in widths else wanted + (1 if widths else 0)
        if cost <= room:
            room -= cost
            widths[name] = wanted
        elif name not in widths and name != spared:
            break
    if room and widths:
        widths[next((name for name in growing if name in widths), next(reversed(widths)))] += room
    return tuple((name, widths[name]) for name in order if name in widths)


@lru_cache(maxsize=64)
def layout(width: int, app: bool = False) -> tuple[tuple[str, int], ...]:
    """The columns of a list of ``width`` cells, with or without what the app answered."""
    return fitting(width, LABELS, _STEPS_WITH_APP if app else _STEPS, ("text", "event"), spared="text")


def heading(width: int, app: bool = False) -> str:
    """The labels over the columns."""
    return " " + " ".join(pad(LABELS[name] if wide > 1 else "", wide) for name, wide in layout(width, app))


def time_text(at: datetime, look: Look, now: datetime, width: int) -> str:
    """When something was, in the form that is chosen, for a column of ``width`` cells."""
    if look.relative:
        return pad(short_span((now - at).total_seconds()), 8, right=True).ljust(width)
    return cell_time(at, now, width)


def row_parts(row: Row, width: int, look: Look, time: str) -> list[Part]:
    """A row as parts that fill the columns of a list ``width`` cells wide, after the cursor's cell."""
    parts: list[Part] = []
    for name, wide in layout(width, look.app):
        if parts:
            parts.append((" ", "plain"))
        parts += _cell(name, wide, row, look, time)
    return parts


def _cell(name: str, wide: int, row: Row, look: Look, time: str) -> list[Part]:
    match name:
        case "time":
            return [(pad(time, wide), "quiet")]
        case "verdict":
            glyph, word, role = SIGNS.get(row.verdict, ("·", visible(row.verdict, limit=20), "quiet"))
            return [(pad(glyph if wide == 1 else f"{glyph} {word}", wide), role)]
        case "provider":
            return [(pad(visible(row.provider, limit=40), wide), "plain")]
        case "event":
            return _event(row, wide, look)
        case "party":
            return _party(row, wide, look)
        case "status":
            text, role = status_of(row)
            return [(pad(fit_status(text, wide), wide), role)]
        case "app":
            text, role = app_of(row)
            return [(pad(text, wide), role)]
    return [(_text(row, look, wide), "quiet")]


def _event(row: Row, wide: int, look: Look) -> list[Part]:
    tag = fit(tag_of(row, look), wide)
    room = wide - len(tag) - 1 if tag else wide
    if room <= 0:
        return [(pad(tag, wide), "warn")]
    text = visible(row.event, limit=_FOREIGN_LIMIT) if row.event else ""
    event: Part = (pad(tail(text, room), room), "plain")
    return [(f"{tag} ", "warn"), event] if tag else [event]


def tag_of(row: Row, look: Look) -> str:
    """``LOCAL``, ``REPLAY`` or ``IMPORT`` for what did not come from a provider, else nothing."""
    if look.demo and row.source == Source.SIMULATED:
        return ""
    local = row.source == Source.REPLAYED and not look.demo and LOCAL_MARK in (row.marks or "")
    return ("LOCAL " if local else "") + _TAGS.get(row.source, "")


def _party(row: Row, wide: int, look: Look) -> list[Part]:
    arrow, role = _ARROWS.get(row.direction, (" ", "quiet"))
    party = row.sender if row.direction == Direction.INBOUND else row.recipient or row.sender
    if not party:
        return [(pad(arrow, wide), role)]
    return [(arrow + " ", role), (party_text(party, wide - 2, look), "plain")]


def party_text(party: str, width: int, look: Look) -> str:
    """A party in exactly ``width`` cells. A number that is too long loses its beginning: its end tells rows apart."""
    shown = visible(mask_party(party) if look.masked else party, limit=_FOREIGN_LIMIT)
    if 1 < width < len(shown) and _NUMBER.issuperset(shown):
        return "…" + shown[1 - width :]
    return pad(shown, width)


def status_of(row: Row) -> tuple[str, str]:
    """The status with the error's code, and its role; a mark such as ``clicked`` where there is no status."""
    if row.status == Status.FAILED:
        return failed(row.carrier_code, row.error_code), "bad"
    if row.status and row.status != Status.OTHER:
        return visible(row.status, limit=40), STATUS_ROLES.get(row.status, "plain")
    word = row.mark or row.provider_status or ""
    return visible(word, limit=40), "plain" if row.mark else "quiet"


def app_of(row: Row) -> tuple[str, str]:
    """What the app answered, and its role: nothing where it was not passed on, a sign where there was no answer."""
    if row.app is None:
        return "", "quiet"
    if not row.app.isdecimal():
        return failure_sign(row.app)
    _, text, role = answered(int(row.app))
    return text, "quiet" if role == "good" else role  # what went well is not to catch the eye


def _text(row: Row, look: Look, wide: int) -> str:
    if not row.text:
        return pad("" if row.event else size(row.size), wide)
    text = mask_text(row.text) if look.masked else visible(row.text, limit=_FOREIGN_LIMIT)
    return pad(f"“{fit(text, wide - 2)}”", wide)
