"""What the desks of all accounts share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from monitor.account import Account
from monitor.admin.base import Admin, ApiCall
from monitor.services.reach import Reach
from monitor.services.signingkeys import SigningKeys
from monitor.store.registrations import RegistrationStore
from monitor.times import utc_now


class AskAlive(Protocol):
    """Asks whether a hooktop answers at an address."""

    def __call__(self, url: str) -> Awaitable[bool | None]:
        """False when surely nothing does, None when that cannot be told."""


class MakeAdmin(Protocol):
    """Makes the client of an account's API."""

    def __call__(self, account: Account, *, on_call: Callable[[ApiCall], None] | None = None) -> Admin:
        """Raises AdminError for an account that lacks something."""


@dataclass(slots=True)
class Office:
    """What all desks share. ``verified`` tells when a delivery was last verified with a key, by provider and
    fingerprint; ``demo`` counts simulated events as events."""

    reach: Reach
    store: RegistrationStore
    signing: SigningKeys
    make: MakeAdmin
    run: str
    alive: AskAlive | None = None
    read_only: bool = False
    demo: bool = False
    now: Callable[[], datetime] = utc_now
    on_call: Callable[[ApiCall], None] = lambda call: None
    changed: Callable[[], None] = lambda: None
    verified: dict[tuple[str, str], datetime] = field(default_factory=dict)
