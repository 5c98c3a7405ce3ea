"""Replay: stored captures to real apps and to hooktop itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor import tasks
from monitor.config import Config, ConfigError, ForwardConfig, ForwardRule
from monitor.forwarding.target import target_of
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import LOCAL_MARK, STAMP_HEADER, Capture, Origin, Source
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.secret import Secret
from monitor.services import replay
from monitor.services.examine import Examiner
from monitor.services.keychain import Keychain
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Monitor, Settings
from monitor.services.reach import Reach
from monitor.services.replay import Replayer, ReplayProblem, Wish
from monitor.services.replayed import Outcome, Replayed, words
from monitor.store.attempts import AttemptReader
from monitor.store.errors import StoreUnavailableError
from monitor.store.store import Store
from tests.factory import START, FixedKeys, make_capture, make_request
from tests.forwarding.app import Call, app, hang
from tests.forwarding.app import closing as closes
from tests.ports import free_port

SECRET = b"connectly-test-secret"
CONNECTLY = Keys(keys=(secret_key(SECRET, "account"),))
BODY = b'{"timestamp":"1639083206","message":{"text":"hi"}}'


class LocalSecrets(FixedKeys):
    """The keys of accounts as a test gives them, and those of this installation."""

    def __init__(self, local: LocalKeys, **keys: Keys) -> None:
        super().__init__(None, **keys)
        self._chain = Keychain(Config(), None, local)

    def local_keys(self, provider: str) -> Keys:
        """The real ones."""
        return self._chain.local_keys(provider)


class Scene:
    """A running hooktop, and a replayer over its store."""

    def __init__(self, monitor: Monitor, local: LocalKeys) -> None:
        self.monitor = monitor
        self.local = local
        self.told: list[Replayed] = []
        self.replayer = self.made(ForwardConfig())

    def made(self, forward: ForwardConfig, public_url: str | None = None) -> Replayer:
        store = self.monitor.store
        return Replayer(store.path, store.keep, registry(), self.local, forward, lambda: public_url)

    async def add(self, *captures: Capture) -> list[Capture]:
        return [await self.monitor.store.add(capture) for capture in captures]

    async def replay(self, numbers: Sequence[int], to: str | None = None, **wish: Any) -> Outcome:
        self.told.clear()
        return await self.replayer.replay(numbers, Wish(to, **wish), told=lambda one, _: self.told.append(one))

    def attempts(self, number: int) -> list[Attempt]:
        with closing(AttemptReader(self.monitor.store.path)) as reader:
            return reader.attempts(number)

    async def capture(self, number: int) -> Capture:
        with closing(self.monitor.reader()) as reader:
            found = reader.capture(number)
        assert found is not None
        return found


@asynccontextmanager
async def scene(folder: Path, **keys: Keys) -> AsyncIterator[Scene]:
    local = LocalKeys(folder / "data")
    store = Store.open(folder / "h.db")
    examiner = Examiner(registry(), LocalSecrets(local, **keys), local.is_stamp)
    monitor = Monitor(store, examiner, bind("127.0.0.1", 0), Settings(), Reach(None, None, local))
    await monitor.start()
    try:
        yield Scene(monitor, local)
    finally:
        await monitor.stop()


def connectly(body: bytes = BODY) -> Capture:
    """A real delivery, signed with the account's key."""
    signed = registry()["connectly"].sign(body, SECRET, url="", at=0)
    request = replace(make_request(body, path="/connectly", authorization="Bearer x"), query="a=%7e&b")
    request = replace(request, headers=(*request.headers, *signed))
    return replace(make_capture(body=body), provider="connectly", request=request, origin=Origin(None, "127.0.0.1"))


# --- byte for byte -------------------------------------------------------------------------------------------------


async def test_stored_bytes_are_sent_and_the_answer_stands_beside_the_first(tmp_path: Path) -> None:
    body = bytes(range(256))
    async with app() as running, scene(tmp_path) as s:
        [capture] = await s.add(connectly(body))
        outcome = await s.replay([capture.id], running.url)
        [call] = running.calls
        assert (outcome.sent, outcome.same, outcome.changed, outcome.failed) == (1, 1, 0, 0)
        assert call.body == body
        assert call.line == "POST /connectly?a=%7e&b HTTP/1.1"
        assert [header for header in call.headers if header in capture.request.headers] == list(capture.request.headers)
        [one] = s.told
        assert one.before == 200  # what hooktop answered, since no app did
        [kept] = s.attempts(capture.id)
        assert replace(kept, id=0) == one.attempt
        assert (kept.kind, kept.status, kept.body, kept.changed) == (AttemptKind.REPLAY, 200, b'{"ok":true}', False)

        running.behaviour = closes(b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\nboom")
        outcome = await s.replay([capture.id], running.url)
        assert (outcome.same, outcome.changed) == (0, 1)
        [one] = s.told
        assert isinstance(one.before, Attempt)
        assert replace(one.before, id=0) == replace(kept, id=0)
        assert one.change.words == "changed (200 → 500)"
        assert one.attempt.body == b"boom"
        assert words(outcome) == "1 changed"


async def test_captures_come_one_after_another_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    under_way = 0

    async def slow(call: Call) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.005)
        under_way -= 1
        call.writer.write(b"HTTP/1.1 204 x\r\n\r\n")

    async with app(slow) as running, scene(tmp_path) as s:
        captures = await s.add(*(connectly(b"%d" % n) for n in range(10)))
        numbers = [capture.id for capture in reversed(captures)]
        outcome = await s.replay(numbers, running.url)
        assert [int(call.body) for call in running.calls] == list(range(10))[::-1]
        assert outcome.changed == 10  # 200 by hooktop, 204 now
        assert [one.attempt.capture for one in s.told] == numbers


async def test_none_overtakes_another_however_close_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = AttemptReader.first_answer

    def late(reader: AttemptReader, number: int) -> Attempt | None:
        time.sleep((0.05, 0.0, 0.02)[number % 3])
        return read(reader, number)

    monkeypatch.setattr(AttemptReader, "first_answer", late)

    async def slow(call: Call) -> None:
        await asyncio.sleep(0.02 * (int(call.body) % 4))
        call.writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")

    async with app(slow) as running, scene(tmp_path) as s:
        numbers = [one.id for one in await s.add(*(connectly(b"%d" % n) for n in range(12)))]
        await s.replay(numbers, running.url, rate=5_000)
        assert [int(call.body) for call in running.calls] == list(range(12))


@pytest.mark.parametrize("timed", [True, False])
async def test_a_pace_is_kept_though_the_app_is_slow(tmp_path: Path, timed: bool) -> None:
    arrived: list[float] = []
    all_came = asyncio.Event()  # one after another would wait for it for ever

    async def slow(call: Call) -> None:
        arrived.append(time.monotonic())
        if len(arrived) == 4:
            all_came.set()
        await all_came.wait()
        call.writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")

    async with app(slow) as running, scene(tmp_path) as s:
        gaps = [0.0, 2.0, 2.0, 6.0]
        captures = [replace(connectly(), received_at=START + timedelta(seconds=gap)) for gap in gaps]
        numbers = [capture.id for capture in await s.add(*captures)]
        wish: dict[str, float | bool] = {"timed": True, "speed": 10.0} if timed else {"rate": 5.0}
        begun = time.monotonic()
        outcome = await s.replay(numbers, running.url, **wish)
    wanted = [gap / 10 for gap in gaps] if timed else [0.0, 0.2, 0.4, 0.6]
    assert all(at - begun >= due for at, due in zip(arrived, wanted, strict=True))
    assert outcome.same == 4
    assert 0 < outcome.rate < 20


async def test_an_app_that_takes_no_connection_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LEAVE_S", 0.05)
    async with app(hang) as running, scene(tmp_path) as s:  # it waits for the request, we for its half of TLS
        s.replayer = s.made(ForwardConfig(timeout=timedelta(seconds=1)))
        numbers = [capture.id for capture in await s.add(*(connectly() for _ in range(8)))]
        begun = time.monotonic()
        outcome = await s.replay(numbers, running.url.replace("http:", "https:"), rate=50.0)
        assert outcome.unanswered == {Failure.TIMEOUT: 8}
        assert time.monotonic() - begun < 5  # one after another would take 8 s


# --- where to ------------------------------------------------------------------------------------------------------


async def test_by_default_a_capture_goes_where_forwarding_sends_it(tmp_path: Path) -> None:
    headers = (("X-Dev", Secret("dev-secret")),)
    async with app() as mine, app() as big, app() as other, scene(tmp_path) as s:
        rules = (ForwardRule("size>100", big.url + "/big"),)
        s.replayer = s.made(ForwardConfig(mine.url, timedelta(seconds=5), headers, rules=rules))
        small, large = await s.add(connectly(), connectly(b"x" * 200))
        await s.replay([small.id, large.id])
        assert [call.values("x-dev") for call in (*mine.calls, *big.calls)] == [["dev-secret"], ["dev-secret"]]
        assert big.calls[0].line.startswith("POST /big ")
        await s.replay([small.id], other.url)
        assert other.calls[0].values("x-dev") == []  # they are for the app that the configuration names
        await s.replay([small.id], mine.url + "/again")
        await s.replay([small.id], big.url)
        assert [call.values("x-dev") for call in (mine.calls[1], big.calls[1])] == [["dev-secret"], ["dev-secret"]]
        s.replayer = s.made(ForwardConfig(rules=rules))
        outcome = await s.replay([small.id, large.id, 99])
        assert (outcome.sent, outcome.gone, outcome.done) == (1, 2, 3)
        assert words(outcome) == "1 same, 2 not sent (no longer there, no rule for them)"
        assert words(await s.replay([small.id])) == "1 not sent (no rule for them)"
        assert words(await s.replay([99, 100])) == "2 not sent (no longer there)"


@pytest.mark.parametrize("rules", [(), (ForwardRule("size>100", "http://169.254.169.254"),)])
async def test_addresses_of_forwarding_that_nothing_is_sent_to_are_said_first(
    tmp_path: Path, rules: tuple[ForwardRule, ...]
) -> None:
    async with scene(tmp_path) as s:
        with pytest.raises(ConfigError, match="Nothing can be passed on to"):
            s.made(ForwardConfig(None if rules else "http://0.0.0.0:3000", rules=rules))


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (None, "There is no app that captures are passed on to; give the address of yours with --to"),
        ("localhost:3000", "Nothing can be sent to this address: it must begin with http:// or https://"),
        ("http://169.254.169.254/", "where machines ask for their own secrets"),
        ("http://user@localhost/", "a user name or password"),
    ],
)
async def test_no_address_and_bad_ones_are_said_before_anything_is_sent(
    tmp_path: Path, to: str | None, sentence: str
) -> None:
    async with scene(tmp_path) as s:
        await s.add(connectly())
        with pytest.raises(ReplayProblem, match=sentence):
            await s.replay([1], to)
        assert s.told == []


# --- what goes wrong -----------------------------------------------------------------------------------------------


async def test_an_app_that_is_down_is_a_state(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        numbers = [capture.id for capture in await s.add(connectly(), connectly())]
        outcome = await s.replay(numbers, f"http://127.0.0.1:{free_port()}")
        assert (outcome.failed, outcome.done) == (2, 2)
        assert words(outcome) == "2 without an answer (refused)"
        assert [one.change.words for one in s.told] == ["changed (200 → refused)"] * 2
        assert [attempt.failure for attempt in s.attempts(numbers[1])] == [Failure.REFUSED]


async def test_an_app_that_never_answers_is_not_asked_a_thousand_times(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        numbers = [capture.id for capture in await s.add(*(connectly() for _ in range(20)))]
        to = f"http://127.0.0.1:{free_port()}"
        outcome = await s.replay(numbers, to)
        assert (outcome.failed, outcome.given_up) == (10, True)
        assert words(outcome) == "10 without an answer (refused), given up after 10 in a row"
        outcome = await s.replay(numbers[:10], to)
        assert words(outcome) == "10 without an answer (refused)"  # nothing was left that was not sent
        outcome = await s.replay(numbers, to, rate=1_000)  # as traffic goes on when an app is started anew
        assert (outcome.failed, outcome.given_up) == (20, False)


async def test_an_app_that_never_answers_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path) as s:
        down = f"http://127.0.0.1:{free_port()}"
        s.replayer = s.made(ForwardConfig(running.url, rules=(ForwardRule("size>100", down),)))
        numbers = [c.id for c in await s.add(*(connectly(BODY + b" " * 100) for _ in range(15)), connectly())]
        outcome = await s.replay(numbers)
        assert (outcome.same, outcome.failed, outcome.given_up) == (1, 10, True)
        assert len(running.calls) == 1
        assert [bool(s.attempts(number)) for number in numbers] == [True] * 10 + [False] * 5 + [True]


async def test_it_can_be_broken_off_and_what_was_under_way_is_kept_as_that(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path) as s:
        numbers = [capture.id for capture in await s.add(*(connectly() for _ in range(5)))]
        stop = asyncio.Event()

        async def third(call: Call) -> None:
            if len(running.calls) < 3:
                call.writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")
            else:
                stop.set()
                await hang(call)

        running.behaviour = third
        outcome = await s.replayer.replay(numbers, Wish(running.url), stop=stop)
        assert (outcome.wanted, outcome.done, outcome.same) == (5, 3, 2)
        assert outcome.unanswered == {Failure.ENDED: 1}
        assert [len(s.attempts(number)) for number in numbers] == [1, 1, 1, 0, 0]
        assert s.attempts(numbers[2])[0].failure is Failure.ENDED


async def test_what_was_under_way_when_all_ends_is_kept_as_that(tmp_path: Path) -> None:
    async with app(hang) as running, scene(tmp_path) as s:
        [capture] = await s.add(connectly())
        replay = tasks.start(s.replayer.replay([capture.id], Wish(running.url)), "replay")
        await running.came(1)
        replay.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replay
        assert [attempt.failure for attempt in s.attempts(capture.id)] == [Failure.ENDED]


async def test_answers_that_cannot_be_kept_are_counted_and_shown_all_the_same(tmp_path: Path) -> None:
    async def full(attempts: Sequence[Attempt]) -> None:
        raise StoreUnavailableError("the disk is full")

    async with app() as running, scene(tmp_path) as s:
        await s.add(connectly())
        s.replayer = Replayer(s.monitor.store.path, full, registry(), s.local, ForwardConfig())
        outcome = await s.replay([1], running.url)
        assert (outcome.same, outcome.unkept, outcome.trouble) == (1, 1, "the disk is full")


# --- edited and signed anew ----------------------------------------------------------------------------------------


async def test_an_edited_request_is_sent_in_place_of_the_captured_one(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path) as s:
        [capture] = await s.add(connectly())
        changed = replace(capture.request, body=b'{"edited":true}', path="/elsewhere", query="")
        await s.replayer.replay([capture.id], Wish(running.url), edited=changed)
        [call] = running.calls
        assert (call.line, call.body) == ("POST /elsewhere HTTP/1.1", changed.body)
        assert call.values("content-length") == [str(len(changed.body))]
        [kept] = s.attempts(capture.id)
        assert kept.changed
        assert (await s.capture(capture.id)).request == capture.request


@pytest.mark.parametrize("name", [one.name for one in registry() if one.signature_headers])
async def test_signed_anew_it_verifies_with_the_local_key_and_with_no_other(tmp_path: Path, name: str) -> None:
    async with app() as running, scene(tmp_path) as s:
        provider = registry()[name]
        signed = provider.sign(b"other", provider.local_key(), url="http://other.example.com/", at=0)
        old = [(header, "of the provider") for header in (*provider.signature_headers, *dict(signed))]
        request = replace(make_request(BODY, path=f"/{name}"), headers=(("x-kept", "1"), *old))
        [capture] = await s.add(replace(connectly(), provider=name, request=request))
        await s.replay([capture.id], running.url, resign=True)
        [call] = running.calls
        assert "of the provider" not in call.head.decode("latin-1")
        assert call.values("x-kept") == ["1"]
        assert s.attempts(capture.id)[0].changed
        got = replace(request, headers=tuple((header.lower(), value) for header, value in call.headers))
        found = Examiner(registry(), LocalSecrets(s.local), s.local.is_stamp).examine(got, received_at=START)
        assert (found.source, found.verdict.status, found.marks) == (
            Source.REPLAYED, VerdictStatus.VERIFIED, (LOCAL_MARK,),
        )  # fmt: skip
        without = replace(got, headers=tuple(header for header in got.headers if header[0] != STAMP_HEADER))
        found = Examiner(registry(), LocalSecrets(s.local), s.local.is_stamp).examine(without, received_at=START)
        assert found.source is Source.NETWORK
        assert found.verdict.status is not VerdictStatus.VERIFIED


async def test_what_nobody_signs_is_sent_as_it_is(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path) as s:
        [capture] = await s.add(replace(connectly(), provider="generic"))
        await s.replay([capture.id], running.url, resign=True)
        assert not s.attempts(capture.id)[0].changed


# --- into hooktop itself -------------------------------------------------------------------------------------------


async def test_into_our_own_receiver_it_comes_as_a_replay_and_verifies_as_it_did(tmp_path: Path) -> None:
    async with scene(tmp_path, connectly=CONNECTLY) as s:
        async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as client:
            signed = registry()["connectly"].sign(BODY, SECRET, url="", at=0)
            await client.post("/connectly", content=BODY, headers=signed)
            forged = await client.post("/connectly", content=b"{}", headers=signed)
            assert forged.status_code == 200
        await s.replay([1, 2], s.monitor.url)
        first, again, wrong = [await s.capture(number) for number in (1, 3, 4)]
        assert (first.source, first.verdict.status) == (Source.NETWORK, VerdictStatus.VERIFIED)
        assert (again.source, again.marks) == (Source.REPLAYED, ())
        assert replace(again.verdict, checks=()) == replace(first.verdict, checks=())
        assert again.request.body == BODY
        assert (wrong.source, wrong.verdict.status) == (Source.REPLAYED, VerdictStatus.INVALID)
        # a replay of a replay is one, too, and judged as the first
        await s.replay([3], s.monitor.url)
        third = await s.capture(5)
        assert (third.source, third.verdict.status) == (Source.REPLAYED, VerdictStatus.VERIFIED)
        # edited without a new signature, it does not verify; signed anew it is labelled
        changed = replace(first.request, body=b'{"edited":1}')
        await s.replayer.replay([1], Wish(s.monitor.url), edited=changed)
        await s.replayer.replay([1], Wish(s.monitor.url, resign=True), edited=changed)
        plain, resigned = [await s.capture(number) for number in (6, 7)]
        assert (plain.source, plain.verdict.status, plain.marks) == (Source.REPLAYED, VerdictStatus.INVALID, ())
        assert (resigned.verdict.status, resigned.marks) == (VerdictStatus.VERIFIED, (LOCAL_MARK,))


async def test_the_stamp_goes_to_this_machine_and_to_our_public_address_alone(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        [capture] = await s.add(connectly())
        s.replayer = s.made(ForwardConfig(), "https://a1b2.example.com")

        def stamped(url: str) -> bool:
            return bool(s.replayer.stamp(capture, capture.request, target_of(url), resigned=False))

        assert stamped(s.monitor.url)
        assert stamped("http://localhost:3000")
        assert stamped("https://a1b2.example.com/volt")
        assert not stamped("https://example.com")
        assert not stamped("http://192.168.1.7:8787")


async def test_a_simulated_capture_stays_local_when_it_is_replayed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        async with httpx.AsyncClient(base_url=s.monitor.url, trust_env=False) as client:
            url, key = f"{s.monitor.url}/bird", s.local.signing_key("bird")
            headers = registry()["bird"].sign(BODY, key, url=url, at=time.time())
            await client.post("/bird", content=BODY, headers=[*headers, (STAMP_HEADER, s.local.stamp(BODY))])
        await s.replay([1], s.monitor.url)
        first, again = [await s.capture(number) for number in (1, 2)]
        assert (first.source, first.verdict.status) == (Source.SIMULATED, VerdictStatus.VERIFIED)
        assert (again.source, again.verdict.status, again.marks) == (
            Source.REPLAYED, VerdictStatus.VERIFIED, (LOCAL_MARK,),
        )  # fmt: skip


async def test_thousands_go_without_growing(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path) as s:
        numbers = [one.id for one in await asyncio.gather(*(s.monitor.store.add(connectly()) for _ in range(300)))]
        outcome = await s.replay(numbers, running.url, rate=5_000)
        assert (outcome.same, outcome.failed, outcome.unkept) == (300, 0, 0)
        assert sorted(one.attempt.capture for one in s.told) == numbers
        assert [len(s.attempts(number)) for number in numbers[::50]] == [1] * 6
