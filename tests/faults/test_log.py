"""Faults of the log beside the database: kept by another program (F26)."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.programs import environment, listening, run
from tests.e2e.terminal import Terminal

# Reads, and leaves its transaction open until its input ends.
HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM captures").fetchone()
print("holding", flush=True)
sys.stdin.read()
"""
# Looks at the log each second in place of every 20.
OFTEN = ("-c", "import sys; from monitor.services import retention; retention.ROOM_EVERY_S = 1; "
         "from monitor.cli.app import run; sys.exit(run(sys.argv[1:]))")  # fmt: skip
LIMIT = 64 * 1024 * 1024
KEPT = "a program that reads the database keeps it from being written back"


@contextlib.contextmanager
def held(db: Path) -> Iterator[None]:
    """Another program has a transaction open that only reads."""
    command = [sys.executable, "-c", HOLDER, str(db)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"holding\n"
        try:
            yield
        finally:
            program.communicate(timeout=10)


def grown(url: str, log: Path) -> None:
    """Post until the log is past its limit; all of it is taken."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        while log.stat().st_size <= LIMIT:
            assert http.post(f"{url}/generic", content=b"x" * 900_000).status_code == 200


@pytest.mark.slow
def test_f26_a_log_that_another_program_keeps_is_told_and_goes_with_it(tmp_path: Path) -> None:
    db, environ = tmp_path / "h.db", environment(tmp_path)
    log = tmp_path / "h.db-wal"
    command = [sys.executable, *OFTEN, "run", "--port", "0", "--db", str(db)]
    with Terminal([], environ, command=command) as terminal:
        found = re.search(r"http://127\.0\.0\.1:\d+", terminal.wait(r"http://127\.0\.0\.1:\d+"))
        assert found is not None
        assert httpx.post(f"{found[0]}/generic", content=b"first", trust_env=False).status_code == 200
        with held(db):
            grown(found[0], log)
            terminal.wait(r"LOG \d\d\.\d MB HELD BY A READER")
            doctor = run(["doctor", "--db", str(db)], environ)
            assert re.search(r"✖ mend  database log .*h\.db-wal has \d\d MiB and is not written back", doctor.stdout)
            assert httpx.get(f"{found[0]}/healthz", trust_env=False).status_code == 200
        terminal.wait_gone("HELD BY A READER")
        assert log.stat().st_size <= LIMIT
        terminal.press("qq")
        assert terminal.end() == 0
    assert "database log" not in run(["doctor", "--db", str(db)], environ).stdout


@pytest.mark.slow
def test_f26_without_screens_it_is_told_once_on_stderr(tmp_path: Path) -> None:
    db, said = tmp_path / "h.db", tmp_path / "said"
    script = ["sh", "-c", f'exec "$@" 2>{said}', "sh"]
    with listening(db, environment(tmp_path), before=script, python=OFTEN) as program:
        assert httpx.post(f"{program.url}/generic", content=b"first", trust_env=False).status_code == 200
        with held(db):
            grown(program.url, tmp_path / "h.db-wal")
            end = time.monotonic() + 30
            while KEPT not in said.read_text("utf-8"):
                assert time.monotonic() < end
                time.sleep(0.2)
            time.sleep(3)  # some looks more
    assert said.read_text("utf-8").count(KEPT) == 1
