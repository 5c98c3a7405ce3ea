"""The accounts and their registrations as lines: what is wanted, what is at the provider, how that stands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from monitor.model.drift import DriftRow, State
from monitor.model.registration import ChangeKind
from monitor.services.desk import BY_HAND
from monitor.services.registrations import Panel, Trouble
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.format import clock, count, day_or_clock, fit, pad
from monitor.ui.lines import Line, Part, line
from monitor.ui.painted import cells
from monitor.ui.widgets.rows import Placed

KeyOf: TypeAlias = Callable[[str], str] | None  # the key of an action
_LIMIT: Final = 200
_KEY: Final = 10  # cells of the key that mends a row, at least
_HOST: Final = 12  # cells below which a host says nothing
_LONG: Final = 100  # columns from which on states are written out
_DETAILED: Final = 110  # ... and say since when
# Glyph, word for little room and role of each state, in that order of importance. Red is only for what is wrong.
STATES: Final[dict[State, tuple[str, str, str]]] = {
    State.SAME: ("✔", "same", "good"),
    State.MISSING: ("✖", "missing", "bad"),
    State.ELSEWHERE: ("✖", "elsewhere", "bad"),
    State.DEAD_TUNNEL: ("✖", "dead tunnel", "bad"),
    State.INACTIVE: ("‖", "inactive", "warn"),
    State.KEY_UNKNOWN: ("?", "key unknown", "warn"),
    State.DIFFERS: ("≠", "differs", "warn"),
    State.BY_HAND: ("◷", "by hand", "quiet"),
    State.NO_ADDRESS: ("!", "no address", "warn"),
    State.NOT_LISTED: ("·", "not listed", "quiet"),
    State.UNWANTED: ("!", "not wanted", "warn"),
    State.LEFT_OVER: ("!", "left over", "warn"),
    State.NOT_OURS: ("–", "not ours", "quiet"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the cursor can stand on: a row, or an account that has none."""

    panel: Panel
    row: DriftRow | None

    @property
    def key(self) -> str:
        """What names the entry as long as it is there."""
        return self.row.key if self.row is not None else self.panel.account


def adrift(panels: Sequence[Panel]) -> int:
    """How many registrations of ours point at another address than today's."""
    away = (State.ELSEWHERE, State.DEAD_TUNNEL)
    return sum(row.state in away and row.ours for panel in panels for row in panel.rows)


def host_of(url: str) -> str:
    """The host of an address, visible; the address itself where that cannot be told."""
    try:
        host = urlsplit(url).netloc
    except ValueError:
        host = ""
    return visible(host or url, limit=_LIMIT)


def mending(row: DriftRow) -> tuple[str, str] | None:
    """The action that mends a row and the word for what it does, None where there is nothing to mend."""
    if row.state is State.NO_ADDRESS:
        return "public_url", "address"
    if row.state is State.NOT_LISTED:
        return "look", "refresh"
    if row.mend is None:
        return ("mend", "adopt") if row.state is State.UNWANTED else None
    if row.by_hand is not None:
        return "mend", "by hand"
    if row.mend.kind is not ChangeKind.UPDATE:
        return "mend", "register" if row.mend.kind is ChangeKind.ADD else "remove"
    if row.mend.url is not None:
        return "mend", "re-point" if row.ours else "replace"
    if row.mend.active is not None:
        return "mend", "activate"
    return "mend", "change" if row.mend.spec else "new key"


def state_parts(row: DriftRow, *, long: bool, now: datetime | None = None) -> list[Part]:
    """How a row stands: glyph, word and colour, and where it is told what time is ``now`` since when."""
    glyph, short, role = STATES[row.state]
    words = row.state.label if long else short
    said, at = "", row.verified_at
    if row.state is State.BY_HAND:
        if row.found is not None and row.found.id != BY_HAND:
            words = "registered"  # over an API that lists nothing
        glyph, role = ("✔", "good") if row.first_event_at is not None else (glyph, role)
        at = row.first_event_at
        said = "first event" if at is not None else "nothing came yet"
    elif row.state is State.SAME and at is not None:
        said = "verified"
    parts = [(f"{glyph} {words}", role)]
    if now is None or not said:
        return parts
    when = f" {day_or_clock(at, now, seconds=False)}" if at is not None else ""
    return [*parts, (f", {said}{when}", "quiet")]


def block_lines(
    panels: Sequence[Panel], width: int, now: datetime, *, token: str | None = None, key: KeyOf = None
) -> tuple[list[Placed], list[Entry]]:
    """A block of lines for each account, and the entries that the cursor can stand on. The first cell is its own.

    ``key`` gives the key of an action that mends a row; None where nothing may be changed."""
    placed: list[Placed] = []
    entries: list[Entry] = []
    columns = _columns(panels, width, key)
    for panel in panels:
        if placed:
            placed.append((Line(""), None))
        placed += [(one, None) for one in _head(panel, width, columns[-1], token, key)]
        for row in panel.rows or (None,):
            parts = _empty(panel, width) if row is None else _row(row, width, columns, now, token, key)
            placed.append((line((" ", "plain"), *parts), len(entries)))
            entries.append(Entry(panel, row))
    return placed, entries


def _head(panel: Panel, width: int, mend: int, token: str | None, key: KeyOf) -> list[Line]:
    """The account: its name, provider and credential, and how its API answered last; ``mend`` are the cells of what
    mends it."""
    left: list[Part] = [(" ", "plain"), (visible(panel.account, limit=40), "strong"), ("  ", "plain")]
    left += [(visible(panel.label, limit=40), "info"), ("  ", "plain"), (visible(panel.credential, limit=60), "quiet")]
    room = max(width - cells(left) - 4, 0)
    right = _answered(panel, room)
    blank = (" " * max(width - cells(left) - cells(right) - 1, 1), "plain")
    lines = [line(*_cut([*left, blank, *right], width))]
    if panel.trouble is not None:
        glyph, role = _trouble(panel)
        said = f"{glyph} {redact.shown(panel.trouble, token, limit=400)}"
        hint: list[Part] = []
        if key is not None and panel.trouble_kind is not Trouble.UNSUPPORTED:
            said = pad(said, width - mend - 6)
            hint = [("  ", "plain"), (key("change_account"), "accent"), (" settings", "strong")]
        lines.append(line(("   ", "plain"), (fit(said, width - 4), role), *hint))
    return lines


def _answered(panel: Panel, room: int) -> list[Part]:
    """How the API answered last, or what is under way."""
    host = visible(panel.host, limit=_LIMIT)
    if panel.busy is not None:
        return [(fit(f"… {panel.busy.rstrip('.')}", room), "accent")]
    if "list" in panel.cannot and panel.took_s is None and panel.refreshed_at is not None:
        return [(fit("no API, done by hand", room), "quiet")]
    if panel.trouble is not None:
        return [(f"{fit(host, room - 3)}  ", "quiet"), _trouble(panel)] if host else []
    if panel.took_s is None:
        return [(fit(f"{host}  not asked yet", room), "quiet")]
    when = f"  {clock(panel.refreshed_at)}" if panel.refreshed_at is not None else ""
    took = f"{count(round(panel.took_s * 1000))} ms{when}"
    room -= len(took) + 4
    shown = f"{fit(host, room)}  " if room >= _HOST else ""
    return [(shown, "quiet"), ("✔ ", "good"), (took, "quiet")]


def _trouble(panel: Panel) -> Part:
    """Red is only for what is wrong: a provider without an API is as it is."""
    return ("–", "quiet") if panel.trouble_kind is Trouble.UNSUPPORTED else ("✖", "bad")


def _columns(panels: Sequence[Panel], width: int, key: KeyOf) -> tuple[int, int, int, int]:
    """The cells of what a webhook is for, of what is at the provider, of the state, and of what mends it."""
    state = 36 if width >= _DETAILED else 24 if width >= _LONG else 13
    rows = [row for panel in panels for row in panel.rows]
    mend = max((cells(_hint(row, key)) for row in rows), default=0)  # the configuration may name long keys
    mend = max(mend, _KEY)
    rest = width - mend - state - 9  # before, between and after the four columns
    longest = max((len(row.subject) for row in rows), default=0)
    subject = max(min(longest, rest * 58 // 100), min(12, rest // 2))
    return subject, max(rest - subject, 8), state, mend


def heading(panels: Sequence[Panel], width: int, key: KeyOf = None) -> str:
    """The labels over the columns; ``key`` as for the lines."""
    subject, found, state, mend = _columns(panels, width, key)
    return f"  {pad('webhook', subject)}  {pad('at the provider', found)}  {pad('state', state)}  {pad('mend', mend)}"


def _row(
    row: DriftRow, width: int, columns: tuple[int, int, int, int], now: datetime, token: str | None, key: KeyOf
) -> list[Part]:
    subject, found, state, _ = columns
    what = (pad(_named(row, subject), subject), "plain" if row.wanted is not None else "quiet")
    parts: list[Part] = [(" ", "plain"), what, ("  ", "plain"), *_found(row, found, token)]
    told = state_parts(row, long=width >= _LONG, now=now if width >= _DETAILED else None)
    parts += [("  ", "plain"), *_padded(told, state)]
    hint = _hint(row, key)
    return [*parts, ("  ", "plain"), *hint] if hint else parts


def _hint(row: DriftRow, key: KeyOf) -> list[Part]:
    """The key that mends a row, and what it does."""
    hint = mending(row)
    return [(key(hint[0]), "accent"), (f" {hint[1]}", "strong")] if hint is not None and key is not None else []


def _named(row: DriftRow, width: int) -> str:
    """What a webhook is for; where there is little room the end of its event, in which those of a service differ."""
    shown = visible(row.subject, limit=_LIMIT)
    event = shown.rpartition(" ")[2]
    return "…" + event[1 - width :] if len(shown) > width and "." in event else shown


def _found(row: DriftRow, width: int, token: str | None) -> list[Part]:
    found = row.found
    if found is None:
        return [(pad("(none)" if row.state is State.MISSING else "", width), "faint")]
    if found.url == row.url:
        return [(pad("same", width), "quiet")]
    url = redact.shown(found.url, token, limit=_LIMIT)
    role = "plain" if row.wanted is not None else "quiet"
    return [(pad(url if len(url) <= width else host_of(found.url), width), role)]


def _empty(panel: Panel, width: int) -> list[Part]:
    if panel.refreshed_at is None and panel.trouble is None:
        return [(fit(" (not asked yet)", width - 2), "faint")]
    return [(fit(" (nothing registered)", width - 2), "faint")]


def _padded(parts: Sequence[Part], width: int) -> list[Part]:
    """Parts in exactly ``width`` cells."""
    kept = _cut(parts, width)
    return [*kept, (" " * (width - cells(kept)), "plain")]


def _cut(parts: Sequence[Part], width: int) -> list[Part]:
    kept: list[Part] = []
    for text, role in parts:
        room = width - cells(kept)
        if room <= 0:
            break
        kept.append((fit(text, room), role))
    return kept
