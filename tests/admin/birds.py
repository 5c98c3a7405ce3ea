"""What the tests of Bird's client share."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.account import Account
from monitor.admin.base import AdminError, ApiCall
from monitor.admin.bird import BirdAdmin
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind, Registration
from monitor.secret import Secret
from tests.admin.scripted import answer, scripted

ORGANIZATION = "823fbfaf-f14e-4693-b55a-8ec1c17d649e"
WORKSPACE = "a1405560-c8d3-4b1a-877d-3f449ad95352"
CHANNEL = "614208aa-b153-4d5d-9989-2fddfc0ce4c3"
ACCESS_KEY = Secret("sample-access-key-canary")
SIGNING_KEY = Secret("KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk=")  # the one of Bird's own pages
SHORT = f"/workspaces/{WORKSPACE}/webhook-subscriptions"
LONG = f"/organizations/{ORGANIZATION}{SHORT}"
SPEC = {"service": "channels", "event": "sms.outbound", "filters": f"channelId={CHANNEL}"}
PLAIN = {"service": "channels", "event": "sms.outbound"}
URL = "https://example.com/webhook"


def bird(url: str = "https://api.bird.com", *, short: bool = False, calls: list[ApiCall] | None = None) -> BirdAdmin:
    account = Account(
        "bird-eu",
        "bird",
        api_url=url,
        api_secret=ACCESS_KEY,
        workspace_id=WORKSPACE,
        organization_id=None if short else ORGANIZATION,
    )
    return BirdAdmin(account, Api(account.name, on_call=None if calls is None else calls.append))


def made(id_: str, spec: dict[str, str] = PLAIN, **more: Any) -> dict[str, Any]:
    """A subscription as the API tells of it."""
    filters = [dict(zip(("key", "value"), item.split("="), strict=True)) for item in filters_in(spec)]
    plain = {"id": id_, "service": spec["service"], "event": spec["event"], "url": URL, "status": "active"}
    return {**plain, **({"eventFilters": filters} if filters else {}), **more}


def filters_in(spec: dict[str, str]) -> list[str]:
    return [item.strip() for item in spec.get("filters", "").split(",") if item.strip()]


def page(*objects: dict[str, Any], token: str | None = None) -> bytes:
    return answer({"results": [*objects], **({} if token is None else {"nextPageToken": token})})


def adding(spec: dict[str, str] = SPEC, url: str = URL) -> Change:
    return Change(ChangeKind.ADD, "", spec, url, signing_key=SIGNING_KEY)


def nothing_secret(*things: object) -> None:
    for thing in things:
        for text in (repr(thing), str(thing)):
            assert ACCESS_KEY.reveal() not in text
            assert SIGNING_KEY.reveal() not in text


async def listed(*objects: dict[str, Any]) -> tuple[BirdAdmin, Registration]:
    """A client that has listed ``objects``, and the first of them."""
    async with scripted(page(*objects)) as (url, _):
        admin = bird(url)
        return admin, (await admin.list())[0]


async def told(admin: BirdAdmin, change: Change | None = None) -> AdminError:
    with pytest.raises(AdminError) as caught:
        await (admin.list() if change is None else admin.perform(change))
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    nothing_secret(caught.value)
    return caught.value
