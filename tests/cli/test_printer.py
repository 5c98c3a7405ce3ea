"""The printer: every line once and in order, whoever reads and however slowly."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from monitor.cli import printer
from monitor.model.capture import Capture
from monitor.model.filter import parse
from monitor.model.shape import BASELINE
from monitor.services.retention import EVER
from monitor.store.errors import StoreError
from monitor.store.reader import Reader
from monitor.store.store import Store
from tests.factory import make_capture
from tests.store.test_shapes import said


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A pipe in the place of stdout."""
    ends = os.pipe()
    monkeypatch.setattr(printer, "STDOUT", ends[1])
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(end)


def read_all(end: int) -> list[bytes]:
    """The lines that come until the pipe is closed."""
    with os.fdopen(os.dup(end), "rb") as file:
        return file.read().splitlines()


def render(batch: Sequence[Capture]) -> bytes:
    """One id a line, long enough that a pipe fills up."""
    return b"".join(b"%d %s\n" % (capture.id, b"x" * 1000) for capture in batch)


async def test_a_reader_that_waits_loses_nothing_and_fills_no_memory(
    tmp_path: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printer, "MAX_WAITING", 5)
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    out = printer.Printer(store.reader, render, parse(""), after=0, count=None, done=done.set)
    store.follow(out.offer)
    store.start()
    out.start()
    for _ in range(150):  # more than a pipe and the printer hold: nobody reads yet
        await store.add(make_capture())
    assert out._waiting <= 5 + 512
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.extend(read_all(pipe[0])))
    reader.start()
    assert out.finish()
    os.close(pipe[1])
    reader.join(30)
    await store.stop()
    assert [int(line.split()[0]) for line in seen] == list(range(1, 151))
    assert done.is_set()


@pytest.mark.parametrize("wanted", ["", "id>1", "-mark:none"])
async def test_what_was_committed_before_anything_is_offered_is_printed(
    tmp_path: Path, pipe: tuple[int, int], wanted: str
) -> None:
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    store.start()
    for _ in range(3):
        await store.add(make_capture())
    out = printer.Printer(store.reader, render, parse(wanted), after=1, newest=3, count=2, done=done.set)
    out.start()
    assert await asyncio.to_thread(done.wait, 30)
    assert out.finish()
    os.close(pipe[1])
    await store.stop()
    assert [int(line.split()[0]) for line in read_all(pipe[0])] == [2, 3]


async def test_count_is_exact_over_batches(tmp_path: Path, pipe: tuple[int, int]) -> None:
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    out = printer.Printer(store.reader, render, parse("id>2"), after=0, count=3, done=done.set)
    store.start()
    kept = [await store.add(make_capture()) for _ in range(10)]
    out.start()
    out.offer(kept)
    assert done.wait(30)
    assert out.finish()
    await store.stop()
    os.close(pipe[1])
    assert [line.split()[0] for line in os.read(pipe[0], 100_000).splitlines()] == [b"3", b"4", b"5"]
    assert out.printed == 3


async def test_marks_that_come_behind_the_commit_are_waited_for(tmp_path: Path, pipe: tuple[int, int]) -> None:
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    out = printer.Printer(store.reader, render, parse("mark:new_field*"), after=0, count=2, done=done.set)
    store.follow(out.offer)
    store.start()
    out.start()
    for capture in (*[said() for _ in range(BASELINE)], said(a=1), said(), said(b=1)):
        await store.add(capture)
    assert done.wait(30)
    assert out.finish()
    await store.stop()
    printed = [int(line.split()[0]) for line in os.read(pipe[0], 100_000).splitlines()]
    assert printed == [BASELINE + 1, BASELINE + 3]


async def test_what_was_let_go_before_it_was_printed_is_left_out(tmp_path: Path, pipe: tuple[int, int]) -> None:
    store = Store.open(tmp_path / "h.db")
    out = printer.Printer(store.reader, render, parse(""), after=0, count=None, done=lambda: None)
    store.start()
    kept = [await store.add(make_capture()) for _ in range(3)]
    await store.caught_up()
    assert await store.prune(EVER, limit=2) == 2
    out.start()
    out.offer(kept[2:])
    assert out.finish()
    await store.stop()
    assert [line.split()[0] for line in os.read(pipe[0], 100_000).splitlines()] == [b"3"]


async def test_a_closed_pipe_is_no_error(tmp_path: Path, pipe: tuple[int, int]) -> None:
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    out = printer.Printer(store.reader, render, parse(""), after=0, count=None, done=done.set)
    os.close(pipe[0])
    out.start()
    out.offer([make_capture(1)])
    assert done.wait(30)
    assert not out.finish()
    assert out.broken
    await store.stop()
    assert out.printed == 0


async def test_a_full_disk_is_told_by_whoever_waits_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "h.db")
    done = threading.Event()
    out = printer.Printer(store.reader, render, parse(""), after=0, count=None, done=done.set)
    with open("/dev/full", "wb") as full:
        monkeypatch.setattr(printer, "STDOUT", full.fileno())
        out.start()
        out.offer([make_capture(1)])
        assert done.wait(30)
        with pytest.raises(OSError) as found:
            out.finish()
    assert found.value.errno == errno.ENOSPC
    assert not out.broken
    await store.stop()


def test_a_store_that_cannot_be_read_is_told_by_whoever_waits_for_the_end(
    tmp_path: Path, pipe: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()
    out = printer.Printer(lambda: Reader(tmp_path / "none.db"), render, parse(""), after=0, count=None, done=done.set)
    out.start()
    out.offer([make_capture(5)])  # what came before did not fit, and is read from the store
    assert done.wait(30)
    with pytest.raises(StoreError):
        out.finish()
    assert "Traceback" not in capfd.readouterr().err
