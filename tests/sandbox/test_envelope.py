"""Deliveries as signed requests: what the provider's own verification says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.capture import STAMP_HEADER, Request
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import SigningKey, verifying_key
from monitor.providers.registry import registry
from monitor.sandbox.deliveries import Delivery, Fault
from monitor.sandbox.envelope import USER_AGENTS, Envelope, seal
from monitor.sandbox.single import one
from monitor.sandbox.traffic import Traffic

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
URL = "https://hooks.example.com/hook"
SCENARIOS = [(p.name, s.name) for p in registry() for s in p.scenarios]
SPOILT = [Fault.BAD_SIGNATURE, Fault.CHANGED_BODY]


@cache
def key_of(provider: str) -> SigningKey:
    return registry()[provider].local_key()


def sealed(delivery: Delivery, at: float = NOW.timestamp()) -> Envelope:
    return seal(delivery, registry()[delivery.provider], key_of(delivery.provider), url=URL, at=at)


def verdict(delivery: Delivery, at: float = NOW.timestamp(), *, other_key: bool = False) -> Verdict:
    provider, envelope = registry()[delivery.provider], sealed(delivery, at)
    key = provider.local_key() if other_key else key_of(provider.name)
    request = Request("POST", "/hook", "", envelope.headers, envelope.body)
    keys = Keys((verifying_key(key, "test"),), urls=(URL,), public_url="https://hooks.example.com")
    return provider.verify(request, jsonbody.parse(envelope.body), keys, at)


def first(provider: str) -> Delivery:
    chosen = registry()[provider]
    return next(one(chosen, chosen.scenarios[0].name, seed=1, start=NOW))


def simulating() -> list[str]:
    return [provider.name for provider in registry() if provider.scenarios]


@pytest.mark.parametrize(("provider", "scenario"), SCENARIOS)
def test_every_event_of_every_scenario_verifies(provider: str, scenario: str) -> None:
    for delivery in one(registry()[provider], scenario, seed=1, start=NOW, count=8):
        found = verdict(delivery)
        if found.status is VerdictStatus.STALE:  # right, but signed too long ago: then the scenario means it
            assert delivery.signed_before > 300
        else:
            assert found.status is VerdictStatus.VERIFIED, found.reason


@pytest.mark.parametrize(("provider", "scenario"), SCENARIOS)
@pytest.mark.parametrize("fault", SPOILT)
def test_every_spoilt_event_is_invalid(provider: str, scenario: str, fault: Fault) -> None:
    for delivery in one(registry()[provider], scenario, seed=1, start=NOW, count=8):
        spoilt = replace(delivery, fault=fault)
        assert verdict(spoilt).status is VerdictStatus.INVALID
        right, wrong = sealed(delivery), sealed(spoilt)
        assert len(right.body) == len(wrong.body)
        assert jsonbody.parse(wrong.body).ok
        assert (right.body == wrong.body) is (fault is Fault.BAD_SIGNATURE)


@pytest.mark.parametrize("provider", simulating())
def test_an_unsigned_event_is_missing_its_signature(provider: str) -> None:
    unsigned = replace(first(provider), fault=Fault.UNSIGNED)
    assert verdict(unsigned).status is VerdictStatus.MISSING
    assert not {name for name, _ in sealed(unsigned).headers} & set(registry()[provider].signature_headers)
    assert sealed(unsigned).body == unsigned.body


@pytest.mark.parametrize("provider", simulating())
def test_another_key_does_not_verify(provider: str) -> None:
    assert verdict(first(provider), other_key=True).status is VerdictStatus.INVALID


@pytest.mark.slow
def test_mixed_traffic_gives_every_verdict() -> None:
    found: set[VerdictStatus] = set()
    for delivery in islice(Traffic(4, registry(), 5.0, NOW), 2500):
        status = verdict(delivery, NOW.timestamp() + delivery.at).status
        found.add(status)
        if delivery.fault in SPOILT:
            assert status is VerdictStatus.INVALID
        elif delivery.fault is Fault.UNSIGNED:
            assert status is VerdictStatus.MISSING
        else:
            assert status in (VerdictStatus.VERIFIED, VerdictStatus.STALE)
    assert found == {VerdictStatus.VERIFIED, VerdictStatus.INVALID, VerdictStatus.MISSING, VerdictStatus.STALE}


@pytest.mark.parametrize(
    ("hours", "status"), [(3.0, VerdictStatus.VERIFIED), (25.0, VerdictStatus.STALE)], ids=["late", "too late"]
)
def test_a_bird_retry_keeps_its_first_time(hours: float, status: VerdictStatus) -> None:
    found = verdict(replace(first("bird"), signed_before=hours * 3600, fault=Fault.LATE))
    assert found.status is status
    assert found.age_s == pytest.approx(hours * 3600, abs=1)


def test_the_headers_are_those_of_a_delivery() -> None:
    for provider in simulating():
        delivery = first(provider)
        headers = dict(sealed(delivery).headers)
        assert headers["content-type"] == delivery.content_type
        assert headers["user-agent"] == USER_AGENTS.get(provider, headers["user-agent"])
        assert STAMP_HEADER not in headers
        assert all(name == name.lower() for name in headers)
    assert dict(sealed(first("connectly")).headers)["content-type"].startswith("text/plain")
    assert set(dict(sealed(first("bird")).headers)) >= {"messagebird-request-id", "messagebird-request-timestamp"}


@pytest.mark.parametrize("fault", [None, *Fault])
def test_the_stamp_is_made_over_the_body_that_is_posted(fault: Fault | None) -> None:
    delivery = replace(first("connectly"), fault=fault)
    envelope = seal(
        delivery,
        registry()["connectly"],
        key_of("connectly"),
        url=URL,
        at=1.0,
        stamp=lambda body: f"stamp of {hash(body)}",
    )
    assert dict(envelope.headers)[STAMP_HEADER] == f"stamp of {hash(envelope.body)}"


def bodies() -> Iterator[bytes]:
    yield from (b"", b"no digit", b'{"a":"b"}')


@pytest.mark.parametrize("body", bodies())
def test_a_body_without_digits_is_changed_too(body: bytes) -> None:
    delivery = replace(first("connectly"), body=body, fault=Fault.CHANGED_BODY)
    assert sealed(delivery).body != body
    assert verdict(delivery).status is VerdictStatus.INVALID


@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()))
def test_changed_json_stays_json(value: dict[str, object]) -> None:
    body = json.dumps(value).encode()
    envelope = sealed(replace(first("connectly"), body=body, fault=Fault.CHANGED_BODY))
    assert envelope.body != body
    json.loads(envelope.body)
