"""The options of the answer drill: what the receiver answers for a while, to watch how a provider retries."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.errors import USAGE, as_sentence, fail, tell
from monitor.cli.filters import parse_capture_filter
from monitor.cli.options import Function, with_options
from monitor.cli.types import DURATION, Whole

if TYPE_CHECKING:
    from monitor.services.drill import Rule
    from monitor.services.monitor import Monitor

# Options that mean nothing without --respond, by their names as parameters.
_MORE: Final = ("respond_delay", "respond_for", "respond_times", "respond_until")


def respond_options(function: Function) -> Function:
    """Adds the drill's options to a command, which gets them as ``respond``: a rule, or None."""

    @functools.wraps(function)
    def called(*args: Any, respond: str | None, **others: Any) -> Any:
        more = {name: others.pop(name) for name in _MORE}
        return function(*args, respond=_rule(respond, more), **others)

    return with_options(
        called,
        click.option("--respond", metavar="STATUS", help="Answer 200 to 599, or reset the connection, to see retries."),
        click.option("--respond-delay", type=DURATION, metavar="SPAN", help="... after so long (60s at most)."),
        click.option("--respond-for", metavar="EXPR", help="... only to captures that pass this filter."),
        click.option("--respond-times", type=Whole(1), metavar="N", help="... to N captures."),
        click.option("--respond-until", type=DURATION, metavar="SPAN", help="... for so long (default 10m)."),
    )


def begin(monitor: Monitor, rule: Rule | None, *, tell_end: bool) -> None:
    """Begin the drill that was asked for and say so; with ``tell_end`` its end is said on stderr, too."""
    if rule is None:
        return
    if tell_end:
        monitor.drill.follow(lambda ended: tell(ended.sentence))
    monitor.drill.begin(rule)
    tell(rule.sentence)


def _rule(status: str | None, more: dict[str, Any]) -> Rule | None:
    if status is None:
        given = [name for name in _MORE if more[name] is not None]
        if given:
            fail(f"The option --{given[0].replace('_', '-')} says how to answer; say what with --respond.", USAGE)
        return None
    from monitor.services.drill import DEFAULT_S, DrillProblem, Rule, status_of

    try:
        return Rule(
            status=status_of(status),
            delay_s=more["respond_delay"] or 0.0,
            wanted=parse_capture_filter(more["respond_for"] or "", arriving=True),
            for_s=more["respond_until"] or DEFAULT_S,
            times=more["respond_times"],
        )
    except DrillProblem as problem:
        fail(as_sentence(str(problem)), USAGE)
