"""What is turned away although it could be stored: web pages elsewhere, and floods of what nobody can verify.

What is verified always passes, and so does who knows the path token: strangers can have neither.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Collection
from typing import Final

from monitor.model.capture import Capture, Request, Source
from monitor.model.verdict import VerdictStatus
from monitor.services.reach import Reach
from monitor.urls import hostname, is_loopback

FOREIGN_PAGE: Final = 403
FOREIGN_HOST: Final = 421
TOO_MANY: Final = 429
FULL: Final = 503
BURST_S: Final = 10  # for so many seconds' worth may come at once
SENDERS: Final = 4096  # whose rates are remembered
EVERY: Final = "*"
_WHY: Final = {
    FOREIGN_PAGE: "a web page elsewhere sends here; [receiver] allowed_hosts names those that may",
    FOREIGN_HOST: "a web page sends here under another name; [receiver] allowed_hosts names those that may",
    TOO_MANY: "an address sends more than [receiver] unproven_rate of what nobody can verify",
    FULL: "more comes of what nobody can verify than the history has room for ([store] max_size)",
}
log = logging.getLogger(__name__)


class Gate:
    """Decides on captures that are about to be stored."""

    def __init__(
        self,
        reach: Reach,
        allowed_hosts: Collection[str] = (),
        unproven_rate: int = 0,
        *,
        full: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``unproven_rate`` is in requests per second and sender, 0 for any; ``full`` tells whether there is no room in
        the history."""
        self._reach = reach
        self._allowed = frozenset(allowed_hosts)
        self._rate = unproven_rate
        self._full = full
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # by sender: requests it may still send, and when that was
        self._told: set[int] = set()

    def refuses(self, capture: Capture) -> int | None:
        """The status to answer a request with that is not to be stored, None for all others."""
        if (
            capture.verdict.status is VerdictStatus.VERIFIED
            or capture.source is not Source.NETWORK
            or capture.origin.token
        ):
            return None
        status = self._of_page(capture.request)
        if status is None and self._rate and not self._has_turn(capture.origin.peer or ""):
            status = TOO_MANY
        if status is None and self._full():
            status = FULL
        if status is not None and status not in self._told:
            self._told.add(status)
            log.warning("answered %d: %s", status, _WHY[status])
        return status

    def _of_page(self, request: Request) -> int | None:
        """Browsers say where a page is from, with every request that is no GET or HEAD, and servers do not
        (https://fetch.spec.whatwg.org/#append-a-request-origin-header). So no provider is refused for its Host, which
        tunnels and proxies set as they like; and a page that had its name turned to this machine is."""
        public = self._reach.public_url
        if public is None or (origin := request.header("origin")) is None or EVERY in self._allowed:
            return None
        names = self._allowed | {_host_of(public)}
        host = _host_of(f"//{request.header('host') or ''}")
        if host not in names and not _is_no_public_name(host):
            return FOREIGN_HOST
        page = _host_of(origin)
        return None if page in names or is_loopback(page) or page.endswith(".localhost") else FOREIGN_PAGE

    def _has_turn(self, peer: str) -> bool:
        sender, now = _sender(peer), self._clock()
        most = self._rate * BURST_S
        left, at = self._buckets.pop(sender, (most, now))
        left = min(left + (now - at) * self._rate, most)
        self._buckets[sender] = (max(left - 1, 0), now) if left >= 1 else (left, now)
        if len(self._buckets) > SENDERS:
            del self._buckets[next(iter(self._buckets))]  # who was quiet for longest
        return left >= 1


def _sender(peer: str) -> str:
    """Who an address belongs to, as far as it tells: of IPv6 everybody has 2 to the 64th of them."""
    if ":" not in peer:
        return peer
    try:
        return ipaddress.IPv6Address(peer).packed[:8].hex()
    except ValueError:
        return peer


def _host_of(url: str) -> str:
    return hostname(url).rstrip(".")  # with the dot it is the same host


def _is_no_public_name(host: str) -> bool:
    """Whether no stranger can have this name turned to this machine: an address, or a name of this network."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host != "" and ("." not in host or host.endswith(".localhost"))
    return True
