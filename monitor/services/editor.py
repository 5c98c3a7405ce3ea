"""The user's own editor on the terminal, while the event loop goes on: captures are received meanwhile.

The editor gets a process group of its own, which is the terminal's foreground until it ends: its ctrl+c and its ctrl+z
are not ours. When it stops itself it is told to go on, since nobody else could.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from monitor import paths
from monitor.model.capture import Request
from monitor.services.editing import EditProblem, as_text, from_text

MAX_TEXT: Final = 512 * 1024 * 1024
_LOOK_S: Final = 0.2  # between two looks whether the editor has stopped
_END_S: Final = 1.0  # for an editor that is asked to end


def command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words that start the user's editor: VISUAL, else EDITOR, else the system's. Raises EditProblem."""
    set_to = (environ.get(name, "").strip() for name in ("VISUAL", "EDITOR"))
    text = next(filter(None, set_to), "notepad" if os.name == "nt" else "vi")
    try:
        return shlex.split(text, posix=os.name != "nt")
    except ValueError:
        raise EditProblem(
            "The command in VISUAL or EDITOR cannot be read; write it as for a shell, nothing was sent."
        ) from None


async def edit(request: Request, number: int) -> Request | None:
    """Let the user change a request in the editor; None when nothing was changed. Raises EditProblem.

    The terminal must be free. The file is private and is removed, with whatever the editor puts beside it.
    """
    words = command()
    folder: Path | None = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="hooktop-edit-"))
        file = paths.private_file(folder / f"capture-{number}.http")
        file.write_bytes(as_text(request, number))
        code = await _run([*words, str(file)])
        if code != 0:
            raise EditProblem(f"The editor {words[0]} ended with code {code}; nothing was sent.")
        with file.open("rb") as edited:
            data = edited.read(MAX_TEXT)
    except OSError as error:
        raise EditProblem(f"The file to be edited is out of reach ({error.strerror}); nothing was sent.") from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return from_text(data, request, number)


async def _run(words: Sequence[str]) -> int:
    """Run a command on the terminal to its end; gives its exit code. Raises EditProblem."""
    terminal = _terminal()
    group: dict[str, Any] = {} if terminal is None else {"process_group": 0}
    try:
        process = await asyncio.create_subprocess_exec(*words, **group)
    except OSError as error:
        raise EditProblem(
            f"The editor {words[0]} cannot be started ({error.strerror}); set EDITOR to one that can."
        ) from None
    with _lent(terminal, process.pid):
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        return await process.wait()
                if terminal is not None and _stopped(process.pid):
                    os.killpg(process.pid, signal.SIGCONT)
        finally:
            if process.returncode is None:
                await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    for ask in (process.terminate, process.kill):
        with contextlib.suppress(ProcessLookupError):
            ask()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await process.wait()
                return


def _terminal() -> int | None:
    """The terminal that can be lent: one that has us in its foreground."""
    if not hasattr(os, "waitid"):  # Windows, and macOS before Python 3.13: the editor stays in our group
        return None
    with contextlib.suppress(OSError, ValueError):
        terminal = sys.stdin.fileno()
        if os.tcgetpgrp(terminal) == os.getpgrp():
            return terminal
    return None


@contextlib.contextmanager
def _lent(terminal: int | None, group: int) -> Iterator[None]:
    """Make a process group the terminal's foreground; afterwards it is ours again, with its settings."""
    if terminal is None:
        yield
        return
    import termios

    settings = termios.tcgetattr(terminal)
    # We are in the background now, where whatever touches the terminal would stop us: the end of the screens, too.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(terminal, group)
        os.killpg(group, signal.SIGCONT)  # it may have touched the terminal before that was its own
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            os.tcsetpgrp(terminal, os.getpgrp())
            termios.tcsetattr(terminal, termios.TCSANOW, settings)
        signal.signal(signal.SIGTTOU, before)


def _stopped(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG) is not None
    return False
