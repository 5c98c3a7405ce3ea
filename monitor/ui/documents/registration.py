"""A registration in full: what is wanted, what the provider has, what hooktop did, what came in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from monitor.model.capture import Capture
from monitor.model.drift import DriftRow, State
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration, Spec
from monitor.services.registrations import Panel
from monitor.ui import redact
from monitor.ui.documents.look import BLANK, labelled, under
from monitor.ui.documents.summary import verdict_parts
from monitor.ui.format import clock, day_clock
from monitor.ui.lines import Line, Part, foreign, line
from monitor.ui.webhook_rows import Entry, KeyOf, mending, state_parts
from monitor.ui.widgets.rows import Placed

_LIMIT: Final = 2_000
_VERBS: Final = {ChangeKind.ADD: "registered", ChangeKind.UPDATE: "changed", ChangeKind.REMOVE: "removed"}
_ENDS: Final[dict[ChangeState, Part]] = {
    ChangeState.BEGUN: ("? no answer came", "warn"),
    ChangeState.DONE: ("✔ done", "good"),
    ChangeState.FAILED: ("✖ refused, nothing changed", "bad"),
    ChangeState.UNDONE: ("✔ done, and put back since", "quiet"),
    ChangeState.DISMISSED: ("✔ done", "good"),
}
_OPERATIONS: Final = {"list": "list", "add": "register", "update": "change", "remove": "remove"}


@dataclass(frozen=True, slots=True)
class InFull:
    """What is shown of an entry: ``records`` of what was done, oldest first, and the ``captures`` that came meanwhile
    (None: no longer stored)."""

    entry: Entry
    records: Sequence[ChangeRecord] = ()
    captures: Mapping[int, Capture | None] = field(default_factory=dict)

    def jumps(self) -> list[int]:
        """The capture behind each entry of ``lines``."""
        return list(self.captures)

    def lines(self, token: str | None, *, key: KeyOf = None) -> list[Placed]:
        """All lines, each with the number of its entry."""
        row = self.entry.row
        own = _account(self.entry.panel, token) if row is None else _registration(self.entry.panel, row, token)
        hint = mending(row) if row is not None else None
        placed: list[Placed] = [(one, None) for one in own]
        if hint is not None and key is not None:
            placed.insert(2, (labelled("mend", (key(hint[0]), "accent"), (f" {hint[1]}", "strong")), None))
        if self.records:
            placed += [(BLANK, None), (line(("What hooktop did", "accent")), None)]
            placed += [(one, None) for record in reversed(self.records) for one in _record(record, token)]
        if self.captures:
            placed += [(BLANK, None), (line(("Requests that came meanwhile", "accent")), None)]
            placed += [(_capture(number, one), at) for at, (number, one) in enumerate(self.captures.items())]
        return placed


def _account(panel: Panel, token: str | None) -> Iterator[Line]:
    yield labelled("credential", foreign(panel.credential, limit=100))
    if panel.host:
        yield labelled("API", foreign(panel.host, limit=200))
    yield from _trouble(panel, token)
    if panel.portal is not None:
        yield labelled("by hand in", foreign(panel.portal.where, limit=_LIMIT))
        if panel.portal.url is not None:
            yield under(foreign(panel.portal.url, "info", limit=_LIMIT))
    same = len(set(panel.cannot.values())) == 1
    for name, why in list(panel.cannot.items())[: 1 if same else None]:
        yield labelled("no API" if same else f"no {_OPERATIONS.get(name, name)}", foreign(why, "quiet", limit=_LIMIT))


def _registration(panel: Panel, row: DriftRow, token: str | None) -> Iterator[Line]:
    yield line(foreign(row.subject or "a webhook", "strong", limit=_LIMIT))
    yield line(*state_parts(row, long=True), ("  ", "plain"), (redact.shown(row.why, token), "plain"), indent=2)
    yield from _trouble(panel, token)
    if row.by_hand is not None:
        yield labelled("by hand", foreign(row.by_hand, "warn", limit=_LIMIT))
    yield BLANK
    if row.wanted is not None:
        yield from _spec("wanted", row.wanted.spec, row.found)
        yield labelled("since", (day_clock(row.wanted.since), "quiet"))
    if row.state is not State.NOT_OURS:  # which has no business here
        address = redact.shown(row.url, token) if row.url is not None else "hooktop has no public address now"
        yield labelled("our address", (address, "info" if row.url is not None else "warn"))
        if row.found is not None:
            yield BLANK
    if row.found is not None:
        yield from _found(row.found, row, token)
    if row.first_event_at is not None:
        yield labelled("first event", (day_clock(row.first_event_at), "plain"))
    if row.verified_at is not None:
        yield labelled("verified", (day_clock(row.verified_at), "good"))


def _found(found: Registration, row: DriftRow, token: str | None) -> Iterator[Line]:
    away = found.url != row.url
    yield labelled("provider has", (redact.shown(found.url, token), "bad" if away and row.ours else "plain"))
    yield labelled("id", foreign(found.id, limit=200))
    if found.active is not None:
        yield labelled("active", ("yes", "good") if found.active else ("no", "warn"))
    if row.wanted is None:
        yield from _spec("settings", found.spec, None)
    if template := found.raw.get("template"):  # Bird: what is posted may then be no JSON of its documents
        yield labelled(
            "template", foreign(str(template), "warn", limit=200), ("  events may come in another form", "quiet")
        )
    for label, at in (("created", found.created_at), ("updated", found.updated_at)):
        if at is not None:
            yield labelled(label, (day_clock(at), "quiet"))


def _spec(label: str, spec: Spec, found: Registration | None) -> Iterator[Line]:
    """Settings, each with what the provider has where that is another."""
    for name, text in spec.items():
        other = None if found is None else found.spec.get(name)
        parts = [foreign(f"{name} ", "quiet", limit=60), foreign(text, "plain", limit=400)]
        if other is not None and other != text:
            parts += [("  provider has ", "quiet"), foreign(other, "warn", limit=400)]
        yield labelled(label, *parts) if label else under(*parts)
        label = ""


def _trouble(panel: Panel, token: str | None) -> Iterator[Line]:
    if panel.trouble is not None:
        yield labelled("trouble", (redact.shown(panel.trouble, token), "bad"))


def _record(record: ChangeRecord, token: str | None) -> Iterator[Line]:
    verb = "put back" if record.undoes is not None else _VERBS[record.kind]
    yield line(
        (f"{day_clock(record.begun_at)}  ", "quiet"), (verb.ljust(11), "plain"), _ENDS[record.state], indent=21
    )  # fmt: skip
    before, after = record.before, record.after
    if before is not None and (after is None or before.url != after.url):
        yield line((" " * 21, "plain"), ("from ", "faint"), (redact.shown(before.url, token), "quiet"), indent=26)
    if after is not None and (before is None or before.url != after.url):
        yield line((" " * 21, "plain"), ("to   ", "faint"), (redact.shown(after.url, token), "quiet"), indent=26)
    if before is not None and after is not None and before.active is not after.active and after.active is not None:
        yield line((" " * 21, "plain"), ("activated" if after.active else "deactivated", "quiet"))


def _capture(number: int, capture: Capture | None) -> Line:
    if capture is None:
        return line((f"capture {number}  ", "quiet"), ("no longer stored", "faint"))
    event = capture.reading.event if capture.reading is not None and capture.reading.event else "a request"
    return line(
        (f"capture {number}  ", "strong"), (f"{clock(capture.received_at)}  ", "quiet"), *verdict_parts(capture),
        ("  ", "plain"), foreign(event, "plain", limit=100),
    )  # fmt: skip
