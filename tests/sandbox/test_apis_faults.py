"""The switches of the look-alike APIs: each does what it says."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

import httpx
import pytest

from monitor import tasks
from monitor.sandbox.apis.faults import ApiFault, known
from monitor.sandbox.apis.server import FOREIGN
from monitor.sandbox.problems import SimulationProblem
from tests.sandbox.apis import PROVIDERS, PUBLIC, REGISTER, Caller, hook, running, to, when_waiting

DELIVERY = {"topic": "messages", "address": "https://example.com/hooks"}
TOLD = (ApiFault.UNAUTHORIZED, ApiFault.FORBIDDEN, ApiFault.NOT_FOUND, ApiFault.CONFLICT, ApiFault.RATE_LIMITED,
        ApiFault.SERVER_ERROR, ApiFault.UNAVAILABLE)  # fmt: skip
STATUSES = (401, 403, 404, 409, 429, 500, 503)

WRONG: tuple[Any, ...] = (
    {"fault": "nope"},
    {"fault": "long_only"},
    {"fault": 5},
    {"fault": [5]},
    {"fault": ["slow", "html"]},
    {"fault": "slow", "seconds": -1},
    {"seconds": "1"},
    [],
)


async def create(api: Caller, patience: float = 5.0) -> httpx.Response:
    """Register a webhook with Connectly."""
    path = "/v1/businesses/biz_sample/create/webhooks"
    return await api.call("connectly", "POST", path, DELIVERY, timeout=patience)


def done(api: Caller) -> bool:
    """Whether it is registered."""
    return bool(api.sandbox.registrations("connectly"))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_statuses_come_in_the_providers_words(provider: str) -> None:
    shapes = {
        "volt": ["errors", "data"],
        "bird": ["code", "message"],
        "connectly": ["message", "type", "code", "userTitle", "userMessage", "cntTraceId", "details"],
        "oneroute": ["data", "message", "success"],
    }
    async with running() as api:
        for fault, status in zip(TOLD, STATUSES, strict=True):
            api.sandbox.fault(provider, fault)
            answer = await api.call(provider, "POST", "/x", {})
            assert answer.status_code == status
            assert list(answer.json()) == shapes[provider]
            waits = {ApiFault.RATE_LIMITED: "7", ApiFault.UNAVAILABLE: "30"}
            assert answer.headers.get("retry-after") == waits.get(fault)


@pytest.mark.parametrize(("fault", "happens"), [("hang", False), ("done_then_hang", True), ("drip", True)])
async def test_what_is_never_answered(monkeypatch: pytest.MonkeyPatch, fault: str, happens: bool) -> None:
    waits = itertools.count(1)
    waited = asyncio.Event()
    when_waiting(monkeypatch, lambda: waited.set() if next(waits) == (5 if fault == "drip" else 1) else None)
    async with running() as api:
        api.sandbox.fault("connectly", fault)
        asked = tasks.start(create(api, 60), "request")
        async with asyncio.timeout(20):
            await waited.wait()
        await asyncio.sleep(0.3)
        assert not asked.done()
        assert done(api) is happens
        asked.cancel()
        await asyncio.wait([asked])
        api.sandbox.fault("connectly")
        assert (await api.connectly("GET", "/webhooks")).status_code == 200


async def test_slow_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as api:
        before: list[bool] = []
        when_waiting(monkeypatch, lambda: before.append(done(api)))
        api.sandbox.fault("connectly", "slow", seconds=0.4)
        begun = time.monotonic()
        assert (await create(api)).is_success
        assert time.monotonic() - begun >= 0.4
        assert before == [True]
        assert (await create(api)).status_code == 409  # late, but whole


@pytest.mark.parametrize(
    ("fault", "error", "happens"),
    [("reset", httpx.ReadError, False), ("truncated", httpx.RemoteProtocolError, True)],
)
async def test_connections_that_break(fault: str, error: type[Exception], happens: bool) -> None:
    async with running() as api:
        api.sandbox.fault("connectly", fault)
        with pytest.raises(error):
            await create(api)
        assert done(api) is happens


async def test_a_page_for_people() -> None:
    async with running() as api:
        api.sandbox.fault("connectly", "html")
        answer = await create(api)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert not done(api)
        api.sandbox.fault("connectly", "bad_gateway")
        answer = await create(api)
        assert (answer.status_code, answer.text[:6]) == (502, "<html>")
        assert done(api)


async def test_answers_without_a_whole_body() -> None:
    async with running() as api:
        api.sandbox.fault("connectly", "empty")
        answer = await create(api)
        assert (answer.status_code, answer.content) == (201, b"")
        assert done(api)
        api.sandbox.fault("connectly", "not_json")
        answer = await api.connectly("GET", "/webhooks")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.text.startswith('{"entity":')
        with pytest.raises(json.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize("fault", ["not_json", "truncated", "empty", "drip"])
async def test_an_answer_that_has_no_body_is_no_trap(fault: str) -> None:
    async with running(seed=FOREIGN) as api:
        path = f"/{api.sandbox.registrations('bird')[0]['id']}"
        api.sandbox.fault("bird", fault)
        answer = await api.bird("DELETE", path)
        assert (answer.status_code, answer.content) == ((200, b"{") if fault == "not_json" else (204, b""))


async def test_a_redirect_leads_to_another_host_that_is_watched() -> None:
    async with running() as api:
        api.sandbox.fault("connectly", "redirect")
        answer = await create(api)
        assert (answer.status_code, done(api)) == (307, False)
        target = httpx.URL(answer.headers["location"])
        assert (target.host, target.port) == ("localhost", httpx.URL(api.sandbox.base_url).port)
        await api.client.post(f"{api.sandbox.base_url}{target.path}")
        assert api.exchanges[-1].url == "/_sandbox/elsewhere"


async def test_bomb_and_huge() -> None:
    async with running() as api:
        for fault, encoding in (("bomb", "gzip"), ("huge", None)):
            api.sandbox.fault("connectly", fault)
            size = 0
            request = api.client.build_request("POST", api.sandbox.url("connectly") + "/v1")
            answer = await api.client.send(request, stream=True)
            assert (answer.status_code, answer.headers.get("content-encoding")) == (200, encoding)
            async for part in answer.aiter_raw():
                size += len(part)
                if size > 3_000_000:
                    break
            await answer.aclose()
            assert (size < 100_000) is (encoding == "gzip")


async def test_escapes_in_reason_and_message() -> None:
    async with running() as api:
        api.sandbox.fault("bird", "escapes")
        answer = await api.bird("GET")
        assert answer.status_code == 400
        assert "\x1b[2J" in answer.reason_phrase
        assert "\x1b]0;owned\x07" in answer.json()["message"]


# What one provider's API offers


async def test_volt_probe_refused_and_unsigned() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        api.sandbox.fault("volt", "probe_refused", "unsigned_probe")
        answer = await api.volt(REGISTER, url=f"{PUBLIC}/volt")
        assert answer["errors"][0]["message"] == "webhook failed to respond successfully"
        assert (await receiver.next()).header("x-respond-flow-signature") is None
        assert api.sandbox.registrations("volt") == []


async def test_volt_answers_with_data_and_errors() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        api.sandbox.fault("volt", "partial")
        answer = await api.volt(REGISTER, url=f"{PUBLIC}/volt")
        assert answer["data"]["registerWebhook"]["url"] == f"{PUBLIC}/volt"
        assert answer["data"]["registerWebhook"]["lastUpdatedAt"] is None
        assert answer["errors"][0]["path"] == ["registerWebhook", "lastUpdatedAt"]
        assert len(api.sandbox.registrations("volt")) == 1


async def test_volt_tells_no_schema() -> None:
    async with running() as api:
        api.sandbox.fault("volt", "no_introspection")
        answer = await api.call("volt", "POST", "", {"query": "{ __schema { queryType { name } } }"})
        assert answer.status_code == 400
        assert "not allowed" in answer.json()["errors"][0]["message"]


async def test_volt_with_a_rich_schema() -> None:
    async with running(seed=FOREIGN) as api:
        api.sandbox.fault("volt", "rich_schema")
        told = await api.volt(
            "{ __schema { mutationType { fields { name args { name type { kind } } type { name } } } } }"
        )
        fields = {one["name"]: one for one in told["data"]["__schema"]["mutationType"]["fields"]}
        assert list(fields) == ["registerWebhook", "updateWebhook", "deleteWebhook"]
        assert [one["name"] for one in fields["updateWebhook"]["args"]] == ["id", "url"]
        assert fields["deleteWebhook"]["type"] == {"name": "Webhook"}

        (row,) = (await api.volt("{ webhooks { id url } }"))["data"]["webhooks"]
        assert row == {"id": "1", "url": "https://example.com/webhooks"}
        update = "mutation ($id: ID!, $url: String!) { updateWebhook(id: $id, url: $url) { url } }"
        changed = await api.volt(update, id="1", url=f"{PUBLIC}/volt")
        assert changed == {"data": {"updateWebhook": {"url": f"{PUBLIC}/volt"}}}
        delete = "mutation ($id: ID!) { deleteWebhook(id: $id) { id } }"
        assert await api.volt(delete, id="1") == {"data": {"deleteWebhook": {"id": "1"}}}
        assert (await api.volt(delete, id="1"))["errors"][0]["message"] == "webhook not found"
        assert await api.volt('{ webhook(id: "1") { id } }') == {"data": {"webhook": None}}


async def test_bird_with_one_family_of_paths() -> None:
    async with running() as api:
        for fault, short in (("long_only", False), ("short_only", True)):
            api.sandbox.fault("bird", fault)
            assert (await api.bird("GET", short=short)).status_code == 200
            assert (await api.bird("GET", short=not short)).status_code == 404


async def test_bird_echoes_the_key() -> None:
    async with running() as api:
        api.sandbox.fault("bird", "echo_key")
        body = {
            "service": "channels",
            "event": "sms.inbound",
            "url": f"{PUBLIC}/bird",
            "signingKey": "sample-signing-key",
        }
        assert (await api.bird("POST", "", body)).json()["signingKey"] == "sample-signing-key"


async def test_bird_pages_without_end() -> None:
    async with running(seed=FOREIGN) as api:
        api.sandbox.fault("bird", "many_pages")
        tokens = []
        page: dict[str, Any] = {}
        for _ in range(5):
            query = f"&pageToken={page['nextPageToken']}" if page else ""
            page = (await api.bird("GET", f"?limit=100{query}")).json()
            tokens.append(page["nextPageToken"])
        assert len(set(tokens)) == 5
        api.sandbox.fault("bird", "repeated_token")
        pages = [(await api.bird("GET", f"?pageToken={token}")).json() for token in tokens]
        assert len({page["nextPageToken"] for page in pages}) == 1
        assert all(len(page["results"]) == 2 for page in pages)


async def test_connectly_replaces() -> None:
    async with running() as api:
        await create(api)
        api.sandbox.fault("connectly", "replaces")
        assert (await create(api)).status_code == 201
        assert len(api.sandbox.registrations("connectly")) == 1


# The switches themselves


async def test_switches_over_http() -> None:
    async with running() as api:
        control = f"{api.sandbox.base_url}/_sandbox/volt"
        assert (await api.client.get(control)).json()["fault"] == []
        answer = await api.client.post(control, json={"fault": "slow", "seconds": 0.1})
        assert (answer.json()["fault"], answer.json()["seconds"]) == (["slow"], 0.1)
        answer = await api.client.post(control, json={"fault": ["rich_schema", "rate_limited"]})
        assert (answer.json()["fault"], answer.json()["seconds"]) == (["rate_limited", "rich_schema"], 5.0)
        assert (await api.call("volt", "POST", "", {})).status_code == 429
        assert answer.json()["known"] == {fault.value: fault.does for fault in known("volt")}
        assert (await api.client.post(control, json={"fault": None})).json()["fault"] == []
        for wrong in WRONG:
            answer = await api.client.post(control, json=wrong)
            assert answer.status_code == 400, wrong
            assert answer.json()["error"]
        assert (await api.client.get(f"{api.sandbox.base_url}/_sandbox/nobody")).status_code == 400


async def test_switches_in_code() -> None:
    async with running() as api:
        with pytest.raises(SimulationProblem, match='there is no provider "nobody"'):
            api.sandbox.fault("nobody", "slow")
        with pytest.raises(SimulationProblem, match='volt has no fault "long_only"; choose one of unauthorized'):
            api.sandbox.fault("volt", "long_only")
        with pytest.raises(SimulationProblem, match="html and slow cannot both"):
            api.sandbox.fault("volt", "slow", "html")


def test_every_fault_says_what_it_does() -> None:
    for fault in ApiFault:
        assert fault.does.endswith(".")
        assert fault.only in (None, *PROVIDERS)
