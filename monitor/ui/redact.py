"""What must not be shown of a request: credentials in headers, the token in the path."""

from __future__ import annotations

from typing import Final

from monitor.text import visible

HIDDEN: Final = "••••"
_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "accesskey", "api-key", "cookie", "set-cookie"}
)


def header_value(name: str, value: str) -> str:
    """A header's value, hidden where the header carries a credential (its scheme, such as Bearer, stays)."""
    if name.lower() not in _HEADERS:
        return value
    scheme, blank, rest = value.partition(" ")
    return f"{scheme} {HIDDEN}" if blank and rest and scheme.isalpha() else HIDDEN


def shown(text: str, token: str | None, *, limit: int = 4_000) -> str:
    """A foreign text made visible, with the secret path token hidden."""
    return target(visible(text, limit=limit), token)


def target(text: str, token: str | None) -> str:
    """A path or address with the secret path token hidden."""
    return text.replace(token, HIDDEN) if token else text
