"""The client of an account's provider, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from monitor.account import Account
from monitor.admin.base import Admin, AdminError, ApiCall, Trouble, lacks
from monitor.admin.http import Api
from monitor.text import visible

_CLIENTS: Final = {
    "bird": "BirdAdmin",
    "connectly": "ConnectlyAdmin",
    "volt": "VoltAdmin",
    "oneroute": "OneRouteAdmin",
}
WITHOUT_SECRET: Final = frozenset({"oneroute"})  # no API is ever called


def admin_for(account: Account, *, on_call: Callable[[ApiCall], None] | None = None) -> Admin:
    """The client for an account whose secrets are at hand; ``on_call`` is told of every call.

    Raises AdminError: AUTH when the account has no API secret, UNSUPPORTED when its provider has no API.
    """
    name = visible(account.name)
    if account.provider not in _CLIENTS:
        raise AdminError(
            Trouble.UNSUPPORTED,
            f"The account {name} is for {visible(account.provider)}, which has no API for webhooks; "
            "set the address by hand where they are sent from.",
        )
    if not account.api_secret and account.provider not in WITHOUT_SECRET:
        raise AdminError(Trouble.AUTH, lacks(account, "api_secret"))
    module = import_module(f"monitor.admin.{account.provider}")
    client: Callable[[Account, Api], Admin] = getattr(module, _CLIENTS[account.provider])
    return client(account, Api(account.name, on_call=on_call))
