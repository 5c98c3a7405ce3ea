"""Times as whole microseconds since 1970 in UTC: the form in which they are stored and compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """An aware time as whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Whole microseconds since 1970 as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=value)
