"""Commands that read messages know of all that came, whoever ended before they did."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from monitor.cli.message_history import reading_messages
from monitor.store import catching_up
from monitor.store.catching_up import advance
from monitor.store.connection import committed, connect, prepare
from monitor.store.held import log_size
from monitor.store.intake import put
from monitor.store.lease import Lease
from monitor.store.message_reader import MessageReader
from monitor.store.projection import Events
from monitor.store.shapes import Shapes
from tests.store.test_projection import everything, stored, traffic


@pytest.mark.parametrize("at_work", [False, True])
async def test_what_a_run_had_no_time_to_fold_is_folded_unless_one_is_at_work(tmp_path: Path, at_work: bool) -> None:
    path, captures = tmp_path / "h.db", traffic(4, 200)
    prepare(path)
    with closing(connect(path, read_only=False)) as db:  # as if the program had died behind the commit
        committed(db, partial(put, captures=captures))
    lease = Lease(path)
    if at_work:
        lease.take()
    with reading_messages(path, MessageReader) as reader:
        found = everything(reader)
        assert reader.watermark() == (0 if at_work else len(captures))
        assert reader.learnt() == reader.watermark()
    lease.give_up()
    async with stored(tmp_path / "other.db", captures) as other:
        assert found == ({} if at_work else everything(other))
    if not at_work:
        Lease(path).take()  # it was given back


def test_the_log_is_written_back_while_and_after_much_is_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sizes = tmp_path / "h.db", [0]
    prepare(path)
    with closing(connect(path, read_only=False)) as db:
        committed(db, partial(put, captures=traffic(4, 1000)))

    def watched(db: sqlite3.Connection, limit: int, events: Events, learnt: Shapes) -> int:
        sizes.append(log_size(path))
        return advance(db, limit, events, learnt)

    monkeypatch.setattr(catching_up, "advance", watched)
    monkeypatch.setattr(catching_up, "LOG_PAGES", 100)
    with reading_messages(path, MessageReader):
        assert log_size(path) == 0
    assert len(sizes) > 15
    assert max(sizes) < 2 * 1024 * 1024


def test_a_file_that_cannot_be_written_is_read_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "h.db"
    prepare(path)
    with closing(connect(path, read_only=False)) as db:
        committed(db, partial(put, captures=traffic(4, 20)))
    path.with_name("h.db.lock").mkdir()  # as where nothing may be made beside it
    with reading_messages(path, MessageReader) as reader:
        assert (reader.watermark(), everything(reader)) == (0, {})
    assert "Nothing is known here of what came after cap_0. The database" in capsys.readouterr().err
