"""How a command changes registrations: what would be done, whether it may be, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Globals
from monitor.cli.errors import FAILED, USAGE, fail, tell
from monitor.cli.history import reading
from monitor.cli.options import Function, Option, with_options
from monitor.cli.output import say, say_json
from monitor.cli.registering import Place, code_of, worst
from monitor.text import visible

if TYPE_CHECKING:
    from monitor.services.registrations import Outcome, Plan, Progress
    from monitor.tunnels.rehearsal import Hop, Rehearsal

MAX_PROBES: Final = 100


@dataclass(frozen=True, slots=True)
class Manner:
    """How a change is to be made and told."""

    as_json: bool = False
    yes: bool = False
    dry_run: bool = False
    show_key: bool = False
    rehearse: bool = True


def change_options(*, address: bool = True) -> Option:
    """Adds the options of a change, given to the command as ``manner``; ``address`` tells whether it may register an
    address."""

    def options(function: Function) -> Function:
        @functools.wraps(function)
        def called(
            *args: Any,
            as_json: bool,
            yes: bool,
            dry_run: bool,
            show_key: bool = False,
            no_rehearsal: bool = False,
            **others: Any,
        ) -> Any:
            manner = Manner(as_json, yes, dry_run, show_key, not no_rehearsal)
            return function(*args, manner=manner, **others)

        of_address = (
            click.option("--show-key", is_flag=True, help="Print a signing key that is made, once."),
            click.option("--no-rehearsal", is_flag=True, help="Do not try first whether webhooks would arrive."),
        )
        return with_options(
            called,
            *(of_address if address else ()),
            click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each change."),
            click.option("--yes", is_flag=True, help="Do not ask, whatever will be lost."),
            click.option("--dry-run", is_flag=True, help="Show the exact request, secrets masked; ask for nothing."),
        )

    return options


async def change(
    options: Globals, place: Place, plans: Sequence[Plan], question: str, manner: Manner, *, again: bool = True
) -> int:
    """Carry plans out, or with ``dry_run`` show them; ``question`` is asked where something would be lost.

    A refusal that another plan gets around, since the list is not what it was, is followed by that one (``again``) once
    somebody has agreed. Gives the exit code; ends the command where a plan is not possible or nobody can be asked.
    """
    _need_possible(plans)
    if manner.dry_run:
        _show(plans, manner)
        return 0
    ours = next((plan for plan in plans if plan.change and _is_todays(plan.change.url, place)), None)
    if ours is not None and manner.rehearse:
        await need_way(place, ours.provider)
    if not agreed(plans, question, yes=manner.yes):
        tell("Nothing was changed.")
        return 0
    codes = []
    for outcome in await _carried_out(place, plans, verbose=options.verbose > 0):
        _say(outcome, manner)
        code, further = _code(outcome), outcome.next if again else None
        if further is not None and (manner.yes or sys.stdin.isatty()):
            asking = f"{further.title} Go on?"
            if agreed([further], asking, yes=manner.yes, always=True):
                agreed_to = replace(manner, yes=True, rehearse=False)
                code = await change(options, place, [further], asking, agreed_to, again=False)
        codes.append(code)
    return worst(codes)


async def rehearsed(place: Place, provider: str, on_hop: Callable[[Hop], None] = lambda hop: None) -> Rehearsal:
    """Try the way from the public URL to the receiver."""
    from monitor.receiver.app import GREETING
    from monitor.services.assemble import receiver_url
    from monitor.tunnels.rehearsal import rehearse

    return await rehearse(
        place.needed_url(), f"/{provider}", local_url=receiver_url(place.config), expected=GREETING, on_hop=on_hop
    )


async def need_way(place: Place, provider: str) -> None:
    """End the command where webhooks would not arrive: a provider may test the address while it is asked."""
    problem = (await rehearsed(place, provider)).problem
    if problem is not None:
        remedy = f" {problem.remedy}" if problem.remedy else ""
        fail(
            f"Nothing was asked, since webhooks would not arrive: {problem.sentence}{remedy} "
            "See 'hooktop webhooks rehearse', or go on with --no-rehearsal.",
            FAILED,
        )


def agreed(plans: Sequence[Plan], question: str, *, yes: bool, always: bool = False) -> bool:
    """Whether plans may be carried out: what to know before is said, and where something would be lost, or ``always``,
    it is asked, below the exact requests. Ends the command where nobody can be asked.
    """
    from monitor.services.registrations import Confirm

    _tell_before(plans)
    if yes or not (always or any(plan.confirm is not Confirm.NONE for plan in plans)):
        return True
    if not sys.stdin.isatty():
        what = question.removesuffix(" Go on?")
        fail(f"{what} That is asked first, which needs a terminal; --yes does without.", USAGE)
    for plan in plans:
        if plan.request:
            print(f"\n{visible(plan.request, lines=True)}\n", file=sys.stderr)
    typed = next((plan.typed for plan in plans if plan.confirm is Confirm.TYPE), None)
    with _interruptible():
        if typed is None:
            return click.confirm(question, err=True)
        answer: str = click.prompt(
            f"{question} It is not hooktop's: type {typed} to go on", default="", show_default=False, err=True
        )
        return answer.strip() == typed


def _is_todays(url: str | None, place: Place) -> bool:
    return url is not None and place.public_url is not None and url.startswith(f"{place.public_url}/")


def _show(plans: Sequence[Plan], manner: Manner) -> None:
    from monitor.cli.webhook_lines import change_record, plan_lines

    _tell_before(plans)
    for plan in plans:
        if manner.as_json:
            say_json(change_record(plan))
        else:
            say(*plan_lines(plan))


def _tell_before(plans: Sequence[Plan]) -> None:
    for sentence in dict.fromkeys(text for plan in plans for text in (*plan.warnings, plan.loses) if text):
        tell(sentence)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """ctrl+c ends a question at once; the event loop would hear of it only after the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _need_possible(plans: Sequence[Plan]) -> None:
    for plan in plans:
        for field, sentence in plan.problems.items():
            if field:
                fail(f"{field}: {sentence}", USAGE)
            fail(sentence, FAILED)


async def _carried_out(place: Place, plans: Sequence[Plan], *, verbose: bool) -> list[Outcome]:
    """Carry plans out, the accounts at once."""
    try:
        return list(await asyncio.gather(*(_one(place, plan, verbose=verbose) for plan in plans)))
    except asyncio.CancelledError:
        tell("Interrupted while a provider was asked; 'hooktop webhooks list' shows what came of it.")
        raise


async def _one(place: Place, plan: Plan, *, verbose: bool) -> Outcome:
    """Carry a plan out, saying on the way what cannot be seen afterwards."""
    from monitor.services.registrations import Step

    shown = frozenset(Step) - {Step.ENDED} if verbose else frozenset({Step.KEY_KEPT})
    asked: list[datetime] = []  # when the call began and when it was over

    def told(progress: Progress) -> None:
        if progress.step is Step.ASKING or len(asked) == 1:
            asked.append(datetime.now(UTC))
        if progress.step in shown:
            tell(progress.sentence)

    outcome = await place.registrations.carry_out(plan, told)
    if len(asked) == 2:
        probes = await asyncio.to_thread(_probes, place, plan, *asked)
        if probes:
            numbers = ", ".join(f"cap_{number}" for number in probes)
            tell(f"While it was asked, {place.registrations.panel(plan.account).label} sent {numbers}.")
        return replace(outcome, probes=probes)
    return outcome


def _probes(place: Place, plan: Plan, since: datetime, until: datetime) -> tuple[int, ...]:
    """What a receiver beside this command captured in this time at the address that was asked for."""
    from monitor.model.capture import Source

    last = (plan.url or "").rpartition("/")[2]
    if not last or not place.database.exists():
        return ()
    with reading(place.database) as reader:
        return tuple(
            capture.id
            for capture in reader.recent(MAX_PROBES)
            if capture.provider == plan.provider
            and capture.source is Source.NETWORK
            and since <= capture.received_at <= until
            and capture.request.path.rstrip("/").endswith(last)
        )


def _say(outcome: Outcome, manner: Manner) -> None:
    from monitor.cli.webhook_lines import change_record
    from monitor.model.registration import ChangeState

    key = outcome.key if manner.show_key else None
    done = outcome.state is ChangeState.DONE
    if manner.as_json:
        say_json(change_record(outcome.plan, outcome, key))
    elif done:
        say(visible(outcome.sentence))
        if key is not None:
            say(f"Signing key: {key.reveal()}")
    if not done:
        trace = f" Its support will ask for the trace id {outcome.trace_id}." if outcome.trace_id else ""
        tell(outcome.sentence + trace)


def _code(outcome: Outcome) -> int:
    from monitor.model.registration import ChangeState

    return 0 if outcome.state is ChangeState.DONE else code_of(outcome.kind)
