"""Alerts over a real store: when they are told, and what their commands are given."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.config import Alert as Rule
from monitor.config import ConfigError
from monitor.model.capture import Capture
from monitor.model.reading import Direction, MessageError, Status
from monitor.model.verdict import VerdictStatus
from monitor.services.alert_commands import MAX_RUNNING, Commands, environment, filled
from monitor.services.alerts import Alert, Alerts
from monitor.store import projection
from monitor.store.connection import connect
from monitor.store.message_reader import MessageReader
from monitor.store.store import Store
from monitor.times import utc_now
from tests.factory import make_capture, storing
from tests.services.histories import told

FAILED = Rule("status:failed", toast=True)


class Timer:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """Alerts on a running store, and what they told."""

    def __init__(self, store: Store, rules: Sequence[Rule]) -> None:
        self.store = store
        self.timer = Timer()
        self.told: list[Alert] = []
        self.alerts = Alerts(rules, lambda: MessageReader(store.path), self.told.append, timer=self.timer)

    async def add(self, *captures: Capture, later: float = 2) -> list[str]:
        """Store captures so much later, wait until they were looked at; gives the summaries of what was told."""
        self.timer.now += later
        before = len(self.told)
        for capture in captures:
            await self.store.add(capture)
        await self.store.caught_up()
        with closing(MessageReader(self.store.path)) as reader:
            last = reader.last_id()
        await until(lambda: self.alerts.seen >= last)
        return [alert.summary for alert in self.told[before:]]


@asynccontextmanager
async def scene(path: Path, *rules: Rule, before: Sequence[Capture] = ()) -> AsyncIterator[Scene]:
    """Alerts by these rules, with captures that were there before."""
    async with storing(path) as store:
        for capture in before:
            await store.add(capture)
        await store.caught_up()
        found = Scene(store, rules)
        found.alerts.start()
        store.follow(found.alerts.offer)
        try:
            yield found
        finally:
            await found.alerts.stop()


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_message_alerts_when_it_begins_to_match(tmp_path: Path) -> None:
    spam = MessageError("40002", "702", title="Blocked as \x1b[31mspam")
    async with scene(tmp_path / "h.db", FAILED, before=[told("old", Status.FAILED)]) as at:
        assert await at.add(told("a", Status.SENT)) == []
        [summary] = await at.add(told("a", Status.FAILED, error=spam))
        assert summary == "volt failed to +15555550123 40002 702 Blocked as ␛[31mspam: text of a"
        assert (at.told[0].id, at.told[0].provider, at.told[0].status) == ("volt:a", "volt", "failed")
        again = told("a", Status.FAILED, error=spam)
        assert await at.add(replace(again, request=replace(again.request, body=b"again"))) == []
        assert await at.add(told("old", Status.SENT)) == []
        assert await at.add(told("b", Status.FAILED, verdict=VerdictStatus.INVALID)) == []  # forged: moves nothing


async def test_a_message_alerts_when_time_lets_it_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.services.alerts.AGES_EVERY_S", 0.05)
    monkeypatch.setattr("monitor.services.patience.PATIENCE", 0)
    now = utc_now()
    monkeypatch.setattr("monitor.services.alerts.utc_now", lambda: now)

    def heard(name: str, status: Status, ago: float = 0) -> Capture:
        return replace(told(name, status), received_at=now - timedelta(seconds=ago))

    async with scene(tmp_path / "h.db", before=[heard("old", Status.SENT, 300)]) as at:
        at.alerts.add(Rule("status:sent age>1m", toast=True))
        for name, status, ago in (("a", Status.SENT, 59.5), ("b", Status.DELIVERED, 59.5), ("c", Status.SENT, 0)):
            assert await at.add(heard(name, status, ago)) == []
        now += timedelta(seconds=0.6)
        at.timer.now += 2
        await until(lambda: bool(at.told))
        at.timer.now += 2
        assert await at.add(heard("d", Status.SENT)) == []
        assert [(one.id, one.suppressed) for one in at.told] == [("volt:a", 0)]


async def test_messages_that_are_worked_out_anew_are_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.services.alerts.AGES_EVERY_S", 0)
    monkeypatch.setattr("monitor.services.patience.PATIENCE", 0)
    rule = Rule("status:sent age>1m", toast=True)
    olds = [replace(told(name, Status.SENT), received_at=utc_now() - timedelta(minutes=5)) for name in "abc"]
    async with scene(tmp_path / "h.db", rule, before=olds) as at:

        def slowly(capture: Capture) -> Capture:
            time.sleep(0.2)
            return capture

        await at.store.reread(slowly)
        await at.store.caught_up()
        await asyncio.sleep(0.2)
        assert at.told == []
    with closing(connect(tmp_path / "h.db", read_only=False)) as db:  # as where hooktop ended in the middle of that
        projection.clear(db)
        db.commit()
    async with storing(tmp_path / "h.db") as store:
        store._writer.hold(True)  # type: ignore[union-attr]  # not up to date before the alerts begin
        again = Scene(store, [rule])
        again.alerts.start()
        again.alerts.add(Rule("status:sent age>2m", toast=True))
        store._writer.hold(False)  # type: ignore[union-attr]
        await store.caught_up()
        await asyncio.sleep(0.2)
        await again.alerts.stop()
        assert again.told == []


async def test_what_is_too_many_to_be_known_is_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.services.alerts.AGES_EVERY_S", 0)
    monkeypatch.setattr("monitor.services.patience.PATIENCE", 0)
    monkeypatch.setattr("monitor.services.alerts.MAX_KNOWN", 2)
    olds = [replace(told(name, Status.SENT), received_at=utc_now() - timedelta(minutes=5)) for name in "abc"]
    async with scene(tmp_path / "h.db", Rule("status:sent age>1m", toast=True), before=olds) as at:
        assert await at.add(told("c", Status.DELIVERED)) == []
        await asyncio.sleep(0.2)
        assert at.told == []


async def test_captures_alert_each_where_the_filter_is_for_captures(tmp_path: Path) -> None:
    async with scene(tmp_path / "h.db", Rule("verdict:invalid", bell=True), Rule("provider:bird", toast=True)) as at:
        assert await at.add(told("a", Status.SENT)) == []
        [one] = await at.add(told("a", Status.FAILED, verdict=VerdictStatus.INVALID))
        assert one.startswith("volt e failed")
        assert (at.told[-1].id, at.told[-1].rule.bell) == ("cap_2", True)
        assert len(await at.add(told("b", Status.SENT, provider="bird"))) == 1
        assert len(await at.add(told("b", Status.DELIVERED, provider="bird"))) == 1


async def test_what_tells_of_no_message_alerts_by_itself(tmp_path: Path) -> None:
    plain = make_capture(body=b"1")
    assert plain.reading is not None
    reading = replace(plain.reading, message=None, aliases=(), text="", media=(), mark=None)
    async with scene(tmp_path / "h.db", FAILED, Rule("text:hello", toast=True)) as at:
        assert len(await at.add(replace(plain, reading=reading))) == 1
        # OneRoute's messages have no key: the message alone is told of, not its capture, too
        said = replace(reading, text="hello", direction=Direction.INBOUND, status=Status.RECEIVED, error=None)
        assert len(await at.add(replace(make_capture(body=b"2"), reading=said, provider="oneroute"))) == 1
        assert at.told[-1].id.startswith("oneroute:sha256:")


async def test_a_message_without_a_key_and_a_text_alerts_once(tmp_path: Path) -> None:
    plain = make_capture(body=b"1")
    assert plain.reading is not None
    sticker = replace(plain.reading, message=None, aliases=(), text=None, media=(), mark=None, error=None)
    inbound = replace(sticker, direction=Direction.INBOUND, status=Status.RECEIVED)
    own = replace(sticker, status=None)
    async with scene(tmp_path / "h.db", Rule("channel:sms party:*", toast=True)) as at:
        for body, reading in ((b"2", inbound), (b"3", own)):
            await at.add(replace(make_capture(body=body), reading=reading, provider="oneroute"))
        assert [(one.of_message, one.suppressed) for one in at.told] == [(True, 0), (True, 0)]


async def test_a_flood_is_told_once_a_second_with_how_many_were_not(tmp_path: Path) -> None:
    async with scene(tmp_path / "h.db", FAILED) as at:
        for n in range(20):
            await at.add(told(f"a{n}", Status.FAILED), later=0.01)
        assert len(at.told) == 1
        await at.add(told("b", Status.FAILED))
        assert [alert.suppressed for alert in at.told] == [0, 19]


async def test_a_rule_is_added_while_captures_come_and_may_be_off_for_a_while(tmp_path: Path) -> None:
    async with scene(tmp_path / "h.db", before=[told("old", Status.FAILED)]) as at:
        await at.store.add(told("a", Status.FAILED))
        await at.store.caught_up()
        watch = at.alerts.add(FAILED)
        await until(lambda: watch.learnt)  # what comes sooner may begin to match
        assert await at.add(told("old", Status.FAILED), told("a", Status.SENT)) == []
        [first] = await at.add(told("b", Status.FAILED))
        watch.on = False
        assert await at.add(told("c", Status.FAILED)) == []
        watch.on = True
        assert await at.add(told("c", Status.FAILED)) == []  # which began to match while nobody asked
        [last] = await at.add(told("d", Status.FAILED), make_capture(reading=None))
        assert [one.summary for one in at.alerts.recent] == [first, last]
        assert (watch.told, watch.suppressed) == (2, 0)
        at.alerts.add(Rule("verdict:verified", toast=True))
        await at.add(told("e", Status.SENT))
        numbers = [(one.id, one.number, one.of_message) for one in at.alerts.recent]
        assert numbers[1] == ("volt:d", 8, True)
        assert numbers[2] == ("cap_10", 10, False)


@pytest.mark.parametrize("asked", ["touched_messages", "message_ids"])
async def test_what_begins_to_match_while_a_rule_learns_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    loop, asks = asyncio.get_running_loop(), getattr(MessageReader, asked)
    async with scene(tmp_path / "h.db", before=[told("a", Status.SENT)]) as at:

        async def comes() -> None:
            monkeypatch.undo()
            await at.store.add(told("a", Status.FAILED))
            await at.store.caught_up()

        def meanwhile(*args: object) -> object:
            found = asks(*args)
            asyncio.run_coroutine_threadsafe(comes(), loop).result(20)
            return found

        monkeypatch.setattr(MessageReader, asked, meanwhile)
        at.alerts.add(FAILED)
        await until(lambda: at.alerts.seen >= 2)
        assert [one.id for one in at.told] == ["volt:a"]


async def test_whoever_cannot_show_an_alert_keeps_none_from_being_told(tmp_path: Path) -> None:
    def broken(alert: Alert) -> None:
        raise RuntimeError(alert.id)

    async with scene(tmp_path / "h.db", FAILED) as at:
        at.alerts.on_alert = broken
        await at.add(told("a", Status.FAILED))
        assert at.alerts.errors == 1
        at.alerts.on_alert = at.told.append
        assert len(await at.add(told("b", Status.FAILED))) == 1


async def test_a_command_gets_visible_words_and_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRD_ACCESS_KEY", "canary")
    monkeypatch.setenv("HOOKTOP_DB", "canary")
    out = tmp_path / "out.json"
    script = "import json, os, sys; json.dump([sys.argv[2:], dict(os.environ)], open(sys.argv[1] + '~', 'w')); "
    script += "os.rename(sys.argv[1] + '~', sys.argv[1])"
    rule = Rule("status:failed", command=(sys.executable, "-c", script, str(out), "{summary}", "{id} {nothing}"))
    hostile = told("a", Status.FAILED, to="$(touch x); `id`")
    assert hostile.reading is not None
    text = "\x1b]52;c;aGk=\x07\u202e{status}\0 & " + "x" * 500
    async with scene(tmp_path / "h.db", rule) as at:
        await at.add(replace(hostile, reading=replace(hostile.reading, text=text)))
        await until(out.exists)
        await until(lambda: at.alerts.commands.running == 0)
    (summary, number), environ = json.loads(out.read_text())
    assert summary.startswith("volt failed to $(touch x); `id`: ␛]52;c;aGk=␇\\u202e{status}␀ & xxx")
    assert len(summary) <= 200
    assert number == "volt:a {nothing}"
    assert "canary" not in json.dumps(environ)
    assert environ["PATH"]
    assert at.alerts.errors == 0


async def test_commands_are_few_short_and_their_failures_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    commands = Commands(limit_s=0.2)
    endless = (sys.executable, "-c", "import time; time.sleep(600)")
    started = [commands.start(endless, {}) for _ in range(MAX_RUNNING + 2)]
    assert started == [True] * MAX_RUNNING + [False] * 2
    await until(lambda: commands.running == 0)
    assert commands.errors == MAX_RUNNING
    for words in (("/nowhere/none",), (sys.executable, "-c", "raise SystemExit(3)"), ("a\0b",)):
        assert commands.start(words, {})
    await until(lambda: commands.running == 0)
    assert commands.errors == MAX_RUNNING + 3
    assert "/nowhere/none of an alert is not there: install it, or name another" in caplog.text


async def test_stopping_ends_what_runs() -> None:
    commands = Commands(grace_s=0)
    assert commands.start((sys.executable, "-c", "import time; time.sleep(600)"), {})
    await commands.stop()
    assert commands.running == 0


def test_a_placeholder_is_filled_once() -> None:
    values = {"summary": "{id}\n-x", "id": "cap_1"}
    assert filled("a {summary} {id} {other} {", values) == "a {id}␊-x cap_1 {other} {"
    assert len(filled("{summary}", {"summary": "\u202e" * 300})) == 200


def test_only_what_is_known_to_be_harmless_is_passed_on() -> None:
    ours = {"PATH": "/bin", "LC_ALL": "C", "VOLT_API_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "x", "HOOKTOP_PORT": "1"}
    assert environment(ours) == {"PATH": "/bin", "LC_ALL": "C"}


def test_a_filter_that_is_wrong_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"\[alerts 2\] in the configuration is wrong at column 1: .*mean status"):
        Alerts([FAILED, Rule("statis:x", bell=True)], lambda: pytest.fail("not opened"))
    with pytest.raises(ConfigError, match=r"\[alerts 1\] .* column 17: duplicate is noticed of messages"):
        Alerts([Rule("verdict:missing mark:duplicate", bell=True)], lambda: pytest.fail("not opened"))
    with pytest.raises(ConfigError, match=r"\[alerts 1\] .* column 17: .* known of stored captures only"):
        Alerts([Rule("verdict:missing app:500", bell=True)], lambda: pytest.fail("not opened"))
