"""Volt's API: registration over GraphQL, and what else its schema offers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from monitor.account import Account
from monitor.admin.answers import json_of, refused, retry_after, said, trace_id, unintelligible
from monitor.admin.base import (
    DEADLINE_S,
    LIST,
    AdminError,
    ApiAnswer,
    ApiRequest,
    Field,
    Portal,
    Trouble,
    closed,
)
from monitor.admin.graphql import CAPABILITIES, DOCUMENTED, RESULTS, Argument, Operation, candidates, offered, question
from monitor.admin.http import Api
from monitor.admin.rest import MAX_LISTED
from monitor.jsonbody import Json, parse
from monitor.model.registration import Change, ChangeKind, Registration, Spec
from monitor.providers.fields import Fields
from monitor.secret import Secret
from monitor.text import visible
from monitor.urls import hostname, is_loopback, web_address

API_URL: Final = "https://api.respondflow.com/graphql"
PROBE_DEADLINE_S: Final = 30.0  # Volt sends a test request to the address before it answers
SUBJECT: Final = "all events of all numbers"
_LABEL: Final = "Volt"
_PORTAL: Final = Portal("Volt Messaging, Account Settings, Webhooks")
_REGISTER: Final = Operation("mutation", "registerWebhook", (Argument("url", "String!", "url"),))
_PROBE_FAILED: Final = "webhook failed to respond successfully"
_UNKNOWN_CALLER: Final = re.compile(r"un-?authori[sz]ed|unauthenticated|not authenticated|invalid (?:api )?token", re.I)
# Codes that GraphQL servers commonly give; Volt documents none.
_CODES: Final = {
    "UNAUTHENTICATED": Trouble.AUTH,
    "FORBIDDEN": Trouble.AUTH,
    "NOT_FOUND": Trouble.NOT_FOUND,
    "CONFLICT": Trouble.CONFLICT,
    "TOO_MANY_REQUESTS": Trouble.RATE_LIMITED,
    "RATE_LIMITED": Trouble.RATE_LIMITED,
}
_ADVICE: Final = {
    Trouble.AUTH: "check the account's token",
    Trouble.NOT_FOUND: "see what is registered now",
    Trouble.CONFLICT: "see what is registered now",
    Trouble.RATE_LIMITED: "try again later",
    Trouble.REFUSED: "mend what it names and try again",
}
_BY_HAND: Final[Mapping[str, str]] = {
    LIST: f"see the list in {_PORTAL.where}",
    ChangeKind.UPDATE: f"change the address in {_PORTAL.where}",
    ChangeKind.REMOVE: f"look whether {_PORTAL.where} lets you remove it",
}


class VoltAdmin:
    """Volt documents registration only; ``learn`` finds out whether its schema lists, updates and removes too."""

    provider = "volt"
    portal = _PORTAL
    needs_key = False
    exclusive = False

    def __init__(self, account: Account, api: Api) -> None:
        self._url = account.api_url or API_URL
        token = account.api_secret.reveal() if account.api_secret is not None else ""
        self._authorization = Secret(f"Bearer {token}")
        self._api = api
        self.doubt: AdminError | None = None
        self._learned = False
        self._offered: Mapping[str, Operation] = {}
        self._why: Mapping[str, str] = {}
        self._why_nothing = ""

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return visible(urlsplit(self._url).netloc)

    async def learn(self) -> None:
        """Ask the schema what it offers beside registration, until it says or refuses; till then registration is all.

        Raises AdminError only for AUTH and UNREACHABLE."""
        if self._learned:
            return
        try:
            schema = await self._ask(CAPABILITIES)
        except AdminError as error:
            if error.kind is Trouble.UNREACHABLE or (error.kind is Trouble.AUTH and error.status != 403):
                raise
            self._why_nothing = f"its schema cannot be asked ({error.said or error.status})"
            self.doubt, self._learned = error, closed(error)
        else:
            results = await self._results() if candidates(schema) else None
            self._offered, self._why = offered(schema, results)
            self._why_nothing = "its schema offers no more"
            self.doubt, self._learned = None, True

    def cannot(self, operation: ChangeKind | str) -> str | None:
        """Why an operation is not offered: Volt's documents know registration only, and its schema no more."""
        if operation == ChangeKind.ADD or operation in self._offered:
            return None
        why = self._why.get(operation, self._why_nothing)
        return (
            f"Volt documents only registration over GraphQL{f', and {why}' if why else ''}; "
            f"{_BY_HAND.get(operation, f'do it in {_PORTAL.where}')}."
        )

    def fields(self, spec: Spec) -> Sequence[Field]:
        """None: a registration has nothing but its address."""
        return ()

    def problems(self, spec: Spec, url: str | None) -> Mapping[str, str]:
        """What is wrong with the address; a registration has nothing else."""
        found = dict.fromkeys(spec, "Volt has no such field.")
        if not url:
            return {**found, "url": "There is no public address yet."}
        try:
            web_address(url, plain_http=True)
        except ValueError as error:
            found["url"] = f"The address cannot be registered: {error}."
        return found

    def warnings(self, spec: Spec, url: str, target: Registration | None = None) -> Sequence[str]:
        """What Volt does with every registered address, and what this one brings with it."""
        found = []
        if url.startswith("http:"):
            found.append("The address begins with http://, so messages travel unencrypted; Volt recommends https://.")
        if is_loopback(hostname(url)) and not is_loopback(hostname(self._url)):
            found.append("The address is of this machine, which Volt cannot reach.")
        found.append("Volt sends the events of all numbers of the organization to every registered address.")
        if self.cannot(ChangeKind.REMOVE) is not None:
            found.append("The address stays registered after hooktop ends: the API offers no way to remove it.")
        return found

    def subject(self, spec: Spec) -> str:
        """Always the same: there is no choice of events or numbers."""
        return SUBJECT

    async def list(self) -> Sequence[Registration]:
        """What is registered, where the schema has a list. Raises AdminError."""
        operation = self._operation(LIST)
        answer = await self._api.send(self._request(operation.body(), reads=True))
        value, besides = _result(answer, operation)
        if besides:
            raise unintelligible(answer, _LABEL, f"with only a part of the list and with “{besides}”")
        if not isinstance(value, list):
            raise unintelligible(answer, _LABEL, "without a list of webhooks")
        if len(value) > MAX_LISTED:
            raise unintelligible(answer, _LABEL, f"with more than {MAX_LISTED} webhooks")
        return [_registration(answer, item) for item in value]

    def request(self, change: Change) -> ApiRequest:
        """The exact request that ``perform`` sends. Raises AdminError (UNSUPPORTED)."""
        if change.active is not None or change.signing_key is not None:
            raise AdminError(
                Trouble.UNSUPPORTED,
                "Volt's webhooks cannot be switched off and have no key of their own; set only a URL.",
            )
        target = change.target
        url = change.url or (target.url if target is not None else None)
        if url is None or (target is None and change.kind is not ChangeKind.ADD):
            raise AdminError(Trouble.UNSUPPORTED, "There is no address or no webhook to do this with; choose one.")
        operation = self._operation(change.kind)
        # A removal by address takes the old one.
        filled_with = target.url if target is not None and change.kind is ChangeKind.REMOVE else url
        body = operation.body(url=filled_with, id=target.id if target is not None else "")
        return self._request(body, PROBE_DEADLINE_S)

    async def perform(self, change: Change) -> Registration | None:
        """Ask for the change; a test request may arrive at the address meanwhile. Raises AdminError."""
        operation = self._operation(change.kind)
        answer = await self._api.send(self.request(change))
        value, besides = _result(answer, operation)
        if value is False:
            raise AdminError(
                Trouble.REFUSED,
                "Volt did not do it and does not say why (it answered false); see what is registered now.",
                status=answer.status,
                trace_id=trace_id(answer),
            )
        if change.kind is ChangeKind.REMOVE:
            return None
        told = isinstance(value, dict) and value.keys() & {"id", "url"}
        if change.kind is ChangeKind.UPDATE and change.target is not None and not told:
            done = replace(change.target, url=change.url or change.target.url, updated_at=None, raw={})
        else:
            done = _registration(answer, value)
        return replace(done, note=f"Volt did it only in part: “{besides}”." if besides else "")

    def _operation(self, use: ChangeKind | str) -> Operation:
        if (why := self.cannot(use)) is not None:
            raise AdminError(Trouble.UNSUPPORTED, why)
        return _REGISTER if use == ChangeKind.ADD else self._offered[use]

    def _request(self, body: str, deadline_s: float = DEADLINE_S, *, reads: bool = False) -> ApiRequest:
        headers = (("Authorization", self._authorization), ("Content-Type", "application/json"))
        return ApiRequest("POST", self._url, headers, body, deadline_s=deadline_s, reads=reads)

    async def _ask(self, query: str) -> Json:
        """The data that answers a question to the schema. Raises AdminError."""
        answer = await self._api.send(self._request(question(query), reads=True))
        data, besides = _data(answer)
        if not isinstance(data.get("__schema"), dict):
            raise _failed(answer) if besides else unintelligible(answer, _LABEL, "without its schema")
        return data

    async def _results(self) -> Json:
        """What the fields of the schema give; nothing where it does not say."""
        try:
            return await self._ask(RESULTS)
        except AdminError as error:
            if error.kind in (Trouble.AUTH, Trouble.UNREACHABLE):
                raise
            return None


def _result(answer: ApiAnswer, operation: Operation) -> tuple[Json, str]:
    """What an answer holds for an operation, and what errors stand beside it. Raises AdminError."""
    data, besides = _data(answer)
    value = data.get(operation.name)
    if value is None:
        nothing = f"with neither a result of {operation.name} nor an error"
        raise _failed(answer) if besides else unintelligible(answer, _LABEL, nothing)
    return value, besides


def _data(answer: ApiAnswer) -> tuple[Mapping[str, Json], str]:
    """The data of a GraphQL answer, and the words of its errors: one, both or neither may be there. Raises
    AdminError."""
    if not answer.fine:
        raise _failed(answer) if _PROBE_FAILED in said(answer) else refused(answer, _LABEL)
    value = json_of(answer, _LABEL)
    if not isinstance(value, dict):
        raise unintelligible(answer, _LABEL, "with JSON that is no GraphQL answer")
    data = value.get("data")
    return data if isinstance(data, dict) else {}, said(answer) if value.get("errors") else ""


def _failed(answer: ApiAnswer) -> AdminError:
    """The error for a GraphQL answer that has errors and no data."""
    words = said(answer)
    codes = [error.obj("extensions").text("code") for error in Fields(parse(answer.body).value).items("errors")]
    kind = next((_CODES[code] for code in codes if code in _CODES), Trouble.REFUSED)
    if kind is Trouble.REFUSED and _UNKNOWN_CALLER.search(words):
        kind = Trouble.AUTH
    shown = f"{answer.status}, “{words}”"
    sentence = f"Volt refused this with {shown}; {_ADVICE[kind]}."
    if _PROBE_FAILED in words:
        kind = Trouble.REFUSED
        sentence = (
            f"Volt did not register the address, since its test request there failed ({shown}); see whether the "
            "tunnel is up, and whether the test request arrived here and was answered with 200."
        )
    return AdminError(
        kind, sentence, status=answer.status, said=words, trace_id=trace_id(answer), retry_after_s=retry_after(answer)
    )


def _registration(answer: ApiAnswer, value: Json) -> Registration:
    """A webhook as Volt's object tells of it. Raises AdminError (UNINTELLIGIBLE) when it has no id or address."""
    fields = Fields(value)
    id, url = fields.filled("id"), fields.filled("url")
    if id is None or url is None:
        raise unintelligible(answer, _LABEL, f"with a webhook that has no {'id' if id is None else 'url'}")
    return Registration(
        "volt",
        id,
        url,
        SUBJECT,
        created_at=fields.time("createdAt"),
        updated_at=fields.time("lastUpdatedAt"),
        raw={name: value[name] for name in DOCUMENTED if name in value},
    )
