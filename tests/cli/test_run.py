"""How ``run`` and ``demo`` end when things go wrong; the usual ways are tried in tests/e2e."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from monitor.cli.app import run
from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal

CRASHING = """
import sys
from monitor.ui.screens.live import LiveScreen

def tick(self):
    canary = "canary-in-a-variable"
    if self.session.monitor.feed.stored > 3:
        raise ValueError("canary-in-a-message")

LiveScreen.tick = tick
from monitor.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def environ(home: Path) -> dict[str, str]:
    """The environment of a program on a terminal, with temporary files in the home folder."""
    return environment(home, TMPDIR=str(home))


@pytest.mark.slow
def test_a_crash_of_the_screens_ends_with_1_and_leaves_a_report_without_data(own_machine: Path) -> None:
    command = [sys.executable, "-c", CRASHING, "demo", "--rate", "50"]
    with Terminal([], environ(own_machine), command=command) as terminal:
        assert terminal.end(seconds=60) == 1
        assert terminal.restored()
        output = bytes(terminal.output)
    assert b"hooktop: the screens failed (ValueError)" in output
    assert b"canary" not in output
    (report,) = own_machine.rglob("hooktop-crash-*.txt")
    assert "canary" not in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in report.parent.iterdir()] == [report.name]  # the demonstration's own files are gone


@pytest.mark.slow
def test_a_terminal_that_nobody_reads_does_not_keep_it_from_ending(own_machine: Path) -> None:
    folder = own_machine / "temporary"
    folder.mkdir()
    with Terminal(["demo", "--rate", "200"], {**environ(own_machine), "TMPDIR": str(folder)}) as terminal:
        terminal.wait("verified")
        terminal.pause_reading()
        time.sleep(2)  # until it takes no more
        code = terminal.end(signal.SIGTERM, seconds=30)
        assert code == 143
        assert not list(folder.glob("*/*.db"))
        terminal.resume_reading()


@pytest.mark.slow
def test_a_terminal_that_was_closed(own_machine: Path) -> None:
    with Terminal(["run", "--port", "0"], environ(own_machine)) as terminal:
        terminal.wait("Waiting")
        terminal.pause_reading()
        assert terminal.end(signal.SIGHUP, seconds=30) == 129
        terminal.resume_reading()


def test_what_was_stored_is_said_and_the_log_is_private(own_machine: Path) -> None:
    with Terminal(["run", "--port", "0", "--db", str(own_machine / "h.db")], environ(own_machine)) as terminal:
        terminal.wait("Waiting")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
        said = bytes(terminal.output).decode()
    assert re.search(r"hooktop: Stored 0 captures in \S+/h\.db\.", said)
    assert (own_machine / "h.db.log").stat().st_mode & 0o777 == 0o600


def test_an_unknown_theme_is_said_before_any_screen(own_machine: Path) -> None:
    config = own_machine / "config.toml"
    config.write_text('[ui]\ntheme = "no-such"\n[receiver]\nport = 0\n')
    config.chmod(0o600)
    with Terminal(["run", "--config", str(config)], environ(own_machine)) as terminal:
        assert terminal.end() == 2
        assert b"There is no theme 'no-such'" in bytes(terminal.output)
        assert b"\x1b[?1049h" not in bytes(terminal.output)


def test_another_host_is_warned_of(own_machine: Path) -> None:
    with Terminal(["run", "--host", "0.0.0.0", "--port", "0"], environ(own_machine)) as terminal:
        terminal.wait("Waiting")
        terminal.press("q")
        assert terminal.end() == 0
        assert b"hooktop: Warning: http://0.0.0.0:" in bytes(terminal.output)


@pytest.mark.parametrize("words", [[], ["run"], ["demo"]])
def test_without_a_terminal(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "'hooktop listen' works without one." in capsys.readouterr().err
