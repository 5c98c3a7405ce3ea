"""The answer drill: what it takes, how long it lasts, what it holds up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from monitor.model.capture import RESET
from monitor.model.filter import parse
from monitor.services.drill import Drill, DrillProblem, Ended, Rule, Why, seconds_of, span, status_of
from tests.factory import make_capture

CAPTURE = make_capture()


def followed(drill: Drill) -> list[Ended]:
    """What is told of ends."""
    told: list[Ended] = []
    drill.follow(told.append)
    return told


def test_what_cannot_be_answered_is_said() -> None:
    for wrong, sentence in (
        ({"status": 199}, "give one from 200 to 599"),
        ({"status": 600}, "give one from 200 to 599"),
        ({"status": 499}, "stands for a sender who was gone"),
        ({"status": 500, "delay_s": 60.1}, "a delay of 1 min is not possible; give at most 1 min"),
        ({"status": 500, "for_s": 0.0}, "give at most 24 h"),
        ({"status": 500, "for_s": 90_000.0}, "a drill of 25 h is not possible"),
        ({"status": 500, "times": 0}, "give 1 to 1,000,000"),
    ):
        with pytest.raises(DrillProblem, match=sentence):
            Rule(**wrong)
    for text in ("", "50", "5000", "twelve", "٥٠٠", "-50"):
        with pytest.raises(DrillProblem, match="cannot be answered"):
            status_of(text)
    assert (status_of(" Reset "), status_of("503"), status_of("999")) == (RESET, 503, 999)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.5, "0.5 s"), (3, "3 s"), (600, "10 min"), (5400, "1 h 30 min"), (3661, "1 h 1 min")],
)
def test_spans_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_spans_that_were_written() -> None:
    written = [seconds_of(text) for text in ("3", " 0.5s ", "500ms", "10m", "10 min", "1h30m", "0")]
    assert written == [3, 0.5, 0.5, 600, 600, 5400, 0]
    for wrong in ("", "x", "-3s", "3 years", "٣s", "1e9"):
        with pytest.raises(DrillProblem, match="no span of time"):
            seconds_of(wrong)


def test_a_rule_says_what_it_does() -> None:
    assert Rule(500).sentence == "Answering 500 to every capture for 10 min; each is stored first all the same."
    rule = Rule(RESET, 3, parse("provider:volt"), 60, 5)
    assert rule.words == "reset after 3 s"
    assert "the next 5 of captures that pass provider:volt for 1 min" in rule.sentence


async def test_it_takes_what_passes_its_filter_as_often_as_it_is_to() -> None:
    drill = Drill()
    told = followed(drill)
    assert drill.take(CAPTURE) is None
    drill.begin(Rule(500, wanted=parse("provider:volt"), times=2))
    assert drill.take(replace(CAPTURE, provider="bird")) is None
    rules = [drill.take(CAPTURE) for _ in range(3)]
    assert [rule and rule.status for rule in rules] == [500, 500, None]
    first = rules[0]
    assert first is not None
    drill.give_back(first)  # the store did not take it
    assert drill.take(CAPTURE) is first
    assert drill.progress is not None
    assert (drill.progress.times_left, drill.progress.answered) == (2, 0)
    assert drill.answer(first) is None
    assert told == []
    assert drill.answer(first) is None
    assert [(one.why, one.progress.answered) for one in told] == [(Why.TIMES, 2)]
    assert drill.take(CAPTURE) is None


async def test_it_ends_by_itself_and_by_hand_and_never_twice() -> None:
    drill = Drill()
    told = followed(drill)
    drill.begin(Rule(500, for_s=0.02))
    async with asyncio.timeout(5):
        while drill.progress is not None:
            await asyncio.sleep(0.01)
    assert drill.take(CAPTURE) is None
    drill.begin(Rule(500))
    drill.begin(Rule(RESET))
    drill.end()
    drill.end(Why.STOPPED)
    assert [one.why for one in told] == [Why.TIME, Why.REPLACED, Why.USER]
    assert told[-1].sentence == "RESPOND reset was ended: 0 answered."


async def test_delayed_answers_are_bounded_and_leave_when_it_is_ended() -> None:
    drill = Drill(max_held=2)
    told = followed(drill)
    drill.begin(Rule(500, delay_s=60))
    rules = [drill.take(CAPTURE) for _ in range(4)]
    held = [drill.answer(rule) for rule in rules if rule is not None]
    assert [one is not None for one in held] == [True, True, False, False]
    first, second = held[:2]
    assert first is not None
    assert second is not None
    first.cancel()  # its sender left
    await asyncio.sleep(0)
    progress = drill.progress
    assert progress is not None
    assert (progress.held, progress.gone, progress.hurried, drill.held) == (1, 1, 2, 1)
    assert progress.counts == "4 answered, 1 waiting, 1 left before their answer, 2 not delayed: too many at once"
    drill.end()
    await asyncio.sleep(0)
    assert second.done()
    assert not second.cancelled()
    assert drill.held == 0
    assert told[0].progress.answered == 4


async def test_an_answer_that_waits_outlives_a_drill_whose_number_is_reached() -> None:
    drill = Drill()
    told = followed(drill)
    drill.begin(Rule(503, delay_s=0.02, times=1))
    rule = drill.take(CAPTURE)
    assert rule is not None
    held = drill.answer(rule)
    assert [one.why for one in told] == [Why.TIMES]
    assert held is not None
    assert not held.done()
    async with asyncio.timeout(5):
        await held
    assert drill.held == 0
