"""What the clients of JSON APIs share in which every registration has an address of its own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from monitor.account import Account
from monitor.admin.answers import json_of, refused, unintelligible
from monitor.admin.base import DEADLINE_S, AdminError, ApiAnswer, ApiRequest, Trouble, lacks
from monitor.admin.http import Api
from monitor.jsonbody import Json, clean
from monitor.model.registration import Change, Registration, Spec
from monitor.secret import Secret
from monitor.text import visible

MAX_LISTED: Final = 2000  # more registrations than this are a mistake, not a list
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Rest:
    """JSON requests below the API address of an account, each with its API secret in ``header`` after ``scheme``.

    ``label`` is the provider's name for people, ``place`` the field of the account without which no path is known.
    """

    def __init__(
        self, account: Account, api: Api, *, label: str, address: str, header: str, place: str, scheme: str = ""
    ) -> None:
        self.label = label
        self._account = account
        self._api = api
        self._base = (account.api_url or address).rstrip("/")
        self._header = header
        self._scheme = scheme
        self._place = place

    @property
    def host(self) -> str:
        """The API's host, for people."""
        return visible(urlsplit(self._base).netloc)

    def lacking(self) -> str | None:
        """The sentence for an account without its place, for which nothing can be asked; None when it has one."""
        if getattr(self._account, self._place):
            return None
        return lacks(self._account, self._place)

    def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        secrets: Iterable[Secret | None] = (),
        deadline_s: float = DEADLINE_S,
    ) -> ApiRequest:
        """A request for ``path``; ``secrets`` are those in the body.

        Raises AdminError: AUTH when the account lacks its place, NOT_FOUND for a part of the path that would lead
        elsewhere (empty, ``.`` or ``..``).
        """
        if (why := self.lacking()) is not None:
            raise AdminError(Trouble.AUTH, why)
        if not {"", ".", ".."}.isdisjoint(path):
            raise AdminError(
                Trouble.NOT_FOUND, f"{self.label} has no webhook with such an id; list anew and choose one of those."
            )
        url = "/".join([self._base, *(_quoted(part) for part in path)])
        if query:
            url += "?" + "&".join(f"{name}={_quoted(value)}" for name, value in query.items())
        secret = self._account.api_secret or Secret("")
        kind = () if body is None else (("Content-Type", "application/json"),)
        return ApiRequest(
            method,
            url,
            ((self._header, Secret(self._scheme + secret.reveal())), *kind, ("Accept", "application/json")),
            None if body is None else clean(json.dumps(body, ensure_ascii=False, separators=(",", ":"))),
            tuple(part for part in secrets if part),
            deadline_s,
        )

    async def send(self, request: ApiRequest) -> ApiAnswer:
        """The answer, whatever its status. Raises AdminError when there is none."""
        return await self._api.send(request)

    async def done(self, request: ApiRequest) -> ApiAnswer:
        """The answer when its status is 2xx. Raises AdminError."""
        return self.taken(await self.send(request))

    def taken(self, answer: ApiAnswer) -> ApiAnswer:
        """The same answer. Raises AdminError when its status is not 2xx."""
        if not answer.fine:
            raise refused(answer, self.label)
        return answer

    def object_of(self, answer: ApiAnswer) -> dict[str, Any]:
        """The JSON object of an answer; an empty one where the body is empty or other JSON. Raises AdminError
        (UNINTELLIGIBLE)."""
        value = json_of(answer, self.label) if answer.body.strip() else None
        return value if isinstance(value, dict) else {}

    def listed(
        self, answer: ApiAnswer, holder: Json, name: str, read: Callable[[Json], Registration | None]
    ) -> tuple[Registration, ...]:
        """The registrations in the list ``name`` of an answer's object. Raises AdminError (UNINTELLIGIBLE)."""
        items = holder.get(name, ...) if isinstance(holder, dict) else ...
        items = [] if items is None else items
        if not isinstance(items, list):
            raise unintelligible(answer, self.label, "without a list of webhooks")
        if len(items) > MAX_LISTED:
            raise unintelligible(answer, self.label, f"with more than {MAX_LISTED} webhooks")
        found = [read(item) for item in items]
        if None in found:
            raise unintelligible(answer, self.label, "with a webhook that has no id")
        return tuple(registration for registration in found if registration is not None)

    async def look_up(
        self,
        answer: ApiAnswer,
        ask: Callable[[], Awaitable[Sequence[Registration]]],
        subject: str,
        url: str,
        *,
        known: Collection[str] = (),
    ) -> Registration:
        """The registration that an answer without an id made: the newest in the list with this subject and address
        whose id was not ``known`` before. Raises AdminError (UNINTELLIGIBLE) when it is not there."""
        try:
            listed = await ask()
        except AdminError:
            listed = ()
        made = [found for found in listed if (found.subject, found.url) == (subject, url) and found.id not in known]
        if not made:
            raise unintelligible(answer, self.label, "without the id of the new webhook")
        return max(made, key=lambda found: found.created_at or _EARLIEST)


def wanted(change: Change) -> tuple[Spec, str]:
    """The spec and the address of what is to be added. Raises AdminError (REFUSED) when one is missing."""
    if change.spec is None or not change.url:
        raise AdminError(Trouble.REFUSED, "There is no public address yet; start a tunnel or set the public URL.")
    return change.spec, change.url


def meant(change: Change) -> Registration:
    """The registration that is to be changed or removed. Raises AdminError (NOT_FOUND) when it is not said."""
    if change.target is None:
        raise AdminError(Trouble.NOT_FOUND, "It is not said which webhook is meant; list anew and choose one.")
    return change.target


def filled(**fields: str | None) -> dict[str, str]:
    """A spec of those fields that are not empty."""
    return {name: text for name, text in fields.items() if text}


def written(items: Iterable[str]) -> str:
    """Items as the list of a spec."""
    return ",".join(item.strip().replace(",", "%2C") for item in items)


def items_of(text: str | None) -> tuple[str, ...]:
    """The items of a spec's list, without blanks around them, each once; the inverse of ``written``."""
    items = (item.strip().replace("%2C", ",") for item in (text or "").split(","))
    return tuple(dict.fromkeys(item for item in items if item))


def _quoted(part: str) -> str:
    return quote(part, safe="", errors="replace")
