"""OneRoute documents no API for webhooks (providers/oneroute.md, section 2): every call is wrong, and is told so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from monitor.account import Account
from monitor.jsonbody import Json
from monitor.providers.keys import SigningKey
from monitor.sandbox.apis.base import ApiProblem, LookAlike
from monitor.secret import Secret

API_KEY: Final = "sample-oneroute-api-key"


class OneRoute(LookAlike):
    """401 without the key, else 404."""

    name = "oneroute"

    @property
    def routes(self) -> Sequence[BaseRoute]:
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [Route("/{path:path}", self._nothing, methods=methods)]

    def error(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> Json:
        return {"data": None, "message": message, "success": False}

    def account(self, api_url: str, key: SigningKey) -> Account:
        if not isinstance(key, bytes):
            raise TypeError("OneRoute signs with a secret")
        secret = Secret(key.decode("ascii"))
        return Account(self.name, self.name, api_url, Secret(API_KEY), signing_secrets=(secret,))

    async def _nothing(self, request: Request) -> Response:
        if request.headers.get("apikey") != API_KEY:
            raise ApiProblem(401, "Invalid API Key")
        raise ApiProblem(404, "Not Found")
