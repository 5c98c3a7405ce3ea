"""Replaying with the user's own editor, on a real terminal: captures go on coming in while it has the screen."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from monitor.store.reader import Reader
from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal
from tests.e2e.test_screens import BODY, port_of, post
from tests.web import web

# Makes the terminal on stdin the controlling one, as a shell's is, and becomes hooktop.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.orig_argv[:1] "
    "+ ['-m', 'monitor', *sys.argv[1:]])"
)
# As a shell with job control does: a group of its own in the foreground, which a touch of the terminal would stop when
# it is no longer that. Signals are passed on; the code is 99 where it was stopped.
OF_A_SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, sys.orig_argv[:1] + ["-m", "monitor", *sys.argv[1:]])
signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
_, status = os.waitpid(child, os.WUNTRACED)
if os.WIFSTOPPED(status):
    os.kill(child, signal.SIGKILL)
os.tcsetpgrp(0, os.getpgrp())
sys.exit(99 if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))
"""
EDITOR = """
import os, signal, sys, time
path, folder = sys.argv[1], {folder!r}
print("EDITOR IS OPEN", flush=True)
open(folder + "/pid", "w").write(str(os.getpid()))
open(folder + "/open", "w").write(path)
{stop}
while not os.path.exists(folder + "/go"):
    time.sleep(0.02)
text = open(path, "rb").read()
open(path, "wb").write(text.replace(b"parcel", b"letter"))
"""


def started(home: Path, url: str, stop: str = "", begin: str = OWN_TERMINAL) -> Terminal:
    """hooktop on a terminal of its own, with an editor that waits for the file ``go``."""
    editor = home / "editor.py"
    editor.write_text(EDITOR.format(folder=str(home), stop=stop))
    environ = environment(home, EDITOR=f"{sys.executable} {editor}", TMPDIR=str(home / "tmp"))
    (home / "tmp").mkdir()
    command = [sys.executable, "-c", begin, "--port", "0", "--forward", url]
    return Terminal([], environ, command=command)


def count(home: Path) -> int:
    """How many captures are stored."""
    reader = Reader(next(home.rglob("hooktop.db")))
    try:
        return reader.last_id()
    finally:
        reader.close()


def appears(path: Path) -> None:
    """Wait for a file and its content, which comes after it."""
    end = time.monotonic() + 20
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < end, path
        time.sleep(0.02)


@pytest.mark.parametrize("stop", ["", "os.kill(os.getpid(), signal.SIGSTOP)", "os.kill(0, signal.SIGTSTP)"])
@pytest.mark.slow
def test_captures_are_received_while_the_editor_is_open(tmp_path: Path, stop: str) -> None:
    with web(lambda asked: (202, b"")) as (url, got), started(tmp_path, url, stop) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port, signed=False)
        terminal.wait("! connectly")
        terminal.press("r")
        terminal.wait("headers and body, in your editor")
        terminal.press("e")
        terminal.wait("EDITOR IS OPEN")
        appears(tmp_path / "open")
        edited = Path((tmp_path / "open").read_text())
        assert edited.stat().st_mode & 0o777 == 0o600
        for number in range(50):
            begun = time.monotonic()
            post(port, BODY + b" " * number, signed=False)  # answered 200, so it is stored
            assert time.monotonic() - begun < 5
        assert count(tmp_path) == 51
        assert "EDITOR IS OPEN" in terminal.text()  # nothing was drawn over it
        (tmp_path / "go").touch()
        terminal.wait("Replaying 1 capture")
        terminal.wait("changed|same")
        terminal.wait("51 captures")
        letters = [json.loads(asked.body) for asked in got if b"letter" in asked.body]
        assert [letter["message"]["text"] for letter in letters] == ["Where is my letter?"]
        assert not edited.exists()
        assert list((tmp_path / "tmp").iterdir()) == []
        terminal.press("\x1b")
        terminal.wait_gone("Replaying")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()


@pytest.mark.slow
def test_the_one_that_was_marked_is_edited_and_not_that_under_the_cursor(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with web(lambda asked: (202, b"")) as (url, got), started(tmp_path, url) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port, BODY.replace(b"Where", b"There"), signed=False)
        post(port, BODY.replace(b"Where", b"Here"), signed=False)
        terminal.wait("2 captures")
        terminal.press("gv")  # the first is marked, and the cursor goes to the next
        terminal.wait("MARKED #1")
        terminal.press("r")
        terminal.wait("the marked: 1 capture")
        terminal.press("e")
        terminal.wait("Replaying 1 capture")
        terminal.wait("changed|same")
        letters = [json.loads(asked.body)["message"]["text"] for asked in got if b"letter" in asked.body]
        assert letters == ["There is my letter?"]
        terminal.press("\x1b")
        terminal.wait_gone("Replaying")
        terminal.press("\x1b")
        terminal.wait_gone("MARKED")
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("begin", "stop"),
    [(OWN_TERMINAL, ""), (OF_A_SHELL, ""), (OF_A_SHELL, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")],
    ids=["alone", "of a shell", "of a shell, and deaf"],
)
@pytest.mark.slow
def test_a_signal_ends_the_editor_too_and_restores_the_terminal(tmp_path: Path, begin: str, stop: str) -> None:
    with web(lambda asked: (202, b"")) as (url, _), started(tmp_path, url, stop, begin) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        post(port, signed=False)
        terminal.wait("! connectly")
        terminal.press("r")
        terminal.wait("headers and body, in your editor")
        terminal.press("e")
        terminal.wait("EDITOR IS OPEN")
        appears(tmp_path / "open")
        assert terminal.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert terminal.restored()
        assert "hooktop: Stored 1 capture in" in terminal.text()
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)
        assert list((tmp_path / "tmp").iterdir()) == []
    assert count(tmp_path) == 1
