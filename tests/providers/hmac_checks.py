"""What the tests of the providers that sign with a secret share: requests, broken payloads, foreign inputs, scenes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys, Person, Provider, Scenario, Scene
from monitor.providers.keys import secret_key, verifying_key
from tests.corpora import corpora, payload_index

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
NOW = START.timestamp()
URL = "https://hooks.example.com"
CUSTOMER = Person("Jane Doe", "+15555550123", "jane@example.com")
MASKS = (0x01, 0x20, 0x2A, 0x80)  # a neighbouring letter, the other case, a blank for a newline, not ASCII
WRONG: tuple[Any, ...] = (
    None,
    "",
    "text",
    7,
    -1.5,
    10**30,
    True,
    [],
    [None, 1, "x", [], {}],
    {},
    {"id": {"a": []}},
    "\ud800",
)


def request(body: bytes, *headers: tuple[str, str], path: str = "/hook", query: str = "") -> Request:
    """A request with a few headers that every sender has, and these."""
    common = (("host", "127.0.0.1:8787"), ("content-type", "application/json"), ("user-agent", "test"))
    return Request("POST", path, query, (*common, *headers), body, "127.0.0.1:51234")


def keys(*texts: str, **more: Any) -> Keys:
    """Keys of these secret texts."""
    return Keys(tuple(secret_key(text.encode(), "test") for text in texts), **more)


def verify(provider: Provider, received: Request, known: Keys, now: float = NOW) -> Verdict:
    """The verdict on a request, its body parsed as the receiver does."""
    return provider.verify(received, jsonbody.parse(received.body), known, now)


def read(provider: Provider, body: bytes, *headers: tuple[str, str]) -> Reading:
    """The reading of a body."""
    return provider.read(request(body, *headers), jsonbody.parse(body))


def flipped(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every change of one byte by each of the masks, with the place as its name."""
    for place in range(len(data)):
        for mask in MASKS:
            yield f"byte {place} ^ {mask:#x}", data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def broken(value: Any) -> Iterator[tuple[str, Any]]:
    """The value with each field in turn removed, and replaced by each of the wrong things."""
    if isinstance(value, dict):
        for name in value:
            yield f"without {name}", {other: item for other, item in value.items() if other != name}
            for wrong in WRONG:
                yield f"{name}={wrong!r}", {**value, name: wrong}
            for where, changed in broken(value[name]):
                yield f"{name}.{where}", {**value, name: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for where, changed in broken(item):
                yield f"{index}.{where}", [*value[:index], changed, *value[index + 1 :]]


def broken_payloads(provider: str) -> Iterator[tuple[str, bytes]]:
    """Every payload of the provider with each field broken in each way."""
    for entry in payload_index(provider):
        for where, value in broken(json.loads(entry["body_bytes"])):
            yield f"{entry['file']}: {where}", json.dumps(value).encode()


def foreign_bodies(provider: str) -> Iterator[tuple[str, bytes]]:
    """Bodies that others wrote: JSON that parsers stumble over, and strings that harm, in every text of a payload."""
    for path in sorted((corpora() / "json-test-suite").rglob("*.json")):
        yield path.name, path.read_bytes()
    strings = json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8"))
    payloads = [json.loads(entry["body_bytes"]) for entry in payload_index(provider)]
    for number, text in enumerate(strings):
        yield f"naughty {number}", json.dumps(_replaced(payloads[number % len(payloads)], text)).encode()


def _replaced(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        keep = ("service", "event", "topic")  # else nothing behind them is read
        return {name: item if name in keep else _replaced(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, text) for item in value]
    return text if isinstance(value, str) else value


def check_storable(reading: Reading, where: str) -> None:
    """Every text of a reading can be stored, every number is text, and no problem is told twice."""
    json.dumps(asdict(reading), ensure_ascii=False, default=str).encode("utf-8")
    texts = (
        reading.event,
        reading.message,
        reading.conversation,
        reading.text,
        reading.from_,
        reading.to,
        reading.mark,
    )
    assert all(text is None or isinstance(text, str) for text in texts), where
    assert all(isinstance(value, str) for pair in reading.facts for value in pair), where
    assert all(item.type is None or isinstance(item.type, str) for item in reading.media), where
    assert len(reading.problems) == len(set(reading.problems)), where


def bodies(provider: str) -> st.SearchStrategy[bytes]:
    """Any bytes, and JSON made of the names and values that the provider's payloads have."""
    names: set[str] = set()
    texts: set[str] = set()
    for entry in payload_index(provider):
        _gather(json.loads(entry["body_bytes"]), names, texts)
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(sorted(texts)),
        st.text(st.characters()),
    )
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(names)), inner, max_size=6),
        max_leaves=12,
    )
    return st.one_of(st.binary(max_size=200), values.map(lambda value: json.dumps(value).encode()))


def _gather(value: Any, names: set[str], texts: set[str]) -> None:
    if isinstance(value, dict):
        names.update(value)
        for item in value.values():
            _gather(item, names, texts)
    elif isinstance(value, list):
        for item in value:
            _gather(item, names, texts)
    elif isinstance(value, str):
        texts.add(value)


def headers(*names: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Any headers, often those named, with values of any Latin-1 text."""
    common = ("host", "x-forwarded-host", "x-forwarded-proto")
    values = st.text(st.characters(max_codepoint=255), max_size=90) | st.sampled_from(("", "0", "1769860800", "A" * 44))
    return st.lists(st.tuples(st.sampled_from((*names, *common)), values), max_size=6)


def scene(seed: int = 1) -> Scene:
    """A scene of that seed."""
    return Scene(Random(seed), START, CUSTOMER, "+15555550145", "Your order is on its way", "Thank you!")


def check_scenario(provider: Provider, scenario: Scenario) -> list[Reading]:
    """Play a scenario: the same seed gives the same bytes, everything verifies and reads. The readings, in order."""
    events = scenario.build(scene())
    assert events
    assert events == scenario.build(scene())
    assert [event.after for event in events] == sorted(event.after for event in events)
    assert events[0].after >= 0
    assert events[-1].after < 20
    key = provider.local_key()
    known = replace(keys(), keys=(verifying_key(key, "local"),), public_url=URL)
    readings = []
    for event in events:
        body = jsonbody.parse(event.body)
        assert body.ok
        assert not body.problems
        arrived = NOW + event.after
        signed = provider.sign(event.body, key, url=f"{URL}/hook", at=arrived - event.signed_before)
        received = request(event.body, *signed)
        verdict = provider.verify(received, body, known, arrived)
        assert verdict.status is VerdictStatus.VERIFIED, verdict.reason
        reading = provider.read(received, body)
        assert reading.event
        assert not reading.problems
        readings.append(reading)
    return readings
