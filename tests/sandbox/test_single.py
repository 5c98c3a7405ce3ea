"""The deliveries of one scenario with the options of ``hooktop send``."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.jsonbody import parse
from monitor.providers.base import Provider
from monitor.providers.registry import registry
from monitor.sandbox.deliveries import Delivery, Fault
from monitor.sandbox.overrides import UNKNOWN
from monitor.sandbox.problems import SimulationProblem
from monitor.sandbox.single import one, scenario_of
from tests.factory import make_request
from tests.sandbox.actors import START, actor, scenario

PROVIDER = actor("acme", scenario("life", 0.5, 1.0, 4.0), scenario("ping", 0.0), scenario("empty"))


def played(name: str = "life", **options: Any) -> list[Delivery]:
    defaults: dict[str, Any] = {"seed": 1, "start": START}
    return list(one(PROVIDER, name, **(defaults | options)))


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [json.loads(d.body)["number"] for d in deliveries]


def messages(deliveries: list[Delivery]) -> int:
    return len({json.loads(d.body)["message"] for d in deliveries})


def test_without_a_count_the_scenario_is_played_once_in_its_own_pace() -> None:
    deliveries = played()
    assert [d.at for d in deliveries] == [0.5, 1.0, 4.0]
    assert numbers(deliveries) == [0, 1, 2]
    assert {(d.provider, d.scenario, d.fault) for d in deliveries} == {("acme", "life", None)}


def test_the_count_is_of_events_and_other_messages_follow() -> None:
    deliveries = played(count=7)
    assert numbers(deliveries) == [0, 1, 2, 0, 1, 2, 0]
    assert messages(deliveries) == 3
    assert all(a.at < b.at for a, b in pairwise(deliveries))


def test_a_count_below_a_run_cuts_it() -> None:
    assert numbers(played(count=2)) == [0, 1]


@given(st.integers(1, 40), st.one_of(st.none(), st.floats(0.1, 1000)), st.booleans(), st.booleans(), st.booleans())
@settings(deadline=None)
def test_options_in_any_combination(count: int, rate: float | None, twice: bool, swapped: bool, bad: bool) -> None:
    options: dict[str, Any] = {
        "count": count,
        "rate": rate,
        "duplicate": twice,
        "out_of_order": swapped,
        "bad_signature": bad,
    }
    if swapped and count == 1:
        with pytest.raises(SimulationProblem, match="none to swap it with"):
            played(**options)
        return
    deliveries = played(**options)
    assert deliveries == played(**options)
    assert len(deliveries) == count * (2 if twice else 1)
    assert len({d.body for d in deliveries}) == count
    assert all(a.at <= b.at for a, b in pairwise(deliveries))
    if rate is not None:
        assert [d.at for d in deliveries] == pytest.approx([i / rate for i in range(len(deliveries))])
    assert all(json.loads(d.body)["at"] <= START.timestamp() + d.at + 1e-3 for d in deliveries)
    if bad:
        assert {d.fault for d in deliveries} == {Fault.BAD_SIGNATURE}


def test_out_of_order_brings_the_last_before_the_one_before_it() -> None:
    deliveries = played(out_of_order=True, count=6)
    assert numbers(deliveries) == [0, 2, 1, 0, 2, 1]
    assert [d.fault for d in deliveries] == [None, None, Fault.OUT_OF_ORDER] * 2


def test_a_duplicate_has_the_same_bytes() -> None:
    first, second = played("ping", duplicate=True)
    assert first.body == second.body
    assert (first.fault, second.fault) == (None, Fault.DUPLICATE)


@pytest.mark.parametrize("pace", [{}, {"rate": 10.0}, {"rate": 0.1}, {"burst": True}], ids=str)
@pytest.mark.parametrize("name", ["sms-delivered", "duplicate", "late"])
def test_a_duplicate_is_signed_with_the_time_of_the_first(name: str, pace: dict[str, Any]) -> None:
    deliveries = list(one(registry()["bird"], name, seed=1, start=START, count=8, duplicate=True, **pace))
    signed: dict[bytes, set[float]] = {}
    for delivery in deliveries:
        signed.setdefault(delivery.body, set()).add(round(delivery.at - delivery.signed_before, 3))
    assert {len(times) for times in signed.values()} == {1}


def test_values_are_set_in_every_event_that_they_fit() -> None:
    deliveries = played(overrides=["to.text=Hello [b]", "tags.1=null", "new=7"], count=4)
    for delivery in deliveries:
        body = json.loads(delivery.body)
        assert (body["to"]["text"], body["tags"], body["new"]) == ("Hello [b]", ["a", None], 7)


def test_a_run_that_is_cut_short_may_lack_the_event_that_a_value_fits() -> None:
    name, sets = "sms-failed-unknown-subscriber", ["payload.failure.code=15002"]
    deliveries = list(one(registry()["bird"], name, seed=1, start=START, count=4, overrides=sets))
    failures = [json.loads(d.body)["payload"].get("failure") for d in deliveries]
    assert [failure and failure["code"] for failure in failures] == [None, None, 15002, None]
    with pytest.raises(SimulationProblem, match='there is no "failure"'):
        one(registry()["bird"], name, seed=1, start=START, count=2, overrides=sets)


def test_problems_are_said_before_the_first_delivery_is_taken() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"overrides": ["nowhere.text=x"]}, 'there is no "nowhere"'),
        ({"overrides": ["x"]}, "is not path=value"),
        ({"count": 0}, "a count of 0 sends nothing"),
        ({"rate": 0.0}, "a rate of 0 is not possible"),
        ({"out_of_order": True, "count": 1}, "none to swap it with"),
    ]
    for options, sentence in cases:
        with pytest.raises(SimulationProblem, match=sentence):
            one(PROVIDER, "life", seed=1, start=START, **options)


def test_a_single_event_cannot_be_out_of_order() -> None:
    with pytest.raises(SimulationProblem, match='"ping" has one event here'):
        played("ping", out_of_order=True, duplicate=True, count=5)


def test_a_scenario_without_events_gives_none() -> None:
    assert played("empty", count=5) == []


@pytest.mark.parametrize(
    ("name", "sentence"), [("pong", "did you mean ping?"), ("zzz", "choose one of life, ping, empty")]
)
def test_an_unknown_scenario_is_said_with_what_there_is(name: str, sentence: str) -> None:
    with pytest.raises(SimulationProblem) as problem:
        played(name)
    assert str(problem.value) == f'Acme has no scenario "{name}"; {sentence}'


def test_a_provider_without_scenarios_is_said() -> None:
    with pytest.raises(SimulationProblem, match="Mute has no scenarios to send"):
        one(actor("mute"), "x", seed=1, start=START)


@pytest.mark.parametrize(
    ("provider", "name"), [(p.name, s.name) for p in registry() for s in p.scenarios], ids=lambda value: str(value)
)
def test_every_scenario_of_every_provider_plays_the_same_for_a_seed(provider: str, name: str) -> None:
    chosen = registry()[provider]
    first, second, other = (list(one(chosen, name, seed=s, start=START, count=12, rate=5.0)) for s in (3, 3, 4))
    assert len(first) == 12
    assert first == second
    assert first != other or not scenario_of(chosen, name).weight  # a bare probe tells nothing of anybody


def test_a_burst_is_posted_at_once_and_nothing_before_it_happened() -> None:
    deliveries = played(burst=True, count=7, duplicate=True)
    assert {d.at for d in deliveries} == {0.0}
    assert len(deliveries) == 14
    assert all(json.loads(d.body)["at"] <= START.timestamp() + 1e-3 for d in deliveries)
    with pytest.raises(SimulationProblem, match="a burst is as fast as can be and has no rate"):
        played(burst=True, rate=5.0)


@pytest.mark.parametrize("provider", [p for p in registry() if p.scenarios], ids=lambda p: p.name)
def test_an_unknown_field_is_one_more_and_read_all_the_same(provider: Provider) -> None:
    name = provider.scenarios[0].name
    plain = list(one(provider, name, seed=1, start=START))
    more = list(one(provider, name, seed=1, start=START, unknown_field=True))
    for before, after in zip(plain, more, strict=True):
        assert after.body.replace(f'"{UNKNOWN}"'.encode(), b"") != after.body
        assert len(after.body) > len(before.body)
        readings = [provider.read(make_request(d.body), parse(d.body)) for d in (before, after)]
        assert readings[0].event == readings[1].event
        assert readings[1].problems == ()
