"""The look-alike APIs as their providers document them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitor.model.verdict import VerdictStatus
from monitor.sandbox.apis.server import FOREIGN
from tests.corpora import provider_reference
from tests.sandbox.apis import PROVIDERS, PUBLIC, REGISTER, SMS, hook, running, to, verdict

# Volt


async def test_volt_registers_what_answers_its_probe() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        answer = await api.volt(REGISTER, url=f"{PUBLIC}/volt/hk-1")
        probe = await receiver.next()
        webhook = answer["data"]["registerWebhook"]
        assert list(webhook) == ["id", "url", "createdAt", "lastUpdatedAt"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", webhook["createdAt"])
        assert (probe.method, probe.path) == ("POST", "/volt/hk-1")
        assert json.loads(probe.body)["type"] == "test"
        public = api.account("volt").public_key
        assert public is not None
        assert verdict("volt", probe, public, "") is VerdictStatus.VERIFIED
        assert [row["url"] for row in api.sandbox.registrations("volt")] == [f"{PUBLIC}/volt/hk-1"]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_volt_refuses_what_answers_its_probe_otherwise(status: int) -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        receiver.status = status
        answer = await api.volt(REGISTER, url=f"{PUBLIC}/volt")
        assert answer == {
            "errors": [
                {
                    "message": "webhook failed to respond successfully",
                    "locations": [{"line": 2, "column": 5}],
                    "path": ["registerWebhook"],
                }
            ],
            "data": None,
        }
        assert api.sandbox.registrations("volt") == []


async def test_volt_refuses_what_is_not_reached() -> None:
    async with running() as api:
        for url in ("https://tunnel.example.com/volt", "http://127.0.0.1:1/volt"):
            answer = await api.volt(REGISTER, url=url)
            assert answer["errors"][0]["message"] == "webhook failed to respond successfully"
            assert answer["data"] is None


async def test_volt_answers_introspection_as_the_reference_has_it() -> None:
    payloads = provider_reference() / "payloads" / "volt"
    query = json.loads((payloads / "api_introspection_request.json").read_text("utf-8"))["query"]
    expected = json.loads((payloads / "api_introspection_response.json").read_text("utf-8"))
    async with running() as api:
        answer = await api.volt(query)
        innermost = answer["data"]["__schema"]["mutationType"]["fields"][0]["args"][0]["type"]["ofType"]
        assert innermost.pop("ofType") is None  # asked for, and left out in the reference
        assert answer == expected


async def test_volt_has_a_versioned_address_and_takes_the_address_in_the_query() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        query = f'mutation {{ hook: registerWebhook(url: "{PUBLIC}/volt") {{ url __typename }} }} # a comment'
        url = api.sandbox.url("volt").replace("/graphql", "/v1.0/graphql")
        answer = await api.client.post(url, json={"query": query}, headers=api.credentials("volt"))
        assert answer.json() == {"data": {"hook": {"url": f"{PUBLIC}/volt", "__typename": "Webhook"}}}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("query { webhooks { id } }", 'Cannot query field "webhooks" on type "Query".'),
        ('mutation { deleteWebhook(id: "1") { id } }', 'Cannot query field "deleteWebhook" on type "Mutation".'),
        (
            "mutation { registerWebhook { id } }",
            'Field "registerWebhook" argument "url" of type "String!" is required.',
        ),
        ("mutation { registerWebhook(url: 5) { id } }", 'Field "registerWebhook" argument "url" of type'),
        ("mutation { registerWebhook(url: ", "Syntax Error: Unexpected <EOF>."),
        ("subscription { webhooks }", 'Syntax Error: Unexpected "{".'),
        ("query { ...Everything }", 'Syntax Error: Unexpected "...".'),
        ("{" * 200, "Syntax Error"),
        ("{ a " * 200, "nested deeper than 32"),
        ("{ a(b: " + "[" * 99, "nested deeper than 32"),
        ("{ a(b: {c: [1, -2.5, null, ONE, $x]}) }", 'Cannot query field "a"'),
        ("\x00", "Syntax Error"),
    ],
    ids=range(12),
)
async def test_volt_refuses_what_is_not_in_its_schema(query: str, message: str) -> None:
    async with running() as api:
        answer = await api.call("volt", "POST", "", {"query": query})
        assert answer.status_code == 400
        assert message in answer.json()["errors"][0]["message"]


async def test_volt_tells_errors_of_carrying_out_with_200() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        assert (await api.volt(REGISTER, url="ftp://x"))["errors"][0]["message"] == "url is not valid"
        answer = await api.volt(f'mutation {{ registerWebhook(url: "{PUBLIC}") }}')
        assert "selection of subfields" in answer["errors"][0]["message"]


async def test_volt_tells_the_type_of_its_root() -> None:
    async with running() as api:
        assert await api.volt("{ __typename messages { __typename } }") == {
            "data": {"__typename": "Query", "messages": []}
        }


@pytest.mark.parametrize("selection", ["", "{ id nope }", "{ id { nope } nope }"])
async def test_volt_does_nothing_for_a_selection_that_it_refuses(selection: str) -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        answer = await api.volt(f'mutation {{ registerWebhook(url: "{PUBLIC}") {selection} }}')
        assert answer["errors"]
        assert api.sandbox.registrations("volt") == []
        assert receiver.requests.empty()


# Bird


async def test_bird_creates_gets_lists_changes_and_deletes() -> None:
    async with running() as api:
        created = await api.bird("POST", "", {**SMS, "signingKey": "sample-signing-key", "eventFilters": None})
        assert created.status_code == 201
        row = created.json()
        assert "signingKey" not in row
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row["id"])
        assert (row["status"], row["eventFilters"], row["url"]) == ("active", None, SMS["url"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["createdAt"])

        assert (await api.bird("GET", f"/{row['id']}", short=True)).json() == row
        assert (await api.bird("GET")).json() == {"results": [row]}

        changed = await api.bird("PATCH", f"/{row['id']}", {"status": "inactive", "url": "https://example.com:8443/x"})
        assert changed.status_code == 200
        assert (changed.json()["status"], changed.json()["url"]) == ("inactive", "https://example.com:8443/x")

        removed = await api.bird("DELETE", f"/{row['id']}", short=True)
        assert (removed.status_code, removed.content) == (204, b"")
        assert (await api.bird("GET", f"/{row['id']}")).status_code == 404
        assert (await api.bird("DELETE", f"/{row['id']}")).status_code == 404


async def test_bird_turns_pages() -> None:
    async with running() as api:
        for number in range(12):
            event = f"sms.{number}"
            assert (await api.bird("POST", "", {**SMS, "event": event})).status_code == 201
        first = (await api.bird("GET")).json()
        assert len(first["results"]) == 10
        second = (await api.bird("GET", f"?pageToken={first['nextPageToken']}")).json()
        assert [row["event"] for row in second["results"]] == ["sms.10", "sms.11"]
        assert "nextPageToken" not in second
        assert len((await api.bird("GET", "?limit=100")).json()["results"]) == 12
        for query in ("limit=0", "limit=101", "limit=x", "pageToken=x", "pageToken=eyJvIjotMX0"):
            assert (await api.bird("GET", f"?{query}")).status_code == 422, query


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (".url", {"url": "https://localhost/x"}),
        (".url", {"url": "http://example.com/x"}),
        (".url", {"url": "https://example.com?x=1"}),
        (".url", {"url": "https://user:pass@example.com/"}),
        (".url", {"url": "https://example.com/x\n"}),
        (".url", {"url": None}),
        (".service", {"service": "sms"}),
        (".service", {"service": {}}),
        (".event", {"event": ""}),
        (".signingKey", {"signingKey": 5}),
        (".eventFilters", {"eventFilters": [{"key": "channelId"}]}),
        (".eventFilters", {"eventFilters": {"channelId": "a"}}),
        (".eventFilters", {"eventFilters": [{"key": "channelId", "value": v} for v in "ab"]}),
    ],
)
async def test_bird_says_what_is_wrong_with_a_new_subscription(field: str, value: dict[str, Any]) -> None:
    async with running() as api:
        answer = await api.bird("POST", "", {**SMS, **value})
        assert answer.status_code == 422
        assert field in answer.json()["details"]
        assert api.sandbox.registrations("bird") == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "."),
        ({"event": "sms.inbound"}, ".event"),
        ({"url": "https://example.com/x", "id": "1"}, ".id"),
        ({"status": "paused"}, ".status"),
        ({"status": []}, ".status"),
    ],
)
async def test_bird_changes_a_closed_set_of_fields(change: dict[str, Any], field: str) -> None:
    async with running(seed=FOREIGN) as api:
        row = api.sandbox.registrations("bird")[0]
        answer = await api.bird("PATCH", f"/{row['id']}", change)
        assert answer.status_code == 422
        assert list(answer.json()["details"]) == [field]
        assert api.sandbox.registrations("bird")[0] == row


async def test_bird_takes_five_subscriptions_for_the_same() -> None:
    async with running() as api:
        statuses = [(await api.bird("POST", "", SMS)).status_code for _ in range(6)]
        assert statuses == [201] * 5 + [422]
        filtered = {**SMS, "eventFilters": [{"key": "messageStatus", "value": "delivered"}]}
        assert (await api.bird("POST", "", filtered)).status_code == 201


async def test_bird_tells_its_events_in_the_short_form_alone() -> None:
    async with running() as api:
        account = api.account("bird")
        short = f"/workspaces/{account.workspace_id}/available-webhooks"
        answer = (await api.call("bird", "GET", f"{short}?service=channels")).json()
        (channels,) = answer["results"]
        assert channels["service"] == "channels"
        assert {"name": "sms.outbound", "filterKeys": ["channelId", "messageStatus"]} in channels["events"]
        assert {one["service"] for one in (await api.call("bird", "GET", short)).json()["results"]} == {
            "channels",
            "conversations",
        }
        long = f"/organizations/{account.organization_id}{short}"
        assert (await api.call("bird", "GET", long)).status_code == 404
        assert (await api.call("bird", "GET", "/workspaces/0/webhook-subscriptions")).status_code == 404


# Connectly


async def test_connectly_creates_lists_updates_and_deletes() -> None:
    async with running() as api:
        assert (await api.connectly("GET", "/webhooks")).json() == {
            "entity": {"businessId": "biz_sample", "webhooks": []}
        }
        address = "https://example.com/webhook/messages"
        created = await api.connectly("POST", "/create/webhooks", {"topic": "messages", "address": address})
        assert created.status_code == 201
        (key,) = created.json()
        identity = created.json()["id"]
        assert key == "id"
        assert re.fullmatch(r"wh_[0-9A-Z]{26}", identity)
        plain = {"echo": False, "channelTypes": ["whatsapp"], "filters": []}

        async def only() -> Any:
            (row,) = (await api.connectly("GET", "/webhooks")).json()["entity"]["webhooks"]
            return row

        assert await only() == {"id": identity, "topic": "messages", "address": address, "configuration": plain}

        path = f"/update/webhooks/{identity}"
        assert (await api.connectly("PUT", path, {"configuration": {"echo": True}})).status_code == 200
        assert await only() == {
            "id": identity,
            "topic": "messages",
            "address": address,
            "configuration": {"echo": True},  # whole: the filters are gone
        }
        assert (await api.connectly("PUT", path, {"address": f"{address}/2"})).status_code == 200
        assert (await only())["address"] == f"{address}/2"
        assert (await api.connectly("PUT", path, {"topic": "report"})).status_code == 400

        removed = await api.connectly("DELETE", f"/delete/webhooks/{identity}")
        assert (removed.status_code, removed.json()) == (200, {})
        assert (await api.connectly("DELETE", f"/delete/webhooks/{identity}")).status_code == 404
        assert (await api.connectly("PUT", path, {"address": address})).status_code == 404


async def test_connectly_has_one_address_for_a_topic() -> None:
    async with running(seed=FOREIGN) as api:
        before = api.sandbox.registrations("connectly")
        wanted = {"topic": "delivery_status", "address": f"{PUBLIC}/connectly"}
        answer = await api.connectly("POST", "/create/webhooks", wanted)
        assert answer.status_code == 409
        body = answer.json()
        assert list(body) == ["message", "type", "code", "userTitle", "userMessage", "cntTraceId", "details"]
        assert "already registered, use the update call" in body["message"]
        assert re.fullmatch(r"\d{20}", body["cntTraceId"])
        assert body["cntTraceId"] in body["userMessage"]
        assert api.sandbox.registrations("connectly") == before


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "topic_unspecified"},
        {"topic": []},
        {"address": "http://example.com/"},
        {"address": None},
        {"address": 5},
        {"type": "smtp"},
        {"configuration": []},
    ],
)
async def test_connectly_refuses_what_it_does_not_know(change: dict[str, Any]) -> None:
    async with running() as api:
        answer = await api.connectly(
            "POST", "/create/webhooks", {"topic": "messages", "address": "https://example.com/", **change}
        )
        assert (answer.status_code, answer.json()["type"]) == (400, "ERROR_TYPE_INVALID_REQUEST")


# All of them


@pytest.mark.parametrize(
    ("provider", "path", "body"),
    [
        ("volt", "", {"errors": [{"message": "Unauthorized"}], "data": None}),
        ("bird", "/workspaces/a1405560-c8d3-4b1a-877d-3f449ad95352/webhook-subscriptions", None),
        ("connectly", "/v1/businesses/biz_sample/create/webhooks", None),
        ("oneroute", "/api/public/webhooks", {"data": None, "message": "Invalid API Key", "success": False}),
    ],
)
async def test_wrong_credentials_are_refused_in_the_providers_words(provider: str, path: str, body: Any) -> None:
    async with running() as api:
        for headers in ({}, {"authorization": "Bearer wrong", "x-api-key": "wrong", "apikey": "wrong"}):
            answer = await api.call(provider, "POST", path, {}, headers=headers)
            assert answer.status_code == 401
            assert body is None or answer.json() == body


async def test_oneroute_has_no_api_for_webhooks() -> None:
    async with running() as api:
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = await api.call("oneroute", method, "/api/public/webhook")
            assert answer.status_code == 404
            assert answer.json() == {"data": None, "message": "Not Found", "success": False}


async def test_bodies_that_are_no_objects_are_refused() -> None:
    async with running(seed=FOREIGN) as api:
        paths = {
            "volt": ("POST", ""),
            "bird": ("POST", "/workspaces/a1405560-c8d3-4b1a-877d-3f449ad95352/webhook-subscriptions"),
            "connectly": ("POST", "/v1/businesses/biz_sample/create/webhooks"),
        }
        for provider, (method, path) in paths.items():
            for content, status in (
                (b"", 400), (b"[]", 400), (b"{", 400), (b"[" * 9999, 400), (b'{"a":1e999}', 400),
                (b" " * 300_000, 413),
            ):  # fmt: skip
                answer = await api.client.request(
                    method, api.sandbox.url(provider) + path, content=content, headers=api.credentials(provider)
                )
                assert answer.status_code == status, (provider, content[:10])
                assert answer.json()


@pytest.mark.slow
async def test_odd_values_are_no_failure_of_ours() -> None:
    odd: tuple[Any, ...] = (
        None,
        True,
        -1,
        1e300,
        "",
        "\x1b",
        "é\U0001f600",
        "\ud800",
        [],
        [None],
        {},
        {"key": 1},
        "x" * 9999,
    )
    async with running(seed=FOREIGN) as api:
        bird = f"/{api.sandbox.registrations('bird')[0]['id']}"
        connectly = f"/update/webhooks/{api.sandbox.registrations('connectly')[0]['id']}"
        for value in odd:
            for name in ("service", "event", "url", "signingKey", "eventFilters", "template", "status"):
                assert (await api.bird("POST", "", {**SMS, name: value})).status_code in (201, 400, 422)
                assert (await api.bird("PATCH", bird, {name: value})).status_code in (200, 400, 422)
            for name in ("topic", "address", "type", "configuration"):
                body = {"topic": "report", "address": "https://example.com/", name: value}
                assert (await api.connectly("POST", "/create/webhooks", body)).status_code in (201, 400, 409)
                assert (await api.connectly("PUT", connectly, {name: value})).status_code in (200, 400)
            for body in (
                {"query": value},
                {"query": REGISTER, "variables": value},
                {"query": f"{{ a(b: {value!r}) }}"},
            ):
                assert (await api.call("volt", "POST", "", body)).status_code == 400
        assert (await api.bird("GET")).status_code == 200
        assert (await api.connectly("GET", "/webhooks")).status_code == 200


async def test_unknown_paths_and_methods_are_refused_in_the_providers_words() -> None:
    async with running() as api:
        for provider, method, path in (("bird", "GET", "/nope"), ("volt", "GET", ""), ("connectly", "PUT", "/v1")):
            answer = await api.call(provider, method, path)
            assert answer.status_code in (404, 405)
            assert isinstance(answer.json(), dict)
        assert (await api.client.get(api.sandbox.base_url + "/nobody")).status_code == 404


async def test_what_is_seeded_is_there_and_accounts_are_samples() -> None:
    own = {**SMS, "signingKey": "sample-key-of-mine"}
    async with running(seed={**FOREIGN, "bird": (*FOREIGN["bird"], own)}) as api:
        events = [row["event"] for row in (await api.bird("GET")).json()["results"]]
        assert events == ["email.outbound", "conversation.updated", "sms.outbound"]
        (secret,) = api.account("bird").signing_secrets
        assert secret.reveal() == "sample-key-of-mine"
        for name in PROVIDERS:
            account = api.account(name)
            assert account.api_secret is not None
            assert account.api_secret.reveal().startswith("sample-")
            assert account.api_url == api.sandbox.url(name)


async def test_every_exchange_is_told() -> None:
    async with hook() as receiver, running(route=to(receiver)) as api:
        await api.volt(REGISTER, url=f"{PUBLIC}/volt")
        await api.call("bird", "GET", "/nope?x=1")
        out, back, bird = api.exchanges
        assert (out.outgoing, out.provider, out.url, out.status, out.note) == (
            True,
            "volt",
            f"{PUBLIC}/volt",
            200,
            "probe",
        )
        assert (back.outgoing, back.method, back.url, back.status) == (False, "POST", "/volt/graphql", 200)
        assert (bird.provider, bird.url, bird.status) == ("bird", "/bird/nope?x=1", 404)
