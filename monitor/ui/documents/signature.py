"""The Signature tab: the verdict as stored, the check done again step by step, and what should have been signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.model.capture import Capture
from monitor.model.verdict import SIGNS
from monitor.providers.base import Signed
from monitor.text import visible_bytes
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, Reader, labelled, title
from monitor.ui.documents.summary import verdict_parts
from monitor.ui.format import size
from monitor.ui.lines import MAX_LINE, Line, Part, foreign, line

MAX_SIGNED = 16 * 1024  # bytes of a signed text that are drawn


def signature(stored: Capture, again: Capture, signed: Sequence[Signed], reader: Reader) -> list[Line]:
    """The lines of the Signature tab: ``again`` is the capture examined with today's keys."""
    lines = [title("when it arrived"), *_verdict(stored, reader), BLANK, title("checked again, with today's keys")]
    if again.verdict.status is stored.verdict.status and again.verdict.reason == stored.verdict.reason:
        lines.append(line(*verdict_parts(again), ("  as when it arrived", "quiet")))
    else:
        lines += _verdict(again, reader)
    wrong = SIGNS[again.verdict.status][2] in ("bad", "warn")
    for check in again.verdict.checks:
        mark: Part = ("✔ ", "good") if check.passed else ("✖ ", "bad" if wrong else "quiet")
        detail = redact.target(check.detail, reader.token)
        shown = [("  ", "plain"), reader.prose(detail, "quiet")] if detail else []
        lines.append(line(mark, foreign(check.name, limit=200), *shown, indent=2))
    if not again.verdict.checks:
        lines.append(line(("no step to take: nothing here is checked", "quiet")))
    for text in signed:
        lines += [BLANK, *_signed(text, reader)]
    return lines


def _verdict(capture: Capture, reader: Reader) -> Iterator[Line]:
    verdict = capture.verdict
    yield labelled("verdict", *verdict_parts(capture))
    yield labelled("reason", reader.prose(redact.target(verdict.reason, reader.token)))
    if verdict.near_miss:
        miss = redact.target(verdict.near_miss, reader.token)
        yield labelled("near miss", ("≈ ", "accent"), reader.prose(miss, "accent"))
    if verdict.scheme:
        yield labelled("scheme", foreign(verdict.scheme, limit=200))
    if verdict.key:
        yield labelled("key", foreign(verdict.key, limit=80), ("  fingerprint", "faint"))
    if verdict.age_s is not None:
        yield labelled("signed", (f"{verdict.age_s:.1f} s before it arrived", "plain"))


def _signed(text: Signed, reader: Reader) -> Iterator[Line]:
    told = (foreign(text.label, "quiet", limit=300), (f"  {size(len(text.data))}", "faint"))
    yield line(("signed text  ", "accent"), *told, indent=2)
    if reader.masked:
        yield line(("hidden while the screen is masked", "faint"))
        return
    shown = redact.target(redact.body(visible_bytes(text.data, limit=MAX_SIGNED)), reader.token)
    for start in range(0, len(shown), MAX_LINE):
        yield line((shown[start : start + MAX_LINE], "string"))
