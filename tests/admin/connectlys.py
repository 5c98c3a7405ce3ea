"""What the tests of Connectly's client share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.account import Account
from monitor.admin.base import AdminError, ApiCall
from monitor.admin.connectly import ConnectlyAdmin
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind, Registration
from monitor.secret import Secret
from tests.admin.scripted import answer, payload, scripted
from tests.admin.server import Asked

API_KEY = Secret("sample-api-key-canary")
TOKEN = Secret('sample "webengage" tökén canary')
BASE = "/v1/businesses/biz_01ARZ3NDEKTSV4RRFFQ69G5FAV"
MESSAGES, DELIVERY = "wh_01ARZ3NDEKTSV4RRFFQ69G5FAV", "wh_02BRY4OEFLTUW5SSGGH70H6GBW"
URL = "https://example.com/webhook/messages"
NEW = "https://hooks.example.com/connectly"
TOPIC = {"topic": "messages"}
WEBENGAGE = {
    "id": "wh_engage",
    "topic": "report",
    "address": URL,
    "configuration": {
        "echo": False,
        "webengageConfiguration": {"webengageToken": TOKEN.reveal(), "webengageWebhookUrl": "https://example.com/we"},
        "later": {"added": [1]},
    },
}


def connectly(url: str = "https://api.connectly.ai", *, calls: list[ApiCall] | None = None) -> ConnectlyAdmin:
    account = Account(
        "acme", "connectly", api_url=url, api_secret=API_KEY, business_id="biz_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    )
    return ConnectlyAdmin(account, Api(account.name, on_call=None if calls is None else calls.append))


def listing(*webhooks: dict[str, Any]) -> bytes:
    return answer({"entity": {"businessId": "biz", "webhooks": [*webhooks]}})


def adding(spec: dict[str, str] = TOPIC, url: str = URL) -> Change:
    return Change(ChangeKind.ADD, "messages", spec, url)


def changing(target: Registration, spec: dict[str, str] | None = None, url: str | None = None) -> Change:
    return Change(ChangeKind.UPDATE, target.subject, spec, url, target=target)


def nothing_secret(*things: object) -> None:
    for thing in things:
        for text in (repr(thing), str(thing)):
            assert "canary" not in text.replace(API_KEY.masked(), "")


async def documented(*more: dict[str, Any]) -> tuple[ConnectlyAdmin, list[Registration]]:
    """A client that has listed what Connectly's own page lists, and ``more``."""
    body = json.loads(payload("connectly/api_list_response.json"))
    async with scripted(listing(*body["entity"]["webhooks"], *more)) as (url, _):
        admin = connectly(url)
        return admin, list(await admin.list())


async def done(change: Change, *answers: bytes) -> tuple[Asked, Registration]:
    """What a change sends, and what comes of it."""
    async with scripted(*answers) as (url, asked):
        found = await connectly(url).perform(change)
    assert found is not None
    return asked[0], found


async def told(admin: ConnectlyAdmin, change: Change | None = None) -> AdminError:
    with pytest.raises(AdminError) as caught:
        await (admin.list() if change is None else admin.perform(change))
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    nothing_secret(caught.value)
    return caught.value
