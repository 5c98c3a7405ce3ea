"""Which inbound messages the business itself sent: those of its own numbers, where a provider tells them by no field.

The numbers are those of the configuration, and those from which outbound messages were seen to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from monitor.model.event import moves
from monitor.model.reading import Direction, Reading
from monitor.model.verdict import Verdict, standing
from monitor.providers.base import Echoing, Provider
from monitor.store.reader import MAX_SENDER

MAX_NUMBERS: Final = 1000  # of a provider that are learnt: more of them are no numbers of one business


class Echoes:
    """Learns a business's own numbers from readings, and turns the readings of messages that they sent."""

    def __init__(self, providers: Iterable[Provider], own: Mapping[str, Iterable[str]]) -> None:
        """``own`` are the numbers that are known, by the provider's name."""
        self._turn = {provider.name: provider.echo for provider in providers if isinstance(provider, Echoing)}
        self._own = {name: set(map(_plain, own.get(name, ()))) for name in self._turn}

    def heard(self, provider: str, verdict: Verdict, reading: Reading) -> Reading:
        """The reading, or what it is where one of the business's own numbers sent it."""
        own = self._own.get(provider)
        if own is None or reading.from_ is None:
            return reading
        number = _plain(reading.from_)
        if reading.direction is Direction.INBOUND:
            return self._turn[provider](reading) if number in own else reading
        may_be = len(number) <= MAX_SENDER and len(own) < MAX_NUMBERS
        if reading.direction is Direction.OUTBOUND and may_be and _counts(verdict):
            own.add(number)
        return reading


def own_numbers(
    configured: Iterable[tuple[str, str]], senders: Iterable[tuple[str, str, Verdict]]
) -> Mapping[str, set[str]]:
    """The numbers by provider: of (provider, numbers parted by commas), and of stored outbound (provider, number)."""
    found: dict[str, set[str]] = {}
    for provider, numbers in configured:
        found.setdefault(provider, set()).update(filter(None, map(str.strip, numbers.split(","))))
    for provider, number, verdict in senders:
        if _counts(verdict):
            found.setdefault(provider, set()).add(number)
    return found


def _counts(verdict: Verdict) -> bool:
    """As for messages: what is forged teaches nothing."""
    return moves(standing(verdict.status, verdict.reason))


def _plain(number: str) -> str:
    return number.strip().removeprefix("+")  # Connectly writes them with and without it (connectly.md, section 8)
