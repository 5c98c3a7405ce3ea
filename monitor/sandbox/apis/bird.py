"""Bird's webhook subscriptions in both path families (providers/bird.md, section 2).

Not documented, so guessed: 201 and 204, the body of an error, that the sixth subscription is refused with 422, and
that an organization or a workspace of somebody else is not found.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from monitor.account import Account
from monitor.jsonbody import Json, compact, parse
from monitor.providers.keys import SigningKey
from monitor.providers.scenes import zulu
from monitor.sandbox.apis.base import ApiProblem, LookAlike, Row, answer, read_object
from monitor.sandbox.apis.faults import ApiFault
from monitor.sandbox.apis.outbox import changed, event
from monitor.sandbox.deliveries import Delivery, Fault
from monitor.secret import Secret
from monitor.times import utc_now

ACCESS_KEY: Final = "sample-bird-access-key"
ORGANIZATION: Final = "823fbfaf-f14e-4693-b55a-8ec1c17d649e"
WORKSPACE: Final = "a1405560-c8d3-4b1a-877d-3f449ad95352"
MOST_ALIKE: Final = 5  # subscriptions for the same service, event and filters
PAGE: Final = 10
LARGEST_PAGE: Final = 100
URL_PATTERN: Final = re.compile(r"https://([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(:[0-9]+)?(/[^\s]*)?")
STATUSES: Final = ("active", "inactive")
CHANGEABLE: Final = ("template", "url", "signingKey", "status", "eventFilters")

_MESSAGES: Final = {
    "inbound": ["channelId"],
    "outbound": ["channelId", "messageStatus"],
    "interaction": ["channelId", "interactionType"],
}
AVAILABLE: Final[Mapping[str, Mapping[str, list[str]]]] = {
    "channels": {f"{on}.{kind}": keys for on in ("sms", "whatsapp", "email") for kind, keys in _MESSAGES.items()},
    "conversations": {f"conversation.{what}": ["channelId"] for what in ("created", "updated", "deleted")},
    "numbers": {},
    "payments": {},
}
_FILTERED: Final = {"messageStatus": "status", "interactionType": "type"}  # what of a payload a filter looks at


class Bird(LookAlike):
    """``/workspaces/{id}/webhook-subscriptions``, also below ``/organizations/{id}``, and ``available-webhooks``."""

    name = "bird"

    @property
    def routes(self) -> Sequence[BaseRoute]:
        short = "/workspaces/{workspace}"
        found = [Route(f"{short}/available-webhooks", self._available, methods=["GET"])]
        for family in (short, "/organizations/{organization}" + short):
            all_of_them = f"{family}/webhook-subscriptions"
            found += [
                Route(all_of_them, self._create, methods=["POST"]),
                Route(all_of_them, self._list, methods=["GET"]),
                Route(f"{all_of_them}/{{id}}", self._get, methods=["GET"]),
                Route(f"{all_of_them}/{{id}}", self._update, methods=["PATCH"]),
                Route(f"{all_of_them}/{{id}}", self._delete, methods=["DELETE"]),
            ]
        return found

    def error(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> Json:
        codes = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "InvalidPayload"}
        body = {"code": codes.get(status, "Error"), "message": message}
        return {**body, "details": dict(details)} if details else body

    def account(self, api_url: str, key: SigningKey) -> Account:
        keys = dict.fromkeys(row["signingKey"] for row in self.rows.values() if row.get("signingKey"))
        return Account(
            self.name,
            self.name,
            api_url,
            Secret(ACCESS_KEY),
            workspace_id=WORKSPACE,
            organization_id=ORGANIZATION,
            signing_secrets=tuple(map(Secret, keys)),
        )

    def add(self, given: Mapping[str, Json]) -> Row:
        at = zulu(utc_now())
        own = {"id": str(uuid.uuid4()), "organizationId": ORGANIZATION, "workspaceId": WORKSPACE}
        row: Row = {**own, "eventFilters": None, "status": "active", "createdAt": at, "updatedAt": at, **given}
        self.rows[row["id"]] = row
        return row

    def _enter(self, request: Request) -> None:
        """Let the request in, or raise ApiProblem."""
        if request.headers.get("authorization") != f"AccessKey {ACCESS_KEY}":
            raise ApiProblem(401, "the access key is missing or not valid")
        organization = request.path_params.get("organization")
        if self.has(ApiFault.LONG_ONLY if organization is None else ApiFault.SHORT_ONLY):
            raise ApiProblem(404, "there is no such path")
        if organization not in (None, ORGANIZATION) or request.path_params["workspace"] != WORKSPACE:
            raise ApiProblem(404, "workspace not found")

    def _found(self, request: Request) -> Row:
        """The subscription that the path names. Raises ApiProblem."""
        self._enter(request)
        row = self.rows.get(request.path_params["id"])
        if row is None:
            raise ApiProblem(404, "webhook subscription not found")
        return row

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        asked = await read_object(request)
        given: Row = {
            name: asked[name] for name in ("service", "event", *CHANGEABLE) if name in asked and name != "status"
        }
        wrong = _problems(given)
        if given.get("service") not in tuple(AVAILABLE):
            wrong[".service"] = [f"must be one of {', '.join(AVAILABLE)}"]
        if not isinstance(given.get("event"), str) or not given["event"]:
            wrong[".event"] = ["is required"]
        if "url" not in given:
            wrong[".url"] = ["is required"]
        _refuse(wrong)
        alike = [row for row in self.rows.values() if _job(row) == _job(given)]
        if len(alike) >= MOST_ALIKE:
            raise ApiProblem(422, f"at most {MOST_ALIKE} webhook subscriptions may have the same event and filters")
        row = self.add(given)
        self._follow_up(row)
        return answer(self._shown(row), 201)

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        limit, token = request.query_params.get("limit", str(PAGE)), request.query_params.get("pageToken")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= LARGEST_PAGE):
            raise ApiProblem(422, "one or more fields are invalid", {".limit": [f"must be 1 to {LARGEST_PAGE}"]})
        begin, end = _offset(token), _offset(token) + int(limit)
        rows = list(self.rows.values())
        body: Row = {"results": [self._shown(row) for row in rows[begin:end]]}
        if self.has(ApiFault.REPEATED_TOKEN):
            end = 0
            body = {"results": [self._shown(row) for row in rows[: int(limit)]]}
        if end < len(rows) or self.has(ApiFault.REPEATED_TOKEN) or self.has(ApiFault.MANY_PAGES):
            body["nextPageToken"] = _token(end)
        return answer(body)

    async def _get(self, request: Request) -> Response:
        return answer(self._shown(self._found(request)))

    async def _update(self, request: Request) -> Response:
        row = self._found(request)
        given = await read_object(request)
        wrong = _problems(given)
        wrong |= {f".{name}": ["additional property is not allowed"] for name in given if name not in CHANGEABLE}
        if not given:
            wrong["."] = ["must have at least 1 property"]
        _refuse(wrong)
        row |= {**given, "updatedAt": zulu(utc_now())}
        if {"url", "status"} & given.keys():
            self._follow_up(row)
        return answer(self._shown(row))

    async def _delete(self, request: Request) -> Response:
        del self.rows[self._found(request)["id"]]
        return Response(status_code=204)

    async def _available(self, request: Request) -> Response:
        self._enter(request)
        service = request.query_params.get("service")
        return answer(
            {
                "results": [
                    {"service": name, "events": [{"name": event, "filterKeys": keys} for event, keys in events.items()]}
                    for name, events in AVAILABLE.items()
                    if events and service in (None, name)
                ]
            }
        )

    def _shown(self, row: Row) -> Row:
        echo = self.has(ApiFault.ECHO_KEY)
        return {name: value for name, value in row.items() if echo or name != "signingKey"}

    def _follow_up(self, row: Row) -> None:
        """Have the subscription's first event sent, signed with its own key."""
        if row["status"] == "active":
            key = row.get("signingKey")
            self.outbox.follow_up(row["url"], _event(row), key.encode("utf-8") if key else b"none")


def _job(row: Mapping[str, Json]) -> Json:
    """What a subscription is for: as many as ``MOST_ALIKE`` may be for the same."""
    filters = sorted((each["key"], each["value"]) for each in row.get("eventFilters") or [])
    return row["service"], row["event"], filters


def _problems(given: Mapping[str, Json]) -> dict[str, list[str]]:
    """What is wrong with the fields that are there."""
    wrong: dict[str, list[str]] = {}
    if "url" in given and not (isinstance(given["url"], str) and URL_PATTERN.fullmatch(given["url"])):
        wrong[".url"] = ["does not match pattern"]
    if given.get("status", "active") not in STATUSES:
        wrong[".status"] = [f"must be one of {', '.join(STATUSES)}"]
    for name in ("template", "signingKey"):
        if not isinstance(given.get(name, ""), str):
            wrong[f".{name}"] = ["must be a string"]
    filters = given.get("eventFilters") or []
    if not isinstance(filters, list) or not all(
        isinstance(each, dict) and each.keys() == {"key", "value"} and all(isinstance(v, str) for v in each.values())
        for each in filters
    ):
        wrong[".eventFilters"] = ["must be a list of key and value"]
    elif sum(each["key"] == "channelId" for each in filters) > 1:
        wrong[".eventFilters"] = ["only one channelId filter is allowed"]
    return wrong


def _refuse(wrong: Mapping[str, Json]) -> None:
    if wrong:
        raise ApiProblem(422, "one or more fields are invalid", wrong)


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(compact({"o": offset})).decode("ascii").rstrip("=")


def _offset(token: str | None) -> int:
    """Where a page begins. Raises ApiProblem."""
    if token is None:
        return 0
    try:
        offset = parse(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))).value["o"]
    except (ValueError, KeyError, TypeError):
        offset = None
    if not isinstance(offset, int) or offset < 0:
        raise ApiProblem(422, "one or more fields are invalid", {".pageToken": ["is not valid"]})
    return offset


def _event(row: Row) -> Delivery | None:
    """An event that the subscription lets through; without a key it is unsigned. None when there is none."""
    filters = {each["key"]: each["value"] for each in row["eventFilters"] or []}

    def fits(body: dict[str, Json]) -> bool:
        payload = body.get("payload")
        return (
            (body.get("service"), body.get("event")) == (row["service"], row["event"])
            and isinstance(payload, dict)
            and all(payload.get(of) == filters[key] for key, of in _FILTERED.items() if key in filters)
        )

    found = event("bird", fits)
    if found is None:
        return None

    def change(body: dict[str, Json]) -> None:
        if "channelId" in filters and "channelId" in body["payload"]:
            body["payload"]["channelId"] = filters["channelId"]

    made = changed(found, change)
    return Delivery(
        0.0, made.provider, made.scenario, made.body, fault=None if row.get("signingKey") else Fault.UNSIGNED
    )
