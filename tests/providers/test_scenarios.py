"""Every scenario of every provider: believable, readable, repeatable and rightly signed."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from monitor.jsonbody import parse
from monitor.model.capture import Request
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys, Provider, Scenario, SimulatedEvent
from monitor.providers.keys import verifying_key
from monitor.providers.registry import registry
from tests.providers.scene import START, make_scene

URL = "https://hooks.example.com/in"
ALL = [(provider, scenario) for provider in registry() for scenario in provider.scenarios]
NAMED = pytest.mark.parametrize(
    ("provider", "scenario"), ALL, ids=[f"{provider.name}-{scenario.name}" for provider, scenario in ALL]
)


def _request(provider: Provider, event: SimulatedEvent, headers: list[tuple[str, str]]) -> Request:
    return Request("POST", f"/{provider.name}", "", (("content-type", event.content_type), *headers), event.body)


@NAMED
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(provider: Provider, scenario: Scenario) -> None:
    once, again, other = (scenario.build(make_scene(seed)) for seed in (7, 7, 8))
    assert once == again
    if scenario.name != "probe":
        assert once != other


@NAMED
def test_bodies_are_json_that_reads_without_a_problem(provider: Provider, scenario: Scenario) -> None:
    for event in scenario.build(make_scene()):
        body = parse(event.body)
        if event.content_type == "application/json":
            assert body.ok, event.body
            assert provider.read(_request(provider, event, []), body).problems == ()


@NAMED
def test_events_come_in_order_within_believable_time(provider: Provider, scenario: Scenario) -> None:
    for seed in range(20):
        after = [event.after for event in scenario.build(make_scene(seed))]
        assert after == sorted(after)
        assert after[0] >= 0
        assert after[-1] <= 20


@NAMED
def test_what_happened_lies_before_it_is_told(provider: Provider, scenario: Scenario) -> None:
    for event in scenario.build(make_scene()):
        reading = provider.read(_request(provider, event, []), parse(event.body))
        if reading.occurred_at is not None:
            assert reading.occurred_at <= START + timedelta(seconds=event.after)


@NAMED
def test_a_signed_event_is_recognised_and_verified(provider: Provider, scenario: Scenario) -> None:
    key = _local_key(provider.name)
    keys = Keys(keys=(verifying_key(key, "local"),), urls=(URL,))
    for event in scenario.build(make_scene()):
        at = START.timestamp() + event.after
        request = _request(provider, event, provider.sign(event.body, key, url=URL, at=at - event.signed_before))
        body = parse(event.body)
        assert registry().recognise(request, body) is provider
        verdict = provider.verify(request, body, keys, at)
        in_time = VerdictStatus.STALE if scenario.name == "stale" else VerdictStatus.VERIFIED
        assert verdict.status is in_time, verdict


@cache
def _local_key(name: str) -> Any:
    """One key a provider for all scenarios: making an RSA key is slow."""
    return registry()[name].local_key()


def test_every_provider_but_generic_has_scenarios() -> None:
    assert {provider.name for provider in registry() if not provider.scenarios} == {"generic"}
    for provider in registry():
        names = [scenario.name for scenario in provider.scenarios]
        assert len(names) == len(set(names))
