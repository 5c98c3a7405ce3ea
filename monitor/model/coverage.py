"""Coverage: which kinds of events have come, which have not, and what of them is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.reading import Reading


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: the provider's event type, and the word by which it tells states apart (None: by none)."""

    provider: str
    event: str
    word: str | None


def kind_of(provider: str, reading: Reading) -> Kind | None:
    """The kind that a reading is of, None where no event is named: by status, else by mark, else by direction."""
    if reading.event is None:
        return None
    word = reading.provider_status or reading.mark or (reading.direction and reading.direction.value)
    return Kind(provider, reading.event, word)


class State(StrEnum):
    """How far a kind is covered."""

    HANDLED = "handled"  # the app that captures are forwarded to took one (2xx)
    SEEN = "seen"
    SIMULATED = "simulated"  # seen, but only made here
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Covered:
    """How far a kind is covered.

    ``scenario`` plays it, None where its provider documents no such kind. ``seen`` counts captures from outside,
    ``simulated`` those made here, ``handled`` those of either that the app answered with 2xx. ``last_at`` is when the
    last one came.
    """

    kind: Kind
    scenario: str | None = None
    seen: int = 0
    simulated: int = 0
    handled: int = 0
    last_at: datetime | None = None

    @property
    def state(self) -> State:
        """The furthest that it came."""
        if self.handled:
            return State.HANDLED
        if self.seen:
            return State.SEEN
        return State.SIMULATED if self.simulated else State.MISSING

    @property
    def documented(self) -> bool:
        """Whether its provider documents it."""
        return self.scenario is not None


@dataclass(frozen=True, slots=True)
class News:
    """A field, or with ``is_value`` a value of a field, that was new for its event type when ``capture`` came.

    ``before`` captures had been learnt from without it. ``value`` is None where the capture is gone or has several.
    """

    provider: str
    event: str
    path: str
    is_value: bool
    capture: int
    at: datetime
    before: int
    simulated: bool
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What has come of what could. ``learning`` are event types that too few captures have taught: a field of theirs is
    not new yet. With ``demo`` everything is simulated and counts as seen."""

    at: datetime
    filter: str
    kinds: tuple[Covered, ...]
    news: tuple[News, ...]
    learning: int = 0
    demo: bool = False

    @property
    def documented(self) -> tuple[Covered, ...]:
        """The kinds that one can expect."""
        return tuple(one for one in self.kinds if one.documented)

    @property
    def undocumented(self) -> tuple[Covered, ...]:
        """The kinds that came though nobody documents them."""
        return tuple(one for one in self.kinds if not one.documented)

    @property
    def gaps(self) -> tuple[Covered, ...]:
        """Those that never came, neither from outside nor simulated."""
        return tuple(one for one in self.documented if one.state is State.MISSING)
