"""Volt's API over real sockets: registration as documented, and whatever a schema offers beside it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from monitor.account import Account
from monitor.admin.base import LIST, AdminError, ApiCall, Trouble
from monitor.admin.http import Api
from monitor.admin.rest import MAX_LISTED
from monitor.admin.volt import SUBJECT, VoltAdmin
from monitor.model.registration import Change, ChangeKind, Registration
from monitor.secret import Secret
from tests.admin.server import Asked, api, http, http_json, served
from tests.corpora import provider_reference

TOKEN = "sample-volt-token-0042"
URL = "https://example.com/webhooks"
ADD = Change(ChangeKind.ADD, SUBJECT, {}, URL)
OLD = Registration("volt", "7", "https://old.example.com/volt", SUBJECT)
UPDATE = Change(ChangeKind.UPDATE, SUBJECT, url=URL, target=OLD)
REMOVE = Change(ChangeKind.REMOVE, SUBJECT, target=OLD)
WEBHOOK = {"id": "1", "url": URL, "createdAt": "2022-04-07T22:00:00.000+00:00", "lastUpdatedAt": None}


def payload(name: str) -> bytes:
    return (provider_reference() / "payloads" / "volt" / name).read_bytes()


def volt(url: str, calls: list[ApiCall] | None = None) -> VoltAdmin:
    account = Account("volt-1", "volt", f"{url}/graphql", Secret(TOKEN))
    return VoltAdmin(account, Api("volt-1", on_call=None if calls is None else calls.append))


def argument(name: str, type_name: str = "String", *, needed: bool = True, kind: str = "SCALAR") -> dict[str, Any]:
    plain = {"kind": kind, "name": type_name, "ofType": None}
    return {"name": name, "type": {"kind": "NON_NULL", "name": None, "ofType": plain} if needed else plain}


def result(kind: str, name: str) -> dict[str, Any]:
    return {"kind": "NON_NULL", "name": None, "ofType": {"kind": kind, "name": name, "ofType": None}}


def listed(name: str = "Webhook") -> dict[str, Any]:
    return {"kind": "LIST", "name": None, "ofType": result("OBJECT", name)}


class Schema:
    """A server whose schema has the given fields and that answers operations with the given data."""

    def __init__(self, queries: list[dict[str, Any]], mutations: list[dict[str, Any]], **data: Any) -> None:
        self.fields = {"queryType": {"fields": queries}, "mutationType": {"fields": mutations}}
        self.webhook: Any = {"fields": [{"name": name} for name in ("id", "url", "createdAt", "lastUpdatedAt", "x")]}
        self.data = data
        self.results = True

    async def __call__(self, asked: Asked) -> bytes:
        query = asked.json["query"]
        if "query Caps" in query:
            return http_json({"data": {"__schema": self.fields, "__type": self.webhook}})
        if "query Results" in query:
            return http_json({"data": {"__schema": self.fields}} if self.results else {"errors": [{"message": "no"}]})
        return http_json({"data": self.data})


def full(**data: Any) -> Schema:
    return Schema(
        [{"name": "messages", "args": []}, {"name": "webhooks", "args": [], "type": listed()}],
        [
            {"name": "registerWebhook", "args": [argument("url")], "type": result("OBJECT", "Webhook")},
            {"name": "updateWebhook", "args": [argument("id", "ID"), argument("url")]},
            {"name": "deleteWebhook", "args": [argument("id", "ID")], "type": result("SCALAR", "Boolean")},
        ],
        **data,
    )


async def refusal(url: str, change: Change = ADD) -> AdminError:
    calls: list[ApiCall] = []
    with pytest.raises(AdminError) as caught:
        await volt(url, calls).perform(change)
    error = caught.value
    assert str(error).endswith(".")
    assert TOKEN not in f"{error} {error.said} {calls}"
    return error


async def test_registration_as_documented() -> None:
    async def answer(asked: Asked) -> bytes:
        return http(payload("api_register_response.json"))

    calls: list[ApiCall] = []
    async with api(answer) as (url, came):
        client = volt(url, calls)
        shown = client.request(ADD)
        made = await client.perform(ADD)
    assert made is not None
    assert (made.provider, made.id, made.url, made.subject, made.note) == ("volt", "1", URL, SUBJECT, "")
    assert made.created_at is not None
    assert made.created_at.isoformat() == "2022-04-07T22:00:00+00:00"
    assert set(made.raw) == {"id", "url", "createdAt", "lastUpdatedAt"}
    assert len(came) == 1
    assert came[0].line == "POST /graphql HTTP/1.1"
    assert came[0].body == payload("api_register_request.json") == (shown.body or "").encode()
    assert came[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert came[0].headers["content-type"] == "application/json"
    assert shown.deadline_s >= 30
    assert "Authorization: ••••0042" in shown.shown()
    assert TOKEN not in f"{shown.shown()} {shown} {calls} {made}"


async def test_the_test_request_arrives_while_the_call_is_open() -> None:
    async with served(http(b'{"ok":true}')) as (ours, probes):
        port = int(ours.split(":")[2].split("/")[0])

        async def answer(asked: Asked) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /volt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            status = await reader.readline()
            writer.close()
            await writer.wait_closed()
            won = b" 200 " in status
            return http(payload("api_register_response.json" if won else "api_register_error.json"))

        async with api(answer) as (url, _):
            assert await volt(url).perform(ADD) is not None
    assert len(probes) == 1


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Internal Server Error", "502 Bad Gateway"])
@pytest.mark.parametrize("prefix", ["", "Error from GraphQL API: "])
async def test_a_test_request_that_failed_says_what_to_look_at(status: str, prefix: str) -> None:
    body = json.loads(payload("api_register_error.json"))
    body["errors"][0]["message"] = prefix + body["errors"][0]["message"]
    async with served(http_json(body, status)) as (url, _):
        error = await refusal(url)
    assert (error.kind, error.status) == (Trouble.REFUSED, int(status[:3]))
    assert error.said == f"{prefix}webhook failed to respond successfully"
    assert f"({status[:3]}, “{error.said}”)" in str(error)
    assert "whether the tunnel is up" in str(error)
    assert "answered with 200" in str(error)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([{"message": "Unauthorized"}], Trouble.AUTH),
        ([{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}], Trouble.AUTH),
        ([{"message": "no", "extensions": {"code": "FORBIDDEN"}}], Trouble.AUTH),
        ([{"message": "no"}, {"message": "slow", "extensions": {"code": "RATE_LIMITED"}}], Trouble.RATE_LIMITED),
        ([{"message": "twice", "extensions": {"code": "CONFLICT"}}], Trouble.CONFLICT),
        ([{"message": "gone", "extensions": {"code": "NOT_FOUND"}}], Trouble.NOT_FOUND),
        ([{"message": "bad url", "extensions": {"code": "BAD_USER_INPUT"}}], Trouble.REFUSED),
        ([{"message": "x", "extensions": [1]}, 7, None], Trouble.REFUSED),
        ("\x1b[2Jodd", Trouble.REFUSED),
        ([{}], Trouble.REFUSED),
    ],
)
async def test_errors_come_with_200(errors: Any, kind: Trouble) -> None:
    async with served(http_json({"data": None, "errors": errors}, "200 OK", "Retry-After: 7")) as (url, _):
        error = await refusal(url)
    assert (error.kind, error.status, error.retry_after_s) == (kind, 200, 7.0)
    assert str(error).startswith("Volt refused this with 200, “")
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (http_json({"data": {"registerWebhook": None}}), Trouble.UNINTELLIGIBLE, "neither a result of registerWebhook"),
        (http_json({"data": {}}), Trouble.UNINTELLIGIBLE, "may have been done"),
        (http_json({}), Trouble.UNINTELLIGIBLE, "neither a result"),
        (http_json([1]), Trouble.UNINTELLIGIBLE, "no GraphQL answer"),
        (http_json({"data": {"registerWebhook": True}}), Trouble.UNINTELLIGIBLE, "a webhook that has no id"),
        (http_json({"data": {"registerWebhook": {"id": "1"}}}), Trouble.UNINTELLIGIBLE, "a webhook that has no url"),
        (http(b"<html><title>Sign in</title>"), Trouble.UNINTELLIGIBLE, "an HTML page: Sign in"),
        (http(payload("api_register_response.json")[:-20]), Trouble.UNINTELLIGIBLE, "not JSON"),
        (http(b""), Trouble.UNINTELLIGIBLE, "with nothing"),
        (http_json({"message": "no"}, "401 No"), Trouble.AUTH, "refused the credentials"),
        (http_json({"message": "no"}, "429 No", "Retry-After: 5"), Trouble.RATE_LIMITED, "in 5 s"),
        (http(b"<html>", "502 Bad"), Trouble.UNCERTAIN, "may have been done"),
        (b"", Trouble.UNCERTAIN, "may have been done"),
        (http(b"", "302 Found", "Location: https://elsewhere.example.com/"), Trouble.UNINTELLIGIBLE, "elsewhere"),
    ],
)
async def test_other_answers_to_a_registration(answer: bytes, kind: Trouble, words: str) -> None:
    async with served(answer) as (url, requests):
        error = await refusal(url)
    assert error.kind is kind
    assert words in str(error)
    assert len(requests) == 1


async def test_what_was_there_before_is_put_back_as_something_new() -> None:
    async with served(http_json({"data": {"registerWebhook": {**WEBHOOK, "url": OLD.url}}})) as (url, requests):
        made = await volt(url).perform(Change(ChangeKind.ADD, SUBJECT, {}, OLD.url, target=OLD))
    assert made is not None
    assert (made.id, made.url) == ("1", OLD.url)
    assert len(requests) == 1


async def test_data_beside_errors_is_done_in_part() -> None:
    body = {"data": {"registerWebhook": {**WEBHOOK, "id": 12}}, "errors": [{"message": "no \x1btimes"}]}
    async with served(http_json(body)) as (url, _):
        made = await volt(url).perform(ADD)
    assert made is not None
    assert made.id == "12"
    assert made.note == "Volt did it only in part: “no ␛times”."


async def test_a_schema_that_knows_registration_only() -> None:
    async def answer(asked: Asked) -> bytes:
        return http(payload("api_introspection_response.json"))

    async with api(answer) as (url, came):
        client = volt(url)
        assert "documents only registration over GraphQL;" in str(client.cannot(LIST))
        await client.learn()
        await client.learn()
        assert client.cannot(ChangeKind.ADD) is None
        for operation in (LIST, ChangeKind.UPDATE, ChangeKind.REMOVE):
            sentence = client.cannot(operation) or ""
            assert sentence.startswith("Volt documents only registration over GraphQL, and its schema offers no more;")
            assert "Volt Messaging, Account Settings, Webhooks" in sentence
        for change in (UPDATE, REMOVE):
            with pytest.raises(AdminError) as caught:
                await client.perform(change)
            assert caught.value.kind is Trouble.UNSUPPORTED
        with pytest.raises(AdminError):
            await client.list()
    assert [asked.body for asked in came] == [payload("api_introspection_request.json")], "asked once, and nothing else"


@pytest.mark.parametrize(
    ("answer", "why", "asked"),
    [
        (http_json({"errors": [{"message": "introspection is off"}]}), "introspection is off", 1),
        (http_json({"errors": [{"message": "off"}]}, "400 Bad"), "(off)", 1),
        (http_json({"message": "not allowed"}, "403 No"), "(not allowed)", 1),
        (http_json({"data": {"__schema": None}}), "schema cannot be asked", 2),
        (http(b"<html>", "503 Down"), "(an HTML page)", 2),
        (http(b"", "500 Down"), "(500)", 2),
        (http(b"", "404 None"), "(404)", 2),
        (http(b"", "429 Slowly"), "(429)", 2),
        (http(b"{", "200 OK"), "schema cannot be asked", 2),
        (http_json([]), "schema cannot be asked", 2),
        (http(b"", "307 Moved", "Location: /v2"), "(307)", 2),
        (
            http_json({"data": {"__schema": {"queryType": 1, "mutationType": {"fields": [None, {"name": 2}]}}}}),
            "no more",
            1,
        ),
    ],
)
async def test_a_schema_that_does_not_say_leaves_registration(answer: bytes, why: str, asked: int) -> None:
    async with served(answer) as (url, requests):
        client = volt(url)
        await client.learn()
        await client.learn()
    assert len(requests) == asked, "what may pass is asked again"
    assert client.cannot(ChangeKind.ADD) is None
    assert why in str(client.cannot(LIST))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http_json({"message": "Invalid token"}, "401 Unauthorized"), Trouble.AUTH),
        (http_json({"errors": [{"message": "x", "extensions": {"code": "UNAUTHENTICATED"}}]}), Trouble.AUTH),
        (b"", Trouble.UNREACHABLE),
    ],
)
async def test_learning_fails_only_where_nothing_else_would_work(answer: bytes, kind: Trouble) -> None:
    async with served(answer) as (url, requests):
        client = volt(url)
        for _ in range(2):
            with pytest.raises(AdminError) as caught:
                await client.learn()
            assert caught.value.kind is kind
    assert len(requests) == 2, "it is asked again"


async def test_a_schema_that_offers_more_is_used() -> None:
    schema = full(
        webhooks=[WEBHOOK, {**WEBHOOK, "id": 2}],
        updateWebhook={**WEBHOOK, "id": "7"},
        deleteWebhook=True,
    )
    async with api(schema) as (url, came):
        client = volt(url)
        await client.learn()
        assert [client.cannot(use) for use in (LIST, *ChangeKind)] == [None] * 4
        assert [(found.id, found.url, found.subject) for found in await client.list()] == [
            ("1", URL, SUBJECT),
            ("2", URL, SUBJECT),
        ]
        changed = await client.perform(UPDATE)
        assert await client.perform(REMOVE) is None
        shown = [client.request(change).body or "" for change in (UPDATE, REMOVE)]
    assert changed is not None
    assert (changed.id, changed.url) == ("7", URL)
    sent = [asked.json for asked in came][2:]
    selection = "        id\n        url\n        createdAt\n        lastUpdatedAt\n    }\n}"
    assert sent[0] == {"query": f"query webhooks {{\n    webhooks {{\n{selection}"}
    assert sent[1] == {
        "query": f"mutation updateWebhook ($id: ID!, $url: String!) {{\n"
        f"    updateWebhook (id: $id, url: $url) {{\n{selection}",
        "variables": {"id": "7", "url": URL},
    }
    assert sent[2] == {
        "query": "mutation deleteWebhook ($id: ID!) {\n    deleteWebhook (id: $id)\n}",
        "variables": {"id": "7"},
    }
    assert [asked.body.decode() for asked in came[3:]] == shown, "what is shown is what is sent"


async def test_results_that_the_schema_does_not_tell_are_taken_for_webhooks() -> None:
    schema = full(deleteWebhook=WEBHOOK)
    schema.results, schema.webhook = False, None
    async with api(schema) as (url, came):
        client = volt(url)
        await client.learn()
        await client.perform(REMOVE)
    assert "deleteWebhook (id: $id) {\n        id\n        url\n" in came[-1].json["query"]


@pytest.mark.parametrize(
    ("name", "args", "declared", "variables"),
    [
        ("unregisterWebhook", [argument("url")], "$url: String!", {"url": OLD.url}),
        ("removeWebhook", [argument("webhookId", "Int")], "$webhookId: Int!", {"webhookId": 7}),
        ("DeleteWebhook", [argument("id", "UUID", needed=False)], "$id: UUID", {"id": "7"}),
        (
            "delete_webhook",
            [argument("url"), argument("id", "ID")],
            "$id: ID!, $url: String!",
            {"id": "7", "url": OLD.url},
        ),
        ("deleteWebhook", [argument("url", needed=False), argument("id", "ID")], "$id: ID!", {"id": "7"}),
        ("deleteWebhook", [argument("id", "ID"), argument("reason", needed=False)], "$id: ID!", {"id": "7"}),
    ],
)
async def test_removal_by_what_the_schema_asks_for(
    name: str, args: list[Any], declared: str, variables: dict[str, Any]
) -> None:
    schema = Schema(
        [], [{"name": name, "args": args, "type": result("OBJECT", "Deleted")}], **{name: {"__typename": "D"}}
    )
    async with api(schema) as (url, came):
        client = volt(url)
        await client.learn()
        assert await client.perform(replace(REMOVE, url="https://new.example.com/")) is None
    assert came[-1].json["query"].startswith(f"mutation {name} ({declared}) {{")
    assert "        __typename\n" in came[-1].json["query"]
    assert came[-1].json["variables"] == variables


@pytest.mark.parametrize(
    ("query", "mutation"),
    [
        ({"name": "webhooks", "args": [argument("first", "Int")]}, {"name": "deleteWebhook", "args": []}),
        (
            {"name": "webhooks", "args": [argument("id", "ID")]},
            {"name": "deleteWebhook", "args": [argument("input", "Input", kind="INPUT_OBJECT")]},
        ),
        (
            {"name": "webhooks", "args": [], "type": result("OBJECT", "WebhookConnection")},
            {"name": "removeWebhook", "args": [argument("id", "ID"), argument("confirm", "Boolean")]},
        ),
        (
            {"name": "webhooks", "args": "odd", "type": listed("Hook")},
            {"name": "removeWebhook", "args": [argument("id", "Ids", kind="INPUT_OBJECT")]},
        ),
    ],
)
async def test_what_cannot_be_filled_or_read_is_not_offered(query: Any, mutation: Any) -> None:
    async with api(Schema([query], [mutation])) as (url, came):
        client = volt(url)
        await client.learn()
    assert f"its schema has {query['name']}, with " in str(client.cannot(LIST))
    assert f"its schema has {mutation['name']}, with arguments that" in str(client.cannot(ChangeKind.REMOVE))
    assert all("query" in asked.json["query"][:5] for asked in came)


@pytest.mark.parametrize(
    "field",
    [
        {"name": "webhooks { id } me", "args": []},
        {"name": "\x1b[2Jwebhooks", "args": []},
        {"name": "webhookEvents", "args": []},
        {"name": "testWebhook", "args": [argument("id", "ID")]},
        {"name": "deleteWebhook", "args": [argument("id", "ID) { x } #")]},
        {"name": "deleteAllWebhooks", "args": []},
    ],
)
async def test_a_schema_cannot_put_words_into_what_is_sent(field: dict[str, Any]) -> None:
    async with api(Schema([field], [field])) as (url, _):
        client = volt(url)
        await client.learn()
    for use in (LIST, ChangeKind.UPDATE, ChangeKind.REMOVE):
        assert client.cannot(use) is not None
        assert str(client.cannot(use)).isprintable()


@pytest.mark.parametrize(
    ("webhooks", "words"),
    [
        (None, "neither a result of webhooks nor an error"),
        ({"nodes": []}, "without a list of webhooks"),
        ([WEBHOOK, None], "a webhook that has no id"),
        ([{"id": "1", "url": ["x"]}], "a webhook that has no url"),
        ([{}] * (MAX_LISTED + 1), f"more than {MAX_LISTED} webhooks"),
    ],
)
async def test_lists_that_make_no_sense(webhooks: Any, words: str) -> None:
    async with api(full(webhooks=webhooks)) as (url, _):
        client = volt(url)
        await client.learn()
        with pytest.raises(AdminError) as caught:
            await client.list()
    assert caught.value.kind is Trouble.UNINTELLIGIBLE
    assert words in str(caught.value)
    assert "may have been done" not in str(caught.value), "a list changes nothing"


async def test_a_part_of_a_list_is_no_list() -> None:
    schema = full()

    async def answer(asked: Asked) -> bytes:
        if "query webhooks" in asked.json["query"]:
            return http_json({"data": {"webhooks": [WEBHOOK]}, "errors": [{"message": "shard 2 is down"}]})
        return await schema(asked)

    async with api(answer) as (url, _):
        client = volt(url)
        await client.learn()
        with pytest.raises(AdminError, match="only a part of the list and with “shard 2 is down”"):
            await client.list()


async def test_false_and_true_as_results() -> None:
    schema = full(deleteWebhook=False, updateWebhook=True)
    async with api(schema) as (url, _):
        client = volt(url)
        await client.learn()
        with pytest.raises(AdminError, match="answered false") as caught:
            await client.perform(REMOVE)
        changed = await client.perform(UPDATE)
    assert caught.value.kind is Trouble.REFUSED
    assert changed == replace(OLD, url=URL)


@pytest.mark.parametrize(
    "change",
    [
        Change(ChangeKind.ADD, SUBJECT, {}),
        Change(ChangeKind.ADD, SUBJECT, {}, URL, signing_key=Secret("sample-key-for-volt")),
        Change(ChangeKind.UPDATE, SUBJECT, url=URL),
        Change(ChangeKind.UPDATE, SUBJECT, active=False, target=OLD),
        Change(ChangeKind.REMOVE, SUBJECT, url=URL),
    ],
)
async def test_changes_that_volt_does_not_know(change: Change) -> None:
    async with api(full()) as (url, came):
        client = volt(url)
        await client.learn()
        with pytest.raises(AdminError) as caught:
            client.request(change)
    assert caught.value.kind is Trouble.UNSUPPORTED
    assert len(came) == 2


def test_what_is_wrong_with_a_form() -> None:
    client = volt("https://api.example.com")
    assert client.problems({}, URL) == {}
    assert client.problems({}, "http://example.com/volt") == {}
    assert client.problems({}, None) == {"url": "There is no public address yet."}
    assert list(client.problems({"topic": "x"}, "ftp://example.com")) == ["topic", "url"]
    assert client.fields({}) == ()
    assert client.subject({}) == SUBJECT


async def test_what_should_be_known_before() -> None:
    client = volt("https://api.example.com")
    warnings = " ".join(client.warnings({}, URL))
    assert "all numbers of the organization" in warnings
    assert "stays registered after hooktop ends" in warnings
    assert "http://" not in warnings
    assert "http://" in " ".join(client.warnings({}, "http://example.com/volt"))
    assert "cannot reach" in " ".join(client.warnings({}, "http://127.0.0.1:8787/volt"))
    async with api(full()) as (url, _):
        client = volt(url)
        await client.learn()
    warnings = " ".join(client.warnings({}, "http://127.0.0.1:8787/volt"))
    assert "stays registered" not in warnings
    assert "cannot reach" not in warnings, "a stand-in on this machine can"


def test_who_it_is() -> None:
    client = VoltAdmin(Account("v", "volt", None, Secret(TOKEN)), Api("v"))
    assert (client.provider, client.host, client.needs_key, client.exclusive) == (
        "volt",
        "api.respondflow.com",
        False,
        False,
    )
    assert TOKEN not in repr(client) + repr(vars(client))
