"""What a provider is: the rooms that each provider package fills.

A provider is pure: functions of bytes, headers and keys, with the time as an argument. ``hooktop.providers`` is the
entry-point group through which third parties add one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict

if TYPE_CHECKING:
    from monitor.providers.keys import Key, SigningKey

# How sure a provider is that a request is its own; the surest wins, the order of the registry breaks ties.
NO_MATCH = 0
BY_BODY = 1
BY_HEADER = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """What the verification of one provider's captures may use.

    ``urls`` are the exact addresses that deliveries are known to be registered under, ``public_url`` the base (scheme
    and host) under which the world reaches the receiver; schemes that sign the URL need them. ``scheme_first`` is the
    scheme that matched last, tried first. ``why_none`` says why there is no key, where something went wrong.
    """

    keys: tuple[Key, ...] = ()
    urls: tuple[str, ...] = ()
    public_url: str | None = None
    scheme_first: str | None = None
    why_none: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A text that is or was signed, for people: how it was made and its bytes."""

    label: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody fictional. Numbers are from ranges that are reserved for fiction; the mail is at example.com."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scenario is played with: a seeded chance, a start time, a customer, a business number and a text."""

    rng: Random
    start: datetime
    customer: Person
    business: str
    text: str
    reply: str


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One delivery of a scenario: the body to post and when, in seconds after the scenario's start.

    ``signed_before`` is how long before the posting it was signed, in seconds: a retry keeps its first signed time.
    """

    after: float
    body: bytes
    content_type: str = "application/json"
    signed_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A believable run of events of one provider, in the order in which they happen.

    ``weight`` is how common it is in mixed traffic. ``documented`` is whether its provider documents such events: these
    together are what one can expect of it.
    """

    name: str
    summary: str
    build: Callable[[Scene], list[SimulatedEvent]]
    weight: int = 1
    documented: bool = True


class Provider(Protocol):
    """One messaging platform (or signing standard)."""

    @property
    def name(self) -> str:
        """The name in paths, filters and JSON: lower case, no blanks."""

    @property
    def label(self) -> str:
        """The name for people."""

    @property
    def signature_headers(self) -> tuple[str, ...]:
        """The request headers that carry a signature, in lower case."""

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The simulated traffic it offers; empty where there is none."""

    def recognise(self, request: Request, body: Body) -> int:
        """``NO_MATCH``, ``BY_BODY`` or ``BY_HEADER``."""

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        """The verdict on the raw request at the Unix time ``now``. Never raises."""

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        """What a right signature would have been made over: each candidate, most likely first."""

    def read(self, request: Request, body: Body) -> Reading:
        """The reading of the request. Never raises; what could not be read is in ``problems``."""

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        """The headers with which the provider would sign ``body`` posted to ``url`` at the Unix time ``at``."""

    def local_key(self) -> SigningKey:
        """A new random key of the kind this provider signs with."""

    def key(self, text: str, origin: str) -> Key:
        """A configured key (secret or public key text) as this provider uses it. Raises KeyProblem."""


@runtime_checkable
class Echoing(Protocol):
    """A provider that may send what the business itself sent in the very form of what a customer did."""

    def echo(self, reading: Reading) -> Reading:
        """The reading of a message that looked like an inbound one, and whose sender is the business."""


@runtime_checkable
class Addressed(Protocol):
    """A provider that signs the address that it posts to: what came to an earlier one cannot be checked by today's."""

    @property
    def signs_address(self) -> bool:
        """Whether it does."""
