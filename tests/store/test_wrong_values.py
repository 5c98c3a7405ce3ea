"""A database of a stranger that SQLite finds sound, with values in it that hooktop never wrote."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from monitor.model.reading import Status
from monitor.model.record import capture_record, message_record
from monitor.services.stuck import stuck_messages
from monitor.store.attempts import AttemptReader
from monitor.store.coverage_reader import CoverageReader
from monitor.store.errors import StoreError
from monitor.store.filter_sql import Where
from monitor.store.message_reader import Order
from monitor.store.stats_reader import StatsReader
from monitor.store.viewing import copy_to_view
from tests.factory import START, storing
from tests.services.histories import told

EVERYTHING = Where("TRUE", [], False)
TABLES = ("captures", "readings", "tallies", "watermark", "messages", "message_events", "conversations", "attempts")
WRONG = {
    "INTEGER": ("soon", math.inf, 2**63 - 1, -(2**63)),
    "REAL": ("soon", b"\xff", math.inf),
    "TEXT": ("no such word", b"\xff\x00", "[1]", "[[1,2,3]]", "[" * 100_000),
    "BLOB": ("a text", 7),
}
NOW = START + timedelta(hours=1)


async def history(path: Path) -> None:
    """Two messages of one conversation, one of which failed."""
    async with storing(path) as store:
        for name, status in (("a", Status.SENT), ("a", Status.DELIVERED), ("b", Status.SENT), ("b", Status.FAILED)):
            await store.add(told(name, status))
        await store.caught_up()


def columns(db: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    for table in TABLES:
        for _, name, kind, _, _, key in db.execute(f"PRAGMA table_info({table})").fetchall():
            if not key:
                yield table, name, kind


def spoil(path: Path, wrong: Path, table: str, name: str, value: object) -> None:
    """Copy a database, with one value in the place of all of a column."""
    wrong.with_name(f"{wrong.name}-wal").unlink(missing_ok=True)
    shutil.copy(path, wrong)
    with closing(sqlite3.connect(wrong)) as db:
        db.execute(f"UPDATE OR IGNORE {table} SET {name} = ?", (value,))
        db.commit()


def look(path: Path) -> None:
    """Ask everything that the lists, the panes and the figures are made of."""
    with closing(StatsReader(path)) as reader:
        rows = reader.rows(reader.all_ids())
        assert {row.received_at.tzinfo for row in rows.values()} == {UTC}
        for number in rows:
            found = reader.capture(number)
            assert found is not None
            capture_record(found)
            reader.links(number)
        messages = reader.messages(reader.message_ids(Order.NEWEST, EVERYTHING, 10))
        assert len(messages) == 2
        for number, message in messages.items():
            message_record(message)
            reader.message(number)
        stuck_messages(reader, NOW, {"volt": 0.0})
        for row in reader.conversations(10):
            row.conversation()
            reader.stretch(row.id)
        reader.senders(), reader.tallies(), reader.watermark(), reader.waits(100)
        reader.capture_counts(EVERYTHING, NOW), reader.message_counts(EVERYTHING)
        reader.buckets(EVERYTHING, START - timedelta(hours=1), timedelta(minutes=1), 120)
        reader.samples(EVERYTHING), reader.failure_groups(EVERYTHING, 10)
    with closing(CoverageReader(path)) as kinds:
        kinds.kinds(EVERYTHING), kinds.news(EVERYTHING, 10)
    with closing(AttemptReader(path)) as attempts:
        attempts.attempts(1)


@pytest.mark.slow
async def test_what_is_shown_of_a_stranger_can_be_read_and_the_rest_is_refused(tmp_path: Path) -> None:
    path, wrong, shown = tmp_path / "h.db", tmp_path / "wrong.db", tmp_path / "shown.db"
    await history(path)
    with closing(sqlite3.connect(path)) as db:
        attempt = (1, 1, "replay", "http://x.example", 1, 0.1, 200, None, "", b"", b"", 0, 0)
        db.execute(f"INSERT INTO attempts VALUES ({', '.join('?' * len(attempt))})", attempt)
        db.commit()
        every = [(table, name, value) for table, name, kind in columns(db) for value in WRONG[kind]]
    copy_to_view(path, shown)
    look(shown)
    refused = 0
    for table, name, value in every:
        spoil(path, wrong, table, name, value)
        shown.unlink(missing_ok=True)
        try:
            copy_to_view(wrong, shown)
        except StoreError as error:
            assert "hooktop import --db NEW OLD" in str(error)  # noqa: PT017 - some are, others are not
            refused += 1
            continue
        try:
            look(shown)
        except Exception as error:
            raise AssertionError(f"{table}.{name} = {value!r}") from error
    assert refused > len(every) / 2
