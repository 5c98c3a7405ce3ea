"""Times as whole microseconds since 1970 in UTC: the form in which they are stored and compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """An aware time as whole microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(value: int) -> datetime:
    """Whole microseconds since 1970 as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=value)
