"""The columns of the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from monitor.model.capture import LOCAL_MARK, Source
from monitor.store.reader import Row
from monitor.ui import message_columns
from monitor.ui.columns import Look, app_of, heading, layout, party_text, row_parts, status_of, tag_of, time_text
from tests.factory import START
from tests.ui.screens import NOW

ROW = Row(
    1, START, "volt", "network", "verified", "message.finalized", "outbound", "+15555550145", "+15555550123", "failed",
    "failed", None, "40002", "702", "Hello", 812, None,
)  # fmt: skip


@pytest.mark.parametrize("width", [*range(1, 60), 60, 79, 80, 99, 120, 180, 400])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("app", [False, True])
@pytest.mark.parametrize(
    "row",
    [replace(ROW, app="200"), replace(ROW, source=Source.REPLAYED, marks=LOCAL_MARK, app="refused")],
    ids=["plain", "tagged"],
)
def test_a_row_fills_its_width_and_never_more(width: int, relative: bool, app: bool, row: Row) -> None:
    look = Look(relative=relative, app=app)
    columns = layout(width, app)
    assert [name for name, _ in columns] == [name for name in ("time", "verdict", "provider", "event", "party",
                                             "status", "app", "text") if name in dict(columns)]  # fmt: skip
    if not columns:
        return
    parts = row_parts(row, width, look, time_text(row.received_at, look, NOW, columns[0][1]))
    assert sum(cell_len(text) for text, _ in parts) == width - 2
    assert cell_len(heading(width, app)) == width - 1


@pytest.mark.parametrize(
    ("app", "shown"),
    [
        (None, ("", "quiet")), ("200", ("200", "quiet")), ("302", ("302", "warn")), ("500", ("500", "bad")),
        ("refused", ("✖", "bad")), ("off", ("–", "quiet")),
    ],
)  # fmt: skip
def test_what_the_app_did_not_take_stands_out(app: str | None, shown: tuple[str, str]) -> None:
    assert app_of(replace(ROW, app=app)) == shown


@pytest.mark.parametrize(
    ("width", "there", "absent"),
    [
        (60, {"time", "verdict", "provider", "event", "party", "status"}, {"text"}),
        (79, {"time", "verdict", "provider", "event", "party", "status"}, {"text"}),
        (120, {"time", "verdict", "provider", "event", "party", "status", "text"}, set()),
        (12, {"time", "verdict"}, {"provider"}),
    ],
)
def test_columns_leave_by_priority(width: int, there: set[str], absent: set[str]) -> None:
    names = {name for name, _ in layout(width)}
    assert there <= names
    assert not absent & names


def test_the_text_of_a_message_comes_in_before_its_party_grows() -> None:
    """Beside two panes on 180 columns the list has 73."""
    assert "text" not in dict(message_columns.layout(72))
    columns = dict(message_columns.layout(73))
    assert columns["text"] >= 10
    assert columns["party"] == len("→ +447700900123")


@pytest.mark.parametrize("app", [False, True])
def test_the_time_beside_a_date_comes_before_room_that_is_not_needed(app: bool) -> None:
    """Beside two panes on 180 and 200 columns the list has 82 and 92: no text, and more than events take."""
    for width in (82, 92):
        columns = dict(layout(width + 4 * app, app))
        assert "text" not in columns
        assert columns["event"] >= len("message.finalized")
        assert time_text(START - timedelta(days=40), Look(), NOW, columns["time"])[5] == " "


def test_the_verdict_is_a_word_where_the_list_has_the_screen_to_itself() -> None:
    assert dict(layout(79))["verdict"] > 1
    text = "".join(text for text, _ in row_parts(ROW, 79, Look(), "12:00:00"))
    assert "✔ verified" in text
    assert "FAILED 702" in text


@pytest.mark.parametrize(
    ("party", "masked", "shown"),
    [
        ("+15555550123", False, "+15555550123 "),
        ("+4915155500123", False, "…915155500123"),
        ("+4915155500123", True, "…••••••••••23"),
        ("somebody@example.com", False, "somebody@exa…"),
        ("somebody@example.com", True, "••••••       "),
        ("+", False, "+            "),
    ],
)
def test_a_number_keeps_the_end_that_tells_it_from_others(party: str, masked: bool, shown: str) -> None:
    assert party_text(party, 13, Look(masked=masked)) == shown
    row = replace(ROW, recipient=party)
    assert shown in "".join(text for text, _ in row_parts(row, 80, Look(masked=masked), "12:00:00"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, ("FAILED 702", "bad")),
        (replace(ROW, carrier_code=None), ("FAILED 40002", "bad")),
        (replace(ROW, carrier_code=None, error_code=None), ("FAILED", "bad")),
        (replace(ROW, status="delivered"), ("delivered", "good")),
        (replace(ROW, status=None, mark="clicked"), ("clicked", "plain")),
        (replace(ROW, status="other", provider_status="approved"), ("approved", "quiet")),
        (replace(ROW, status=None, provider_status=None), ("", "quiet")),
    ],
)
def test_status(row: Row, expected: tuple[str, str]) -> None:
    assert status_of(row) == expected


@pytest.mark.parametrize(
    ("row", "demo", "tag"),
    [
        (ROW, False, ""),
        (replace(ROW, source=Source.SIMULATED.value), False, "LOCAL"),
        (replace(ROW, source=Source.SIMULATED.value), True, ""),
        (replace(ROW, source=Source.REPLAYED.value), True, "REPLAY"),
        (replace(ROW, source=Source.REPLAYED.value, marks='["local"]'), False, "LOCAL REPLAY"),
        (replace(ROW, source=Source.REPLAYED.value, marks='["local"]'), True, "REPLAY"),
        (replace(ROW, source=Source.IMPORTED.value, marks='["local"]'), False, "IMPORT"),
    ],
)
def test_what_no_provider_sent_is_labelled(row: Row, demo: bool, tag: str) -> None:
    look = Look(demo=demo)
    assert tag_of(row, look) == tag
    shown = "".join(text for text, _ in row_parts(row, 100, look, "12:00:00"))
    assert ("LOCAL" in shown) == ("LOCAL" in tag)


def test_masked_rows_show_neither_number_nor_text() -> None:
    shown = "".join(text for text, _ in row_parts(ROW, 180, Look(masked=True), "12:00:00"))
    assert "555555" not in shown
    assert "Hello" not in shown
    assert "23" in shown  # the last two digits tell rows apart


@pytest.mark.parametrize("field", ["provider", "event", "sender", "recipient", "status", "provider_status", "mark",
                                   "error_code", "carrier_code", "text", "verdict"])  # fmt: skip
def test_foreign_text_is_visible_in_every_column(field: str) -> None:
    hostile: dict[str, Any] = {field: "\x1b]52;c;eA==\x07\u202e[/nope]\x9b2J\n"}
    row = replace(ROW, **hostile)
    for direction in ("inbound", "outbound", None):
        for part, _ in row_parts(replace(row, direction=direction), 200, Look(), "12:00:00"):
            assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char == "\u202e" for char in part)
