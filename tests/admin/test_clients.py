"""The client for an account: each provider's own, loaded when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monitor.account import SETTINGS, Account
from monitor.admin.base import AdminError, ApiCall, Trouble
from monitor.admin.clients import admin_for
from monitor.secret import Secret
from tests.admin.server import http_json, served


@pytest.mark.parametrize("provider", [name for name in SETTINGS if name != "standard"])
def test_each_provider_has_a_client(provider: str) -> None:
    account = Account(
        "mine",
        provider,
        "https://api.example.com",
        Secret("sample-secret-for-a-client"),
        workspace_id="sample-workspace",
        organization_id="sample-organization",
        business_id="sample-business",
    )
    client = admin_for(account)
    assert client.provider == provider
    assert client.host == "api.example.com"
    assert client.portal.where


@pytest.mark.parametrize(("provider", "setting"), [("volt", "token"), ("bird", "access_key"), ("connectly", "api_key")])
@pytest.mark.parametrize("secret", [None, Secret("")])
def test_an_account_without_a_secret(provider: str, setting: str, secret: Secret | None) -> None:
    with pytest.raises(AdminError) as caught:
        admin_for(Account("mine", provider, api_secret=secret))
    assert caught.value.kind is Trouble.AUTH
    assert f"The account mine has no {setting}," in str(caught.value)
    assert "in the environment" not in str(caught.value)  # which only makes accounts of their providers' names
    with pytest.raises(AdminError, match=f"has no {setting},.* accounts change [a-z]+', or [A-Z_]+ in the env"):
        admin_for(Account(provider, provider, api_secret=secret))


def test_oneroute_needs_no_secret_since_nothing_is_asked() -> None:
    assert admin_for(Account("one", "oneroute")).provider == "oneroute"


def test_a_provider_without_an_api() -> None:
    with pytest.raises(AdminError) as caught:
        admin_for(Account("mine", "standard"))
    assert caught.value.kind is Trouble.UNSUPPORTED


async def test_calls_are_told_with_the_accounts_name() -> None:
    calls: list[ApiCall] = []
    async with served(http_json({"data": {"__schema": {}}})) as (url, _):
        account = Account("mine", "volt", url, Secret("sample-secret-for-a-client"))
        await admin_for(account, on_call=calls.append).learn()
    assert [call.account for call in calls] == ["mine"]


def test_only_the_asked_provider_is_loaded() -> None:
    script = (
        "import sys; from monitor.admin.clients import admin_for; from monitor.account import Account\n"
        "admin_for(Account('one', 'oneroute'))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('monitor.admin.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "monitor.admin.oneroute" in loaded
    assert not {"monitor.admin.volt", "monitor.admin.bird", "monitor.admin.connectly"} & set(loaded)
