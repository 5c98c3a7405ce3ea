"""A stand-in for a provider's API on loopback that answers one request after the other as a test has scripted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.admin.server import Asked, api, http
from tests.corpora import provider_reference


@asynccontextmanager
async def scripted(*answers: bytes | Callable[[Asked], bytes]) -> AsyncIterator[tuple[str, list[Asked]]]:
    """Yields the address and the requests. Each request takes the next answer; a function answers all that follow."""
    left = list(answers)

    async def next_answer(request: Asked) -> bytes:
        if not left:
            return http(b"nothing more is scripted", "599 Nothing")
        answer = left[0]
        if callable(answer):
            return answer(request)
        del left[0]
        return answer

    async with api(next_answer) as (url, asked):
        yield url, asked


def lines(asked: list[Asked]) -> list[str]:
    """Method and target of each request."""
    return [request.line.removesuffix(" HTTP/1.1") for request in asked]


def answer(value: Any = None, status: str = "200 OK", *headers: str) -> bytes:
    """An answer with a JSON body; with an empty one for None, with ``value`` itself when it is bytes."""
    body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
    return http(body, status, *headers)


def payload(name: str) -> bytes:
    """A payload file of the provider reference, such as ``bird/api_list_response.json``."""
    return (provider_reference() / "payloads" / name).read_bytes()
