"""Verdict: what is known of a capture's signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class VerdictStatus(StrEnum):
    """The closed list of signature statuses."""

    VERIFIED = "verified"  # matched a configured key, signed time (if any) in tolerance
    INVALID = "invalid"  # header and key are there and do not match, or the header cannot be decoded
    STALE = "stale"  # cryptographically right, signed time out of tolerance
    MISSING = "missing"  # the provider signs, or a key is configured, and the header is absent
    NO_KEY = "no_key"  # a header, but nothing to check it with
    UNSIGNED = "unsigned"  # neither header nor key, and signing is optional for the provider
    UNCHECKED = "unchecked"  # provider not recognised, or an imported row


# Glyph, word and tone of each, in the order of importance. The word always stands beside the glyph
# (providers/verification.md, section 1), and red is only for what is wrong.
SIGNS: Final[Mapping[str, tuple[str, str, str]]] = {
    VerdictStatus.VERIFIED: ("✔", "verified", "good"),
    VerdictStatus.INVALID: ("✖", "INVALID", "bad"),
    VerdictStatus.STALE: ("◷", "stale", "warn"),
    VerdictStatus.MISSING: ("!", "missing", "warn"),
    VerdictStatus.NO_KEY: ("?", "no key", "warn"),
    VerdictStatus.UNSIGNED: ("–", "unsigned", "quiet"),
    VerdictStatus.UNCHECKED: ("·", "unchecked", "quiet"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a verification, for people: what was looked at, whether it passed, what was found."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A signature's status with its reasons.

    ``key`` is the fingerprint of the key that matched (``sha256:`` and 8 hex digits). ``near_miss`` says what would
    have matched; it never changes the status. ``age_s`` is how old the signed time was on arrival, in seconds, None
    where the scheme signs no time.
    ``checks`` are the steps taken; they are not stored, checking again gives them.
    """

    status: VerdictStatus
    reason: str
    scheme: str | None = None
    key: str | None = None
    near_miss: str | None = None
    age_s: float | None = None
    checks: tuple[Check, ...] = ()


# How the reason of every imported capture begins: its signature was not checked here.
IMPORTED: Final = "not checked here; the imported file says "
_AGAINST: Final = frozenset({VerdictStatus.INVALID, VerdictStatus.STALE, VerdictStatus.MISSING})


def claimed_by_file(status: str | None, reason: str | None, age_s: float | None) -> Verdict:
    """The verdict on an imported capture, which is always unchecked: its reason says what the file says of it."""
    reason = reason or ""
    if status == VerdictStatus.UNCHECKED and reason.startswith(IMPORTED):  # it was imported there, too
        return Verdict(VerdictStatus.UNCHECKED, reason, age_s=age_s)
    known = next((known for known in VerdictStatus if known == status), None)
    said = "nothing of it" if known is None else f"{known}: {reason}" if reason else str(known)
    return Verdict(VerdictStatus.UNCHECKED, IMPORTED + said, age_s=age_s)


def standing(status: VerdictStatus, reason: str) -> VerdictStatus:
    """The status that counts when a message is folded: that of the capture, or what a file says against its own.

    A file is never believed that a signature is right; where it says that one is wrong, the capture moves as little
    here as it did there.
    """
    if status is VerdictStatus.UNCHECKED and reason.startswith(IMPORTED):
        said = reason.removeprefix(IMPORTED).partition(":")[0]
        return next((known for known in _AGAINST if known == said), status)
    return status
