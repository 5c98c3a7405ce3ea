"""OneRoute has no API for webhooks: only its own pages set their address, so nothing is ever asked of it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn
from urllib.parse import urlsplit

from monitor.account import Account
from monitor.admin.base import AdminError, ApiRequest, Field, Portal, Trouble
from monitor.admin.http import Api
from monitor.model.registration import Change, ChangeKind, Registration, Spec
from monitor.text import visible
from monitor.urls import hostname, is_loopback, web_address

SUBJECT: Final = "all events"
_PORTAL: Final = Portal(
    "OneRoute's account settings, or the settings of a channel", "https://app.oneroute.io/settings/account-settings"
)


class OneRouteAdmin:
    """Knows where the address is set by hand, and refuses all else."""

    provider = "oneroute"
    portal = _PORTAL
    needs_key = False
    doubt: AdminError | None = None
    exclusive = True  # one address for the account

    def __init__(self, account: Account, api: Api) -> None:
        """``api`` is not used: no address for webhooks is documented, and none is guessed."""
        self._url = account.api_url or ""

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return visible(urlsplit(self._url).netloc)

    async def learn(self) -> None:
        """Nothing is asked."""

    def cannot(self, operation: ChangeKind | str) -> str:
        """Nothing is offered; where the address is set instead."""
        return f"OneRoute has no API for webhooks: set the address by hand at {_PORTAL.url}."

    def fields(self, spec: Spec) -> Sequence[Field]:
        """None: there is only the address."""
        return ()

    def problems(self, spec: Spec, url: str | None) -> Mapping[str, str]:
        """What is wrong with the address that is to be pasted."""
        if not url:
            return {"url": "There is no public address yet."}
        try:
            web_address(url, plain_http=True)
        except ValueError as error:
            return {"url": f"The address cannot be used: {error}."}
        return {}

    def warnings(self, spec: Spec, url: str, target: Registration | None = None) -> Sequence[str]:
        """What the user should know before pasting the address."""
        found = ["It replaces the address that is set there now; note that one first."]
        if is_loopback(hostname(url)):
            found.append("The address is of this machine, which OneRoute cannot reach.")
        return found

    def subject(self, spec: Spec) -> str:
        """Always the same: there is no choice of events."""
        return SUBJECT

    async def list(self) -> Sequence[Registration]:
        """Raises AdminError (UNSUPPORTED)."""
        self._refuse()

    def request(self, change: Change) -> ApiRequest:
        """Raises AdminError (UNSUPPORTED)."""
        self._refuse()

    async def perform(self, change: Change) -> Registration | None:
        """Raises AdminError (UNSUPPORTED)."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise AdminError(Trouble.UNSUPPORTED, self.cannot(""))
