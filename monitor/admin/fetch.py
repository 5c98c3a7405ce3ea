"""Fetching a provider's public key."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from monitor import __version__
from monitor.text import visible
from monitor.urls import web_address

MAX_BYTES: Final = 16 * 1024
DEADLINE_S: Final = 10.0


class FetchError(Exception):
    """A public key could not be fetched; the text is a whole sentence: what, why, what to do."""


async def fetch_public_key(url: str, *, deadline_s: float = DEADLINE_S) -> bytes:
    """What an address answers a GET with, as it came; 16 KiB and ``deadline_s`` seconds for the whole call at most.

    https only (http for hosts of this machine), no redirects, no proxies, no compression, no credentials. Raises
    FetchError.
    """
    try:
        web_address(url)
    except ValueError as error:
        raise FetchError(f"The public key's address cannot be used: {error}; mend it in the configuration.") from None
    shown = without_query(url)
    try:
        # httpx's own timeouts begin anew with every byte that drips in.
        async with asyncio.timeout(deadline_s):
            return await _get(url, shown, deadline_s)
    except (TimeoutError, httpx.TimeoutException):
        raise FetchError(f"{shown} did not send the public key within {deadline_s:g} s; try again later.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"{shown} cannot be reached: {_reason(error)}; try again later.") from None


async def _get(url: str, shown: str, deadline_s: float) -> bytes:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"hooktop/{__version__}"}
    tls = _tls() if url.startswith("https:") else False
    async with (
        httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=deadline_s) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        if 300 <= answer.status_code < 400:
            target = _target(url, answer.headers.get("location", ""))
            raise FetchError(
                f"{shown} sends on to {target}, which hooktop does not follow; "
                "if that is right, set public_key to the new address."
            )
        if answer.status_code != 200:
            raise FetchError(f"{shown} answered {answer.status_code}, not with a public key; check the address.")
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise FetchError(
                f"{shown} sent the public key in the encoding {visible(encoding, limit=40)}, which was not asked for."
            )
        data = bytearray()
        async for part in answer.aiter_raw():
            data += part
            if len(data) > MAX_BYTES:
                raise FetchError(f"{shown} sent more than {MAX_BYTES // 1024} KiB, so it is no public key.")
        return bytes(data)


def _tls() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.keylog_filename = None  # type: ignore[assignment]  # ssl itself obeys SSLKEYLOGFILE
    return context


def _target(url: str, location: str) -> str:
    """The host that a redirect leads to, for people."""
    try:
        host = urlsplit(urljoin(url, location)).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return visible(host, limit=200) or "another place"


def without_query(url: str) -> str:
    """The address as it may be shown: a query may hold something secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not valid for it"
        if isinstance(cause, ssl.SSLError):
            return "no secure connection could be made"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "there is no connection to it"
    if isinstance(error, httpx.RemoteProtocolError):
        return "its answer broke off or is not proper HTTP"
    return f"the connection broke off ({type(error).__name__})"
