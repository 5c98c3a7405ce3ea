"""The Forward tab, the app on the status line, and the key that turns forwarding off and on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import ForwardConfig
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.services.forwards import Forwards, ForwardState
from monitor.services.monitor import Settings
from monitor.ui.documents.forward import SHOWN, forward
from monitor.ui.documents.look import Reader
from monitor.ui.format import outcome, took
from monitor.ui.inspector import FORWARD
from monitor.ui.lines import plain_text
from monitor.ui.painted import cells
from monitor.ui.status import facts_of, status_lines
from tests.factory import START, make_capture, running
from tests.forwarding.app import OK, app, hang
from tests.ports import free_port
from tests.ui.screens import NOW, Screens, plain_captures, screens
from tests.ui.test_documents import visible_only
from tests.ui.test_status import FACTS, text

OPEN, MASKED = Reader(), Reader(masked=True)
ANSWER = Attempt(
    1, AttemptKind.FORWARD, "http://localhost:3000/volt?to=15555550123", START, 0.0123, 500,
    headers=(("Content-Type", "application/json"), ("Set-Cookie", "session=s3cret"), ("X-To", "+15555550123")),
    body=b'{"error":{"to":"+15555550123"}}', size=31,
)  # fmt: skip


def shown(*attempts: Attempt, reader: Reader = OPEN, raw: bool = False) -> str:
    return plain_text(forward(attempts, reader, "nothing", raw=raw).lines)


# --- the document --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("utc")
def test_an_answer_is_shown_with_what_it_took_its_headers_and_its_body() -> None:
    document = forward([ANSWER], OPEN, "nothing")
    found = plain_text(document.lines)
    for expected in (
        "✖ 500   12 ms\nforwarded    2026-01-31 12:00:00.123\nto  ", "http://localhost:3000/volt?to=15555550123",
        "Content-Type  application/json", "Set-Cookie    ••••", '  "error": {', '    "to": "+15555550123"',
    ):  # fmt: skip
        assert expected in found
    assert "s3cret" not in found
    for start, end in document.folds.items():  # folds are those of the body, in their new places
        assert document.lines[start].text.rstrip().endswith("{")
        assert document.lines[end].text.strip() == "}"
    assert len(document.folds) == 2


def test_what_failed_says_why() -> None:
    refused = replace(ANSWER, took_s=None, status=None, failure=Failure.REFUSED, headers=(), body=b"", size=0)
    assert "✖ refused" in shown(refused)
    assert "connection refused: nothing listens there" in shown(refused)
    assert "not forwarded: queue full" in shown(replace(refused, failure=Failure.DROPPED))
    broken = shown(replace(ANSWER, failure=Failure.BROKEN, detail="the connection was reset\x1b[2J"))
    assert "✖ broken off" in broken
    assert "the connection was reset␛[2J" in broken
    assert "Content-Type" in broken
    assert shown() == "nothing"


def test_a_redirect_says_where_to() -> None:
    found = shown(replace(ANSWER, status=302, headers=(("Location", "https://user:pw@evil.example.com/x"),), body=b""))
    assert "→ 302" in found
    assert "to evil.example.com; not followed" in found
    for location, where in (("/here", "another path"), ("http://[", "another path")):
        assert f"to {where};" in shown(replace(ANSWER, status=301, headers=(("location", location),)))


@pytest.mark.usefixtures("utc")
def test_the_newest_comes_first_and_many_are_counted() -> None:
    many = [replace(ANSWER, status=200 + n % 5, took_s=n / 1000) for n in range(SHOWN + 7)]
    found = shown(*many)
    assert found.index(f"{SHOWN + 6} ms") < found.index(f"{SHOWN + 5} ms")
    assert "… 7 before" in found
    assert found.count("Content-Type") == 3
    assert "replayed     2026-01-31 12:00:00.123  changed" in shown(
        replace(ANSWER, kind=AttemptKind.REPLAY, changed=True)
    )


def test_a_long_answer_is_cut_and_says_so() -> None:
    body = json.dumps({"n": ["x" * 50] * 2000}).encode()[: 64 * 1024]
    found = shown(replace(ANSWER, body=body, size=3_200_000))
    assert "the first 65.5 KB of 3.2 MB" in found
    packed = shown(replace(ANSWER, headers=(("content-encoding", "gzip"),), body=b"\x1f\x8b\x08\x00"))
    assert "encoded: gzip, 4 B; shown as it came" in packed


def test_a_masked_answer_shows_its_shape_only() -> None:
    for attempt in (ANSWER, replace(ANSWER, failure=Failure.BROKEN, detail="+15555550123")):
        for raw in (False, True):
            assert "555555" not in shown(attempt, reader=MASKED, raw=raw)
    assert "t0ken-of-the-path" not in shown(
        replace(ANSWER, url="http://localhost/volt/t0ken-of-the-path"), reader=Reader(token="t0ken-of-the-path")
    )


@given(
    st.text(max_size=40), st.binary(max_size=200), st.sampled_from([None, *Failure]), st.sampled_from([None, 200, 302])
)
def test_any_answer_is_shown_as_visible_lines(
    name: str, data: bytes, failure: Failure | None, status: int | None
) -> None:
    value = data.decode("latin-1")
    attempt = replace(
        ANSWER, url="http://x/" + value, status=status, failure=failure, detail=name,
        headers=((name, value), ("location", value), ("content-encoding", name)), body=data, size=len(data) * 2,
    )  # fmt: skip
    for reader in (OPEN, MASKED):
        for raw in (False, True):
            assert visible_only(list(forward([attempt], reader, "", raw=raw).lines))


def test_outcomes_and_times() -> None:
    assert outcome(replace(ANSWER, status=204)) == ("✔", "204", "good")
    assert outcome(replace(ANSWER, status=302)) == ("→", "302", "warn")
    assert outcome(ANSWER) == ("✖", "500", "bad")
    assert outcome(replace(ANSWER, failure=Failure.TIMEOUT)) == ("✖", "timeout", "bad")
    assert outcome(replace(ANSWER, failure=Failure.OFF)) == ("–", "off", "quiet")
    assert [took(seconds) for seconds in (0.0004, 0.0123, 1.2)] == ["0 ms", "12 ms", "1.20 s"]


# --- the status line -----------------------------------------------------------------------------------------------


async def facts(tmp_path: Path, state: ForwardState, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    forwards = Forwards(ForwardConfig("http://localhost:3000"))
    monkeypatch.setattr(Forwards, "state", property(lambda self: state))
    async with running(tmp_path / "x.db", None, forwards) as monitor:
        made = facts_of(monitor, NOW, [])
    return text(replace(FACTS, modes=made.modes, forward=made.forward), width)[1]


FINE = ForwardState("localhost:3000", True, False, replace(ANSWER, status=200), 0, 0)


@pytest.mark.parametrize(
    ("state", "width", "says"),
    [
        (FINE, 120, "forward localhost:3000 ✔ 200 12 ms"),
        (FINE, 80, "forward ✔ 200"),
        (replace(FINE, last=None), 120, "forward localhost:3000"),
        (replace(FINE, last=replace(ANSWER, failure=Failure.REFUSED)), 120, "forward localhost:3000 ✖ refused"),
        (replace(FINE, waiting=12), 120, "✔ 200 12 ms 12 waiting"),
        (replace(FINE, last=None, waiting=992), 120, "forward localhost:3000 992 waiting"),
        (replace(FINE, dropped=1200), 120, "1,200 dropped"),
        (replace(FINE, dropped=1200), 60, "1,200 dropped"),
        (replace(FINE, waits=True), 60, "FORWARD-WAIT"),
        (replace(FINE, on=False, waits=True), 60, "FORWARD OFF"),
    ],
)
async def test_the_app_is_on_the_status_line(
    tmp_path: Path, state: ForwardState, width: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await facts(tmp_path, state, width, monkeypatch)
    assert says in line
    assert "1,187" in line
    assert len(line) <= width
    if not state.on:
        assert "localhost" not in line


@pytest.mark.parametrize("width", range(30, 200, 5))
def test_the_app_leaves_where_there_is_no_room(width: int) -> None:
    form = ((("forward ", "quiet"), ("a-long-name.example.com:3000", "plain"), (" ✔ 200 12 ms", "good")),)
    modes = (("RECEIVER DOWN", "alarm"), ("PAUSED 37 waiting", "chip"))
    made = replace(FACTS, modes=modes, forward=form)
    for parts in status_lines(made, width, tall=True):
        assert cells(parts) <= width
    second = text(made, width)[1]
    assert "RECEIVER DOWN" in second or width < 40
    assert ("forward" in second) == ("12 ms" in second)


# --- in the app ----------------------------------------------------------------------------------------------------


async def open_forward_tab(s: Screens) -> None:
    await s.press("enter", "left")
    assert s.detail.tab == FORWARD


@pytest.mark.slow
async def test_the_answer_appears_beside_its_capture_and_the_key_turns_it_off(tmp_path: Path) -> None:
    async with app() as target:
        forwards = Forwards(ForwardConfig(target.url, timedelta(seconds=5)))
        async with screens(tmp_path, size=(120, 40), forwards=forwards) as s:
            target.behaviour = hang
            await s.add(*plain_captures(1))
            await open_forward_tab(s)
            assert "not answered yet" in s.pane_text()
            await target.came(1)
            target.calls[0].writer.write(b"HTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\nhello")
            await s.until(lambda: "✔ 201" in s.pane_text())
            assert "hello" in s.pane_text()
            s.live.tick()
            await s.until(lambda: "✔ 201" in s.screen_text().splitlines()[1])
            assert f"forward 127.0.0.1:{target.port}" in s.screen_text().splitlines()[1]
            await s.press("escape", "F")
            turned = [forwards.on]
            await s.until(lambda: "FORWARD OFF" in s.screen_text())
            await s.add(*plain_captures(1))
            await s.press("G", "enter")
            await s.until(lambda: "not forwarded: forwarding was off" in s.pane_text())
            await s.press("escape", "F")
            turned.append(forwards.on)
        assert turned == [False, True]
        assert len(target.calls) == 1


async def test_what_is_under_way_when_forwarding_is_turned_off_is_not_called_off(tmp_path: Path) -> None:
    async with app() as target:
        forwards = Forwards(ForwardConfig(target.url, timedelta(seconds=5)))
        async with screens(tmp_path, size=(120, 40), forwards=forwards) as s:
            target.behaviour = hang
            await s.add(*plain_captures(1))
            await target.came(1)
            await s.press("F")
            await open_forward_tab(s)
            await s.until(lambda: "not answered yet" in s.pane_text())
            await s.press("escape")
            await s.add(*plain_captures(1))
            await s.press("G", "F")
            await s.until(lambda: "not forwarded: forwarding was off when it came" in s.pane_text())
            target.calls[0].writer.write(b"HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n")
            await s.press("g")
            await s.until(lambda: "✔ 201" in s.pane_text())
            assert not forwards.awaits(1)


async def test_an_app_that_is_down_is_a_state_of_one_line(tmp_path: Path) -> None:
    forwards = Forwards(ForwardConfig(f"http://127.0.0.1:{free_port()}"))
    async with screens(tmp_path, size=(120, 40), forwards=forwards) as s:
        await s.add(*plain_captures(30))
        await s.until(lambda: "✖ refused" in s.screen_text().splitlines()[1])
        assert s.toasts() == ""
        await open_forward_tab(s)
        await s.until(lambda: "✖ " in s.pane_text())


async def test_the_list_says_what_the_app_answered_last(tmp_path: Path) -> None:
    def column(s: Screens) -> list[str]:
        heading, *rows = (line for line in s.screen_text().splitlines()[2:])
        at = heading.index(" app") + 1
        return [row[at : at + 3].strip() for row in rows[: len(s.app.session.view)]]

    async with app() as target:
        forwards = Forwards(ForwardConfig(target.url, timedelta(seconds=5)))
        async with screens(tmp_path, size=(120, 40), forwards=forwards) as s:
            target.behaviour = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            await s.add(*plain_captures(1))
            await s.until(lambda: column(s) == ["500"])
            target.behaviour = OK
            await s.add(*plain_captures(1))
            await s.until(lambda: column(s) == ["500", "200"])
            again = Attempt(1, AttemptKind.REPLAY, target.url, START, 0.01, 204)  # by another program
            await s.monitor.store.keep([again, replace(again, capture=2, status=None, failure=Failure.REFUSED)])
            await s.until(lambda: column(s) == ["204", "✖"])


async def test_an_answer_that_is_known_only_later_comes_into_the_summary_that_is_open(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(2), size=(120, 40)) as s:
        await s.until(lambda: "answered 200" in s.pane_text())
        await s.monitor.store.keep([], {2: 503})  # as where the app was waited for
        await s.until(lambda: "answered 503" in s.pane_text())


async def test_a_list_that_nothing_is_passed_on_from_has_no_such_column(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1), size=(120, 40)) as s:
        assert " app" not in s.screen_text().splitlines()[2]


@pytest.mark.slow
@pytest.mark.parametrize("read_only", [False, True])
async def test_without_an_app_or_only_watching_the_key_says_so(tmp_path: Path, read_only: bool) -> None:
    forwards = Forwards(ForwardConfig("http://127.0.0.1:9")) if read_only else None
    settings = Settings(read_only=read_only)
    async with screens(tmp_path, [make_capture()], size=(120, 40), settings=settings, forwards=forwards) as s:
        await s.press("F")
        said = s.toasts()
        assert ("only watches" if read_only else "--forward http://localhost:3000") in said
        await open_forward_tab(s)
        assert ("forwarded" if read_only else "not forwarded: hooktop was started without") in s.pane_text()
    assert forwards is None or forwards.on
