"""What the clients of the providers' APIs share: operations, what they need to be told, and one set of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from monitor.account import SETTINGS, Account
from monitor.admin.masking import mask
from monitor.model.attempt import is_success
from monitor.model.registration import Change, ChangeKind, Registration, Spec
from monitor.secret import Secret
from monitor.text import visible

DEADLINE_S: Final = 15.0
LIST: Final = "list"  # the operation that is no change


class Trouble(StrEnum):
    """Why a call to a provider's API did not do what was asked."""

    AUTH = "auth"  # the credentials are missing, wrong or not allowed this
    REFUSED = "refused"  # the provider understood and said no
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # there is one already
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"  # nothing was done: no connection, or broken before the request was sent
    UNCERTAIN = "uncertain"  # the request was sent and no answer came: perhaps it was done
    UNINTELLIGIBLE = "unintelligible"  # an answer came that cannot be understood
    UNSUPPORTED = "unsupported"  # the provider's API has no such operation


UNCHANGED: Final = "Nothing of this webhook would change; name what should."


class AdminError(Exception):
    """A call failed; the text is a whole sentence: what, why, what to do.

    ``said`` are the provider's own words, made visible and at most 300 characters; ``trace_id`` is what its support
    asks for; ``retry_after_s`` is how long it asks to wait.
    """

    def __init__(
        self,
        kind: Trouble,
        sentence: str,
        *,
        status: int | None = None,
        said: str = "",
        trace_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.status = status
        self.said = said
        self.trace_id = trace_id
        self.retry_after_s = retry_after_s

    @property
    def in_full(self) -> str:
        """The text, and what the provider's support asks for."""
        return f"{self} Its support will ask for the trace id {self.trace_id}." if self.trace_id else str(self)


def closed(error: AdminError) -> bool:
    """Whether an error is a provider's refusal to say what it offers, which it will repeat."""
    return error.kind in (Trouble.REFUSED, Trouble.AUTH) and (error.status or 0) < 500


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to a provider's API, ready to be sent or to be shown. ``body`` is JSON text; its secrets are in it as
    they are sent, and are hidden by ``shown``. ``deadline_s`` is for the whole call. ``reads`` says that the request
    changes nothing although it is no GET."""

    method: str
    url: str
    headers: tuple[tuple[str, str | Secret], ...] = ()
    body: str | None = field(default=None, repr=False)
    secrets: tuple[Secret, ...] = ()  # what stands in the body and must not be shown
    deadline_s: float = DEADLINE_S
    reads: bool = False

    @property
    def changes(self) -> bool:
        """Whether the provider may be another afterwards, so that no answer leaves open what was done."""
        return self.method != "GET" and not self.reads

    @property
    def hidden(self) -> tuple[Secret, ...]:
        """All secrets in it: none may be shown, also where an answer repeats it."""
        return (*(value for _, value in self.headers if isinstance(value, Secret)), *self.secrets)

    def shown(self) -> str:
        """The request as HTTP text for people: request line, headers, an empty line and the body, secrets masked."""
        lines = [f"{self.method} {self.url}"]
        lines += [f"{name}: {value.masked() if isinstance(value, Secret) else value}" for name, value in self.headers]
        return mask("\n".join([*lines, "", self.body] if self.body else lines), self.hidden)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What a provider's API answered to ``request``: header names in lower case, the body as it came."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)  # may hold secrets
    took_s: float
    request: ApiRequest

    @property
    def fine(self) -> bool:
        """Whether the API says that it did what was asked (2xx)."""
        return is_success(self.status)

    def header(self, name: str) -> str | None:
        """The first value of a header (name in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call for the log: when, what was asked (secrets masked), and what came. ``answer`` is the visible beginning
    of the body, ``error`` the sentence when the call failed; both ``status`` and ``error`` where an answer came that
    is not taken."""

    at: datetime
    account: str
    method: str
    url: str
    request: str
    status: int | None
    answer: str
    error: str | None
    took_s: float


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form for a new registration. ``choices`` are offered (``free`` lets others be typed too);
    ``many`` takes several, with commas. A flag has the choices ``no`` and ``yes``. ``empty`` says what it means to
    leave it empty."""

    name: str
    label: str
    help: str
    choices: tuple[str, ...] = ()
    free: bool = True
    many: bool = False
    required: bool = False
    default: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Portal:
    """Where a person does by hand what the API does not offer: a way in words, and an address or None."""

    where: str
    url: str | None = None


class Admin(Protocol):
    """The client of one provider's API for one account. Requests are built by pure functions, so that what is shown
    before is what is sent."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    @property
    def host(self) -> str:
        """The API's host, for people."""

    @property
    def portal(self) -> Portal:
        """Where the rest is done by hand."""

    @property
    def needs_key(self) -> bool:
        """Whether a new registration takes a signing key that we make."""

    @property
    def exclusive(self) -> bool:
        """Whether there can be one registration for a subject only, so that adding replaces."""

    @property
    def doubt(self) -> AdminError | None:
        """What kept the provider from saying what it offers, where all goes on without; None where nothing did."""

    async def learn(self) -> None:
        """Ask the provider what it offers (operations, events) until it says; till then what is built in holds.

        Raises AdminError only for AUTH and UNREACHABLE."""

    def cannot(self, operation: ChangeKind | str) -> str | None:
        """Why an operation (a kind of change, or ``LIST``) is not offered, as a sentence; None where it is."""

    def fields(self, spec: Spec) -> Sequence[Field]:
        """The form for a new registration, as far as ``spec`` decides what else is asked."""

    def problems(self, spec: Spec, url: str | None) -> Mapping[str, str]:
        """What is wrong with a form, by the name of the field (``url`` for the address); empty when it can be sent."""

    def warnings(self, spec: Spec, url: str, target: Registration | None = None) -> Sequence[str]:
        """What the user should know before sending, one sentence each; ``target`` is what is to be changed."""

    def subject(self, spec: Spec) -> str:
        """What a registration with this spec is for, in one line; the same text for the same job."""

    async def list(self) -> Sequence[Registration]:
        """What the provider has now. Raises AdminError."""

    def request(self, change: Change) -> ApiRequest:
        """The exact request that ``perform`` sends. Raises AdminError (UNSUPPORTED)."""

    async def perform(self, change: Change) -> Registration | None:
        """Ask for the change; gives the registration as it is now, None after a removal. Raises AdminError."""


def lacks(account: Account, field: str) -> str:
    """The sentence for an account without something that its API cannot be asked without.

    The environment makes an account only by its provider's name: it adds nothing to others.
    """
    setting = next(setting for setting in SETTINGS[account.provider] if setting.field == field)
    where = f", or {setting.variable} in the environment" if account.name == account.provider else ""
    return (
        f"The account {visible(account.name)} has no {setting.name}, without which its API cannot be asked; "
        f"set it with 'hooktop accounts change {visible(account.name)}'{where}."
    )
