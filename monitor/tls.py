"""What the certificates of others are checked with."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """What is trusted in the web, whatever the environment says."""
    import httpx  # has the roots

    context = httpx.create_ssl_context(trust_env=False)
    context.keylog_filename = None  # type: ignore[assignment]  # ssl itself obeys SSLKEYLOGFILE
    return context
