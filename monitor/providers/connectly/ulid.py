"""ULIDs: 128 bits as 26 letters of Crockford's base 32, the first 48 bits the milliseconds of their making.

Connectly names messages by ULIDs and quotes the same number as a UUID in replies.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from monitor.providers.fields import unix_time

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS: Final = str.maketrans(_CROCKFORD, "0123456789abcdefghijklmnopqrstuv")  # as int(text, 32) reads them
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # 128 of 130 bits: the first letter is 7 at most
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_RANDOM_BITS: Final = 80
# Times outside these years are an accident of a text that only looks like a ULID.
_FROM: Final = datetime(2015, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2100, 1, 1, tzinfo=UTC)


def ulid(milliseconds: int, chance: int) -> str:
    """The ULID of a Unix time in milliseconds and 80 bits of chance."""
    return _encode(milliseconds << _RANDOM_BITS | chance)


def ulid_time(text: str) -> datetime | None:
    """When a ULID was made, None for other texts and for times that cannot be meant."""
    number = _decode(text)
    moment = None if number is None else unix_time((number >> _RANDOM_BITS) / 1000)
    return moment if moment is not None and _FROM <= moment < _UNTIL else None


def other_form(text: str) -> str | None:
    """The same 128 bits as a UUID for a ULID and the reverse, None for other texts."""
    number = _decode(text)
    if number is not None:
        digits = f"{number:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return _encode(int(text.replace("-", ""), 16)) if _UUID.fullmatch(text) else None


def _decode(text: str) -> int | None:
    return int(text.translate(_DIGITS), 32) if _ULID.fullmatch(text) else None


def _encode(number: int) -> str:
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
