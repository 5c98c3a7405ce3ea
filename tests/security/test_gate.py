"""What is turned away: web pages elsewhere (threat T16) and floods of what nobody can verify (threat T15)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from monitor.config import Config, ConfigError, ReceiverConfig, StoreConfig, parse
from monitor.model.capture import Capture, Origin, Source
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.services import retention
from monitor.services.assemble import Assembly, assembled
from monitor.services.gate import SENDERS, Gate
from monitor.services.monitor import Monitor, Settings
from monitor.services.reach import Reach
from monitor.store.retention import RetentionReader
from tests.factory import Mark, make_capture, make_request
from tests.parsers import both_parsers, fast
from tests.receiver.test_receiver import stored

SECRET = "connectly-test-secret"
PUBLIC = "https://hooks.example.com"
MISSING = Verdict(VerdictStatus.MISSING, "no signature")
VERIFIED = Verdict(VerdictStatus.VERIFIED, "matched")
REBOUND = {"Host": "evil.example:8787", "Origin": "http://evil.example:8787"}


@asynccontextmanager
async def receiving(tmp_path: Path, text: str = "", *, public_url: str | None = PUBLIC) -> AsyncIterator[Assembly]:
    """The whole program as a configuration says, with Connectly's key, on a free port of this machine."""
    said = f"""
    [receiver]
    {f'public_url = "{public_url}"' if public_url else ""}
    {text}
    [accounts.c]
    provider = "connectly"
    webhook_secrets = ["{SECRET}"]
    """
    config = parse(said, tmp_path / "config.toml", {})
    settings = Settings(fast=fast())
    async with assembled(
        config, settings, bind("127.0.0.1", 0), tmp_path / "h.db", local_folder=tmp_path / "local", alive=None
    ) as assembly:
        yield assembly


def client(monitor: Monitor) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=monitor.url, trust_env=False, timeout=10)


def signed(body: bytes) -> dict[str, str]:
    return dict(registry()["connectly"].sign(body, SECRET.encode(), url="", at=0))


@both_parsers
async def test_t16_a_name_turned_to_this_machine_and_pages_elsewhere_store_nothing(tmp_path: Path) -> None:
    elsewhere = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    async with receiving(tmp_path) as here, client(here.monitor) as http:
        for page, status in ((REBOUND, 421), (elsewhere, 403), ({"Origin": "null"}, 403)):
            answer = await http.post("/connectly", content=b"{}", headers=page)
            assert (answer.status_code, "evil" in answer.text) == (status, False)
        assert stored(here.monitor) == []
        assert here.monitor.feed.refused == {421: 1, 403: 2}
        # No provider sends an Origin, so none is refused for whatever name its tunnel or proxy puts into Host.
        for host in ("hooks.example.com", "abc.ngrok.app", "localhost:8787", "[::1]:8787", "backend", "203.0.113.9"):
            assert (await http.post("/connectly", content=b"{}", headers={"Host": host})).status_code == 200
        own = [
            {"Origin": PUBLIC, "Host": "hooks.example.com"},
            {"Origin": "http://localhost:3000"},
            {"Origin": "http://127.0.0.1:5173", "Host": "localhost:8787"},
            {"Origin": "http://app.localhost", "Host": "hooktop"},
        ]
        for page in own:
            assert (await http.post("/connectly", content=b"{}", headers=page)).status_code == 200
        # What is verified is stored wherever it says that it is from.
        assert (await http.post("/connectly", content=b"{}", headers={**REBOUND, **signed(b"{}")})).status_code == 200
        assert len(stored(here.monitor)) == 11


@both_parsers
async def test_t16_a_public_url_that_is_found_or_changed_is_one_of_the_names(tmp_path: Path) -> None:
    page = {"Origin": "https://abc.ngrok.app", "Host": "abc.ngrok.app"}
    async with receiving(tmp_path, public_url=None) as here, client(here.monitor) as http:
        assert (await http.post("/connectly", content=b"{}", headers=REBOUND)).status_code == 200  # as ever
        here.monitor.reach.change("https://xyz.ngrok.app")  # as tunnels do, and the key for it
        assert (await http.post("/connectly", content=b"{}", headers=REBOUND)).status_code == 421
        assert (await http.post("/connectly", content=b"{}", headers=page)).status_code == 421
        here.monitor.reach.change("https://ABC.ngrok.app/")
        assert (await http.post("/connectly", content=b"{}", headers=page)).status_code == 200


@both_parsers
async def test_t16_the_configuration_names_more_hosts_or_all(tmp_path: Path) -> None:
    async with receiving(tmp_path, 'allowed_hosts = ["App.example.com"]') as here, client(here.monitor) as http:
        page = {"Origin": "https://app.example.com:8443", "Host": "app.example.com"}
        assert (await http.post("/connectly", content=b"{}", headers=page)).status_code == 200
        assert (await http.post("/connectly", content=b"{}", headers=REBOUND)).status_code == 421
    async with receiving(tmp_path, 'allowed_hosts = ["*"]') as here, client(here.monitor) as http:
        assert (await http.post("/connectly", content=b"{}", headers=REBOUND)).status_code == 200


@pytest.mark.parametrize(
    "written", ['["https://app.example.com"]', '["app.example.com:80"]', '["*.example.com"]', "[]"]
)
def test_t16_what_is_no_host_is_a_mistake(written: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 2: \[receiver\] allowed_hosts must be a list"):
        parse(f"[receiver]\nallowed_hosts = {written}\n", tmp_path / "config.toml", {})


def capture(peer: str = "127.0.0.1", verdict: Verdict = MISSING, token: bool | None = None) -> Capture:
    return replace(make_capture(), verdict=verdict, origin=Origin(token, peer), request=make_request())


def test_t15_a_rate_is_a_senders_own_and_comes_back_with_time() -> None:
    now = [100.0]
    gate = Gate(Reach(None, None, Mark()), unproven_rate=2, clock=lambda: now[0])

    def passing(peer: str, tries: int = 50) -> int:
        return sum(gate.refuses(capture(peer)) is None for _ in range(tries))

    assert passing("192.0.2.1") == 20  # ten seconds' worth at once
    assert passing("192.0.2.2") == 20
    now[0] += 3
    assert passing("192.0.2.1") == 6
    now[0] += 1000
    assert passing("192.0.2.1") == 20
    assert passing("2001:db8::1") == 20
    assert passing("2001:db8::ffff") == 0  # of the same /64
    assert passing("2001:db8:0:1::1") == 20
    assert gate.refuses(capture("192.0.2.1")) == 429
    assert gate.refuses(capture("192.0.2.1", VERIFIED)) is None
    assert gate.refuses(capture("192.0.2.1", token=True)) is None
    assert gate.refuses(replace(capture("192.0.2.1"), source=Source.SIMULATED)) is None
    for number in range(2 * SENDERS):
        gate.refuses(capture(f"10.0.{number >> 8}.{number & 255}"))
    assert len(gate._buckets) == SENDERS


def test_t15_without_a_setting_no_burst_is_refused() -> None:
    assert (ReceiverConfig().unproven_rate, ReceiverConfig().allowed_hosts) == (0, ())
    gate = Gate(Reach(PUBLIC, None, Mark()))
    assert {gate.refuses(capture()) for _ in range(5000)} == {None}


@both_parsers
async def test_t15_more_than_the_rate_is_429_and_counted_and_what_is_verified_passes(tmp_path: Path) -> None:
    async with receiving(tmp_path, "unproven_rate = 1") as here, client(here.monitor) as http:
        answers = [await http.post("/connectly", content=b"{}") for _ in range(20)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 5 <= len(refused) <= 10
        assert {answer.headers["retry-after"] for answer in refused} == {"5"}
        assert len(stored(here.monitor)) == 20 - len(refused)
        assert here.monitor.feed.refused == {429: len(refused)}
        assert (await http.post("/connectly", content=b"{}", headers=signed(b"{}"))).status_code == 200


@both_parsers
async def test_t15_the_size_holds_in_a_flood_and_what_is_verified_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROOM_EVERY_S", 3600.0)  # nothing is looked at but because much was stored
    limit, flood = 4 * 2**20, bytes(100_000)
    config = Config(
        receiver=ReceiverConfig(public_url=PUBLIC),
        store=StoreConfig(max_size=limit),
        accounts=parse(
            f'[accounts.c]\nprovider = "connectly"\nwebhook_secrets = ["{SECRET}"]\n', tmp_path / "config.toml", {}
        ).accounts,
    )
    statuses: list[int] = []
    largest = 0

    def size() -> int:
        with closing(RetentionReader(tmp_path / "h.db")) as reader:
            return reader.size()

    async with assembled(
        config, Settings(fast=fast()), bind("127.0.0.1", 0), tmp_path / "h.db", local_folder=tmp_path, alive=None
    ) as here, client(here.monitor) as http:  # fmt: skip
        for number in range(20):
            body = b'{"n":%d}' % number
            assert (await http.post("/connectly", content=body, headers=signed(body))).status_code == 200
        for _ in range(30):  # 12 MB in all
            sent = await asyncio.gather(*(http.post("/connectly", content=flood) for _ in range(4)))
            statuses += [answer.status_code for answer in sent]
            assert all(answer.headers.get("retry-after") == "5" for answer in sent if answer.status_code == 503)
            body = b'{"beside":%d}' % len(statuses)
            assert (await http.post("/connectly", content=body, headers=signed(body))).status_code == 200
            largest = max(largest, await asyncio.to_thread(size))
        left = [one for one in stored(here.monitor) if one.verdict.status is VerdictStatus.VERIFIED]
        assert here.monitor.feed.refused.get(503, 0) == statuses.count(503)
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 20
    assert largest < 1.4 * limit
    assert len(left) == 50  # none went for the flood


async def test_t15_a_history_that_was_too_large_before_turns_nobody_away(tmp_path: Path) -> None:
    async with assembled(Config(), Settings(), bind("127.0.0.1", 0), tmp_path / "h.db", local_folder=tmp_path) as here:
        kept = retention.Retention(here.monitor.store, timedelta(days=1), 1000)
        assert not kept.is_full()
        for _ in range(3):
            await kept.make_room()
            assert not kept.is_full()
            kept.stored([make_capture()])
        kept.stored([replace(make_capture(), request=make_request(bytes(10**6)))])
        assert kept.is_full()
