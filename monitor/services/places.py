"""Which message stands where in a list, by number: 8 bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from monitor.store.message_reader import Order


class Places:
    """Numbers of messages by their positions, from 0 at the top: the newest first with those that are lifted above
    them, or in another order as they were put."""

    def __init__(self) -> None:
        self.order = Order.NEWEST
        self.version = 0  # changes whenever the list has
        self._ids = array("q")  # ascending for the newest, else in the order shown
        self._lifted: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def number_at(self, index: int) -> int:
        """The number of the message at a position. Raises IndexError."""
        if not 0 <= index < len(self._ids):
            raise IndexError(index)
        if self.order is not Order.NEWEST:
            return self._ids[index]
        if index < len(self._lifted):
            return self._lifted[index]
        rank = index - len(self._lifted)
        for taken in self._lifted_ranks():
            if taken <= rank:
                rank += 1
        return self._ids[len(self._ids) - 1 - rank]

    def index_of(self, number: int) -> int | None:
        """The position of a message, or None when it is not in the list."""
        at = self._at(number)
        if at is None or self.order is not Order.NEWEST:
            return at
        if number in self._lifted:
            return self._lifted.index(number)
        rank = len(self._ids) - 1 - at
        return rank + sum(1 for taken in self._lifted_ranks() if taken > rank)

    def nearest(self, number: int, place: int) -> int:
        """The position of a message, or of the next older one that is in the list; by another order ``place``."""
        found = self.index_of(number)
        if found is not None or self.order is not Order.NEWEST or not self._ids:
            return min(place, max(len(self._ids) - 1, 0)) if found is None else found
        at = bisect_right(self._ids, number) - 1
        return self.index_of(self._ids[max(at, 0)]) or 0

    def newer_than(self, number: int) -> int:
        """How many messages in the list were first heard of after this one."""
        if self.order is not Order.NEWEST:
            return 0
        return len(self._ids) - bisect_right(self._ids, number)

    def put(self, ids: Iterable[int]) -> None:
        """Show these: the newest in ascending order, others in that of the list."""
        self._ids = array("q", ids)
        self.version += 1
        self.lift(self._lifted)

    def put_below(self, ids: Iterable[int]) -> None:
        """Show these of the newest, too, which are older than those that are there."""
        self._ids = array("q", ids) + self._ids
        self.version += 1

    def empty(self) -> None:
        """Show none."""
        self._lifted = []
        self.put(())

    def enter(self, number: int) -> None:
        """Show one more of the newest."""
        if self._at(number) is None:
            insort(self._ids, number)
            self.version += 1

    def leave(self, number: int) -> None:
        """Show this one no longer, where it is in the list."""
        at = self._at(number)
        if at is not None:
            del self._ids[at]
            if number in self._lifted:
                self._lifted.remove(number)
            self.version += 1

    def lift(self, numbers: Iterable[int]) -> None:
        """Show these first, in this order, above the newest; those that are not in the list are passed over."""
        lifted = [n for n in numbers if self._at(n) is not None] if self.order is Order.NEWEST else []
        if lifted != self._lifted:
            self._lifted = lifted
            self.version += 1

    def _at(self, number: int) -> int | None:
        """The index of a message among the ids."""
        if self.order is not Order.NEWEST:
            return self._ids.index(number) if number in self._ids else None
        at = bisect_left(self._ids, number)
        return at if at < len(self._ids) and self._ids[at] == number else None

    def _lifted_ranks(self) -> list[int]:
        """The places that the lifted ones would have, counted from the newest."""
        return sorted(len(self._ids) - 1 - bisect_left(self._ids, number) for number in self._lifted)
