"""The right to write a database, and what the one who has it tells others."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from monitor.store.errors import StoreError
from monitor.store.lease import MOST, Lease, Told, told


def test_others_learn_where_the_one_who_writes_receives(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    assert told(database) is None
    lease = Lease(database)
    lease.take()
    assert told(database) is None  # it has told nothing yet
    lease.tell("http://127.0.0.1:9000", "https://a-long-name.example.com")
    assert told(database) == Told(str(os.getpid()), "http://127.0.0.1:9000", "https://a-long-name.example.com")
    lease.tell("http://127.0.0.1:9000", None)
    assert told(database) == Told(str(os.getpid()), "http://127.0.0.1:9000", None)
    lease.tell("http://127.0.0.1:9000", None, "http://localhost:3000")
    assert told(database) == Told(str(os.getpid()), "http://127.0.0.1:9000", None, "http://localhost:3000")
    with pytest.raises(StoreError, match=r"\(pid \d+\) is writing"):
        Lease(database).take()
    lease.give_up()
    assert told(database) is None  # what it told is still there, and holds no longer
    assert database.with_name("h.db.lock").read_text("utf-8").split("\n")[1] == "http://127.0.0.1:9000"
    lease.take()
    assert told(database) is None
    lease.give_up()


@pytest.mark.parametrize("content", [b"", b"7", b"7\n", b"7\n\n", b"\xff\xfe\n\n\n", b"\n" * MOST])
def test_what_is_no_such_file_tells_nothing(tmp_path: Path, content: bytes) -> None:
    database = tmp_path / "h.db"
    lease = Lease(database)
    lease.take()
    database.with_name("h.db.lock").write_bytes(content)
    assert told(database) is None
    lease.give_up()


def test_a_look_keeps_nobody_from_writing(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    for _ in range(20):
        assert told(database) is None
        lease = Lease(database)
        lease.take()
        lease.give_up()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked_no_other_program_is_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    database = tmp_path / "h.db"
    lease = Lease(database)
    lease.take()
    lease.tell("http://127.0.0.1:9000", None)
    lease.give_up()

    def flock(fd: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=r"h\.db cannot be locked \(.+\), as on some network drives; choose another"):
        Lease(database).take()
    assert told(database) is None
