"""``hooktop prune`` and ``hooktop backup``, as processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.store import Store
from tests.e2e.programs import environment, listening, run
from tests.store.test_retention import played


async def filled(path: Path) -> None:
    now = datetime.now(UTC)
    captures = played(60)
    store = Store.open(path)
    store.start()
    for n, capture in enumerate(captures):
        days = 10 if n < 40 else 0
        await store.add(replace(capture, reading=None, received_at=now - timedelta(days=days, seconds=60 - n)))
    await store.caught_up()
    await store.stop()


@pytest.mark.slow
async def test_prune_deletes_what_is_old(tmp_path: Path) -> None:
    path, environ = tmp_path / "h.db", environment(tmp_path)
    await filled(path)
    asked = run(["prune", "--db", str(path), "--older-than", "7d"], environ)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "--yes" in asked.stderr
    done = run(["prune", "--db", str(path), "--older-than", "7d", "--yes"], environ)
    assert done.returncode == 0, done.stderr
    assert "Deleted 40 captures; 20 captures are left" in done.stderr
    assert len(run(["captures", "--db", str(path), "--json"], environ).stdout.splitlines()) == 20
    done = run(["prune", "--db", str(path), "--keep", "5", "--yes"], environ)
    assert "Deleted 15 captures; 5 captures are left" in done.stderr
    done = run(["prune", "--db", str(path), "--keep", "5", "--yes"], environ)
    assert "all of the 5 captures stay" in done.stderr
    assert run(["prune", "--db", str(path)], environ).returncode == 2
    assert run(["prune", "--db", str(path), "--keep", "0", "--yes"], environ).returncode == 0
    assert run(["captures", "--db", str(path), "--json"], environ).stdout == ""


async def test_prune_tells_of_a_database_that_was_damaged(tmp_path: Path) -> None:
    path, environ = tmp_path / "h.db", environment(tmp_path)
    Store.open(path)._lease.give_up()
    path.write_bytes(b"this is no database at all" * 100)
    done = run(["prune", "--db", str(path), "--keep", "5", "--yes"], environ)
    assert done.returncode == 0
    assert "The database was damaged and is kept as h.db.damaged-" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["prune", "--keep=5", "--yes"],
            "cannot all be deleted: the disk gave an error; mend that and prune again.",
        ),
        (["reindex"], "cannot all be worked out anew: the disk gave an error; mend that and reindex again."),
    ],
)
async def test_no_room_is_one_sentence_that_says_what_to_do(tmp_path: Path, command: list[str], said: str) -> None:
    path = tmp_path / "h.db"
    await filled(path)
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960))\n"
        "from monitor.cli import main; raise SystemExit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "--db", path],
        env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"hooktop: The captures in {path} {said}"


async def test_backup_while_it_is_written(tmp_path: Path) -> None:
    path, copy, environ = tmp_path / "h.db", tmp_path / "copy.db", environment(tmp_path)
    await filled(path)
    os.umask(0o022)
    with listening(path, environ):
        done = run(["backup", str(copy), "--db", str(path)], environ)
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert len(run(["captures", "--db", str(copy), "--json", "--limit", "100"], environ).stdout.splitlines()) == 60
    again = run(["backup", str(copy), "--db", str(path)], environ)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert run(["backup", str(copy), "--db", str(path), "--force"], environ).returncode == 0
    own = run(["backup", str(path), "--db", str(path), "--force"], environ)
    assert own.returncode == 2
    assert sorted(file.name for file in tmp_path.glob("copy.db*")) == ["copy.db"]
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "nowhere")
    for taken, said in ((pipe, "is no file"), (link, "--force")):
        done = run(["backup", str(taken), "--db", str(path), *(["--force"] if taken == pipe else [])], environ)
        assert done.returncode == 2
        assert said in done.stderr
    assert pipe.is_fifo()


@pytest.mark.slow
async def test_a_running_monitor_keeps_to_its_bounds(tmp_path: Path) -> None:
    path, environ = tmp_path / "h.db", environment(tmp_path)
    await filled(path)
    config = tmp_path / "config.toml"
    config.write_text('[store]\nkeep = "7d"\n', "utf-8")
    config.chmod(0o600)
    with listening(path, environ, "--config", str(config), "--for", "3s") as running:
        summary = list(running.records())[-1]
    assert summary["kind"] == "summary"
    assert len(run(["captures", "--db", str(path), "--json", "--limit", "100"], environ).stdout.splitlines()) == 20
