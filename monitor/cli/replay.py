"""``hooktop replay``: stored captures again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.counter import Counter
from monitor.cli.errors import FAILED, INTERRUPTED, USAGE, fail, tell
from monitor.cli.options import JSON_LINES
from monitor.cli.output import Paint, counted, pad, say, say_json
from monitor.cli.types import ADDRESS, CAPTURE_ID, RATE
from monitor.text import visible
from monitor.times import local_time

if TYPE_CHECKING:
    from monitor.model.capture import Capture, Request
    from monitor.services.replay import Wish
    from monitor.services.replayed import Outcome, Replayed

_EVENT: Final = 24  # cells


@click.command(cls=Command)
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=CAPTURE_ID)
@click.option("--filter", "text", metavar="EXPR", help="Every capture that passes the filter, oldest first.")
@click.option("--not-taken", is_flag=True, help="Only what your app answered with 2xx at no try, or not at all.")
@click.option(
    "--to", type=ADDRESS, metavar="URL", help="Your app (default: that of a running hooktop, else the configured one)."
)
@click.option("--timed", is_flag=True, help="With the gaps in which they came.")
@click.option("--speed", type=RATE, metavar="X", help="The same, X times as fast.")
@click.option("--rate", type=RATE, metavar="PER_S", help="So many a second (default: one after another).")
@click.option("--edit", "in_editor", is_flag=True, help="Change headers and body in $EDITOR first.")
@click.option("--resign", is_flag=True, help="Sign them anew with a local key, which no provider's signature is.")
@JSON_LINES
@click.pass_context
def command(
    ctx: click.Context,
    numbers: Sequence[int],
    text: str | None,
    not_taken: bool,
    to: str | None,
    timed: bool,
    speed: float | None,
    rate: float | None,
    in_editor: bool,
    resign: bool,
    as_json: bool,
) -> int:
    """Send stored captures again, byte for byte, and set each answer beside the first that your app gave, or beside
    why it gave none.

    Nothing leaves this machine unless --to, the --forward of a running hooktop or the configuration names another.
    Sent to hooktop itself, they come in labelled as replays. Exit code 1 when some got no answer.

    \b
    Examples:
      hooktop replay cap_12 --to http://localhost:3000
      hooktop replay --filter 'status:failed age<1h' --to http://localhost:3000 --timed --speed 10
      hooktop replay --not-taken
      hooktop replay 12 --edit --resign --to http://localhost:3000
    """
    from monitor.services.replay import Wish

    if bool(numbers) == (text is not None or not_taken):
        raise click.UsageError("Name captures (cap_12), or choose them with --filter or --not-taken.", ctx)
    if rate is not None and (timed or speed is not None):
        raise click.UsageError("--rate and --timed exclude each other; choose one.", ctx)
    wish = Wish(to, timed or speed is not None, speed or 1.0, rate, resign)
    options = globals_of(ctx)
    chosen = _named(options, numbers) if numbers else _chosen(options, text or "", not_taken=not_taken)
    if not chosen:
        tell("There is nothing that your app was sent and did not take.")
        return 0
    if in_editor and len(chosen) != 1:
        raise click.UsageError("--edit is for one capture; name it.", ctx)
    return asyncio.run(_replay(options, chosen, wish, in_editor, as_json))


def _named(options: Globals, numbers: Sequence[int]) -> Sequence[int]:
    """The captures that were named; ends the command where one is not there."""
    from monitor.cli.history import capture_of

    for number in dict.fromkeys(numbers):
        capture_of(options, number)
    return numbers


def _chosen(options: Globals, text: str, *, not_taken: bool) -> Sequence[int]:
    """The captures that pass a filter: all, of which there has to be one, or those that the app did not take."""
    from monitor.cli.filters import parse_capture_filter
    from monitor.cli.history import needed, since
    from monitor.store.attempts import AttemptReader

    wanted = parse_capture_filter(text)
    with closing(AttemptReader(needed(options))) as reader:
        found, _ = since(reader, wanted, 0)
        if not_taken:
            passed = set(found)
            found = [number for number in reader.not_taken() if number in passed]
    if not found and not not_taken:
        fail("No capture passes the filter; 'hooktop captures' shows what there is.")
    return found


async def _replay(options: Globals, numbers: Sequence[int], wish: Wish, in_editor: bool, as_json: bool) -> int:
    from monitor.cli.history import capture_of, config_of, database
    from monitor.cli.stopping import on_signals
    from monitor.services.assemble import beside, replayer_of
    from monitor.services.editing import EditProblem
    from monitor.services.replay import ReplayProblem
    from monitor.services.replayed import words

    config = config_of(options)
    path = database(options, config)
    config = beside(config, path)
    stop = asyncio.Event()
    show = _Answers(len(numbers), as_json, Paint(no_color=options.no_color))
    replayer = replayer_of(config, path)
    try:
        edited = None
        if in_editor:
            capture = capture_of(options, numbers[0])
            replayer.check(wish)
            edited = await _edited(capture, wish)
            if edited is None:
                tell("Nothing was changed, so nothing was sent.")
                return 0
        with on_signals(lambda _: stop.set()), show.counter:
            outcome = await replayer.replay(numbers, wish, edited=edited, told=show, stop=stop)
    except (ReplayProblem, EditProblem) as problem:
        fail(str(problem), USAGE if isinstance(problem, ReplayProblem) else FAILED)
    tell(f"Replayed {counted(outcome.sent, 'capture')}: {words(outcome)}.")
    if outcome.unkept:
        tell(f"Warning: {counted(outcome.unkept, 'answer')} could not be kept. {outcome.trouble}")
    if stop.is_set():
        return INTERRUPTED
    return FAILED if outcome.failed or outcome.gone else 0


async def _edited(capture: Capture, wish: Wish) -> Request | None:
    from monitor.services.editor import edit
    from monitor.services.replay import loses_signature

    edited = await edit(capture.request, capture.id)
    if edited is not None and not wish.resign and loses_signature(capture, edited):
        tell("Warning: the body was edited, so its signature no longer verifies; --resign signs it with a local key.")
    return edited


class _Answers:
    """Prints what came of each capture."""

    def __init__(self, wanted: int, as_json: bool, paint: Paint) -> None:
        self._wanted = wanted
        self._as_json = as_json
        self._paint = paint
        self.counter = Counter()

    def __call__(self, one: Replayed, outcome: Outcome) -> None:
        if self._as_json:
            say_json(record(one))
        else:
            say(*self._lines(one, outcome))
        sys.stdout.flush()
        if not sys.stdout.isatty():  # else the lines themselves say how far it is
            failed = f", {outcome.failed:,} without an answer" if outcome.failed else ""
            self.counter.say(f"{outcome.done:,} of {outcome.wanted:,}, {outcome.rate:,.0f}/s{failed}")

    def _lines(self, one: Replayed, outcome: Outcome) -> list[str]:
        attempt, paint = one.attempt, self._paint
        color = "green" if attempt.fine else "red"
        took = "" if attempt.took_s is None else f"{attempt.took_s * 1000:.0f} ms"
        far = f"{outcome.done:,}/{self._wanted:,}" if self._wanted > 1 else ""
        line = "  ".join(
            [
                *([far.rjust(len(f"{self._wanted:,}") * 2 + 1)] if far else []),
                pad(f"cap_{attempt.capture}", 8),
                pad(visible(one.provider, limit=20), 9),
                pad(visible(one.event or "", limit=_EVENT - 1), _EVENT),
                paint(pad(one.change.now, 6), color),
                took.rjust(8),
                paint(one.change.words, None if one.change.same else "yellow"),
            ]
        ).rstrip()
        return [line] if self._wanted > 1 else [line, *self._whole(one)]

    def _whole(self, one: Replayed) -> list[str]:
        """The answer in full, where one was asked for."""
        from monitor.cli.diff import comparison_lines
        from monitor.cli.whole import body_lines
        from monitor.model.compare import compare_answers

        attempt, paint = one.attempt, self._paint
        lines = [f"  to {visible(attempt.url)}"]
        if attempt.failure is not None:
            detail = f" ({visible(attempt.detail)})" if attempt.detail else ""
            lines.append(f"  {attempt.failure.sentence}{detail}")
        if attempt.status is not None:
            size = f"{attempt.size:,} bytes"
            lines += ["", paint(f"Answer ({size})", bold=True), *body_lines(attempt.body)]
        found = compare_answers(one.before, attempt)
        if attempt.status is not None and not isinstance(one.before, int) and not found.same:
            kind = "forwarded" if one.before.kind == "forward" else "replayed"
            first = "answer" if one.before.failure is None else "try"
            when = f"{local_time(one.before.at):%Y-%m-%d %H:%M:%S}"
            lines += ["", paint(f"Beside the first {first} ({kind} {when})", bold=True)]
            lines += comparison_lines(found, paint, indent="  ")
        return lines


def record(one: Replayed) -> dict[str, Any]:
    """An answer for scripts."""
    from monitor.model.record import attempt_record, rfc3339

    before = one.before
    first = {"by": "hooktop", "status": before, "failure": None, "at": None}
    if not isinstance(before, int):
        first = {"by": "app", "status": before.status, "failure": before.failure, "at": rfc3339(before.at)}
    return {
        **attempt_record(one.attempt),
        "first": first,
        "verdict": "same" if one.change.same else "changed",
        "same_body": one.change.same_body,
    }
