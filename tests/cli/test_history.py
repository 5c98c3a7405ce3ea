"""``captures``, ``show``, ``verify``, ``reindex`` on a database that holds real deliveries."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.cli.filters import not_before
from monitor.cli.output import Paint, cut, json_line, table, width
from monitor.cli.whole import body_lines
from monitor.model.capture import Capture
from monitor.model.filter import parse
from monitor.model.record import capture_record
from monitor.store.store import Store
from tests.cli.processes import PROVIDERS, accounts, event, hooktop, listening, signed
from tests.factory import FULL_READING, make_capture


def test_since_counts_parts_of_a_second() -> None:
    now = datetime.now(UTC)
    wanted = not_before(parse(""), 0.5)
    came = [replace(make_capture(), received_at=now - timedelta(seconds=ago)) for ago in (0, 0.4, 0.6, 1.4)]
    assert [wanted.matches(capture, now) for capture in came] == [True, True, False, False]


@pytest.fixture
async def stored(tmp_path: Path) -> tuple[Path, list[Capture]]:
    """A database with five captures, and those."""
    now = datetime.now(UTC)
    made = [
        replace(
            make_capture(body=b'{"n": %d}' % n, reading=replace(FULL_READING, text=f"=text {n}", event=f"event.{n}")),
            received_at=now - timedelta(hours=5 - n),
        )
        for n in range(1, 5)
    ]
    made.append(replace(make_capture(body=b"\xff\x00\x1b]0;x\x07", reading=None), received_at=now, provider="generic"))
    path = tmp_path / "h.db"
    store = Store.open(path)
    store.start()
    kept = [await store.add(capture) for capture in made]
    await store.stop()
    return path, kept


def ids(text: str) -> list[int]:
    """The ids in JSON lines."""
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_newest_but_oldest_first(stored: tuple[Path, list[Capture]], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path, captures = stored
    for words, wanted in (
        ([], [1, 2, 3, 4, 5]),
        (["--limit", "2"], [4, 5]),
        (["status:failed", "--limit", "2"], [3, 4]),
        (["provider:generic", "or", "event:event.2"], [2, 5]),
        (["--since", "150m"], [3, 4, 5]),
        (["--since", "999999d"], [1, 2, 3, 4, 5]),
        (["--since", "150m", "provider:generic", "or", "event:event.1"], [5]),
        (["text:nothing"], []),
    ):
        assert run(["captures", "--json", "--db", str(path), *words]) == 0
        assert ids(capfdbinary.readouterr().out.decode()) == wanted
    assert run(["captures", "--json", "--db", str(path)]) == 0
    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert records == [json.loads(json.dumps(capture_record(capture))) for capture in captures]


def test_lines_for_people(stored: tuple[Path, list[Capture]], capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = stored
    assert run(["captures", "--db", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["cap_1", "cap_2", "cap_3", "cap_4", "cap_5"]
    assert "✔ verified" in lines[0]
    assert "FAILED 40002/702" in lines[0]
    assert not any("\x1b" in line for line in lines)


def test_csv_holds_no_formula(stored: tuple[Path, list[Capture]], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path, _ = stored
    assert run(["captures", "--csv", "--db", str(path)]) == 0
    text = capfdbinary.readouterr().out.decode()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head[0] == "id"
    assert len(rows) == 5
    assert all(len(row) == len(head) for row in rows)
    assert rows[0][head.index("text")] == "'=text 1"
    assert rows[0][head.index("from")] == "'+15555550145"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


@pytest.mark.parametrize("words", [["--json"], ["--csv"], []])
def test_no_database_yet(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["captures", "--db", str(tmp_path / "none.db"), *words]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hooktop: There is no database ")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all " * 400])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    for words in (["captures"], ["show", "1"], ["verify", "--all"]):
        assert run([*words, "--db", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert "database" in err
    assert path.read_bytes() == content


def test_a_database_of_another_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    content = path.read_bytes()
    for words in (
        ["captures"], ["messages"], ["conversations"], ["stats"], ["coverage"], ["show", "1"], ["verify", "--all"],
        ["export"], ["replay", "1", "--to", "3000"], ["diff", "1", "2"], ["wait", "x", "--timeout", "1"],
    ):  # fmt: skip
        assert run([*words, "--db", str(path)]) == 2
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"hooktop: {path} is a database of another program; name one of hooktop's.\n")
    assert run(["doctor", "--db", str(path)]) == 1
    assert "is a database of another program" in capsys.readouterr().out
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_a_folder_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["captures"], ["messages"], ["stats"], ["show", "1"]):
        assert run([*words, "--db", str(tmp_path)]) == 2
        assert capsys.readouterr().err == f"hooktop: The database {tmp_path} is a folder; name a file with --db.\n"


def test_no_database_is_begun_in_the_place_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    for folder in ("/", ".", "..", str(inside)):
        assert run(["listen", "--port", "0", "--for", "1", "--db", folder]) == 2
        assert capsys.readouterr().err == f"hooktop: The database {folder} is a folder; name a file with --db.\n"
        assert run(["doctor", "--db", folder]) == 1
        out, err = capsys.readouterr()
        assert f"{folder} is a folder: name a file with --db\n" in out
        assert "chmod" not in out
        assert "unexpected" not in err
    assert [path.name for path in tmp_path.rglob("*.lock")] == []


def test_show(stored: tuple[Path, list[Capture]], capsys: pytest.CaptureFixture[str]) -> None:
    path, captures = stored
    assert run(["show", "cap_1", "--db", str(path)]) == 0
    shown = capsys.readouterr().out
    for wanted in (
        "cap_1  volt  event.1",
        "POST /volt?a=1&b=%20",
        "✔ verified",
        "carrier code 702",
        '  "n": 1',
        "parts",
    ):
        assert wanted in shown
    assert run(["show", "5", "--db", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "\\xff␀␛]0;x␇" in shown
    assert "nothing could be read" in shown
    assert run(["show", "5", "--json", "--db", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        **json.loads(json.dumps(capture_record(captures[4]))),
        "attempts": [],
    }


def test_show_raw_gives_the_bytes(
    stored: tuple[Path, list[Capture]], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path, captures = stored
    assert run(["show", "5", "--raw", "--db", str(path)]) == 0
    assert capfdbinary.readouterr().out == captures[4].request.body


def test_show_hides_credentials(tmp_path: Path) -> None:
    with listening("--db", str(tmp_path / "h.db")) as running:
        running.post("/generic", b"{}", [("authorization", "Bearer canary-1"), ("x-api-key", "canary-2")])
        running.next()
        running.post("/oneroute", b'{"conversation":{"Channel":{"credentials":{"login":"canary-3"}}}}')
        running.next()
        shown = hooktop("show", "1", "--db", str(tmp_path / "h.db"))
        other = hooktop("show", "2", "--db", str(tmp_path / "h.db"))
    assert (shown.returncode, other.returncode) == (0, 0)
    assert "canary" not in shown.stdout + other.stdout
    assert "authorization: Bearer ••••" in shown.stdout
    assert '"credentials": "••••"' in other.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["captures", "volt", "mark:duplicate"],
        ["export", "volt", "mark:duplicate"],
        ["replay", "--filter", "volt mark:duplicate", "--to", "http://127.0.0.1:1"],
        ["listen", "--port", "0", "--filter", "volt mark:duplicate"],
        ["listen", "--port", "0", "--respond", "500", "--respond-for", "volt mark:duplicate"],
        ["coverage", "volt", "mark:duplicate"],
        ["stats", "volt", "mark:duplicate", "verdict:verified"],
        ["wait", "volt", "mark:duplicate", "verdict:verified", "--timeout", "1"],
    ],
    ids=lambda words: " ".join(words[:4]),
)
def test_a_mark_of_messages_is_not_asked_of_captures(
    stored: tuple[Path, list[Capture]], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--db", str(stored[0])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "at column 6: duplicate is noticed of messages, not of captures. 'hooktop messages mark:duplicate'" in err
    assert run(["captures", "mark:new_field:*", "--db", str(stored[0])]) == 0
    assert run(["captures", "mark:dup*", "--db", str(stored[0])]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["captures", "--follow", "volt", "app:500"],
        ["listen", "--port", "0", "--filter", "volt app:500"],
        ["listen", "--port", "0", "--respond", "500", "--respond-for", "volt app:500"],
        ["coverage", "volt", "app:500"],
        ["wait", "volt", "app:500", "--timeout", "1"],
    ],
    ids=lambda words: " ".join(words[:4]),
)
def test_what_the_app_answered_is_not_asked_of_what_arrives(
    stored: tuple[Path, list[Capture]], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--db", str(stored[0])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "at column 6: What your app answered is known of stored captures only. View 1, captures" in err
    assert run(["captures", "app>=400", "--db", str(stored[0])]) == 0
    assert run(["stats", "app>=400", "--db", str(stored[0])]) == 0


def test_a_capture_that_is_not_there(stored: tuple[Path, list[Capture]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "99", "--db", str(stored[0])]) == 1
    assert "There is no capture cap_99 in" in capsys.readouterr().err
    assert run(["show", "1", "--db", str(stored[0].parent / "none.db")]) == 1


def test_reading_and_following_beside_a_running_monitor(tmp_path: Path) -> None:
    database = str(tmp_path / "h.db")
    with listening("--db", database) as running:
        running.post("/generic", b"one")
        running.next()
        assert ids(hooktop("captures", "--json", "--db", database).stdout) == [1]
        command = [sys.executable, "-m", "monitor", "captures", "--follow", "--json", "--db", database, "size>1"]
        follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["id"] == 1
        running.post("/generic", b"")
        running.post("/generic", b"three")
        assert json.loads(follower.stdout.readline())["id"] == 3
        follower.send_signal(signal.SIGINT)
        out, err = follower.communicate(timeout=30)
        assert (out, err, follower.returncode) == (b"", b"hooktop: Interrupted.\n", 130)


@pytest.mark.slow
def test_keys_that_came_later(tmp_path: Path) -> None:
    """Captures without a key are verified again, and reindexed, once there is one."""
    config, keys = accounts(tmp_path)
    database = str(tmp_path / "h.db")
    public = "https://hooks.example.com"
    with listening("--db", database, "--public-url", public) as running:
        for name in PROVIDERS:
            body = event(name)
            running.post(f"/{name}", body, signed(name, keys[name], body, f"{public}/{name}"))
        captures = [running.next() for _ in PROVIDERS]
        assert {c["verdict"]["status"] for c in captures if c} == {"no_key"}
        refused = hooktop("reindex", "--db", database)
        assert refused.returncode == 2
        assert "Another hooktop" in refused.stderr
        running.end()
    before = hooktop("verify", "--all", "--db", database)
    assert before.returncode == 4
    assert "0 of 4 verified." in before.stderr
    common = ("--db", database, "--config", str(config))
    config.write_text(f'[receiver]\npublic_url = "{public}"\n{config.read_text()}')
    after = hooktop("verify", "--all", *common)
    assert (after.returncode, after.stderr) == (0, "hooktop: 4 of 4 verified.\n")
    one = hooktop("verify", "cap_1", *common)
    assert one.returncode == 0
    assert "✔ passed  compare" in one.stdout
    assert '"status": "no_key"' in hooktop("captures", "--json", *common).stdout  # verify stores nothing
    shown = hooktop("show", "1", *common).stdout
    assert "with the keys of today:" in shown
    done = hooktop("reindex", *common)
    assert (done.returncode, done.stderr) == (
        0,
        f"hooktop: Worked out 4 captures anew in {database}; 4 of them changed.\n",
    )
    assert ids(hooktop("captures", "verdict:verified", "--json", *common).stdout) == [1, 2, 3, 4]


def test_bodies_are_laid_out_from_their_own_tokens() -> None:
    body = b'{"a": 1.0, "a": 1e3, "b":[], "c": [1,\n 2], "d": {"e": "x, {y}\\n"}}'
    assert "\n".join(body_lines(body)) == (
        '{\n  "a": 1.0,\n  "a": 1e3,\n  "b": [],\n  "c": [\n    1,\n    2\n  ],\n  "d": {\n    "e": "x, {y}\\n"\n  }\n}'
    )
    assert body_lines(b"") == ["(empty)"]
    assert body_lines(b"a\nb\x1b") == ["a", "b␛"]
    assert len("".join(body_lines(b"x" * 200_000))) < 70_000


def test_widths_and_tables() -> None:
    plain = Paint(no_color=True)
    assert width("李明e\u0301") == 5
    assert cut("李明李明", 5) == "李明…"
    assert cut("short", 5) == "short"
    assert table(("A", "B"), [("李", "x"), ("yyy", "\x1b")], paint=plain) == ["A    B", "李   x", "yyy  ␛"]
    assert table(("A", "B"), [], paint=plain) == ["A  B"]
    endless = table(("A", "B"), [("x" * 1_000_000, ""), ("y", "")], paint=plain)
    assert [len(line) for line in endless] == [404, 401, 1]  # and no more: each cell is as wide as its column


def test_json_for_a_terminal_is_ascii_and_surrogates_are_escapes() -> None:
    value = {"text": "\u202e\x9b \x7f \ud800 ü"}
    for terminal in (True, False):
        data = json_line(value, terminal=terminal)
        assert json.loads(data) == value
        assert data.isascii() is terminal
        assert b"\x7f" not in data
