"""Secrets taken out of texts that are shown or logged: what is sent to a provider's API and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from monitor.secret import HIDDEN, Secret

_MEMBER: Final = re.compile(
    r'"[A-Za-z_-]{0,40}(?:signing_?key|api_?key|access_?key|private_?key|secret|secret_?key|password|credentials?'
    r'|authorization|(?<!page)(?<!page_)token)"\s*:\s*',
    re.IGNORECASE,
)
_MOST: Final = 64 * 1024  # bytes of an answer that are ever looked at for people
_DECODE: Final = json.JSONDecoder().raw_decode


def mask(text: str, secrets: Iterable[Secret] = ()) -> str:
    """The text without ``secrets``, as they are and as JSON or an address writes them, and without the values of JSON
    members that hold secrets by their name (``signingKey``, ``credentials``, ``webengageToken``, ...)."""
    forms: dict[str, str] = {}
    for secret in secrets:
        plain = secret.reveal()
        # An answer may repeat the token of "Bearer TOKEN" alone.
        for part in (plain, plain.rpartition(" ")[2]):
            for form in (part, json.dumps(part)[1:-1], part.replace("/", "\\/"), quote(part, safe="")):
                forms[form] = secret.masked()
    for form in sorted(filter(None, forms), key=len, reverse=True):
        text = text.replace(form, forms[form])
    return _without_members(text)


def beginning(body: bytes) -> str:
    """The beginning of an answer as text: more than is ever shown of it, and little enough to be masked at once."""
    return body[:_MOST].decode("utf-8", "backslashreplace")


def _without_members(text: str) -> str:
    kept: list[str] = []
    at = 0
    while (found := _MEMBER.search(text, at)) is not None:
        kept.append(text[at : found.end()])
        try:
            value, at = _DECODE(text, found.end())
        except (ValueError, RecursionError):  # broken off, or not JSON: nothing behind it is safe to show
            return "".join([*kept, HIDDEN])
        kept.append(_masked(value))
    return "".join([*kept, text[at:]])


def _masked(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value if value.startswith(HIDDEN) else Secret(value).masked(), ensure_ascii=False)
    return "null" if value is None else f'"{HIDDEN}"'
