"""Calls to Bird's API over real sockets, against a stand-in that answers as Bird's pages say, and as they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.account import Account
from monitor.admin.base import LIST, Admin, AdminError, ApiCall, Trouble
from monitor.admin.bird import MAX_PAGES, BirdAdmin
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind, Registration
from tests.admin.birds import (
    ACCESS_KEY,
    CHANNEL,
    LONG,
    ORGANIZATION,
    PLAIN,
    SHORT,
    SIGNING_KEY,
    SPEC,
    URL,
    adding,
    bird,
    listed,
    made,
    nothing_secret,
    page,
    told,
)
from tests.admin.scripted import answer, lines, payload, scripted
from tests.admin.server import Asked


def test_what_kind_of_api_it_is() -> None:
    admin: Admin = bird()
    assert (admin.provider, admin.host, admin.needs_key, admin.exclusive) == ("bird", "api.bird.com", True, False)
    assert [admin.cannot(operation) for operation in (LIST, *ChangeKind)] == [None] * 4
    assert BirdAdmin(Account("b", "bird", workspace_id="w"), Api("b")).host == "api.bird.com"


def test_without_a_workspace_nothing_is_asked() -> None:
    admin = BirdAdmin(Account("mine", "bird", api_secret=ACCESS_KEY), Api("mine"))
    why = admin.cannot(LIST) or ""
    assert "The account mine has no workspace_id" in why
    assert "in the environment" not in why
    plain = BirdAdmin(Account("bird", "bird", api_secret=ACCESS_KEY), Api("bird"))
    assert "BIRD_WORKSPACE_ID in the environment" in (plain.cannot(LIST) or "")
    with pytest.raises(AdminError, match="no workspace_id") as caught:
        admin.request(adding())
    assert caught.value.kind is Trouble.AUTH


# Creating


async def test_the_documented_request_is_sent_byte_for_byte() -> None:
    calls: list[ApiCall] = []
    async with scripted(answer(made("852883af", SPEC, signingKey=SIGNING_KEY.reveal()), "201 Created")) as (url, asked):
        admin = bird(url, calls=calls)
        found = await admin.perform(adding())
    assert lines(asked) == [f"POST {LONG}"]
    assert asked[0].body == payload("bird/api_create_request.json").strip()
    assert asked[0].headers["authorization"] == f"AccessKey {ACCESS_KEY.reveal()}"
    assert asked[0].headers["content-type"] == "application/json"
    assert asked[0].headers["accept"] == "application/json"
    assert found is not None
    assert (found.id, found.url, found.active) == ("852883af", URL, True)
    assert found.subject == f"channels sms.outbound channelId={CHANNEL}"
    assert "signingKey" not in found.raw
    nothing_secret(found, calls, calls[0].request, calls[0].answer)


async def test_what_is_shown_is_what_is_sent_without_its_secrets() -> None:
    async with scripted(answer(made("x"))) as (url, asked):
        admin = bird(url)
        request = admin.request(adding())
        await admin.perform(adding())
    shown = request.shown()
    assert shown.startswith(f"POST {url}{LONG}\nAuthorization: ••••nary\n")
    assert '"signingKey":"••••2qk="' in shown
    assert (request.body or "").encode() == asked[0].body
    nothing_secret(request, shown)


async def test_without_filters_and_key_neither_is_sent() -> None:
    async with scripted(answer(made("x"))) as (url, asked):
        await bird(url).perform(replace(adding(PLAIN), signing_key=None))
    assert asked[0].json == {"service": "channels", "event": "sms.outbound", "url": URL}


async def test_the_short_form_without_an_organization_and_ids_that_stay_where_they_are() -> None:
    async with scripted(answer(made("x"))) as (url, asked):
        await bird(url, short=True).perform(adding())
        account = Account("b", "bird", api_url=url, api_secret=ACCESS_KEY, workspace_id="../a b?c")
        await told(BirdAdmin(account, Api("b")), adding())
    assert lines(asked) == [
        f"POST {SHORT}",
        "POST /workspaces/..%2Fa%20b%3Fc/webhook-subscriptions",
    ]


async def test_a_post_is_never_repeated_on_the_other_form() -> None:
    async with scripted(answer({"code": "NotFound", "message": "no such path"}, "404 Not Found")) as (url, asked):
        error = await told(bird(url), adding())
    assert (error.kind, error.status, error.said) == (Trouble.NOT_FOUND, 404, "no such path (NotFound)")
    assert len(asked) == 1


@pytest.mark.parametrize("body", [None, {}, [], b" \n"])
@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted"])
async def test_an_answer_without_the_id_is_looked_up(body: object, status: str) -> None:
    others = [made("old"), made("elsewhere", url="https://example.com/other"), made("filtered", SPEC)]
    new = [made("first", createdAt="2026-06-22T19:05:31.240Z"), made("second", createdAt="2026-06-23T19:05:31.240Z")]
    async with scripted(page(others[0]), answer(body, status), page(*others, *reversed(new))) as (url, asked):
        admin = bird(url)
        await admin.list()
        found = await admin.perform(adding(PLAIN))
    assert found is not None
    assert found.id == "second"
    assert [line.split()[0] for line in lines(asked)] == ["GET", "POST", "GET"]


@pytest.mark.parametrize("afterwards", [page(), page(made("other", SPEC)), answer(b"", "500 Oops")])
async def test_what_cannot_be_found_may_have_been_made(afterwards: bytes) -> None:
    async with scripted(answer(None, "201 Created"), afterwards) as (url, asked):
        error = await told(bird(url), adding(PLAIN))
    assert error.kind is Trouble.UNINTELLIGIBLE
    assert "without the id of the new webhook" in str(error)
    assert "may have been done" in str(error)
    assert [line.split()[0] for line in lines(asked)] == ["POST", "GET"]


@pytest.mark.parametrize("body", [b"<!doctype html><title>Log in</title>", b'{"id": "852883af', b"\xff\xfe", b"OK"])
@pytest.mark.parametrize("kind", ["create", "update", "remove", "list"])
async def test_an_answer_that_is_no_json(body: bytes, kind: str) -> None:
    _, one = await listed(made("x"))
    change = {
        "create": adding(),
        "update": Change(ChangeKind.UPDATE, "", active=False, target=one),
        "remove": Change(ChangeKind.REMOVE, "", target=one),
        "list": None,
    }[kind]
    async with scripted(answer(body)) as (url, _):
        error = await told(bird(url), change)
    assert error.kind is Trouble.UNINTELLIGIBLE


async def test_nothing_is_added_without_an_address() -> None:
    for change in (replace(adding(), url=None), replace(adding(), url=""), replace(adding(), spec=None)):
        with pytest.raises(AdminError, match="no public address yet"):
            bird().request(change)


# Listing


async def test_every_page_is_asked_for() -> None:
    last = [payload("bird/api_object_without_key.json"), payload("bird/api_object_null_filters_inactive.json")]
    async with scripted(
        answer(payload("bird/api_list_response.json")), answer(b'{"results": [' + b",".join(last) + b"]}")
    ) as (url, asked):
        first, second, third = await bird(url).list()
    assert lines(asked) == [
        f"GET {LONG}?limit=100",
        f"GET {LONG}?limit=100&pageToken=eyJvIjoxMDB9",
    ]
    assert all(request.headers["authorization"] == f"AccessKey {ACCESS_KEY.reveal()}" for request in asked)
    assert all(request.headers["accept"] == "application/json" for request in asked)
    assert first == Registration(
        "bird",
        "123e4567-e89b-12d3-a456-426614174000",
        URL,
        f"channels sms.outbound channelId={CHANNEL}",
        SPEC,
        True,
        datetime(2025, 6, 22, 19, 5, 31, 240000, UTC),
        datetime(2025, 6, 22, 19, 5, 31, 240000, UTC),
        {
            k: v
            for k, v in json.loads(payload("bird/api_list_response.json"))["results"][0].items()
            if k != "signingKey"
        },
    )
    assert first.raw["template"] == "twilio"
    assert (second.subject, second.active) == (
        "channels whatsapp.inbound channelId=52ad151f-f7b4-46f9-a5c6-d3318e650c84",
        True,
    )
    assert (third.subject, third.active) == ("conversations conversation.updated", False)
    assert third.spec == {"service": "conversations", "event": "conversation.updated"}
    nothing_secret(first)


@pytest.mark.parametrize("body", [payload("bird/api_list_empty.json"), b'{"results": null}'])
async def test_an_empty_list(body: bytes) -> None:
    async with scripted(answer(body)) as (url, _):
        assert list(await bird(url).list()) == []


@pytest.mark.parametrize("token", ["a", "x" * 8001, 7, ["a"], {"a": 1}, True])
async def test_pages_that_lead_in_a_circle_end(token: object) -> None:
    async with scripted(lambda _: answer({"results": [made("x")], "nextPageToken": token})) as (url, asked):
        error = await told(bird(url))
    assert error.kind is Trouble.UNINTELLIGIBLE
    assert "pages without an end" in str(error)
    assert len(asked) <= 2


async def test_pages_without_an_end_end() -> None:
    async with scripted(lambda request: page(made("x"), token=f"{lines([request])[0][-20:]}x")) as (url, asked):
        error = await told(bird(url))
    assert "pages without an end" in str(error)
    assert len(asked) == MAX_PAGES + 1


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"results": {}}',
        b'{"results": [1]}',
        b'{"results": [{"id": ""}]}',
        b'{"results": [{}]}',
        b'{"results": [' + b",".join([b"1"] * 2001) + b"]}",
    ],
)
async def test_a_list_that_is_none(body: bytes) -> None:
    async with scripted(answer(body)) as (url, _):
        assert (await told(bird(url))).kind is Trouble.UNINTELLIGIBLE


async def test_a_hundred_on_one_page_are_all_read() -> None:
    async with scripted(page(*(made(f"{number}") for number in range(100)))) as (url, _):
        assert len(await bird(url).list()) == 100


async def test_an_error_on_a_later_page_is_no_shorter_list() -> None:
    async with scripted(page(made("x"), token="t"), answer({"message": "gone"}, "404 Not Found")) as (url, asked):
        error = await told(bird(url))
    assert error.kind is Trouble.NOT_FOUND
    assert len(asked) == 2


async def test_a_list_that_is_not_found_is_asked_in_the_other_form_which_is_kept() -> None:
    async with scripted(answer(b"", "404 Not Found"), page(made("x"), token="t"), page(), answer(), page()) as (
        url,
        asked,
    ):
        admin = bird(url)
        (one,) = await admin.list()
        await admin.perform(Change(ChangeKind.REMOVE, "", target=one))
        await admin.list()
    assert lines(asked) == [
        f"GET {LONG}?limit=100",
        f"GET {SHORT}?limit=100",
        f"GET {SHORT}?limit=100&pageToken=t",
        f"DELETE {SHORT}/x",
        f"GET {SHORT}?limit=100",
    ]


@pytest.mark.parametrize("other", ["404 Not Found", "403 Forbidden", "500 Oops"])
async def test_a_form_that_does_not_fit_either_is_not_kept(other: str) -> None:
    async with scripted(answer({"message": "first"}, "404 Not Found"), answer(b"", other), page()) as (url, asked):
        admin = bird(url)
        assert (await told(admin)).said == "first"
        await admin.list()
    assert [line.split()[1].split("?")[0] for line in lines(asked)] == [LONG, SHORT, LONG]


@pytest.mark.parametrize(("short", "status"), [(True, "404 Not Found"), (False, "403 Forbidden"), (False, "500 Oops")])
async def test_the_other_form_is_for_a_404_and_an_organization_alone(short: bool, status: str) -> None:
    async with scripted(answer(b"", status)) as (url, asked):
        await told(bird(url, short=short))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", Trouble.AUTH),
        ("403 Forbidden", Trouble.AUTH),
        ("429 Slow down", Trouble.RATE_LIMITED),
        ("422 Unprocessable", Trouble.REFUSED),
        ("503 Unavailable", Trouble.REFUSED),
    ],
)
async def test_errors_keep_birds_words(status: str, kind: Trouble) -> None:
    body = payload("bird/api_error_guess.json")
    async with scripted(answer(body, status, "Retry-After: 7", "X-Request-Id: req-7")) as (url, _):
        error = await told(bird(url), adding())
    assert error.kind is kind
    assert "one or more fields are invalid (InvalidPayload)" in error.said
    assert "does not match pattern" in error.said
    assert error.trace_id == "req-7"
    if kind is Trouble.RATE_LIMITED:
        assert error.retry_after_s == 7.0


async def test_an_answer_that_repeats_a_secret_does_not_show_it() -> None:
    body = {"message": f"bad key {ACCESS_KEY.reveal()} or {SIGNING_KEY.reveal()}"}
    calls: list[ApiCall] = []
    async with scripted(answer(body, "422 No")) as (url, _):
        error = await told(bird(url, calls=calls), adding())
    assert "bad key" in error.said
    nothing_secret(error.said, calls)


# Getting


async def test_one_is_got() -> None:
    async with scripted(answer(payload("bird/api_object_without_key.json")), answer({})) as (url, asked):
        found = await bird(url).get("852883af-5f68-4204-b611-7ee8db9600f4")
        with pytest.raises(AdminError, match="without the webhook's id"):
            await bird(url).get("852883af-5f68-4204-b611-7ee8db9600f4")
    assert found.subject == "channels whatsapp.inbound channelId=52ad151f-f7b4-46f9-a5c6-d3318e650c84"
    assert lines(asked)[0] == f"GET {LONG}/852883af-5f68-4204-b611-7ee8db9600f4"


# Updating and removing


async def updated(change: Callable[[Registration], Change], *objects: dict[str, Any]) -> tuple[Asked, Registration]:
    """What an update of the first of ``objects`` sends, and what comes of it when the answer repeats it."""

    def repeat(request: Asked) -> bytes:
        return answer({**objects[0], **request.json})

    _, one = await listed(*objects)
    async with scripted(repeat) as (url, asked):
        found = await bird(url).perform(change(one))
    assert found is not None
    return asked[0], found


async def test_the_documented_updates_are_sent_byte_for_byte() -> None:
    asked, found = await updated(
        lambda one: Change(ChangeKind.UPDATE, one.subject, active=False, target=one), made("0edf722b")
    )
    assert lines([asked])[0] == f"PATCH {LONG}/0edf722b"
    assert asked.body == payload("bird/api_update_status_request.json").strip()
    assert asked.headers["content-type"] == "application/json"
    assert found.active is False

    body = payload("bird/api_update_url_request.json").strip()
    asked, found = await updated(
        lambda one: Change(ChangeKind.UPDATE, one.subject, url=json.loads(body)["url"], target=one), made("0edf722b")
    )
    assert asked.body == body
    assert found.url == json.loads(body)["url"]


async def test_only_what_bird_takes_is_sent_and_never_the_template() -> None:
    one = made("x", SPEC, template="twilio", organizationId=ORGANIZATION, signingKey=SIGNING_KEY.reveal())
    asked, found = await updated(
        lambda one: Change(
            ChangeKind.UPDATE,
            "",
            {**one.spec, "filters": "messageStatus=delivered"},
            "https://example.com/new",
            True,
            SIGNING_KEY,
            one,
        ),
        one,
    )
    assert asked.json == {
        "url": "https://example.com/new",
        "signingKey": SIGNING_KEY.reveal(),
        "status": "active",
        "eventFilters": [{"key": "messageStatus", "value": "delivered"}],
    }
    assert found.subject == "channels sms.outbound messageStatus=delivered"
    assert found.raw["template"] == "twilio"
    nothing_secret(found, bird().request(Change(ChangeKind.UPDATE, "", signing_key=SIGNING_KEY, target=found)))


@pytest.mark.parametrize("spec", [PLAIN, {"filters": ""}])
async def test_filters_are_cleared(spec: dict[str, str]) -> None:
    asked, found = await updated(lambda one: Change(ChangeKind.UPDATE, "", spec, target=one), made("x", SPEC))
    assert asked.json == {"eventFilters": []}
    assert found.subject == "channels sms.outbound"


async def test_filters_that_stay_are_not_sent() -> None:
    same = {**PLAIN, "filters": f" messageStatus = sent ,channelId={CHANNEL}"}
    spec = {**PLAIN, "filters": f"channelId={CHANNEL}, messageStatus=sent"}
    for given in (same, {"service": "channels"}, {}):
        asked, _ = await updated(
            lambda one, given=given: Change(ChangeKind.UPDATE, "", given, URL, target=one),  # type: ignore[misc]  # bound in the loop
            made("x", spec),
        )
        assert asked.json == {"url": URL}


@pytest.mark.parametrize("spec", [{"event": "sms.inbound"}, {"service": "numbers", "event": "sms.outbound"}])
async def test_service_and_event_never_change(spec: dict[str, str]) -> None:
    admin, one = await listed(made("x"))
    with pytest.raises(AdminError, match="add one for the new event, then remove this one") as caught:
        admin.request(Change(ChangeKind.UPDATE, "", spec, URL, target=one))
    assert caught.value.kind is Trouble.UNSUPPORTED


async def test_an_update_of_nothing_is_not_sent() -> None:
    admin, one = await listed(made("x", SPEC))
    for spec in (None, {}, SPEC):
        with pytest.raises(AdminError, match="Nothing of this webhook would change"):
            admin.request(Change(ChangeKind.UPDATE, "", spec, target=one))


async def test_an_update_without_an_answer_is_asked_for() -> None:
    _, one = await listed(made("x"))
    change = Change(ChangeKind.UPDATE, "", active=False, target=one)
    now = made("x", status="inactive", updatedAt="2026-06-23T19:05:31.240Z")
    async with scripted(answer(), answer(now), answer({}), answer(b"", "500 Oops")) as (url, asked):
        found = await bird(url).perform(change)
        wished = await bird(url).perform(change)
    assert [line.split()[0] for line in lines(asked)] == ["PATCH", "GET", "PATCH", "GET"]
    assert found is not None
    assert found.updated_at == datetime(2026, 6, 23, 19, 5, 31, 240000, UTC)
    assert wished is not None
    assert (wished.id, wished.active, wished.url) == ("x", False, URL)


@pytest.mark.parametrize("body", [None, {}, made("x")])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
async def test_a_removal(body: object, status: str) -> None:
    _, one = await listed(made("a/b?c"))
    async with scripted(answer(None if status.startswith("204") else body, status)) as (url, asked):
        assert await bird(url).perform(Change(ChangeKind.REMOVE, "", target=one)) is None
    assert lines(asked)[0] == f"DELETE {LONG}/a%2Fb%3Fc"
    assert asked[0].body == b""
    assert "content-type" not in asked[0].headers


@pytest.mark.parametrize("kind", [ChangeKind.UPDATE, ChangeKind.REMOVE])
async def test_what_is_gone_and_what_never_was(kind: ChangeKind) -> None:
    admin, one = await listed(made("x"))
    async with scripted(answer(b"", "404 Not Found")) as (url, asked):
        error = await told(bird(url), Change(kind, "", active=True, target=one))
    assert error.kind is Trouble.NOT_FOUND
    assert len(asked) == 1
    for target in (None, *(replace(one, id=id_) for id_ in ("", ".", ".."))):
        with pytest.raises(AdminError, match="list anew"):
            admin.request(Change(kind, "", active=True, target=target))
