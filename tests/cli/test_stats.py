"""``hooktop stats`` over real deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.cli.output import Paint
from monitor.cli.stats import SHOWN_CARRIERS, stats_lines
from monitor.services.stats import Percentiles, Rates, Stats, Timing
from tests.cli.deliveries import Place
from tests.factory import START


@pytest.fixture
def place(place: Place) -> Place:
    """A receiver that knows Volt's key, with five messages."""
    volt = place.volt
    place.post(*(volt.body(name, "failed") for name in "abc"), volt.body("d", "delivered"), volt.body("e", "sent"))
    place.post(volt.body("e", "delivered"), forged=True)
    return place


@pytest.mark.slow
def test_json(place: Place) -> None:
    (record,) = place.records("stats")
    assert record["kind"] == "stats"
    captures, messages = record["captures"], record["messages"]
    assert (captures["count"], captures["last_minute"], captures["last_day"]) == (6, 6, 6)
    assert captures["verdicts"] == {"invalid": 1, "verified": 5}
    assert (messages["count"], messages["open"]) == (5, 1)
    assert messages["statuses"] == {"delivered": 1, "failed": 3, "sent": 1}
    (volt,) = record["latency"]["providers"]
    assert volt["total_s"] == {
        "count": 4,
        "p50": pytest.approx(1.4),
        "p95": pytest.approx(1.4),
        "p99": pytest.approx(1.4),
    }
    (failure,) = record["failures"]
    assert (failure["code"], failure["carrier_code"], failure["count"], failure["share"]) == ("40002", "702", 3, 1.0)
    assert failure["example"] == "volt:c"
    assert place.records("stats", "status:delivered")[0]["failures"] == []
    assert place.records("stats", "--since", "1h")[0]["messages"]["count"] == 5


@pytest.mark.slow
def test_lines_for_people(place: Place) -> None:
    shown = place.text("stats")
    for wanted in ("6 captures", "verified", "83.3%", "5 messages", "0.3s / 0.3s / 0.3s", "3 failed", "40002/702",
                   "Blocked as spam - temporary", "volt:c"):  # fmt: skip
        assert wanted in shown
    assert "there are no figures of messages" in place.text("stats", "verdict:invalid")
    assert place.text("stats", "text:nothing") == "No capture passes the filter.\n"
    place.post(place.volt.body("d", "delivered"))
    assert "1 message\n" in place.text("stats", "mark:duplicate")  # though no capture bears such a mark


def test_carriers_are_named_by_whoever_posts_so_only_the_most_frequent_are_listed() -> None:
    few, none = Percentiles(1, 1.0, 1.0, 1.0), Percentiles(0, None, None, None)
    carriers = [Timing("volt", None, f"carrier {n:03}", none, none, few) for n in range(100)]
    carriers.append(Timing("volt", None, "frequent", none, none, Percentiles(2, 1.0, 1.0, 1.0)))
    with_them = Stats(
        START, "", Rates(1, 1, 1, 1, None, None), None, (), None, (), (), (), tuple(carriers), ()
    )  # fmt: skip
    shown = stats_lines(with_them, Paint(no_color=True))
    assert sum("carrier 0" in line for line in shown) == SHOWN_CARRIERS - 1
    assert any("volt frequent" in line for line in shown)
    assert shown[-1] == "… and 81 more carriers; --json has them."


def test_no_database_and_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stats", "--db", str(tmp_path / "h.db")]) == 0
    assert "There is no database" in capsys.readouterr().err
    assert run(["stats", "--db", str(tmp_path / "h.db"), "statos:x"]) == 2
    (tmp_path / "h.db").touch()
    assert run(["stats", "--db", str(tmp_path / "h.db")]) == 2
    assert "another version" in capsys.readouterr().err
