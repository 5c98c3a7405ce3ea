"""Passing a capture on to an app, and what came of it. Who decides what goes where is ``services.forwards``."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from monitor.forwarding.outgoing import AddedHeader, UnsendableError, head, origin_form
from monitor.forwarding.target import Pin, Resolve, Target, TargetProblem, system_resolve, target_of
from monitor.forwarding.wire import Answer, BrokenOffError, Connection
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import Capture, Request
from monitor.text import visible
from monitor.times import utc_now
from monitor.tls import trusted

TIMEOUT_S: Final = 10.0
_NOT_SIGNED: Final = (18, 19, 20, 21)  # by nobody who is trusted: OpenSSL's X509_V_ERR_…_SELF_SIGNED_…, _UNABLE_TO_…
IDLE_S: Final = 1.0  # after which a connection is not used again: many servers close theirs after two


@dataclass(slots=True)
class _Route:
    """A target, its addresses, and connections to it that wait to be used again, with the time since when."""

    target: Target
    pin: Pin
    idle: list[tuple[Connection, float]] = field(default_factory=list)


class Forwarder:
    """Sends captures to apps, over connections that are kept for a moment. An asynchronous context manager.

    Follows no redirect, knows no proxy and no cookie, unpacks nothing. All methods are called from one event loop;
    as many exchanges are under way as the caller begins.
    """

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        headers: Sequence[AddedHeader] = (),
        resolve: Resolve = system_resolve,
        tls: Callable[[], ssl.SSLContext] = trusted,
    ) -> None:
        """``headers`` are added to every request; their secrets must not be references to the keyring."""
        self._timeout_s = timeout_s
        self._headers = tuple(headers)
        self._resolve = resolve
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._routes: dict[str, _Route] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that wait to be used again."""
        for route in self._routes.values():
            for connection, _ in route.idle:
                connection.close()
            route.idle.clear()
        await asyncio.sleep(0)  # the loop closes a socket in its next turn

    async def pass_on(
        self,
        capture: Capture,
        url: str,
        *,
        kind: AttemptKind = AttemptKind.FORWARD,
        request: Request | None = None,
        headers: Sequence[AddedHeader] = (),
        leaves: Callable[[], None] = lambda: None,
    ) -> Attempt:
        """Send a stored capture to ``url`` and read the answer; what goes wrong on the way is in the result.

        Where ``url`` has no path the capture's own is used. ``request`` is sent in place of the captured one (edited,
        signed anew), ``headers`` are added to those of the forwarder. ``leaves`` hears when it is written, which it
        never is where nothing takes the connection. The attempt is not kept: that is the caller's to do. Raises
        TargetProblem for an address that nothing is sent to.
        """
        route = self._routes.get(url)
        if route is None:
            target = target_of(url)
            route = self._routes[url] = _Route(target, Pin(target, self._resolve))
        sent = request or capture.request
        at, answer = utc_now(), Answer()
        failure, detail = await self._try(route, sent, capture.id, (*self._headers, *headers), answer, leaves)
        return Attempt(
            capture.id, kind, route.target.address(route.target.with_path(origin_form(sent))), at, answer.took_s,
            answer.status, failure, detail, tuple(answer.headers), bytes(answer.body), answer.size,
            changed=sent != capture.request,
        )  # fmt: skip

    async def _try(
        self,
        route: _Route,
        request: Request,
        capture: int,
        added: Sequence[AddedHeader],
        answer: Answer,
        leaves: Callable[[], None],
    ) -> tuple[Failure | None, str]:
        """Send and read into ``answer``; gives what went wrong, with more about it."""
        try:
            lines = head(request, capture, route.target, added)
            async with asyncio.timeout(self._timeout_s):
                connection = await self._connection(route)
                leaves()  # the exchange writes before it waits
                try:
                    await connection.exchange(lines, request.body, answer)
                finally:
                    if connection.usable:
                        route.idle.append((connection, time.monotonic()))
                    else:
                        connection.close()
        except UnsendableError as error:
            return Failure.UNSENDABLE, str(error)
        except TargetProblem as error:
            return Failure.FORBIDDEN, str(error)
        except BrokenOffError as error:
            return Failure.BROKEN, str(error)
        except TimeoutError:
            return Failure.TIMEOUT, f"it had {self._timeout_s:g} s"
        except ssl.SSLError as error:
            return Failure.UNTRUSTED, _tls_reason(error)
        except ConnectionRefusedError:
            return Failure.REFUSED, ""
        except OSError as error:
            return Failure.UNREACHABLE, visible(error.strerror or type(error).__name__, limit=200)
        return None, ""

    async def _connection(self, route: _Route) -> Connection:
        """One that waits, else a new one to the first address that takes it. Raises OSError and TargetProblem."""
        while route.idle:
            connection, since = route.idle.pop()
            if connection.usable and time.monotonic() - since < IDLE_S:
                return connection
            connection.close()
        target = route.target
        if target.secure and self._tls is None:
            self._tls = await asyncio.to_thread(self._make_tls)  # loads every certificate of the world
        addresses = await route.pin.addresses()
        trouble: OSError | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(self._timeout_s / len(addresses)):
                    connection = await Connection.open(
                        address, target.port, self._tls if target.secure else None, target.host
                    )
            except OSError as error:  # TimeoutError is one
                # The address that something is wrong with says more than one where nothing listens.
                if trouble is None or not isinstance(error, ConnectionRefusedError):
                    trouble = error
            else:
                route.pin.prefer(address)
                return connection
        route.pin.lose()
        raise trouble or OSError("the name has no address")


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"its certificate is not valid: {visible(error.verify_message, limit=200)}"
        return f"{said}; ca_file in [forward] names those of your own" if error.verify_code in _NOT_SIGNED else said
    return visible(error.reason or type(error).__name__, limit=200)
