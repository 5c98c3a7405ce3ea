"""Coverage as rows: the kinds by provider, then what was new. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from monitor.model.coverage import Coverage, Covered, News, State
from monitor.model.filter import quote
from monitor.text import visible
from monitor.ui.format import count, day_or_clock, fit, pad, tail
from monitor.ui.lines import Part
from monitor.ui.mask import DOT
from monitor.ui.painted import cells

STATES: Final = {
    State.HANDLED: ("✔", "good"),
    State.SEEN: ("●", "info"),
    State.SIMULATED: ("◐", "warn"),
    State.MISSING: ("○", "faint"),
}
UNDOCUMENTED: Final = "◇"  # in the place of a state's sign: it is none of those that could be expected
_WORDS: Final = {
    State.HANDLED: "handled", State.SEEN: "seen", State.SIMULATED: "only simulated", State.MISSING: "not yet",
}  # fmt: skip
_LAST: Final = 11  # cells
_STATE: Final = 15
_NARROW: Final = 70  # cells below which numbers stand closer
_WIDE: Final = 96  # cells from which there is room for the state in words, and for more of a name


@dataclass(frozen=True, slots=True)
class Title:
    """A row that says what follows."""

    text: str
    note: str = ""


Entry: TypeAlias = Title | Covered | News


def entries_of(coverage: Coverage) -> list[Entry]:
    """All rows in order."""
    found: list[Entry] = []
    provider = None
    for one in coverage.kinds:
        if one.kind.provider != provider:
            provider = one.kind.provider
            found.append(_provider(provider, [k for k in coverage.kinds if k.kind.provider == provider]))
        found.append(one)
    news = count(len(coverage.news)) if coverage.news else "nothing"
    rule = "in none of 20 or more verified before"  # whole on 80 columns
    found.append(Title(f"New for its event type: {news}", rule))
    return found + list(coverage.news)


def name_of(entry: Entry) -> object:
    """What names a row as long as it is there."""
    if isinstance(entry, Covered):
        return entry.kind
    if isinstance(entry, News):
        return entry.event, entry.path, entry.is_value, entry.capture
    return entry.text.partition(":")[0]  # a number follows


def _provider(name: str, kinds: Sequence[Covered]) -> Title:
    documented = [one for one in kinds if one.documented]
    if not documented:
        return Title(name, "documents no kinds")
    handled = sum(one.state is State.HANDLED for one in documented)
    came = sum(one.state is not State.MISSING for one in documented)
    others = besides(len(kinds) - len(documented))
    return Title(name, f"{came} of {len(documented)} came{others}{';' if others else ','} {handled} handled")


def besides(undocumented: int) -> str:
    """How many came besides those that are documented, for the end of a sentence; empty without any."""
    verb = "is" if undocumented == 1 else "are"
    return f", and {count(undocumented)} that {verb} not documented" if undocumented else ""


def heading(width: int) -> list[Part]:
    """The labels of the columns, in as many cells as the rows have."""
    event, word = _widths(width)
    state = "state".ljust(_STATE) if width >= _WIDE else ""
    labels = "".join(label.rjust(_number(width)) for label in ("seen", "local", "2xx")) + "last".rjust(_LAST)
    return [(f"    {'event'.ljust(event)} {'status'.ljust(word)} {state}{labels}", "faint")]


def row(entry: Entry, width: int, now: datetime, *, masked: bool) -> list[Part]:
    """One row, ``width`` with the cursor's cell before it."""
    if isinstance(entry, Title):
        title = visible(entry.text, limit=60)
        return [(title, "accent"), ("   ", "plain"), (fit(entry.note, width - len(title) - 5), "quiet")]
    return _kind(entry, width, now) if isinstance(entry, Covered) else _news(entry, width, now, masked=masked)


def _kind(one: Covered, width: int, now: datetime) -> list[Part]:
    event, word = _widths(width)
    sign, role = STATES[one.state]
    sign = sign if one.documented else UNDOCUMENTED
    plain = "quiet" if one.state is State.MISSING else "plain"
    parts: list[Part] = [
        (f" {sign} ", role),
        (pad(tail(visible(one.kind.event, limit=200), event), event) + " ", plain if one.documented else "quote"),
        (pad(visible(one.kind.word or "", limit=100), word) + " ", plain),
    ]
    if width >= _WIDE:
        parts.append((_WORDS[one.state].ljust(_STATE), role))
    for number, kind in ((one.seen, "plain"), (one.simulated, "warn"), (one.handled, "good")):
        parts.append(((_short(number) if number else "·").rjust(_number(width)), kind if number else "faint"))
    last = "" if one.last_at is None else day_or_clock(one.last_at, now)
    return [*parts, (last.rjust(_LAST), "quiet")]


def _short(number: int) -> str:
    if number < 100_000:
        return count(number)
    return f"{number // 1000:,}k" if number < 10_000_000 else f"{number // 1_000_000:,}M"


def _news(one: News, width: int, now: datetime, *, masked: bool) -> list[Part]:
    value = DOT * 6 if masked else visible(one.value or "?", limit=60)
    what = visible(one.path, limit=300) + (f" = {value}" if one.is_value else "")
    right: list[Part] = [
        (" local" if one.simulated else "", "warn"),
        (f" #{one.capture}", "accent"),
        (f" after {count(one.before)}", "quiet"),
        (f"  {day_or_clock(one.at, now)}" if width >= _WIDE else "", "quiet"),
    ]
    event, _ = _widths(width)
    left: list[Part] = [(" ◆ ", "info"), (pad(visible(one.event, limit=200), event) + " ", "plain")]
    room = max(_end(width) - cells(left) - cells(right), 8)
    return [*left, (pad(what, room), "strong"), *right]


def _widths(width: int) -> tuple[int, int]:
    """Cells of event and status."""
    room = width - 1 - 3 - 2 - 3 * _number(width) - _LAST - (_STATE if width >= _WIDE else 0)
    word = min(max(room - 20, room // 2 - 2, 8), 24)
    return min(max(room - word, 8), 48), word


def _end(width: int) -> int:
    """Cells up to the end of the last column."""
    return 3 + sum(_widths(width)) + 2 + (_STATE if width >= _WIDE else 0) + 3 * _number(width) + _LAST


def _number(width: int) -> int:
    """Cells of a number."""
    return 7 if width >= _NARROW else 6


def filter_for(one: Covered) -> str:
    """The filter that leaves the captures of a kind, but for its status."""
    return f"provider:{quote(one.kind.provider)} event:{quote(one.kind.event)}"


def said(entry: Entry, *, can_send: bool) -> str:
    """What the cursor's row means, and what the keys do there: simulate it only where that is possible."""
    if isinstance(entry, Title):
        return ""
    if isinstance(entry, News):
        thing = "This value" if entry.is_value else "This field"
        return f"{thing} was in none of {count(entry.before, 'capture')} before. enter shows the first that has it."
    if entry.scenario is None:
        return "No document of the provider names this kind. enter shows its captures."
    sends = f"s simulates it: {entry.kind.provider} {entry.scenario}."
    if not can_send:
        return "It never came." if entry.state is State.MISSING else "enter shows its captures."
    return sends if entry.state is State.MISSING else f"enter shows its captures, {sends}"
