"""Values of a stranger's JSON object, each checked for its type and size."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from monitor.config import TOKEN
from monitor.model.capture import Request
from monitor.providers.fields import iso_time, kind_of
from monitor.services.imports.problem import Wrong
from monitor.text import visible

MAX_TARGET: Final = 64 * 1024  # characters of a path or a query
MAX_HEADERS: Final = 1_000
MAX_HEADER_CHARS: Final = 256 * 1024  # all headers together
MAX_WORDS: Final = 2_000  # characters of a reason, a peer
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LINE_END: Final = re.compile(r"[\r\n\x00]")
_SINCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(9000, 1, 1, tzinfo=UTC)


def obj(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under a name. Raises Wrong."""
    found = holder.get(name)
    if not isinstance(found, dict):
        raise Wrong(f"{name} is not an object but {_kind(found)}")
    return found


def text(holder: dict[str, Any], name: str, at: str = "", *, limit: int | None = None) -> str:
    """The text under a name, which UTF-8 can hold. Raises Wrong."""
    found = holder.get(name)
    if not isinstance(found, str):
        raise Wrong(f"{at}{name} is not a text but {_kind(found)}")
    if limit is not None and len(found) > limit:
        raise Wrong(f"{at}{name} has {len(found):,} characters of {limit:,} at most")
    try:
        found.encode("utf-8")
    except UnicodeEncodeError:
        raise Wrong(f"{at}{name} has half a character (a lone surrogate)") from None
    return found


def optional_text(holder: dict[str, Any], name: str, at: str = "", *, limit: int = MAX_WORDS) -> str | None:
    """As ``text``; None for null and where there is nothing."""
    return None if holder.get(name) is None else text(holder, name, at, limit=limit)


def time(holder: dict[str, Any], name: str) -> datetime:
    """The RFC 3339 time under a name. Raises Wrong."""
    moment = iso_time(text(holder, name, limit=64))
    if moment is None or not _SINCE <= moment < _UNTIL:
        raise Wrong(f"{name} is not a time such as 2026-01-31T12:00:00Z")
    return moment


def status(holder: dict[str, Any]) -> int:
    """The HTTP status in a response, 0 where it is not known. Raises Wrong."""
    found = holder.get("status")
    if found is None:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= 999:
        raise Wrong("response.status is no HTTP status")
    return found


def request(
    method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, peer: str | None
) -> Request:
    """A request of parts that could have stood in one. Raises Wrong."""
    if not TOKEN.fullmatch(method) or len(method) > 32:
        raise Wrong(f"request.method is no method: {visible(method, limit=32)}")
    for name, part in (("path", path), ("query", query)):
        if len(part) > MAX_TARGET:
            raise Wrong(f"request.{name} has {len(part):,} characters of {MAX_TARGET:,} at most")
        if _CONTROL.search(part) or not _is_latin(part):
            raise Wrong(f"request.{name} has characters that stand in no request line")
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_CHARS:
        raise Wrong("request.headers are too many or too long")
    for name, value in headers:
        if not TOKEN.fullmatch(name):
            raise Wrong(f"request.headers has a name that is none: {visible(name, limit=64)}")
        if _LINE_END.search(value) or not _is_latin(value):
            raise Wrong(f"request.headers has a value that stands in no header: that of {visible(name, limit=64)}")
    return Request(method, path, query, tuple(headers), body, peer)


def _is_latin(part: str) -> bool:
    return part.isascii() or max(part) <= "\xff"


def _kind(value: Any) -> str:
    return "missing" if value is None else kind_of(value)
