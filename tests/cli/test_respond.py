"""``--respond`` and its options, as processes that real requests come to."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.cli.processes import hooktop, listening


def test_it_is_answered_so_and_said_at_start_and_end(tmp_path: Path) -> None:
    options = ("--respond", "503", "--respond-for", "provider:volt", "--respond-times", "2", "--respond-until", "5m")
    with listening("--db", str(tmp_path / "h.db"), *options) as running:
        assert [running.post(path) for path in ("/volt", "/bird", "/volt", "/volt")] == [503, 200, 503, 200]
        running.end()
        *captures, summary = running.rest()
        errors = running.errors().splitlines()
    assert [capture["response"]["status"] for capture in captures] == [503, 200, 503, 200]
    assert summary["stored"] == 4
    assert errors == [
        "hooktop: Answering 503 to the next 2 of captures that pass provider:volt for 5 min; each is stored first all "
        "the same.",
        "hooktop: RESPOND 503 has ended, it has answered as often as it was to: 2 answered.",
    ]


@pytest.mark.slow
def test_a_reset_and_a_delay_end_with_the_receiver(tmp_path: Path) -> None:
    with listening("--db", str(tmp_path / "h.db"), "--respond", "reset", "--respond-delay", "50ms") as running:
        with pytest.raises(httpx.TransportError):
            running.post("/volt")
        running.end()
        capture, _ = running.rest()
        assert capture["response"] == {"status": 0}
        assert "RESPOND reset after 0.05 s has ended, hooktop ends: 1 answered." in running.errors()
    shown = hooktop("show", "1", "--db", str(tmp_path / "h.db")).stdout
    assert "answer    reset" in shown
    assert hooktop("captures", "answer:0", "--db", str(tmp_path / "h.db")).stdout.count("\n") == 1
    with listening("--db", str(tmp_path / "h.db")) as running:  # nothing is remembered
        assert running.post("/volt") == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--respond", "100"], "A status of 100 cannot be answered; give one from 200 to 599, or reset."),
        (["--respond", "ok"], "'ok' cannot be answered"),
        (["--respond", "500", "--respond-delay", "2m"], "A delay of 2 min is not possible; give at most 1 min."),
        (["--respond", "500", "--respond-until", "2d"], "give at most 24 h"),
        (["--respond", "500", "--respond-for", "statos:x"], "The filter is wrong at column 1"),
        (["--respond-times", "3"], "The option --respond-times says how to answer; say what with --respond."),
    ],
)
def test_what_cannot_be_is_a_usage_error(tmp_path: Path, options: list[str], says: str) -> None:
    done = hooktop("listen", "--port", "0", "--db", str(tmp_path / "h.db"), *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_show_tells_of_every_delivery(tmp_path: Path) -> None:
    database = str(tmp_path / "h.db")
    with listening("--db", database, "--respond", "500", "--respond-times", "2") as running:
        assert [running.post("/volt", b'{"id": 7}') for _ in range(3)] == [500, 500, 200]
        running.end()
    shown = hooktop("show", "2", "--db", database).stdout
    assert "Delivery 2 of 3 of the same event" in shown
    assert [line.split()[-1] for line in shown.splitlines() if line.startswith("  cap_")] == ["500", "500", "200"]
    assert "Delivery" not in hooktop("show", "2", "--json", "--db", database).stdout
