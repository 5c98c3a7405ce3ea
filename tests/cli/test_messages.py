"""``hooktop messages``: what became of messages, beside a receiver that real webhooks come to."""

from __future__ import annotations

import csv
import io
import json
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.cli.message_lines import span
from tests.cli.deliveries import Place, Process
from tests.cli.processes import hooktop
from tests.volt import CUSTOMER


@pytest.mark.slow
def test_one_object_for_each_message_whatever_told_of_it(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("a", "delivered"))
    place.post(volt.body("b", "sent"), volt.body("b", "failed"))
    place.post(volt.body("c", "webhook_delivered"))
    place.post(volt.body("d", "sent"))
    place.post(volt.body("d", "delivered"), forged=True)
    found = {record["key"]: record for record in place.records("messages")}
    assert list(found) == ["volt:a", "volt:b", "volt:c", "volt:d"]
    assert {record["kind"] for record in found.values()} == {"message"}
    a, b, c, d = found.values()
    assert (a["status"], a["final"], a["to"], a["captures"], a["capture_count"]) == (
        "delivered", True, CUSTOMER, [1, 2], 3,
    )  # fmt: skip
    assert [(s["status"], s["capture"]) for s in a["stages"]] == [("queued", 1), ("sent", 1), ("delivered", 2)]
    assert a["latency"]["total_s"] == pytest.approx(1.4)
    assert (b["status"], b["error"]["code"], b["error"]["carrier_code"]) == ("failed", "40002", "702")
    assert b["stages"][-1]["error"] == b["error"]
    assert (c["direction"], c["from"], c["status"]) == ("inbound", CUSTOMER, "received")
    assert (d["status"], d["final"], d["unproven"]) == ("sent", False, [8])
    assert a["duplicates"] == 1


@pytest.mark.slow
def test_filters_limits_and_sorts(place: Place) -> None:
    volt = place.volt
    for name, status in (("a", "delivered"), ("b", "failed"), ("c", "sent"), ("d", "failed")):
        place.post(volt.body(name, status))
    place.post(volt.body("e", "sent", ago=7200, valid_until="2026-01-01T00:00:00+00:00"))

    def keys(*words: str) -> list[str]:
        return [record["key"].removeprefix("volt:") for record in place.records("messages", *words)]

    assert keys() == ["a", "b", "c", "d", "e"]
    assert keys("--limit", "2") == ["d", "e"]
    assert keys("-status:failed", "--limit", "2") == ["c", "e"]
    assert keys("-(status:failed or status:sent)", "provider:volt") == keys("not status:failed -status:sent")
    assert keys("status:failed") == ["b", "d"]
    assert keys('to:"+1 (555) 555-0123"', "status:delivered") == ["a"]
    assert keys("--sort", "failed", "--limit", "1") == ["d"]
    assert set(keys("--sort", "slowest")) == {"a", "b", "d"}
    assert keys("--sort", "stuck") == ["e"]
    assert keys("--since", "1h", "status:sent") == ["c", "e"]
    (stuck,) = place.records("messages", "--sort", "stuck")
    assert "stuck" in stuck["marks"]
    assert stuck["stuck_s"] > 7000


def test_lines_for_people(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"), volt.body("a", "delivered"), volt.body("b", "failed", text="\x1b[2J\u202ehi"))
    place.post(volt.body("c", "sent", ago=7200, valid_until="2026-01-01T00:00:00+00:00"))
    one, two, three = place.text("messages").splitlines()
    assert "volt" in one
    assert f"→ {CUSTOMER}" in one
    assert "queued +0.3s sent +1.1s delivered" in one
    assert "“text of a”" in one
    assert "FAILED 40002/702" in two
    assert "␛[2J\\u202ehi" in two
    assert "STUCK 2h0" in three


def test_csv_holds_no_formula(place: Place) -> None:
    place.post(place.volt.body("a", "failed", text="=1+1"))
    head, row = csv.reader(io.StringIO(place.text("messages", "--csv"), newline=""))
    cells = dict(zip(head, row, strict=True))
    assert (cells["key"], cells["text"], cells["to"]) == ("volt:a", "'=1+1", f"'{CUSTOMER}")
    assert (cells["error_code"], cells["carrier_code"], cells["final"]) == ("40002", "702", "true")


def test_following_prints_a_message_again_when_it_changes(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"))
    words = ("messages", "--follow", "--json", "--db", place.database, "provider:volt -to:+15555550199")
    with closing(Process(*words)) as follower:
        assert json.loads(follower.line())["status"] == "sent"
        place.post(volt.body("z", "sent", to="+15555550199"))
        place.post(volt.body("a", "delivered"))
        again = json.loads(follower.line())
        assert (again["key"], again["status"]) == ("volt:a", "delivered")
        place.post(volt.body("b", "failed"))
        assert json.loads(follower.line())["error"]["code"] == "40002"
        assert follower.end(signal.SIGINT) == (130, "", "hooktop: Interrupted.\n")


@pytest.mark.parametrize("command", ["messages", "conversations"])
def test_what_only_captures_have_is_an_error_that_points_at_it(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--db", str(tmp_path / "h.db"), "provider:volt verdict:invalid"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    sentence, shown, caret = err.splitlines()
    assert "column 15: verdict can be asked of captures only" in sentence
    assert caret.index("^") == shown.index("verdict")


@pytest.mark.parametrize("command", ["messages", "conversations"])
def test_no_database_and_none_of_ours(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--db", str(tmp_path / "none.db")]) == 0
    assert "There is no database" in capsys.readouterr().err
    empty = tmp_path / "empty.db"
    empty.touch()
    assert run([command, "--db", str(empty)]) == 2
    assert "of another version of hooktop" in capsys.readouterr().err
    assert run([command, "--db", str(empty), "--json", "--csv"]) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be moved there")
@pytest.mark.parametrize("command", ["captures", "messages", "conversations"])
def test_following_ends_when_the_database_is_not_there_any_more(place: Place, command: str) -> None:
    place.post(place.volt.body("a", "sent"))
    with closing(Process(command, "--follow", "--db", place.database)) as follower:
        assert follower.line()
        Path(place.database).rename(Path(place.database).with_name("elsewhere.db"))
        code, out, err = follower.end()
    assert (code, out) == (1, "")
    assert err == (
        f"hooktop: The database {place.database} was moved or deleted; run this again for the one that is there then.\n"
    )


def test_a_reader_that_leaves_ends_it_quietly(place: Place) -> None:
    place.post(*(place.volt.body(str(n), "sent") for n in range(5)))
    with closing(Process("messages", "--follow", "--db", place.database)) as follower:
        assert follower.line()
        assert follower.process.stdout is not None
        follower.process.stdout.close()
        for _ in range(20):
            place.post(place.volt.body("1", "delivered"))
            if follower.process.poll() is not None:
                break
        assert follower.process.wait(30) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.04, "40ms"), (0.3, "0.3s"), (59.94, "59.9s"), (59.96, "1m00s"), (252, "4m12s"), (11100, "3h05m"),
     (187200, "2d04h")],
)  # fmt: skip
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_help_names_the_sorts() -> None:
    shown = hooktop("messages", "--help").stdout
    assert "[newest|slowest|stuck|failed]" in shown
