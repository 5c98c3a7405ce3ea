"""Replaying and comparing from the screens."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from monitor.config import ForwardConfig, ForwardRule
from monitor.model.attempt import AttemptKind, Failure
from monitor.model.capture import Capture
from monitor.model.compare import compare
from monitor.providers.registry import registry
from monitor.secret import Secret
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Settings
from monitor.services.replay import Replayer
from monitor.store.attempts import AttemptReader
from monitor.ui.documents.compare import capture_parts, comparison
from monitor.ui.documents.look import Reader
from monitor.ui.lines import plain_text
from monitor.ui.screens.compare import CompareScreen
from monitor.ui.screens.replay import Answers, AnswersScreen, ReplayScreen
from tests.factory import make_capture, make_request
from tests.forwarding.app import OK, App, Behaviour, Call, app, hang
from tests.ports import free_port
from tests.ui.screens import Screens, mixed_captures, plain_captures, screens

ERROR = b'HTTP/1.1 500 No\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok":false}'


def connectly(text: str, *, signature: str = "c2ln") -> Capture:
    """A capture whose text tells it apart."""
    body = json.dumps({"n": 1, "message": {"text": text}}).encode()
    request = make_request(
        body, path="/connectly", x_connectly_hmac_sha256=signature, authorization=f"Bearer {text}-sample"
    )
    return replace(make_capture(body=body, reading=None), id=0, provider="connectly", request=request, marks=())


@asynccontextmanager
async def scene(
    folder: Path,
    captures: Sequence[Capture],
    forward: ForwardConfig | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    settings: Settings | None = None,
) -> AsyncIterator[Screens]:
    """The screens with a replayer."""
    async with screens(folder, captures, size=size, settings=settings) as s:
        store = s.monitor.store
        local = LocalKeys(folder / "data")
        s.app.session.replayer = Replayer(store.path, store.keep, registry(), local, forward or ForwardConfig())
        yield s


def after(count: int, wait: Callable[[Call], Awaitable[object]]) -> Behaviour:
    """An app that answers 200, and waits for something first once it has answered ``count`` calls."""
    came = itertools.count()

    async def answer(call: Call) -> None:
        if next(came) >= count:
            await wait(call)
        call.writer.write(OK)

    return answer


def answers(s: Screens) -> AnswersScreen:
    """The screen of answers, which is on top."""
    assert isinstance(s.app.screen, AnswersScreen)
    return s.app.screen


async def ended(s: Screens) -> AnswersScreen:
    """The same, once nothing is under way."""
    await s.until(lambda: isinstance(s.app.screen, AnswersScreen) and not s.app.screen.running)
    shown = answers(s)
    shown._take()
    await s.pilot.pause()
    return shown


async def order(s: Screens, running: App, *keys: str) -> None:
    """Ask for a replay to an app."""
    await s.press("r")
    assert isinstance(s.app.screen, ReplayScreen)
    s.app.screen.query_one(Input).value = running.url
    await s.pilot.press(*keys)


# --- replay --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_one_capture_and_its_answer_beside_the_first(tmp_path: Path, size: tuple[int, int]) -> None:
    async with app() as running, scene(tmp_path, [connectly("hi")], size=size) as s:
        await order(s, running, "a")
        await ended(s)
        assert running.calls[0].body == connectly("hi").request.body
        assert "1 same" in s.screen_text()
        assert "hooktop itself answered 200" in s.screen_text()
        await s.press("escape")
        assert s.top() is s.live
        running.behaviour = ERROR
        await s.press("r", "enter")
        await ended(s)
        shown = s.screen_text()
        assert ("changed (200 → 500)" if size[0] > 100 else "→ ✖ 500") in shown
        assert "first answer" in shown
        for words in ("status", "200", "500", "ok", "true", "false"):
            assert words in shown
        reader = AttemptReader(s.monitor.store.path)
        assert [attempt.kind for attempt in reader.attempts(1)] == [AttemptKind.REPLAY] * 2
        reader.close()


@pytest.mark.slow
async def test_marked_ones_and_all_of_the_list(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path, [connectly(f"n{n}") for n in range(6)]) as s:
        await s.press("g", "v", "j", "v")
        assert "2 MARKED" in s.screen_text()
        assert s.screen_text().count("◆") == 2
        await order(s, running)
        assert "the marked: 2 captures" in s.screen_text()
        await s.pilot.press("a")
        await ended(s)
        assert [json.loads(call.body)["message"]["text"] for call in running.calls] == ["n0", "n2"]
        await s.press("escape", "escape")
        assert "MARKED" not in s.screen_text()
        await order(s, running, "w")
        assert "all of the list: 6 captures" in s.screen_text()
        await s.pilot.press("a")
        shown = await ended(s)
        assert len(running.calls) == 8
        assert "6 of 6" in s.screen_text()
        assert [one.attempt.capture for one in shown._list.answers] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
async def test_what_the_app_did_not_take(tmp_path: Path) -> None:
    async with app(ERROR) as running, scene(tmp_path, [connectly(f"n{n}") for n in range(6)]) as s:
        await s.press("g", "v", "j", "v")
        await order(s, running, "a")
        await ended(s)
        await s.press("escape", "escape")
        running.behaviour = OK
        await order(s, running)
        await s.until(lambda: "or not taken by your app: 2 captures" in s.screen_text())
        await s.pilot.press("w", "a")
        await ended(s)
        assert [json.loads(call.body)["message"]["text"] for call in running.calls[2:]] == ["n0", "n2"]
        await s.press("escape")
        await order(s, running)
        await s.pilot.pause(0.3)
        assert "not taken" not in s.screen_text()


@pytest.mark.slow
async def test_it_can_be_stopped_and_says_what_was_sent(tmp_path: Path) -> None:
    async with app(after(1, hang)) as running, scene(tmp_path, plain_captures(5)) as s:
        await order(s, running, "w", "a")
        await running.came(2)
        await s.until(lambda: "1 of 5" in s.screen_text())
        assert "esc stops" in s.screen_text()
        await s.pilot.press("escape")
        await ended(s)
        assert "2 of 5" in s.screen_text()
        assert "1 without an answer (ended)" in s.screen_text()
        assert "stopped, esc closes" in s.screen_text()
        await s.press("ctrl+c")
        assert s.top() is s.live


@pytest.mark.slow
async def test_a_replay_that_the_end_breaks_off_leaves_a_sentence(tmp_path: Path) -> None:
    async with app(after(1, hang)) as running, scene(tmp_path, plain_captures(5)) as s:
        await order(s, running, "w", "a")
        await running.came(2)
        await s.until(lambda: "1 of 5" in s.screen_text())
        await s.app.action_quit()
    assert s.app.session.broken_off == "The replay ended early, after 1 of its 5 captures."


@pytest.mark.slow
async def test_the_answer_that_is_read_stays_while_others_come(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async with app(after(2, lambda call: go_on.wait())) as running, scene(tmp_path, plain_captures(5)) as s:
        await order(s, running, "w", "a")
        await s.until(lambda: "2 of 5" in s.screen_text())
        await s.pilot.press("tab")
        rows = answers(s).query_one(Answers)
        before = rows.cursor
        go_on.set()
        await s.until(lambda: "5 of 5" in s.screen_text())
        assert rows.cursor == before


@pytest.mark.slow
async def test_the_newest_of_many_answers_is_in_sight_until_another_is_looked_at(tmp_path: Path) -> None:
    """Also where many come at once, and where no other list has been on the screens yet."""
    half, go_on = asyncio.Event(), asyncio.Event()

    async def waits_half_way(call: Call) -> None:
        if len(running.calls) == 61:
            half.set()
            await go_on.wait()
        call.writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")

    async with app(waits_half_way) as running, scene(tmp_path, plain_captures(90)) as s:
        await order(s, running, "w", "a")
        await half.wait()
        await s.until(lambda: "60 of 90" in s.screen_text())
        rows = answers(s)._list
        assert rows.cursor == 59
        await s.until(lambda: rows.cursor_in_sight)
        await s.pilot.press("k")
        go_on.set()
        await ended(s)
        assert rows.cursor == 58
        await s.press("G")
        assert rows.cursor == 89
        assert rows.cursor_in_sight
        await s.press("g")
        assert rows.cursor_in_sight


@pytest.mark.slow
async def test_signed_anew_it_says_that_something_else_was_sent(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path, [connectly("hi")]) as s:
        await order(s, running, "l")
        await ended(s)
        assert "signed anew with a local key" in s.screen_text()
        assert running.calls[0].values("x-connectly-hmac-sha256") != ["c2ln"]


@pytest.mark.slow
async def test_where_to_is_asked_for_and_remembered(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path, [connectly("hi")]) as s:
        await s.press("r", "a")
        assert "Say where to: u" in s.screen_text()
        await s.press("u", *"example.com", "enter")
        assert "Nothing can be sent to this address" in s.screen_text()
        await s.press("escape", "escape")
        assert s.top() is s.live
        await order(s, running, "enter")
        await ended(s)
        await s.press("escape", "r")
        assert s.app.screen.query_one(Input).value == running.url


@pytest.mark.slow
async def test_forwarding_says_where_to_and_adds_its_headers(tmp_path: Path) -> None:
    async with app() as running:
        forward = ForwardConfig(running.url, headers=(("X-Dev", Secret("sample")),))
        async with scene(tmp_path, [connectly("hi")], forward) as s:
            await s.press("r")
            assert running.url in s.screen_text()
            await s.pilot.press("a")
            await ended(s)
            assert running.calls[0].values("x-dev") == ["sample"]


@pytest.mark.slow
async def test_several_go_where_the_rules_send_each_and_that_is_said(tmp_path: Path) -> None:
    async with app() as mine, app() as big:
        forward = ForwardConfig(mine.url, rules=(ForwardRule("id:1", big.url),))
        async with scene(tmp_path, [connectly("one"), connectly("two")], forward) as s:
            await s.press("r")
            assert "the rules of forwarding" not in s.screen_text()  # of the one capture the address is shown
            await s.press("w")
            assert "the rules of forwarding name for it" in s.screen_text()
            s.app.screen.query_one(Input).value = f"{mine.url}/all"
            await s.pilot.pause()
            assert "the rules of forwarding" not in s.screen_text()
            s.app.screen.query_one(Input).value = mine.url
            await s.pilot.press("a")
            await ended(s)
            assert (len(mine.calls), len(big.calls)) == (1, 1)


@pytest.mark.slow
async def test_an_app_that_is_down(tmp_path: Path) -> None:
    async with scene(tmp_path, [connectly("hi")]) as s:
        await s.press("r")
        s.app.screen.query_one(Input).value = f"http://127.0.0.1:{free_port()}"
        await s.pilot.press("a")
        await ended(s)
        assert Failure.REFUSED.sentence in s.screen_text()
        assert "changed (200 → refused)" in s.screen_text()


@pytest.mark.slow
async def test_what_cannot_be(tmp_path: Path) -> None:
    async with scene(tmp_path, plain_captures(3)) as s:
        await s.press("x", "r")
        s.app.screen.query_one(Input).value = "http://localhost:1"
        await s.press("e")
        assert "The editor would show what the mask hides" in s.screen_text()
        await s.press("w", "e")
        assert "One capture is edited at a time" in s.screen_text()
        await s.press("escape", "x", "r")
        s.app.screen.query_one(Input).value = "http://localhost:1"
        await s.press("e")
        assert "cannot be lent to an editor" in s.toasts()  # this driver has no terminal
        assert s.top() is s.live


async def test_read_only_takes_the_key_away(tmp_path: Path) -> None:
    async with scene(tmp_path, plain_captures(1), settings=Settings(read_only=True)) as s:
        assert "replay" not in s.screen_text().splitlines()[-1]
        await s.press("r")
        assert s.top() is s.live
        assert "only watches" in s.toasts()


async def test_an_empty_list_has_nothing_to_replay_or_compare(tmp_path: Path) -> None:
    async with scene(tmp_path, []) as s:
        await s.press("r", "d", "v")
        assert s.top() is s.live
        assert "no capture to replay" in s.toasts()
        assert "no capture to compare" in s.toasts()


# --- compare -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
@pytest.mark.slow
async def test_two_presses_compare(tmp_path: Path, size: tuple[int, int]) -> None:
    async with scene(tmp_path, [connectly("first"), connectly("second")], size=size) as s:
        await s.press("d")
        assert "Marked #2: go to another capture and press d" in s.toasts()
        assert "MARKED #2" in s.screen_text()
        await s.press("k", "d")
        assert isinstance(s.app.screen, CompareScreen)
        await s.until(lambda: "message.text" in s.screen_text())
        shown = s.screen_text()
        for words in ('"first"', '"second"', "~ message.text", "Bearer ••••", "(not the same)"):
            assert words in shown
        assert "first-sample" not in shown
        assert "content-type" not in shown
        await s.press("a")
        await s.until(lambda: "content-type" in s.screen_text())
        await s.press("a", "G", "g", "escape")
        assert s.top() is s.live
        assert "MARKED" not in s.screen_text()


@pytest.mark.slow
async def test_from_the_detail_pane_and_what_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path, plain_captures(2), size=(80, 24)) as s:
        await s.press("enter", "d", "escape", "k", "enter", "d")
        assert isinstance(s.app.screen, CompareScreen)
        await s.until(lambda: "reading" in s.screen_text())
        await s.press("d")
        s.app.session.marks[77] = None
        await s.press("d")
        await s.until(lambda: "Capture 77 is no longer in the store" in s.screen_text())


def lines_of(old: Capture, new: Capture, width: int, reader: Reader | None = None, *, everything: bool = False) -> str:
    found = compare(old, new, everything=everything)
    parts = [capture_parts(capture) for capture in (old, new)]
    return plain_text(comparison(found, reader or Reader(), width, *parts))


@pytest.mark.parametrize("width", [20, 40, 76, 96, 116, 176])
def test_columns_stay_columns_whatever_is_in_them(width: int) -> None:
    old, new = connectly("one " * 60 + "你好"), connectly("two\x1b[31m\u202e " * 50)
    text = lines_of(old, new, width, everything=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if width >= 96:
        assert max(cell_len(line) for line in text.split("\n")) <= width


def test_a_mask_hides_values_and_not_that_they_differ() -> None:
    first, second = mixed_captures()[:2]
    second = replace(second, request=replace(second.request, query="phone=+15555550123"))
    shown = lines_of(first, second, 120, Reader(masked=True), everything=True)
    for secret in ("555555", "größer", "Message", '"a"'):
        assert secret not in shown
    assert "status" in shown
    plain = lines_of(first, second, 120)
    assert "555555" in plain
    masked = lines_of(connectly("one"), connectly("two"), 120, Reader(masked=True))
    assert '"••••••" (not the same)' in masked


def test_captures_that_are_alike() -> None:
    capture = make_capture(1)
    assert "nothing differs" in lines_of(capture, capture, 80)


@pytest.mark.slow
async def test_everything_is_kept_in_memory_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.ui.screens.replay.WHOLE", 2)
    monkeypatch.setattr("monitor.ui.screens.replay.LISTED", 3)
    async with app() as running, scene(tmp_path, plain_captures(4)) as s:
        await order(s, running, "w", "a")
        shown = await ended(s)
        assert [bool(one.attempt.body) for one in shown._list.answers] == [True, False, False]
        assert "4 of 4" in s.screen_text()


@pytest.mark.slow
async def test_a_body_that_is_not_held_is_not_said_to_be_none_or_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.ui.screens.replay.WHOLE", 1)
    async with app() as running, scene(tmp_path, plain_captures(3)) as s:

        async def told_of(body: bytes) -> str:
            """What is shown of the last of three answers, once the first has shown its body."""
            running.behaviour = b"HTTP/1.1 200 x\r\ncontent-length: 5\r\n\r\n" + body
            await order(s, running, "w", "a")
            await ended(s)
            await s.press("g")
            await s.until(lambda: body.decode() in s.screen_text())
            await s.press("G")
            await s.until(lambda: "the body is not held here: the Forward tab" in s.screen_text())
            shown = s.screen_text()
            await s.press("escape")
            return shown

        assert "no body" not in await told_of(b"first")
        shown = await told_of(b"again")
        assert "same status, other body" in shown
        assert "nothing differs" not in shown


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("http://localhost:3000", "http://localhost:3000/connectly"),
        ("http://localhost:3000/hooks?a=1", "'http://localhost:3000/hooks?a=1'"),
    ],
)
async def test_a_curl_line_to_the_app_is_offered_where_captures_are_passed_on(
    tmp_path: Path, url: str, whole: str
) -> None:
    async with scene(tmp_path, [connectly("hello")], ForwardConfig(url)) as s:
        await s.press("y")
        assert "sends them to localhost:3000" in s.screen_text()
        await s.press("a")
        assert s.app.clipboard.endswith(f" {whole}")
    async with scene(tmp_path / "alone", [connectly("hello")]) as s:
        await s.press("y")
        assert "curl to app" not in s.screen_text()
