"""What is in the database: opening it for reading, and the newest captures that pass a filter."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from monitor.cli.command import Globals
from monitor.cli.errors import FAILED, fail, tell
from monitor.paths import expanded

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model.capture import Capture
    from monitor.model.filter import Filter
    from monitor.store.reader import Reader

NONE_YET: Final = "There is no database {} yet; 'hooktop' or 'hooktop listen' begins one."
FIRST_STEP: Final = 1_000  # ids that the first query looks at; each further one at twice as many
LAST_STEP: Final = 100_000
POLL_S: Final = 0.1


def config_of(options: Globals) -> Config:
    """The configuration, read once: that takes secrets out of the environment, where nobody finds them again."""
    from monitor.services.assemble import load_config

    if options.loaded is None:
        options.loaded = load_config(options.config)
    return options.loaded


def config_at(options: Globals, public_url: str | None) -> Config:
    """The configuration, with what ``--public-url`` says in place of its own."""
    from monitor.cli.receiving import Choices, base_address

    config = config_of(options)
    return config if public_url is None else Choices(public_url=base_address(public_url)).over(config)


def database(options: Globals, config: Config | None = None) -> Path:
    """The database of this call: the option's, else the configuration's, else the default."""
    if options.db is not None:
        return expanded(options.db)
    from monitor.services.assemble import database_of

    return database_of(config or config_of(options))


def begun(options: Globals) -> Path | None:
    """The database of this call; None where there is none yet, which is told."""
    path = database(options)
    if path.exists():
        return path
    tell(NONE_YET.format(path))
    return None


def needed(options: Globals, config: Config | None = None) -> Path:
    """The database of this call; ends the command where there is none yet."""
    path = database(options, config)
    if not path.exists():
        fail(NONE_YET.format(path))
    return path


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A reader of the database, closed afterwards. Raises StoreError."""
    from monitor.store.reader import Reader

    with contextlib.closing(Reader(path)) as reader:
        yield reader


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file has this name now, None where there is none: what is deleted or put aside gets no captures."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def turns(path: Path) -> Iterator[None]:
    """One turn after the other to look for what is new in the database that is at ``path`` when this is called, with a
    moment before each; the next one ends the command when that is not there any more."""
    now = file_at(path)

    def each() -> Iterator[None]:
        while True:
            threading.Event().wait(POLL_S)
            if file_at(path) != now:
                fail(f"The database {path} was moved or deleted; run this again for the one that is there then.")
            yield

    return each()


def newest(reader: Reader, wanted: Filter, limit: int) -> list[int]:
    """The ids of the newest captures that pass the filter, in ascending order."""
    from monitor.store.filter_sql import compile_filter

    where = compile_filter(wanted, datetime.now(UTC))
    found: list[int] = []
    high, step = reader.last_id(), max(FIRST_STEP, limit)
    while high > 0 and len(found) < limit:
        low = max(high - step + 1, 1)
        found[:0] = reader.matching(where, low, high)
        high, step = low - 1, min(step * 2, LAST_STEP)
    return found[-limit:]


def since(reader: Reader, wanted: Filter, after: int) -> tuple[list[int], int]:
    """The ids above ``after`` that pass the filter, and the highest id that was looked at."""
    from monitor.store.filter_sql import compile_filter

    last = reader.newest(wanted)
    if last <= after:
        return [], after
    return reader.matching(compile_filter(wanted, datetime.now(UTC)), after + 1, last), last


def capture_of(options: Globals, number: int) -> Capture:
    """One stored capture; ends the command with a sentence when there is none."""
    path = needed(options)
    with reading(path) as reader:
        capture = reader.capture(number)
        last = reader.last_id()
    if capture is None:
        hint = f"the newest is cap_{last}" if last else "it holds none yet"
        fail(f"There is no capture cap_{number} in {path}; {hint}, and 'hooktop captures' lists them.", FAILED)
    return capture
