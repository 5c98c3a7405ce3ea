"""Stamps: the request header by which an installation knows what it made itself, and what it sent again.

On a simulated event it is a MAC of the body; on a replay ``replayed`` or ``replayed-local``, the microseconds since
1970 at which the signature is judged, and a MAC of both and the body. Only this installation can make one, so nobody
else can give a request these labels; and none of them makes a wrong signature a right one: what is ``local`` is checked
with the local keys alone, everything else with the keys of its provider.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.model.capture import STAMP_HEADER, Request, Source
from monitor.times import microseconds, moment

_REPLAY: Final = b"hooktop replay\n"  # no body that hooktop simulates begins so
_SAID: Final = re.compile(r"replayed(-local)? ([0-9]{1,17})")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a right stamp says.

    ``local``: signed with a local key. ``at`` is the time at which the signature is judged, None for that of arrival.
    """

    source: Source
    local: bool
    at: datetime | None = None


def replay_stamp(stamp: Callable[[bytes], str], body: bytes, at: datetime, *, local: bool) -> str:
    """The header value for a replay whose signature is judged at the time ``at``; ``stamp`` makes the MAC.

    Raises what ``stamp`` raises.
    """
    said = f"replayed{'-local' if local else ''} {microseconds(at)}"
    return f"{said} {stamp(_message(said, body))}"


def stamp_of(request: Request, is_stamp: Callable[[bytes, str], bool]) -> Stamp | None:
    """What the stamp of a request says, None without one or with one that somebody else made."""
    value = request.header(STAMP_HEADER)
    if not value:
        return None
    said, blank, mac = value.rpartition(" ")
    if not blank:
        right = not request.body.startswith(_REPLAY) and is_stamp(request.body, value)
        return Stamp(Source.SIMULATED, local=True) if right else None
    found = _SAID.fullmatch(said)
    if found is None or not is_stamp(_message(said, request.body), mac):
        return None
    return Stamp(Source.REPLAYED, local=found[1] is not None, at=moment(int(found[2])))


def _message(said: str, body: bytes) -> bytes:
    return b"%b%b\n%b" % (_REPLAY, said.encode("ascii"), body)
