"""What filters find in captures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.model.capture import Capture, Request
from monitor.model.filter import parse
from monitor.model.filter.expression import Expression
from monitor.model.reading import MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from tests.factory import FULL_READING, START, make_capture

NOW = START + timedelta(minutes=10)
BODY = b"""
{"payload": {"parts": 3, "price": "0.50", "ok": true, "none": null, "text": "Gr\xc3\xbc\xc3\x9fe",
             "items": [{"id": "x1", "tags": ["a", "b"]}, {"id": "x2", "n": 1e3}], "empty": [], "lone": "\\ud800"}}
"""
FULL = replace(
    make_capture(12, body=BODY),
    request=Request(
        "POST",
        "/volt",
        "debug=1",
        (("User-Agent", "go-resty/2.7"), ("X-Tag", "a"), ("x-tag", " b "), ("Content-Length", "227")),
        BODY,
        "127.0.0.1:51234",
    ),
    verdict=Verdict(
        VerdictStatus.INVALID, "the signature does not match", "rsa-sha256", "sha256:1a2b3c4d", "the https URL"
    ),
    marks=("duplicate", "new_field:payload.x"),
)
BARE = replace(make_capture(13, body=b"not json", reading=None), marks=())


def found(text: str, capture: Capture) -> bool:
    return parse(text).matches(capture, NOW)


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("", "nothing"),
        ("provider:volt", "provider:bird"),
        ("provider:VO*", "provider:v"),
        ("provider:~^v", "provider:~^olt"),
        ("verdict:invalid", "verdict:verified"),
        ("verdict:in*", "-verdict:invalid"),
        ("status:failed", "status:sent"),
        ("event:MESSAGE.finalized", "event:message"),
        ("event:message.*", "event:*.sent"),
        ("event:*fin*ed", "event:*fin"),
        ("carrier:t-mobile*", "carrier:t-mobile"),
        ("direction:out", "direction:in"),
        ("channel:SMS", "channel:whatsapp"),
        ("text:hello", "text:bye"),
        ("text:WORLD", "text=world"),
        ("text:hello*", "text:world*"),
        ("text:~^h.llo", "text:~^world"),
        ('text:"«WORLD»"', 'text:"hello world"'),
        ("error:40002", "error:40001"),
        ("error:702", "error:7"),
        ("error:*", "-error:*"),
        ("error:~^70", "error:~^1"),
        ("from:+15555550145", "from:+15555550123"),
        ("from:+1555*", "from:+1556*"),
        ("to:+15555550123", "to:5555550124"),
        ('to:"+1 (555) 555-0123"', 'to:"+1 (555) 555-012"'),
        ("to:555-0123", "to:555-012"),
        ("to:001.555.555.0123", "to:+5555550123"),
        ("to:*0123", "to:0123"),
        ("party:5550145", "party:5550146"),
        ("party:5550123", "-party:5550123"),
        (f"size:{len(BODY)}", f"size<{len(BODY)}"),
        ("size<1k", "size>1k"),
        ("age<10m", "age<9m"),
        ("age>=599s", "age>600s"),
        ("received:2026-01-31", "received:2026-01-30"),
        ("received:2026-01-31T12", "received>2026-01-31T12:00:00"),
        ("received:2026-01-31T13:00+01:00", "received<2026-01-31T12"),
        ("latency:*", "-latency:*"),
        ("latency=2s", "latency>2s"),
        ("mark:duplicate", "mark:late"),
        ("mark:read", "mark:rea"),
        ("mark:new_field:*", "mark:new_field"),
        ("message:volt:40318006", "message:40318006"),
        ("message:volt:other", "message:volt:o"),
        ("conversation:volt:*", "conversation:bird:*"),
        ("media:image", "media:video"),
        ("key:sha256:1A2B*", "key:1a2b*"),
        ("scheme:rsa*", "scheme:hmac*"),
        ('reason:"not match"', "reason:header"),
        ("near_miss:https", "near_miss=https"),
        ("problem:payload.x", "problem:payload.y"),
        ("id:12", "id>12"),
        ("source:network", "source:imported"),
        ("method:post", "method:p"),
        ("path:/volt", "path:/bird"),
        ("query:*debug=1*", "query:debug"),
        ("peer:127.0.0.1:*", "peer:127.0.0.1"),
        ("answer>=200", "answer>=400"),
        ("body.payload.parts:3", "body.payload.parts:4"),
        ("body.payload.parts>2", "body.payload.parts>3"),
        ("body.payload.price<=0.5", "body.payload.price<0.5"),
        ("body.payload.price=0.5", "body.payload.price:0.5"),
        ("body.payload.ok:true", "body.payload.ok>0"),
        ("body.payload.none:null", "body.payload.missing:*"),
        ("body.payload.text:GRÜSSE", "body.payload.text:gruesse"),
        ("body.payload.items.id:x2", "body.payload.items.id:x3"),
        ("body.payload.items.0.id:x1", "body.payload.items.1.id:x1"),
        ("body.payload.items.tags:b", "body.payload.items.tags:c"),
        ("body.payload.items.n>=1000", "body.payload.items.n>1000"),
        ("body.payload.items:*x1*", "body.payload.empty:*"),
        ("body.payload:*grüße*", "body.Payload:*"),
        ("body.payload.items.0:*", "body.payload.items.9:*"),
        ("body.payload.lone:*", "body.payload.lone:x"),
        ("header.user-agent:~resty", "header.user-agent:resty"),
        ("header.X-TAG:b", "header.x-tag:c"),
        ("header.content-length>200", "header.x-tag>0"),
        ("fact.PARTS:3", "fact.parts:gsm-7"),
        ("fact.encoding:gsm*", "fact.none:*"),
        ("HELLO", "goodbye"),
        ("40318006", "40318007"),
        ("rfw_", "rfw__"),
        ("other", "spam"),
        ("finalized", "702"),
        ("555-0123", "555-0199"),
        ('"(555) 555-0145"', '"(555) 555-0146"'),
        ("~fin.l", "~^fin"),
        ("hello -spam", "hello spam"),
        ("spam or hello", "spam or eggs"),
        ("-(spam or eggs)", "-(spam or hello)"),
        ("hello (a or finalized)", "not (spam or finalized)"),
    ],
)
def test_full_capture(yes: str, no: str) -> None:
    assert found(yes, FULL)
    assert not found(no, FULL)


OF_THE_READING = (
    "status", "event", "from", "to", "party", "text", "error", "carrier", "direction", "channel", "latency", "mark",
    "message", "conversation", "media", "problem",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_THE_READING)
def test_what_is_unknown_matches_only_the_opposite(name: str) -> None:
    assert not found(f"{name}:*", BARE)
    assert found(f"-{name}:*", BARE)
    assert found(f"{name}:*", FULL)


def test_without_reading() -> None:
    assert found("provider:volt size:8 -near_miss:* -body.a:* -fact.a:* -anything", BARE)
    assert not found("latency<1h", BARE)
    assert not found("~.", BARE)


@pytest.mark.parametrize(
    ("changes", "text", "expected"),
    [
        ({"completed_at": None}, "latency=2s", True),  # a failure is final: its own time counts
        ({"completed_at": None, "status": Status.SENT}, "latency:*", False),
        ({"accepted_at": None}, "latency:*", False),
        ({"completed_at": START - timedelta(seconds=9)}, "latency<1h", False),  # clocks that disagree
        ({"error": MessageError(code=None, carrier_code=None)}, "error:*", True),
        ({"error": MessageError(code="0")}, "error:0", True),
        ({"error": MessageError(title="Absent subscriber")}, 'error:"absent subscriber"', True),
        ({"error": MessageError(code="1", title="Absent")}, "error:absent", False),
        ({"error": MessageError(carrier_code="1", title="Absent")}, "error:absent", False),
        ({"from_": "whatsapp:+1 555 555 0145"}, "from:+15555550145", True),
        ({"from_": "user12345@example.com"}, "from:12345", False),
        ({"from_": "+44 (0)7700 900123"}, "from:+447700900123", True),
        ({"from_": "07700 900123"}, "from:07700900123", True),
        ({"from_": "Customer name"}, "from:customer*", True),
        ({"from_": "12345"}, "from:12345", True),
        ({"text": "ΟΔΟΣ"}, "text:οδος", True),
        ({"text": "a\0b"}, "text:b", True),
        ({"text": "50% off_ [now]"}, 'text:"50% off_ [now"', True),
        ({"text": "5000 off"}, 'text:"50%"', False),
        ({"text": "a*b"}, r"text:a\*b", True),
        ({"text": "axb"}, r"text:a\*b", False),
        ({"text": ""}, "text:*", True),
        ({"text": "aXbXc"}, "text:a*x*x*x*c", False),
        ({"text": "aXbXc"}, "text:a*x*b*x*c", True),
        ({"text": "aba"}, "text:ab*ba", False),
    ],
)
def test_readings(changes: dict[str, Any], text: str, expected: bool) -> None:
    capture = replace(FULL, reading=replace(FULL_READING, **changes))
    assert found(text, capture) is expected


def test_bombs_end_within_their_time_and_are_counted() -> None:
    filter = parse("text:~(a|aa)+$")
    bomb = replace(FULL, reading=Reading(text="a" * 5_000 + "!"))
    rounds = 200
    assert not any(filter.matches(bomb, NOW) for _ in range(rounds))
    assert filter.timeouts == rounds
    assert filter.matches(replace(FULL, reading=Reading(text="aaa")), NOW)
    assert parse("a text:x").timeouts == 0


def test_nested_repeat_ends() -> None:
    expression = Expression("(a+)+$")
    assert not expression("a" * 1_000_000 + "b")
    assert expression("a")
