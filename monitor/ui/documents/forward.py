"""The Forward tab: each time the capture was passed on, and what the app answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from monitor.model.attempt import Attempt, AttemptKind
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.body import body
from monitor.ui.documents.headers import WIDEST
from monitor.ui.documents.look import BLANK, Reader, labelled, title, under
from monitor.ui.format import count, day_clock, outcome, size, took
from monitor.ui.lines import Document, Line, foreign, line
from monitor.urls import onward

SHOWN: Final = 50  # attempts that are listed
WHOLE: Final = 3  # ... with headers and body


def forward(attempts: Sequence[Attempt], reader: Reader, none: str, *, raw: bool = False) -> Document:
    """The document of the Forward tab: the newest attempt first. ``none`` says why there is none."""
    if not attempts:
        return Document([line((none, "quiet"), indent=2)])
    lines: list[Line] = []
    folds: dict[int, int] = {}
    for place, attempt in enumerate(reversed(attempts[-SHOWN:])):
        if place:
            lines.append(BLANK)
        lines += _head(attempt, reader)
        if place < WHOLE and attempt.status is not None:
            lines += [BLANK, *header_lines(attempt, reader), BLANK]
            answer = body_document(attempt, reader, raw=raw)
            folds |= _moved(answer.folds, len(lines))
            lines += answer.lines
    if len(attempts) > SHOWN:
        lines += [BLANK, line((f"… {count(len(attempts) - SHOWN)} before", "quiet"))]
    return Document(lines, folds)


def _head(attempt: Attempt, reader: Reader) -> Iterator[Line]:
    glyph, word, role = outcome(attempt)
    kind = "replayed" if attempt.kind is AttemptKind.REPLAY else "forwarded"
    changed = [("  changed", "warn")] if attempt.changed else []
    parts = [(f"{glyph} {word}", role)]
    if attempt.took_s is not None:
        parts.append((f"   {took(attempt.took_s)}", "strong"))
    yield line(*parts, indent=2)
    yield labelled(kind, (day_clock(attempt.at, digits=3), "quiet"), *changed)
    yield labelled("to", reader.prose(redact.target(attempt.url, reader.token)))
    if attempt.failure is not None:
        yield labelled("why", (attempt.failure.sentence, "warn" if attempt.failure.tried else "quiet"))
        if attempt.detail:
            yield under(reader.prose(attempt.detail, "quiet"))
    location = attempt.header("location")
    if attempt.status is not None and 300 <= attempt.status < 400 and location is not None:
        yield labelled("redirect", (f"to {_host(location)}; not followed", "warn"))


def header_lines(attempt: Attempt, reader: Reader) -> Iterator[Line]:
    """The headers of an answer, credentials hidden."""
    yield title("the app's answer")
    wide = min(max((len(name) for name, _ in attempt.headers), default=0), WIDEST)
    for name, value in attempt.headers:
        named, role = foreign(name, "key", limit=200)
        shown = redact.target(redact.header_value(name, value), reader.token)
        yield line((f"{named:{wide}}  ", role), reader.prose(shown), indent=wide + 2)


def body_document(attempt: Attempt, reader: Reader, *, raw: bool) -> Document:
    """The body of an answer, as far as it was kept."""
    kept, cut = attempt.body, attempt.size > len(attempt.body)
    if not kept:
        return Document([line(("no body", "quiet"))])
    document = body(kept, reader, raw=raw or cut, encoding=attempt.header("content-encoding"))
    if not cut:
        return document
    note = line((f"the first {size(len(kept))} of {size(attempt.size)} that were read; the rest was not kept", "warn"))
    return Document([note, *document.lines], _moved(document.folds, 1))


def _moved(folds: Mapping[int, int], by: int) -> dict[int, int]:
    return {start + by: end + by for start, end in folds.items()}


def _host(location: str) -> str:
    to = onward("", location)
    return visible(to.netloc if to is not None else "", limit=200) or "another path"
