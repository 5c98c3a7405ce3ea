"""Capture: one HTTP request as it arrived, with what hooktop found out about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.reading import Reading
from monitor.model.verdict import Verdict

# A request header whose value proves that this installation itself made the body, or sent it again.
STAMP_HEADER = "x-hooktop-local"
# The mark of a replay that a local key signed; what is simulated always is.
LOCAL_MARK = "local"
RESET = 0  # in the place of a status: the connection was reset without an answer
LEFT = 499  # likewise: the sender was gone before its answer; nginx logs the same number
GIVEN_UP = 503  # the answer to a request that was not waited for to the end, since hooktop ends


class Source(StrEnum):
    """How a capture came to be here."""

    NETWORK = "network"
    SIMULATED = "simulated"  # signed with a local key by hooktop itself
    REPLAYED = "replayed"  # sent again from the store by hooktop itself
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it arrived.

    ``path`` and ``query`` are the raw ones, percent-encoding untouched. Header names and values are Latin-1 texts of
    the bytes received, in order, so encoding them again as Latin-1 gives those bytes. ``peer`` is the address of the
    socket (``127.0.0.1:51234``), never one that a header claims.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: str | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header (name in lower case), stripped, or None."""
        for key, value in self.headers:
            if key == name or key.lower() == name:
                return value.strip()
        return None

    def header_values(self, name: str) -> list[str]:
        """Every value of a header (name in lower case), stripped, in order; never joined."""
        return [value.strip() for key, value in self.headers if key == name or key.lower() == name]

    @property
    def target(self) -> str:
        """Path and query as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def sha256(self) -> str:
        """The SHA-256 of the body in hex."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """Evidence about the sender that is no signature. ``token`` is None where no path token is asked for."""

    token: bool | None = None
    peer: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One request with its verdict and reading. The request is the truth; the rest can be worked out again.

    ``id`` is 0 until the store has committed it. ``received_at`` is our clock, aware, in UTC. ``answer`` is the HTTP
    status we answer with, ``RESET`` or ``LEFT``.
    """

    id: int
    received_at: datetime
    provider: str
    source: Source
    request: Request
    answer: int
    verdict: Verdict
    origin: Origin
    reading: Reading | None = None
    marks: tuple[str, ...] = ()

    @property
    def answered(self) -> str:
        """Our answer, for people. A file may not say what was answered."""
        unknown = self.answer == RESET and self.source is Source.IMPORTED
        return "not known" if unknown else answer_word(self.answer)


def answer_word(status: int) -> str:
    """An HTTP status, ``RESET`` or ``LEFT``, for people."""
    return {RESET: "reset", LEFT: "499 sender gone"}.get(status, str(status))
