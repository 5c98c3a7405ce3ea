"""Attempt: one try to pass a capture on to the developer's app, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class AttemptKind(StrEnum):
    """Why a capture was passed on."""

    FORWARD = "forward"  # as it arrived
    REPLAY = "replay"  # again, later


class Failure(StrEnum):
    """Why there is no whole answer. The value is the word for lists and counts."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    FORBIDDEN = "forbidden"
    TIMEOUT = "timeout"
    BROKEN = "broken off"
    UNSENDABLE = "unsendable"
    # Not tried at all:
    DOWN = "app down"
    DROPPED = "dropped"
    CIRCLE = "circle"
    OFF = "off"
    ENDED = "ended"

    @property
    def tried(self) -> bool:
        """Whether a connection was made, or begun."""
        return self not in _NOT_TRIED

    @property
    def sentence(self) -> str:
        """What happened, for people; no full stop."""
        return _SENTENCES[self]


_NOT_TRIED: Final = frozenset(
    {Failure.UNSENDABLE, Failure.DOWN, Failure.DROPPED, Failure.CIRCLE, Failure.OFF, Failure.ENDED}
)
_SENTENCES: Final = {
    Failure.REFUSED: "connection refused: nothing listens there",
    Failure.UNREACHABLE: "it cannot be reached",
    Failure.UNTRUSTED: "no trusted TLS connection could be made",
    Failure.FORBIDDEN: "nothing is sent to the address that its name leads to",
    Failure.TIMEOUT: "no whole answer in time",
    Failure.BROKEN: "the connection or the answer broke off",
    Failure.UNSENDABLE: "not sent: the request cannot be written in HTTP again",
    Failure.DOWN: "not sent: the app was down a moment before",
    Failure.DROPPED: "not forwarded: queue full",
    Failure.CIRCLE: "not forwarded: it came round in a circle",
    Failure.OFF: "not forwarded: forwarding was turned off first",
    Failure.ENDED: "hooktop ended first: not forwarded, or not answered by then",
}


def is_success(status: int | None) -> bool:
    """Whether an answer says that the request was taken: 2xx (RFC 9110 §15.3). None where there was no answer."""
    return status is not None and 200 <= status < 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try and its answer. Everything in ``headers``, ``body`` and ``detail`` is foreign text.

    ``id`` is 0 until the store has kept it. ``capture`` is the capture's id, ``url`` the address it was sent to,
    ``at`` when (aware, UTC), and ``took_s`` how long the app took: from the request being written to the end of its
    answer. ``status`` is the app's; with a ``failure`` it may be there all the same, where an answer broke off.
    ``detail`` says more of a failure. ``headers`` are as in ``Request``. ``body`` is the beginning of the answer's
    body as it came over the wire, ``size`` how many bytes of it were read in all. ``changed`` tells that something
    else than the captured request was sent: edited, or signed anew.
    """

    capture: int
    kind: AttemptKind
    url: str
    at: datetime
    took_s: float | None = None
    status: int | None = None
    failure: Failure | None = None
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    size: int = 0
    changed: bool = False
    id: int = 0

    @property
    def fine(self) -> bool:
        """Whether the app said that it took the capture (2xx), and its answer is whole."""
        return self.failure is None and is_success(self.status)

    def header(self, name: str) -> str | None:
        """The first value of a header of the answer (name in lower case), stripped, or None."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.strip()
        return None
