"""Everything stored is judged anew while somebody looks at it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.account import Account
from monitor.model.capture import Capture
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.services.examine import Examiner
from monitor.services.monitor import Settings
from monitor.ui.screens.rejudge import RejudgeScreen
from tests.admin.server import http, served
from tests.cli.processes import event, signed
from tests.factory import FixedKeys
from tests.ui.screens import Screens, plain_captures, screens
from tests.ui.webhooks import view

SECRET = b"sample-secret-of-a-test"


def know(s: Screens) -> None:
    """Let the keys of today be there, as when an account was added."""
    keys = FixedKeys(None, connectly=Keys(keys=(secret_key(SECRET, "a test"),)))
    s.monitor.examiner = Examiner(registry(), keys, lambda body, value: False)


async def deliver(s: Screens, number: int) -> None:
    """Post signed webhooks of which nobody can say yet whether they are real."""
    async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as http:
        body = event("connectly")
        for _ in range(number):
            answer = await http.post("/connectly", content=body, headers=dict(signed("connectly", SECRET, body, "")))
            assert answer.status_code == 200
    await s.monitor.store.caught_up()
    s.live.tick()
    await s.settle()


async def test_a_key_that_came_later_proves_what_is_stored(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(180, 50)) as s:
        await deliver(s, 3)
        await s.until(lambda: s.screen_text().count("no key") >= 5)  # the line of states, three rows, the summary
        await s.press("V")
        assert isinstance(s.app.screen, RejudgeScreen)
        assert "3 captures, with the keys and settings of today" in s.screen_text()
        assert "0 verified now, 3 not" in s.screen_text()
        await s.press("escape")
        assert s.monitor.feed.verdicts[VerdictStatus.NO_KEY] == 3
        know(s)
        await s.press("V", "enter")
        await s.until(lambda: not isinstance(s.app.screen, RejudgeScreen))
        assert "Judged 3 captures anew: 3 changed, 3 more are verified." in s.toasts()
        await s.until(lambda: "✔ 3 verified" in s.screen_text() and "no key" not in s.screen_text())
        await s.press("slash", *"verdict:no_key", "enter")
        await s.until(lambda: "Nothing passes this filter" in s.screen_text())
        await s.press("V", "enter")
        await s.until(lambda: "Judged 3 captures anew: nothing changed." in s.toasts())


@pytest.mark.slow
async def test_the_filter_in_force_is_asked_again(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(100, 30)) as s:
        await deliver(s, 2)
        await s.press("slash", *"verdict:no_key", "enter")
        await s.until(lambda: len(s.app.session.view) == 2)
        know(s)
        await s.press("V", "enter")
        await s.until(lambda: len(s.app.session.view) == 0)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (100, 30)])
async def test_messages_are_worked_out_anew_in_sight(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, size=size) as s:
        await deliver(s, 2)
        await s.press("2", "enter")
        await s.until(lambda: "signature not proven" in s.screen_text())
        know(s)
        await s.press("V", "enter")
        await s.until(lambda: "● received" in s.screen_text() and "not proven" not in s.screen_text())


async def test_it_is_broken_off_and_captures_come_in_meanwhile(tmp_path: Path) -> None:
    go_on, begun = threading.Event(), threading.Event()
    async with screens(tmp_path, plain_captures(250)) as s:

        def again(capture: Capture) -> Capture:
            if capture.id == 150:
                begun.set()
                go_on.wait(20)
            return capture

        s.monitor.examiner.again = again  # type: ignore[method-assign]
        await s.press("V")
        await s.pilot.press("enter")
        await asyncio.to_thread(begun.wait, 20)
        assert "esc breaks it off" in s.screen_text()
        assert "150" not in s.toasts()
        await s.pilot.press("escape")
        async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as http:
            assert (await http.post("/generic", content=b"{}")).status_code == 200
        assert isinstance(s.app.screen, RejudgeScreen)
        go_on.set()
        await s.until(lambda: "Judged 200 captures anew: nothing changed. It was broken off." in s.toasts())
        assert s.monitor.feed.total == 251


@pytest.mark.slow
async def test_where_nothing_is_to_be_judged(tmp_path: Path) -> None:
    async with screens(tmp_path) as s:
        await s.press("V")
        assert "Nothing is stored yet" in s.toasts()
    async with screens(tmp_path, plain_captures(1), settings=Settings(read_only=True)) as s:
        await s.press("V")
        assert "only watches" in s.toasts()
        assert not isinstance(s.app.screen, RejudgeScreen)


@pytest.mark.slow
async def test_a_key_that_its_provider_publishes_is_fetched_first(tmp_path: Path) -> None:
    key, body = registry()["volt"].local_key(), event("volt")
    assert not isinstance(key, bytes)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    answers = iter((http(b"no key", "404 Not Found"), http(pem)))

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    async with served(answer) as (url, _):
        accounts = [Account("volt", "volt", public_key=url)]
        async with view(tmp_path, accounts=lambda _: accounts) as s:
            async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as client:
                headers = dict(signed("volt", key, body, ""))
                assert (await client.post("/volt", content=body, headers=headers)).status_code == 200
            await s.press("V")
            await s.shows("f fetches the key of volt   enter judges them")
            await s.press("f")
            await s.until(lambda: "404" in s.toasts())
            await s.shows("f fetches the key of volt   enter judges them")
            await s.press("f")
            await s.until(lambda: "is the first for volt and trusted from now on" in s.toasts())
            await s.until(lambda: "f fetches" not in s.screen_text())
            await s.press("enter")
            await s.until(lambda: "Judged 1 capture anew: 1 changed, 1 more are verified." in s.toasts())


async def test_a_key_file_that_came_later_is_read(tmp_path: Path) -> None:
    key, body, file = registry()["volt"].local_key(), event("volt"), tmp_path / "volt.pem"
    assert not isinstance(key, bytes)
    accounts = [Account("volt", "volt", public_key=str(file))]
    async with view(tmp_path, accounts=lambda _: accounts) as s:
        async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as http:
            await http.post("/volt", content=body, headers=dict(signed("volt", key, body, "")))
        await s.press("1")
        await s.until(lambda: "? 1 no key" in s.screen_text())
        file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        await s.press("V", "enter")
        await s.until(lambda: "Judged 1 capture anew: 1 changed, 1 more are verified." in s.toasts())


async def test_how_far_judging_came_that_the_end_of_the_screens_broke_off_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(tmp_path, plain_captures(5)) as s:
        told = asyncio.Event()

        async def reread(again: object, progress: Callable[[int, int], None], **_: object) -> None:
            progress(3, 5)
            told.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(s.monitor.store, "reread", reread)
        await s.press("V")
        await s.pilot.press("enter")
        await told.wait()
        await s.app.action_quit()
    assert s.app.session.broken_off == "Judging anew ended early, after 3 of 5; 'hooktop reindex' judges all."
