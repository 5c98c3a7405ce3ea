"""The status line: what it says, and what leaves when there is little room. Pure but for ``facts_of``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from monitor.model.verdict import SIGNS
from monitor.text import visible
from monitor.ui.format import count, fit, long_span, outcome, short_span, shortened, size, sparkline, took
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.urls import in_address, is_loopback

if TYPE_CHECKING:
    from monitor.services.drill import Drill
    from monitor.services.forwards import ForwardState
    from monitor.services.monitor import Monitor

QUIET_AFTER_S: Final = 60  # from when on the time since the last event is said
BARS: Final = 12
VIEWS: Final = ("live", "messages", "conversations", "webhooks")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the status line is made of. ``modes`` are (text, role) of every state that is not the usual one, ``forward``
    what is said of the app that captures are passed on to: forms of it, the longest first."""

    local: str
    public: str | None
    listening: bool
    total: int
    rate: float
    seconds: Sequence[int]
    verdicts: Mapping[str, int]
    modes: tuple[Part, ...]
    last: str
    view: str = ""  # the one that is seen; none is named without it
    view_keys: tuple[str, ...] = ("1", "2", "3", "4")  # those that show ``VIEWS``
    opened: bool = False  # ``local`` is the name of a file
    forward: tuple[tuple[Part, ...], ...] = ()


def facts_of(monitor: Monitor, now: datetime, own_modes: Sequence[Part]) -> Facts:
    """The facts of a monitor at a time; ``own_modes`` are the states of the screens (paused, filter, mask)."""
    feed, settings, store = monitor.feed, monitor.settings, monitor.store
    modes: list[Part] = []
    if settings.receives and not monitor.receiving:
        modes.append(("RECEIVER DOWN", "alarm"))
    if monitor.restarts:
        modes.append((f"receiver restarted ×{count(monitor.restarts)}", "warn"))
    if store.trouble is not None:
        modes.append((f"STORE BUSY {visible(store.trouble, limit=60)}", "alarm"))
    elif not store.healthy:
        modes.append(("STORE STOPPED", "alarm"))
    if store.held_log:
        modes.append((f"LOG {size(store.held_log)} HELD BY A READER", "alarm"))
    modes += _drill_modes(monitor.drill)
    came = feed.last_minute() if settings.expect else None
    if came is not None and came < settings.expect:
        modes.append((f"{count(came)} OF {count(settings.expect)} EXPECTED A MINUTE", "alarm"))
    if not is_loopback(monitor.host):
        modes.append(("OPEN TO THE NETWORK", "alarm"))
    modes += own_modes
    modes += [
        (word, "chip")
        for word, on in (("ENFORCE", settings.enforce), ("READ-ONLY", settings.read_only), ("DEMO", settings.demo))
        if on
    ]
    forwards = monitor.forwards.state if monitor.forwards is not None else None
    if forwards is not None:
        modes += _forward_modes(forwards)
    refused = sum(feed.refused.values())
    if refused:
        kinds = " ".join(f"{status}×{number}" for status, number in sorted(feed.refused.items()))
        modes.append((f"{count(refused)} refused {kinds}", "warn"))
    own = f"{in_address(monitor.host)}:{monitor.port}"
    since = (now - feed.last_at).total_seconds() if feed.last_at else 0.0
    return Facts(
        local=own if settings.opened is None else visible(settings.opened, limit=200),
        public=visible(monitor.reach.public_url, limit=200) if monitor.reach.public_url else None,
        listening=monitor.receiving,
        opened=not settings.receives,
        total=feed.total,
        rate=feed.rate(),
        seconds=feed.per_second()[-BARS - 1 : -1],
        verdicts=dict(feed.verdicts),
        modes=tuple(modes),
        last=f"last event {long_span(since)} ago" if since >= QUIET_AFTER_S else "",
        forward=_forward_forms(forwards) if forwards is not None and forwards.on else (),
    )


def _drill_modes(drill: Drill) -> list[Part]:
    progress = drill.progress
    if progress is None:
        return [(f"{count(drill.held)} DELAYED", "chip")] if drill.held else []
    number = "" if progress.times_left is None else f", {count(progress.times_left)} to go,"
    return [(f"RESPOND {progress.rule.words}{number} {short_span(progress.left_s)} left", "alarm")]


def _forward_modes(state: ForwardState) -> list[Part]:
    modes: list[Part] = []
    if not state.on:
        modes.append(("FORWARD OFF", "chip"))
    elif state.waits:
        modes.append(("FORWARD-WAIT", "chip"))
    if state.dropped:
        modes.append((f"{count(state.dropped)} dropped", "bad"))
    return modes


def _forward_forms(state: ForwardState) -> tuple[tuple[Part, ...], ...]:
    begin: tuple[Part, ...] = (("forward ", "quiet"),)
    named: tuple[Part, ...] = (*begin, (fit(visible(state.name), 40), "plain"))
    waiting: tuple[Part, ...] = ((f" {count(state.waiting)} waiting", "warn"),) if state.waiting else ()
    if state.last is None:
        return ((*named, *waiting), named)
    glyph, word, role = outcome(state.last)
    answer = (f"{glyph} {word}", role)
    time = f" {took(state.last.took_s)}" if state.last.took_s is not None and state.last.failure is None else ""
    blank: Part = (" ", "plain")
    return (
        (*named, blank, answer, (time, "quiet"), *waiting),
        (*named, blank, answer),
        (*begin, answer),
    )


def status_lines(facts: Facts, width: int, *, tall: bool) -> tuple[list[Part], list[Part]]:
    """The two lines: where and how much; verdicts and states. The sparkline is for wide and ``tall`` screens."""
    return _first(facts, width, tall), _second(facts, width)


def _first(facts: Facts, width: int, tall: bool) -> list[Part]:
    rate = f"{facts.rate:.1f}/s" if 0 < facts.rate < 10 else f"{facts.rate:,.0f}/s"
    right: list[Part] = [(count(facts.total, "capture"), "strong"), ("  ", "plain")]
    if tall and width >= 100:
        right += [(sparkline(list(facts.seconds)), "info"), (" ", "plain")]
    right += [(rate.rjust(6), "plain" if facts.rate else "quiet"), (" ", "plain")]
    left: list[Part] = [(" hooktop", "accent")]
    views: list[Part] = []
    for key, view in zip(facts.view_keys, VIEWS, strict=True) if facts.view else ():
        views += [(f"  {key} ", "accent"), (view, "strong" if view == facts.view else "quiet")]
    port = facts.local[facts.local.rfind(":") :]
    beside = len(facts.public) + len(port) if facts.public else len("http://") + len(facts.local)
    address = beside + 3  # beside a public one the port alone makes room for the names
    if cells(left) + cells(views) + 4 + address + cells(right) + 2 <= width:
        left += views
    left.append(("  file ", "quiet") if facts.opened else ("  ● ", "good" if facts.listening else "bad"))
    room = width - cells(left) - cells(right) - 2
    if room < 12:
        right = [(count(facts.total), "strong"), (" ", "plain")]
        room = width - cells(left) - cells(right) - 2
    if facts.opened or facts.public is None:
        left.append((fit(facts.local if facts.opened else f"http://{facts.local}", room), "plain"))
        return _apart(left, right, width)
    local = facts.local if len(facts.public) + len(facts.local) + 3 <= room else port
    left += [(fit(facts.public, room - len(local) - 3), "plain"), (" → ", "quiet"), (local, "quiet")]
    return _apart(left, right, width)


def view_at(first: Sequence[Part], cell: int) -> str | None:
    """The view whose key or name stands at a cell of the first line."""
    if tuple(text for text, _ in first[2 : 2 * len(VIEWS) + 1 : 2]) != VIEWS or cell < cells(first[:1]):
        return None  # there is no room for their names, or the cell is before them
    return next((view for place, view in enumerate(VIEWS, 1) if cell < cells(first[: 2 * place + 1])), None)


def _second(facts: Facts, width: int) -> list[Part]:
    right: list[Part] = []
    edges = sum(3 if role in ("chip", "alarm") else 1 for _, role in facts.modes)
    texts = shortened([text for text, _ in facts.modes], width - 1 - edges)
    for text, (_, role) in zip(texts, facts.modes, strict=True):
        shown = f" {text} " if role in ("chip", "alarm") else text
        right += [(shown, role), (" ", "plain")]
    if facts.last and cells(right) + len(facts.last) + 1 < width:
        right += [(facts.last, "quiet"), (" ", "plain")]
    ways = [(words, form) for words in (True, False) for form in facts.forward] or [(True, ())]
    for words, form in [*ways, (False, ())]:
        left = _verdicts(facts, words=words)
        said: list[Part] = [*form, ("  ", "plain")] if form else []
        if cells(left) + cells(said) + cells(right) + 1 <= width:
            return _apart(left, said + right, width)
    return _apart(_whole(left, width - cells(right)), right, width)


def _verdicts(facts: Facts, *, words: bool) -> list[Part]:
    parts: list[Part] = []
    for status, (glyph, word, role) in SIGNS.items():
        number = facts.verdicts.get(status, 0)
        if number:
            text = f"{glyph} {count(number)} {word.lower()}" if words else f"{glyph}{count(number)}"
            parts += [("  " if parts and words else " ", "plain"), (text, role)]
    return parts


def _apart(left: list[Part], right: list[Part], width: int) -> list[Part]:
    return [*left, (" " * max(width - cells(left) - cells(right), 1), "plain"), *right]


def _whole(parts: list[Part], width: int) -> list[Part]:
    """As many of the parts as fit whole; an ellipsis stands for the rest."""
    if cells(parts) <= width:
        return parts
    kept = list(parts)
    while kept and cells(kept) + 3 > width:  # two for the ellipsis, one before what follows
        del kept[-2:]  # with the blank before it
    return [*kept, (" …", "quiet")] if kept else []
