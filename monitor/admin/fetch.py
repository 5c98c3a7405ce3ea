"""Fetching a provider's public key."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

import httpx

from monitor import __version__
from monitor.admin.http import TOO_SLOW, body_of, client, reason, redirect_target, unasked_encoding
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
    except TOO_SLOW:
        raise FetchError(f"{shown} did not send the public key within {deadline_s:g} s; try again later.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(
            f"{shown} cannot be reached: {reason(error)}; try again later, or set public_key to a file."
        ) from None


async def _get(url: str, shown: str, deadline_s: float) -> bytes:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"hooktop/{__version__}"}
    async with client(url, deadline_s) as http, http.stream("GET", url, headers=headers) as answer:
        if 300 <= answer.status_code < 400:
            raise FetchError(
                f"{shown} sends on to {redirect_target(url, answer)}, which hooktop does not follow; "
                "if that is right, set public_key to the new address."
            )
        if answer.status_code != 200:
            raise FetchError(f"{shown} answered {answer.status_code}, not with a public key; check the address.")
        if (encoding := unasked_encoding(answer)) is not None:
            raise FetchError(f"{shown} sent the public key in the encoding {encoding}, which was not asked for.")
        data = await body_of(answer, MAX_BYTES)
        if data is None:
            raise FetchError(f"{shown} sent more than {MAX_BYTES // 1024} KiB, so it is no public key.")
        return data


def without_query(url: str) -> str:
    """The address as it may be shown: a query may hold something secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
