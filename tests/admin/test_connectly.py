"""Calls to Connectly's API over real sockets, against a stand-in that answers as its pages say, and as they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from monitor.account import Account
from monitor.admin.base import LIST, Admin, AdminError, ApiCall, Trouble
from monitor.admin.connectly import ConnectlyAdmin
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind, Registration
from monitor.secret import Secret
from tests.admin.connectlys import (
    API_KEY,
    BASE,
    DELIVERY,
    MESSAGES,
    NEW,
    TOKEN,
    TOPIC,
    URL,
    WEBENGAGE,
    adding,
    changing,
    connectly,
    documented,
    done,
    listing,
    nothing_secret,
    told,
)
from tests.admin.scripted import answer, lines, payload, scripted


async def test_what_kind_of_api_it_is() -> None:
    admin: Admin = connectly()
    await admin.learn()
    assert (admin.provider, admin.host, admin.needs_key, admin.exclusive) == (
        "connectly",
        "api.connectly.ai",
        False,
        True,
    )
    assert [admin.cannot(operation) for operation in (LIST, *ChangeKind)] == [None] * 4
    assert ConnectlyAdmin(Account("c", "connectly", business_id="b"), Api("c")).host == "api.connectly.ai"


def test_without_a_business_nothing_is_asked() -> None:
    admin = ConnectlyAdmin(Account("mine", "connectly", api_secret=API_KEY), Api("mine"))
    assert "The account mine has no business_id" in (admin.cannot(LIST) or "")
    with pytest.raises(AdminError, match="no business_id") as caught:
        admin.request(adding())
    assert caught.value.kind is Trouble.AUTH
    plain = ConnectlyAdmin(Account("connectly", "connectly", api_secret=API_KEY), Api("connectly"))
    assert "CONNECTLY_BUSINESS_ID in the environment" in (plain.cannot(LIST) or "")


# Creating


async def test_the_least_that_is_documented_is_sent_byte_for_byte() -> None:
    calls: list[ApiCall] = []
    async with scripted(answer(payload("connectly/api_create_response.json"), "201 Created")) as (url, asked):
        admin = connectly(url, calls=calls)
        request = admin.request(adding())
        found = await admin.perform(adding())
    assert lines(asked)[0] == f"POST {BASE}/create/webhooks"
    assert asked[0].body == payload("connectly/api_create_min_request.json").strip()
    assert asked[0].headers["x-api-key"] == API_KEY.reveal()
    assert asked[0].headers["content-type"] == "application/json"
    assert asked[0].headers["accept"] == "application/json"
    assert "authorization" not in asked[0].headers
    assert found == Registration(
        "connectly",
        MESSAGES,
        URL,
        "messages",
        TOPIC,
        raw={"id": MESSAGES, "topic": "messages", "address": URL},
    )
    assert request.shown().startswith(f"POST {url}{BASE}/create/webhooks\nX-API-Key: ••••nary\n")
    assert (request.body or "").encode() == asked[0].body
    nothing_secret(request, request.shown(), calls, found)


async def test_the_most_that_is_documented_is_sent_byte_for_byte() -> None:
    spec = {
        "topic": "delivery_status",
        "type": "custom",
        "channelTypes": "whatsapp",
        "echo": "no",
        "filters": "campaign_name=summer-promo-*",
    }
    asked, found = await done(adding(spec, "https://example.com/webhook/delivery"), answer({"id": "wh_1"}))
    assert asked.body == payload("connectly/api_create_full_request.json").strip()
    assert found.spec == spec
    assert found.subject == "delivery_status"


async def test_several_of_each_and_an_echo() -> None:
    spec = {**TOPIC, "channelTypes": "whatsapp, sms", "echo": "yes", "filters": "campaign_name=a=b,campaign_name=c-*"}
    asked, found = await done(adding(spec), answer({"id": "wh_1"}))
    assert asked.json["configuration"] == {
        "echo": True,
        "channelTypes": ["whatsapp", "sms"],
        "filters": [
            {"field": "campaign_name", "expression": "a=b"},
            {"field": "campaign_name", "expression": "c-*"},
        ],
    }
    assert found.spec == {**spec, "channelTypes": "whatsapp,sms"}


@pytest.mark.parametrize("status", ["200 OK", "201 Created"])
async def test_both_answers_to_a_creation_are_taken(status: str) -> None:
    _, found = await done(adding(), answer(payload("connectly/api_create_response_seed.json"), status))
    assert found.id == "text"


@pytest.mark.parametrize("body", [None, {}, {"id": None}, {"id": ""}, b"\n"])
async def test_an_answer_without_the_id_is_looked_up(body: object) -> None:
    here = {"id": "wh_here", "topic": "messages", "address": URL}
    async with scripted(answer(body), listing({**here, "id": "x", "topic": "report"}, here)) as (url, asked):
        found = await connectly(url).perform(adding())
    assert found is not None
    assert found.id == "wh_here"
    assert lines(asked) == [f"POST {BASE}/create/webhooks", f"GET {BASE}/webhooks"]


@pytest.mark.parametrize("afterwards", [listing(), answer(b"", "500 Oops")])
async def test_what_cannot_be_found_may_have_been_made(afterwards: bytes) -> None:
    async with scripted(answer({}), afterwards) as (url, _):
        error = await told(connectly(url), adding())
    assert error.kind is Trouble.UNINTELLIGIBLE
    assert "may have been done" in str(error)


async def test_a_topic_that_has_an_address_leads_to_an_update() -> None:
    taken = {"message": "topic already registered, use the update call", "cntTraceId": "11824978358485860716"}
    body = json.loads(payload("connectly/api_list_response.json"))
    async with scripted(answer(body), answer(taken, "409 Conflict"), answer(taken, "409 Conflict")) as (url, asked):
        admin = connectly(url)
        await admin.list()
        error = await told(admin, adding(url=NEW))
        unlisted = await told(connectly(url), adding(url=NEW))
    assert (error.kind, error.status, error.trace_id) == (Trouble.CONFLICT, 409, "11824978358485860716")
    assert error.said == "topic already registered, use the update call"
    assert f"The topic messages has an address already ({URL})" in str(error)
    assert "“topic already registered, use the update call”" in str(error)
    assert "replacing it is an update" in str(error)
    assert "has an address already, and" in str(unlisted)
    assert [line.split()[0] for line in lines(asked)] == ["GET", "POST", "POST"]


# Listing


async def test_the_documented_list() -> None:
    async with scripted(answer(payload("connectly/api_list_response.json"))) as (url, asked):
        first, second = await connectly(url).list()
    assert lines(asked)[0] == f"GET {BASE}/webhooks"
    assert asked[0].headers["x-api-key"] == API_KEY.reveal()
    assert first == Registration(
        "connectly",
        MESSAGES,
        URL,
        "messages",
        {"topic": "messages", "channelTypes": "whatsapp", "echo": "no"},
        raw=json.loads(payload("connectly/api_list_response.json"))["entity"]["webhooks"][0],
    )
    assert (second.id, second.subject, second.active) == (DELIVERY, "delivery_status", None)
    assert second.spec["filters"] == "campaign_name=summer-promo-*"


@pytest.mark.parametrize(
    "body",
    [
        payload("connectly/api_list_empty.json"),
        b'{"entity": {"businessId": "b"}}',
        b'{"entity": {"businessId": "b", "webhooks": null}}',
        b'{"entity": {}}',  # as the reference asks for, in the note on api_list_empty.json
        b"{}",
        b" { }\n",
    ],
)
async def test_an_empty_list(body: bytes) -> None:
    async with scripted(answer(body)) as (url, _):
        assert list(await connectly(url).list()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"message": "ok"}',
        b'{"entity": null}',
        b'{"entity": []}',
        b'{"entity": {"webhooks": {}}}',
        b"<html>",
        b'{"entity": {"webhooks": [7]}}',
        b'{"entity": {"webhooks": [{"topic": "messages"}]}}',
        b'{"entity": {"webh',
        b'{"entity": {"webhooks": [' + b",".join([b"1"] * 2001) + b"]}}",
    ],
)
async def test_a_list_that_is_none(body: bytes) -> None:
    async with scripted(answer(body)) as (url, _):
        assert (await told(connectly(url))).kind is Trouble.UNINTELLIGIBLE


@pytest.mark.parametrize("configuration", [None, [], 7, {"echo": "x", "channelTypes": "a", "filters": 3}])
async def test_odd_webhooks_are_read_as_far_as_they_go(configuration: Any) -> None:
    async with scripted(listing({"id": 7, "topic": None, "address": [], "configuration": configuration})) as (url, _):
        (one,) = await connectly(url).list()
    assert (one.id, one.url, one.subject, one.spec) == ("7", "", "", {})


# Errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", Trouble.REFUSED),
        ("401 No", Trouble.AUTH),
        ("429 Slow", Trouble.RATE_LIMITED),
        ("500 Oops", Trouble.REFUSED),
    ],
)
async def test_errors_keep_connectlys_words_and_trace_id(status: str, kind: Trouble) -> None:
    async with scripted(answer(payload("connectly/api_error.json"), status)) as (url, _):
        error = await told(connectly(url), adding())
    assert error.kind is kind
    assert error.said.startswith("Failed to send a message because more than 24 hours have passed")
    assert "ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW" in error.said
    assert error.trace_id == "11824978358485860716"
    assert error.said in str(error)


async def test_the_other_shape_of_an_error() -> None:
    async with scripted(answer(payload("connectly/api_error_grpc.json"), "401 Unauthorized")) as (url, _):
        error = await told(connectly(url))
    assert (error.kind, error.said, error.trace_id) == (Trouble.AUTH, "invalid api key (16)", None)


@pytest.mark.parametrize("body", [b"", b"<html><title>Bad\x1b[2J gateway</title>", b"\xff\xfe"])
async def test_errors_without_json(body: bytes) -> None:
    async with scripted(answer(body, "400 Bad")) as (url, _):
        assert (await told(connectly(url), adding())).kind is Trouble.REFUSED


async def test_an_answer_that_repeats_a_secret_does_not_show_it() -> None:
    calls: list[ApiCall] = []
    body = {"message": f"key {API_KEY.reveal()} is bad"}
    async with scripted(answer(body, "401 No"), listing(WEBENGAGE)) as (url, _):
        admin = connectly(url, calls=calls)
        error = await told(admin)
        await admin.list()
    assert "key ••••" in error.said
    nothing_secret(error.said, calls)


# Updating


@pytest.mark.parametrize("body", [None, {}, {"id": MESSAGES}, {"status": "ok"}, b" "])
async def test_another_address_is_sent_alone(body: object) -> None:
    _, (one, _other) = await documented()
    asked, found = await done(changing(one, url=NEW), answer(body))
    assert lines([asked])[0] == f"PUT {BASE}/update/webhooks/{MESSAGES}"
    assert asked.json == {"address": NEW}
    assert asked.headers["content-type"] == "application/json"
    assert found == replace(one, url=NEW, raw={**one.raw, "address": NEW})


async def test_the_documented_configuration_is_sent_byte_for_byte() -> None:
    _, (_one, other) = await documented()
    asked, found = await done(changing(other, {"echo": "yes", "filters": "campaign_name=prod-*"}), answer({}))
    assert lines([asked])[0] == f"PUT {BASE}/update/webhooks/{DELIVERY}"
    assert asked.body == payload("connectly/api_update_request.json").strip()
    assert found.spec == {**other.spec, "echo": "yes", "filters": "campaign_name=prod-*"}
    assert found.raw["configuration"] == asked.json["configuration"]


async def test_a_part_of_the_configuration_never_drops_the_rest() -> None:
    odd = {"field": "campaign_name", "expression": "a", "later": 1}
    _, (*_, one) = await documented(
        {
            "id": "x",
            "topic": "t",
            "address": URL,
            "configuration": {"channelTypes": ["fax"], "filters": [odd], "n": [1]},
        }
    )
    asked, found = await done(changing(one, {"echo": "yes"}), answer({}))
    assert asked.json == {"configuration": {"channelTypes": ["fax"], "filters": [odd], "n": [1], "echo": True}}
    assert found.spec == {"topic": "t", "channelTypes": "fax", "echo": "yes", "filters": "campaign_name=a"}


async def test_a_whole_spec_clears_what_it_leaves_out_and_an_empty_field_clears_itself() -> None:
    _, (_one, other) = await documented()
    whole = {"topic": "delivery_status", "channelTypes": "whatsapp", "echo": "no"}
    for spec in (whole, {"filters": ""}):
        asked, found = await done(changing(other, spec), answer({}))
        assert asked.json == {"configuration": {"echo": False, "channelTypes": ["whatsapp"], "filters": []}}
        assert "filters" not in found.spec


async def test_a_configuration_that_stays_is_not_sent() -> None:
    _, (one, _other) = await documented()
    for spec in (one.spec, {**one.spec, "type": "custom"}, {"topic": "messages", "channelTypes": " whatsapp "}):
        asked, _ = await done(changing(one, dict(spec), NEW), answer({}))
        assert asked.json == {"address": NEW}


async def test_what_never_changes() -> None:
    admin, (one, _other) = await documented()
    typed = replace(one, spec={**one.spec, "type": "custom"})
    for change, words in (
        (changing(one, {"topic": "report"}, NEW), "add one for the new topic"),
        (changing(typed, {"type": "zapier"}, NEW), "topic or type"),
        (replace(changing(one), active=False), "cannot be switched off"),
        (replace(changing(one), signing_key=Secret("x")), "no key of their own"),
        (changing(one), "Nothing of this webhook would change"),
        (changing(one, dict(one.spec)), "Nothing of this webhook would change"),
    ):
        with pytest.raises(AdminError, match=words) as caught:
            admin.request(change)
        assert caught.value.kind is Trouble.UNSUPPORTED


@pytest.mark.parametrize(
    ("status", "kind"),
    [("404 Not Found", Trouble.NOT_FOUND), ("410 Gone", Trouble.NOT_FOUND), ("409 Conflict", Trouble.CONFLICT)],
)
async def test_an_update_of_what_is_gone_leads_to_adding(status: str, kind: Trouble) -> None:
    _, (one, _other) = await documented()
    async with scripted(answer({"message": "no such webhook", "cntTraceId": "7"}, status)) as (url, asked):
        error = await told(connectly(url), changing(one, url=NEW))
    assert (error.kind, error.said, error.trace_id) == (kind, "no such webhook", "7")
    assert "no such webhook for messages any more" in str(error)
    assert str(error).endswith("list anew and add it.")
    assert len(asked) == 1


# Removing


@pytest.mark.parametrize("body", [payload("connectly/api_delete_response.json"), None, b" "])
async def test_a_removal(body: object) -> None:
    _, (one, _other) = await documented()
    async with scripted(answer(body)) as (url, asked):
        assert await connectly(url).perform(Change(ChangeKind.REMOVE, "", target=replace(one, id="a/b"))) is None
    assert lines(asked)[0] == f"DELETE {BASE}/delete/webhooks/a%2Fb"
    assert asked[0].body == b""
    assert "content-type" not in asked[0].headers


async def test_a_removal_that_a_page_for_people_answers_is_not_taken_for_done() -> None:
    _, (one, _other) = await documented()
    async with scripted(answer(b"<!doctype html><title>Log in</title>")) as (url, _):
        error = await told(connectly(url), Change(ChangeKind.REMOVE, "", target=one))
    assert error.kind is Trouble.UNINTELLIGIBLE
    assert "may have been done" in str(error)


async def test_a_removal_of_what_is_gone() -> None:
    _, (one, _other) = await documented()
    async with scripted(answer(b"", "404 Not Found")) as (url, _):
        error = await told(connectly(url), Change(ChangeKind.REMOVE, "", target=one))
    assert error.kind is Trouble.NOT_FOUND
    assert "there is nothing to remove" in str(error)


async def test_no_id_leads_elsewhere() -> None:
    admin, (one, _other) = await documented()
    for target in (None, *(replace(one, id=id_) for id_ in ("", ".", ".."))):
        for kind in (ChangeKind.REMOVE, ChangeKind.UPDATE):
            with pytest.raises(AdminError, match="list anew"):
                admin.request(Change(kind, "", url=NEW, target=target))


# WebEngage's token: a secret that Connectly tells, that must not be lost, and that is kept nowhere


async def test_the_token_is_sent_back_and_shown_nowhere() -> None:
    calls: list[ApiCall] = []
    async with scripted(listing(WEBENGAGE), answer({}), answer({})) as (url, asked):
        admin = connectly(url, calls=calls)
        (one,) = await admin.list()
        change = changing(one, {"echo": "yes"})
        request = admin.request(change)
        found = await admin.perform(change)
        again = await admin.perform(changing(one, url=NEW))
    assert asked[1].json == {"configuration": {**WEBENGAGE["configuration"], "echo": True}}  # type: ignore[dict-item]  # JSON
    assert asked[2].json == {"address": NEW}
    assert one.raw["configuration"]["webengageConfiguration"] == {"webengageWebhookUrl": "https://example.com/we"}
    assert "••••nary" in request.shown()
    nothing_secret(one, found, again, request, calls)
    nothing_secret(request.shown().replace("••••nary", ""))


async def test_an_unknown_token_is_never_dropped() -> None:
    async with scripted(listing(WEBENGAGE)) as (url, _):
        (one,) = await connectly(url).list()
    admin = connectly()  # as after a restart
    with pytest.raises(AdminError, match="list the webhooks and try again") as caught:
        admin.request(changing(one, {"echo": "yes"}))
    assert caught.value.kind is Trouble.UNSUPPORTED
    assert admin.request(changing(one, url=NEW)).body == json.dumps({"address": NEW}, separators=(",", ":"))
    with pytest.raises(AdminError, match="add it in Connectly's web app"):
        admin.request(Change(ChangeKind.ADD, "report", one.spec, URL, target=one))


async def test_what_was_removed_comes_back_with_all_that_it_had() -> None:
    async with scripted(listing(WEBENGAGE), answer({}), answer({"id": "wh_new"}), answer({})) as (url, asked):
        admin = connectly(url)
        (one,) = await admin.list()
        await admin.perform(Change(ChangeKind.REMOVE, "report", target=one))
        back = await admin.perform(Change(ChangeKind.ADD, "report", one.spec, one.url, target=one))
        assert back is not None
        await admin.perform(changing(back, {"echo": "yes"}))
    assert {**asked[2].json, "id": "wh_engage"} == WEBENGAGE
    assert asked[3].json["configuration"]["webengageConfiguration"]["webengageToken"] == TOKEN.reveal()
    nothing_secret(back)
