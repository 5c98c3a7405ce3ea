"""What the log beside a database says of the database that it belongs to."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from monitor.store.frames import _sums, can_belong


@pytest.mark.parametrize("page_size", [0, 1, 100, 2**31])
def test_a_log_of_pages_of_no_size_is_none(tmp_path: Path, page_size: int) -> None:
    database, log = tmp_path / "h.db", tmp_path / "h.db-wal"
    database.write_bytes(bytes(8192))
    head = struct.pack(">4I8s", 0x377F0683, 3_007_000, page_size, 0, b"somesalt")
    frame = struct.pack(">2I8s8x", 1, 2, b"somesalt")
    log.write_bytes(head + struct.pack(">2I", *_sums(">", head, [0, 0])) + frame + bytes(9000))
    assert can_belong(database, log, 2)
