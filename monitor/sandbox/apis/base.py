"""What the look-alikes of all providers share."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from monitor.account import Account
from monitor.jsonbody import Json, compact, parse
from monitor.providers.keys import SigningKey
from monitor.sandbox.apis.faults import ApiFault, Switches
from monitor.sandbox.apis.outbox import Outbox

MAX_BODY: Final = 256 * 1024
log = logging.getLogger(__name__)

Row: TypeAlias = dict[str, Json]  # a registration in the provider's own form


class ApiProblem(Exception):
    """A request that the provider refuses, in its words; ``details`` are the fields at fault, if it names any."""

    def __init__(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class LookAlike(ABC):
    """One provider's API: its routes, its words for errors, and what is registered with it."""

    name: ClassVar[str]
    url_path: ClassVar[str] = ""  # where under its own base an account's ``api_url`` points

    def __init__(self, switches: Switches, outbox: Outbox) -> None:
        self.switches = switches
        self.outbox = outbox
        self.rows: dict[str, Row] = {}  # by id, oldest first

    @property
    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """What the provider answers to."""

    @abstractmethod
    def error(self, status: int, message: str, details: Mapping[str, Json] | None = None) -> Json:
        """The body of a refusal."""

    @abstractmethod
    def account(self, api_url: str, key: SigningKey) -> Account:
        """An account with sample credentials; ``key`` is what the provider's webhooks are signed with."""

    def seed(self, rows: Iterable[Mapping[str, Json]]) -> None:
        """Have these registered, as if before: what is left out of one is made up."""
        for row in rows:
            self.add(row)

    def add(self, given: Mapping[str, Json]) -> Row:
        """Keep a registration of which ``given`` is told; unknown here where there is no API for it."""
        raise ApiProblem(404, f"{self.name} registers no webhooks over its API")

    def has(self, fault: ApiFault) -> bool:
        """Whether a fault is switched on."""
        return fault in self.switches.on

    def app(self) -> Starlette:
        """The API, where every refusal has the provider's own form."""

        async def refused(_: Request, error: Exception) -> Response:
            if isinstance(error, ApiProblem):
                return answer(self.error(error.status, str(error), error.details), error.status)
            if isinstance(error, HTTPException):
                return answer(self.error(error.status_code, error.detail), error.status_code, error.headers)
            raise error

        handlers: dict[Any, Any] = {ApiProblem: refused, HTTPException: refused}
        app = Starlette(routes=list(self.routes), exception_handlers=handlers)
        app.router.redirect_slashes = False
        return app


def answer(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(compact(body), status, headers, "application/json")


async def read_object(request: Request) -> dict[str, Json]:
    """The request's body, which must be a JSON object of a sensible size. Raises ApiProblem."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY:
            raise ApiProblem(413, "the request is too large")
    body = parse(bytes(data))
    if not body.ok or not isinstance(body.value, dict):
        raise ApiProblem(400, "the request body is not a JSON object")
    try:
        compact(body.value)
    except ValueError:  # half of a surrogate pair, 1e999: it could not be told again
        raise ApiProblem(400, "the request body has a text or a number that JSON cannot hold") from None
    return body.value
