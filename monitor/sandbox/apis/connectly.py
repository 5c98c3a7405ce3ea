"""Connectly's webhook API: one address for each topic (providers/connectly.md, section 2).

Not documented, so guessed: the body of an update's answer, the words of the errors, and that an address that is not
https is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from monitor.account import Account
from monitor.jsonbody import Json
from monitor.providers.keys import SigningKey
from monitor.sandbox.apis.base import ApiProblem, LookAlike, Row, answer, read_object
from monitor.sandbox.apis.faults import ApiFault
from monitor.sandbox.apis.outbox import event
from monitor.secret import Secret
from monitor.urls import web_address

API_KEY: Final = "sample-connectly-api-key"
BUSINESS: Final = "biz_sample"
TYPES: Final = ("webhook_type_unspecified", "custom", "zapier", "webengage", "integromat_make")
# The topics, with what is in an event of each.
TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "messages": ("message", "buttonResponse"),
    "delivery_status": ("statusUpdate",),
    "report": ("report",),
}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_INVALID: Final = ("ERROR_TYPE_INVALID_REQUEST", "ERROR_CODE_INVALID_REQUEST")
_ERRORS: Final = {
    401: ("ERROR_TYPE_UNAUTHENTICATED", "ERROR_CODE_INVALID_API_KEY"),
    403: ("ERROR_TYPE_PERMISSION_DENIED", "ERROR_CODE_PERMISSION_DENIED"),
    404: ("ERROR_TYPE_NOT_FOUND", "ERROR_CODE_NOT_FOUND"),
    409: ("ERROR_TYPE_ALREADY_EXISTS", "ERROR_CODE_WEBHOOK_TOPIC_ALREADY_REGISTERED"),
}


class Connectly(LookAlike):
    """``/v1/businesses/{id}/webhooks``, and the odd verbs in the paths of the rest."""

    name = "connectly"

    @property
    def routes(self) -> Sequence[BaseRoute]:
        business = "/v1/businesses/{business}"
        return [
            Route(f"{business}/create/webhooks", self._create, methods=["POST"]),
            Route(f"{business}/webhooks", self._list, methods=["GET"]),
            Route(f"{business}/update/webhooks/{{id}}", self._update, methods=["PUT"]),
            Route(f"{business}/delete/webhooks/{{id}}", self._delete, methods=["DELETE"]),
        ]

    def error(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> Json:
        kind, code = _ERRORS.get(status, _INVALID if status < 500 else ("ERROR_TYPE_UNSPECIFIED",) * 2)
        trace = str(10**19 + secrets.randbelow(10**18))
        return {
            "message": message,
            "type": kind,
            "code": code,
            "userTitle": message,
            "userMessage": f"Pass along the connectly trace id '{trace}' to the team for more information.",
            "cntTraceId": trace,
            "details": dict(details or {}),
        }

    def account(self, api_url: str, key: SigningKey) -> Account:
        if not isinstance(key, bytes):
            raise TypeError("Connectly signs with a secret")
        secret = Secret(key.decode("ascii"))
        return Account(self.name, self.name, api_url, Secret(API_KEY), business_id=BUSINESS, signing_secrets=(secret,))

    def add(self, given: Mapping[str, Json]) -> Row:
        plain = {"echo": False, "channelTypes": ["whatsapp"], "filters": []}
        row: Row = {"id": "wh_" + "".join(secrets.choice(_CROCKFORD) for _ in range(26)), **given}
        row.setdefault("configuration", plain)
        self.rows[row["id"]] = row
        return row

    def _enter(self, request: Request) -> None:
        """Let the request in, or raise ApiProblem."""
        if request.headers.get("x-api-key") != API_KEY or request.path_params["business"] != BUSINESS:
            raise ApiProblem(401, "the API key is missing or not valid for this business")

    def _found(self, request: Request) -> Row:
        """The webhook that the path names. Raises ApiProblem."""
        self._enter(request)
        row = self.rows.get(request.path_params["id"])
        if row is None:
            raise ApiProblem(404, "webhook not found")
        return row

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        asked = await read_object(request)
        given = {name: asked[name] for name in ("topic", "address", "configuration") if asked.get(name) is not None}
        if given.get("topic") not in tuple(TOPICS):
            raise ApiProblem(400, f"topic must be one of {', '.join(TOPICS)}")
        if asked.get("type", "custom") not in TYPES:
            raise ApiProblem(400, f"type must be one of {', '.join(TYPES)}")
        _check({"address": None, **given})
        taken = next((row for row in self.rows.values() if row["topic"] == given["topic"]), None)
        if taken is not None:
            if not self.has(ApiFault.REPLACES):
                raise ApiProblem(409, f"topic {given['topic']} is already registered, use the update call")
            del self.rows[taken["id"]]
        row = self.add(given)
        self._follow_up(row)
        return answer({"id": row["id"]}, 201)

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        return answer({"entity": {"businessId": BUSINESS, "webhooks": list(self.rows.values())}})

    async def _update(self, request: Request) -> Response:
        row = self._found(request)
        asked = await read_object(request)
        if asked.get("topic", row["topic"]) != row["topic"]:
            raise ApiProblem(400, "the topic of a webhook cannot be changed")
        given = {name: asked[name] for name in ("address", "configuration") if asked.get(name) is not None}
        _check(given)
        row |= given  # what is left out stays, but a configuration replaces the old one whole
        if "address" in given:
            self._follow_up(row)
        return answer({})

    async def _delete(self, request: Request) -> Response:
        del self.rows[self._found(request)["id"]]
        return answer({})

    def _follow_up(self, row: Row) -> None:
        self.outbox.follow_up(
            row["address"], event(self.name, lambda body: any(part in body for part in TOPICS[row["topic"]]))
        )


def _check(given: Mapping[str, Json]) -> None:
    """Refuse an address or a configuration that is none. Raises ApiProblem."""
    if "address" in given:
        address = given["address"]
        try:
            if not isinstance(address, str) or web_address(address).scheme != "https":
                raise ValueError("not https")
        except ValueError:
            raise ApiProblem(400, "address must be a publicly reachable https URL") from None
    if not isinstance(given.get("configuration", {}), dict):
        raise ApiProblem(400, "configuration must be an object")
