"""Mixed traffic: the same for a seed, at its rate, interleaved, with its share of faults."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.providers.base import Provider
from monitor.providers.registry import registry
from monitor.sandbox.deliveries import HELD_BACK_S, Delivery, Fault
from monitor.sandbox.problems import SimulationProblem
from monitor.sandbox.traffic import LATE_S, RETRY_S, Faults, Traffic
from tests.sandbox.actors import NO_FAULTS, START, actor, scenario

LIFECYCLE = scenario("lifecycle", 0.0, 1.0, 4.0, 9.0)
ONE = actor("one", LIFECYCLE)


def taken(traffic: Iterable[Delivery], count: int) -> list[Delivery]:
    return list(islice(traffic, count))


def message_of(delivery: Delivery) -> int:
    number: int = json.loads(delivery.body)["message"]
    return number


def number_of(delivery: Delivery) -> int:
    number: int = json.loads(delivery.body)["number"]
    return number


def simulating() -> list[Provider]:
    return [provider for provider in registry() if provider.scenarios]


@given(st.integers(), st.floats(0.05, 500))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_deliveries_in_order(seed: int, rate: float) -> None:
    providers = [ONE, actor("two", scenario("short", 0.0), scenario("odd", 3.0, 2.0, 2.0))]
    traffic = Traffic(seed, providers, rate, START)
    first = taken(traffic, 80)
    assert first == taken(traffic, 80) == taken(Traffic(seed, providers, rate, START), 80)
    assert all(a.at <= b.at for a, b in pairwise(first))
    assert all(d.at >= 0 and d.signed_before >= 0 for d in first)


def test_the_same_seed_gives_the_same_real_events() -> None:
    first, second = (taken(Traffic(7, simulating(), 5.0, START), 300) for _ in range(2))
    assert first == second
    assert first != taken(Traffic(8, simulating(), 5.0, START), 300)


def test_it_begins_at_once() -> None:
    assert Traffic(1, [ONE], 2.0, START).__iter__().__next__().at == 0.0


@pytest.mark.parametrize("rate", [0.5, 3.0, 200.0])
def test_the_average_is_the_rate(rate: float) -> None:
    providers = [ONE, actor("two", scenario("short", 0.0)), actor("long", scenario("long", *map(float, range(12))))]
    count = 20_000
    last = taken(Traffic(3, providers, rate, START), count)[-1].at
    assert count / last == pytest.approx(rate, rel=0.1)


def test_messages_overlap_in_time() -> None:
    deliveries = taken(Traffic(5, [ONE], 4.0, START, NO_FAULTS), 400)
    changes = sum(message_of(a) != message_of(b) for a, b in pairwise(deliveries))
    assert changes > 250
    for message in {message_of(d) for d in deliveries}:
        assert [number_of(d) for d in deliveries if message_of(d) == message] in [[0, 1, 2, 3], [0, 1, 2], [0, 1], [0]]


def test_bodies_tell_the_time_of_their_posting() -> None:
    for delivery in taken(Traffic(5, [ONE], 4.0, START, NO_FAULTS), 100):
        assert json.loads(delivery.body)["at"] == pytest.approx(START.timestamp() + delivery.at, abs=1e-3)


def test_weights_and_equal_shares_of_providers() -> None:
    providers = [
        actor(
            "one", scenario("common", 0.0, weight=6), scenario("rare", 0.0, weight=2), scenario("never", 0, weight=0)
        ),
        actor("two", scenario("only", 0.0, weight=100)),
        actor("silent"),
    ]
    counts = Counter(d.scenario for d in taken(Traffic(11, providers, 10.0, START, NO_FAULTS), 8000))
    assert set(counts) == {"common", "rare", "only"}
    assert counts["only"] == pytest.approx(4000, rel=0.08)
    assert counts["common"] / counts["rare"] == pytest.approx(3, rel=0.15)


@pytest.mark.slow
def test_the_shares_of_faults() -> None:
    wanted = Faults(duplicate=0.05, bad_signature=0.04, changed_body=0.03, unsigned=0.02, out_of_order=0.2, late=0.1)
    deliveries = taken(Traffic(2, [ONE], 50.0, START, wanted), 20_000)
    messages = len({message_of(d) for d in deliveries})
    counts = Counter(d.fault for d in deliveries)
    on_time = len(deliveries) - counts[Fault.LATE] - counts[Fault.OUT_OF_ORDER] - counts[Fault.DUPLICATE]
    assert counts[Fault.LATE] / 4 == pytest.approx(messages * 0.1, rel=0.15)
    assert counts[Fault.OUT_OF_ORDER] == pytest.approx(messages * 0.9 * 0.2, rel=0.15)
    assert counts[Fault.DUPLICATE] == pytest.approx(on_time * 0.05, rel=0.15)
    assert counts[Fault.BAD_SIGNATURE] == pytest.approx(on_time * 0.04, rel=0.15)
    assert counts[Fault.CHANGED_BODY] == pytest.approx(on_time * 0.03, rel=0.15)
    assert counts[Fault.UNSIGNED] == pytest.approx(on_time * 0.02, rel=0.2)


def test_by_default_a_small_share_is_faulty_and_every_fault_occurs() -> None:
    deliveries = taken(Traffic(2, [ONE], 50.0, START), 20_000)
    counts = Counter(d.fault for d in deliveries)
    assert set(counts) == {None, *Fault}
    assert 0.05 < 1 - counts[None] / len(deliveries) < 0.15


def test_no_faults_means_none() -> None:
    assert {d.fault for d in taken(Traffic(2, [ONE], 50.0, START, NO_FAULTS), 2000)} == {None}


def test_a_duplicate_is_the_same_bytes_again_signed_when_the_first_was() -> None:
    deliveries = taken(Traffic(2, [ONE], 50.0, START, Faults(1, 0, 0, 0, 0, 0)), 2000)
    copies = [d for d in deliveries if d.fault is Fault.DUPLICATE]
    first = {d.body: d for d in deliveries if d.fault is None}
    assert len(copies) > 500
    for copy in copies:
        original = first[copy.body]
        gap = copy.at - original.at
        assert RETRY_S[0] <= gap <= RETRY_S[1]
        assert copy.signed_before == pytest.approx(gap)


def test_out_of_order_holds_an_event_back_until_after_the_next() -> None:
    deliveries = taken(Traffic(2, [ONE], 5.0, START, Faults(0, 0, 0, 0, 1, 0)), 1000)
    events = {(message_of(d), number_of(d)): d for d in deliveries}
    held_back = [key for key, delivery in events.items() if delivery.fault is Fault.OUT_OF_ORDER]
    assert len(held_back) > 200
    for message, number in held_back:
        overtaking = events[message, number + 1]
        assert events[message, number].at == pytest.approx(overtaking.at + HELD_BACK_S)
    assert all(json.loads(d.body)["at"] <= START.timestamp() + d.at + 1e-3 for d in deliveries)


def test_a_late_message_happened_and_was_signed_before() -> None:
    deliveries = taken(Traffic(2, [ONE], 5.0, START, Faults(0, 0, 0, 0, 0, 1)), 500)
    for late in deliveries:
        assert late.fault is Fault.LATE
        assert LATE_S[0] <= late.signed_before <= LATE_S[1]
        told = json.loads(late.body)["at"]
        assert told == pytest.approx(START.timestamp() + late.at - late.signed_before, abs=1e-3)


def test_scenarios_without_weight_are_never_played() -> None:
    never = actor("never", scenario("probe", 0.0, weight=0))
    assert {d.provider for d in taken(Traffic(1, [never, ONE], 5.0, START), 100)} == {"one"}
    with pytest.raises(SimulationProblem, match="no provider with scenarios"):
        Traffic(1, [never], 5.0, START)


def test_an_empty_scenario_does_not_stop_the_traffic() -> None:
    deliveries = taken(Traffic(1, [actor("odd", scenario("empty"), scenario("short", 0.0))], 5.0, START), 50)
    assert {d.scenario for d in deliveries} == {"short"}


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(SimulationProblem, match="give deliveries per second above 0"):
        Traffic(1, [ONE], rate, START)


def test_there_must_be_somebody_to_play() -> None:
    with pytest.raises(SimulationProblem, match="no provider with scenarios"):
        Traffic(1, [actor("silent")], 1.0, START)
