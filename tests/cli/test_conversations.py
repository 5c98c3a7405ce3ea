"""``hooktop conversations``, and ``show`` of messages and conversations."""

from __future__ import annotations

import csv
import io
import json
import signal
from contextlib import closing

import pytest

from monitor.cli.app import run
from tests.cli.deliveries import Place, Process
from tests.volt import CUSTOMER, SHOP

OTHER = "+15555550199"


@pytest.mark.slow
def test_one_object_for_each_conversation(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "delivered", ago=60), volt.body("b", "failed", ago=30))
    place.post(volt.body("c", "webhook_delivered"), volt.body("d", "delivered", to=OTHER, ago=90))
    place.post(volt.body("e", "delivered"), forged=True)
    other, first = place.records("conversations")
    assert (first["kind"], first["provider"], first["parties"]) == ("conversation", "volt", [CUSTOMER, SHOP])
    assert (first["messages"], first["failed"], first["unproven"]) == (3, 1, 1)
    assert (first["last_text"], first["last_direction"], first["status"]) == ("text of c", "inbound", "received")
    assert other["parties"] == [OTHER, SHOP]
    assert place.records("conversations", "--limit", "1") == [first]
    assert place.records("conversations", "status:failed") == [first]
    assert place.records("conversations", f"to:{OTHER}") == [other]
    assert place.records("conversations", f"to:{OTHER}", "--since", "1h") == [other]
    assert place.records("messages", "status:failed")[0]["conversation"] == first["key"]


def test_lines_and_csv(place: Place) -> None:
    place.post(place.volt.body("a", "failed", text="=\x1b[2J"))
    (line,) = place.text("conversations").splitlines()
    assert f"{CUSTOMER} · {SHOP}" in line
    assert "1 message, 1 failed" in line
    assert "→ “=␛[2J”" in line
    head, row = csv.reader(io.StringIO(place.text("conversations", "--csv"), newline=""))
    cells = dict(zip(head, row, strict=True))
    assert (cells["parties"], cells["last_text"][:2], cells["failed"]) == (f"'{CUSTOMER} {SHOP}", "'=", "1")


def test_following(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"))
    with closing(Process("conversations", "--follow", "--json", "--db", place.database)) as follower:
        assert json.loads(follower.line())["messages"] == 1
        place.post(volt.body("b", "failed"))
        changed = json.loads(follower.line())
        assert (changed["messages"], changed["failed"]) == (2, 1)
        assert follower.end(signal.SIGINT)[0] == 130


@pytest.mark.slow
def test_a_message_in_full(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "sent"), volt.body("a", "failed", text="<\u202e>"))
    place.post(volt.body("a", "delivered"), forged=True)
    shown = place.text("show", "volt:a")
    for wanted in (
        "volt:a  volt  FAILED 40002/702",
        f"{SHOP} → {CUSTOMER}",
        "+0.3s",
        "+1.1s",
        "carrier code  702",
        "carrier       T-MOBILE USA, INC.",
        "Blocked as spam - temporary",
        "hint  40002: blocked as spam, temporary (Telnyx code list, https://",
        "accepted to sent  0.3s",
        "total             1.4s",
        "3 captures, 1 of them unproven: they move nothing",
        "✖ INVALID",
    ):
        assert wanted in shown
    (record,) = place.records("show", "volt:a")
    assert place.records("messages") == [record]
    assert record["unproven"] == [3]


@pytest.mark.slow
def test_a_conversation_in_full(place: Place) -> None:
    volt = place.volt
    place.post(volt.body("a", "delivered", ago=60), volt.body("b", "webhook_delivered"))
    (listed,) = place.records("conversations")
    (record,) = place.records("show", listed["key"])
    thread = record.pop("thread")
    assert record == listed
    assert [item["key"] for item in thread] == ["volt:a", "volt:b"]
    assert thread == place.records("messages")
    first, second = place.text("show", listed["key"]).splitlines()[-2:]
    assert "→  “text of a”  delivered" in first
    assert "←  “text of b”  received" in second


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["volt:none"], 1, "There is no message and no conversation volt:none in"),
        (["volt:a", "--raw"], 2, "--raw is for a capture"),
    ],
)
def test_what_cannot_be_shown(
    place: Place, words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place.post(place.volt.body("a", "sent"))
    assert run(["show", *words, "--db", place.database]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
