"""What came of captures that were sent again, as rows, and an answer in full. Pure."""

from __future__ import annotations

from typing import Final

from monitor.model.attempt import Attempt, AttemptKind
from monitor.model.compare import Section, compare_answers
from monitor.services.replayed import Replayed
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.compare import comparison
from monitor.ui.documents.forward import body_document, header_lines
from monitor.ui.documents.look import BLANK, Reader, labelled
from monitor.ui.format import day_clock, outcome, pad, tail, took
from monitor.ui.lines import Line, Part, line
from monitor.ui.painted import cells

WIDE: Final = 96  # cells from which there is room for all that is to be said of an answer
_LET_GO: Final = ("of so many answers the body is not held here: the Forward tab of the capture has it", "quiet")
_WORDS: Final = 24
_WORD: Final = 8


def answer_row(one: Replayed, width: int) -> list[Part]:
    """A capture sent again: the first answer, the new one, and what that is beside the first."""
    attempt, before, change = one.attempt, one.before, one.change
    glyph, word, role = outcome(attempt)
    time = "" if attempt.took_s is None else took(attempt.took_s)
    wide = width >= WIDE
    right: list[Part] = [(pad(change.before, 9), "quiet")]
    if wide:
        spent = "hooktop" if isinstance(before, int) else "" if before.took_s is None else took(before.took_s)
        right.append((pad(spent, 9), "faint" if isinstance(before, int) else "quiet"))
    right += [("→ ", "faint"), (pad(f"{glyph} {word}", 12), role), (pad(time, 8, right=True) + "  ", "plain")]
    said = change.words if wide or change.same else "changed"
    right.append(
        (pad(said, _WORDS if wide else _WORD), "quiet" if change.same and change.same_body is not False else "warn")
    )
    room = width - 2 - cells(right)
    name = f"{attempt.capture:<4}  {pad(visible(one.provider, limit=40), 9)}  "
    name += tail(visible(one.event or "", limit=80), max(room - 1 - cells([(name, "plain")]), 1))
    return [(pad(name, max(room - 1, 6)) + " ", "plain"), *right]


def answer_lines(one: Replayed, reader: Reader, width: int) -> list[Line]:
    """An answer in full, beside the first one where an app gave that."""
    attempt, before = one.attempt, one.before
    lines = [labelled("to", reader.prose(redact.target(attempt.url, reader.token)))]
    if attempt.failure is not None:
        lines.append(labelled("why", (attempt.failure.sentence, "warn")))
        if attempt.detail:
            lines.append(labelled("", reader.prose(attempt.detail, "quiet")))
    if attempt.changed:
        lines.append(labelled("sent", ("not what came: edited, or signed anew with a local key", "warn")))
    if isinstance(before, int):
        lines.append(labelled("first", (f"hooktop itself answered {before}; no app had", "quiet")))
        if attempt.status is None:
            return lines
        shown = [line(_LET_GO)] if _let_go(attempt) else body_document(attempt, reader, raw=False).lines
        return [*lines, BLANK, *header_lines(attempt, reader), BLANK, *shown]
    kind = "replayed" if before.kind is AttemptKind.REPLAY else "forwarded"
    what = "first answer" if before.failure is None else "first try"
    first: list[Part] = [(what, "strong"), (f"  {kind} {_when(before)}", "quiet")]
    this: list[Part] = [("this one", "strong"), (f"  {_when(attempt)}", "quiet")]
    found = compare_answers(before, attempt)
    if one.change.same_body is False and (_let_go(attempt) or _let_go(before)):
        found.notes.append((Section.BODY, f"another one; {_LET_GO[0]}"))
    return [*lines, BLANK, *comparison(found, reader, width, first, this)]


def _let_go(attempt: Attempt) -> bool:
    """Whether its body was more than is held for a look."""
    return bool(attempt.size) and not attempt.body


def _when(attempt: Attempt) -> str:
    time = "" if attempt.took_s is None else f"  {took(attempt.took_s)}"
    return day_clock(attempt.at, digits=3) + time
