"""A change at a provider, from what it would do to what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from monitor.model.registration import ChangeState
from monitor.secret import Secret
from monitor.services.registrations import Outcome, Plan, Progress, Step
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, labelled
from monitor.ui.lines import Line, Part, foreign, line

if TYPE_CHECKING:  # loading it loads httpx, which the screens need only when something is asked
    from monitor.tunnels.rehearsal import Hop

_LIMIT: Final = 4_000
_HOP: Final = 12  # cells of a hop's name
# Glyph and role by the value of a ``HopStatus``.
HOP_SIGNS: Final = {"ok": ("✔", "good"), "warn": ("!", "warn"), "failed": ("✖", "bad"), "skipped": ("–", "quiet")}
ENDS: Final[dict[ChangeState, tuple[str, str]]] = {
    ChangeState.DONE: ("✔", "good"),
    ChangeState.FAILED: ("✖", "bad"),
    ChangeState.BEGUN: ("?", "warn"),
}
_STEPS: Final[dict[Step, tuple[str, str]]] = {Step.PROBE: ("●", "info"), Step.ANSWERED: ("✔", "good")}


@dataclass(slots=True)
class Course:
    """How far changes have come: the hops of the rehearsal, the steps, and what came of the plans by their number."""

    plans: Sequence[Plan]
    hops: list[Hop] = field(default_factory=list)
    rehearsing: bool = False
    steps: list[Progress] = field(default_factory=list)
    working: bool = False
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    cancelled: bool = False


def course_lines(course: Course, token: str | None) -> list[Line]:
    """Everything there is to say, in the order in which it happens."""
    alone = len(course.plans) == 1
    lines: list[Line] = []
    if alone:
        lines += _one(course.plans[0], token)
    if course.hops or course.rehearsing:
        lines += [*([BLANK] if lines else []), *_way(course)]
    if not alone:
        lines += [*([BLANK] if lines else []), *_several(course, token)]
    told = [step for step in course.steps if step.step is not Step.ENDED] if alone else []
    if told:
        lines += [BLANK, line(("At the provider", "accent"))]
        lines += [line(_sign(step), (redact.shown(step.sentence, token), "plain"), indent=2) for step in told]
    if course.working:
        lines.append(line(("… ", "accent"), ("waiting for the answer", "quiet")))
    if course.cancelled:
        words = "Given up before it was sent, so nothing was changed."
        if any(step.step is Step.ASKING for step in course.steps):
            words = "Given up on its way: nobody knows whether it was done. hooktop looks at the list."
        lines += [BLANK, line(("? ", "warn"), (words, "warn"), indent=2)]
    for outcome in course.outcomes.values() if alone else ():
        lines += [BLANK, *_outcome(outcome, token)]
    return lines


def _way(course: Course) -> Iterator[Line]:
    """The rehearsal; when it went well and is over, in one line."""
    hops = course.hops
    if course.rehearsing or not hops or any(hop.status == "failed" for hop in hops):
        yield line(("The way here", "accent"))
        yield from hop_lines(hops, running=course.rehearsing)
        return
    simulated = any(hop.sentence.startswith("Simulated") for hop in hops)
    took = f"  {sum(hop.took_s for hop in hops) * 1000:,.0f} ms"
    words = f"The way here works{' (simulated)' if simulated else ''}: a webhook would arrive."
    yield line(("✔ ", "good"), (words, "plain"), (took, "faint"), indent=2)
    for hop in hops:
        if hop.status == "warn":
            yield line(("! ", "warn"), foreign(hop.sentence, "plain", limit=_LIMIT), indent=2)


def hop_lines(hops: Iterable[Hop], *, running: bool = False) -> Iterator[Line]:
    """The rehearsal, a line for each hop with what to do about it; ``running`` shows the one that is tried now."""
    from monitor.tunnels.rehearsal import HOPS

    done = list(hops)
    for hop in done:
        glyph, role = HOP_SIGNS[hop.status]
        took = f"  {hop.took_s * 1000:,.0f} ms" if hop.took_s >= 0.0005 else ""
        name = (f"{glyph} {hop.name.ljust(_HOP)}", role)
        yield line(name, foreign(hop.sentence, "plain", limit=_LIMIT), (took, "faint"), indent=_HOP + 2)
        if hop.remedy is not None:
            yield line((" " * (_HOP + 2), "plain"), foreign(hop.remedy, "strong", limit=_LIMIT), indent=_HOP + 2)
    if running and len(done) < len(HOPS):
        yield line((f"… {HOPS[len(done)].ljust(_HOP)}", "accent"), ("trying", "quiet"))


def plan_lines(plan: Plan, token: str | None) -> Iterator[Line]:
    """What has to be known before a plan is carried out: what will be lost, warnings, and what a person does."""
    if plan.loses is not None:
        yield line(("! ", "bad"), (redact.shown(plan.loses, token), "warn"), indent=2)
    for warning in plan.warnings:
        yield line(("! ", "warn"), (redact.shown(warning, token), "plain"), indent=2)
    if plan.by_hand is not None:
        yield line(("This API does not do it; a person does:", "plain"))
        yield labelled("in", foreign(plan.by_hand.where, "strong", limit=_LIMIT))
        if plan.by_hand.url is not None:
            yield labelled("at", foreign(plan.by_hand.url, "info", limit=_LIMIT))
        if plan.url is not None:
            yield labelled("the address", (redact.shown(plan.url, token), "strong"))


def request_lines(plan: Plan, token: str | None) -> Iterator[Line]:
    """The exact request, secrets masked."""
    for text in visible(plan.request, lines=True, limit=_LIMIT).split("\n") if plan.request else ():
        yield line((redact.target(text, token), "quiet"), indent=2)


def _sign(step: Progress) -> Part:
    glyph, role = _STEPS.get(step.step, ("·", "quiet"))
    return f"{glyph} ", role


def _one(plan: Plan, token: str | None) -> Iterator[Line]:
    yield line((redact.shown(plan.title, token), "strong"))
    for problem in plan.problems.values():
        yield line(("✖ ", "bad"), (redact.shown(problem, token), "bad"), indent=2)
    yield from plan_lines(plan, token)
    if plan.request:
        yield BLANK
        yield from request_lines(plan, token)


def _several(course: Course, token: str | None) -> Iterator[Line]:
    for number, plan in enumerate(course.plans):
        outcome = course.outcomes.get(number)
        glyph, role = ENDS[outcome.state] if outcome is not None else ("·", "quiet")
        if outcome is not None and outcome.state is not ChangeState.DONE:
            yield line(("· ", "quiet"), (redact.shown(plan.title, token), "plain"), indent=2)
            yield from _outcome(outcome, token)
            continue
        yield line((f"{glyph} ", role), (redact.shown(plan.title, token), "plain"), indent=2)
        for problem in plan.problems.values():
            yield line(("  ✖ ", "bad"), (redact.shown(problem, token), "bad"), indent=4)
        if outcome is None and plan.loses is not None:
            yield line(("  ! ", "bad"), (redact.shown(plan.loses, token), "warn"), indent=4)
        if outcome is not None and outcome.key is not None:
            yield from _key(outcome.key)


def _outcome(outcome: Outcome, token: str | None) -> Iterator[Line]:
    glyph, role = ENDS[outcome.state]
    yield line(
        (f"{glyph} ", role), (redact.shown(outcome.sentence, token), role if role != "good" else "strong"), indent=2
    )
    if outcome.said and outcome.said not in outcome.sentence:
        yield _told("it says", foreign(f"“{outcome.said}”", "plain", limit=400))
    if outcome.trace_id is not None:
        yield _told("trace id", foreign(outcome.trace_id, "info", limit=200))
    if outcome.retry_after_s is not None:
        yield _told("wait", (f"{outcome.retry_after_s:.0f} s, says the provider", "plain"))
    if outcome.key is not None:
        yield from _key(outcome.key)
    if outcome.next is not None:
        yield line(
            ("  what would get further: ", "quiet"), (redact.shown(outcome.next.title, token), "strong"), indent=2
        )


def _key(key: Secret) -> Iterator[Line]:
    yield _told("signing key", (visible(key.reveal(), limit=200), "strong"))
    yield _told("fingerprint", (key.fingerprint(), "info"))
    yield line(("  It is kept here and verifies from now on. It is shown this once.", "quiet"), indent=2)


def _told(label: str, *parts: Part) -> Line:
    return line(("  " + label.ljust(13), "quiet"), *parts, indent=15)
