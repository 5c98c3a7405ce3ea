"""Messages and conversations in the database: opening it, and printing them as they change."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from monitor.cli.errors import USAGE, fail, tell
from monitor.cli.output import Paint, say, say_json
from monitor.model.message import Message
from monitor.model.reading import Status
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.message_reader import MessageReader

R = TypeVar("R", bound="MessageReader")
USUAL_S: Final = 10.0  # how old what is known of the usual waits may be


@contextlib.contextmanager
def reading_messages(path: Path, kind: Callable[[Path], R]) -> Iterator[R]:
    """A reader of this kind, closed afterwards; ends the command where the file has no messages. Raises StoreError.

    Where a run ended before its messages knew of all that came, and none is at work, they are brought up to date.
    """
    with contextlib.closing(kind(path)) as reader:
        if not reader.ready():
            fail(
                f"The database {path} is of another version of hooktop, or of another program; start this hooktop with "
                "it once, or name another with --db.",
                USAGE,
            )
        if reader.watermark() < reader.last_id():
            from monitor.store import lease
            from monitor.store.catching_up import catch_up

            try:
                catch_up(path)
            except StoreError as error:
                if lease.told(path) is None:  # else the one that is at work does it
                    tell(f"Nothing is known here of what came after cap_{reader.watermark()}. {error}")
        yield reader


def steps(reader: MessageReader, turns: Iterator[None], after: int) -> Iterator[tuple[int, int]]:
    """Whenever messages have changed: the watermark that was known, and the one up to which there is news."""
    version = -1
    for _ in turns:
        seen = reader.version()
        if seen != version:
            version = seen
            upto = reader.watermark()
            if upto > after:
                yield after, upto
                after = upto


class Records:
    """Gives the JSON object or the line of a message, with for how long it is stuck."""

    def __init__(self, reader: MessageReader, *, paint: Paint, as_json: bool) -> None:
        self._reader = reader
        self._paint = paint
        self._as_json = as_json
        self._usual: dict[str, float] = {}
        self._until = 0.0

    def stuck(self, message: Message) -> float | None:
        """For how many seconds a message is stuck now, or None."""
        from monitor.services.stuck import stuck_for, usual_waits

        if time.monotonic() > self._until:
            self._usual = usual_waits(self._reader)
            self._until = time.monotonic() + USUAL_S
        return stuck_for(message, datetime.now(UTC), self._usual)

    def whole(self, number: int, message: Message) -> Message:
        """The message with what its stages say of errors, which a list does without."""
        failed = any(stage.status is Status.FAILED for stage in message.stages)
        return (self._reader.message(number) or message) if failed else message

    def record(self, number: int, message: Message) -> dict[str, Any]:
        """The JSON object."""
        from monitor.model.record import message_record

        return message_record(self.whole(number, message), stuck_s=self.stuck(message))

    def show(self, found: Iterable[tuple[int, Message]]) -> None:
        """Print messages, each behind its number, at once."""
        if self._as_json:
            say_json(*(self.record(number, message) for number, message in found))
            return
        from monitor.cli.message_lines import message_line

        show_lines([message_line(message, self._paint, stuck_s=self.stuck(message)) for _, message in found])


def show_lines(lines: Sequence[str]) -> None:
    """Print lines at once."""
    say(*lines)
    sys.stdout.flush()
