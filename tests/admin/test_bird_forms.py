"""The form of a Bird webhook: what is asked, refused and warned of, and what a listed one says of itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitor.account import Account
from monitor.admin import bird_forms
from monitor.admin.base import Admin, AdminError, Trouble
from monitor.admin.bird import BirdAdmin
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind
from tests.admin.birds import ACCESS_KEY, CHANNEL, PLAIN, SPEC, URL, WORKSPACE, bird, listed, made, nothing_secret
from tests.admin.scripted import answer, lines, payload, scripted
from tests.admin.server import Asked

AVAILABLE = {
    "channels": [
        {"name": "sms.outbound", "filterKeys": ["channelId", "messageStatus"]},
        {"name": "tiktok.inbound", "filterKeys": None},
    ],
    "numbers": [{"name": "compliance.updated", "filterKeys": ["numberId", 7, "a b"]}, {"name": "a b"}, {}, 3, None],
}


def available(request: Asked) -> bytes:
    service = lines([request])[0].rpartition("=")[2]
    if service == "payments":
        return answer(b"", "403 Forbidden")
    if service == "conversations":
        return answer({"results": []})
    return answer({"results": [{"service": service, "events": AVAILABLE[service]}, {"service": "odd"}, 1]})


def choices(admin: Admin, spec: dict[str, str]) -> tuple[str, ...]:
    return next(field.choices for field in admin.fields(spec) if field.name == "event")


def help_of(admin: Admin, spec: dict[str, str]) -> str:
    return next(field.help for field in admin.fields(spec) if field.name == "filters")


async def test_the_events_are_learnt_once_and_what_is_not_told_is_built_in() -> None:
    async with scripted(available) as (url, asked):
        admin = bird(url)
        await admin.learn()
        await admin.learn()
    services = ("channels", "conversations", "numbers", "payments")
    assert sorted(lines(asked)) == [
        f"GET /workspaces/{WORKSPACE}/available-webhooks?service={service}" for service in services
    ]
    assert choices(admin, {}) == ("sms.outbound", "tiktok.inbound")
    assert choices(admin, {"service": "numbers"}) == ("compliance.updated",)
    assert choices(admin, {"service": "payments"}) == ()
    assert choices(admin, {"service": "conversations"}) == (
        "conversation.created",
        "conversation.updated",
        "conversation.deleted",
    )
    assert "KEY=VALUE by channelId, messageStatus;" in help_of(admin, {"event": "sms.outbound"})
    assert "KEY=VALUE;" in help_of(admin, {"event": "tiktok.inbound"})
    assert "KEY=VALUE by numberId;" in help_of(admin, {"service": "numbers", "event": "compliance.updated"})
    assert "KEY=VALUE by channelId;" in help_of(admin, {"service": "conversations"})


async def test_the_documented_answer_is_learnt() -> None:
    documented = payload("bird/api_available_webhooks_response.json")
    async with scripted(lambda _: answer(documented)) as (url, _):
        admin = bird(url)
        await admin.learn()
    assert choices(admin, {"service": "channels"}) == ("sms.outbound",)


def test_the_form_before_anything_is_learnt() -> None:
    admin = bird()
    service, event, filters = admin.fields({})
    assert (service.name, service.choices, service.free, service.default) == (
        "service",
        ("channels", "conversations", "numbers", "payments"),
        False,
        "channels",
    )
    assert (event.name, event.free, event.required, len(event.choices)) == ("event", True, True, 9)
    assert (filters.name, filters.many, filters.required) == ("filters", True, False)
    assert "channelId, messageStatus, interactionType" in filters.help


@pytest.mark.parametrize(
    ("status", "kind"),
    [("401 No", Trouble.AUTH), ("403 No", Trouble.AUTH), ("404 No", None), ("500 Oops", None), ("200 OK", None)],
)
async def test_what_learning_raises(status: str, kind: Trouble | None) -> None:
    async with scripted(lambda _: answer(b"<html>", status)) as (url, asked):
        admin = bird(url)
        if kind is None:
            await admin.learn()
            await admin.learn()
        else:
            with pytest.raises(AdminError) as caught:
                await admin.learn()
            assert caught.value.kind is kind
            nothing_secret(caught.value)
    assert len(asked) == 4
    assert len(choices(admin, {})) == 9


async def test_learning_from_nobody_and_without_a_workspace() -> None:
    async with scripted() as (url, _):
        pass
    with pytest.raises(AdminError) as caught:
        await bird(url).learn()
    assert caught.value.kind is Trouble.UNREACHABLE
    await BirdAdmin(Account("b", "bird", api_secret=ACCESS_KEY), Api("b")).learn()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "https://abc.ngrok-free.app/hooks/bird?t=1",
        "https://example.com:8443/x",
        "https://a-b.example.co.uk/%20",
    ],
)
def test_addresses_that_bird_takes(url: str) -> None:
    assert bird().problems(SPEC, url) == {}
    said = " ".join(bird().warnings(PLAIN, url))
    assert ("leave out :8443" in said) == (":8443" in url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com?x=1",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "http://example.com/x",
        "https://u:p@example.com/",
        "https://a_b.example.com/",
        "https://exämple.com/",
        "HTTPS://example.com/",
        "https://example.com/x\n",
        "https://example.com/a b",
        "https://example.com:/x",
        "",
        None,
    ],
)
def test_addresses_that_bird_does_not_take(url: str | None) -> None:
    assert list(bird().problems(SPEC, url)) == ["url"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({}, ["service", "event"]),
        ({"service": "sms", "event": "x"}, ["service"]),
        ({**PLAIN, "event": "a b"}, ["event"]),
        ({**PLAIN, "event": "typed.by-hand"}, []),
        ({**PLAIN, "filters": "channelId"}, ["filters"]),
        ({**PLAIN, "filters": "channelId="}, ["filters"]),
        ({**PLAIN, "filters": "=x"}, ["filters"]),
        ({**PLAIN, "filters": "channelId=a, channelId=b"}, ["filters"]),
        ({**PLAIN, "filters": "channelId=a, channelId=a"}, []),
        ({**PLAIN, "filters": " , channelId=a, messageStatus=b=c,"}, []),
    ],
)
def test_problems(spec: dict[str, str], wrong: list[str]) -> None:
    found = bird().problems(spec, URL)
    assert list(found) == wrong
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in found.values())


async def test_warnings_from_what_was_listed() -> None:
    admin, _ = await listed(made("a"), *(made(f"{n}", {**PLAIN, "event": "sms.inbound"}) for n in range(4)))
    inbound = {**PLAIN, "event": "sms.inbound"}
    assert admin.warnings({**PLAIN, "event": "sms.interaction"}, URL) == []
    assert admin.warnings(inbound, URL) == []
    assert admin.warnings(PLAIN, URL) == []
    (warning,) = admin.warnings(SPEC, URL)
    assert "channels sms.outbound without filters" in warning
    itself = bird_forms.registration(made("a"))
    assert admin.warnings(SPEC, URL, itself) == [], "what is changed itself is no other"

    admin, _ = await listed(made("a", SPEC), *(made(f"{n}", inbound) for n in range(5)))
    (warning,) = admin.warnings(PLAIN, URL)
    assert "channels sms.outbound with filters" in warning
    (warning,) = admin.warnings(inbound, URL)
    assert "at most 5" in warning
    assert admin.warnings(SPEC, URL) == []


def test_warnings_about_filters() -> None:
    found = bird().warnings({**PLAIN, "filters": "messageStatus=delivered, messageStatus=sent"}, URL)
    assert len(found) == 1
    assert "messageStatus twice" in found[0]
    found = bird().warnings({**PLAIN, "filters": "channelId=clicked"}, URL)
    assert len(found) == 1
    assert "a UUID" in found[0]


@pytest.mark.parametrize(
    "filters",
    [
        None,
        [],
        [{"key": "messageStatus", "value": "sent"}, {"key": "channelId", "value": CHANNEL}],
        [{"key": "odd", "value": "a,b = c"}, {"key": "odd", "value": ""}, {"key": "", "value": "x"}],
        [{"key": "number", "value": 7}, {}, None, 3],
        [{"key": "same", "value": "x"}, {"key": "same", "value": "x"}],
    ],
)
async def test_the_spec_of_a_listed_one_gives_the_same_subject(filters: Any) -> None:
    admin, one = await listed(made("x", eventFilters=filters))
    assert admin.subject(one.spec) == one.subject
    assert admin.subject({**one.spec, "event": f" {one.spec['event']} "}) == one.subject
    request = admin.request(Change(ChangeKind.ADD, "", one.spec, URL))
    sent = {"id": "y", **json.loads(request.body or "")}
    _, again = await listed(sent)
    assert again.subject == one.subject
    assert all(again.spec.values())


def test_the_order_of_filters_does_not_matter() -> None:
    admin = bird()
    one = admin.subject({**PLAIN, "filters": "messageStatus=sent,channelId=1"})
    assert one == admin.subject({"filters": "channelId=1 , messageStatus = sent", **PLAIN})
    assert one == "channels sms.outbound channelId=1 messageStatus=sent"


@pytest.mark.parametrize(
    "value",
    [
        {"id": "x"},
        {"id": 7, "service": None, "event": [], "url": {}, "status": 1, "createdAt": "yesterday", "eventFilters": "a"},
        {"id": "x", "status": "paused", "service": "\ud800", "event": "\x1b[2J"},
    ],
)
async def test_odd_objects_are_read_as_far_as_they_go(value: dict[str, Any]) -> None:
    admin, one = await listed(value)
    assert one.id in ("x", "7")
    assert one.active is None
    assert one.created_at is None
    assert admin.subject(one.spec) == one.subject
