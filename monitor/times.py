"""Times as whole microseconds since 1970 in UTC, the form in which they are stored and compared; spans as written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

# What spans are written in, in microseconds.
UNITS: Final = {
    "ms": 10**3,
    "s": 10**6,
    "min": 60 * 10**6,
    "m": 60 * 10**6,
    "h": 3_600 * 10**6,
    "d": 86_400 * 10**6,
    "w": 604_800 * 10**6,
}
_AMOUNT: Final = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"({_AMOUNT}) ?({'|'.join(UNITS)})")
_BARE: Final = re.compile(_AMOUNT)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def microseconds(moment: datetime) -> int:
    """An aware time as whole microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(value: int) -> datetime:
    """Whole microseconds since 1970 as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=value)


def local_time(moment: datetime) -> datetime:
    """An aware time in the zone of this machine, unchanged where it has none there: ``0001-01-01T00:00:00Z``, which
    Go writes for no time, lies before the calendar west of Greenwich."""
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):  # which one depends on the platform
        return moment


def earlier(now: datetime, by: timedelta) -> datetime:
    """The aware time that lies so long before ``now``, 1970 at the earliest: a long span leads out of the calendar."""
    return _EPOCH if by >= now - _EPOCH else now - by


def span(text: str, *, bare: bool = False) -> timedelta | None:
    """The span that ``30d``, ``1h30m``, ``10 min`` or ``500ms`` means, and with ``bare`` ``90`` seconds; None for no
    span."""
    if bare and _BARE.fullmatch(text):
        text += "s"
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    try:
        return timedelta(microseconds=sum(float(part[1]) * UNITS[part[2]] for part in parts))
    except OverflowError:
        return None
