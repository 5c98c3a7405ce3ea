"""OneRoute has no API for webhooks: nothing is sent, and everything says where it is done by hand."""

from __future__ import annotations

import pytest

from monitor.account import Account
from monitor.admin.base import LIST, AdminError, ApiCall, Trouble
from monitor.admin.http import Api
from monitor.admin.oneroute import SUBJECT, OneRouteAdmin
from monitor.model.registration import Change, ChangeKind
from monitor.secret import Secret
from tests.admin.server import http, served

SETTINGS_PAGE = "https://app.oneroute.io/settings/account-settings"


async def test_nothing_is_ever_sent() -> None:
    calls: list[ApiCall] = []
    async with served(http(b"{}")) as (url, requests):
        account = Account("one", "oneroute", url, Secret("sample-oneroute-key"))
        client = OneRouteAdmin(account, Api("one", on_call=calls.append))
        await client.learn()
        for kind in ChangeKind:
            change = Change(kind, SUBJECT, {}, "https://example.com/oneroute")
            with pytest.raises(AdminError) as caught:
                client.request(change)
            assert caught.value.kind is Trouble.UNSUPPORTED
            with pytest.raises(AdminError) as caught:
                await client.perform(change)
            assert caught.value.kind is Trouble.UNSUPPORTED
        with pytest.raises(AdminError, match="no API for webhooks"):
            await client.list()
    assert requests == []
    assert calls == []


@pytest.mark.parametrize("operation", [LIST, *ChangeKind])
def test_it_says_where_it_is_done_by_hand(operation: str) -> None:
    client = OneRouteAdmin(Account("one", "oneroute", "https://api.oneroute.io"), Api("one"))
    assert client.cannot(operation) == f"OneRoute has no API for webhooks: set the address by hand at {SETTINGS_PAGE}."
    assert client.portal.url == SETTINGS_PAGE
    assert (client.provider, client.host) == ("oneroute", "api.oneroute.io")


def test_the_address_to_paste_is_checked_all_the_same() -> None:
    client = OneRouteAdmin(Account("one", "oneroute"), Api("one"))
    assert client.problems({}, "https://example.com/oneroute") == {}
    assert "url" in client.problems({}, None)
    assert "url" in client.problems({}, "https://user:word@example.com/")
    assert len(client.warnings({}, "https://example.com/")) == 1
    assert "cannot reach" in client.warnings({}, "http://localhost:8787/oneroute")[-1]
    assert client.fields({}) == ()
    assert client.subject({}) == SUBJECT
