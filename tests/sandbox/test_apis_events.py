"""What the look-alike APIs send to the addresses that are registered with them, and to no others."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import httpx
import pytest

from monitor import tasks
from monitor.jsonbody import parse
from monitor.model.capture import STAMP_HEADER
from monitor.model.verdict import VerdictStatus
from monitor.providers.registry import registry
from monitor.sandbox.apis.outbox import routed
from monitor.sandbox.apis.server import ProviderSandbox
from monitor.sandbox.problems import SimulationProblem
from monitor.times import utc_now
from tests.sandbox.apis import PUBLIC, REGISTER, SMS, Caller, hook, key_of, running, to, verdict


async def events(api: Caller, provider: str) -> tuple[str, str | bytes]:
    """Register a webhook; gives its address and the key that verifies what comes."""
    url = f"{PUBLIC}/{provider}/hk-1?x=1"
    if provider == "bird":
        secret = "KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk="  # the documents' example
        body = {**SMS, "url": url, "signingKey": secret}
        assert (await api.bird("POST", "", body)).status_code == 201
        return url, secret
    body = {"topic": "delivery_status", "address": url}
    assert (await api.connectly("POST", "/create/webhooks", body)).status_code == 201
    return url, api.account("connectly").signing_secrets[0].reveal()


@pytest.mark.parametrize("provider", ["bird", "connectly"])
async def test_a_registration_gets_a_signed_event(provider: str) -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        url, key = await events(api, provider)
        request = await receiver.next()
        assert (request.path, request.query) == (f"/{provider}/hk-1", "x=1")
        assert verdict(provider, request, key, url) is VerdictStatus.VERIFIED
        assert registry()[provider].read(request, parse(request.body)).problems == ()


async def test_volt_sends_an_event_after_the_probe() -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        await api.volt(REGISTER, url=f"{PUBLIC}/volt")
        await receiver.next()
        request = await receiver.next()
        public = api.account("volt").public_key
        assert public is not None
        assert verdict("volt", request, public, "") is VerdictStatus.VERIFIED
        assert json.loads(request.body)["type"] == "messaging"


async def test_bird_sends_what_the_subscription_lets_through() -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        filters = [{"key": "channelId", "value": "my-channel"}, {"key": "messageStatus", "value": "delivered"}]
        created = await api.bird("POST", "", {**SMS, "signingKey": "sample-key", "eventFilters": filters})
        body = json.loads((await receiver.next()).body)
        assert (body["event"], body["payload"]["channelId"]) == ("sms.outbound", "my-channel")
        assert body["payload"]["status"] == "delivered"

        # Nothing while it is inactive; again when it is active, or elsewhere.
        path = f"/{created.json()['id']}"
        for change in ({"status": "inactive"}, {"url": f"{PUBLIC}/other"}, {"status": "active"}):
            assert (await api.bird("PATCH", path, change)).status_code == 200
        assert (await receiver.next()).path == "/other"
        assert receiver.requests.empty()


@pytest.mark.parametrize(
    ("on", "kind"), [("whatsapp.interaction", "read"), ("email.interaction", "clicked"), ("sms.outbound", "delivered")]
)
async def test_what_is_sent_has_happened(on: str, kind: str) -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        key = "messageStatus" if kind == "delivered" else "interactionType"
        await api.bird("POST", "", {**SMS, "event": on, "eventFilters": [{"key": key, "value": kind}]})
        request = await receiver.next()
        reading = registry()["bird"].read(request, parse(request.body))
        assert reading.occurred_at is not None
        assert timedelta() <= utc_now() - reading.occurred_at < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("wanted", "filters"),
    [
        ({"service": "conversations", "event": "conversation.deleted"}, {}),
        ({"event": "sms.outbound"}, {"messageStatus": "sending_failed"}),
        ({"event": "email.interaction"}, {"interactionType": "reported-as-spam"}),
    ],
)
async def test_bird_also_sends_what_mixed_traffic_leaves_out(wanted: dict[str, str], filters: dict[str, str]) -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        given = [{"key": key, "value": value} for key, value in filters.items()]
        await api.bird("POST", "", {**SMS, **wanted, "eventFilters": given})
        assert json.loads((await receiver.next()).body)["event"] == wanted["event"]


async def test_bird_sends_unsigned_where_there_is_no_key() -> None:
    async with hook() as receiver, running(route=to(receiver), event_after_s=0.0) as api:
        await api.bird("POST", "", SMS)
        assert (await receiver.next()).header("messagebird-signature") is None


async def test_what_a_provider_signs_itself_can_be_marked_as_simulated() -> None:
    async with (
        hook() as receiver,
        running(route=to(receiver), event_after_s=0.0, stamp=lambda body: f"stamp of {len(body)}") as api,
    ):
        await events(api, "connectly")
        request = await receiver.next()
        assert request.header(STAMP_HEADER) == f"stamp of {len(request.body)}"
        await events(api, "bird")  # a subscription's key is the account's, which no local mark may hide
        assert (await receiver.next()).header(STAMP_HEADER) is None


async def test_nothing_is_posted_to_another_machine() -> None:
    for route in (routed(), lambda url: "http://192.0.2.1/", lambda url: "nonsense"):
        async with running(route=route) as api:
            began = time.monotonic()
            answer = await api.volt(REGISTER, url="https://example.com/volt")
            assert answer["errors"]
            assert time.monotonic() - began < 4
            assert api.exchanges[0].note == "probe: nobody is reached there; --route leads it to this machine"


def test_routes_lead_from_public_bases_to_local_ones() -> None:
    route = routed({"https://a.example.com": "http://127.0.0.1:1", "https://a.example.com/x/": "http://localhost:2/"})
    assert route("https://a.example.com/volt?x=1") == "http://127.0.0.1:1/volt?x=1"
    assert route("https://a.example.com/x/volt") == "http://localhost:2/volt"
    assert route("https://a.example.com.evil.example/") == "https://a.example.com.evil.example/"
    assert route("http://127.0.0.1:9/y") == "http://127.0.0.1:9/y"
    with pytest.raises(SimulationProblem, match="no address of this machine"):
        routed({"https://a.example.com": "http://192.0.2.1"})


async def test_a_receiver_that_never_answers_ends_the_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.sandbox.apis.outbox.TIMEOUT_S", 0.2)
    async with hook() as receiver, running(route=to(receiver)) as api:
        receiver.status = 0
        assert (await api.volt(REGISTER, url=f"{PUBLIC}/volt"))["errors"]
        assert api.exchanges[0].note == "probe: no answer (TimeoutError)"


async def test_it_ends_while_calls_are_open() -> None:
    async with running() as api:
        api.sandbox.fault("volt", "hang")
        call = tasks.start(api.volt("{ messages { id } }"), "call")
        while not api.sandbox._state.tasks:  # until it has arrived
            await asyncio.sleep(0.01)
        await api.sandbox.__aexit__(None, None, None)
        with pytest.raises(httpx.RemoteProtocolError):
            await call


async def test_a_port_that_is_taken_is_told() -> None:
    async with running() as api:
        port = int(api.sandbox.base_url.rpartition(":")[2])
        with pytest.raises(SimulationProblem, match=f"port {port} is in use by another program"):
            await ProviderSandbox(port=port, keys=key_of).__aenter__()
