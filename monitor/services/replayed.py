"""What became of a replay: of each capture, and of all of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from monitor.model.attempt import Attempt, Failure
from monitor.model.compare import AnswerChange

GIVE_UP: Final = 10  # captures in a row that an app left without an answer: it gets no more where no pace is to be kept


@dataclass(frozen=True, slots=True)
class Replayed:
    """One capture sent again. ``before`` is the app's first answer, else the first attempt to get one, else the status
    that hooktop gave the provider."""

    provider: str
    event: str | None
    attempt: Attempt
    before: Attempt | int
    change: AnswerChange


@dataclass(slots=True)
class Outcome:
    """What became of a replay, also while it runs.

    ``same`` and ``changed`` count answers, ``unanswered`` captures without one by what failed, ``gone`` those that
    were not in the store any more, or (``unruled`` of them) that no rule of forwarding is for. ``unkept`` answers
    could not be kept, for the reason ``trouble``. ``given_up``: the app did not answer so often that the others were
    not sent.
    """

    wanted: int
    same: int = 0
    changed: int = 0
    unanswered: Counter[Failure] = field(default_factory=Counter)
    gone: int = 0
    unruled: int = 0
    unkept: int = 0
    trouble: str | None = None
    given_up: bool = False
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def sent(self) -> int:
        """How many captures were sent, or tried to be."""
        return self.same + self.changed + self.failed

    @property
    def failed(self) -> int:
        """How many got no answer."""
        return self.unanswered.total()

    @property
    def done(self) -> int:
        """How many of those wanted are dealt with."""
        return self.sent + self.gone

    @property
    def rate(self) -> float:
        """Captures a second."""
        return self.sent / max((self.ended or time.monotonic()) - self.begun, 1e-3)

    def add(self, one: Replayed) -> None:
        """Count an answer, or none."""
        if one.attempt.failure is not None:
            self.unanswered[one.attempt.failure] += 1
        elif one.change.same:
            self.same += 1
        else:
            self.changed += 1


def words(outcome: Outcome) -> str:
    """``10 same, 1 changed, 1 without an answer (refused)``."""
    said = [f"{number:,} {name}" for name, number in (("same", outcome.same), ("changed", outcome.changed)) if number]
    if outcome.failed:
        said.append(f"{outcome.failed:,} without an answer ({', '.join(outcome.unanswered)})")
    if outcome.gone:
        why = ("no longer there", outcome.gone > outcome.unruled), ("no rule for them", outcome.unruled > 0)
        said.append(f"{outcome.gone:,} not sent ({', '.join(reason for reason, holds in why if holds)})")
    if outcome.given_up:
        said.append(f"given up after {GIVE_UP} in a row")
    return ", ".join(said) or "nothing sent"
