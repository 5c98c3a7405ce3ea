"""Entries of an HTTP Archive, ours or a browser's, as captures."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from monitor.model.capture import Capture
from monitor.services.imports import checks
from monitor.services.imports.problem import Wrong
from monitor.services.imports.records import decoded, imported


def entries_of(archive: Any) -> list[Any]:
    """The entries of a parsed archive. Raises Wrong."""
    log = archive.get("log") if isinstance(archive, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise Wrong("it has no log.entries")
    return entries


def capture_of(entry: Any) -> Capture:
    """The capture of an entry. Raises Wrong."""
    if not isinstance(entry, dict):
        raise Wrong("it is not an object")
    request = checks.obj(entry, "request")
    own = entry.get("_hooktop")
    own = own if isinstance(own, dict) else {}
    path, query = _target(request)
    made = checks.request(
        checks.text(request, "method", "request."),
        path,
        query,
        _headers(request),
        _body(request),
        checks.optional_text(own, "peer", "_hooktop."),
    )
    response, verdict = entry.get("response"), own.get("verdict")
    return imported(
        made,
        checks.time(entry, "startedDateTime"),
        checks.status(response if isinstance(response, dict) else {}),
        verdict if isinstance(verdict, dict) else {},
    )


def _target(request: dict[str, Any]) -> tuple[str, str]:
    """Path and query: as they came where the file says so, else those of the address."""
    target = checks.optional_text(request, "_target", "request.", limit=2 * checks.MAX_TARGET)
    if target is None:
        url = checks.text(request, "url", "request.", limit=2 * checks.MAX_TARGET)
        rest = url.partition("://")[2].partition("#")[0]
        start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        target = rest[start:].encode("utf-8").decode("latin-1")
    path, _, query = target.partition("?")
    return path or "/", query


def _headers(request: dict[str, Any]) -> list[tuple[str, str]]:
    found = request.get("headers")
    if not isinstance(found, list):
        raise Wrong("request.headers is not a list")
    headers: list[tuple[str, str]] = []
    for item in found:
        if not isinstance(item, dict):
            raise Wrong("request.headers holds something that is not an object")
        name, value = (checks.text(item, key, "request.headers.") for key in ("name", "value"))
        if not name.startswith(":"):  # of HTTP/2, not a header
            headers.append((name, value if not value or max(value) <= "\xff" else _bytes_of(value)))
    return headers


def _bytes_of(value: str) -> str:
    """A header's value as its bytes in UTF-8 stand in a request."""
    return value.encode("utf-8").decode("latin-1")


def _body(request: dict[str, Any]) -> bytes:
    data = request.get("postData")
    if data is None:
        return b""
    if not isinstance(data, dict):
        raise Wrong("request.postData is not an object")
    at = "request.postData."
    if data.get("text") is None:
        return _form(data.get("params"))
    written = checks.text(data, "text", at)
    encoding = data.get("_encoding") or data.get("encoding")
    if encoding == "base64":
        return decoded(written, f"{at}text")
    if encoding is not None:
        raise Wrong(f"{at}_encoding is not base64")
    return written.encode("utf-8")


def _form(params: Any) -> bytes:
    """The body of a form that is given by its fields."""
    pairs: list[tuple[str, str]] = []
    for param in params if isinstance(params, list) else []:
        if not isinstance(param, dict):
            raise Wrong("request.postData.params holds something that is not an object")
        name = checks.text(param, "name", "request.postData.params.")
        pairs.append((name, checks.optional_text(param, "value", "request.postData.params.", limit=2**24) or ""))
    return urlencode(pairs).encode("ascii")
