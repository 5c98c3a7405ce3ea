"""Bird's Notifications API: webhook subscriptions, one for each event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from monitor.account import Account
from monitor.admin import bird_forms
from monitor.admin.answers import unintelligible
from monitor.admin.base import DEADLINE_S, AdminError, ApiAnswer, ApiRequest, Field, Portal, Trouble
from monitor.admin.http import Api
from monitor.admin.rest import Rest, meant, wanted
from monitor.model.registration import Change, ChangeKind, Registration, Spec

API_URL: Final = "https://api.bird.com"
PAGE: Final = 100  # subscriptions asked for at once, the most that Bird gives
MAX_PAGES: Final = 20  # behind the first
_MAX_TOKEN: Final = 8000  # characters of a page token, as Bird says


class BirdAdmin:
    """The client for one account: a workspace, in the organization's form of the path when the account names one."""

    provider = "bird"
    portal = Portal("Bird's web app, where the workspace is set up")
    needs_key = True  # signs with the key that a subscription is made with, and may never tell it again
    doubt: AdminError | None = None
    exclusive = False

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._rest = Rest(
            account,
            api,
            label="Bird",
            address=API_URL,
            header="Authorization",
            scheme="AccessKey ",
            place="workspace_id",
        )
        self._long = bool(account.organization_id)
        self._learnt = False
        self._events: dict[str, Mapping[str, tuple[str, ...]]] = dict(bird_forms.BUILT_IN)
        self._listed: tuple[Registration, ...] = ()

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return self._rest.host

    async def learn(self) -> None:
        """Ask for the events and filter keys of each service; a service that Bird says nothing of keeps those built in.

        Raises AdminError (AUTH, UNREACHABLE) when there was no answer at all.
        """
        if self._learnt or self.cannot(ChangeKind.ADD) is not None:
            return
        answers = await asyncio.gather(*(self._available(service) for service in bird_forms.SERVICES))
        found = [answer for answer in answers if not isinstance(answer, AdminError)]
        for answer in answers:
            if not found and isinstance(answer, AdminError) and answer.kind in (Trouble.AUTH, Trouble.UNREACHABLE):
                raise answer
        for events in found:
            self._events.update(events)
        self._learnt = True

    async def _available(self, service: str) -> Mapping[str, Mapping[str, tuple[str, ...]]] | AdminError:
        path = ("workspaces", self._account.workspace_id or "", "available-webhooks")
        try:
            answer = await self._rest.done(self._rest.request("GET", path, query={"service": service}))
            return bird_forms.offered(self._rest.object_of(answer).get("results"))
        except AdminError as error:
            return error

    def cannot(self, operation: ChangeKind | str) -> str | None:
        """Everything is offered to an account that has a workspace."""
        return self._rest.lacking()

    def fields(self, spec: Spec) -> Sequence[Field]:
        """Service, event and filters; the signing key is made, not asked for."""
        return bird_forms.fields(spec, self._events)

    def problems(self, spec: Spec, url: str | None) -> Mapping[str, str]:
        """What Bird's rules say against a form."""
        return bird_forms.problems(spec, url)

    def warnings(self, spec: Spec, url: str, target: Registration | None = None) -> Sequence[str]:
        """What to know before sending, also from the other subscriptions that were listed last."""
        others = [one for one in self._listed if target is None or one.id != target.id]
        return bird_forms.warnings(spec, url, others)

    def subject(self, spec: Spec) -> str:
        """``channels sms.outbound``, and the filters in alphabetical order."""
        return bird_forms.subject(spec)

    async def list(self) -> Sequence[Registration]:
        """All subscriptions of the workspace, page by page within one deadline. Raises AdminError."""
        ends = asyncio.get_running_loop().time() + DEADLINE_S
        found: tuple[Registration, ...] = ()
        tokens: set[str] = set()
        answer = await self._first_page(ends)
        while True:
            page = self._rest.object_of(self._rest.taken(answer))
            found += self._rest.listed(answer, page, "results", bird_forms.registration)
            token = page.get("nextPageToken")
            if not token:
                break
            if not isinstance(token, str) or len(token) > _MAX_TOKEN or token in tokens or len(tokens) == MAX_PAGES:
                raise unintelligible(answer, self._rest.label, "with pages without an end")
            tokens.add(token)
            answer = await self._rest.send(self._page(ends, long=self._long, token=token))
        self._listed = found
        return found

    async def _first_page(self, ends: float) -> ApiAnswer:
        """The answer to the list. A 404 may mean the path alone: the other form is asked once, and kept if it fits."""
        answer = await self._rest.send(self._page(ends, long=self._long))
        if answer.status == 404 and self._account.organization_id:
            other = await self._rest.send(self._page(ends, long=not self._long))
            if other.fine:
                self._long = not self._long
                return other
        return answer

    def _page(self, ends: float, *, long: bool, token: str | None = None) -> ApiRequest:
        query = {"limit": str(PAGE)} if token is None else {"limit": str(PAGE), "pageToken": token}
        left = max(round(ends - asyncio.get_running_loop().time(), 1), 0.1)
        return self._rest.request("GET", self._path(long=long), query=query, deadline_s=left)

    async def get(self, id_: str) -> Registration:
        """One subscription. Raises AdminError."""
        answer = await self._rest.done(self._rest.request("GET", self._path(id_)))
        found = bird_forms.registration(self._rest.object_of(answer))
        if found is None:
            raise unintelligible(answer, self._rest.label, "without the webhook's id")
        return found

    def request(self, change: Change) -> ApiRequest:
        """The exact request that ``perform`` sends.

        An update sends only what changes, from Bird's closed set; a spec that names the event is whole, so that one
        without filters clears them. Raises AdminError: UNSUPPORTED for what Bird cannot change, AUTH for an account
        without a workspace.
        """
        secrets = [change.signing_key]
        if change.kind is ChangeKind.ADD:
            body = bird_forms.creation(*wanted(change), change.signing_key)
            return self._rest.request("POST", self._path(), body=body, secrets=secrets)
        target = meant(change)
        if change.kind is ChangeKind.REMOVE:
            return self._rest.request("DELETE", self._path(target.id))
        body = bird_forms.alteration(change, target)
        return self._rest.request("PATCH", self._path(target.id), body=body, secrets=secrets)

    async def perform(self, change: Change) -> Registration | None:
        """Ask for the change; gives the registration as it is now, None after a removal. Raises AdminError."""
        answer = await self._rest.done(self.request(change))
        told = self._rest.object_of(answer)
        if change.kind is ChangeKind.REMOVE:
            return None
        if change.kind is ChangeKind.UPDATE:
            return await self._updated(change, told)
        spec, url = wanted(change)
        found = bird_forms.registration({**bird_forms.creation(spec, url, None), **told})
        if found is not None:
            return found
        before = {registration.id for registration in self._listed}
        return await self._rest.look_up(answer, self.list, self.subject(spec), url, known=before)

    async def _updated(self, change: Change, told: Mapping[str, Any]) -> Registration:
        """What an update led to: as it was told, else as it can be asked for, else as it was wished."""
        target = meant(change)
        wished = {**target.raw, **bird_forms.alteration(change, target), "id": target.id}
        if "id" not in told:
            try:
                return await self.get(target.id)
            except AdminError:
                pass
        return bird_forms.registration({**wished, **told}) or target

    def _path(self, *rest: str, long: bool | None = None) -> tuple[str, ...]:
        workspace = ("workspaces", self._account.workspace_id or "", "webhook-subscriptions", *rest)
        if self._long if long is None else long:
            return ("organizations", self._account.organization_id or "", *workspace)
        return workspace
