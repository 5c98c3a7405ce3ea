"""Connectly's API: webhooks, one for each topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from monitor.account import Account
from monitor.admin import connectly_forms
from monitor.admin.answers import json_of, refused
from monitor.admin.base import AdminError, ApiAnswer, ApiRequest, Field, Portal, Trouble
from monitor.admin.http import Api
from monitor.admin.rest import Rest, meant, wanted
from monitor.jsonbody import Json
from monitor.model.registration import Change, ChangeKind, Registration, Spec
from monitor.secret import Secret
from monitor.text import visible

API_URL: Final = "https://api.connectly.ai"


class ConnectlyAdmin:
    """The client for one account: a business. A topic has one address, so that adding another replaces it."""

    provider = "connectly"
    portal = Portal("Connectly's web app")
    needs_key = False
    doubt: AdminError | None = None
    exclusive = True

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._rest = Rest(account, api, label="Connectly", address=API_URL, header="X-API-Key", place="business_id")
        self._listed: tuple[Registration, ...] | None = None
        self._tokens: dict[str, Secret | None] = {}  # of WebEngage, by the webhook's id: never kept elsewhere

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return self._rest.host

    async def learn(self) -> None:
        """Nothing is asked: the API does not tell what it offers."""

    def cannot(self, operation: ChangeKind | str) -> str | None:
        """Everything is offered to an account that has a business."""
        return self._rest.lacking()

    def fields(self, spec: Spec) -> Sequence[Field]:
        """Topic, type, channels, echo and filters."""
        return connectly_forms.FIELDS

    def problems(self, spec: Spec, url: str | None) -> Mapping[str, str]:
        """What Connectly's rules say against a form."""
        return connectly_forms.problems(spec, url)

    def warnings(self, spec: Spec, url: str, target: Registration | None = None) -> Sequence[str]:
        """What to know before sending, also from the webhooks that were listed last."""
        return connectly_forms.warnings(spec, url, self._listed)

    def subject(self, spec: Spec) -> str:
        """The topic."""
        return connectly_forms.subject(spec)

    async def list(self) -> Sequence[Registration]:
        """All webhooks of the business. Raises AdminError."""
        answer = await self._rest.done(self._rest.request("GET", self._path("webhooks")))
        told = json_of(answer, self._rest.label)
        entity = told.get("entity", None if told else {}) if isinstance(told, dict) else None
        if isinstance(entity, dict):
            entity = {"webhooks": None, **entity}  # what is empty may be left out, up to the whole answer
        tokens: dict[str, Secret | None] = {}

        def read(item: Json) -> Registration | None:
            found = connectly_forms.registration(item)
            if found is not None:
                tokens[found.id] = connectly_forms.token_of(item)
            return found

        self._listed = self._rest.listed(answer, entity, "webhooks", read)
        self._tokens.update(tokens)
        return self._listed

    def request(self, change: Change) -> ApiRequest:
        """The exact request that ``perform`` sends.

        What an update's spec does not name keeps its value; one that names the topic is whole, so that what it leaves
        out is cleared. What the form does not know is never dropped. Raises AdminError: UNSUPPORTED for what Connectly
        cannot change, AUTH for an account without a business.
        """
        if change.kind is ChangeKind.REMOVE:
            return self._rest.request("DELETE", self._path("delete", "webhooks", meant(change).id))
        body, token = self._body(change)
        if change.kind is ChangeKind.ADD:
            return self._rest.request("POST", self._path("create", "webhooks"), body=body, secrets=[token])
        path = self._path("update", "webhooks", meant(change).id)
        return self._rest.request("PUT", path, body=body, secrets=[token])

    async def perform(self, change: Change) -> Registration | None:
        """Ask for the change; gives the registration as it is now, None after a removal. Raises AdminError."""
        answer = await self._rest.send(self.request(change))
        if not answer.fine:
            raise self._refused(answer, change)
        told = self._rest.object_of(answer)
        if change.kind is ChangeKind.REMOVE:
            return None
        body, token = self._body(change)
        if change.kind is ChangeKind.UPDATE:
            target = meant(change)
            return connectly_forms.registration({**target.raw, **body, "id": target.id}) or target
        found = connectly_forms.registration({**body, "id": told.get("id")})
        if found is None:
            return await self._rest.look_up(answer, self.list, body["topic"], body["address"])
        self._tokens[found.id] = token
        return found

    def _body(self, change: Change) -> tuple[dict[str, Any], Secret | None]:
        """The body of a change, and the token in it. Raises AdminError (UNSUPPORTED) when the token would be lost."""
        target = change.target
        token = self._tokens.get(target.id) if target is not None else None
        if change.kind is ChangeKind.ADD:
            body = connectly_forms.creation(change, *wanted(change), token)
        else:
            body = connectly_forms.alteration(change, meant(change), token)
        if not connectly_forms.has_token(body.get("configuration")):
            return body, None
        if target is not None and target.id not in self._tokens:
            how = (
                "list the webhooks and try again"
                if change.kind is ChangeKind.UPDATE
                else f"add it in {self.portal.where}"
            )
            raise AdminError(
                Trouble.UNSUPPORTED,
                f"This webhook has a WebEngage token, which hooktop does not keep and which would be lost; {how}.",
            )
        return body, token

    def _refused(self, answer: ApiAnswer, change: Change) -> AdminError:
        """The error of a refusal; what is there already and what is gone lead to the other operation."""
        error = refused(answer, self._rest.label)
        words = f"{answer.status}, “{error.said}”" if error.said else str(answer.status)
        topic = visible(change.target.subject if change.target is not None else self.subject(change.spec or {}))
        if change.kind is ChangeKind.ADD and answer.status == 409:
            has = next((one.url for one in self._listed or () if one.subject == self.subject(change.spec or {})), "")
            sentence = (
                f"The topic {topic} has an address already{f' ({visible(has, limit=200)})' if has else ''}, and "
                f"Connectly answers {words}; replacing it is an update of that webhook."
            )
        elif change.kind is ChangeKind.UPDATE and answer.status in (404, 409, 410):
            sentence = f"Connectly has no such webhook for {topic} any more and answers {words}; list anew and add it."
        elif change.kind is ChangeKind.REMOVE and answer.status in (404, 410):
            sentence = (
                f"Connectly has no such webhook for {topic} any more and answers {words}; there is nothing to remove."
            )
        else:
            return error
        return AdminError(error.kind, sentence, status=error.status, said=error.said, trace_id=error.trace_id)

    def _path(self, *rest: str) -> tuple[str, ...]:
        return ("v1", "businesses", self._account.business_id or "", *rest)
