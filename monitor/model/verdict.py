"""Verdict: what is known of a capture's signature."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class VerdictStatus(StrEnum):
    """The closed list of signature statuses."""

    VERIFIED = "verified"  # matched a configured key, signed time (if any) in tolerance
    INVALID = "invalid"  # header and key are there and do not match, or the header cannot be decoded
    STALE = "stale"  # cryptographically right, signed time out of tolerance
    MISSING = "missing"  # the provider signs, or a key is configured, and the header is absent
    NO_KEY = "no_key"  # a header, but nothing to check it with
    UNSIGNED = "unsigned"  # neither header nor key, and signing is optional for the provider
    UNCHECKED = "unchecked"  # provider not recognised, or an imported or replayed row


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
