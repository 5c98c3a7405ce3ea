"""What the certificates of others are checked with."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path


@cache
def trusted(more: Path | None = None) -> ssl.SSLContext:
    """What is trusted in the web, whatever the environment says, and the certificates (PEM) in a file of the user's
    own. Raises OSError for one that cannot be used."""
    import httpx  # has the roots

    context = httpx.create_ssl_context(trust_env=False)
    context.keylog_filename = None  # type: ignore[assignment]  # ssl itself obeys SSLKEYLOGFILE
    if more is not None:
        context.load_verify_locations(more)
    return context


def check(more: Path) -> None:
    """Raise OSError, whose ``strerror`` may be None, for a file that has no certificates (PEM) to trust."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(more)
