"""One tolerant way to look into a parsed body.

Missing, null, empty and of the wrong type are four different things in the payloads of four providers; every reader
goes through ``Fields``, so no payload can make one raise, and what was there but unreadable is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from monitor.jsonbody import Body, Json, clean

# A body is a stranger's: a megabyte of small mistakes must not become a megabyte of problems or items.
MAX_PROBLEMS = 20
MAX_ITEMS = 64
_NOTHING: dict[str, Any] = {}


class Fields:
    """A view of one JSON value. Getters return None for what is missing, null or of another type.

    ``problems`` is shared by all views made from one body and collects what was of the wrong type.
    """

    __slots__ = ("_at", "_members", "problems", "value")

    def __init__(self, value: Json, problems: list[str] | None = None, at: str = "") -> None:
        self.value: Json = value
        self.problems: list[str] = [] if problems is None else problems
        self._at = at
        self._members: dict[str, Json] = value if isinstance(value, dict) else _NOTHING

    def obj(self, name: str) -> Fields:
        """A view of the object under ``name``; of nothing when there is none."""
        found = self._members.get(name)
        if isinstance(found, dict):
            return Fields(found, self.problems, f"{self._at}{name}.")
        if found is not None:
            self._wrong(name, "an object", found)
        return Fields(None, self.problems, f"{self._at}{name}.")

    def text(self, name: str) -> str | None:
        """A text, lone surrogates replaced. Numbers are given as their text; an empty text stays empty."""
        found = self._members.get(name)
        if isinstance(found, str):
            return clean(found)
        if found is None:
            return None
        if isinstance(found, int | float) and not isinstance(found, bool):
            return str(found)
        self._wrong(name, "a text", found)
        return None

    def filled(self, name: str) -> str | None:
        """As ``text``, but None when it is empty."""
        return self.text(name) or None

    def all_filled(self, *names: str) -> list[str | None]:
        """``filled`` of each name: one call for the many texts of an event, since this is where receiving spends its
        time."""
        members = self._members
        return [
            found or None if type(found := members.get(name)) is str and found.isascii() else self.filled(name)
            for name in names
        ]

    def flag(self, name: str) -> bool | None:
        """True or false."""
        found = self._members.get(name)
        if isinstance(found, bool):
            return found
        if found is not None:
            self._wrong(name, "true or false", found)
        return None

    def number(self, name: str) -> int | None:
        """A whole number."""
        found = self._members.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        if found is not None:
            self._wrong(name, "a whole number", found)
        return None

    def items(self, name: str) -> Iterator[Fields]:
        """A view of each element of the list under ``name``; of the first ``MAX_ITEMS`` when it is longer."""
        found = self._members.get(name)
        if isinstance(found, list):
            if len(found) > MAX_ITEMS:
                self.problem(f"{self._at}{name} has {len(found)} items, of which {MAX_ITEMS} are read")
            for index, item in enumerate(found[:MAX_ITEMS]):
                yield Fields(item, self.problems, f"{self._at}{name}.{index}.")
        elif found is not None:
            self._wrong(name, "a list", found)

    def time(self, name: str) -> datetime | None:
        """An ISO 8601 time as an aware UTC time; one without a zone is taken as UTC."""
        found = self._members.get(name)
        if found is None or found == "":
            return None
        if isinstance(found, str):
            moment = iso_time(found)
            if moment is not None:
                return moment
        self._wrong(name, "a time", found)
        return None

    def problem(self, words: str) -> None:
        """Write down, once, what could not be read; no more than ``MAX_PROBLEMS``."""
        if len(self.problems) < MAX_PROBLEMS and words not in self.problems:
            self.problems.append(words)

    def _wrong(self, name: str, wanted: str, found: Json) -> None:
        self.problem(f"{self._at}{name} is not {wanted} but {kind_of(found)}")


def of_body(body: Body) -> Fields:
    """A view of a whole body, with what parsing it found; of nothing when it is not a JSON object."""
    problems = list(body.problems)
    if body.ok and not isinstance(body.value, dict):
        problems.append(f"the body is not an object but {kind_of(body.value)}")
    return Fields(body.value if isinstance(body.value, dict) else None, problems)


def known(**named: str | None) -> tuple[tuple[str, str], ...]:
    """The facts of a reading: the named texts that are there and not empty."""
    return tuple((name, text) for name, text in named.items() if text)


def iso_time(text: str) -> datetime | None:
    """An ISO 8601 text as an aware UTC time, or None. Nanoseconds are cut to microseconds."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_time(seconds: float) -> datetime | None:
    """Unix seconds (or milliseconds, told by their size) as an aware UTC time, or None when out of range."""
    try:
        return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def kind_of(value: Json) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
