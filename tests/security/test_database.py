"""A hostile file in the database's place (threat T32)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.store.connection import connect, prepare
from monitor.store.errors import StoreError


@pytest.mark.parametrize("read_only", [True, False])
def test_t32_every_connection_trusts_nothing_in_the_file(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "h.db"
    prepare(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE VIEW trap AS SELECT own(1)")
    with closing(connect(path, read_only=read_only)) as db:
        names = ("trusted_schema", "cell_size_check", "query_only")
        assert [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names] == [0, 1, int(read_only)]
        db.create_function("own", 1, lambda number: number)
        assert db.execute("SELECT own(1)").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError, match="unsafe use of own"):
            db.execute("SELECT * FROM trap").fetchone()


def test_t32_a_link_in_the_database_s_place_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    target, link = tmp_path / "theirs", tmp_path / "h.db"
    target.write_bytes(b"theirs")
    link.symlink_to(target)
    with pytest.raises(StoreError, match=r"symbolic link.*--db"):
        prepare(link)
    assert target.read_bytes() == b"theirs"
