"""Forwarding beside a real receiver, to apps that may do anything: receiving never notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from monitor import tasks
from monitor.config import ConfigError, ForwardConfig, ForwardRule
from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.target import target_of
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import STAMP_HEADER, Capture, Source
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.receiver import server
from monitor.secret import KeyringSecret, Secret
from monitor.services import forwards as service
from monitor.services import keyring, lane
from monitor.services.drill import Rule
from monitor.services.forwards import Forwards, relayed
from monitor.services.monitor import Monitor, Settings
from monitor.store.attempts import AttemptReader
from tests.deadlines import LONG_S, long_deadlines
from tests.factory import START, make_capture, running
from tests.forwarding.app import OK, App, Behaviour, Call, app, hang, reset
from tests.ports import free_port

TIMEOUT = timedelta(seconds=5)
CONNECTLY = Keys(keys=(secret_key(b"connectly-test-secret", "test"),))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts are kept sooner, and the end comes sooner."""
    monkeypatch.setattr(service, "KEEP_S", 0.01)
    monkeypatch.setattr(service, "END_S", 0.2)


class Scene:
    """A monitor that forwards, and a client that plays the provider."""

    def __init__(self, monitor: Monitor, client: httpx.AsyncClient) -> None:
        self.monitor = monitor
        self.client = client
        assert monitor.forwards is not None
        self.forwards = monitor.forwards

    async def post(self, body: bytes = b"{}", path: str = "/volt", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await self.client.post(path, content=body, headers=named)).status_code

    def attempts(self, capture: int) -> list[Attempt]:
        with closing(AttemptReader(self.monitor.store.path)) as reader:
            return reader.attempts(capture)

    async def kept(self, capture: int) -> Attempt:
        """The attempt of a capture, once it is kept."""
        async with asyncio.timeout(10):
            while not (found := self.attempts(capture)):
                await asyncio.sleep(0.01)
        assert len(found) == 1
        return found[0]

    async def all_kept(self, number: int) -> dict[int, Attempt]:
        """The attempts of the captures from 1 to ``number``."""
        return {n: await self.kept(n) for n in range(1, number + 1)}


@asynccontextmanager
async def scene(folder: Path, config: ForwardConfig, settings: Settings | None = None) -> AsyncIterator[Scene]:
    async with (
        running(folder / "h.db", settings, Forwards(config), connectly=CONNECTLY) as monitor,
        httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10) as client,
    ):
        yield Scene(monitor, client)


def to(running: App, *, wait: bool = False, timeout: timedelta = TIMEOUT) -> ForwardConfig:
    return ForwardConfig(running.url, timeout, wait=wait)


# --- what arrives, and what is kept --------------------------------------------------------------------------------


async def test_captures_go_on_byte_for_byte_and_the_answer_is_kept(tmp_path: Path) -> None:
    config_headers = (("X-Dev", Secret("dev-secret")),)
    body = bytes(range(256))
    async with app() as running:
        config = ForwardConfig(running.url, TIMEOUT, config_headers)
        async with scene(tmp_path, config) as s:
            sent = {"x_volt_signature": "YWJj+/==", "user_agent": "Volt/1.0", "connection": "x-hop", "x_hop": "1"}
            assert await s.post(body, "/volt/x%20y?a=%7e", **sent, x_hooktop_local="stamp") == 200
            attempt = await s.kept(1)
            (call,) = running.calls
            with closing(s.monitor.reader()) as reader:
                capture = reader.capture(1)
    assert capture is not None
    assert call.body == body
    assert call.line == "POST /volt/x%20y?a=%7e HTTP/1.1"
    assert call.values("x-volt-signature") == ["YWJj+/=="]
    assert call.values("x-dev") == ["dev-secret"]
    assert call.values("x-hooktop-capture") == ["1"]
    assert call.values("x-forwarded-host") == [s.monitor.url.removeprefix("http://")]
    for gone in ("x-hop", STAMP_HEADER):
        assert call.values(gone) == []
    original = [(n, v) for n, v in capture.request.headers if n not in ("host", "connection", "x-hop", STAMP_HEADER)]
    assert [header for header in call.headers if header in original] == original
    assert capture.source is Source.SIMULATED
    assert (attempt.capture, attempt.kind, attempt.status) == (1, AttemptKind.FORWARD, 200)
    assert attempt.body == b'{"ok":true}'
    assert attempt.url == f"{running.url}/volt/x%20y?a=%7e"
    assert attempt.took_s is not None
    assert b"dev-secret" not in s.monitor.store.path.read_bytes()


async def test_the_first_rule_that_a_capture_passes_says_where(tmp_path: Path) -> None:
    async with app() as volt, app() as big, app() as others:
        rules = (ForwardRule("provider:volt", volt.url + "/v"), ForwardRule("size>100", big.url))
        async with scene(tmp_path, ForwardConfig(others.url, TIMEOUT, rules=rules)) as s:
            assert [target.port for target in s.forwards.targets] == [volt.port, big.port, others.port]
            await s.post(b"x" * 200, "/volt")
            await s.post(b"x" * 200, "/bird")
            await s.post(b"{}", "/bird")
            await s.all_kept(3)
        async with scene(tmp_path, ForwardConfig(None, TIMEOUT, rules=rules[:1])) as s:
            await s.post(b"{}", "/bird")
            await s.post(b"{}", "/volt")
            await s.kept(5)
            assert s.attempts(4) == []
        found = [[call.line.split()[1] for call in one.calls] for one in (volt, big, others)]
    assert found == [["/v", "/v"], ["/bird"], ["/bird"]]


async def test_what_is_turned_away_or_imported_or_goes_round_is_not_sent(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path, to(running), Settings(enforce=True)) as s:
        assert await s.post(b"{}", "/connectly") == 401
        await s.monitor.store.add(replace(make_capture(), source=Source.IMPORTED))
        hops = [("x-hooktop-capture", "1"), ("X-Hooktop-Capture", "2"), ("x-hooktop-capture", "3")]
        assert (await s.client.post("/generic", content=b"{}", headers=hops)).status_code == 200
        assert (await s.kept(3)).failure is Failure.CIRCLE
        assert (await s.client.post("/generic", content=b"{}", headers=hops[:2])).status_code == 200
        assert (await s.kept(4)).fine
        assert (s.attempts(1), s.attempts(2)) == ([], [])
        assert [call.values("x-hooktop-capture") for call in running.calls] == [["4"]]
        assert [call.values("x-hooktop-hops") for call in running.calls] == [["3"]]


@pytest.mark.parametrize("status", [401, 403])
async def test_what_a_drill_answers_401_goes_to_the_app_all_the_same(tmp_path: Path, status: int) -> None:
    async with app() as running, scene(tmp_path, to(running), Settings(enforce=True)) as s:
        s.monitor.drill.begin(Rule(status))
        assert await s.post(path="/generic") == status
        assert (await s.kept(1)).fine
        assert await s.post(path="/connectly") == 401
        assert await s.post(path="/generic") == status
        assert (await s.kept(3)).fine
        assert s.attempts(2) == []


# --- receiving never notices ---------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_thousand_captures_arrive_once_each(tmp_path: Path) -> None:
    number = 1000
    async with app() as running, scene(tmp_path, to(running)) as s:
        assert await flood(s.monitor, number) == [200] * number
        async with asyncio.timeout(30):
            while len(running.calls) + s.forwards.state.dropped < number:
                await asyncio.sleep(0.02)
        await s.kept(number)
        assert s.forwards.state.dropped == 0
        assert sorted(int(call.body) for call in running.calls) == list(range(number))
        assert running.connections <= lane.WORKERS
        assert s.forwards.counts == {"200": number}
        assert s.forwards.lost == 0


async def flood(monitor: Monitor, number: int, connections: int = 8) -> list[int]:
    """Post numbered bodies as fast as they are answered; gives the statuses."""
    statuses: list[int] = []
    numbers = iter(range(number))

    async def post() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
        for n in numbers:
            body = b"%d" % n
            writer.write(b"POST /volt HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b'{"status":"stored"}'))
            statuses.append(int(head.split()[1]))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(post() for _ in range(connections)))
    return statuses


@pytest.mark.parametrize("behaviour", [hang, reset], ids=["hanging", "resetting"])
async def test_an_app_in_trouble_costs_no_answer(tmp_path: Path, behaviour: Behaviour) -> None:
    minutes = ForwardConfig(None, timedelta(minutes=5))
    async with app() as running:
        running.behaviour = behaviour
        config = ForwardConfig(running.url, minutes.timeout)
        async with scene(tmp_path, config) as s:
            async with asyncio.timeout(10):  # the app has five minutes
                assert await flood(s.monitor, 200) == [200] * 200
            assert s.monitor.store.healthy
            if behaviour is reset:
                assert {a.failure for a in (await s.all_kept(200)).values()} == {Failure.BROKEN}
            else:
                await running.came(lane.WORKERS)
                assert s.forwards.state.waiting == 200 - lane.WORKERS
    if behaviour is hang:  # when hooktop ends it says of each what became of it
        assert {a.failure for a in (await s.all_kept(200)).values()} == {Failure.ENDED}


async def test_past_a_full_queue_captures_are_not_forwarded_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "QUEUE", 5)
    async with app(hang) as running, scene(tmp_path, to(running)) as s:
        total = lane.WORKERS + 5 + 7
        for n in range(total):
            assert await s.post(b"%d" % n) == 200
            await asyncio.sleep(0)
        dropped = [await s.kept(n) for n in range(total - 6, total + 1)]
        assert {attempt.failure for attempt in dropped} == {Failure.DROPPED}
        assert dropped[0].failure is not None
        assert dropped[0].failure.sentence == "not forwarded: queue full"
        assert s.forwards.state.dropped == 7
        assert s.forwards.state.waiting == 5


async def test_large_bodies_fill_the_queue_by_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "QUEUE_BYTES", 1000)
    async with app(hang) as running, scene(tmp_path, to(running)) as s:
        for _ in range(lane.WORKERS):
            await s.post(b"x" * 100)
        await running.came(lane.WORKERS)
        await s.post(b"x" * 2000)  # one that is larger than all of it has its turn
        await s.post(b"x")
        assert (await s.kept(lane.WORKERS + 2)).failure is Failure.DROPPED
        assert s.forwards.state.waiting == 1


async def test_an_app_that_is_down_is_looked_for_now_and_then(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    config = ForwardConfig(f"http://127.0.0.1:{port}", TIMEOUT)
    async with scene(tmp_path, config) as s:
        assert await flood(s.monitor, 300) == [200] * 300
        found = [attempt.failure for attempt in (await s.all_kept(300)).values()]
        assert set(found) == {Failure.REFUSED, Failure.DOWN}
        state = s.forwards.state
        assert state.last is not None
        assert state.last.failure is Failure.REFUSED  # what is really the matter
        async with app(port=port) as running:
            async with asyncio.timeout(10):
                while not running.calls:
                    await s.post()
                    await asyncio.sleep(0.05)
            assert await s.post() == 200
            await running.came(2)
    said = [record.getMessage() for record in caplog.records if record.name == lane.__name__]
    assert len([text for text in said if "takes no captures: connection refused" in text]) == 1
    assert len([text for text in said if "takes captures again" in text]) == 1


async def test_what_comes_while_an_app_that_was_down_is_looked_for_goes_to_it_too(tmp_path: Path) -> None:
    async def slow_at_first(call: Call) -> None:
        if len(started.calls) == 1:
            await asyncio.sleep(2.5 * lane.RETRY_S)  # longer than until the next look
        call.writer.write(OK)

    port = free_port()
    async with scene(tmp_path, ForwardConfig(f"http://127.0.0.1:{port}", TIMEOUT)) as s:
        await s.post()
        assert (await s.kept(1)).failure is Failure.REFUSED
        async with app(slow_at_first, port=port) as started:
            await asyncio.sleep(2 * lane.RETRY_S)
            await flood(s.monitor, 20)
            found = await s.all_kept(21)
        assert {attempt.status for number, attempt in found.items() if number > 1} == {200}


async def test_an_older_exchange_that_fails_ends_no_look_at_an_app_that_was_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "RETRY_S", 0.0)
    ends = [asyncio.get_running_loop().create_future() for _ in range(3)]
    tried: list[int] = []

    async def pass_on(_: Forwarder, capture: Capture, url: str) -> Attempt:
        tried.append(capture.id)
        number = len(tried)
        failure = await ends[number - 1] if number <= len(ends) else None
        return Attempt(capture.id, AttemptKind.FORWARD, url, START, status=None if failure else 200, failure=failure)

    monkeypatch.setattr(Forwarder, "pass_on", pass_on)

    async def on_its_way(number: int) -> None:
        async with asyncio.timeout(10):
            while len(tried) < number:
                await asyncio.sleep(0.01)

    done: list[Attempt] = []
    async with Forwarder() as forwarder:
        one = lane.Lane(target_of("http://127.0.0.1:1"), forwarder, done.append)
        one.put(make_capture(1))
        one.put(make_capture(2))
        await on_its_way(2)
        ends[1].set_result(Failure.REFUSED)
        async with asyncio.timeout(10):
            while not done:
                await asyncio.sleep(0.01)
        monkeypatch.setattr(lane, "RETRY_S", 60.0)
        one.put(make_capture(3))
        await on_its_way(3)  # it looks
        ends[0].set_result(Failure.UNREACHABLE)  # of when the app was down
        one.put(make_capture(4))
        await asyncio.sleep(0.1)
        ends[2].set_result(None)
        await one.end(10)
    assert {attempt.capture: attempt.failure for attempt in done} == {
        1: Failure.UNREACHABLE, 2: Failure.REFUSED, 3: None, 4: None,
    }  # fmt: skip


async def test_a_second_app_does_not_wait_for_the_first(tmp_path: Path) -> None:
    async with app(hang) as stuck, app() as well:
        rules = (ForwardRule("provider:volt", stuck.url),)
        async with scene(tmp_path, ForwardConfig(well.url, TIMEOUT, rules=rules)) as s:
            for _ in range(lane.WORKERS + 1):
                await s.post(path="/volt")
            await s.post(path="/bird")
            assert (await s.kept(lane.WORKERS + 2)).fine


async def test_the_time_is_the_app_s_and_not_the_queue_s(tmp_path: Path) -> None:
    opened = asyncio.Event()

    async def slow_at_first(call: Call) -> None:
        await opened.wait()
        call.writer.write(OK)

    async with app(slow_at_first) as running, scene(tmp_path, to(running)) as s:
        number = lane.WORKERS * 5
        await flood(s.monitor, number)
        await running.came(lane.WORKERS)
        await asyncio.sleep(1)  # the others wait in the queue
        opened.set()
        times = sorted(attempt.took_s or 0 for attempt in (await s.all_kept(number)).values())
        assert times[-lane.WORKERS] >= 1
        assert times[number // 2] < 1


# --- answering with the app's status -------------------------------------------------------------------------------


STATUSES = {
    b"200 OK": 200, b"202 Accepted": 202, b"204 No Content": 204, b"205 Reset Content": 205, b"400 Bad Request": 400,
    b"410 Gone": 410, b"429 Slow Down": 429, b"500 Oops": 500, b"302 Found": 502, b"304 Not Modified": 502,
}  # fmt: skip


async def test_the_provider_gets_the_app_s_status_when_asked_for(tmp_path: Path) -> None:
    async with app() as running, scene(tmp_path, to(running, wait=True)) as s:
        for line, status in STATUSES.items():
            running.behaviour = b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\nX-From: app\r\n\r\n"
            # On one connection: whatever the status, the next answer is in its place.
            answered = await s.client.post("/volt", content=b"{}")
            assert answered.status_code == status
            assert answered.content == (b"" if status in (204, 205) else b'{"status":"stored"}')
            assert ("content-length" in answered.headers) == (status != 204)
            assert "x-from" not in answered.headers
        attempts = await s.all_kept(len(STATUSES))
        assert [attempt.status for attempt in attempts.values()] == [int(line[:3]) for line in STATUSES]
        with closing(s.monitor.reader()) as reader:
            async with asyncio.timeout(10):  # what was answered is kept behind the attempts
                while [capture.answer for capture in reader.page()] != list(STATUSES.values()):
                    await asyncio.sleep(0.01)


async def test_without_an_answer_of_the_app_the_provider_gets_a_gateway_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline = long_deadlines(monkeypatch)

    async def silent(call: Call) -> None:
        deadline().reschedule(0)
        await hang(call)

    async with app(silent) as running, scene(tmp_path, to(running, wait=True, timeout=timedelta(seconds=LONG_S))) as s:
        assert await s.post() == 504
        running.behaviour = reset
        assert await s.post() == 502
        assert (await s.kept(2)).failure is Failure.BROKEN
    nobody = ForwardConfig(f"http://127.0.0.1:{free_port()}", TIMEOUT, wait=True)
    async with scene(tmp_path, nobody) as s:
        assert [await s.post() for _ in range(3)] == [502] * 3
        with closing(s.monitor.reader()) as reader:
            assert len(reader.page()) == 5  # stored all the same
        s.forwards.turn(False)
        assert await s.post() == 200


async def test_an_answer_that_is_waited_for_at_the_end_is_503_and_kept_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GRACE_S", 0.2)
    async with app(hang) as running, scene(tmp_path, to(running, wait=True)) as s:
        waiting = tasks.start(s.post(), "request")
        async with asyncio.timeout(10):
            while not running.calls:
                await asyncio.sleep(0.01)
        await s.monitor.stop()
        assert await waiting == 503
        with closing(s.monitor.reader()) as reader:
            assert [capture.answer for capture in reader.page()] == [503]


async def test_what_goes_to_no_app_is_answered_at_once(tmp_path: Path) -> None:
    async with app(hang) as running:
        rules = (ForwardRule("provider:volt", running.url),)
        config = ForwardConfig(None, TIMEOUT, rules=rules, wait=True)
        async with scene(tmp_path, config, Settings(enforce=True)) as s:
            assert await s.post(path="/generic") == 200
            assert await s.post(path="/connectly") == 401


def test_what_a_gateway_says() -> None:
    def attempt(status: int | None = None, failure: Failure | None = None) -> Attempt:
        return Attempt(1, AttemptKind.FORWARD, "http://x/", START, status=status, failure=failure)

    assert relayed(attempt(500, Failure.BROKEN)) == 500
    assert relayed(attempt(200, Failure.BROKEN)) == 502
    assert relayed(attempt(200, Failure.TIMEOUT)) == 504
    for failure, status in {
        Failure.TIMEOUT: 504, Failure.DROPPED: 503, Failure.OFF: 503, Failure.ENDED: 503, Failure.REFUSED: 502,
        Failure.DOWN: 502, Failure.CIRCLE: 502,
    }.items():  # fmt: skip
        assert relayed(attempt(failure=failure)) == status


# --- on and off, begin and end -------------------------------------------------------------------------------------


async def test_it_can_be_turned_off_and_on(tmp_path: Path) -> None:
    async with app(hang) as running, scene(tmp_path, to(running)) as s:
        for _ in range(lane.WORKERS + 2):
            await s.post()
        await running.came(lane.WORKERS)
        s.forwards.turn(False)
        assert [(await s.kept(lane.WORKERS + n)).failure for n in (1, 2)] == [Failure.OFF] * 2
        assert not s.forwards.state.on
        await s.post()
        running.behaviour = OK
        s.forwards.turn(True)
        # The workers are still with the first ones; a capture that comes now waits for them.
        await s.post()
        assert s.forwards.state.waiting == 1
        assert s.attempts(lane.WORKERS + 3) == []


async def test_what_waits_at_the_end_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "END_S", 10)

    async def slow(call: Call) -> None:
        await asyncio.sleep(0.05)
        call.writer.write(OK)

    async with app(slow) as running:
        async with scene(tmp_path, to(running)) as s:
            await flood(s.monitor, 40)
        assert len(running.calls) == 40
        assert all(attempt.fine for attempt in (await s.all_kept(40)).values())


async def test_attempts_that_cannot_be_kept_are_counted_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KEEP_S", 60)
    monkeypatch.setattr(service, "MAX_KEEPING", 3)
    async with app() as running, scene(tmp_path, to(running)) as s:
        for _ in range(5):
            await s.post()
        async with asyncio.timeout(10):
            while s.forwards.lost < 2:
                await asyncio.sleep(0.01)
        await s.monitor.store.stop()
    assert s.forwards.lost == 5


# --- the configuration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (ForwardConfig("http://169.254.169.254"), r"the forward address: 169.254.169.254 is where machines ask"),
        (ForwardConfig("http://127.1"), r"the forward address: its host"),
        (ForwardConfig(rules=(ForwardRule("", "http://[fe80::1]"),)), r"\[forward.rules 1\] url: fe80::1"),
        (
            ForwardConfig(rules=(ForwardRule("provider:", "http://localhost"),)),
            r"filter of \[forward.rules 1\] in the configuration is wrong at column",
        ),
        (
            ForwardConfig(rules=(ForwardRule("mark:duplicate", "http://localhost"),)),
            "duplicate is noticed of messages",
        ),
        (ForwardConfig(rules=(ForwardRule("app:500", "http://localhost"),)), "known of stored captures only"),
        (ForwardConfig("http://localhost:1", headers=(("X", KeyringSecret("gone")),)), "keyring"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(config: ForwardConfig, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Forwards(config)
    assert str(caught.value).endswith(".")


def test_its_own_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="hooktop's own"):
        Forwards(ForwardConfig("http://localhost:8787"), lambda target: target.port == 8787)


async def test_a_header_from_the_keyring_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "read", {"app": "from-the-keyring"}.__getitem__)
    async with app() as running:
        config = ForwardConfig(running.url, TIMEOUT, (("X-Dev", KeyringSecret("app")),))
        async with scene(tmp_path, config) as s:
            await s.post()
            await running.came(1)
        assert running.calls[0].values("x-dev") == ["from-the-keyring"]
