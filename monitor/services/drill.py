"""The answer drill: answers that the user sets for a while, to watch how a provider retries.

Captures are stored first all the same. A drill lives in memory only and always ends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from monitor import times
from monitor.model.capture import LEFT, RESET, Capture, answer_word
from monitor.model.filter import Filter, parse

MAX_DELAY_S: Final = 60.0
DEFAULT_S: Final = 600.0
MAX_S: Final = 24 * 3600.0
MAX_TIMES: Final = 1_000_000
MAX_HELD: Final = 200  # answers that are held up at once; further ones leave without the delay
EVERYTHING: Final = parse("")
_UNITS: Final = (("h", 3600), ("min", 60), ("s", 1))


class DrillProblem(ValueError):
    """A drill that cannot be; the text says why and what can be, without a capital and a full stop."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered: ``status`` (200 to 599, or ``RESET``), after ``delay_s``, to captures that pass ``wanted``, for
    ``for_s`` seconds and to ``times`` captures at most (None: to all). Raises DrillProblem."""

    status: int
    delay_s: float = 0.0
    wanted: Filter = EVERYTHING
    for_s: float = DEFAULT_S
    times: int | None = None

    def __post_init__(self) -> None:
        if self.status != RESET and not 200 <= self.status <= 599:
            raise DrillProblem(f"a status of {self.status} cannot be answered; give one from 200 to 599, or reset")
        if self.status == LEFT:
            raise DrillProblem(f"{LEFT} stands for a sender who was gone before its answer; give another status")
        if not 0 <= self.delay_s <= MAX_DELAY_S:
            raise DrillProblem(f"a delay of {span(self.delay_s)} is not possible; give at most {span(MAX_DELAY_S)}")
        if not 0 < self.for_s <= MAX_S:
            raise DrillProblem(f"a drill of {span(self.for_s)} is not possible; give at most {span(MAX_S)}")
        if self.times is not None and not 1 <= self.times <= MAX_TIMES:
            raise DrillProblem(f"{self.times} captures are not possible; give 1 to {MAX_TIMES:,}")

    @property
    def words(self) -> str:
        """What is answered, in short: ``500``, ``reset after 3 s``."""
        return answer_word(self.status) + (f" after {span(self.delay_s)}" if self.delay_s else "")

    @property
    def sentence(self) -> str:
        """What is answered, to what, for how long."""
        to = f"captures that pass {self.wanted.text.strip()}" if self.wanted.text.strip() else "every capture"
        first = "" if self.times is None else f"the next {self.times:,} of " if self.times > 1 else "the next one of "
        return f"Answering {self.words} to {first}{to} for {span(self.for_s)}; each is stored first all the same."


class Why(StrEnum):
    """Why a drill ended; the value says it in a sentence."""

    TIME = "its time is over"
    TIMES = "it has answered as often as it was to"
    USER = "it was ended"
    REPLACED = "another one began"
    STOPPED = "hooktop ends"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a drill stands: ``left_s`` seconds and ``times_left`` captures (None: no number was set) to go, ``answered``
    captures were answered by it, ``held`` of them have not got their answer yet, ``gone`` senders left before it.
    ``hurried`` answers left at once, since too many were held up."""

    rule: Rule
    left_s: float
    times_left: int | None
    answered: int = 0
    held: int = 0
    gone: int = 0
    hurried: int = 0

    @property
    def counts(self) -> str:
        """What it has done so far."""
        parts = [f"{self.answered:,} answered"]
        parts += [f"{self.held:,} waiting"] if self.held else []
        parts += [f"{self.gone:,} left before their answer"] if self.gone else []
        parts += [f"{self.hurried:,} not delayed: too many at once"] if self.hurried else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Ended:
    """A drill that is over."""

    progress: Progress
    why: Why

    @property
    def sentence(self) -> str:
        """What is to be said of it."""
        ended = "was ended" if self.why is Why.USER else f"has ended, {self.why.value}"
        return f"RESPOND {self.progress.rule.words} {ended}: {self.progress.counts}."


@dataclass(slots=True)
class _Run:
    """A drill that was begun. ``taken`` counts captures that it will answer once they are stored."""

    rule: Rule
    until: float
    timer: asyncio.TimerHandle
    taken: int = 0
    answered: int = 0
    gone: int = 0
    hurried: int = 0


class Drill:
    """What the receiver answers instead of its usual answer. All methods are called from one event loop."""

    def __init__(self, *, max_held: int = MAX_HELD) -> None:
        self._max_held = max_held
        self._run: _Run | None = None
        self._held: dict[asyncio.Future[None], asyncio.TimerHandle] = {}
        self._followers: list[Callable[[Ended], None]] = []

    def follow(self, ended: Callable[[Ended], None]) -> None:
        """Call ``ended`` when a drill is over, whatever ended it."""
        self._followers.append(ended)

    @property
    def progress(self) -> Progress | None:
        """How it stands; None where the usual answers are given."""
        return None if self._run is None else self._progress(self._run)

    @property
    def held(self) -> int:
        """How many answers are held up now, also of a drill that is over."""
        return len(self._held)

    def begin(self, rule: Rule) -> None:
        """Answer so from now on; a drill under way ends."""
        self._end(Why.REPLACED)
        loop = asyncio.get_running_loop()
        self._run = _Run(rule, loop.time() + rule.for_s, loop.call_later(rule.for_s, self._end, Why.TIME))

    def end(self, why: Why = Why.USER) -> None:
        """Give the usual answers again; answers that are held up leave now."""
        self._end(why)
        for held in list(self._held):
            _release(held)

    def take(self, capture: Capture) -> Rule | None:
        """The rule that answers a capture which is about to be stored, None for the usual answer. Follow it with
        ``answer`` or, where it could not be stored, with ``give_back``."""
        run = self._run
        if run is None or (run.rule.times is not None and run.taken >= run.rule.times):
            return None
        if not (run.rule.wanted.is_empty or run.rule.wanted.matches(capture, times.utc_now())):
            return None
        run.taken += 1
        return run.rule

    def give_back(self, rule: Rule) -> None:
        """A capture that was taken could not be stored, and does not count."""
        if self._run is not None and self._run.rule is rule:
            self._run.taken -= 1

    def answer(self, rule: Rule) -> asyncio.Future[None] | None:
        """A capture that was taken is stored: what its answer waits for, None for nothing."""
        run = self._run if self._run is not None and self._run.rule is rule else None
        held = None
        if rule.delay_s and len(self._held) < self._max_held:
            held = self._hold(rule.delay_s, run)
        if run is not None:
            run.answered += 1
            run.hurried += bool(rule.delay_s) and held is None
            if run.answered == rule.times:
                self._end(Why.TIMES)
        return held

    def _hold(self, delay_s: float, run: _Run | None) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        held: asyncio.Future[None] = loop.create_future()
        self._held[held] = loop.call_later(delay_s, _release, held)

        def over(future: asyncio.Future[None]) -> None:
            self._held.pop(future).cancel()
            if run is not None and future.cancelled():
                run.gone += 1

        held.add_done_callback(over)
        return held

    def _end(self, why: Why) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        run.timer.cancel()
        ended = Ended(self._progress(run), why)
        for follower in self._followers:
            follower(ended)

    def _progress(self, run: _Run) -> Progress:
        left_s = max(run.until - asyncio.get_running_loop().time(), 0.0)
        times_left = None if run.rule.times is None else max(run.rule.times - run.answered, 0)
        return Progress(run.rule, left_s, times_left, run.answered, len(self._held), run.gone, run.hurried)


def _release(held: asyncio.Future[None]) -> None:
    if not held.done():
        held.set_result(None)


def status_of(text: str) -> int:
    """The status or ``RESET`` that was written. Raises DrillProblem."""
    written = text.strip().lower()
    if written == answer_word(RESET):
        return RESET
    if not (written.isascii() and written.isdecimal() and len(written) == 3):
        raise DrillProblem(f"{text.strip()[:40]!r} cannot be answered; give a status from 200 to 599, or reset")
    return int(written)


def seconds_of(text: str) -> float:
    """The span that was written: ``3``, ``500ms``, ``3s``, ``10m``, ``2h``. Raises DrillProblem."""
    found = times.span(text.strip(), bare=True)
    if found is None:
        raise DrillProblem(f"{text.strip()[:40]!r} is no span of time; write it as 3s, 10m or 2h")
    return found.total_seconds()


def span(seconds: float) -> str:
    """How long, for people: ``0.5 s``, ``3 s``, ``10 min``, ``1 h 30 min``."""
    if seconds < 1:
        return f"{seconds:g} s"
    left, parts = round(seconds), []
    for unit, length in _UNITS:
        whole, left = divmod(left, length)
        parts += [f"{whole} {unit}"] if whole else []
    return " ".join(parts[:2])
