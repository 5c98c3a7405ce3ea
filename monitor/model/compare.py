"""What differs between two captures, or between two answers of the app. Pure, and bounded in time and in what it says.

JSON bodies are compared by path, other texts by line, everything else by its bytes. Texts in a difference are foreign.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final, TypeAlias

from monitor import jsonbody
from monitor.model.attempt import Attempt
from monitor.model.capture import Capture
from monitor.model.record import capture_record

MAX_LISTED: Final = 1_000  # differences, after which no more are looked for
MAX_SAME: Final = 2_000  # ... and equal places, where they are asked for
MAX_VALUE: Final = 2_000  # characters of a value
MAX_READ: Final = 1024 * 1024  # bytes of a body that is looked into; of a longer one only where it begins to differ
MAX_ALIGNED: Final = 2_000  # elements or lines on each side that are aligned by their likeness
MAX_LIKENESS: Final = 20_000  # pairs of equal ones among them
_CHUNK: Final = 64 * 1024
_HEX: Final = 24  # bytes that are shown from where bodies begin to differ
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NAMES: Final = ("id", "key", "uuid", "name")  # what tells elements of a list apart, where each has its own

Headers: TypeAlias = Sequence[tuple[str, str]]
Pair: TypeAlias = tuple[int | None, int | None]


class Sign(StrEnum):
    """What became of a place."""

    SAME = " "
    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class Section(StrEnum):
    """Where a difference is."""

    CAPTURE = "capture"
    REQUEST = "request"
    ANSWER = "answer"
    HEADERS = "headers"
    BODY = "body"
    SIGNATURE = "signature"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place. ``path`` says where in its section; ``old`` and ``new`` are what stands there, None for nothing.

    Values of JSON are written as JSON.
    """

    section: Section
    sign: Sign
    path: str
    old: str | None = None
    new: str | None = None


@dataclass(slots=True)
class Comparison:
    """Differences in the order of their sections, and ``notes``: what is to be said of a section as a whole.

    ``different`` counts the differences; ``cut`` tells that there are more of them.
    """

    listed: list[Difference] = field(default_factory=list)
    notes: list[tuple[Section, str]] = field(default_factory=list)
    different: int = 0
    cut: bool = False

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.different and not self.notes


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """An answer beside the first one: the words for both, and whether their bodies are the same (None: not known)."""

    before: str
    now: str
    same_body: bool | None

    @property
    def same(self) -> bool:
        """Whether the app said the same status."""
        return self.before == self.now

    @property
    def words(self) -> str:
        """``same``, ``same status, other body`` or ``changed (200 → 500)``."""
        if not self.same:
            return f"changed ({self.before} → {self.now})"
        return "same status, other body" if self.same_body is False else "same"


def answer_change(before: Attempt | int, now: Attempt) -> AnswerChange:
    """What an answer is beside the first: that of an earlier attempt, or the status that hooktop itself gave."""
    if isinstance(before, int):
        return AnswerChange(str(before), _said(now), None)
    known = before.failure is None and now.failure is None
    same_body = (before.size, before.body) == (now.size, now.body) if known else None
    return AnswerChange(_said(before), _said(now), same_body)


def _said(attempt: Attempt) -> str:
    return attempt.failure.value if attempt.failure is not None else str(attempt.status)


def compare(old: Capture, new: Capture, *, everything: bool = False) -> Comparison:
    """What differs between two captures; with ``everything`` also what does not. May take a second for large bodies."""
    found = _Found(everything)
    for name in ("provider", "source"):
        found.pair(Section.CAPTURE, name, str(getattr(old, name)), str(getattr(new, name)))
    for name in ("method", "path", "query"):
        found.pair(Section.REQUEST, name, getattr(old.request, name), getattr(new.request, name))
    _headers(found, old.request.headers, new.request.headers)
    _bodies(found, old.request.body, new.request.body)
    before, after = capture_record(old), capture_record(new)
    for record in (before, after):
        del record["verdict"]["age_s"]  # never twice the same
    _walk(found, Section.SIGNATURE, "", before["verdict"], after["verdict"])
    found.pair(Section.ANSWER, "status", old.answered, new.answered)
    _walk(found, Section.READING, "", before["reading"], after["reading"])
    return found.comparison


def compare_answers(old: Attempt | int, new: Attempt) -> Comparison:
    """What differs between two answers of the app, or between the status that hooktop gave and an answer."""
    found = _Found(everything=False)
    found.pair(Section.ANSWER, "status", str(old) if isinstance(old, int) else _said(old), _said(new))
    if isinstance(old, int):
        return found.comparison
    found.pair(Section.ANSWER, "to", old.url, new.url)
    _headers(found, old.headers, new.headers)
    _bodies(found, old.body, new.body)
    if old.body == new.body and old.size != new.size:
        found.note(Section.BODY, f"as far as they were kept; {old.size:,} bytes came, then {new.size:,}")
    return found.comparison


class _Found:
    """Collects differences."""

    def __init__(self, everything: bool) -> None:
        self.everything = everything
        self.comparison = Comparison()
        self._same = 0

    def add(self, section: Section, sign: Sign, path: str, old: str | None, new: str | None) -> None:
        """Take a place that differs."""
        made = self.comparison
        if made.different == MAX_LISTED:
            made.cut = True
        else:
            made.different += 1
            made.listed.append(Difference(section, sign, path, _cut(old), _cut(new)))

    def equal(self, section: Section, path: str, value: str | Callable[[], str]) -> None:
        """Take a place that does not; its value may be made only where it is wanted."""
        if self.everything and self._same < MAX_SAME:
            self._same += 1
            text = _cut(value if isinstance(value, str) else value())
            self.comparison.listed.append(Difference(section, Sign.SAME, path, text, text))

    def pair(self, section: Section, path: str, old: str | None, new: str | None) -> None:
        """Take a place with both its values, None where it is not there."""
        if old == new:
            if old is not None:
                self.equal(section, path, old)
        else:
            sign = Sign.ADDED if old is None else Sign.REMOVED if new is None else Sign.CHANGED
            self.add(section, sign, path, old, new)

    def note(self, section: Section, text: str) -> None:
        """Say something of a section."""
        self.comparison.notes.append((section, text))


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"


# --- headers -------------------------------------------------------------------------------------------------------


def _headers(found: _Found, old: Headers, new: Headers) -> None:
    """Names whatever their case; the values of one name in their order."""
    before, after = _by_name(old), _by_name(new)
    for name in dict.fromkeys([*before, *after]):
        for first, second in zip_longest(before.get(name, ()), after.get(name, ())):
            found.pair(Section.HEADERS, name, first, second)
    kept = [[name.lower() for name, _ in headers if name.lower() in before and name.lower() in after]
            for headers in (old, new)]  # fmt: skip
    if sorted(kept[0]) == sorted(kept[1]) and kept[0] != kept[1]:
        found.note(Section.HEADERS, "they come in another order")


def _by_name(headers: Headers) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.lower(), []).append(value)
    return named


# --- bodies --------------------------------------------------------------------------------------------------------


def _bodies(found: _Found, old: bytes, new: bytes) -> None:
    small = len(old) <= MAX_READ and len(new) <= MAX_READ
    if old == new and not (found.everything and small):
        return
    if old != new:
        found.note(Section.BODY, f"{_measure(old)}, then {_measure(new)}")
    if not (small and (_json_bodies(found, old, new) or _texts(found, old, new))) and old != new:
        at = _first_difference(old, new)
        parts = [data[at : at + _HEX].hex(" ") or None for data in (old, new)]
        found.pair(Section.BODY, f"from byte {at:,} on", *parts)


def _json_bodies(found: _Found, old: bytes, new: bytes) -> bool:
    """Compare by path; false when they are not both JSON."""
    before, after = jsonbody.parse(old), jsonbody.parse(new)
    if not (before.ok and after.ok):
        return False
    seen = found.comparison.different
    _walk(found, Section.BODY, "", before.value, after.value)
    if old != new and found.comparison.different == seen:
        found.note(Section.BODY, "the JSON says the same in other bytes: blanks, order of keys, escapes or repeats")
    return True


def _texts(found: _Found, old: bytes, new: bytes) -> bool:
    """Compare by line; false when they are not both text."""
    try:
        lines = [data.decode("utf-8").split("\n") if data else [] for data in (old, new)]
    except UnicodeDecodeError:
        return False
    for i, j in _aligned(*lines):
        if found.comparison.cut:
            break
        values = (None if i is None else lines[0][i], None if j is None else lines[1][j])
        found.pair(Section.BODY, f"line {_place(i, j, 1)}", *values)
    return True


def _measure(data: bytes) -> str:
    return f"{len(data):,} bytes (sha256 {hashlib.sha256(data).hexdigest()[:12]})"


def _first_difference(old: bytes, new: bytes) -> int:
    for start in range(0, max(len(old), len(new)), _CHUNK):
        first, second = old[start : start + _CHUNK], new[start : start + _CHUNK]
        if first != second:
            differing = (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
            return start + next(differing, min(len(first), len(second)))
    return 0


# --- JSON ----------------------------------------------------------------------------------------------------------


def _walk(found: _Found, section: Section, path: str, old: Any, new: Any) -> None:
    if found.comparison.cut:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = _member(path, key)
            if key not in new:
                found.add(section, Sign.REMOVED, inner, _json(old[key]), None)
            elif key not in old:
                found.add(section, Sign.ADDED, inner, None, _json(new[key]))
            else:
                _walk(found, section, inner, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list):
        for i, j in _elements(old, new):
            inner = f"{path}[{_place(i, j, 0)}]"
            if j is None:
                found.add(section, Sign.REMOVED, inner, _json(old[i or 0]), None)
            elif i is None:
                found.add(section, Sign.ADDED, inner, None, _json(new[j]))
            else:
                _walk(found, section, inner, old[i], new[j])
    elif type(old) is type(new) and old == new:
        found.equal(section, path, lambda: _json(old))
    else:
        found.add(section, Sign.CHANGED, path, _json(old), _json(new))


_json: Final = json.JSONEncoder(ensure_ascii=False).encode
_key: Final = json.JSONEncoder(sort_keys=True).encode  # equal for equal values alone


def _member(path: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{_json(key)}]"


def _place(i: int | None, j: int | None, first: int) -> str:
    """An index, counted from ``first``; two where the same thing stands elsewhere now."""
    known = [index + first for index in (i, j) if index is not None]
    return "→".join(dict.fromkeys(map(str, known)))


def _elements(old: list[Any], new: list[Any]) -> Iterator[Pair]:
    """Which element of one list is which of the other: by what names them, else by their likeness."""
    name = next((name for name in _NAMES if _names(old, name) and _names(new, name)), None)
    if name is not None:
        return _named([element[name] for element in old], [element[name] for element in new])
    return _aligned(list(map(_key, old)), list(map(_key, new)))


def _names(elements: list[Any], name: str) -> bool:
    """Whether each of the elements has a value of its own under the name."""
    values = [element.get(name) for element in elements if isinstance(element, dict)]
    return (
        len(values) == len(elements) > 0
        and all(isinstance(value, str | int) for value in values)
        and len(set(map(_json, values))) == len(values)
    )


def _named(old: Sequence[str | int], new: Sequence[str | int]) -> Iterator[Pair]:
    where = {_json(value): j for j, value in enumerate(new)}
    for i, value in enumerate(old):
        yield i, where.pop(_json(value), None)
    for j in where.values():
        yield None, j


def _aligned(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Pairs of indices in order: equal ones, then in between what took the place of what."""
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    end = next((n for n in range(shorter - start) if old[-1 - n] != new[-1 - n]), shorter - start)
    yield from ((n, n) for n in range(start))
    stop, new_stop = len(old) - end, len(new) - end
    for i1, i2, j1, j2 in _blocks(old[start:stop], new[start:new_stop]):
        yield from zip_longest(range(start + i1, start + i2), range(start + j1, start + j2))
    yield from ((stop + n, new_stop + n) for n in range(end))


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterable[tuple[int, int, int, int]]:
    """Stretches of both lists that belong together, as begin and end in each; one for all where looking for what is
    alike would take long, as it does where much is repeated."""
    times = Counter(new) if 1 < max(len(old), len(new)) <= MAX_ALIGNED else Counter[str]()
    if not 0 < sum(times[value] for value in old) <= MAX_LIKENESS:
        return [(0, len(old), 0, len(new))]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(i1, i2, j1, j2) for _, i1, i2, j1, j2 in matcher.get_opcodes()]
