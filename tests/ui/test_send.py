"""Sending from the screens: everything that the command has, in a form that fits."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import click
import httpx
import pytest

from monitor.cli.send import command
from monitor.jsonbody import parse
from monitor.model.capture import Capture
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import verifying_key
from monitor.providers.registry import registry
from monitor.services.drill import Rule
from monitor.services.localkeys import LocalKeys
from monitor.services.simulate import SWITCHES, Order
from monitor.ui.screens.send import FIELDS, KEYS, SendScreen
from monitor.ui.screens.sending import SendingScreen
from tests.ui.screens import Screens, screens
from tests.ui.test_overlays import simulators


def test_the_command_and_the_overlay_offer_the_same() -> None:
    orders = {field.name for field in fields(Order)} - {"provider", "scenario"}
    assert {*KEYS, *FIELDS} == orders
    assert set(KEYS) == set(SWITCHES)
    options = {one.name: one for one in command.params if isinstance(one, click.Option)}
    assert orders <= set(options)
    assert {name: options[name].help for name in SWITCHES} == dict(SWITCHES)
    keys = [*KEYS.values(), *FIELDS.values(), "j", "k", "q"]
    assert len(keys) == len(set(keys))


def stored(s: Screens) -> list[Capture]:
    """All captures."""
    with closing(s.monitor.reader()) as reader:
        return reader.page(limit=1000)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_option_reaches_the_events(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path), size=size) as s:
        await s.press("s")
        shown = s.screen_text()
        for words in ("how many", "a second", "seed", "bad signature", "duplicate", "out of order", "unknown field",
                      "burst", "set values", "LOCAL"):  # fmt: skip
            assert words in shown
        await s.press(
            "b", "d", "u", "c", "2", "tab", *"50", "tab", *"7", "tab", *"payload.text='a b' payload.x=1", "enter"
        )
        await s.until(lambda: "answered 4 × 200" in s.toasts())
        captures = stored(s)
        assert len(captures) == 4
        volt, key = registry()["volt"], LocalKeys(tmp_path / "keys").signing_key("volt")
        keys = Keys(keys=(verifying_key(key, "local"),))
        verdicts = [volt.verify(one.request, parse(one.request.body), keys, time.time()) for one in captures]
        assert {one.status for one in verdicts} == {VerdictStatus.INVALID}
        assert len({one.request.body for one in captures}) == 2
        for capture in captures:
            assert b'"text":"a b"' in capture.request.body
            assert b'"x":1' in capture.request.body
            assert b'"hooktop_unknown"' in capture.request.body


@pytest.mark.slow
async def test_a_burst_and_out_of_order(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path)) as s:
        await s.press("s", "f", "o", "c", *"40", "enter")
        await s.until(lambda: "answered 40 × 200" in s.toasts())
        assert len(stored(s)) == 40


@pytest.mark.slow
async def test_what_cannot_be_sent_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path)) as s:
        await s.press("s")
        for keys, words in (
            (["c", "0", "enter"], "between 1 and 10,000"),
            (["backspace", "x", "enter"], "'x' is no whole number"),
            (["backspace", "tab", *"fast", "enter"], "no number of events a second"),
            ([*["backspace"] * 4, "0", "enter"], "A rate of 0 is not possible"),
            (["backspace", "tab", "tab", *"nowhere.x=1", "enter"], 'there is no "nowhere"'),
            ([*["backspace"] * 11, *"x='", "enter"], "A quotation mark is not closed"),
            ([*["backspace"] * 3, "escape", "f", "r", "5", "enter"], "A burst is as fast as can be"),
        ):
            await s.press(*keys)
            assert isinstance(s.top(), SendScreen)
            assert words in " ".join(s.screen_text().replace("│", " ").split())
        assert s.monitor.feed.stored == 0
        await s.press("escape", "escape")
        assert s.top() is s.live


@pytest.mark.slow
async def test_progress_is_seen_and_sending_can_be_stopped(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path), size=(80, 24)) as s:
        await s.press("s", "c", *"5000", "tab", *"20")
        await s.pilot.press("enter")  # and do not wait for its end
        await s.until(lambda: s.monitor.feed.stored >= 2)
        s.live.tick()
        await s.pilot.pause()
        assert "SENDING " in s.screen_text()
        await s.pilot.press("s")
        await s.until(lambda: isinstance(s.top(), SendingScreen) and "of 5,000" in s.screen_text())
        await s.pilot.press("escape", "s", "x")
        await s.until(lambda: "Stopped volt delivered" in s.toasts())
        await s.until(lambda: "it is over" in s.screen_text())
        assert s.monitor.feed.stored < 5000
        await s.press("s")
        assert s.top() is s.live
        assert "SENDING" not in s.screen_text()
        await s.press("s")
        assert isinstance(s.top(), SendScreen)


@pytest.mark.slow
async def test_no_answer_ends_it(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path)) as s:
        s.monitor.drill.begin(Rule(0))
        await s.press("s", "c", *"50", "tab", *"100", "enter")
        await s.until(lambda: "did not take the request" in s.toasts())
        assert s.monitor.feed.stored < 50
        s.monitor.drill.end()
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(s.monitor.url, content=b"{}")).status_code == 200
        await asyncio.sleep(0)
