"""The Summary tab: what a capture means, in the order in which one asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from monitor.model.capture import LOCAL_MARK, Capture, Source
from monitor.model.reading import Media, MessageError, Reading, Status
from monitor.model.verdict import SIGNS
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, Reader, labelled, mixed_note, under
from monitor.ui.format import STATUS_ROLES, clock, day, failed, fit, gap, size
from monitor.ui.lines import Line, Part, foreign, line

_SOURCES = {
    Source.SIMULATED: "LOCAL: simulated here and signed with a local key; no provider sent this",
    Source.REPLAYED: "REPLAY: sent again by hooktop; judged as when it first came, and it moves no message",
    Source.IMPORTED: "IMPORT: read from a file; its signature was not checked",
}
_CLAIMS = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip")


def summary(capture: Capture, reader: Reader, deliveries: Iterable[Line] = ()) -> list[Line]:
    """The lines of the Summary tab, with those for the deliveries of the same event."""
    reading = capture.reading or Reading()
    lines = [*_head(capture, reading, reader), BLANK]
    if reading.error:  # first: it is what one opens a capture that failed for
        lines += [*error_lines(reading.error, reader), BLANK]
    lines += [*_verdict(capture, reader), *_status(reading)]
    if again := list(deliveries):
        lines += [BLANK, *again]
    lines += [BLANK, *_times(capture, reading), BLANK, *_ids(capture, reading, reader)]
    if reading.problems:
        lines += [BLANK, *_listed("problems", [reader.prose(text, "warn") for text in reading.problems])]
    lines += [BLANK, *_origin(capture, reader)]
    return lines


def verdict_parts(capture: Capture) -> list[Part]:
    """Glyph, word and colour of the verdict."""
    glyph, word, role = SIGNS[capture.verdict.status]
    return [(f"{glyph} {word}", role)]


def _head(capture: Capture, reading: Reading, reader: Reader) -> Iterator[Line]:
    if capture.source is not Source.NETWORK and not (reader.demo and capture.source is Source.SIMULATED):
        yield line((_SOURCES[capture.source], "warn"))
        if LOCAL_MARK in capture.marks and not reader.demo:
            yield line(("LOCAL: signed with a local key; no provider signed this", "warn"))
    words = [word for word in (reading.direction, reading.channel and visible(reading.channel, limit=40)) if word]
    parts: list[Part] = [(" ".join(words), "info")] if words else []
    if not parts:
        parts = [foreign(reading.event, "info")] if reading.event else [("no message in this capture", "quiet")]
    if reading.status is not None and reading.status is not Status.OTHER:
        parts += [("   ", "plain"), _status_part(reading.status, reading.error)]
    yield line(*parts)
    if reading.from_ or reading.to:
        yield line(reader.party(reading.from_), ("  →  ", "quiet"), reader.party(reading.to))
    if reading.text is not None:
        text, role = reader.text(reading.text, "quote")
        yield line(("“", "quiet"), (text, role), ("”", "quiet"), indent=1)
    for media in reading.media:
        yield line(*media_parts(media, reader), indent=2)
    told = (reading.text, reading.from_, reading.to, *(value for _, value in reading.facts))
    yield from mixed_note(told, reader)


def media_parts(media: Media, reader: Reader) -> list[Part]:
    """An attachment as a chip: type, size, address."""
    chip: list[Part] = [("▪ ", "accent"), foreign(media.type or "attachment", "accent", limit=60)]
    if media.size is not None:
        chip.append((f"  {size(media.size)}", "quiet"))
    if media.url:
        chip += [("  ", "plain"), ("address hidden", "faint") if reader.masked else foreign(media.url, "quiet")]
    return chip


def _verdict(capture: Capture, reader: Reader) -> Iterator[Line]:
    verdict = capture.verdict
    yield labelled("signature", *verdict_parts(capture))
    yield under(reader.prose(redact.target(verdict.reason, reader.token)))
    if verdict.near_miss:
        yield under(("≈ ", "accent"), reader.prose(redact.target(verdict.near_miss, reader.token), "accent"))
    proof = [(visible(text, limit=80), "quiet") for text in (verdict.scheme, verdict.key) if text]
    for part in proof:
        yield under(part)


def _status_part(status: Status, error: MessageError | None) -> Part:
    """The status, a failure with its code as everywhere."""
    codes = (error.carrier_code, error.code) if error else ()
    return fit(failed(*codes), 24) if status is Status.FAILED else status.value, STATUS_ROLES[status]


def _status(reading: Reading) -> Iterator[Line]:
    """What the headline does not say: the provider's own word, and what happened to the message beside its delivery."""
    said = reading.provider_status
    parts: list[Part] = [foreign(reading.mark, "plain", limit=60)] if reading.mark else []
    if said and said.lower() != (reading.status or ""):
        parts.append((("   " if parts else "") + f"the provider says “{visible(said, limit=80)}”", "plain"))
    if parts:
        yield labelled("status", *parts)


def error_lines(error: MessageError, reader: Reader) -> Iterator[Line]:
    """Why a message failed, in the provider's own words."""
    words = [text for text in (error.title, error.detail) if text]
    yield labelled("error", *([reader.prose(words[0], "bad")] if words else [("no words given", "quiet")]))
    if len(words) > 1:
        yield under(reader.prose(words[1]))
    codes: list[Part] = []
    for label, value in (("code", error.code), ("carrier code", error.carrier_code), ("carrier", error.carrier),
                         ("source", error.source)):  # fmt: skip
        if value:
            codes += [("   " if codes else "", "plain"), (f"{label} ", "quiet"), foreign(value, limit=120)]
    if codes:
        yield under(*codes)
    if error.temporary is not None:
        yield under(("temporary: a later try may work" if error.temporary else "permanent: trying again will not help",
                     "warn" if error.temporary else "plain"))  # fmt: skip
    if error.trace_id:
        yield under(("trace ", "quiet"), foreign(error.trace_id, limit=120))


def _times(capture: Capture, reading: Reading) -> Iterator[Line]:
    ours = capture.received_at
    yield labelled("received", (clock(ours, digits=3), "strong"), (f"  {day(ours)}", "quiet"))
    steps: list[tuple[str, datetime | None]] = [
        ("occurred", reading.occurred_at), ("accepted", reading.accepted_at), ("sent", reading.sent_at),
        ("completed", reading.completed_at),
    ]  # fmt: skip
    steps.append(("valid until", reading.valid_until))
    told = [(label, moment) for label, moment in steps if moment is not None]
    if told:
        yield under(("by the provider's clock:", "faint"))
    for label, moment in told:
        yield labelled(label, *_beside(moment, ours))
    if capture.verdict.age_s is not None:
        yield labelled("signed", (f"{capture.verdict.age_s:.1f} s before it arrived", "plain"))


def _beside(moment: datetime, ours: datetime) -> tuple[Part, ...]:
    date = "" if day(moment) == day(ours) else f"  {day(moment)}"
    return (clock(moment, digits=3), "plain"), (f"  {gap(moment - ours)}{date}", "quiet")


def _ids(capture: Capture, reading: Reading, reader: Reader) -> Iterator[Line]:
    yield labelled("capture", (f"{capture.id}", "plain"))
    people = (reading.from_, reading.to)
    for label, value in (("event", reading.event), ("event id", reading.event_id), ("message", reading.message)):
        if value:
            yield labelled(label, reader.name(value, *people))
    for alias in reading.aliases:
        yield under(("also ", "quiet"), reader.name(alias, *people))
    if reading.conversation:
        yield labelled("conversation", reader.prose(reading.conversation))
    yield from _listed("facts", [reader.fact(name, value) for name, value in reading.facts])
    if capture.marks:
        yield labelled("marks", foreign(", ".join(capture.marks), "warn"))


def _listed(label: str, parts: list[Part]) -> Iterator[Line]:
    for index, part in enumerate(parts):
        one = under(part) if index else labelled(label, part)
        yield replace(one, indent=one.indent + 2)  # the rest of a long one is told from the next


def _origin(capture: Capture, reader: Reader) -> Iterator[Line]:
    request = capture.request
    where = reader.plain(request.path)
    if request.query:
        where += "?" + (redact.HIDDEN if reader.masked else redact.target(request.query, reader.token))
    yield labelled("request", foreign(request.method, "strong", limit=20), (" ", "plain"), foreign(where))
    yield under((f"{size(len(request.body))}   answered {capture.answered}", "quiet"))
    token = {None: "", True: "   path token ✔", False: "   path token ✖"}[capture.origin.token]
    yield labelled("from", foreign(request.peer or "unknown", limit=80), (token, "quiet"))
    for name in _CLAIMS:
        claimed = request.header(name)
        if claimed:
            yield under(("claims ", "quiet"), foreign(claimed, limit=200), (f"  ({name}: not checked)", "faint"))
