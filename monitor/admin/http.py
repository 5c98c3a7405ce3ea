"""The one way to a provider's API: a request, its answer or one clear error, and a line for the log."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from monitor import __version__
from monitor.admin.base import AdminError, ApiAnswer, ApiCall, ApiRequest, Trouble
from monitor.admin.masking import beginning, mask
from monitor.secret import Secret
from monitor.text import visible
from monitor.times import utc_now
from monitor.tls import trusted
from monitor.urls import onward, web_address

MAX_BYTES: Final = 2 * 1024 * 1024
EXCERPT: Final = 20_000  # characters of an answer that the log keeps
TOO_SLOW: Final = (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout)
_SENT: Final = "http11.send_request_headers.complete"
_OWN_HEADERS: Final = (("Accept", "application/json"), ("User-Agent", f"hooktop/{__version__}"))
_LOOK_FIRST: Final = "what was asked may have been done, so see what is registered now before you ask again"


class Api:
    """Sends requests to a provider's API for one account, and tells ``on_call`` of each, secrets masked."""

    def __init__(
        self,
        account: str,
        *,
        on_call: Callable[[ApiCall], None] | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.account = account
        self._on_call = on_call
        self._now = now

    async def send(self, request: ApiRequest) -> ApiAnswer:
        """What the API answers, whatever its status but 3xx.

        https only (http for hosts of this machine), no redirects, no proxies, no compression, 2 MiB and the request's
        deadline at most; nothing is sent twice. With a body and without a Content-Type it is ``application/json``.
        Raises AdminError: UNREACHABLE when nothing was changed, UNCERTAIN when a change was sent and no whole answer
        came, UNINTELLIGIBLE for an answer that is not taken (a redirect, an encoding, too much), AUTH for a secret
        that no header can carry.
        """
        at, began = self._now(), perf_counter()
        try:
            answer = await _outcome(request, began)
        except asyncio.CancelledError:
            self._tell(request, at, perf_counter() - began, "cancelled")
            raise
        self._tell(request, at, perf_counter() - began, answer)
        if isinstance(answer, AdminError):
            raise answer
        return answer

    def _tell(self, request: ApiRequest, at: datetime, took_s: float, outcome: ApiAnswer | AdminError | str) -> None:
        if self._on_call is None:
            return
        status, answer, error = None, "", None
        if isinstance(outcome, ApiAnswer):
            status = outcome.status
            answer = mask(beginning(outcome.body), request.hidden)
        else:
            error = str(outcome)
            if isinstance(outcome, AdminError):
                status = outcome.status  # an answer came, and was not taken
        self._on_call(
            ApiCall(
                at=at,
                account=self.account,
                method=request.method,
                url=visible(mask(request.url, request.hidden)),
                request=visible(request.shown(), lines=True),
                status=status,
                answer=visible(answer, lines=True, limit=EXCERPT),
                error=error,
                took_s=took_s,
            )
        )


class _Attempt:
    """One request on its way: how far it came decides what an error means."""

    def __init__(self, request: ApiRequest) -> None:
        self.request = request
        self.host = visible(urlsplit(request.url).netloc)
        self.sent = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """What httpx calls at each step of its work."""
        self.sent = self.sent or event == _SENT

    def broken(self, why: str) -> AdminError:
        """The error when no whole answer came; ``why`` follows the host's name and holds nothing foreign."""
        if self.sent and self.request.changes:
            return AdminError(Trouble.UNCERTAIN, f"{self.host} {why}; {_LOOK_FIRST}.")
        return AdminError(Trouble.UNREACHABLE, f"{self.host} {why}; check the account's api_url or try again later.")

    def unusable(self, status: int, what: str, advice: str) -> AdminError:
        """The error for an answer that is not taken."""
        after = _LOOK_FIRST if self.request.changes else advice
        sentence = mask(f"{self.host} answered {status} {what}; {after}.", self.request.hidden)
        return AdminError(Trouble.UNINTELLIGIBLE, sentence, status=status)


async def _outcome(request: ApiRequest, began: float) -> ApiAnswer | AdminError:
    """The answer or the error; errors are given, not raised, so that none drags along httpx's, which know secrets."""
    try:
        web_address(request.url)
    except ValueError as error:
        return AdminError(
            Trouble.UNREACHABLE, f"The API's address cannot be used: {error}; mend the account's api_url."
        )
    headers = _headers(request)
    if isinstance(headers, AdminError):
        return headers
    attempt = _Attempt(request)
    try:
        # httpx's own timeouts begin anew with every byte that drips in.
        async with asyncio.timeout(request.deadline_s):
            return await _exchange(attempt, headers, began)
    except TOO_SLOW:
        return attempt.broken(f"did not answer within {request.deadline_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return attempt.broken(f"{'gave no whole answer' if attempt.sent else 'cannot be reached'}: {reason(error)}")


def _headers(request: ApiRequest) -> list[tuple[str, str]] | AdminError:
    own = _OWN_HEADERS if request.body is None else (*_OWN_HEADERS, ("Content-Type", "application/json"))
    given = {name.lower() for name, _ in request.headers}
    headers = [("Accept-Encoding", "identity"), *((name, value) for name, value in own if name.lower() not in given)]
    for name, value in request.headers:
        text = value.reveal() if isinstance(value, Secret) else value
        if not text.isascii() or not text.isprintable() or text != text.strip():
            return AdminError(
                Trouble.AUTH,
                f"The secret for the header {name} has a character that cannot be sent; enter the account anew.",
            )
        headers.append((name, text))
    return headers


async def _exchange(attempt: _Attempt, headers: Sequence[tuple[str, str]], began: float) -> ApiAnswer | AdminError:
    request = attempt.request
    async with (
        client(request.url, request.deadline_s) as http,
        http.stream(
            request.method,
            request.url,
            headers=list(headers),
            content=None if request.body is None else request.body.encode("utf-8", "replace"),
            extensions={"trace": attempt.trace},
        ) as answer,
    ):
        status = answer.status_code
        if 300 <= status < 400:
            target = redirect_target(request.url, answer)
            return attempt.unusable(
                status, f"and sends on to {target}, which hooktop does not follow", "if that is right, change api_url"
            )
        if (encoding := unasked_encoding(answer)) is not None:
            return attempt.unusable(status, f"in the encoding {encoding}, which was not asked for", "try again later")
        body = await body_of(answer, MAX_BYTES)
        if body is None:
            size = f"with more than {MAX_BYTES // 1024**2} MiB, which hooktop does not read"
            return attempt.unusable(status, size, "check the account's api_url")
        names = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers.raw)
        return ApiAnswer(status, names, body, perf_counter() - began, request)


def client(url: str, timeout_s: float) -> httpx.AsyncClient:
    """A client for one call to ``url``: nothing of the environment, no redirects, certificates checked."""
    verify = trusted() if url.startswith("https:") else False
    # A half for connecting and a half for TLS, since a handshake cancelled from outside leaves its socket open.
    timeout = httpx.Timeout(timeout_s, connect=timeout_s / 2)
    return httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=timeout)


async def body_of(answer: httpx.Response, limit: int) -> bytes | None:
    """The bytes of an answer as they came, or None when there are more than ``limit``."""
    data = bytearray()
    async for part in answer.aiter_raw():
        data += part
        if len(data) > limit:
            return None
    return bytes(data)


def redirect_target(url: str, answer: httpx.Response) -> str:
    """The host that a redirect leads to, for people."""
    to = onward(url, answer.headers.get("location", ""))
    return visible(to.netloc if to is not None else "", limit=200) or "another place"


def unasked_encoding(answer: httpx.Response) -> str | None:
    """The encoding of an answer, for people, where it is not the plain one."""
    encoding = answer.headers.get("content-encoding", "identity").strip()
    return None if encoding.lower() in ("", "identity") else visible(encoding, limit=40)


def reason(error: Exception) -> str:
    """Why httpx could not make a call, for people: no word of the request or the answer is in it but a host's name."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid for it ({visible(cause.verify_message, limit=120)})"
        if isinstance(cause, ssl.SSLError):
            return "no secure connection could be made"
        if isinstance(cause, socket.gaierror):
            return "no such host was found"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "there is no connection to it"
    if isinstance(error, httpx.RemoteProtocolError):
        return "its answer broke off or is not proper HTTP"
    return f"the connection broke off ({type(error).__name__})"
