"""How a look-alike API misbehaves when it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from monitor.sandbox.problems import SimulationProblem

SECONDS: Final = 5.0  # how late a slow answer is


class ApiFault(StrEnum):
    """A switch of a look-alike. ``does`` says in a sentence what it does, ``only`` whose it is (None: everybody's).

    Those of one provider change what its API offers and may be on together; of the others, which spoil the answer to
    every request, one may be on.
    """

    does: str
    only: str | None

    def __new__(cls, name: str, does: str, only: str | None = None) -> Self:
        """A member that knows what it does."""
        fault = str.__new__(cls, name)
        fault._value_ = name
        fault.does = does
        fault.only = only
        return fault

    # Nothing is done.
    UNAUTHORIZED = "unauthorized", "The credentials are refused with 401."
    FORBIDDEN = "forbidden", "The credentials are good, but not for this: 403."
    NOT_FOUND = "not_found", "Whatever is asked for is not there: 404."
    CONFLICT = "conflict", "What is asked for exists already: 409."
    RATE_LIMITED = "rate_limited", "Too many requests: 429, with Retry-After: 7."
    SERVER_ERROR = "server_error", "The provider fails with 500."
    UNAVAILABLE = "unavailable", "The provider is down for a while: 503, with Retry-After: 30."
    HANG = "hang", "The request is taken and never answered."
    RESET = "reset", "The connection is reset before an answer."
    HTML = "html", "A page for people answers in place of the API, with 200."
    REDIRECT = "redirect", "307 to another host, which must never see the credentials."
    BOMB = "bomb", "64 MiB as 64 KiB of gzip, which nobody asked for."
    HUGE = "huge", "64 MiB of valid JSON."
    ESCAPES = "escapes", "400 with control sequences in the reason and in the message."
    # It is done, and then the answer is spoilt.
    SLOW = "slow", "It is done at once and answered late (5 s, or as told)."
    DRIP = "drip", "It is done, and the answer comes a byte at a time."
    DONE_THEN_HANG = "done_then_hang", "It is done and never answered."
    BAD_GATEWAY = "bad_gateway", "It is done, and a gateway answers 502 with a page for people."
    EMPTY = "empty", "It is done and answered without a body."
    TRUNCATED = "truncated", "It is done, and the connection ends in the middle of the answer."
    NOT_JSON = "not_json", "It is done and answered with the first half of the JSON, as if that were all."
    # What one provider's API offers.
    PROBE_REFUSED = "probe_refused", "The test request counts as failed, whatever was answered.", "volt"
    UNSIGNED_PROBE = "unsigned_probe", "The test request comes without a signature.", "volt"
    PARTIAL = "partial", "A registration is done and answered with data and errors.", "volt"
    NO_INTROSPECTION = "no_introspection", "The schema is not told.", "volt"
    RICH_SCHEMA = "rich_schema", "Registrations can also be listed, updated and deleted.", "volt"
    LONG_ONLY = "long_only", "Paths without an organization answer 404.", "bird"
    SHORT_ONLY = "short_only", "Paths with an organization answer 404.", "bird"
    ECHO_KEY = "echo_key", "Answers contain the signing key.", "bird"
    MANY_PAGES = "many_pages", "The list has pages without end.", "bird"
    REPEATED_TOKEN = "repeated_token", "Every page of the list names the same next page.", "bird"
    REPLACES = "replaces", "A second address for a topic replaces the first instead of 409.", "connectly"


@dataclass(slots=True)
class Switches:
    """What is switched on at one provider; ``seconds`` is how late a slow answer is."""

    provider: str
    on: frozenset[ApiFault] = frozenset()
    seconds: float = SECONDS

    def set(self, faults: Iterable[str], seconds: float | None = None) -> None:
        """Switch these on and all others off. Raises SimulationProblem."""
        found = frozenset(fault_of(self.provider, name) for name in faults)
        spoiling = sorted(fault for fault in found if fault.only is None)
        if len(spoiling) > 1:
            raise SimulationProblem(f"{' and '.join(spoiling)} cannot both spoil an answer; choose one of them")
        if seconds is not None and not 0 <= seconds <= 3600:
            raise SimulationProblem(f"an answer cannot be {seconds:g} s late; choose 0 to 3600")
        self.on, self.seconds = found, SECONDS if seconds is None else seconds

    @property
    def spoiling(self) -> ApiFault | None:
        """What spoils the answer to every request."""
        return next((fault for fault in self.on if fault.only is None), None)


def known(provider: str) -> list[ApiFault]:
    """The faults that a provider's look-alike has."""
    return [fault for fault in ApiFault if fault.only in (None, provider)]


def fault_of(provider: str, name: str) -> ApiFault:
    """The fault of that name. Raises SimulationProblem when the provider's look-alike has none."""
    for fault in known(provider):
        if fault == name:
            return fault
    raise SimulationProblem(f'{provider} has no fault "{name}"; choose one of {", ".join(known(provider))}')
