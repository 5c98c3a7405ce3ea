"""``hooktop export``, ``import`` and ``open``, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.programs import environment, listening, run
from tests.e2e.terminal import Terminal
from tests.services.sample import captures, store

COUNT = 40


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with simulated traffic."""
    path = tmp_path_factory.mktemp("export") / "a.db"
    asyncio.run(store(path, captures(COUNT)))
    return path


def hooktop(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return run([str(argument) for argument in arguments], environment(home))


def limited(home: Path, most: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that may write so many bytes into a file, as where the disk is full."""
    script = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
        "from monitor.cli import main; raise SystemExit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_to_stdout_and_to_a_file(database: Path, tmp_path: Path) -> None:
    done = hooktop(tmp_path, "export", "--db", database, "provider:volt")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert records
    assert {record["provider"] for record in records} == {"volt"}
    shown = hooktop(tmp_path, "captures", "--json", "--limit", "1000", "--db", database, "provider:volt")
    assert shown.stdout == done.stdout

    old = os.umask(0)
    try:
        target = tmp_path / "out.har"
        done = hooktop(tmp_path, "export", "--db", database, "--format", "har", "-o", target)
    finally:
        os.umask(old)
    assert done.returncode == 0
    assert done.stdout == ""
    assert f"Wrote {COUNT} captures to {target}, as they came; --mask" in done.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(target.read_text("utf-8"))["log"]["entries"]) == COUNT


def test_limit_since_and_a_wrong_filter(database: Path, tmp_path: Path) -> None:
    done = hooktop(tmp_path, "export", "--db", database, "--limit", "3")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [COUNT - 2, COUNT - 1, COUNT]
    done = hooktop(tmp_path, "export", "--db", database, "--since", "1m")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "hooktop: No capture passes the filter.\n"
    done = hooktop(tmp_path, "export", "--db", database, "statsu:failed")
    assert done.returncode == 2
    assert "column 1" in done.stderr


@pytest.mark.slow
def test_a_file_is_replaced_only_when_told(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (target, tmp_path / "link"):
        done = hooktop(tmp_path, "export", "--db", database, "-o", taken)
        assert done.returncode == 2
        assert "--force" in done.stderr
    assert target.read_text() == "mine"
    assert hooktop(tmp_path, "export", "--db", database, "-o", target, "--force").returncode == 0
    assert len(target.read_text("utf-8").splitlines()) == COUNT
    assert target.stat().st_mode & 0o777 == 0o600
    for wrong, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "x", "No such file")):
        done = hooktop(tmp_path, "export", "--db", database, "-o", wrong)
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert hooktop(tmp_path, "export", "--db", tmp_path / "none.db", "-o", tmp_path / "x").returncode == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("form", ["jsonl", "har", "curl", "csv", "bundle"])
def test_no_room_is_one_sentence(database: Path, tmp_path: Path, form: str) -> None:
    call = [sys.executable, "-m", "monitor", "export", "--db", str(database), "--format", form]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            call, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(tmp_path), check=False
        )
    assert done.returncode == 1
    assert done.stderr == "hooktop: The system refused: No space left on device; mend that and run hooktop again.\n"


def test_neither_the_database_nor_a_device_is_replaced(database: Path, tmp_path: Path) -> None:
    before, pipe = database.read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(database)
    for taken, said in ((database, "the database itself"), (tmp_path / "link", "itself"), (pipe, "is no file")):
        done = hooktop(tmp_path, "export", "--db", database, "-o", taken, "--force")
        assert done.returncode == 2
        assert said in done.stderr
    assert database.read_bytes() == before
    assert pipe.is_fifo()


def test_a_reader_that_has_enough_ends_it_quietly(database: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m monitor export --db {database} --format csv | head -n 2"
    done = subprocess.run(
        ["sh", "-c", command], env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_a_masked_bundle_from_one_database_into_another(database: Path, tmp_path: Path) -> None:
    target, other = tmp_path / "masked.hooktop", tmp_path / "other.db"
    done = hooktop(tmp_path, "export", "--db", database, "--format", "bundle", "--mask", "-o", target)
    assert "masked." in done.stderr
    assert zipfile.ZipFile(target).testzip() is None
    done = hooktop(tmp_path, "import", "--db", other, target)
    assert done.returncode == 0
    assert done.stdout == ""
    assert f"Imported {COUNT} captures from {target} into {other}; their signatures are not checked." in done.stderr
    lines = hooktop(tmp_path, "captures", "--json", "--limit", "1000", "--db", other).stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) == COUNT
    assert {record["source"] for record in records} == {"imported"}
    assert {record["verdict"]["status"] for record in records} == {"unchecked"}
    assert {record["verdict"]["reason"].partition(": ")[0] for record in records} >= {
        "not checked here; the imported file says verified"
    }
    messages = hooktop(tmp_path, "messages", "--json", "--db", other).stdout
    assert messages.count('"kind": "message"') > 5


@pytest.mark.slow
def test_what_cannot_be_imported_is_one_sentence(database: Path, tmp_path: Path) -> None:
    good = hooktop(tmp_path, "export", "--db", database).stdout
    (tmp_path / "half").write_text(good + good[:300], "utf-8")
    (tmp_path / "text").write_text("hello")
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as db:
        db.execute("CREATE TABLE captures (id)")
    other = tmp_path / "other.db"
    for name, said in (
        ("half", f"wrong in line {COUNT + 1}"), ("text", "neither JSON lines"), ("none", "cannot be read"),
        (".", "is not a file"), ("theirs.db", "without captures of hooktop"),
    ):  # fmt: skip
        done = hooktop(tmp_path, "import", "--db", other, tmp_path / name)
        assert done.returncode == 1, name
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert hooktop(tmp_path, "captures", "--db", other, "--json").stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
def test_no_room_for_an_export_names_the_file_and_leaves_nothing(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.har"
    target.parent.mkdir()
    done = limited(tmp_path, 40_000, "export", "--db", database, "--format", "har", "-o", target)
    assert done.returncode == 1
    assert f"The file {target} cannot be written (File too large); mend that, or name another" in done.stderr
    assert list(target.parent.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
def test_no_room_for_an_import_is_one_sentence_that_says_what_became_of_it(database: Path, tmp_path: Path) -> None:
    hooktop(tmp_path, "export", "--db", database, "-o", tmp_path / "a.jsonl")
    hooktop(tmp_path, "import", "--db", tmp_path / "new.db", tmp_path / "a.jsonl")
    most = (tmp_path / "new.db").stat().st_size
    (tmp_path / "twenty.jsonl").write_bytes((tmp_path / "a.jsonl").read_bytes() * 20)
    done = limited(tmp_path, most, "import", "--db", tmp_path / "new.db", tmp_path / "twenty.jsonl")
    assert done.returncode == 2
    assert done.stderr == (
        f"hooktop: The database {tmp_path / 'new.db'} cannot take the captures: the disk gave an error; "
        "mend that and try again. Nothing was imported.\n"
    )


@pytest.mark.slow
def test_a_database_in_use_is_left_alone(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(hooktop(tmp_path, "export", "--db", database, "--limit", "2").stdout, "utf-8")
    with listening(tmp_path / "used.db", environment(tmp_path)) as running:
        done = hooktop(tmp_path, "import", "--db", tmp_path / "used.db", file)
        assert done.returncode == 2
        assert f"Another hooktop (pid {running.process.pid}) is writing" in done.stderr
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(20)
    assert hooktop(tmp_path, "import", "--db", tmp_path / "used.db", file).returncode == 0


def test_what_listen_prints_can_be_imported(tmp_path: Path) -> None:
    import httpx

    with listening(tmp_path / "a.db", environment(tmp_path), "--count", "2") as running:
        with httpx.Client(trust_env=False) as client:
            for number in range(2):
                client.post(f"{running.url}/generic", content=b'{"type": "x%d"}' % number)
        lines = [json.dumps(running.ready), *map(json.dumps, running.records())]
    (tmp_path / "lines").write_text("\n".join(lines), "utf-8")
    assert "Imported 2 captures" in hooktop(tmp_path, "import", "--db", tmp_path / "b.db", tmp_path / "lines").stderr


@pytest.mark.slow
def test_open_shows_a_bundle_and_changes_nothing(database: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "from a \x1b[31mcolleague.hooktop"
    hooktop(tmp_path, "export", "--db", database, "--format", "bundle", "-o", bundle)
    before = bundle.read_bytes()
    environ = environment(tmp_path, TMPDIR=str(tmp_path))
    with Terminal(["open", str(bundle)], environ) as terminal:
        shown = terminal.wait("READ-ONLY")
        assert "colleague.hooktop" in shown
        assert "RECEIVER DOWN" not in shown
        assert f"{COUNT} captures" in shown
        assert "unchecked" in shown
        assert "http://127.0.0.1" not in shown
        terminal.press("2")
        terminal.wait("delivered")
        terminal.press("3")
        terminal.wait("Conversations")
        terminal.press("s")  # sending is off
        terminal.press("4")
        terminal.wait("no webhooks to see: nothing is received")
        terminal.press("!")
        terminal.wait("no alerts to see: nothing is received")
        assert len(list(tmp_path.glob("hooktop-open-*"))) == 1
        assert b"\x1b[31mcolleague" not in terminal.output
        terminal.press("\x11")
        assert terminal.end() == 0
        assert terminal.restored()
    assert bundle.read_bytes() == before
    assert not list(tmp_path.glob("hooktop-open-*"))
    assert not (tmp_path / "data" / "hooktop" / "hooktop.db").exists()


def test_open_listens_nowhere(database: Path, tmp_path: Path) -> None:
    with Terminal(["open", str(database)], environment(tmp_path)) as terminal:
        shown = terminal.wait("READ-ONLY")
        assert "verified" in shown  # a database of ours is believed; it was not handed over as a file of captures
        sockets = {
            os.readlink(link).removeprefix("socket:[").removesuffix("]")
            for link in Path(f"/proc/{terminal.process.pid}/fd").iterdir()
            if os.readlink(link).startswith("socket:")
        }
        listens = [
            line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()
        ]
        assert not [parts for parts in listens if parts[3] == "0A" and parts[9] in sockets]
        terminal.press("\x11")
        assert terminal.end() == 0


def test_open_leaves_no_copy_where_it_is_ended_before_the_screens(database: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    with Terminal(["open", str(database)], environment(tmp_path, TMPDIR=str(copies))) as terminal:
        until = time.monotonic() + 20
        while not list(copies.glob("*/opened.db")):
            assert time.monotonic() < until, terminal.text()
            time.sleep(0.002)
        assert terminal.end(signal.SIGTERM) == 143
    assert not list(copies.iterdir())


def test_open_tells_what_it_cannot_show(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with Terminal(["open", str(tmp_path / "text")], environment(tmp_path, TMPDIR=str(tmp_path))) as terminal:
        terminal.wait("neither JSON lines")
        assert terminal.end() == 1
    done = hooktop(tmp_path, "open", tmp_path / "text")
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert not list(tmp_path.glob("hooktop-open-*"))
