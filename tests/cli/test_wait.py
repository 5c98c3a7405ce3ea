"""``hooktop wait``, as scripts use it: beside a running receiver, and with one of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from monitor.cli.app import run
from tests.cli.deliveries import Place, Process, Volt
from tests.cli.processes import WAIT_S, Listening, event, hooktop, signed
from tests.volt import CUSTOMER


def waiting(place: Place, *words: str) -> Process:
    """A ``wait`` that looks already."""
    process = Process("wait", *words, "--db", place.database, "-v")
    assert "Waiting" in process.told()
    return process


def test_a_message_that_became_delivered(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("old", "delivered"), volt.body("a", "sent"))
    with closing(waiting(place, 'status:delivered to:"+1 (555) 555-0123"', "--timeout", "30", "--json")) as process:
        place.post(volt.body("other", "delivered", to="+15555550199"), volt.body("b", "sent"))
        place.post(volt.body("b", "delivered"), forged=True)
        place.post(volt.body("a", "delivered"))
        code, out, err = process.end()
    assert (code, err) == (0, "")
    (record,) = map(json.loads, out.splitlines())
    assert (record["kind"], record["key"], record["status"]) == ("message", "volt:a", "delivered")
    assert [stage["status"] for stage in record["stages"]] == ["queued", "sent", "delivered"]
    assert record["to"] == CUSTOMER


@pytest.mark.slow
def test_a_message_of_which_nothing_more_is_heard(place: Place) -> None:
    place.post(place.volt.body("old", "sent"))
    with closing(waiting(place, "status:sent age>1s", "--timeout", "30", "--json")) as process:
        place.post(place.volt.body("b", "delivered"), place.volt.body("a", "sent"))
        code, out, err = process.end()
    assert (code, err) == (0, "")
    assert {json.loads(line)["key"] for line in out.splitlines()} <= {"volt:a", "volt:old"}  # either was silent first


def test_in_a_shell_script(place: Place, tmp_path: Path) -> None:
    script = """
        mkfifo ready
        hooktop() { "$PYTHON" -m monitor "$@"; }
        hooktop wait 'status:delivered to:"+1 (555) 555-0123"' --timeout 30 --json --db "$DB" -v 2> ready > out &
        read -r line < ready && echo "$line"
        wait $! && status=$(cat out) && echo "done: $status"
    """
    environ = {**os.environ, "PYTHON": sys.executable, "DB": place.database, "PYTHONPATH": os.getcwd()}
    shell = subprocess.Popen(
        ["sh", "-ec", script], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert shell.stdout is not None
    assert shell.stdout.readline().startswith(b"hooktop: Waiting for status:delivered")
    place.post(place.volt.body("a", "delivered"))
    out, err = shell.communicate(timeout=WAIT_S)
    assert (shell.returncode, err) == (0, b"")
    assert json.loads(out.decode().removeprefix("done: "))["key"] == "volt:a"


@pytest.mark.slow
def test_nothing_in_time_is_exit_code_3_one_sentence_and_no_output(place: Place) -> None:
    place.post(place.volt.body("a", "delivered"))
    done = hooktop("wait", "status:delivered", "--timeout", "200ms", "--db", place.database)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("hooktop: Nothing passed the filter within 0.2 s; ")
    with closing(waiting(place, "status:delivered", "--timeout", "2", "--count", "2", "--json")) as process:
        place.post(place.volt.body("b", "delivered"), place.volt.body("b", "delivered"))
        code, out, err = process.end()
    assert (code, out) == (3, "")
    assert "1 of 2" in err


@pytest.mark.slow
def test_what_is_there_already_counts_when_asked(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("b", "delivered"))
    assert [r["key"] for r in place.records("wait", "status:delivered", "--existing")] == ["volt:b"]
    both = place.records("wait", "status:delivered", "--existing", "--count", "2")
    assert [r["key"] for r in both] == ["volt:a", "volt:b"]
    sent = place.records("wait", "status:sent", "--existing")  # overtaken: the capture remains
    assert [(r["kind"], r["id"]) for r in sent] == [("capture", 1)]
    assert "“text of b”" in place.text("wait", "status:delivered", "--existing")


@pytest.mark.slow
def test_captures_are_tried_where_only_they_have_what_is_asked(place: Place) -> None:
    with closing(waiting(place, "provider:volt", "verdict:invalid", "--count", "2", "--json")) as process:
        body = place.volt.body("a", "sent")
        place.post(body, forged=True)
        place.post(body)
        place.post(body, forged=True)
        code, out, _ = process.end()
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, 3]
    with closing(waiting(place, "provider:generic", "--json")) as process:
        place.running.post("/generic", b"hello")
        code, out, _ = process.end()
    assert (code, json.loads(out)["request"]["body"]) == (0, "hello")


@pytest.mark.slow
def test_a_message_without_a_key_of_its_own_counts_once(place: Place) -> None:
    body = event("oneroute")
    headers = signed("oneroute", place.volt.keys["oneroute"], body, place.running.url + "/oneroute")
    with closing(waiting(place, "direction:in", "--count", "2", "--json", "--timeout", "20")) as process:
        assert place.running.post("/oneroute", body, headers) == 200
        place.post(place.volt.body("a", "webhook_delivered"))
        code, out, _ = process.end()
    assert code == 0
    assert [json.loads(line)["provider"] for line in out.splitlines()] == ["oneroute", "volt"]


def test_before_there_is_a_database(tmp_path: Path) -> None:
    database = tmp_path / "new" / "h.db"
    with closing(Process("wait", "provider:generic", "--json", "--db", str(database))) as process:
        assert "There is no database" in process.told()
        with closing(Listening("--db", str(database))) as running:
            running.post("/generic", b"first")
            code, out, err = process.end()
    assert (code, err) == (0, "")
    assert json.loads(out)["id"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be deleted there")
def test_a_database_that_is_begun_anew(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    words = ("wait", "provider:generic", "--count", "2", "--timeout", "30", "--json", "--db", str(database), "-v")
    with closing(Process(*words)) as process:
        assert "There is no database" in process.told()
        with closing(Listening("--db", str(database))) as before:
            assert "Waiting" in process.told()
            before.post("/generic", b"gone")
        for file in tmp_path.glob("h.db*"):
            file.unlink()
        with closing(Listening("--db", str(database))) as running:
            assert "There is another database" in process.told()
            running.post("/generic", b"first")
            running.post("/generic", b"second")
            code, out, _ = process.end()
    assert code == 0
    assert [json.loads(line)["request"]["body"] for line in out.splitlines()] == ["first", "second"]


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be replaced there")
def test_what_a_database_that_is_put_in_its_place_has_already_is_no_news(tmp_path: Path) -> None:
    database, copy = tmp_path / "h.db", tmp_path / "copy.db"
    with closing(Listening("--db", str(copy))) as running:
        running.post("/generic", b"before")
        running.end()
    shutil.copy(copy, database)
    words = ("wait", "provider:generic", "--timeout", "30", "--json", "--db", str(database), "-v")
    with closing(Process(*words)) as process:
        assert "Waiting" in process.told()
        copy.rename(database)
        assert "There is another database" in process.told()
        assert "Waiting" in process.told()
        with closing(Listening("--db", str(database))) as running:
            running.post("/generic", b"after")
            code, out, _ = process.end()
    assert code == 0
    assert json.loads(out)["request"]["body"] == "after"


def test_with_a_receiver_of_its_own(tmp_path: Path) -> None:
    volt = Volt(tmp_path)
    common = ("--listen", "--port", "0", "--config", str(volt.config), "--timeout", "30")
    words = ("wait", "status:failed error:702", *common, "--json", "--db", str(tmp_path / "h.db"))
    with closing(Process(*words)) as process:
        first = json.loads(process.line())
        assert (first["kind"], first["db"]) == ("listening", str(tmp_path / "h.db"))
        for body in (volt.body("a", "sent"), volt.body("a", "failed")):
            volt.post(first["url"], body)
        code, out, err = process.end()
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert (record["key"], record["error"]["carrier"]) == ("volt:a", "T-MOBILE USA, INC.")
    with closing(Process("wait", "mark:never", *common[:-1], "300ms", "--db", str(tmp_path / "h.db"))) as process:
        assert process.told().startswith("hooktop: Listening on http://127.0.0.1:")
        code, out, err = process.end()
    assert (code, out) == (3, "")
    assert err.startswith("hooktop: Nothing passed the filter within 0.3 s")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_no_match(tmp_path: Path, number: signal.Signals, code: int) -> None:
    words = ("wait", "provider:volt", "--listen", "--port", "0", "--db", str(tmp_path / "h.db"))
    with closing(Process(*words)) as process:
        assert "Listening on" in process.told()
        assert process.end(number) == (code, "", "hooktop: Interrupted.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Missing argument 'FILTER'"),
        (["statis:sent"], "did you mean status?"),
        (["provider:volt", "--port", "1"], "--port is for a receiver of its own; add --listen, or leave it out."),
        (["provider:volt", "--timeout", "soon"], "is no duration"),
    ],
)
def test_mistakes(words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wait", "--db", str(tmp_path / "h.db"), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence.lower() in err.lower()


def test_a_file_that_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all " * 400)
    assert run(["wait", "provider:volt", "--db", str(tmp_path / "x.db")]) == 2
    assert "database" in capsys.readouterr().err


def test_a_file_that_is_not_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.db").touch()
    assert run(["wait", "provider:volt", "--timeout", "100ms", "--db", str(tmp_path / "x.db")]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert "is not of this version; waiting" in first
    assert "Nothing passed the filter" in second
