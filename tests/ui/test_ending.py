"""How the screens end, and a terminal that nobody reads."""

from __future__ import annotations

import asyncio
import io
import stat
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from rich.console import Console
from textual.worker import WorkerFailed, WorkerState

from monitor.ui import crash
from monitor.ui.app import HooktopApp
from monitor.ui.paced import MAX_QUEUE
from tests.factory import running
from tests.ui.screens import NOW, RecordingDriver, plain_captures, screens

CANARY = "canary-4711-secret"


async def test_a_failure_leaves_a_report_and_one_sentence(tmp_path: Path) -> None:
    async with running(tmp_path / "hooktop.db") as monitor:
        app = HooktopApp(monitor, now=lambda: NOW)

        def fail() -> None:
            local = CANARY
            raise ValueError(f"token {local} \x1b[2J")

        with pytest.raises(ValueError, match="token"):
            async with app.run_test() as pilot:
                app.call_later(fail)
                await pilot.pause()
        assert app.return_code == 1
        assert monitor.receiving
    reports = list(tmp_path.glob("hooktop-crash-*.txt"))
    assert len(reports) == 1
    text = reports[0].read_text()
    assert "ValueError" in text
    assert "test_ending.py" in text
    assert CANARY not in text
    assert stat.S_IMODE(reports[0].stat().st_mode) == 0o600
    assert app._exit_renderables == [] or CANARY not in str(app._exit_renderables)


async def test_a_view_that_is_taken_down_while_it_is_read_is_no_failure(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def reading() -> None:
        await go_on.wait()

    async with screens(tmp_path) as s:
        s.live.read(reading(), "slow")
        [worker] = [one for one in s.app.workers if one.group == "slow"]
        await s.live.query_one("#heading").remove()
        go_on.set()
        await worker.wait()
        assert worker.state is WorkerState.SUCCESS


async def test_the_report_of_a_failed_worker_says_where_it_failed(tmp_path: Path) -> None:
    async with running(tmp_path / "hooktop.db") as monitor:
        app = HooktopApp(monitor, now=lambda: NOW)

        async def fail_in_a_worker() -> None:
            raise ValueError(CANARY)

        with pytest.raises(WorkerFailed):
            async with app.run_test() as pilot:
                app.run_worker(fail_in_a_worker())
                await pilot.pause()
    [file] = tmp_path.glob("hooktop-crash-*.txt")
    text = file.read_text()
    assert "ValueError" in text
    assert "fail_in_a_worker" in text
    assert CANARY not in text


async def test_what_is_printed_is_one_line_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path / "hooktop.db") as monitor:
        app = HooktopApp(monitor, now=lambda: NOW)
        app.error_console = Console(stderr=True, markup=False, highlight=False, width=400)
        app._handle_exception(RuntimeError(CANARY))
        app._handle_exception(RuntimeError("again"))
        app._print_error_renderables()
        app.session.close()
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert said.startswith("hooktop: the screens failed (RuntimeError)")
    assert "what was captured is stored" in said
    assert CANARY not in said
    assert "Traceback" not in said


def test_the_report_follows_the_chain_and_keeps_harmless_messages() -> None:
    def inner() -> None:
        raise KeyError(CANARY)

    def outer() -> None:
        try:
            inner()
        except KeyError as error:
            raise TypeError("'NoneType' object is not callable") from error

    with pytest.raises(TypeError) as caught:
        outer()
    text = crash.report(caught.value, NOW)
    assert "TypeError: 'NoneType' object is not callable" in text
    assert "KeyError" in text
    assert CANARY not in text


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert crash.write_report(ValueError(), tmp_path / "file", NOW) is None
    assert "no report could be written" in crash.farewell(ValueError(), None)


class StalledDriver(RecordingDriver):
    """A driver whose writer has writes waiting, as on a terminal that nobody reads."""

    class Writer:
        """Looks like Textual's writer thread."""

        def __init__(self) -> None:
            self._queue: Queue[str] = Queue()

    def start_application_mode(self) -> None:
        """Begin with nothing waiting."""
        self._writer_thread = self.Writer()
        super().start_application_mode()


async def test_a_terminal_that_nobody_reads_is_not_written_to(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), driver=StalledDriver) as s:
        driver: Any = s.app._driver
        queue = driver._writer_thread._queue
        for _ in range(MAX_QUEUE + 1):
            queue.put("a frame")
        before = len(driver.written)
        await s.add(*plain_captures(20))
        await s.press("k", "k", "x")
        assert len(driver.written) == before
        while not queue.empty():
            queue.get()
        await s.until(lambda: len(driver.written) > before)
        assert "23 captures" in s.screen_text()
        assert not s.app._skipped


async def test_a_tick_takes_nothing_in_while_frames_wait(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), driver=StalledDriver) as s:
        driver: Any = s.app._driver
        for _ in range(4):
            driver._writer_thread._queue.put("a frame")
        s.app._tick()
        before = len(s.app.session.view)
        await s.monitor.store.add(plain_captures(1)[0])
        s.app._tick()
        assert len(s.app.session.view) == before


async def test_another_driver_counts_as_one_that_keeps_up(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        assert s.app._queued() == 0


def test_textual_still_has_the_queue_that_is_looked_at() -> None:
    from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

    assert MAX_QUEUED_WRITES > MAX_QUEUE + 6
    assert WriterThread(io.StringIO())._queue.qsize() == 0


@pytest.mark.parametrize("no_color", [False, True])
async def test_without_colour_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: bool) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    async with screens(tmp_path, plain_captures(3), size=(80, 24)) as s:
        text = s.screen_text()
        assert "✔ verified" in text
        assert "received" in text
        assert "▌" in text
