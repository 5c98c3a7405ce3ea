"""A file into the store, a copy of it, and old captures out of it, on a real terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.programs import environment, run
from tests.e2e.terminal import Terminal


def file_of(folder: Path, number: int) -> Path:
    """A file with so many captures, all the same."""
    record = {
        "kind": "capture", "received_at": "2020-01-31T12:00:00Z", "provider": "generic", "response": {"status": 200},
        "request": {"method": "POST", "path": "/generic", "query": "", "headers": [], "body": "from a file",
                    "body_encoding": "utf-8"},
    }  # fmt: skip
    file = folder / "some.jsonl"
    file.write_text((json.dumps(record) + "\n") * number)
    return file


@pytest.mark.slow
def test_import_backup_prune_quit(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    file, copy = file_of(tmp_path, 3), tmp_path / "copy.db"
    with Terminal(["--port", "0"], environ, size=(80, 24)) as terminal:
        terminal.wait("Waiting for the first webhook")
        terminal.press("I")
        terminal.wait("labelled imported")
        terminal.press(f"{file}\r")
        terminal.wait(r"3 captures +2020-01-31")
        terminal.press("\r")
        terminal.wait("Imported 3 captures")
        terminal.press("B")
        terminal.wait("share it with care")
        terminal.press("\x15")  # ctrl+u: without the name that is proposed
        terminal.wait("File +required")
        terminal.press(f"{copy}\r")
        terminal.wait("Copied the database")
        terminal.press("P")
        terminal.wait("3 captures of 3 go for good")
        terminal.press("\r")
        terminal.wait("D deletes them")
        terminal.press("D")
        terminal.wait("Deleted 3 captures")
        terminal.wait("0 captures")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
    assert run(["captures", "--json"], environ).stdout == ""
    assert len(run(["captures", "--json", "--db", str(copy)], environ).stdout.splitlines()) == 3


@pytest.mark.slow
def test_what_stays_of_an_import_that_the_end_broke_off_is_said(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    file = file_of(tmp_path, 20_000)
    with Terminal(["--port", "0"], environ, size=(80, 24)) as terminal:
        terminal.wait("Waiting for the first webhook")
        terminal.press("I")
        terminal.wait("labelled imported")
        terminal.press(f"{file}\r")
        terminal.wait(r"20,000 captures +2020-01-31")
        terminal.press("\r")
        terminal.wait("IMPORTING [1-9]")
        terminal.press("\x11")  # ctrl+q
        said = terminal.wait(r"ended early: [\d,]+ of its 20,000 captures stay")
        assert terminal.end() == 0
    stay = int(said.partition("ended early: ")[2].partition(" ")[0].replace(",", ""))
    assert 0 < stay < 20_000
    assert len(run(["captures", "--json", "--limit", "20000"], environ).stdout.splitlines()) == stay
