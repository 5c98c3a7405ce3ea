"""What is told of a plan while it is carried out, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from monitor.admin.base import Trouble
from monitor.model.registration import ChangeState, Registration
from monitor.secret import Secret
from monitor.services.plans import Plan


class Step(StrEnum):
    """How far a change came."""

    LOOKING = "looking"  # the list is asked for, before or after
    SAVED = "saved"  # what was there is in the database
    KEY_KEPT = "key_kept"
    ASKING = "asking"  # the request is on its way
    PROBE = "probe"  # a request of the provider came in meanwhile
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step, for people; ``capture`` is the id of a probe."""

    step: Step
    sentence: str
    capture: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a plan. ``state`` is DONE, FAILED (nothing changed) or BEGUN (nobody knows).

    ``sentence`` says it for people, ``said`` is the provider's own word and ``trace_id`` what its support asks for.
    ``key`` is a new signing key, to be shown once. ``next`` is the plan that would get further, to be asked for anew.
    ``probes`` are the captures that came in from the provider meanwhile, ``took_s`` is how long its API took.
    """

    plan: Plan
    state: ChangeState
    sentence: str
    registration: Registration | None = None
    kind: Trouble | None = None
    status: int | None = None
    said: str = ""
    trace_id: str | None = None
    retry_after_s: float | None = None
    key: Secret | None = None
    next: Plan | None = None
    probes: tuple[int, ...] = ()
    took_s: float | None = None


OnProgress: TypeAlias = Callable[[Progress], None]
