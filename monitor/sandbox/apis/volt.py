"""Volt's GraphQL API: ``registerWebhook``, which calls the address back before it answers, and the schema.

Documented is registering alone, the probe and the sentence when it fails (providers/volt.md, section 2); the probe's
body, ids, and what a richer schema would offer are guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, ClassVar, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from monitor.account import Account
from monitor.jsonbody import Json
from monitor.model.attempt import is_success
from monitor.providers.base import Scenario
from monitor.providers.keys import SigningKey
from monitor.providers.registry import registry
from monitor.sandbox.apis import schema
from monitor.sandbox.apis.base import ApiProblem, LookAlike, Row, answer, read_object
from monitor.sandbox.apis.faults import ApiFault
from monitor.sandbox.apis.graphql import Field, GraphqlError, Operation, parse_operation, selected
from monitor.sandbox.apis.outbox import event
from monitor.sandbox.cast import scene
from monitor.sandbox.deliveries import Delivery, Fault
from monitor.secret import Secret
from monitor.times import utc_now
from monitor.urls import web_address

TOKEN: Final = "sample-volt-token"  # noqa: S105 - of a look-alike
PROBE_FAILED: Final = "webhook failed to respond successfully"


class Volt(LookAlike):
    """``POST /graphql`` and ``/v1.0/graphql``."""

    name = "volt"
    url_path: ClassVar[str] = "/graphql"

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return [Route(path, self._graphql, methods=["POST"]) for path in ("/graphql", "/v1.0/graphql")]

    def error(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> Json:
        return {"errors": [{"message": message, **(details or {})}], "data": None}

    def account(self, api_url: str, key: SigningKey) -> Account:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if isinstance(key, bytes):
            raise TypeError("Volt signs with a private key")
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
        return Account(self.name, self.name, api_url, Secret(TOKEN), public_key=public)

    def add(self, given: Mapping[str, Json]) -> Row:
        at = _iso(utc_now())
        identity = str(max((int(known) for known in self.rows), default=0) + 1)
        row: Row = {"id": identity, "createdAt": at, "lastUpdatedAt": at, **given}
        self.rows[row["id"]] = row
        return row

    async def _graphql(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise ApiProblem(401, "Unauthorized")
        asked = await read_object(request)
        query, variables = asked.get("query"), asked.get("variables") or {}
        if not isinstance(query, str) or not isinstance(variables, dict):
            raise ApiProblem(400, "Must provide query string.")
        try:
            operation = parse_operation(query, variables)
            self._check(operation)
        except GraphqlError as error:
            raise ApiProblem(400, str(error), _details(error)) from None
        data: Row = {}
        for field in operation.selection:
            try:
                self._check_selection(operation.kind, field)
                value, kind = await self._value(operation.kind, field)
                data[field.key] = selected(value, field.selection, kind)
            except GraphqlError as error:
                return answer(self.error(200, str(error), {**_details(error), "path": [field.key]}))
            if field.name == "registerWebhook" and self.has(ApiFault.PARTIAL):
                path = [field.key, "lastUpdatedAt"]
                data[field.key].update(dict.fromkeys(data[field.key].keys() & {"lastUpdatedAt"}))
                return answer({**self.error(200, "lastUpdatedAt is not known yet", {"path": path}), "data": data})
        return answer({"data": data})

    def _check(self, operation: Operation) -> None:
        """Refuse unknown fields and missing arguments, as a schema does. Raises GraphqlError."""
        offered = self._offered()[operation.kind]
        for field in operation.selection:
            if field.name == "__typename":  # what clients ask to see whether anybody is there
                continue
            if field.name in ("__schema", "__type") and operation.kind == "query":
                if self.has(ApiFault.NO_INTROSPECTION):
                    raise GraphqlError("GraphQL introspection is not allowed.", field.line, field.column)
                continue
            if field.name not in offered:
                kind = operation.kind.title()
                raise GraphqlError(f'Cannot query field "{field.name}" on type "{kind}".', field.line, field.column)
            for argument in offered[field.name].arguments:
                if not isinstance(field.arguments.get(argument), str):
                    raise GraphqlError(
                        f'Field "{field.name}" argument "{argument}" of type "String!" is required.',
                        field.line,
                        field.column,
                    )

    def _check_selection(self, kind: str, field: Field) -> None:
        """Refuse a selection before anything is done for it. Raises GraphqlError."""
        offer = self._offered()[kind].get(field.name)
        if offer is not None:
            of = offer.type["ofType"] or offer.type
            selected(dict.fromkeys(each["name"] for each in of["fields"]), field.selection, of["name"])

    async def _value(self, kind: str, field: Field) -> tuple[Json, str]:
        """What a field is before its selection, and its type's name. Raises GraphqlError."""
        if field.name == "__typename":
            return kind.title(), "String"
        if field.name == "__schema":
            return schema.told(self._offered()), "__Schema"
        if field.name == "__type":
            return schema.WEBHOOK if field.arguments.get("name") == "Webhook" else None, "__Type"
        if field.name == "messages":
            return [], "Message"
        if field.name == "registerWebhook":
            return await self._register(field), "Webhook"
        if field.name == "webhooks":
            return list(self.rows.values()), "Webhook"
        row = self.rows.get(field.arguments["id"])
        if row is None and kind == "mutation":
            raise GraphqlError("webhook not found", field.line, field.column)
        if row is not None and field.name == "updateWebhook":
            row["url"], row["lastUpdatedAt"] = _checked(field), _iso(utc_now())
        if row is not None and field.name == "deleteWebhook":
            del self.rows[row["id"]]
        return row, "Webhook"

    def _offered(self) -> schema.Offered:
        return schema.offered(rich=self.has(ApiFault.RICH_SCHEMA))

    async def _register(self, field: Field) -> Row:
        url = _checked(field)
        status = await self.outbox.post(url, _probe(unsigned=self.has(ApiFault.UNSIGNED_PROBE)))
        if not is_success(status) or self.has(ApiFault.PROBE_REFUSED):
            raise GraphqlError(PROBE_FAILED, field.line, field.column)
        self.outbox.follow_up(url, event(self.name, lambda body: body.get("type") == "messaging"))
        return self.add({"url": url})


def _checked(field: Field) -> str:
    """The address of a registration. Raises GraphqlError."""
    url: Any = field.arguments["url"]
    try:
        web_address(url, plain_http=True)
    except ValueError:
        raise GraphqlError("url is not valid", field.line, field.column) from None
    return str(url)


def _details(error: GraphqlError) -> Row:
    return {} if error.line is None else {"locations": [{"line": error.line, "column": error.column}]}


def _probe(*, unsigned: bool) -> Delivery:
    """The request with which an address is tried."""
    scenario: Scenario = next(one for one in registry()["volt"].scenarios if one.name == "probe")
    made = scenario.build(scene(Random(), utc_now(), "volt"))[0]
    delivery = Delivery(0.0, "volt", scenario.name, made.body, made.content_type)
    return replace(delivery, fault=Fault.UNSIGNED) if unsigned else delivery


def _iso(moment: datetime) -> str:
    """With milliseconds and ``+00:00``, as Volt writes times."""
    return moment.isoformat(timespec="milliseconds")
