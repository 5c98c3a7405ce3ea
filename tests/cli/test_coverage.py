"""``hooktop coverage`` over real deliveries."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from monitor.cli.app import run
from monitor.model.shape import BASELINE
from monitor.store.reader import Reader
from tests.cli.deliveries import Place


@pytest.fixture
def place(place: Place) -> Place:
    """A receiver that knows Volt's key, with messages of which the last has a field more."""
    volt = place.volt
    place.post(*(volt.body(f"m{n}", "sent") for n in range(BASELINE)))
    place.post(volt.body("x", "sent", campaign={"id": "c1"}), volt.body("y", "delivered"))
    place.post(volt.body("z", "failed", stolen=1), forged=True)
    with closing(Reader(Path(place.database))) as reader:
        while reader.learnt() < reader.last_id():
            pass
    return place


@pytest.mark.slow
def test_json(place: Place) -> None:
    (record,) = place.records("coverage")
    assert (record["kind"], record["seen"], record["handled"], record["simulated"]) == ("coverage", 2, 0, 0)
    assert record["seen"] + record["missing"] == record["documented"]
    kinds = {(one["event"], one["status"]): one for one in record["kinds"] if one["provider"] == "volt"}
    assert {name: one["state"] for name, one in kinds.items()} == {
        ("message.received", "webhook_delivered"): "missing",
        ("message.sent", "sent"): "seen",
        ("message.finalized", "delivered"): "seen",
        ("message.finalized", "failed"): "missing",  # the one that came is forged
    }
    assert kinds["message.sent", "sent"]["seen"] == BASELINE + 1
    assert kinds["message.finalized", "failed"]["scenario"] == "failed-spam"
    (new,) = record["new"]
    assert (new["path"], new["capture"], new["before"], new["is_value"]) == (
        "payload.campaign", BASELINE + 1, BASELINE, False,
    )  # fmt: skip
    (capture,) = place.records("captures", "mark:new_field*")
    assert (capture["id"], capture["marks"]) == (BASELINE + 1, ["new_field:payload.campaign"])
    assert place.records("coverage", "provider:bird")[0]["new"] == []
    assert {one["provider"] for one in place.records("coverage", "provider:bird")[0]["kinds"]} == {"bird"}


@pytest.mark.slow
def test_lines_for_people(place: Place) -> None:
    shown = place.text("coverage", "provider:volt")
    for wanted in ("● seen", "○ not yet", "failed-spam", "2 of 4 documented kinds came, 2 did not.",
                   "payload.campaign", f"cap_{BASELINE + 1}", f"{BASELINE} captures"):  # fmt: skip
        assert wanted in shown
    assert "stolen" not in shown
    assert "No kind of event passes the filter." in place.text("coverage", "text:nothing")
    assert "new_field:payload.campaign" in place.text("show", str(BASELINE + 1))


def test_no_database_and_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "--db", str(tmp_path / "h.db")]) == 0
    assert "There is no database" in capsys.readouterr().err
    assert run(["coverage", "--db", str(tmp_path / "h.db"), "statos:x"]) == 2
