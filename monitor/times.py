"""Times as whole microseconds since 1970 in UTC, the form in which they are stored and compared; spans as written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d|w)")
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


def earlier(now: datetime, by: timedelta) -> datetime:
    """The aware time that lies so long before ``now``, 1970 at the earliest: a long span leads out of the calendar."""
    return _EPOCH if by >= now - _EPOCH else now - by


def span(text: str) -> timedelta | None:
    """The span that ``30d``, ``1h30m`` or ``500ms`` means; None for no span, and for none at all."""
    parts = list(_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        return None
    try:
        found = timedelta(seconds=sum(float(part[1]) * _UNITS[part[2]] for part in parts))
    except OverflowError:
        return None
    return found or None
