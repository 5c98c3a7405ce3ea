"""A conversation in the list, in two rows: who and when; what was said last, and what needs looking at. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from monitor.model.reading import Direction, Status
from monitor.services.conversations import Listed
from monitor.store.message_reader import MAX_UNREAD, ConversationRow
from monitor.text import visible
from monitor.ui.columns import Look
from monitor.ui.format import count, day_or_clock, fit, pad, short_span
from monitor.ui.lines import Part
from monitor.ui.mask import mask_party, mask_text
from monitor.ui.painted import cells

_LIMIT: Final = 200
_LAST: Final[dict[str | None, Part]] = {
    Status.QUEUED: ("· ", "quiet"), Status.SENT: ("✓ ", "quiet"), Status.DELIVERED: ("✓✓ ", "quiet"),
    Status.READ: ("✓✓ read ", "info"), Status.FAILED: ("✗ ", "bad"),
}  # fmt: skip


def parties(row: ConversationRow, look: Look) -> str:
    """Who takes part: the customer first."""
    shown = [visible(mask_party(party) if look.masked else party, limit=_LIMIT) for party in row.parties]
    return " · ".join(shown) or ("••••••" if look.masked else visible(row.key.partition(":")[2], limit=_LIMIT))


def when(moment: datetime, look: Look, now: datetime) -> str:
    """The time of day, or the date where it was another day."""
    if look.relative:
        return short_span((now - moment).total_seconds())
    return day_or_clock(moment, now, seconds=False)


def row_parts(listed: Listed, width: int, part: int, look: Look, now: datetime) -> list[Part]:
    """One of the two rows, after the cursor's cell."""
    row = listed.row
    if part == 0:
        time = when(row.last_at, look, now)
        room = width - 2 - len(time) - 1
        return [
            (pad(parties(row, look), room), "strong" if listed.unread else "plain"), (" ", "plain"), (time, "quiet"),
        ]  # fmt: skip
    right: list[Part] = []
    if row.failed:
        right += [("  ", "plain"), (f"✗ {count(row.failed)}", "bad")]
    if listed.unread:
        more = "+" if listed.unread >= MAX_UNREAD else ""
        right += [("  ", "plain"), (f" {listed.unread}{more} ", "chip")]
    left: list[Part] = [(pad(visible(row.provider, limit=40), 9) + " ", "faint")]
    room = width - 2 - cells(left) - cells(right)
    left += _last(row, look, room)
    return [*left, (" " * (width - 2 - cells(left) - cells(right)), "plain"), *right]


def _last(row: ConversationRow, look: Look, room: int) -> list[Part]:
    if not row.messages:
        words = f"{count(row.unproven, 'message')} not proven" if row.unproven else "no message yet"
        return [(fit(words, room), "quiet")]
    sign = ("", "plain") if row.last_direction == Direction.INBOUND else _LAST.get(row.status, ("", "plain"))
    if row.last_text is None:
        return [sign, (fit("no text", room - len(sign[0])), "faint")]
    text = mask_text(row.last_text) if look.masked else visible(row.last_text, limit=_LIMIT)
    return [sign, (fit(text, room - len(sign[0])), "quiet")]
