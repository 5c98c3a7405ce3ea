"""Message: what all captures of one message say together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from monitor.model.reading import Direction, Media, MessageError, Status

# What a provider sends again and again is counted beyond these, not kept.
MAX_CAPTURES: Final = 100
MAX_STAGES: Final = 32
MAX_INTERACTIONS: Final = 16
MAX_ALIASES: Final = 16


class Mark(StrEnum):
    """What was noticed of a message or one of its stages."""

    DUPLICATE = "duplicate"  # said more than once
    LATE = "late"  # arrived more than five minutes after it happened
    OUT_OF_ORDER = "out_of_order"  # overtaken on the way by something that happened after it
    REGRESSION = "regression"  # in the provider's own clock, after a stage that lies further on
    CONFLICT = "conflict"  # delivered and failed, or failed for different reasons
    CLOCK_SKEW = "clock_skew"  # times that cannot be true of one clock
    UNPROVEN = "unproven"  # rests on captures whose signature was not checked
    STUCK = "stuck"  # depends on the time of asking: see lifecycle.stuck_since


@dataclass(frozen=True, slots=True)
class Stage:
    """A state that a message came to.

    ``provider_at`` is when in the provider's clock, None where it does not say; ``received_at`` is when we heard of it
    in ours. ``inferred`` is true where no event told of the stage itself, but that of ``capture`` gave its time.
    ``count`` captures said the same, the last one at ``last_at`` (our clock).
    """

    status: Status
    provider_at: datetime | None
    received_at: datetime
    capture: int
    provider_status: str | None = None
    error: MessageError | None = None
    inferred: bool = False
    count: int = 1
    last_at: datetime | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """What somebody did with a message that had arrived: read, opened, clicked, in the provider's word.

    Times and capture are those of the first time; it happened ``times`` times.
    """

    mark: str
    provider_at: datetime | None
    received_at: datetime
    capture: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a message took, in seconds, each between two times that are known; None otherwise, also if negative.

    ``transit_s`` is from the provider's time of the event that gave the message its state to our receipt of it, so it
    has the difference of the clocks in it. ``about`` is true where the provider's times are whole seconds.
    """

    accept_to_sent_s: float | None = None
    sent_to_final_s: float | None = None
    total_s: float | None = None
    transit_s: float | None = None
    about: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The fold of all events with one message key.

    ``status`` is None where nobody said one. ``happened_at`` is its earliest time in the provider's clock, else of its
    first arrival; ``first_at`` and ``updated_at`` are the first and the last arrival of a capture. ``captures`` are
    ids of the ``capture_count`` captures; ``unproven`` those of the ``unproven_count`` among them that may not move
    the message (``event.moves``). ``duplicates`` counts the repeats among the others. ``stages`` is in the order of
    the provider's clock; ``more_stages`` is how many were left out.
    """

    key: str
    provider: str
    aliases: tuple[str, ...]
    conversation: str | None
    direction: Direction | None
    channel: str | None
    from_: str | None
    to: str | None
    text: str | None
    media: tuple[Media, ...]
    status: Status | None
    final: bool
    stages: tuple[Stage, ...]
    more_stages: int
    interactions: tuple[Interaction, ...]
    latency: Latency
    error: MessageError | None
    marks: tuple[Mark, ...]
    captures: tuple[int, ...]
    capture_count: int
    unproven: tuple[int, ...]
    unproven_count: int
    duplicates: int
    happened_at: datetime
    first_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    valid_until: datetime | None

    @property
    def backed(self) -> bool:
        """Whether any of its captures may move it: false where all that is known of it may be forged."""
        return self.unproven_count < self.capture_count
